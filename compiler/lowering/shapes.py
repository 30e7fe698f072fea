"""Axes, sizes and paddings: from the way Keras counts to the way the graph does."""

from __future__ import annotations

import math
from typing import Any

from compiler.ir.values import Shape, Value
from compiler.lowering.layer import Layer, whole


def channels_last(layer: Layer) -> None:
    """Refuses another order of axes."""
    layer.expect("data_format", "channels_last", None)


def sizes(layer: Layer, key: str, count: int, *, least: int = 1) -> tuple[int, ...]:
    """As many whole numbers as there are axes of space; one number stands for all of them."""
    value = layer.take(key)
    numbers = [whole(n) for n in (value if isinstance(value, list | tuple) else [value] * count)]
    if len(numbers) != count or not all(n is not None and n >= least for n in numbers):
        raise layer.error(f"{key}={value!r} is not {count} whole numbers of at least {least}")
    return tuple(numbers)


def axis_of(layer: Layer, x: Value, axis: Any, key: str = "axis") -> int:
    """Keras counts the batch among the axes, or from the end; the graph knows no batch."""
    rank = len(x.shape)
    if type(axis) is not int or not (-rank <= axis < 0 or 1 <= axis <= rank):
        raise layer.error(f"{key}={axis!r} is no axis of a value of rank {rank}", hint="Axis 0 is the batch.")
    return axis - 1 if axis > 0 else axis + rank


def axes_of(layer: Layer, x: Value, key: str = "axis", default: Any = -1) -> tuple[int, ...]:
    """One axis or a list of several, in ascending order, each once."""
    value = layer.take(key, default)
    listed = value if isinstance(value, list | tuple) else [value]
    axes = sorted(axis_of(layer, x, axis, key) for axis in listed)
    if not axes or len(set(axes)) != len(axes):
        raise layer.error(f"{key}={value!r} does not name different axes")
    return tuple(axes)


def known(layer: Layer, x: Value, axis: int, why: str) -> int:
    """The length of an axis, which has to be known."""
    length = x.shape[axis]
    if length is None:
        raise layer.error(f"{why} needs an input of known length", hint="Give the Input a fixed number of steps.")
    return length


def windowed(
    layer: Layer, x: Value, padding: str, size: tuple[int, ...], strides: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[tuple[int, int], ...]:
    """Padding of each axis of space for windows that move over it, as TensorFlow has them.

    Args:
        padding: 'valid', 'causal' or 'same'; the last adds the odd zero behind.

    Returns:
        Zeros (before, after) for each axis of space.
    """
    if padding not in ("valid", "causal", "same"):
        raise layer.error(f"padding={padding!r} is not supported", hint="Supported: 'valid', 'same', 'causal'.")
    pads = []
    for axis, (taps, stride, step) in enumerate(zip(size, strides, dilation, strict=True)):
        reach, length = (taps - 1) * step, x.shape[axis]
        before, after = (reach, 0) if padding == "causal" else (0, 0)
        if padding == "same" and stride == 1:
            before, after = reach // 2, reach - reach // 2
        elif padding == "same":
            length = known(layer, x, axis, f"padding='same' with strides of {stride}")
            total = max((-(-length // stride) - 1) * stride + reach + 1 - length, 0)
            before, after = total // 2, total - total // 2
        pads.append((before, after))
        windows = None if length is None else (length + before + after - reach - 1) // stride + 1
        if windows is not None and windows < 1:
            raise layer.error(f"its windows reach over {reach + 1} steps, its input has {length}")
    return tuple(pads)


def reshaped(layer: Layer, x: Value, target: tuple[int, ...]) -> Shape:
    """The shape a value takes on where `target` may hold one -1 for what is left over.

    A time axis of unknown length has to stay what it is: the first.
    """
    rest = math.prod(n for n in target if n != -1)
    if None in x.shape:
        steps = math.prod(x.shape[1:]) if None not in x.shape[1:] else 0
        if target[:1] != (-1,) or rest != steps:
            raise layer.error(
                f"it would mix a time axis of unknown length with others: {x.shape} to {target}",
                hint="Give the Input a fixed number of steps.",
            )
        return (None, *target[1:])
    total = math.prod(x.shape)
    missing = total // rest if rest else 0
    shape = tuple(missing if n == -1 else n for n in target)
    if math.prod(shape) != total:
        raise layer.error(f"{total} numbers do not fit the shape {target}")
    return shape
