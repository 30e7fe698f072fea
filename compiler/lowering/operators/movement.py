"""Operators that move numbers and compute nothing."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from compiler.ir.ops import Pad, Repeat, Reshape, Slice, Transpose
from compiler.ir.values import Value
from compiler.keras_file.jsons import shown
from compiler.lowering.arithmetic import join, part, reshape
from compiler.lowering.operators.operator import Operator
from compiler.lowering.shapes import axes_of, axis_of, known, reshaped

MOST_PARTS = 1024


def _reshape(op: Operator, x: Any) -> Value:
    x, target = op.tensor(x), op.integers("newshape")
    open_batch = target[0] == -1 and x.name not in op.unbatched
    if not (open_batch or (op.batch is not None and target[0] == op.batch)) or any(n < 1 for n in target[1:]):
        raise op.error(f"newshape={shown(target)} is not supported", hint="Leave the batch open: (-1, ...).")
    shape = reshaped(op, x, target[1:])
    # A name of its own, where the same numbers are told apart by what their first axis is.
    return op.emit(Reshape, x, shape=shape) if x.name in op.unbatched else reshape(op, x, shape)


def _transposed(op: Operator, x: Value, order: list[int]) -> Value:
    """Axes in another order, given as Keras counts them."""
    if sorted(order) != list(range(len(x.shape) + 1)) or order[0]:
        raise op.error(f"axes={order} is no order of the axes behind the batch")
    permutation = tuple(axis - 1 for axis in order[1:])
    return op.emit(Transpose, x, permutation=permutation)


def _transpose(op: Operator, x: Any) -> Value:
    x = op.tensor(x)
    rank = len(x.shape) + 1
    return _transposed(op, x, [axis + rank if axis < 0 else axis for axis in op.integers("axes")])


def _swap(op: Operator, x: Any) -> Value:
    x = op.tensor(x)
    order = list(range(len(x.shape) + 1))
    a, b = (axis_of(op, x, op.take(key), key) + 1 for key in ("axis1", "axis2"))
    order[a], order[b] = order[b], order[a]
    return _transposed(op, x, order)


def _move(op: Operator, x: Any) -> Value:
    x = op.tensor(x)
    source, destination = (
        [axis_of(op, x, axis, key) + 1 for axis in op.integers(key)] for key in ("source", "destination")
    )
    pairs = sorted(zip(destination, source, strict=False))
    if len(source) != len(destination) or len(set(source)) != len(source) or len(set(destination)) != len(source):
        raise op.error("source and destination do not name the same number of axes")
    order = [axis for axis in range(len(x.shape) + 1) if axis not in source]
    for place, axis in pairs:
        order.insert(place, axis)
    return _transposed(op, x, order)


def _expand(op: Operator, x: Any) -> Value:
    x, places = op.tensor(x), op.integers("axis")
    rank = len(x.shape) + len(places)
    new = {place - 1 if place > 0 else place + rank for place in places}
    if len(new) != len(places) or not all(0 <= place < rank for place in new) or 0 in places:
        raise op.error(f"axis={shown(places)} is no place for an axis behind the batch")
    old = iter(x.shape)
    return reshape(op, x, [1 if place in new else next(old) for place in range(rank)])


def _squeeze(op: Operator, x: Any) -> Value:
    x = op.tensor(x)
    axes = axes_of(op, x) if op.take("axis", None) is not None else [i for i, n in enumerate(x.shape) if n == 1]
    if any(x.shape[axis] != 1 for axis in axes):
        raise op.error(f"the axes {list(axes)} of {x.shape} are not all of length 1")
    return reshape(op, x, [n for axis, n in enumerate(x.shape) if axis not in axes])


def _concatenate(op: Operator, arguments: Any) -> Value:
    values = op.tensors(arguments)
    axis = axis_of(op, values[0], op.take("axis", -1))
    _agree(op, values, axis)
    return join(op, values, axis)


def _stack(op: Operator, arguments: Any) -> Value:
    values = op.tensors(arguments)
    _agree(op, values, None)
    rank, place = len(values[0].shape) + 1, op.integers("axis")[0]
    axis = place - 1 if place > 0 else place + rank
    along_batch = place == 0 and op.batch == 1
    axis = 0 if along_batch else axis
    if not 0 <= axis < rank or (not place and not along_batch):
        raise op.error(f"axis={place} is no place for an axis behind the batch")
    shape = values[0].shape
    rows = [reshape(op, value, (*shape[:axis], 1, *shape[axis:]), "_row") for value in values]
    y = join(op, rows, axis)
    if along_batch:
        # With a batch of one, the same numbers in the same order.
        op.unbatched.add(y.name)
    return y


def _agree(op: Operator, values: list[Value], axis: int | None) -> None:
    shapes = {tuple(n for i, n in enumerate(value.shape) if i != axis) for value in values}
    if len(shapes) != 1:
        raise op.error(f"the shapes {[value.shape for value in values]} do not go together")


def _split(op: Operator, x: Any) -> tuple[Value, ...]:
    """In so many equal parts, or before those indices."""
    x, where = op.tensor(x), op.take("indices_or_sections")
    axis = axis_of(op, x, op.take("axis", 0))
    length = known(op, x, axis, "splitting")
    if type(where) is int and 0 < where <= MOST_PARTS and length % where == 0:
        cuts = [*range(0, length, length // where)]
    elif isinstance(where, list | tuple) and all(type(n) is int for n in where):
        cuts = [0, *where]
    else:
        raise op.error(f"{shown(where)} does not split an axis of {length}")
    return _parts(op, x, axis, [*cuts, length])


def _split_sizes(op: Operator, x: Any) -> tuple[Value, ...]:
    """In parts of those sizes, as TensorFlow has it."""
    x, counts = op.tensor(x), op.integers("sizes")
    axis = axis_of(op, x, op.take("axis", 0))
    length = known(op, x, axis, "splitting")
    cuts = [sum(counts[:i]) for i in range(min(len(counts), MOST_PARTS) + 1)]
    if cuts[-1] != length:
        raise op.error(f"parts of {shown(counts)} do not make up an axis of {length}")
    return _parts(op, x, axis, cuts)


def _unstack(op: Operator, x: Any) -> tuple[Value, ...]:
    x, axis = op.tensor(x), axis_of(op, op.tensor(x), op.take("axis", 0))
    length = known(op, x, axis, "taking apart")
    op.expect("num", None, length)
    rows = _parts(op, x, axis, list(range(min(length, MOST_PARTS) + 1)))
    return tuple(reshape(op, row, (*x.shape[:axis], *x.shape[axis + 1 :])) for row in rows)


def _parts(op: Operator, x: Value, axis: int, cuts: list[int]) -> tuple[Value, ...]:
    pairs = list(pairwise(cuts))
    if len(pairs) > MOST_PARTS or cuts[-1] != x.shape[axis] or any(start >= end for start, end in pairs):
        raise op.error(f"it does not cut an axis of {x.shape[axis]} at {shown(cuts)} into at most {MOST_PARTS} parts")
    return tuple(part(op, x, axis, start, end - start) for start, end in pairs)


def _flip(op: Operator, x: Any) -> Value:
    x = op.tensor(x)
    for axis in axes_of(op, x):
        last = known(op, x, axis, "turning round") - 1
        x = op.emit(Slice, x, axis=axis, start=last, step=-1)
    return x


def _repeat(op: Operator, x: Any) -> Value:
    x, times = op.tensor(x), op.size("repeats")
    axis = axis_of(op, x, op.take("axis", None))
    return op.emit(Repeat, x, axis=axis, times=times)


def _pad(op: Operator, x: Any) -> Value:
    x, width = op.tensor(x), op.take("pad_width")
    op.expect("mode", "constant", "CONSTANT")
    value = 0.0 if op.take("constant_values", None) is None else op.number("constant_values", 0.0)
    pairs = width if isinstance(width, list | tuple) else ()
    fits = len(pairs) == len(x.shape) + 1 and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs)
    if not fits or not all(type(n) is int and 0 <= n < 1 << 20 for pair in pairs for n in pair) or any(pairs[0]):
        raise op.error(f"pad_width={shown(width)} is not (before, after) for each axis behind the batch")
    pads = tuple((before, after) for before, after in pairs[1:])
    return op.emit(Pad, x, padding=pads, value=value)


def _get_item(op: Operator, x: Any, index: Any) -> Value:
    """x[index], which counts the batch among the axes."""
    x = op.tensor(x)
    entries = _spelled_out(op, index if isinstance(index, tuple) else (index,), len(x.shape) + 1)
    if entries[0] not in (slice(None), slice(0, None), slice(None, None, 1), slice(0, None, 1)):
        raise op.error(f"[{entries[0]}, ...] picks from the batch", hint="Begin with a colon.")
    axis, shape = 0, []
    for entry in entries[1:]:
        if entry is None:
            shape.append(1)
            continue
        x = _cut(op, x, axis, entry)
        if isinstance(entry, slice):
            shape.append(x.shape[axis])
        axis += 1
    return reshape(op, x, shape)


def _spelled_out(op: Operator, index: tuple[Any, ...], rank: int) -> list[Any]:
    """One entry for each axis, and None for each new one."""
    used = sum(entry is not None and entry is not Ellipsis for entry in index)
    dots = [i for i, entry in enumerate(index) if entry is Ellipsis]
    kinds = all(entry is None or entry is Ellipsis or isinstance(entry, slice) or type(entry) is int for entry in index)
    if not kinds or len(dots) > 1 or used > rank or len(index) > 2 * rank + 8:
        raise op.error(f"an index of {shown(index)} is not supported", hint="Supported: slices and whole numbers.")
    rest = [slice(None)] * (rank - used)
    where = dots[0] if dots else len(index)
    return [*index[:where], *rest, *index[where + 1 :]]


def _cut(op: Operator, x: Value, axis: int, entry: slice | int) -> Value:
    """A stretch of one axis; the axis stays, with length 1 behind a single index."""
    length = x.shape[axis]
    if entry == slice(None):
        return x
    if length is None:
        # Without a known end only the beginning can be cut off.
        open_end = isinstance(entry, slice) and entry.stop is None and entry.step in (None, 1)
        if not open_end or (entry.start or 0) < 0:
            known(op, x, axis, f"the index {entry}")
        return op.emit(Slice, x, axis=axis, start=entry.start or 0) if entry.start else x
    if isinstance(entry, int):
        if not -length <= entry < length:
            raise op.error(f"the index {entry} is outside an axis of {length}")
        return part(op, x, axis, entry % length, 1)
    if entry.step == 0:
        raise op.error("a slice with a step of 0")
    picked = range(*entry.indices(length))
    if not picked:
        raise op.error(f"{entry} leaves nothing of an axis of {length}")
    if len(picked) == length and picked.step == 1:
        return x
    return op.emit(Slice, x, axis=axis, start=picked.start, step=picked.step, count=len(picked))


OPERATORS: dict[str, Callable[..., Any]] = {
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Swapaxes": _swap,
    "Moveaxis": _move,
    "ExpandDims": _expand,
    "Squeeze": _squeeze,
    "Concatenate": _concatenate,
    "Stack": _stack,
    "Split": _split,
    "SplitSizes": _split_sizes,
    "Unstack": _unstack,
    "Flip": _flip,
    "Repeat": _repeat,
    "Pad": _pad,
    "GetItem": _get_item,
}
