"""Chooses fixed-point formats for a float stream graph, from worst-case ranges, and puts it on their grids.

Where the file has quantisers they win, and then every product needs one in front of it. A graph without
any gets, for each value that a product reads or that leaves the graph, the format of `bits` bits whose
range just holds what interval arithmetic finds, a bound of exactly a power of two losing its last step to
saturation, as full scale does in Q15. No value gets a finer grid than the products it is rounded from, and no weights
one on which products are far finer than the sums they are part of: such bits would say nothing, and take
accumulators without end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from compiler.errors import CompileError
from compiler.ir import limits
from compiler.ir.graph import Graph, rewrite
from compiler.ir.numerics import WIDEST, Format, Rounding, dequantize, quantize
from compiler.ir.ops import Affine, Binary, Concatenate, MatMul, Op, Piecewise, Quantize, Unary, Window
from compiler.ir.values import Value
from compiler.passes.function_ranges import flat_beyond, image, image_of_pieces
from compiler.passes.pieces import bounds_of_clamp, finest_result, to_pieces

Interval = tuple[np.ndarray, np.ndarray]  # (channels,) each: the least and the greatest value

# Bits by which products may be finer than the format that would hold their sums: an error of 2**-16 steps for each
# input of 16 bits.
FINER_PRODUCTS = 30
# Bits of a whole part; beyond them a number is none in 32-bit floating point, or a zero.
FINEST = 1 << 12  # fraction bits of what lies on no grid, as it comes from a table
MOST_INTEGER_BITS, LEAST_INTEGER_BITS = 128, -149


@dataclass(frozen=True)
class FixedOptions:
    """What the command line says about numbers: widths in bits, how chosen formats round, the inputs' range."""

    bits: int = 16
    weight_bits: int = 16
    rounding: Rounding = "half_up"
    input_range: tuple[float, float] = (-1.0, 1.0)
    table_error: float = 1.0


def choose_formats(graph: Graph, options: FixedOptions) -> Graph:
    """Puts every weight and every value that a product reads, or that leaves the graph, on a grid.

    Raises:
        CompileError: Naming the first layer that has no fixed-point form, or lacks a quantiser.
    """
    graph = to_pieces(graph)
    for op in graph.ops:
        if not isinstance(op, Window | MatMul | Affine | Unary | Piecewise | Quantize) and not _takes_several(op):
            raise CompileError(f"{op.words} has no fixed-point form yet", layer=op.output.layer)
        rows = len(op.weights) if isinstance(op, MatMul) else len(op.scale) if isinstance(op, Affine) else None
        if rows not in (None, op.inputs[0].size):
            raise CompileError("samples of more than one axis have no fixed-point form yet", layer=op.output.layer)
        if isinstance(op, Binary) and len({op.output.shape, *op.shapes}) > 1:
            raise CompileError(f"{op.words} of different shapes has no fixed-point form yet", layer=op.output.layer)
        if isinstance(op, Concatenate) and len(op.output.shape) != 1:
            raise CompileError("samples of more than one axis have no fixed-point form yet", layer=op.output.layer)
    graph = _affine_as_product(graph)
    if any(isinstance(op, Quantize) for op in graph.ops):
        _demand_quantizers(graph)
        return _quantize_weights(_align_joins(graph), options)
    return _quantize_values(graph, options)


def _is_sum(op: Op) -> bool:
    return isinstance(op, Binary) and op.function in ("add", "subtract")


def _is_join(op: Op) -> bool:
    """Whether it picks numbers of several values, which have to lie on one grid."""
    return isinstance(op, Concatenate) or (isinstance(op, Binary) and op.function in ("maximum", "minimum"))


def _takes_several(op: Op) -> bool:
    return _is_sum(op) or _is_join(op) or _is_product(op)


def _is_function(op: Op) -> bool:
    """Whether it is a function of one number that reads a grid: straight pieces, or a table."""
    return isinstance(op, Piecewise) or _is_table(op)


def _is_table(op: Op) -> bool:
    return isinstance(op, Unary) and bounds_of_clamp(op) is None


def _is_product(op: Op) -> bool:
    """Whether it multiplies, by weights or two values: both lie on grids."""
    return isinstance(op, MatMul) or (isinstance(op, Binary) and op.function == "multiply")


def _affine_as_product(graph: Graph) -> Graph:
    """A batch normalisation that could not be folded is a product with a diagonal matrix."""

    def transform(op: Op) -> Op:
        if not isinstance(op, Affine):
            return op
        limits.check(len(op.scale) ** 2, op.output.layer, "its scale as a matrix")
        return MatMul(inputs=op.inputs, output=op.output, weights=np.diag(op.scale), bias=op.shift)

    return rewrite(graph, transform)


def _on_grid(graph: Graph, value: Value) -> bool:
    """Whether a quantiser has the last word on a value; relu keeps a value on its grid, and so does a join."""
    op = graph.producer(value)
    if isinstance(op, Quantize):
        return True
    if op is not None and _is_join(op):
        return all(_on_grid(graph, source) for source in op.inputs)
    return (isinstance(op, Window) or bounds_of_clamp(op) is not None) and _on_grid(graph, op.inputs[0])


def _demand_quantizers(graph: Graph) -> None:
    hint = "Put a QActivation in front of it, or remove all quantisers to let the compiler choose formats."
    behind = "Put a QActivation behind it, or remove all quantisers to let the compiler choose formats."
    for op in graph.ops:
        if (_is_product(op) or _is_join(op) or _is_function(op)) and not all(
            _on_grid(graph, value) for value in op.inputs
        ):
            raise CompileError("its input has no quantiser", layer=op.output.layer, hint=hint)
        readers = graph.consumers(op.output)
        if _is_table(op) and (graph.is_output(op.output) or not all(isinstance(r, Quantize) for r in readers)):
            raise CompileError(f"{op.words} needs a quantiser behind it", layer=op.output.layer, hint=behind)
        for value in op.inputs if _is_sum(op) else ():
            # Sums of products are added as they are; what is done to them before needs a grid.
            if isinstance(graph.producer(value), Unary) and not _on_grid(graph, value):
                raise CompileError("the sum that reads it needs a quantiser in front", layer=value.layer, hint=hint)
    for value in graph.outputs:
        if not _on_grid(graph, value):
            raise CompileError(
                "the model's output has no quantiser", layer=value.layer, hint="End the model in a QActivation."
            )


def _align_joins(graph: Graph) -> Graph:
    """Values on grids of the file that are joined go, unchanged, into the least format that holds them all.

    Raises:
        CompileError: No format does.
    """
    formats: dict[str, Format] = {}

    def transform(op: Op) -> list[Op]:
        if isinstance(op, Quantize):
            formats[op.output.name] = op.format
        elif isinstance(op, Window | Unary) and not _is_table(op) and op.inputs[0].name in formats:
            formats[op.output.name] = formats[op.inputs[0].name]
        if not _is_join(op):
            return [op]
        own = [formats[value.name] for value in op.inputs]
        fraction = max(format.fraction for format in own)
        width = max(format.width + (not format.signed) - format.fraction for format in own) + fraction
        if width > WIDEST:
            raise CompileError(f"its values lie on grids that {width} bits would hold", layer=op.output.layer)
        common = formats[op.output.name] = Format(True, width, fraction)
        parts = {
            n: Quantize(
                inputs=(value,),
                output=replace(value, name=f"{op.output.name}_part_{n}", layer=op.output.layer),
                format=common,
                rounding="floor",
                lo=common.lo,
                hi=common.hi,
            )
            for n, value in enumerate(op.inputs)
            if own[n] != common
        }
        inputs = tuple(parts[n].output if n in parts else value for n, value in enumerate(op.inputs))
        return [*parts.values(), replace(op, inputs=inputs)]

    return rewrite(graph, transform)


def _quantize_values(graph: Graph, options: FixedOptions) -> Graph:
    ranges = worst_case_ranges(graph, options.input_range)
    wanted = {v.name for op in graph.ops if _is_product(op) or isinstance(op, Window) for v in op.inputs}
    wanted |= {value.name for value in graph.outputs} | {op.output.name for op in graph.ops if _is_function(op)}
    # Sums take products and other sums as they are, without a rounding between.
    wanted |= {v.name for op in graph.ops if _is_sum(op) for v in op.inputs if isinstance(graph.producer(v), Unary)}
    wanted -= {op.output.name for op in graph.ops if isinstance(op, Window)}
    finest: dict[str, int] = {}  # fraction bits of the grid that a value lies on so far
    on_grid: set[str] = set()

    def grid(
        value: Value, rounding: Rounding, name: str = "", fraction: int | None = None, bound: float | None = None
    ) -> Quantize:
        lo, hi = ranges[value.name]
        format = format_for(_bound(value, ranges) if bound is None else bound, options.bits)
        own = min(format.fraction, finest.get(value.name, format.fraction))
        if bound is not None:
            # Bits that a coarser grid has no use for would make a table longer.
            format = replace(format, width=max(2, format.width - (format.fraction - own)))
        format = replace(format, fraction=own if fraction is None else fraction)
        output = replace(value, name=name or f"{value.name}_q", range=(float(lo.min()), float(hi.max())))
        finest[output.name], ranges[output.name] = format.fraction, (lo, hi)
        on_grid.add(output.name)
        return Quantize(inputs=(value,), output=output, format=format, rounding=rounding, lo=format.lo, hi=format.hi)

    def coarse_enough(op: Op) -> tuple[Op, list[Quantize]]:
        """A sum whose terms are no finer than products are allowed to be: such bits would say nothing."""
        most = format_for(_bound(op.output, ranges), options.bits).fraction + FINER_PRODUCTS
        fractions = [format_for(_bound(value, ranges), options.bits).fraction for value in op.inputs]
        rounded = {
            n: grid(value, options.rounding, f"{op.output.name}_term_{n}", min(fractions[n], most))
            for n, value in enumerate(op.inputs)
            if finest[value.name] > most
        }
        inputs = tuple(rounded[n].output if n in rounded else value for n, value in enumerate(op.inputs))
        return replace(op, inputs=inputs), list(rounded.values())

    def on_one_grid(op: Op) -> tuple[Op, list[Quantize]]:
        """A join whose values lie on the finest grid that holds them all, finer than none of them needs."""
        most = max(_bound(value, ranges) for value in op.inputs)
        fraction = min(format_for(most, options.bits).fraction, max(finest[value.name] for value in op.inputs))
        rounded = {
            n: grid(value, options.rounding, f"{op.output.name}_part_{n}", fraction)
            for n, value in enumerate(op.inputs)
            if value.name not in on_grid or finest[value.name] != fraction
        }
        inputs = tuple(rounded[n].output if n in rounded else value for n, value in enumerate(op.inputs))
        on_grid.add(op.output.name)
        return replace(op, inputs=inputs), list(rounded.values())

    def on_own_grid(op: Op) -> tuple[Op, list[Quantize]]:
        """A function whose number lies on a grid, which ends where the function comes to rest."""
        (x,) = op.inputs
        bound = _bound(x, ranges)
        if _is_table(op):
            step = format_for(_bound(op.output, ranges), options.bits).step
            bound = flat_beyond(op.function, op.parameters, bound, step / 4)
        wide = format_for(_bound(x, ranges), options.bits)
        same = bound == _bound(x, ranges) or format_for(bound, options.bits).fraction == wide.fraction
        if x.name in on_grid and same:
            return op, []
        rounded = grid(x, options.rounding, f"{op.output.name}_x", bound=bound)
        return replace(op, inputs=(rounded.output,)), [rounded]

    # Whoever feeds the build rounds the input, half to even.
    heads = {value.name: grid(value, "half_even") for value in graph.inputs}

    def transform(op: Op) -> list[Op]:
        op = replace(op, inputs=tuple(heads[v.name].output if v.name in heads else v for v in op.inputs))
        before: list[Quantize] = []
        if _is_sum(op):
            op, before = coarse_enough(op)
        elif _is_join(op):
            op, before = on_one_grid(op)
        elif _is_function(op):
            op, before = on_own_grid(op)
        fractions = [finest[value.name] for value in op.inputs]
        source = sum(fractions) if _is_product(op) else max(fractions)
        if isinstance(op, MatMul):
            sums = format_for(_bound(op.output, ranges), options.bits)
            op = _on_weights_grid(op, options.weight_bits, sums.fraction + FINER_PRODUCTS - source)
            source += op.weights_format.fraction
        if _is_function(op):
            source = finest_result(op, source) if isinstance(op, Piecewise) else FINEST
        finest[op.output.name] = source
        done = op.output.name in on_grid or op.output.name not in wanted
        after = [] if done else [grid(op.output, options.rounding)]
        return [*before, op, *after]

    body = rewrite(graph, transform)
    states = tuple(
        replace(state, value=heads[state.value.name].output) if state.value.name in heads else state
        for state in body.states
    )
    outputs = tuple(heads[v.name].output if v.name in heads else v for v in body.outputs)
    return replace(body, ops=(*heads.values(), *body.ops), states=states, outputs=outputs)


def _bound(value: Value, ranges: dict[str, Interval]) -> float:
    """The greatest magnitude of a value.

    Raises:
        CompileError: Beyond what 32-bit floating point holds.
    """
    lo, hi = ranges[value.name]
    bound = float(max(-lo.min(), hi.max()))
    if not bound < 2.0**MOST_INTEGER_BITS:
        raise CompileError("its values may grow beyond 32-bit floating point", layer=value.layer)
    return bound


def _quantize_weights(graph: Graph, options: FixedOptions) -> Graph:
    """Weights that no quantiser of the file has put on a grid go on one of `weight_bits` bits."""

    def transform(op: Op) -> Op:
        return _on_weights_grid(op, options.weight_bits) if isinstance(op, MatMul) else op

    return rewrite(graph, transform)


def _on_weights_grid(op: MatMul, bits: int, finest: int | None = None) -> MatMul:
    """A product whose weights lie on a grid: the file's, or one of so many bits, of at most `finest` fraction bits."""
    if op.weights_format is not None:
        return op
    format = format_for(float(np.abs(op.weights).max(initial=0)), bits)
    format = replace(format, fraction=min(format.fraction, format.fraction if finest is None else finest))
    return replace(op, weights=dequantize(quantize(op.weights, format), format), weights_format=format)


def format_for(bound: float, width: int) -> Format:
    """The signed format of a width with the most fraction bits that holds numbers up to a bound in magnitude."""
    integer_bits = max(LEAST_INTEGER_BITS, math.ceil(math.log2(bound))) if bound > 0 else 0
    return Format(True, width, width - 1 - integer_bits)


def worst_case_ranges(graph: Graph, input_range: tuple[float, float]) -> dict[str, Interval]:
    """Interval arithmetic, channel by channel, over a float stream graph whose inputs stay in a range."""
    ranges: dict[str, Interval] = {}
    for value in graph.inputs:
        lo, hi = np.full(value.size, float(input_range[0])), np.full(value.size, float(input_range[1]))
        ranges[value.name] = _with_rest(graph, value, (lo, hi))
    with np.errstate(over="ignore", invalid="ignore"):  # whoever makes a format of a range looks whether it is one
        for op in graph.ops:
            sources = [ranges[value.name] for value in op.inputs]
            ranges[op.output.name] = _with_rest(graph, op.output, _image(op, *sources))
    return ranges


def _image(op: Op, source: Interval, *others: Interval) -> Interval:
    lo, hi = source
    match op:
        case Window():
            return np.tile(lo, op.taps), np.tile(hi, op.taps)
        case MatMul():
            positive, negative = np.maximum(op.weights, 0), np.minimum(op.weights, 0)
            return lo @ positive + hi @ negative + op.bias, hi @ positive + lo @ negative + op.bias
        case Unary():
            ends = image(op.function, op.parameters, lo, hi)
            if not np.isfinite(ends).all() and np.isfinite(source).all():
                least, most = lo.min(), hi.max()
                what = f"{op.words} has no finite value at some of what it may be given, {least:.6g} to {most:.6g}"
                raise CompileError(what, layer=op.output.layer)
            return ends
        case Piecewise():
            return image_of_pieces(op, lo, hi)
        case Concatenate():
            every = (source, *others)
            return np.concatenate([lo for lo, _ in every]), np.concatenate([hi for _, hi in every])
        case Binary(function="maximum" | "minimum" as function):
            extreme = np.maximum if function == "maximum" else np.minimum
            return extreme(lo, others[0][0]), extreme(hi, others[0][1])
        case Binary(function="multiply"):
            corners = [a * b for a in source for b in others[0]]
            return np.min(corners, axis=0), np.max(corners, axis=0)
        case Binary(function="add"):
            return lo + others[0][0], hi + others[0][1]
        case Binary(function="subtract"):
            return lo - others[0][1], hi - others[0][0]
        case Quantize():
            return np.clip(lo, op.lo * op.format.step, None), np.clip(hi, None, op.hi * op.format.step)
    raise NotImplementedError(f"no range for {type(op).__name__}")


def _with_rest(graph: Graph, value: Value, interval: Interval) -> Interval:
    """A state that starts elsewhere than at zero widens the range of what it remembers."""
    lo, hi = interval
    for state in graph.pasts(value):
        lo, hi = np.minimum(lo, state.initial), np.maximum(hi, state.initial)
    return lo, hi
