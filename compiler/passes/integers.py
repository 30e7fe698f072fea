"""Float graph on grids -> the same graph on integers, with accumulators proven wide enough."""

from __future__ import annotations

from dataclasses import replace

from compiler.errors import CompileError
from compiler.ir.accumulators import accumulator_width, given_interval, interval, is_accumulator
from compiler.ir.graph import Graph, replace_values, rewrite
from compiler.ir.movement import MOVEMENTS
from compiler.ir.numerics import WIDEST, Format, quantize, requantize, rounding_half
from compiler.ir.operation import Op
from compiler.ir.ops import (
    Binary,
    Constant,
    Convolution,
    MatMul,
    Piecewise,
    Quantize,
    Requantize,
    Sum,
    Unary,
    UnitDelay,
    Window,
)
from compiler.ir.reductions import Pool, Reduce
from compiler.ir.values import Value
from compiler.passes.bias_grid import integer_product, output_grids
from compiler.passes.function_tables import integer_table
from compiler.passes.pieces import bounds_of_clamp, integer_pieces


def to_integers(graph: Graph, table_error: float = 1.0) -> Graph:
    """Exchanges real numbers for integers: weights, biases, states, functions and quantisers alike.

    Args:
        table_error: By how many steps of the result a table may miss its function.
    """
    graph = _absorb_input_quantizers(graph)
    grids = output_grids(graph)

    def transform(op: Op) -> Op:
        x = op.inputs[0] if op.inputs else op.output
        match op:
            case UnitDelay():
                return replace(op, output=replace(op.output, format=_kept_format(graph, op)))
            case Constant():
                output = replace(op.output, format=op.format)
                return replace(op, value=quantize(op.value, op.format), output=output)
            case Reduce(function="sum") | Pool(function="sum"):
                return replace(op, output=replace(op.output, format=Format(True, WIDEST, x.format.fraction)))
            case Window() | Reduce() | Pool() | Binary(function="maximum" | "minimum"):
                return replace(op, output=replace(op.output, format=x.format))
            case _ if isinstance(op, MOVEMENTS):
                return replace(op, output=replace(op.output, format=x.format))
            case MatMul() | Convolution():
                return integer_product(op, x.format, grids.get(op.output.name, ()))
            case Unary() if (bounds := bounds_of_clamp(op)) is not None:
                # A value keeps its format; only the clamp is new.
                lo, hi = (min(int(quantize(bound, x.format)), x.format.hi) for bound in bounds)
                kept = replace(op.output, format=x.format)
                return Requantize(inputs=op.inputs, output=kept, shift=0, rounding="floor", lo=lo, hi=hi)
            case Unary():
                return integer_table(op, _results(graph, op), table_error)
            case Piecewise():
                results = _results(graph, op)
                finest = max((result.format.fraction for result in results), default=x.format.fraction)
                made = integer_pieces(op, x.format.fraction, max(-x.format.lo, x.format.hi), finest)
                fraction = x.format.fraction + made.slopes_format.fraction
                return replace(made, output=replace(op.output, format=Format(True, WIDEST, fraction)))
            case Quantize():
                return Requantize(
                    inputs=op.inputs,
                    output=replace(op.output, format=op.format),
                    shift=x.format.fraction - op.format.fraction,
                    rounding=op.rounding,
                    lo=op.lo,
                    hi=op.hi,
                )
            case Binary(function="multiply"):
                fraction = sum(value.format.fraction for value in op.inputs)
                return replace(op, output=replace(op.output, format=Format(True, WIDEST, fraction)))
            case Binary(function="add" | "subtract"):
                return _sum(op)
        raise NotImplementedError(f"no integer form of {type(op).__name__}")

    return _integer_states(rewrite(graph, transform))


def _kept_format(graph: Graph, op: UnitDelay) -> Format:
    """The format of what a state keeps, which is an input, or lies on the grid of a quantiser."""
    value = graph.state(op.state).value
    made = graph.producer(value)
    if isinstance(made, UnitDelay):
        return _kept_format(graph, made)
    return made.format if isinstance(made, Quantize) else value.format


def _results(graph: Graph, op: Op) -> list[Quantize]:
    """The quantisers that read what an operation of the float graph computes."""
    return [reader for reader in graph.consumers(op.output) if isinstance(reader, Quantize)]


def _sum(op: Binary) -> Sum:
    """Both values brought to the finer of their grids by zeros behind them."""
    fraction = max(x.format.fraction for x in op.inputs)
    return Sum(
        inputs=op.inputs,
        output=replace(op.output, format=Format(True, WIDEST, fraction)),
        shifts=tuple(fraction - x.format.fraction for x in op.inputs),
        signs=(1, 1 if op.function == "add" else -1),
    )


def _absorb_input_quantizers(graph: Graph) -> Graph:
    """The quantiser behind an input becomes the input's own format: whoever feeds the build rounds."""
    formats: dict[str, Format] = {}
    for value in graph.inputs:
        readers = graph.consumers(value)
        grids = {op.format for op in readers if isinstance(op, Quantize)}
        if len(grids) != 1 or not all(isinstance(op, Quantize) for op in readers):
            raise CompileError("the input needs one quantiser that everything reads it through", layer=value.layer)
        formats[value.name] = grids.pop()
    inputs = {value.name: replace(value, format=formats[value.name]) for value in graph.inputs}
    graph = replace_values(graph, inputs)

    def transform(op: Op) -> Op | Value:
        x = op.inputs[0] if op.inputs else op.output
        # Another quantiser behind the first reads the same value by now.
        own = isinstance(op, Quantize) and op.format == formats.get(x.name)
        if own and (op.lo, op.hi) == (op.format.lo, op.format.hi):
            return replace(x, range=op.output.range or x.range)
        return op

    graph = rewrite(graph, transform)
    read = {value.name: value for op in graph.ops for value in op.inputs if value.name in inputs}
    return replace_values(graph, read)


def _integer_states(graph: Graph) -> Graph:
    states = tuple(replace(state, initial=quantize(state.initial, state.value.format)) for state in graph.states)
    return replace(graph, states=states)


def fuse_clamps(graph: Graph) -> Graph:
    """A clamp before or after a requantisation is part of it: rounding is monotone, so the order is free."""
    made: dict[str, Requantize] = {}

    def transform(op: Op) -> Op:
        if not isinstance(op, Requantize):
            return op
        before = made.get(op.inputs[0].name)
        if before is not None and before.shift == 0:
            lo, hi = _through(before.lo, op), _through(before.hi, op)
            op = replace(op, inputs=before.inputs, lo=lo, hi=hi, output=_folding(op.output, before))
        elif before is not None and op.shift == 0 and len(graph.consumers(before.output)) == 1:
            lo, hi = _through(before.lo, op), _through(before.hi, op)
            op = replace(before, lo=lo, hi=hi, output=_folding(op.output, before))
        made[op.output.name] = op
        return op

    return rewrite(graph, transform)


def _through(bound: int, op: Requantize) -> int:
    """What becomes of a bound: in Python's integers, because an accumulator's may be shifted far beyond 64 bits."""
    return requantize(bound, op.shift, op.rounding, op.lo, op.hi)


def _folding(value: Value, before: Requantize) -> Value:
    layers = (before.output.layer, *before.output.folded)
    return replace(value, folded=tuple(dict.fromkeys(layer for layer in layers if layer != value.layer)))


def fold_rounding(graph: Graph) -> Graph:
    """Half up costs nothing: the half goes into the bias, and the requantisation only shifts."""
    halves: dict[str, set[int]] = {}
    for op in graph.ops:
        for value in op.inputs:
            up = isinstance(op, Requantize) and op.rounding == "half_up"
            halves.setdefault(value.name, set()).add(rounding_half(op.shift, "half_up") if up else 0)
    foldable: dict[str, int] = {}
    for op in graph.ops:
        if (
            isinstance(op, MatMul | Convolution)
            and not graph.is_output(op.output)
            and len(halves.get(op.output.name, ())) == 1
        ):
            (half,) = halves[op.output.name]
            # A half beyond any accumulator belongs to a shift that leaves nothing: the targets drop fewer bits then.
            if half < 1 << (WIDEST - 2):
                foldable[op.output.name] = half

    def transform(op: Op) -> Op:
        if isinstance(op, MatMul | Convolution) and op.output.name in foldable:
            return replace(op, bias=op.bias + foldable[op.output.name])
        if isinstance(op, Requantize) and foldable.get(op.inputs[0].name):
            return replace(op, rounding="floor")
        return op

    return rewrite(graph, transform)


def prove_accumulators(graph: Graph) -> Graph:
    """Gives each value its interval, and each accumulator the least width that holds it, its rounding included.

    Raises:
        CompileError: Naming a layer whose accumulator would need more than 62 bits.
    """

    graph = replace_values(graph, {x.name: replace(x, interval=given_interval(x)) for x in graph.inputs})

    def transform(op: Op) -> Op:
        output = replace(op.output, interval=interval(graph, op))
        if is_accumulator(op):
            width = accumulator_width(graph, op)
            if width > WIDEST:
                raise CompileError(f"its accumulator would need {width} bits", layer=op.output.layer)
            output = replace(output, format=replace(output.format, width=width))
        return replace(op, output=output)

    return rewrite(graph, transform)
