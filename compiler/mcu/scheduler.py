"""Graph -> schedule: the steps of one sample or one frame, where each value lies, and what is remembered."""

from __future__ import annotations

from dataclasses import replace
from weakref import WeakKeyDictionary

import numpy as np

from compiler.ir.graph import Graph
from compiler.ir.operation import Op
from compiler.mcu.fixed_scheduler import FixedScheduler
from compiler.mcu.float_scheduler import FloatScheduler
from compiler.mcu.interpreter import Arithmetic, rings_at_rest
from compiler.mcu.packing import Kernels
from compiler.mcu.schedule import Schedule

# A graph never changes, so it is scheduled once, whether a target is asked for its opinion, its code or a run.
_known: WeakKeyDictionary[Graph, Schedule] = WeakKeyDictionary()


def make_schedule(graph: Graph, kernels: Kernels = "c") -> Schedule:
    """The schedule of a stream graph or of a frame graph whose shapes are known.

    Args:
        kernels: Whose order of terms the constants of silence are to come from; nothing else depends on it.

    Raises:
        CompileError: Naming the first layer that this target cannot compute.
    """
    made = layout(graph)
    if not made.rings:
        return made
    resting = _scheduled(_what_states_need(graph), graph)
    scratch = {
        ctype: max(made.scratch.get(ctype, 0), resting.scratch.get(ctype, 0))
        for ctype in {**made.scratch, **resting.scratch}
    }
    made = replace(made, rest=resting.steps, scratch=scratch)
    return made if graph.recurrent else _with_silence(made, kernels)


def layout(graph: Graph) -> Schedule:
    """The schedule of a graph without what belongs to its rest: its steps, and where each value lies.

    Raises:
        CompileError: Naming the first layer that this target cannot compute.
    """
    if graph not in _known:
        _known[graph] = _scheduled(graph)
    return _known[graph]


def _scheduled(graph: Graph, whole: Graph | None = None) -> Schedule:
    numbers = FixedScheduler if any(value.format is not None for value in graph.inputs) else FloatScheduler
    return numbers(graph, whole).run()


def _with_silence(made: Schedule, kernels: Kernels) -> Schedule:
    """With what the rings hold when zeros have come in for ever, to the bit that the C itself would come to: in a
    deep network, the last places of one layer are amplified by those behind it."""
    zeros = [np.zeros(port.place.size) for port in made.inputs]
    silences = [rings_at_rest(made, *zeros, arithmetic=Arithmetic(kernels, fused)) for fused in (True, False)]
    rings = tuple(replace(ring, silence=tuple(each[ring.name] for each in silences)) for ring in made.rings)
    return replace(made, rings=rings)


def _what_states_need(graph: Graph) -> Graph:
    """The graph without outputs, and without the operations that no state depends on."""
    wanted = {state.value.name for state in graph.states}
    kept: list[Op] = []
    for op in reversed(graph.ops):
        if op.output.name in wanted:
            wanted |= {value.name for value in op.inputs}
            kept.append(op)
        elif op.state_read is not None:
            kept.append(op)  # it says that the state is kept
    return replace(graph, outputs=(), output_keys=(), warm_ups=(), ops=tuple(reversed(kept)))
