"""Graph -> Graph, one pass after another: the whole list stands here, in order.

To add a pass: write a function Graph -> Graph in a file of this folder and enter it in the list below.
After each pass `verify` says whether the graph is still one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from compiler.graph import Graph
from compiler.passes.clean import merge_repeated_relu, remove_dead, round_to_float32
from compiler.passes.fold_batch_norm import fold_into_product_before, fold_into_products_after
from compiler.passes.formats import FixedOptions, choose_formats
from compiler.passes.integers import fold_rounding, fuse_clamps, prove_accumulators, to_integers
from compiler.passes.stream import stream
from compiler.verifier import Level, verify

Pass = Callable[[Graph], Graph]


def simplify() -> list[tuple[Level, Pass]]:
    """From what lowering made to the streaming float graph, in float64: what both kinds of numbers begin with."""
    return [
        ("lowered", remove_dead),
        ("stream", stream),
        ("stream", fold_into_product_before),
        ("stream", fold_into_products_after),
        ("stream", merge_repeated_relu),
        ("stream", remove_dead),
    ]


def finish_float() -> list[tuple[Level, Pass]]:
    """To the float graph that a target gets."""
    return [("float", round_to_float32)]


def finish_fixed(options: FixedOptions) -> list[tuple[Level, Pass]]:
    """To the fixed-point graph that a target gets."""
    return [
        ("stream", partial(choose_formats, options=options)),
        ("integers", to_integers),
        ("integers", fuse_clamps),
        ("integers", remove_dead),
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
