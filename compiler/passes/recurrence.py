"""Between which values the states of a recurrent graph stay: intervals that one step leads back into themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from compiler.errors import CompileError
from compiler.ir.graph import Graph
from compiler.ir.ops import Binary, Op, UnitDelay
from compiler.ir.values import State

Interval = tuple[np.ndarray, np.ndarray]  # of the value's shape each: the least and the greatest number
Ranges = dict[str, Interval]

ROUNDS, GUESS_EVERY = 200, 6
NARROWED, ENOUGH = 40, 0.01  # rounds in which intervals that hold are brought closer, until they move by so little
BEYOND = 2.0**100  # no state that grows so far comes to rest


def delayed_states(graph: Graph) -> tuple[State, ...]:
    """The states that are read before they are computed anew."""
    names = {op.state for op in graph.ops if isinstance(op, UnitDelay)}
    return tuple(state for state in graph.states if state.name in names)


def settled_ranges(graph: Graph, step: Callable[..., Ranges]) -> Ranges:
    """The ranges of all values, for ever.

    An interval that a step leads into itself holds for ever, however it was found. They are looked for from the initial
    states on, step by step; now and then each is taken as far as it would go if it went on by the same ratio.

    Args:
        step: The ranges of all values, from those of the states before; with `outwards`, none narrower than exact
            arithmetic would have it.

    Raises:
        CompileError: None was found.
    """
    states = delayed_states(graph)
    begun = {state.name: state.initial.astype(np.float64) for state in states}
    held: Ranges = {name: (initial, initial) for name, initial in begun.items()}
    moved: list[Ranges] = []

    def after(before: Ranges) -> Ranges:
        ranges = step(before, outwards=True)
        return {state.name: _hull((begun[state.name],) * 2, ranges[state.value.name]) for state in states}

    for round_ in range(1, ROUNDS + 1):
        reached = after(held)
        if _all_within(reached, held):
            return step(_narrowed(held, after))
        grown = {name: _hull(held[name], reached[name]) for name in held}
        moved = [*moved[-2:], _moves(grown, held)]
        if round_ % GUESS_EVERY == 0:
            far = {name: _rest(*(moves[name] for moves in moved), grown[name]) for name in held}
            grown = {name: (lo - far[name][0], hi + far[name][1]) for name, (lo, hi) in grown.items()}
        before, held = held, grown
        if not all(np.abs(end).max(initial=0) < BEYOND for ends in held.values() for end in ends):
            break
    growing = [state for state in states if not _within(reached[state.name], before[state.name])]
    raise CompileError(
        "as far as intervals tell, its state may grow without end",
        layer=growing[0].value.layer,
        hint="Give --calibrate a recording of what the model will be given, or compute with --numbers float.",
    )


def _narrowed(held: Ranges, after: Callable[[Ranges], Ranges]) -> Ranges:
    """Intervals within some that hold for ever, which do so too: one step further, or where further steps lead to."""
    moved: list[Ranges] = []
    for _ in range(NARROWED):
        reached = after(held)
        moved = [*moved[-2:], _moves(held, reached)]
        if all(_is_small(moved[-1][name], reached[name]) for name in held):
            return reached
        if len(moved) == 3:
            near = {name: _rest(*(moves[name] for moves in moved)) for name in held}
            guess = {name: (lo + 0.98 * near[name][0], hi - 0.98 * near[name][1]) for name, (lo, hi) in reached.items()}
            ordered = all((lo <= hi).all() for lo, hi in guess.values())
            if ordered and _all_within(after(guess), guess):
                held, moved = guess, []
                continue
        held = reached
    return held


def _moves(outer: Ranges, inner: Ranges) -> Ranges:
    """How far the ends of some intervals lie within those of others."""
    return {name: (inner[name][0] - outer[name][0], outer[name][1] - inner[name][1]) for name in outer}


def _rest(first: Interval, second: Interval, third: Interval, ends: Interval | None = None) -> Interval:
    """How far ends will still move, after three moves, if each goes on being the same part of the one two before; with
    `ends`, a little more than that, and much more where moves do not fall."""
    found = []
    for n, (a, b, c) in enumerate(zip(first, second, third, strict=True)):
        ratio = np.divide(c, a, out=np.full_like(c, 2.0), where=a > 0)
        rest = np.where(ratio < 1, (b + c) * ratio / np.maximum(1 - ratio, 1e-12), 0.0)
        if ends is not None:
            size = np.abs(ends[n])
            rest = np.where(ratio < 1, 1.001 * rest + 1e-9 * size, 4 * size)
            rest = np.where(b + c > 0, rest, 0.0)
        found.append(rest)
    return found[0], found[1]


def _is_small(moves: Interval, ends: Interval) -> bool:
    return all((move <= ENOUGH * np.abs(end)).all() for move, end in zip(moves, ends, strict=True))


def _all_within(inner: Ranges, outer: Ranges) -> bool:
    return all(_within(inner[name], outer[name]) for name in outer)


def _hull(a: Interval, b: Interval) -> Interval:
    return np.minimum(a[0], b[0]), np.maximum(a[1], b[1])


def _within(inner: Interval, outer: Interval) -> bool:
    return bool((inner[0] >= outer[0]).all() and (inner[1] <= outer[1]).all())


def between(graph: Graph, op: Op, ranges: Mapping[str, Interval]) -> Interval | None:
    """The range of a sum that moves a value a part of the way to another, a + z * (b - a) with z from 0 to 1: it stays
    between the two, which intervals alone do not see."""
    if not isinstance(op, Binary) or op.function != "add":
        return None
    for start, moved in (op.inputs, op.inputs[::-1]):
        product = graph.producer(moved)
        if not isinstance(product, Binary) or product.function != "multiply":
            continue
        for part, way in (product.inputs, product.inputs[::-1]):
            difference = graph.producer(way)
            towards = isinstance(difference, Binary) and difference.function == "subtract"
            if not towards or difference.inputs[1].name != start.name or start.shape != op.output.shape:
                continue
            end, (lo, hi) = difference.inputs[0], ranges[part.name]
            if end.shape == part.shape == op.output.shape and lo.min() >= 0 and hi.max() <= 1:
                return _hull(ranges[start.name], ranges[end.name])
    return None
