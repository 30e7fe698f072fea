"""Step 3: the same functions, data parallel: every device holds a part of the points, all hold the line.

The parts need not be of one size: each device gives the sum over its points divided by the number of all points, so
that the sum over devices is the mean over points. A mean of the parts' means would weigh points in small parts more.
"""

import contextlib

import tensorflow as tf

from zoo.line.descent import Descent
from zoo.line.gradient import START, Line, gradient, update
from zoo.line.points import Points


def devices(count: int) -> list[str]:
    """The names of as many logical devices, which share the processor.

    Where TensorFlow has already run something in this process its devices stand, and parts take turns on them.
    """
    processor = tf.config.list_physical_devices("CPU")[0]
    with contextlib.suppress(RuntimeError):
        tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * count)
    names = [device.name for device in tf.config.list_logical_devices("CPU")]
    return [names[index % len(names)] for index in range(count)]


def fit(points: Points, descent: Descent, names: list[str]) -> Line:
    """The line after all steps of a descent, on these devices.

    Raises:
        ValueError: more devices than points.
    """
    count = len(points.x)
    if len(names) > count:
        raise ValueError(f"{len(names)} devices cannot share {count} points: each needs one at least")
    edges = [round(count * index / len(names)) for index in range(len(names) + 1)]
    parts = []
    for name, begin, end in zip(names, edges, edges[1:], strict=False):
        with tf.device(name):
            parts.append((tf.constant(points.x[begin:end]), tf.constant(points.y[begin:end])))
    slope, intercept = _descender(names, descent, count)(parts)
    return float(slope), float(intercept)


def _descender(names: list[str], descent: Descent, count: int) -> tf.types.experimental.GenericFunction:
    """A graph that takes the parts, [(x, y), ...], one for each device, to the line."""

    def share(values: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(values) / count

    @tf.function
    def descend(parts: list[tuple[tf.Tensor, tf.Tensor]]) -> Line:
        start = tuple(tf.constant(value, tf.float64) for value in START)
        still = tuple(tf.zeros_like(value) for value in start)

        def step(line: Line, velocity: Line) -> tuple[Line, Line]:
            shares = []
            for name, (x, y) in zip(names, parts, strict=True):
                with tf.device(name):
                    shares.append(gradient(line, x, y, share))
            whole = tuple(tf.add_n(one) for one in zip(*shares, strict=True))
            return update(line, velocity, whole, descent)

        line, _ = tf.while_loop(lambda line, velocity: True, step, (start, still), maximum_iterations=descent.steps)
        return line

    return descend
