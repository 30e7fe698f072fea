"""y = mx + b: the smallest worked example of the project, in five steps of one screen each, and what they must meet.

In reading order:

    points.py            points along a line, and three ways to write their x; numpy only
    descent.py           rate, momentum and steps, out of the curvature; numpy only
    gradient.py          1. gradient and update as pure functions; numpy only
    compiled.py          2. the same functions, compiled into one graph
    parallel.py          3. the same functions, on several devices, each with a part of the points
    layer.py             4. a Keras layer, loss and optimizer
    ensemble.py          5. several lines as one model
    normal_equation.py   the answer, in closed form; numpy only
    recipe.py            how many points, devices and lines
    experiment.py        `train`, `evaluate`, `show`: all of the above in one call
    picture.py           points and lines, and how far each step is from the answer
    command.py           the same from the command line

Everything computes in float64: where x runs from 1 to 1.001, the curvature is 50 million times greater in one direction
than in the other, and the rounding of float32 alone would move the slope by about one.
"""
