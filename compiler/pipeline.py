"""From what lowering made to what a target is given, and the one answer to whether that target takes it.

`compile` goes this way before it writes anything, and `inspect` goes it for the model and for each of its layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from compiler import passes
from compiler.errors import CompileError
from compiler.ir.graph import Graph
from compiler.ir.ops import Quantize
from compiler.options import Options, flag
from compiler.targets import TARGETS


@dataclass(frozen=True, eq=False)
class Finished:
    """Graphs that a target takes.

    Args:
        graphs: "float", and "fixed" where it computes in fixed point.
        note: Why it computes whole frames, where it was free to stream.
    """

    graphs: Mapping[str, Graph]
    note: str | None


def finish(lowered: Graph, options: Options) -> Finished:
    """The graphs that a target is given, checked by that target.

    Args:
        lowered: A frame graph behind `passes.prepare`.

    Raises:
        CompileError: Naming the first layer that stands in the way, and what does without it.
    """
    target, numbers = TARGETS[options.target], "fixed" if options.fixed else "float"
    frames = "frame" in target.modes[numbers]
    try:
        mode, note = passes.choose_mode(lowered, options.mode, frames_allowed=frames)
    except CompileError as error:
        error.hint = error.hint or next(_where_frames_are(options), None)
        raise
    simple = passes.run(lowered, passes.simplify(mode))
    graphs = {"float": passes.run(simple, passes.finish_float())}
    if options.fixed:
        _demand_counting(graphs["float"], options)
        fixed = passes.FixedOptions(options.bits, options.weight_bits, options.rounding, options.input_range)
        graphs["fixed"] = passes.run(simple, passes.finish_fixed(fixed))
    target.check(graphs[numbers], options)
    return Finished(graphs, note)


def _demand_counting(graph: Graph, options: Options) -> None:
    """Refuses options for formats that the compiler chooses, where the model's quantisers have chosen them."""
    if not any(isinstance(op, Quantize) for op in graph.ops):
        return
    for option in sorted(options.given & {"bits", "rounding", "input_range"}):
        raise CompileError(
            f"{flag(option)} does nothing here: the quantisers in the model say what its values are",
            hint="Leave it out, or compile a model without quantisers.",
        )


def _where_frames_are(options: Options) -> Iterator[str]:
    """Who computes whole frames, the target that was asked for before others."""
    for target in sorted(TARGETS.values(), key=lambda target: target.name != options.target):
        for numbers, modes in target.modes.items():
            if "frame" in modes:
                where = f"--target {target.name} --numbers {numbers}"
                yield f"{where} computes whole frames, where the model's input has a fixed number of steps."
