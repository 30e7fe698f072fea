"""Frame graph -> stream graph: takes the time axis away, and gives what looks back in time a state.

Time is the first axis of every input. Each value of the stream has a delay: what Keras calls element i exists at
sample i + delay. A `valid` convolution or a crop at the front raises it, a pad at the front lowers it; where
branches meet, the earlier ones wait for the latest; what is left at an output is its warm-up.

An input without a time axis, or with one of length 1 beside longer ones, is a control: it stands still for a block
of samples, and so does what is computed from it alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from compiler.errors import CompileError
from compiler.ir import limits
from compiler.ir.graph import Graph, Scan
from compiler.ir.ops import (
    Affine,
    Binary,
    Concatenate,
    Constant,
    Convolution,
    Gather,
    MatMul,
    Op,
    Pad,
    Pool,
    Quantize,
    QuantizeEach,
    Reduce,
    Repeat,
    Reshape,
    Select,
    Slice,
    Transpose,
    Unary,
)
from compiler.ir.values import Value
from compiler.passes.states import close_loops, stream_of_calls
from compiler.passes.streamed import Streamed, refuse


def stream(graph: Graph) -> Graph:
    """The graph that computes one sample from one sample.

    Windows over the same value share one state, as long as the longest of them needs. Where no input has a time axis,
    each vector is a sample by itself.

    Raises:
        CompileError: Naming the first layer that does not stream, and why.
    """
    graph = close_loops(graph)
    try:
        return _independent(graph) if is_timeless(graph) else _Streamer(graph).run()
    except CompileError:
        if (calls := stream_of_calls(graph)) is None:
            raise
        return calls


def is_timeless(graph: Graph) -> bool:
    """Whether no input has a time axis: a multi-layer perceptron, say."""
    return all(len(value.shape) <= 1 and None not in value.shape for value in graph.inputs)


def _independent(graph: Graph) -> Graph:
    """A graph over vectors as a stream of them, none knowing of another: its operations never saw time."""
    if within := next((op for op in graph.ops if isinstance(op, Convolution | Scan)), None):
        raise refuse(within.output, f"it is {within.words}, of what does not come with time")
    return replace(graph, mode="stream")


class _Streamer(Streamed):
    def run(self) -> Graph:
        graph = self.graph
        timed = [value for value in graph.inputs if len(value.shape) > 1]
        if any(value.shape[0] != 1 for value in timed):
            timed = [value for value in timed if value.shape[0] != 1]
        lengths = {value.shape[0] for value in timed}
        if len(lengths) != 1:
            raise refuse((timed or graph.inputs)[-1], "its input has no time axis that all inputs share")
        (self.length,) = lengths
        controls = tuple(value.name for value in graph.inputs if value not in timed)
        self.control_rate.update(controls)
        for value in graph.inputs:
            if value.name in controls:
                self.add(value, value, None)
            else:
                self.add(value, replace(value, shape=value.shape[1:]), 0)
        for op in graph.ops:
            self._convert(op)
        for value in graph.outputs:
            if self.delays[self.values[value.name].name] is None or self.values[value.name].name in self.control_rate:
                raise refuse(value, "an output does not change with time")
            if self.delay_of(self.values[value.name]) < 0:
                raise refuse(value, "more zeros are padded in front than a convolution takes")
        outputs = tuple(self.values[value.name] for value in graph.outputs)
        warm_ups = tuple(map(self.delay_of, outputs))
        inputs = tuple(self.values[value.name] for value in graph.inputs)
        states = tuple(self.states.values())
        limits.check(sum(state.length * state.value.size for state in states), None, "all that is kept of the past")
        ops = tuple(self.ops)
        return Graph(
            graph.name, "stream", inputs, outputs, ops, states, warm_ups, controls, graph.output_keys, graph.notes
        )

    # One operation.

    def _convert(self, op: Op) -> None:
        xs = tuple(self.values[value.name] for value in op.inputs)
        delays = [self.delays[x.name] for x in xs]
        if isinstance(op, Constant) or all(delay is None for delay in delays):
            self._without_time(op, xs)
            return
        if min(delay or 0 for delay in delays) < 0 and not isinstance(op, Convolution | Binary | Concatenate | Slice):
            # The zeros in front exist nowhere but in the states that begin with them.
            raise refuse(op.output, "it computes on zeros padded in front of the beginning")
        y = replace(op.output, shape=op.output.shape[1:])
        match op:
            case Convolution():
                self._convolution(op, xs[0], y)
            case MatMul() if len(op.output.shape) == 1:
                raise refuse(op.output, "its product runs over time")
            case QuantizeEach() if op.coarser.ndim >= len(op.output.shape) and op.coarser.shape[0] > 1:
                raise refuse(op.output, "its quantiser has a grid for each step")
            case Affine() | Unary() | Quantize() | QuantizeEach() | Gather() | MatMul():
                self.add(op.output, self.emit(replace(op, inputs=xs, output=y)), delays[0])
            case Binary() | Select():
                self._meet(op, xs, y)
            case Concatenate() if op.axis > 0:
                self._meet(replace(op, axis=op.axis - 1), xs, y)
            case Reduce() if 0 not in op.axes:
                axes = tuple(axis - 1 for axis in op.axes)
                self.add(op.output, self.emit(replace(op, inputs=xs, output=y, axes=axes)), delays[0])
            case Reshape() if op.output.shape[:1] == op.inputs[0].shape[:1]:
                self.add(op.output, self.emit(replace(op, inputs=xs, output=y)), delays[0])
            case Transpose() if op.permutation[0] == 0:
                order = tuple(axis - 1 for axis in op.permutation[1:])
                self.add(op.output, self.emit(replace(op, inputs=xs, output=y, permutation=order)), delays[0])
            case Slice() | Repeat() if op.axis > 0:
                self.add(op.output, self.emit(replace(op, inputs=xs, output=y, axis=op.axis - 1)), delays[0])
            case Slice() if op.step == 1 and self._to_the_end(op):
                # Nothing is computed, but the same samples count from elsewhere: a name of their own says so.
                self.add(op.output, self.emit(Reshape(inputs=xs, output=y)), self.delay_of(xs[0]) + op.start)
            case Pool():
                self._pool(op, xs[0], y)
            case Pad() if not any(op.padding[0]):
                self.add(op.output, self.emit(replace(op, inputs=xs, output=y, padding=op.padding[1:])), delays[0])
            case Pad():
                self._pad(op, xs[0], y)
            case Scan() if op.sequences and not op.reverse:
                self._scan(op, xs[0], y)
            case _:
                raise refuse(op.output, _why(op))

    def _without_time(self, op: Op, xs: tuple[Value, ...]) -> None:
        """What does not see time: its axes are all its own, unless it is there to be laid out along time."""
        if isinstance(op, Convolution | Scan):
            raise refuse(op.output, f"it is {op.words}, of what does not come with time")
        if isinstance(op, Repeat) and (op.axis, op.times, xs[0].shape[0]) == (0, self.length, 1):
            y = replace(op.output, shape=op.output.shape[1:])
            self.add(op.output, self.emit(Reshape(inputs=xs, output=y)), 0)
            return
        self.add(op.output, self.emit(replace(op, inputs=xs)), None)

    def _to_the_end(self, op: Slice) -> bool:
        before, after = op.inputs[0].shape[0], op.output.shape[0]
        return before is None or op.start + after == before

    def _meet(self, op: Op, xs: tuple[Value, ...], y: Value) -> None:
        """Several values become one: the earlier wait, and what does not see time loses an axis of length 1."""
        latest = max(self.delay_of(x) for x in xs if self.delays[x.name] is not None)
        if latest < 0:
            raise refuse(op.output, "it computes on zeros padded in front of the beginning")
        rank = len(op.output.shape)
        aligned = []
        for x, old in zip(xs, op.inputs, strict=True):
            if self.delays[x.name] is not None:
                aligned.append(self.as_late_as(x, latest, op.output))
            elif len(old.shape) == rank and old.shape[0] == 1 and isinstance(op, Binary | Select):
                shape = old.shape[1:]
                aligned.append(self.emit(Reshape(inputs=(x,), output=self.value(x, "sample", shape))))
            elif len(old.shape) < rank and isinstance(op, Binary | Select):
                aligned.append(x)
            else:
                raise refuse(op.output, f"'{old.layer}', which it puts along time, does not come with time")
        self.add(op.output, self.emit(replace(op, inputs=tuple(aligned), output=y)), latest)

    def _pad(self, op: Pad, x: Value, y: Value) -> None:
        before, after = op.padding[0]
        if after or op.value or any(any(pads) for pads in op.padding[1:]):
            raise refuse(op.output, "it pads behind the end, or with something else than zeros")
        if self.delay_of(x):
            raise refuse(op.output, "it pads what has a warm-up of its own")
        # Nothing is computed: the states behind begin with zeros anyway. A name of its own keeps that to itself.
        same = self.emit(Reshape(inputs=(x,), output=y))
        self.add(op.output, same, -before)

    def _convolution(self, op: Convolution, x: Value, y: Value) -> None:
        (stride, *_), (dilation, *_), ((before, after), *_) = op.strides, op.dilation, op.padding
        if stride != 1:
            raise refuse(op.output, f"strides={stride}")
        if after:
            raise refuse(op.output, "padding='same' looks ahead")
        reach = (op.kernel.shape[0] - 1) * dilation
        delay = self.delay_of(x) + reach - before
        if before and self.delay_of(x):
            raise refuse(op.output, "it pads zeros behind a 'valid' convolution")
        if len(op.strides) == 1:
            self._product(op, x, y)
        elif y.shape[0] == 1 and (op.groups == 1 or x.shape[0] == 1):
            # All of the width goes into one number a filter: a convolution over time of that many more channels.
            row = self.emit(Reshape(inputs=(x,), output=self.value(y, "row", (x.size,))))
            flat = self.value(y, "flat", y.shape[1:])
            self._product(replace(op, kernel=_over_width(op, x.shape[0])), row, flat)
            self.emit(Reshape(inputs=(flat,), output=y))
        elif op.kernel.shape[1] == op.strides[1] == 1 and not any(op.padding[1]):
            self._product(replace(op, kernel=op.kernel[:, 0]), x, y)
        else:
            raise refuse(op.output, "it convolves over more than time")
        self.add(op.output, y, delay)

    def _product(self, op: Convolution, x: Value, y: Value) -> None:
        """A convolution over time, kernel (taps, C // groups, F), at each place of another axis where x has one."""
        taps, _, filters = op.kernel.shape
        wide = x.shape[:-1]
        if taps > 1:
            x = self.window(x, taps, op.dilation[0], self.value(y, "window", (taps, *x.shape)))
        if op.groups > 1:
            self._grouped(op, x, y, wide)
            return
        if taps > 1 and wide:
            x = self.emit(
                Transpose(inputs=(x,), output=self.value(y, "taps", (*wide, taps, x.shape[-1])), permutation=(1, 0, 2))
            )
        weights = op.kernel.reshape(-1, filters)
        formats = {"weights_format": op.weights_format, "bias_format": op.bias_format, "weights_of": op.weights_of}
        axes = 1 if taps == 1 else 2
        self.emit(MatMul(inputs=(x,), output=y, weights=weights, bias=op.bias, axes=axes, **formats))

    def _grouped(self, op: Convolution, x: Value, y: Value, wide: tuple[int, ...]) -> None:
        taps, width, filters = op.kernel.shape
        each = filters // op.groups
        if x.shape == (*wide, width * op.groups):
            x = self.emit(Reshape(inputs=(x,), output=self.value(y, "taps", (1, *x.shape))))
        if width == 1:
            # Depthwise: channel c meets filters c*m ... c*m + m-1, tap by tap.
            if each > 1:
                repeated = self.value(y, "repeated", (taps, *wide, filters))
                x = self.emit(Repeat(inputs=(x,), output=repeated, axis=len(wide) + 1, times=each))
            kernel = self.value(y, "kernel", (taps, *(1 for _ in wide), filters))
            self.emit(Constant(inputs=(), output=kernel, value=op.kernel.reshape(kernel.shape)))
            products = self.value(y, "products", (taps, *wide, filters))
            self.emit(Binary(inputs=(x, kernel), output=products, function="multiply"))
            sums = self.value(y, "sums", (*wide, filters))
            self.emit(Reduce(inputs=(products,), output=sums, function="sum", axes=(0,)))
            self.emit(Affine(inputs=(sums,), output=y, scale=np.ones(filters), shift=op.bias))
            return
        if wide:
            raise refuse(op.output, "it convolves over more than time")
        parts = []
        for group in range(op.groups):
            own = self.value(y, f"group_{group}_taps", (taps, width))
            self.emit(Slice(inputs=(x,), output=own, axis=1, start=group * width, count=width))
            mine = slice(group * each, (group + 1) * each)
            weights = op.kernel[..., mine].reshape(-1, each)
            part = self.value(y, f"group_{group}", (each,))
            parts.append(self.emit(MatMul(inputs=(own,), output=part, weights=weights, bias=op.bias[mine], axes=2)))
        self.emit(Concatenate(inputs=tuple(parts), output=y, axis=0))

    def _pool(self, op: Pool, x: Value, y: Value) -> None:
        """Pooling over time by steps of one is an extreme or a mean of taps; what is over other axes stays pooling."""
        if op.strides[0] != 1:
            raise refuse(op.output, f"strides={op.strides[0]}")
        if any(op.padding[0]):
            raise refuse(op.output, "padding='same' looks ahead")
        delay, taps = self.delay_of(x), op.size[0]
        more = replace(op, size=op.size[1:], strides=op.strides[1:], padding=op.padding[1:])
        inner = bool(more.size) and (*more.size, *more.strides) != (1, 1)
        if taps > 1:
            window = self.window(x, taps, 1, self.value(y, "window", (taps, *x.shape)))
            x = self.emit(
                Reduce(
                    inputs=(window,),
                    output=self.value(y, "pooled", x.shape) if inner else y,
                    function=op.function,
                    axes=(0,),
                )
            )
        if inner:
            self.emit(replace(more, inputs=(x,), output=y))
        elif taps == 1:
            self.emit(Reshape(inputs=(x,), output=y))
        self.add(op.output, y, delay + taps - 1)

    def _scan(self, op: Scan, x: Value, y: Value) -> None:
        """The body becomes part of the stream, its states part of the stream's."""
        if self.delay_of(x) and op.body.states:
            raise refuse(op.output, "a recurrence behind a warm-up would begin with what Keras never shows it")
        body = op.body
        if within := next((inner for inner in body.ops if isinstance(inner, Convolution | Scan)), None):
            raise refuse(within.output, f"it is {within.words}, within each step of '{op.output.layer}'")
        (head,), (end,) = body.inputs, body.outputs
        env = {head.name: x}
        names = {state.name: self.namer(f"{y.name}_{state.name}") for state in body.states}
        for inner in body.ops:
            inputs = tuple(env[value.name] for value in inner.inputs)
            last = inner.output.name == end.name
            output = y if last else replace(inner.output, name=self.namer(f"{y.name}_{inner.output.name}"))
            env[inner.output.name] = output
            moved = {"state": names[inner.state_read]} if inner.state_read else {}
            self.emit(replace(inner, inputs=inputs, output=output, **moved))
        for state in body.states:
            name = names[state.name]
            self.states[name] = replace(state, name=name, value=env[state.value.name])
        self.add(op.output, y, self.delay_of(x))


def _over_width(op: Convolution, width: int) -> np.ndarray:
    """The kernel (taps, width * C // groups, F) of a convolution over time and width that gives one column."""
    taps, across, channels, filters = op.kernel.shape
    limits.check(taps * width * channels * filters, op.layer, f"a kernel over {width:,} columns")
    kernel = np.zeros((taps, width, channels, filters))
    for tap in range(across):
        place = tap * op.dilation[1] - op.padding[1][0]
        if 0 <= place < width:
            kernel[:, place] = op.kernel[:, tap]
    return kernel.reshape(taps, width * channels, filters)


def _why(op: Op) -> str:
    match op:
        case Scan(reverse=True):
            return "it runs against time"
        case Scan():
            return "it gives its last output only"
        case Reduce():
            return "it reduces over time"
        case Convolution():
            return "it convolves over more than time"
        case Slice() | Pad() | Repeat() | Concatenate():
            return "it moves, adds or removes samples"
        case Reshape() | Transpose():
            return "it mixes time with other axes"
    return f"it is {op.words}, which takes all samples at once"
