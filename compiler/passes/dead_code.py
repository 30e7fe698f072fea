"""Dead code: what no output depends on goes."""

from __future__ import annotations

from dataclasses import replace

from compiler.ir.graph import Graph


def remove_dead_code(graph: Graph) -> Graph:
    """Keeps what the outputs depend on."""
    fed_back = {state.name: state.value.name for state in graph.states}
    makers = {op.output.name: op for op in graph.ops}
    live: set[str] = set()
    pending = [value.name for value in graph.outputs]
    while pending:
        name = pending.pop()
        if name in live:
            continue
        live.add(name)
        if name in makers:
            op = makers[name]
            pending += [value.name for value in op.inputs]
            # A UnitDelay lives on what is computed further down.
            pending += [fed_back[op.state_read]] if op.state_read else []
    kept = tuple(op for op in graph.ops if op.output.name in live)
    read = {op.state_read for op in kept}
    return replace(graph, ops=kept, states=tuple(state for state in graph.states if state.name in read))
