"""A fixed-point stream graph as a chain of stages, each what one conv1d of rtl/ computes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from compiler.errors import CompileError
from compiler.ir import limits
from compiler.ir.graph import Graph, rewrite
from compiler.ir.numerics import WIDEST, Format, effective_shift
from compiler.ir.ops import Binary, Concatenate, MatMul, Op, Requantize, Sum, Window
from compiler.ir.values import Value
from compiler.names import Namer
from compiler.passes.integers import prove_accumulators

LEAST_WEIGHT_WIDTH = 2


@dataclass(frozen=True, eq=False)
class Stage:
    """One layer in hardware: window, product and requantisation.

    Args:
        name: Unique in the build, part of file and instance names.
        source, output: The values it reads and computes; both (channels,).
        layer: The Keras layer the weights come from.
        weights: (taps * inputs, outputs), bias (outputs,): integers.
        sum_shift: Zeros behind a sum of products, where the bias is on a finer grid.
        weight_width, accumulator_width: Bits.
        initial: (inputs,), what reset makes of the past.
    """

    name: str
    source: Value
    output: Value
    layer: str
    weights: np.ndarray
    bias: np.ndarray
    sum_shift: int
    weight_width: int
    accumulator_width: int
    taps: int
    dilation: int
    requantize: Requantize
    initial: np.ndarray

    @property
    def inputs(self) -> int:
        """Channels in."""
        return self.source.size

    @property
    def outputs(self) -> int:
        """Channels out."""
        return self.output.size


def stages(graph: Graph) -> tuple[Stage, ...]:
    """The chain of stages from the input to the output.

    Raises:
        CompileError: Naming the first layer that is not part of a chain of products.
    """
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        layer = (graph.inputs if len(graph.inputs) > 1 else graph.outputs)[1].layer
        raise CompileError("the model has more than one input or output, and Verilog has one of each", layer=layer)
    for op in graph.ops:
        if isinstance(op, Sum | Binary | Concatenate):
            raise CompileError(f"{op.words} has no form in Verilog: it is one chain", layer=op.output.layer)
    graph = prove_accumulators(_requantize_by_products(graph))
    namer = Namer()
    chain: list[Stage] = []
    value = graph.inputs[0]
    while not graph.is_output(value):
        stage = _stage(graph, value, namer)
        chain.append(stage)
        value = stage.output
    if not chain:
        raise CompileError("the model computes nothing", layer=value.layer)
    return tuple(chain)


def _stage(graph: Graph, source: Value, namer: Namer) -> Stage:
    window, op = None, _only_reader(graph, source)
    if isinstance(op, Window):
        window, op = op, _only_reader(graph, op.output)
    if not isinstance(op, MatMul):
        raise CompileError(f"{op.words} has no form in Verilog", layer=op.output.layer)
    if op.output.shape != op.bias.shape:
        raise CompileError("a sample of more than one axis has no form in Verilog", layer=op.output.layer)
    product, op = op, _only_reader(graph, op.output)
    if not isinstance(op, Requantize):
        raise CompileError("has no format to be rounded to", layer=product.output.layer)
    shift = effective_shift(op.shift, product.output.format.width, op.lo, op.hi)
    # Zeros that all weights end in cost no multiplier and no memory.
    zeros = _trailing_zeros(product.weights)
    return Stage(
        name=namer(product.layer),
        source=source,
        output=op.output,
        layer=product.layer,
        weights=product.weights >> zeros,
        bias=product.bias,
        sum_shift=zeros,
        weight_width=max(LEAST_WEIGHT_WIDTH, product.weights_format.width - zeros),
        accumulator_width=product.output.format.width,
        taps=window.taps if window else 1,
        dilation=window.dilation if window else 1,
        requantize=replace(op, shift=shift),
        initial=graph.state(window.state).initial if window else np.zeros(source.size, np.int64),
    )


def _trailing_zeros(weights: np.ndarray) -> int:
    """Low bits that are 0 in all weights."""
    together = int(np.bitwise_or.reduce(weights, axis=None))
    return (together & -together).bit_length() - 1 if together else 0


def _only_reader(graph: Graph, value: Value) -> Op:
    readers = graph.consumers(value)
    if len(readers) != 1 or graph.is_output(value):
        where = readers[1].output.layer if len(readers) > 1 else value.layer
        raise CompileError(
            "another layer reads the same value: the model has branches, and Verilog is one chain",
            layer=where,
        )
    return readers[0]


def _requantize_by_products(graph: Graph) -> Graph:
    """A requantisation without a product before it becomes a product with the identity, so that it is a stage."""
    sums = {op.output.name for op in graph.ops if isinstance(op, MatMul)}

    def transform(op: Op) -> list[Op]:
        if not isinstance(op, Requantize) or op.inputs[0].name in sums:
            return [op]
        (x,) = op.inputs
        limits.check(x.size**2, op.output.layer, "a product with the identity, which rounding is here")
        product = MatMul(
            inputs=(x,),
            output=replace(op.output, name=f"{op.output.name}_same", format=Format(True, WIDEST, x.format.fraction)),
            weights=np.eye(x.size, dtype=np.int64),
            bias=np.zeros(x.size, np.int64),
            weights_format=Format(True, 2, 0),
        )
        return [product, replace(op, inputs=(product.output,))]

    return rewrite(graph, transform)
