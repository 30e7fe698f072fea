"""python -m compiler.ranges MODEL --input LO HI: between which values every layer's outputs lie, whatever comes in."""

from __future__ import annotations

if __name__ == "__main__":
    from compiler.signals import end_quietly

    end_quietly()
    from compiler.cli import main

    main("compiler.ranges")  # once more under this name, where an interrupt during the imports below is caught

import math

from compiler import cli, keras_file, passes, progress
from compiler.errors import CompileError
from compiler.ir.graph import Graph
from compiler.keras_file import ModelSpec
from compiler.lowering import lower
from compiler.options import MODES
from compiler.passes.relaxation import Bounds, relax
from compiler.tables import table

EPILOG = """What is proven holds for every input within LO and HI, of any length, from reset: no sample leaves it.
`intervals` takes every operation by itself, as if its inputs did not know of each other; `proven` carries
each value back through the whole network (linear relaxation, CROWN), and is as tight or tighter. Neither need be
reached.

example:
  python -m compiler.ranges net.keras --input -1 1

exit codes: 0 read, 2 no model, or no range is found"""


def ranges(graph: Graph, lo: float, hi: float, *, tighten: bool) -> dict[str, tuple[float, float]]:
    """The least and the greatest number of what each layer gives, by layer, and of the inputs.

    Args:
        graph: In float, behind `passes.simplify`.
        lo, hi: Between which every number of every input lies.
        tighten: By linear relaxation; else by intervals alone.

    Raises:
        CompileError: Naming a layer whose operation has no rule, or a recurrence that keeps to no bounds.
    """
    bounds = relax(graph, {value.name: (lo, hi) for value in graph.inputs}, tighten=tighten)
    known = (*graph.inputs, *(op.output for op in graph.ops))
    return {value.layer: _ends(bounds[value.name]) for value in known}


def _ends(bounds: Bounds) -> tuple[float, float]:
    return float(bounds.lo.min()), float(bounds.hi.max())


def describe(model: ModelSpec, lo: float, hi: float, mode: str) -> str:
    """The whole page.

    Raises:
        CompileError: The model, or its input, has no ranges.
    """
    if not (math.isfinite(lo) and math.isfinite(hi) and lo <= hi):
        raise CompileError(f"--input must be two finite numbers, the smaller one first, not {lo:g} and {hi:g}")
    lowered = passes.run(lower(model, "net"), passes.prepare())
    chosen, _ = passes.choose_mode(lowered, mode, frames_allowed=True)
    graph = passes.run(lowered, passes.simplify(chosen))
    with progress.stage("carrying every layer back to the inputs"):
        plain, proven = (ranges(graph, lo, hi, tighten=tighten) for tighten in (False, True))
    heading = ("layer", "intervals, from", "to", "proven, from", "to", "of intervals")
    cells = [
        (layer, *map(_shown, (*plain[layer], *proven[layer])), _share(plain[layer], proven[layer])) for layer in plain
    ]
    outputs = [value.layer for value in graph.outputs]
    lines = [f"{layer}: {_shown(proven[layer][0])} to {_shown(proven[layer][1])}" for layer in dict.fromkeys(outputs)]
    return "\n".join([table([heading, *cells], right=(1, 2, 3, 4, 5)), "", "outputs lie within", *lines])


def _shown(x: float) -> str:
    return f"{x:.6g}"


def _share(plain: tuple[float, float], proven: tuple[float, float]) -> str:
    wide, narrow = plain[1] - plain[0], proven[1] - proven[0]
    return f"{narrow / wide:.0%}" if math.isfinite(wide) and wide > 0 else "-"


def command() -> int:
    """Reads the command line and prints the page."""
    p = cli.Parser(
        prog="python -m compiler.ranges",
        description="Prints between which values the outputs of every layer lie, proven for all inputs of a range.",
        epilog=EPILOG,
    )
    p.add_argument("model", help=".h5, .keras or .json")
    p.add_argument("--weights", metavar="W.h5", help="the weights of a .json model")
    p.add_argument(
        "--input",
        type=cli.number,
        nargs=2,
        metavar=("LO", "HI"),
        default=(-1.0, 1.0),
        help="between which every number of every input lies; default -1 1",
    )
    p.add_argument("--mode", choices=MODES, default="auto", help="sample by sample or in whole frames")
    p.add_argument("--quiet", action="store_true", help="print the table, and no progress")
    given = p.parse_args()
    with progress.shown(not given.quiet):
        try:
            page = describe(keras_file.read(given.model, given.weights), *given.input, given.mode)
        except CompileError as error:
            error.file = error.file or given.model
            raise
    cli.say(page)
    return cli.DONE
