"""Weights with fewer bits, where that keeps sums in a processor's word and costs next to nothing of the signal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from compiler.accuracy import Accuracy, Ideal
from compiler.calibration import Held
from compiler.ir.graph import Graph
from compiler.ir.ops import Convolution, MatMul
from compiler.passes import FixedOptions

MOST_LOSS_DB = 1.0
LEAST_BITS = 8
MOST_TRIALS = 32  # layers that are tried by themselves: each trial runs the network
Make = Callable[[FixedOptions], Graph]


def narrowed(
    float_graph: Graph, fixed: Graph, options: FixedOptions, make: Make, held: Sequence[Held], word: int | None
) -> tuple[Graph, Accuracy]:
    """The fixed-point graph with as many sums in a word as cost no more than a decibel in all, and its accuracy.

    All layers at first; where that costs too much, one after the other, those with the most work first.

    Args:
        fixed: What `make` makes of the options.
        make: A graph of other options, from the same float graph.
        held: What accuracy is measured with; where it is nothing, nothing is narrowed.
        word: Bits of a sum that the target takes in its stride; None where any width costs the same.
    """
    ideal = Ideal(float_graph, held)
    found = ideal.against(fixed)
    wanted = _bits(fixed, options, word) if word and found.snr_db is not None else {}
    if not wanted:
        return fixed, found

    def tried(bits: dict[str, int]) -> tuple[Graph, Accuracy] | None:
        graph = make(replace(options, narrower=bits))
        there = ideal.against(graph)
        return None if there.snr_db is None or there.snr_db < found.snr_db - MOST_LOSS_DB else (graph, there)

    if (every := tried(wanted)) is not None:
        return every
    best, kept = (fixed, found), dict[str, int]()
    for name in list(wanted)[:MOST_TRIALS]:
        if (one := tried({**kept, name: wanted[name]})) is not None:
            kept[name], best = wanted[name], one
    return best


def _bits(graph: Graph, options: FixedOptions, word: int) -> dict[str, int]:
    """By the name of what a product gives, the weights' bits with which its sum fits a word; most work first."""
    wide = [op for op in graph.ops if isinstance(op, MatMul | Convolution) and op.output.format.width > word]
    bits = {op.output.name: options.weight_bits - (op.output.format.width - word) for op in sorted(wide, key=_work)}
    return {name: count for name, count in bits.items() if count >= LEAST_BITS}


def _work(op: MatMul | Convolution) -> tuple[int, str]:
    return -op.macs, op.output.name
