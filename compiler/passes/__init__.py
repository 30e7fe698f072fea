"""Graph -> Graph, one pass after another: the whole list stands here, in order.

To add a pass: write a function Graph -> Graph in a file of this folder and enter it in the list below.
After each pass `verify` says whether the graph is still one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from compiler.ir.graph import Graph
from compiler.ir.verifier import Level, verify
from compiler.passes.common_subexpressions import merge_common_subexpressions
from compiler.passes.constant_folding import fold_constants
from compiler.passes.dead_code import remove_dead_code
from compiler.passes.dead_taps import remove_dead_taps
from compiler.passes.fold_batch_norm import fold_into_product_before, fold_into_products_after
from compiler.passes.formats import FixedOptions, choose_formats
from compiler.passes.identities import merge_repeated_relu, remove_reshapes_to_the_same
from compiler.passes.integers import fold_rounding, fuse_clamps, prove_accumulators, to_integers
from compiler.passes.mode import choose_mode, is_sized
from compiler.passes.rounding import round_to_float32
from compiler.passes.sink_reshapes import sink_reshapes
from compiler.passes.states import feed_states
from compiler.passes.stream import stream

Pass = Callable[[Graph], Graph]

__all__ = [
    "FixedOptions",
    "Pass",
    "choose_mode",
    "finish_fixed",
    "finish_float",
    "is_sized",
    "prepare",
    "run",
    "simplify",
    "steps",
]


def prepare() -> list[tuple[Level, Pass]]:
    """What lowering made, before it is known whether it streams."""
    return [("lowered", remove_dead_code), ("lowered", fold_constants)]


def simplify(mode: str = "stream") -> list[tuple[Level, Pass]]:
    """To the simplest graph in float64: what both kinds of numbers begin with."""
    level: Level = "stream" if mode == "stream" else "lowered"
    begin = [("stream", stream)] if mode == "stream" else [("lowered", feed_states), ("lowered", remove_dead_taps)]
    return [
        *begin,
        (level, remove_reshapes_to_the_same),
        (level, sink_reshapes),
        (level, fold_constants),
        (level, merge_common_subexpressions),
        (level, fold_into_product_before),
        (level, fold_into_products_after),
        (level, merge_repeated_relu),
        (level, merge_common_subexpressions),
        (level, remove_dead_code),
    ]


def finish_float() -> list[tuple[Level, Pass]]:
    """To the float graph that a target gets."""
    return [("float", round_to_float32)]


def finish_fixed(options: FixedOptions, mode: str = "stream") -> list[tuple[Level, Pass]]:
    """To the fixed-point graph that a target gets."""
    return [
        ("stream" if mode == "stream" else "lowered", partial(choose_formats, options=options)),
        ("integers", partial(to_integers, table_error=options.table_error)),
        ("integers", fuse_clamps),
        ("integers", remove_dead_code),
        ("integers", fold_rounding),
        ("fixed", prove_accumulators),
    ]


def run(graph: Graph, passes: list[tuple[Level, Pass]]) -> Graph:
    """Applies passes in order, and checks the graph after each."""
    result = graph
    for _, result in steps(graph, passes):  # noqa: B007 -- the last one stays
        pass
    return result


def steps(graph: Graph, passes: list[tuple[Level, Pass]]) -> Iterator[tuple[Pass, Graph]]:
    """Each pass with the graph it made, checked."""
    verify(graph, "lowered" if graph.mode == "frame" else "stream")
    for level, function in passes:
        graph = function(graph)
        verify(graph, level)
        yield function, graph
