"""What formats depend on: which operations pick, move, add or multiply numbers, which read a grid, what holds them."""

from __future__ import annotations

from compiler.errors import CompileError
from compiler.ir.graph import Graph
from compiler.ir.movement import MOVEMENTS, Concatenate
from compiler.ir.operation import Op
from compiler.ir.ops import Binary, Constant, Convolution, MatMul, Piecewise, Unary, Window
from compiler.ir.reductions import Pool, Reduce
from compiler.ir.values import Value
from compiler.passes.pieces import bounds_of_clamp
from compiler.passes.weight_grids import MOST_INTEGER_BITS

MOVES = tuple(kind for kind in MOVEMENTS if kind is not Concatenate)  # which joins


def is_sum(op: Op) -> bool:
    """Whether it adds or subtracts two values."""
    return isinstance(op, Binary) and op.function in ("add", "subtract")


def is_join(op: Op) -> bool:
    """Whether it picks numbers of several values, which have to lie on one grid."""
    return isinstance(op, Concatenate) or (isinstance(op, Binary) and op.function in ("maximum", "minimum"))


def takes_several(op: Op) -> bool:
    """Whether it makes one value of several."""
    return is_sum(op) or is_join(op) or is_product(op)


def is_function(op: Op) -> bool:
    """Whether it is a function of one number that reads a grid: straight pieces, or a table."""
    return isinstance(op, Piecewise) or is_table(op)


def is_table(op: Op) -> bool:
    """Whether it is a function of one number that integers look up."""
    return isinstance(op, Unary) and bounds_of_clamp(op) is None


def is_product(op: Op) -> bool:
    """Whether it multiplies, by weights or two values: both lie on grids."""
    return isinstance(op, MatMul | Convolution) or (isinstance(op, Binary) and op.function == "multiply")


def is_exact_sum(graph: Graph, value: Value) -> bool:
    """Whether it is a sum over one value that is multiplied as it is, by a constant: a mean is."""
    op, readers = graph.producer(value), graph.consumers(value)
    summed = isinstance(op, Pool | Reduce) and op.function == "sum" and not graph.is_output(value)
    return summed and all(
        any(isinstance(graph.producer(x), Constant) for x in r.inputs) and is_product(r) for r in readers
    )


def keeps_grid(op: Op) -> bool:
    """Whether what comes out are numbers that went in, or zeros."""
    clamps = bounds_of_clamp(op) is not None or (isinstance(op, Pool | Reduce) and op.function == "max")
    return clamps or isinstance(op, (Window, *MOVES))


def reads_grid(op: Op) -> bool:
    """Whether it reads numbers that lie on a grid of a value, and no sums."""
    return is_product(op) or is_function(op) or isinstance(op, (Window, Pool, Reduce, *MOVES))


def bound_of(value: Value, ranges: dict[str, tuple[float, float]]) -> float:
    """The greatest magnitude of a value.

    Raises:
        CompileError: Beyond what 32-bit floating point holds.
    """
    lo, hi = ranges[value.name]
    bound = max(-lo, hi)
    if not bound < 2.0**MOST_INTEGER_BITS:
        raise CompileError("its values may grow beyond 32-bit floating point", layer=value.layer)
    return bound
