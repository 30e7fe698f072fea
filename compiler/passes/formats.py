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
from dataclasses import dataclass, field, replace

import numpy as np

from compiler.errors import CompileError
from compiler.ir import limits
from compiler.ir.graph import Graph, rewrite
from compiler.ir.movement import MOVEMENTS, Pad
from compiler.ir.numerics import WIDEST, Format, Rounding, dequantize, quantize
from compiler.ir.operation import Op
from compiler.ir.ops import Affine, Binary, Constant, Convolution, MatMul, Piecewise, Quantize, Unary, UnitDelay, Window
from compiler.ir.reductions import Pool, Reduce
from compiler.ir.values import Value
from compiler.passes.function_ranges import flat_beyond
from compiler.passes.grid_rules import (
    bound_of,
    is_exact_sum,
    is_function,
    is_join,
    is_product,
    is_sum,
    is_table,
    keeps_grid,
    reads_grid,
    takes_several,
)
from compiler.passes.means import means_as_products
from compiler.passes.pieces import finest_result, to_pieces
from compiler.passes.ranges import worst_case_ranges
from compiler.passes.recurrence import delayed_states
from compiler.passes.split_products import split_products
from compiler.passes.spreading import spread_terms
from compiler.passes.states import namer_of
from compiler.passes.weight_grids import WEIGHT_BITS, format_for, on_grids_of_outputs, on_weights_grid

# Bits by which products may be finer than the format that would hold their sums: an error of 2**-16 steps for each
# input of 16 bits.
FINER_PRODUCTS = 30
# The same in sums that are kept from sample to sample in twice as many bits: as fine as a product of one with 16 bits.
FINER_IN_STATES = 16
FINEST = 1 << 12  # fraction bits of what lies on no grid, as it comes from a table
WITH_FORM = (Window, UnitDelay, MatMul, Convolution, Affine, Unary, Piecewise, Quantize, Constant, Pool, Reduce)


@dataclass(frozen=True)
class FixedOptions:
    """What the command line says about numbers: widths in bits, how chosen formats round, the inputs' range."""

    bits: int = 16
    weight_bits: int = 16
    rounding: Rounding = "half_up"
    input_range: tuple[float, float] = (-1.0, 1.0)
    table_error: float = 1.0
    narrower: Mapping[str, int] = field(default_factory=dict)  # bits of weights, by the name of what a product gives
    observed: Mapping[str, tuple[float, float]] | None = None  # what values came to, where that is to do


def choose_formats(graph: Graph, options: FixedOptions) -> Graph:
    """Puts every weight and every value that a product reads, or that leaves the graph, on a grid.

    Raises:
        CompileError: Naming the first layer that has no fixed-point form, or lacks a quantiser.
    """
    graph = split_products(spread_terms(to_pieces(graph)))
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
    if not isinstance(op, (*WITH_FORM, *MOVEMENTS)) and not takes_several(op):
        raise CompileError(f"{op.words} has no fixed-point form yet", layer=layer)
    if isinstance(op, Pad) and op.value:
        raise CompileError(f"padding with {op.value:g}, not 0, has no fixed-point form yet", layer=layer)
    if is_sum(op) and len({op.output.shape, *op.shapes}) > 1:
        raise CompileError(f"{op.words} of different shapes has no fixed-point form yet", layer=layer)


def _affine_as_product(graph: Graph) -> Graph:
    """A batch normalisation that could not be folded is a product with a diagonal matrix."""

    def transform(op: Op) -> Op:
        if not isinstance(op, Affine):
            return op
        limits.check(len(op.scale) ** 2, op.output.layer, "its scale as a matrix")
        return MatMul(inputs=op.inputs, output=op.output, weights=np.diag(op.scale), bias=op.shift)

    return rewrite(graph, transform)


def _on_grid(graph: Graph, value: Value) -> bool:
    """Whether a quantiser has the last word on a value; what only picks or moves numbers keeps it on its grid."""
    op = graph.producer(value)
    if isinstance(op, Quantize | Constant):
        return True
    kept = op is not None and (is_join(op) or keeps_grid(op))
    return kept and all(_on_grid(graph, source) for source in op.inputs)


def _demand_quantizers(graph: Graph) -> None:
    hint = "Put a QActivation in front of it, or remove all quantisers to let the compiler choose formats."
    for state in delayed_states(graph):
        raise CompileError("a recurrence among quantisers of the file has no fixed-point form", layer=state.value.layer)
    behind = "Put a QActivation behind it, or remove all quantisers to let the compiler choose formats."
    for op in graph.ops:
        read = [value for value in op.inputs if not is_exact_sum(graph, value)]
        if (reads_grid(op) or is_join(op)) and not all(_on_grid(graph, value) for value in read):
            raise CompileError("its input has no quantiser", layer=op.output.layer, hint=hint)
        readers = graph.consumers(op.output)
        if is_table(op) and (graph.is_output(op.output) or not all(isinstance(r, Quantize) for r in readers)):
            raise CompileError(f"{op.words} needs a quantiser behind it", layer=op.output.layer, hint=behind)
        for value in op.inputs if is_sum(op) else ():
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
        elif keeps_grid(op) and op.inputs[0].name in formats:
            formats[op.output.name] = formats[op.inputs[0].name]
        if not is_join(op):
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
    wanted = {v.name for op in graph.ops if reads_grid(op) and not is_function(op) for v in op.inputs}
    wanted |= {value.name for value in graph.outputs} | {op.output.name for op in graph.ops if is_function(op)}
    # Sums take products and other sums as they are, without a rounding between.
    wanted |= {v.name for op in graph.ops if is_sum(op) for v in op.inputs if isinstance(graph.producer(v), Unary)}
    # A mean is the whole sum times a constant.
    wanted -= {op.output.name for op in graph.ops if isinstance(op, Window) or is_exact_sum(graph, op.output)}
    finest: dict[str, int] = {}  # fraction bits of the grid that a value lies on so far
    namer = namer_of(graph)
    on_grid: dict[str, Format] = {}
    states = _state_formats(graph, ranges, options.bits)
    remembered = {graph.state(name).value.name: format for name, format in states.items()}
    kept: dict[str, Value] = {}  # by the name of a value whose past is kept, what is kept of it
    shorts: dict[str, Quantize] = {}
    # Values that are no longer than others whatever reads them: what is moved, pooled and looked back at.
    short_ones = {v.name for op in graph.ops if reads_grid(op) and not is_product(op) for v in op.inputs}
    short_ones -= {v.name for op in graph.ops if is_function(op) for v in op.inputs}
    short_ones |= {value.name for value in graph.outputs}

    def grid(
        value: Value,
        rounding: Rounding,
        name: str = "",
        fraction: int | None = None,
        bound: float | None = None,
        bits: int = options.bits,
    ) -> Quantize:
        format = format_for(bound_of(value, ranges) if bound is None else bound, bits)
        own = min(format.fraction, finest.get(value.name, format.fraction))
        if bound is not None:
            # Bits that a coarser grid has no use for would make a table longer.
            format = replace(format, width=max(2, format.width - (format.fraction - own)))
        format = replace(format, fraction=own if fraction is None else fraction)
        # What was observed may be left, up to where the format ends.
        limits = ranges[value.name] if options.observed is None else (format.lo * format.step, format.hi * format.step)
        output = replace(value, name=namer(name or f"{value.name}_q"), range=limits)
        finest[output.name], ranges[output.name] = format.fraction, ranges[value.name]
        on_grid[output.name] = format
        return Quantize(inputs=(value,), output=output, format=format, rounding=rounding, lo=format.lo, hi=format.hi)

    def coarse_enough(op: Op) -> tuple[Op, list[Quantize]]:
        """A sum whose terms are no finer than products are allowed to be: such bits would say nothing."""
        result, finer = remembered.get(op.output.name), FINER_IN_STATES
        if result is None:
            result, finer = format_for(bound_of(op.output, ranges), options.bits), FINER_PRODUCTS
        most, width = result.fraction + finer, result.width
        fractions = [format_for(bound_of(value, ranges), width).fraction for value in op.inputs]
        rounded = {
            n: grid(value, options.rounding, f"{op.output.name}_term_{n}", min(fractions[n], most), bits=width)
            for n, value in enumerate(op.inputs)
            if finest[value.name] > most
        }
        inputs = tuple(rounded[n].output if n in rounded else value for n, value in enumerate(op.inputs))
        return replace(op, inputs=inputs), list(rounded.values())

    def on_one_grid(op: Op) -> tuple[Op, list[Quantize]]:
        """A join whose values lie on the finest grid that holds them all, finer than none of them needs."""
        most = max(bound_of(value, ranges) for value in op.inputs)
        fraction = min(format_for(most, options.bits).fraction, max(finest[value.name] for value in op.inputs))
        rounded = {
            n: grid(value, options.rounding, f"{op.output.name}_part_{n}", fraction)
            for n, value in enumerate(op.inputs)
            if value.name not in on_grid or finest[value.name] != fraction or is_long(value)
        }
        inputs = tuple(rounded[n].output if n in rounded else value for n, value in enumerate(op.inputs))
        on_grid[op.output.name] = replace(format_for(most, options.bits), fraction=fraction)
        return replace(op, inputs=inputs), list(rounded.values())

    def is_long(value: Value) -> bool:
        """Whether a value, that of a state, has more bits than others have."""
        return value.name in on_grid and on_grid[value.name].width > options.bits

    def short(op: Op) -> tuple[Op, list[Quantize]]:
        """A product of which at most one factor has more bits than values have."""
        long = [value for value in op.inputs if is_long(value)]
        if isinstance(op, Binary) and op.inputs[0].name != op.inputs[1].name:
            long = long[1:]
        new = [value for value in dict.fromkeys(long) if value.name not in shorts]
        shorts.update({value.name: grid(value, options.rounding, f"{value.name}_short") for value in new})
        names = {value.name for value in long}
        inputs = tuple(shorts[value.name].output if value.name in names else value for value in op.inputs)
        return replace(op, inputs=inputs), [shorts[value.name] for value in new]

    def on_own_grid(op: Op) -> tuple[Op, list[Quantize]]:
        """A function whose number lies on a grid, which ends where the function comes to rest."""
        (x,) = op.inputs
        bound = bound_of(x, ranges)
        if is_table(op):
            step = format_for(bound_of(op.output, ranges), options.bits).step
            bound = flat_beyond(op.function, op.parameters, bound, step / 4)
        wide = format_for(bound_of(x, ranges), options.bits)
        same = bound == bound_of(x, ranges) or format_for(bound, options.bits).fraction == wide.fraction
        if x.name in on_grid and same and not is_long(x):
            return op, []
        rounded = grid(x, options.rounding, f"{op.output.name}_x", bound=bound)
        return replace(op, inputs=(rounded.output,)), [rounded]

    # Whoever feeds the build rounds the input, half to even.
    heads = {value.name: grid(value, "half_even") for value in graph.inputs}

    def transform(op: Op) -> list[Op]:
        op = replace(op, inputs=tuple(heads[v.name].output if v.name in heads else v for v in op.inputs))
        before: list[Quantize] = []
        if isinstance(op, UnitDelay):
            format = on_grid[op.output.name] = states[op.state]
            finest[op.output.name], kept[op.output.name] = format.fraction, op.output
            narrow = op.output.name in short_ones and is_long(op.output)
            return [op, *([grid(op.output, options.rounding)] if narrow else [])]
        if is_sum(op):
            op, before = coarse_enough(op)
        elif is_join(op):
            op, before = on_one_grid(op)
        elif is_function(op):
            op, before = on_own_grid(op)
        elif isinstance(op, Constant):
            op = _constant_on_grid(op, options.weight_bits)
            finest[op.output.name] = op.format.fraction
            on_grid[op.output.name] = op.format
            return [op]
        elif is_product(op):
            op, before = short(op)
        fractions = [finest[value.name] for value in op.inputs]
        source = sum(fractions) if is_product(op) else max(fractions)
        if isinstance(op, MatMul | Convolution):
            sums = format_for(bound_of(op.output, ranges), options.bits)
            bits = options.narrower.get(op.output.name, options.weight_bits)
            how = bits, sums.fraction + FINER_PRODUCTS - source
            if graph.mode == "frame" and bits < WEIGHT_BITS:
                op = on_grids_of_outputs(op, *how, Format(True, options.bits, source))
            else:
                op = on_weights_grid(op, *how)
            source += op.weights_format.fraction
        if is_function(op):
            source = finest_result(op, source) if isinstance(op, Piecewise) else FINEST
        finest[op.output.name] = source
        if keeps_grid(op) and not isinstance(op, Unary) and op.inputs[0].name in on_grid:
            on_grid[op.output.name] = on_grid[op.inputs[0].name]
        done = op.output.name in on_grid or op.output.name not in wanted
        # What a state differs by from where it goes is multiplied by a small share, and added up again and again.
        long = is_sum(op) and any(map(is_long, op.inputs)) and op.output.name not in short_ones
        after = [] if done else [grid(op.output, options.rounding, bits=options.bits * (2 if long else 1))]
        if (format := remembered.get(op.output.name)) is not None:
            own = after[-1] if after and after[-1].format == format else None
            name = f"{op.output.name}_kept"
            own = own or grid(op.output, options.rounding, name, format.fraction, bits=format.width)
            kept[op.output.name] = own.output
            after = [own, *(q for q in after if q is not own)]
        return [*before, op, *after]

    body = rewrite(graph, transform)
    values = {value.name: heads[value.name].output for value in graph.inputs}
    past = {state.name: kept[state.value.name] for state in delayed_states(graph) if state.value.name in kept}
    states = tuple(
        replace(state, value=past.get(state.name, values.get(state.value.name, state.value))) for state in body.states
    )
    outputs = tuple(heads[v.name].output if v.name in heads else v for v in body.outputs)
    return replace(body, ops=(*heads.values(), *body.ops), states=states, outputs=outputs)


def _constant_on_grid(op: Constant, bits: int) -> Constant:
    if op.format is not None:
        return op
    format = format_for(float(np.abs(op.value).max(initial=0)), bits)
    return replace(op, value=dequantize(quantize(op.value, format), format), format=format)


def _state_formats(graph: Graph, ranges: dict[str, tuple[float, float]], bits: int) -> dict[str, Format]:
    """The formats of the states that are read before they are computed anew: of twice as many bits as other values
    have, so that what is added to them step by step is not lost, unless they are made with no more than those."""
    formats: dict[str, Format] = {}
    for state in delayed_states(graph):
        made = graph.producer(state.value)
        long = made is not None and not is_function(made) and not is_join(made)
        formats[state.name] = format_for(bound_of(state.value, ranges), 2 * bits if long else bits)
    for state in delayed_states(graph):
        made = graph.producer(state.value)
        while isinstance(made, UnitDelay):  # what was there two samples ago, and so on
            formats[state.name] = formats[made.state]
            made = graph.producer(graph.state(made.state).value)
    return formats


def _quantize_weights(graph: Graph, options: FixedOptions) -> Graph:
    """Weights that no quantiser of the file has put on a grid go on one of `weight_bits` bits."""

    def transform(op: Op) -> Op:
        if isinstance(op, Constant):
            return _constant_on_grid(op, options.weight_bits)
        return on_weights_grid(op, options.weight_bits) if isinstance(op, MatMul | Convolution) else op

    return rewrite(graph, transform)
