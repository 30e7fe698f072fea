"""What numbers of any type have in common on their way into steps: where a value lies already, moves, loops, boxes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from compiler.errors import CompileError
from compiler.ir import ops
from compiler.ir.operation import Op, Pads
from compiler.mcu import steps, strides
from compiler.mcu.places import Place
from compiler.mcu.steps import Boxes, Compute

MOST_AXES = 8  # NN_MOST_AXES of firmware/runtime/nn_strided.h


def part(op: Op, sources: tuple[Place, ...]) -> Place | None:
    """Where the value of an operation lies already, if it does: a stretch of its input, as it is."""
    if isinstance(op, ops.Reshape):
        return sources[0]
    if not isinstance(op, ops.Slice | ops.Transpose | ops.Concatenate | ops.Repeat | ops.ZeroInsertion | ops.Pad):
        return None
    motions = strides.motions(op)
    if len(motions) != 1 or op.inputs[0].size < op.output.size:
        return None
    (motion,) = motions
    if (motion.walk.is_run(0) and motion.walk.is_run(1)) or op.output.size == 1:
        return replace(sources[0], offset=sources[0].offset + motion.start[0], size=op.output.size)
    return None


def moves(op: Op, sources: tuple[Place, ...], target: Place) -> list[Compute]:
    """A movement: one step for each input, behind one that fills what they leave open."""
    found: list[Compute] = []
    motions = strides.motions(op)
    if isinstance(op, ops.Pad | ops.ZeroInsertion):
        value = op.value if isinstance(op, ops.Pad) else 0.0
        found.append(steps.Fill(name=op.output.name, sources=(), target=target, value=float(np.float32(value))))
    for source, motion in zip(sources if motions else (), motions, strict=True):
        walk = few(motion.walk, op.output.layer)
        found.append(steps.Move(name=op.output.name, sources=(source,), target=target, walk=walk, start=motion.start))
    return found


def few(walk: strides.Walk, layer: str) -> strides.Walk:
    if walk.rank > MOST_AXES:
        raise CompileError(f"a loop over {walk.rank} axes, more than {MOST_AXES}", layer=layer)
    return walk


def boxes(op: Op, taps: tuple, moves: tuple, dilation: tuple, padding: Pads) -> Boxes:
    space, places = op.inputs[0].shape[:-1], op.output.shape[:-1]
    if len(space) not in (1, 2):
        raise CompileError(f"boxes over {len(space)} axes of space; 1 or 2 are possible", layer=op.output.layer)

    def two(numbers: tuple[int, ...], missing: int) -> tuple[int, int]:
        return (missing, *numbers) if len(numbers) == 1 else tuple(numbers)

    before = two(tuple(before for before, _ in padding), 0)
    return Boxes(two(space, 1), two(places, 1), two(taps, 1), two(moves, 1), two(dilation, 1), before)


def grouped(op: ops.Convolution) -> tuple[Boxes, np.ndarray, bool]:
    """The boxes of a convolution, its kernel as (groups, taps * channels of a group, filters of a group), and whether
    a group is one channel of several."""
    kernel, x = op.kernel, op.inputs[0].shape
    found = boxes(op, kernel.shape[: len(x) - 1], op.strides, op.dilation, op.padding)
    flat = kernel.reshape(-1, op.groups, kernel.shape[-1] // op.groups).swapaxes(0, 1)
    return found, flat, 1 < op.groups == x[-1]


def is_product(boxes: Boxes, groups: int) -> bool:
    """Whether each box is one place of what it moves over, so that a convolution is a product."""
    return groups == 1 and boxes.box == 1 and set(boxes.strides) == {1} and boxes.space == boxes.steps
