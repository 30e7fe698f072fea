"""States that a model is given and gives back: fed into frames, kept within streams.

A recurrent layer with an `initial_state` is a Scan that reads, beside its sequence, what its states begin from.
Frames take such states as any other input. A stream keeps them: a state that goes in and comes out again, in the same
shape and order, is a loop that closes, and neither is then an input or an output any more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from compiler.errors import CompileError
from compiler.ir import interpreter
from compiler.ir.graph import Graph, Scan, rewrite
from compiler.ir.operation import Op
from compiler.ir.ops import (
    Binary,
    Concatenate,
    Constant,
    Convolution,
    Pad,
    Repeat,
    Reshape,
    Slice,
    Transpose,
    UnitDelay,
)
from compiler.ir.values import Shape, State, Value
from compiler.names import Namer
from compiler.passes.dead_code import remove_dead_code

MOVES = (Concatenate, Repeat, Reshape, Slice, Transpose)


@dataclass
class Emitter:
    """Collects operations that belong to the layer of one value, under its name."""

    like: Value
    namer: Namer
    ops: list[Op] = field(default_factory=list)

    def __call__(self, kind: type[Op], inputs: Sequence[Value], suffix: str, *, shape: Any = (), **more: Any) -> Value:
        """The output of a new operation; a shape is needed for a Reshape alone."""
        output = replace(self.like, name=self.namer(f"{self.like.name}_{suffix}"), shape=tuple(shape), folded=())
        op = kind(inputs=tuple(inputs), output=output, **more)
        self.ops.append(replace(op, output=replace(output, shape=op.output_shape())))
        return self.ops[-1].output


def namer_of(graph: Graph) -> Namer:
    """Hands out names that no value of a graph has."""
    return Namer({value.name for value in graph.inputs} | {op.output.name for op in graph.ops})


def feed_states(graph: Graph) -> Graph:
    """Frames: a Scan that begins from given states becomes one that begins from zero and is told them with its input.

    At the first step they are added to the zero that each state is then; later, zeros are. Over one step nothing is
    left to run: the body is the layer.
    """
    namer = namer_of(graph)

    def transform(op: Op) -> Op | list[Op]:
        if not isinstance(op, Scan) or len(op.inputs) == 1:
            return op
        emit = Emitter(op.output, namer)
        x, *states = op.inputs
        if x.shape[0] == 1:
            element = emit(Reshape, (x,), "element", shape=x.shape[1:])
            y, _ = inline(op, element, states, emit)
            return [*emit.ops, Reshape(inputs=(y,), output=op.output)]
        steps = x.shape[0]
        parts = [x]
        for state in states:
            row = emit(Reshape, (state,), "row", shape=(1, *state.shape))
            pads = (steps - 1, 0) if op.reverse else (0, steps - 1)
            parts.append(emit(Pad, (row,), "first", padding=(pads, (0, 0))))
        told = emit(Concatenate, parts, "told", axis=1)
        return [*emit.ops, replace(op, inputs=(told,), body=_told(op, told.shape[1]))]

    return rewrite(graph, transform)


def _told(scan: Scan, width: int) -> Graph:
    """The body of a Scan that finds, behind its element, what to add to the states."""
    body = scan.body
    (old,) = body.inputs
    emit = Emitter(old, namer_of(body))
    element = replace(old, name=emit.namer(f"{old.name}_told"), shape=(width,))
    env = {old.name: emit(Slice, (element,), "own", axis=0, start=0, count=old.shape[0])}
    start, given = old.shape[0], {}
    for state, _ in zip(body.states, scan.inputs[1:], strict=False):
        (size,) = state.value.shape
        given[state.name] = emit(Slice, (element,), "state", axis=0, start=start, count=size)
        start += size
    for op in body.ops:
        emit.ops.append(replace(op, inputs=tuple(env.get(value.name, value) for value in op.inputs)))
        if isinstance(op, UnitDelay) and op.state in given:
            env[op.output.name] = emit(Binary, (op.output, given[op.state]), "begun", function="add")
    return replace(body, inputs=(element,), ops=tuple(emit.ops))


def inline(scan: Scan, element: Value, before: Sequence[Value], emit: Emitter) -> tuple[Value, dict[str, Value]]:
    """One step of a Scan's body: its output, and each state's value behind it by the state's name.

    Args:
        before: The first of its states before the step; the others are at their initial values.
    """
    body = scan.body
    env, states = {body.inputs[0].name: element}, dict(zip((state.name for state in body.states), before, strict=False))
    for state in body.states:
        if state.name not in states:
            states[state.name] = emit(Constant, (), "begin", value=state.initial)
    for op in body.ops:
        if isinstance(op, UnitDelay):
            env[op.output.name] = states[op.state]
            continue
        output = replace(op.output, name=emit.namer(f"{scan.output.name}_{op.output.name}"))
        env[op.output.name] = output
        emit.ops.append(replace(op, inputs=tuple(env[value.name] for value in op.inputs), output=output))
    return env[body.outputs[0].name], {state.name: env[state.value.name] for state in body.states}


# Loops. Each number of an input, and each number of a state behind the last step, has an id; what only moves numbers
# moves their ids, so that two places hold the same number where they hold the same id.

Ids = dict[str, np.ndarray]
Group = tuple[str, ...]  # the Scans of one call of a layer: they run over the same sequence from the same states


def close_loops(graph: Graph) -> Graph:
    """Streams: states that go in and come out are kept within, and are no inputs and outputs any more.

    Raises:
        CompileError: A state that goes in does not come out again, or serves for something else as well.
    """
    if all(len(op.inputs) == 1 for op in graph.ops if isinstance(op, Scan)):
        return graph
    ids = _ids(graph)
    constants = {op.output.name: op.value for op in graph.ops if isinstance(op, Constant)}
    follows = _follows(graph, ids, constants)
    loops = {
        value.name: _way_out(graph, value, ids, follows)
        for value in graph.inputs
        if value.name in ids and np.isin(ids[value.name], list(follows.values())).any()
    }

    def transform(op: Op) -> Op:
        if not isinstance(op, Scan) or len(op.inputs) == 1:
            return op
        begun = [
            replace(state, initial=constants.get(value.name, np.zeros(value.shape)))
            for state, value in zip(op.body.states, op.inputs[1:], strict=False)
        ]
        body = replace(op.body, states=(*begun, *op.body.states[len(begun) :]))
        return replace(op, inputs=op.inputs[:1], body=body, stateful=True)

    kept = [index for index in range(len(graph.outputs)) if index not in loops.values()]
    if not kept:
        raise CompileError("gives back states and nothing else", layer=graph.outputs[0].layer)
    closed = rewrite(graph, transform)
    keys = tuple(graph.output_keys[index] for index in kept) if graph.output_keys else ()
    outputs = tuple(closed.outputs[index] for index in kept)
    closed = remove_dead_code(replace(closed, outputs=outputs, output_keys=keys))
    for value in graph.inputs:
        if value.name in loops and closed.consumers(value):
            reader = closed.consumers(value)[0].output.layer
            raise CompileError(f"is a state that '{reader}' reads as well, {NOT_KEPT}", layer=value.layer, hint=HINT)
    names = graph.output_names
    notes = [
        f"the stream keeps the state that goes in by '{value.layer}' and comes out by '{names[loops[value.name]]}'"
        for value in graph.inputs
        if value.name in loops
    ]
    inputs = tuple(value for value in graph.inputs if value.name not in loops)
    return replace(closed, inputs=inputs, warm_ups=(), notes=(*graph.notes, *notes))


NOT_KEPT = "so that a stream cannot keep it"
HINT = "In whole frames (--mode frame) states go in and come out as they are."


def _ids(graph: Graph) -> Ids:
    """The ids of every value that inputs or states are moved into."""
    ids: Ids = {}
    given = 0

    def fresh(shape: Shape) -> np.ndarray:
        nonlocal given
        given += math.prod(shape)
        return np.arange(given - math.prod(shape), given, dtype=np.float64).reshape(shape)

    # An input that no state begins from, a sequence say, may be large, and needs none.
    begun = _sources(graph)
    ids |= {value.name: fresh(value.shape) for value in graph.inputs if value.name in begun and None not in value.shape}
    states: dict[Group, list[np.ndarray]] = {}
    for op in graph.ops:
        if isinstance(op, Scan) and len(op.inputs) > 1:
            own = states.setdefault(_group(op), [fresh(state.value.shape) for state in op.body.states])
            within: Ids = {state.value.name: array for state, array in zip(op.body.states, own, strict=True)}
            _move(op.body, within)
            end = within.get(op.body.outputs[0].name)
            if end is not None and (not op.sequences or op.inputs[0].shape[0] == 1):
                ids[op.output.name] = end[None] if op.sequences else end
        else:
            _move(replace(graph, ops=(op,)), ids)
    ids |= {f"{'/'.join(group)}/{number}": array for group, own in states.items() for number, array in enumerate(own)}
    return ids


def _sources(graph: Graph) -> set[str]:
    """The names of all values that are moved into what states begin from."""
    found: set[str] = set()
    pending = [value for op in graph.ops if isinstance(op, Scan) for value in op.inputs[1:]]
    while pending:
        value = pending.pop()
        if value.name not in found:
            found.add(value.name)
            op = graph.producer(value)
            pending += op.inputs if isinstance(op, MOVES) else ()
    return found


def _group(op: Scan) -> Group:
    return (op.output.layer, *(value.name for value in op.inputs))


def _move(graph: Graph, ids: Ids) -> None:
    """Adds the ids of what a graph's operations move."""
    for op in graph.ops:
        if isinstance(op, MOVES) and all(value.name in ids for value in op.inputs):
            part = Graph("part", "frame", op.inputs, (op.output,), (op,))
            arrays = [ids[value.name][None] for value in op.inputs]
            ids[op.output.name] = interpreter.evaluate(part, arrays)[op.output.name][0]


def _follows(graph: Graph, ids: Ids, constants: Mapping[str, np.ndarray]) -> dict[float, float]:
    """For each number of a state behind the last step, the number of an input that it began from."""
    follows: dict[float, float] = {}
    for op in graph.ops:
        for number, value in enumerate(op.inputs[1:] if isinstance(op, Scan) else ()):
            if value.name in constants:
                continue
            if value.name not in ids:
                raise CompileError(
                    f"begins from a state that '{value.layer}' computes, {NOT_KEPT}", layer=op.output.layer, hint=HINT
                )
            ends = ids[f"{'/'.join(_group(op))}/{number}"]
            follows |= dict(zip(ends.reshape(-1).tolist(), ids[value.name].reshape(-1).tolist(), strict=True))
    return follows


def _way_out(graph: Graph, state: Value, ids: Ids, follows: Mapping[float, float]) -> int:
    """The output that gives back what begins from an input, in its shape and order."""
    for index, output in enumerate(graph.outputs):
        found = ids.get(output.name)
        if found is not None and found.shape == state.shape:
            began = [follows.get(end) for end in found.reshape(-1).tolist()]
            if began == ids[state.name].reshape(-1).tolist():
                return index
    raise CompileError(
        f"is a state that no output gives back in its shape and order, {NOT_KEPT}", layer=state.layer, hint=HINT
    )


# One call of the model is one sample.


def stream_of_calls(graph: Graph) -> Graph | None:
    """A model over one step whose recurrent layers keep their states from call to call, as a stream of calls.

    Returns:
        None where the model is of another kind: over more steps, without such a layer, or with a convolution.
    """
    scans = [op for op in graph.ops if isinstance(op, Scan)]
    fits = all(len(op.inputs) == 1 and op.inputs[0].shape[0] == 1 for op in scans)
    if not fits or not any(op.stateful for op in scans) or any(isinstance(op, Convolution) for op in graph.ops):
        return None
    if any(None in value.shape for value in graph.inputs):
        return None
    namer = namer_of(graph)
    kept: list[State] = []

    def transform(op: Op) -> Op | list[Op]:
        if not isinstance(op, Scan):
            return op
        emit = Emitter(op.output, namer)
        names = {state.name: namer(f"{op.output.name}_{state.name}") for state in op.body.states}
        before = [
            emit(UnitDelay, (), "before", shape=state.value.shape, state=names[state.name])
            for state in (op.body.states if op.stateful else ())
        ]
        element = emit(Reshape, op.inputs, "element", shape=op.inputs[0].shape[1:])
        y, behind = inline(op, element, before, emit)
        if op.stateful:
            kept.extend(replace(state, name=names[state.name], value=behind[state.name]) for state in op.body.states)
        return [*emit.ops, Reshape(inputs=(y,), output=op.output)]

    inlined = rewrite(graph, transform)
    return remove_dead_code(replace(inlined, mode="stream", states=tuple(kept)))
