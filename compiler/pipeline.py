"""From what lowering made to what a target is given, and the one answer to whether that target takes it.

`compile` goes this way before it writes anything, and `inspect` goes it for the model and for each of its layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from compiler import accuracy, passes
from compiler.accuracy import Accuracy
from compiler.calibration import Calibration, Data, calibrate
from compiler.errors import CompileError
from compiler.ir.graph import Graph
from compiler.ir.ops import Quantize, QuantizeEach
from compiler.narrowing import narrowed
from compiler.options import Options, flag
from compiler.targets import TARGETS


@dataclass(frozen=True, eq=False)
class Finished:
    """Graphs that a target takes.

    Args:
        graphs: "float", and "fixed" where it computes in fixed point.
        calibration: What was observed, where there are data.
        accuracy: Of the fixed-point graph, where the compiler has chosen its formats.
        note: Why it computes whole frames, where it was free to stream.
    """

    graphs: Mapping[str, Graph]
    note: str | None
    calibration: Calibration | None = None
    accuracy: Accuracy | None = None


def finish(lowered: Graph, options: Options, data: Data | None = None) -> Finished:
    """The graphs that a target is given, checked by that target.

    Args:
        lowered: A frame graph behind `passes.prepare`.
        data: What to calibrate with.

    Raises:
        CompileError: Naming the first layer that stands in the way, and what does without it.
    """
    target, numbers = TARGETS[options.target], "fixed" if options.fixed else "float"
    frames = "frame" in target.modes[numbers]
    try:
        mode, note = passes.choose_mode(lowered, options.mode, frames_allowed=frames)
    except CompileError as error:
        error.hint = error.hint or _in_frames(lowered, options)
        raise
    simple = passes.run(lowered, passes.simplify(mode))
    graphs = {"float": passes.run(simple, passes.finish_float())}
    observed = None
    if options.fixed:
        _demand_counting(graphs["float"], options, data)
        observed = None if data is None else calibrate(data, simple, options)
    try:
        measured = None
        if options.fixed:
            graphs["fixed"], measured = _fixed(simple, graphs["float"], mode, options, observed)
        target.check(graphs[numbers], options)
    except CompileError as error:
        if options.fixed and error.layer:
            error.hint = error.hint or _in_float(graphs["float"])
        raise
    return Finished(graphs, note, observed, measured)


def _fixed(
    simple: Graph, ideal: Graph, mode: str, options: Options, observed: Calibration | None
) -> tuple[Graph, Accuracy | None]:
    """The fixed-point graph, and how accurate it is where the compiler has chosen its formats."""
    widths = options.bits, options.weight_bits
    fixed = passes.FixedOptions(*widths, options.rounding, options.input_range, options.table_error)
    if observed is not None and options.headroom == "calibrated":
        fixed = replace(fixed, observed=observed.ranges)

    def make(wanted: passes.FixedOptions) -> Graph:
        return passes.run(simple, passes.finish_fixed(wanted, mode))

    graph = make(fixed)
    if any(isinstance(op, Quantize | QuantizeEach) for op in ideal.ops):
        return graph, None
    held = observed.held if observed else accuracy.noise(graph, options.input_range)
    word = TARGETS[options.target].word if "weight_bits" not in options.given else None
    return narrowed(ideal, graph, fixed, make, held, word)


def _demand_counting(graph: Graph, options: Options, data: Data | None) -> None:
    """Refuses options for formats that the compiler chooses, where the model's quantisers have chosen them."""
    if not any(isinstance(op, Quantize) for op in graph.ops):
        return
    given = {*options.given, *(["calibrate"] if data is not None else [])}
    for option in sorted(given & {"bits", "rounding", "input_range", "headroom", "calibrate"}):
        raise CompileError(
            f"{flag(option)} does nothing here: the quantisers in the model say what its values are",
            hint="Leave it out, or compile a model without quantisers.",
        )


def _in_frames(graph: Graph, options: Options) -> str | None:
    """What to do so that a model which does not stream is computed in whole frames, for who asked for these options."""
    steps = [] if passes.is_sized(graph) else ["give the model's input a fixed number of steps"]
    target, numbers = TARGETS[options.target], "fixed" if options.fixed else "float"
    if "frame" in target.modes[numbers]:
        clauses = [*steps, *(["leave out --mode stream"] if options.mode == "stream" else [])]
    else:
        others = sorted(TARGETS.values(), key=lambda other: other is not target)
        ways = [(other.name, each) for other in others for each, modes in other.modes.items() if "frame" in modes]
        clauses = [*steps, *(f"use --target {name} --numbers {each}" for name, each in ways[:1])]
    return f"To compute whole frames instead, {' and '.join(clauses)}." if clauses else None


def _in_float(graph: Graph) -> str | None:
    """Which target takes a model in floating point, asked of the targets themselves."""
    for target in TARGETS.values():
        if graph.mode in target.modes.get("float", ()):
            try:
                target.check(graph, Options(target.name))
            except CompileError:
                continue
            return f"In floating point it compiles: --target {target.name} --numbers float."
    return None
