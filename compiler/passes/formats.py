"""Chooses fixed-point formats for a float graph, from worst-case ranges, and puts it on their grids.

Where the file has quantisers they win, and then every product needs one in front of it. A graph without
any gets, for each value that a product reads or that leaves the graph, the format of `bits` bits whose
range just holds what interval arithmetic finds, a bound of exactly a power of two losing its last step to
saturation, as full scale does in Q15. No value gets a finer grid than the products it is rounded from, and no weights
one on which products are far finer than the sums they are part of: such bits would say nothing, and take
accumulators without end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from compiler.errors import CompileError
from compiler.ir import limits
from compiler.ir.graph import Graph, rewrite
from compiler.ir.movement import MOVEMENTS, Concatenate, Pad
from compiler.ir.numerics import WIDEST, Format, Rounding, dequantize, quantize
from compiler.ir.operation import Op
from compiler.ir.ops import Affine, Binary, Constant, Convolution, MatMul, Piecewise, Quantize, Unary, Window
from compiler.ir.reductions import Pool, Reduce
from compiler.ir.values import Value
from compiler.passes.function_ranges import flat_beyond
from compiler.passes.means import means_as_products
from compiler.passes.pieces import bounds_of_clamp, finest_result, to_pieces
from compiler.passes.ranges import worst_case_ranges
from compiler.passes.weight_grids import (
    MOST_INTEGER_BITS,
    WEIGHT_BITS,
    format_for,
    on_grids_of_outputs,
    on_weights_grid,
)

# Bits by which products may be finer than the format that would hold their sums: an error of 2**-16 steps for each
# input of 16 bits.
FINER_PRODUCTS = 30
FINEST = 1 << 12  # fraction bits of what lies on no grid, as it comes from a table
MOVES = tuple(kind for kind in MOVEMENTS if kind is not Concatenate)  # which joins
WITH_FORM = (Window, MatMul, Convolution, Affine, Unary, Piecewise, Quantize, Constant, Pool, Reduce, *MOVEMENTS)


@dataclass(frozen=True)
class FixedOptions:
    """What the command line says about numbers: widths in bits, how chosen formats round, the inputs' range."""

    bits: int = 16
    weight_bits: int = 16
    rounding: Rounding = "half_up"
    input_range: tuple[float, float] = (-1.0, 1.0)
    table_error: float = 1.0
    observed: Mapping[str, tuple[float, float]] | None = None  # what values came to, where that is to do


def choose_formats(graph: Graph, options: FixedOptions) -> Graph:
    """Puts every weight and every value that a product reads, or that leaves the graph, on a grid.

    Raises:
        CompileError: Naming the first layer that has no fixed-point form, or lacks a quantiser.
    """
    graph = to_pieces(graph)
    for op in graph.ops:
        _demand_form(op)
    graph = means_as_products(_affine_as_product(graph))
    if any(isinstance(op, Quantize) for op in graph.ops):
        _demand_quantizers(graph)
        return _quantize_weights(_align_joins(graph), options)
    return _quantize_values(graph, options)


def _demand_form(op: Op) -> None:
    """Refuses an operation that integers cannot compute."""
    layer = op.output.layer
    if isinstance(op, Reduce) and op.function == "min":
        raise CompileError("a minimum over axes has no fixed-point form yet", layer=layer)
    if not isinstance(op, WITH_FORM) and not _takes_several(op):
        raise CompileError(f"{op.words} has no fixed-point form yet", layer=layer)
    if isinstance(op, Pad) and op.value:
        raise CompileError(f"padding with {op.value:g}, not 0, has no fixed-point form yet", layer=layer)
    if _is_sum(op) and len({op.output.shape, *op.shapes}) > 1:
        raise CompileError(f"{op.words} of different shapes has no fixed-point form yet", layer=layer)


def _is_sum(op: Op) -> bool:
    return isinstance(op, Binary) and op.function in ("add", "subtract")


def _is_join(op: Op) -> bool:
    """Whether it picks numbers of several values, which have to lie on one grid."""
    return isinstance(op, Concatenate) or (isinstance(op, Binary) and op.function in ("maximum", "minimum"))


def _is_exact_sum(graph: Graph, value: Value) -> bool:
    """Whether it is a sum over one value that is multiplied as it is, by a constant: a mean is."""
    op, readers = graph.producer(value), graph.consumers(value)
    summed = isinstance(op, Pool | Reduce) and op.function == "sum" and not graph.is_output(value)
    return summed and all(
        any(isinstance(graph.producer(x), Constant) for x in r.inputs) and _is_product(r) for r in readers
    )


def _takes_several(op: Op) -> bool:
    return _is_sum(op) or _is_join(op) or _is_product(op)


def _is_function(op: Op) -> bool:
    """Whether it is a function of one number that reads a grid: straight pieces, or a table."""
    return isinstance(op, Piecewise) or _is_table(op)


def _is_table(op: Op) -> bool:
    return isinstance(op, Unary) and bounds_of_clamp(op) is None


def _is_product(op: Op) -> bool:
    """Whether it multiplies, by weights or two values: both lie on grids."""
    return isinstance(op, MatMul | Convolution) or (isinstance(op, Binary) and op.function == "multiply")


def _affine_as_product(graph: Graph) -> Graph:
    """A batch normalisation that could not be folded is a product with a diagonal matrix."""

    def transform(op: Op) -> Op:
        if not isinstance(op, Affine):
            return op
        limits.check(len(op.scale) ** 2, op.output.layer, "its scale as a matrix")
        return MatMul(inputs=op.inputs, output=op.output, weights=np.diag(op.scale), bias=op.shift)

    return rewrite(graph, transform)


def _keeps_grid(op: Op) -> bool:
    """Whether what comes out are numbers that went in, or zeros."""
    clamps = bounds_of_clamp(op) is not None or (isinstance(op, Pool | Reduce) and op.function == "max")
    return clamps or isinstance(op, (Window, *MOVES))


def _reads_grid(op: Op) -> bool:
    """Whether it reads numbers that lie on a grid of a value, and no sums."""
    return _is_product(op) or _is_function(op) or isinstance(op, (Window, Pool, Reduce, *MOVES))


def _on_grid(graph: Graph, value: Value) -> bool:
    """Whether a quantiser has the last word on a value; what only picks or moves numbers keeps it on its grid."""
    op = graph.producer(value)
    if isinstance(op, Quantize | Constant):
        return True
    kept = op is not None and (_is_join(op) or _keeps_grid(op))
    return kept and all(_on_grid(graph, source) for source in op.inputs)


def _demand_quantizers(graph: Graph) -> None:
    hint = "Put a QActivation in front of it, or remove all quantisers to let the compiler choose formats."
    behind = "Put a QActivation behind it, or remove all quantisers to let the compiler choose formats."
    for op in graph.ops:
        read = [value for value in op.inputs if not _is_exact_sum(graph, value)]
        if (_reads_grid(op) or _is_join(op)) and not all(_on_grid(graph, value) for value in read):
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
        elif _keeps_grid(op) and op.inputs[0].name in formats:
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
    ranges = worst_case_ranges(graph, options.input_range, options.observed)
    wanted = {v.name for op in graph.ops if _reads_grid(op) and not _is_function(op) for v in op.inputs}
    wanted |= {value.name for value in graph.outputs} | {op.output.name for op in graph.ops if _is_function(op)}
    # Sums take products and other sums as they are, without a rounding between.
    wanted |= {v.name for op in graph.ops if _is_sum(op) for v in op.inputs if isinstance(graph.producer(v), Unary)}
    # A mean is the whole sum times a constant.
    wanted -= {op.output.name for op in graph.ops if isinstance(op, Window) or _is_exact_sum(graph, op.output)}
    finest: dict[str, int] = {}  # fraction bits of the grid that a value lies on so far
    on_grid: set[str] = set()

    def grid(
        value: Value, rounding: Rounding, name: str = "", fraction: int | None = None, bound: float | None = None
    ) -> Quantize:
        format = format_for(_bound(value, ranges) if bound is None else bound, options.bits)
        own = min(format.fraction, finest.get(value.name, format.fraction))
        if bound is not None:
            # Bits that a coarser grid has no use for would make a table longer.
            format = replace(format, width=max(2, format.width - (format.fraction - own)))
        format = replace(format, fraction=own if fraction is None else fraction)
        # What was observed may be left, up to where the format ends.
        limits = ranges[value.name] if options.observed is None else (format.lo * format.step, format.hi * format.step)
        output = replace(value, name=name or f"{value.name}_q", range=limits)
        finest[output.name], ranges[output.name] = format.fraction, ranges[value.name]
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
        elif isinstance(op, Constant):
            op = _constant_on_grid(op, options.weight_bits)
            finest[op.output.name] = op.format.fraction
            on_grid.add(op.output.name)
            return [op]
        fractions = [finest[value.name] for value in op.inputs]
        source = sum(fractions) if _is_product(op) else max(fractions)
        if isinstance(op, MatMul | Convolution):
            sums = format_for(_bound(op.output, ranges), options.bits)
            how = options.weight_bits, sums.fraction + FINER_PRODUCTS - source
            if graph.mode == "frame" and options.weight_bits < WEIGHT_BITS:
                op = on_grids_of_outputs(op, *how, Format(True, options.bits, source))
            else:
                op = on_weights_grid(op, *how)
            source += op.weights_format.fraction
        if _is_function(op):
            source = finest_result(op, source) if isinstance(op, Piecewise) else FINEST
        finest[op.output.name] = source
        if _keeps_grid(op) and not isinstance(op, Unary) and op.inputs[0].name in on_grid:
            on_grid.add(op.output.name)
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


def _constant_on_grid(op: Constant, bits: int) -> Constant:
    if op.format is not None:
        return op
    format = format_for(float(np.abs(op.value).max(initial=0)), bits)
    return replace(op, value=dequantize(quantize(op.value, format), format), format=format)


def _bound(value: Value, ranges: dict[str, tuple[float, float]]) -> float:
    """The greatest magnitude of a value.

    Raises:
        CompileError: Beyond what 32-bit floating point holds.
    """
    lo, hi = ranges[value.name]
    bound = max(-lo, hi)
    if not bound < 2.0**MOST_INTEGER_BITS:
        raise CompileError("its values may grow beyond 32-bit floating point", layer=value.layer)
    return bound


def _quantize_weights(graph: Graph, options: FixedOptions) -> Graph:
    """Weights that no quantiser of the file has put on a grid go on one of `weight_bits` bits."""

    def transform(op: Op) -> Op:
        if isinstance(op, Constant):
            return _constant_on_grid(op, options.weight_bits)
        return on_weights_grid(op, options.weight_bits) if isinstance(op, MatMul | Convolution) else op

    return rewrite(graph, transform)
