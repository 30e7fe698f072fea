"""Frame graph -> stream graph: drops the time axis, and gives each convolution's past a state."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from compiler.errors import CompileError
from compiler.graph import Convolution, Graph, MatMul, Op, State, Value, Window
from compiler.names import Namer


def stream(graph: Graph) -> Graph:
    """The graph that computes one sample from one sample.

    Windows over the same value share one state, as long as the longest of them needs.

    Raises:
        CompileError: Naming the first layer that does not stream.
    """
    namer = Namer({op.output.name for op in graph.ops} | {value.name for value in graph.inputs})
    values = {value.name: _without_time(value) for value in graph.inputs}
    ops: list[Op] = []
    states: dict[str, State] = {}
    for op in graph.ops:
        inputs = tuple(values[value.name] for value in op.inputs)
        output = values[op.output.name] = _without_time(op.output)
        if not isinstance(op, Convolution):
            ops.append(replace(op, inputs=inputs, output=output))
            continue
        (x,) = inputs
        taps, channels, filters = op.kernel.shape
        if taps > 1:
            length = (taps - 1) * op.dilation
            old = states.get(x.name)
            name = old.name if old else namer(f"{x.name}_past")
            states[x.name] = State(name, x, max(length, old.length if old else 0), np.zeros(channels))
            window = Value(namer(f"{output.name}_window"), (taps, channels), output.layer)
            ops.append(Window(inputs=(x,), output=window, state=name, taps=taps, dilation=op.dilation))
            x = window
        ops.append(
            MatMul(
                inputs=(x,),
                output=output,
                weights=op.kernel.reshape(taps * channels, filters),
                bias=op.bias,
                weights_format=op.kernel_format,
                bias_format=op.bias_format,
            )
        )
    outputs = tuple(values[value.name] for value in graph.outputs)
    inputs = tuple(values[value.name] for value in graph.inputs)
    return Graph(graph.name, "stream", inputs, outputs, tuple(ops), tuple(states.values()))


def _without_time(value: Value) -> Value:
    if len(value.shape) != 2 or value.shape[0] is not None:
        raise CompileError("does not stream: it has no time axis of any length", layer=value.layer)
    return replace(value, shape=value.shape[1:])
