"""Step 2: the same functions, compiled: one graph takes all the steps, without Python in between."""

import tensorflow as tf

from zoo.line.descent import Descent
from zoo.line.gradient import START, Line, gradient, update
from zoo.line.points import Points


def fit(points: Points, descent: Descent) -> Line:
    """The line after all steps of a descent."""
    slope, intercept = _descend(tf.constant(points.x), tf.constant(points.y), descent)
    return float(slope), float(intercept)


@tf.function
def _descend(x: tf.Tensor, y: tf.Tensor, descent: Descent) -> Line:
    start = tuple(tf.constant(value, x.dtype) for value in START)
    still = tuple(tf.zeros_like(value) for value in start)

    def step(line: Line, velocity: Line) -> tuple[Line, Line]:
        return update(line, velocity, gradient(line, x, y, tf.reduce_mean), descent)

    line, _ = tf.while_loop(lambda line, velocity: True, step, (start, still), maximum_iterations=descent.steps)
    return line
