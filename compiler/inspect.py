"""python -m compiler.inspect MODEL: what is in a model file, and what becomes of each layer, without compiling it."""

from __future__ import annotations

if __name__ == "__main__":
    from compiler.cli import main

    main("compiler.inspect")  # once more under this name, where an interrupt during the imports below is caught

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from compiler import cli, keras_file, passes
from compiler.errors import CompileError
from compiler.ir.graph import Graph
from compiler.ir.ops import Affine, Constant, Convolution, MatMul, Op, Quantize, Reshape, Unary
from compiler.keras_file import LayerSpec, ModelSpec
from compiler.lowering import lower
from compiler.lowering.table import TABLE
from compiler.tables import table

EPILOG = """Any file is read, whatever layers are in it; nothing in it is run. A layer whose work is folded into
another one when the model is compiled still stands here by itself.

exit codes: 0 read, 2 no model"""

# The hardware has these, a convolution if it does not split its channels, a function if it is relu.
IN_HARDWARE = (Convolution, MatMul, Affine, Quantize, Unary, Reshape, Constant)


@dataclass
class Row:
    """One layer: what it is, what it costs, and where it runs."""

    name: str
    class_name: str
    shape: str = "-"
    parameters: int = 0
    macs: int = 0
    ops: list[Op] = field(default_factory=list)
    trouble: str = ""

    def on_mcu(self) -> str:
        """Whether the mcu target has it."""
        return f"no: {self.trouble}" if self.trouble else "yes"

    def on_fpga(self) -> str:
        """Whether the fpga target has it."""
        if self.trouble:
            return "no"
        return "yes" if all(_in_hardware(op) for op in self.ops) else "no"


def _in_hardware(op: Op) -> bool:
    plain = not isinstance(op, Convolution) or (op.groups == 1 and len(op.strides) == 1)
    relu = not isinstance(op, Unary) or op.function == "relu"
    return isinstance(op, IN_HARDWARE) and plain and relu


def rows(layers: Iterable[LayerSpec], prefix: str = "") -> Iterator[Row]:
    """A row for each layer, and behind it those of the layers within it."""
    for spec in layers:
        row = Row(prefix + spec.name, spec.class_name, parameters=sum(array.size for array in spec.weights))
        known = spec.class_name in TABLE or spec.class_name == "InputLayer" or spec.operator or spec.model is not None
        if not known:
            row.trouble = f"a layer of class '{spec.class_name}' is not supported"
        yield row
        within = spec.model.layers if spec.model is not None else filter(None, [spec.held])
        yield from rows(within, f"{prefix}{spec.name}/")


def describe(model: ModelSpec) -> str:
    """The whole page."""
    layers = {row.name: row for row in rows(model.layers)}
    graph: Graph | None = None
    try:
        graph = passes.run(lower(model, "net"), passes.prepare())
    except CompileError as error:
        where = next((row for name, row in layers.items() if error.layer in (name, name.rpartition("/")[2])), None)
        if where:
            where.trouble = where.trouble or error.what
        problem = str(error)
    if graph is not None:
        _fill(graph, layers)
    heading = ("layer", "class", "output", "parameters", "MACs", "mcu", "fpga")
    cells = [
        (row.name, row.class_name, row.shape, f"{row.parameters:,}", f"{row.macs:,}", row.on_mcu(), row.on_fpga())
        for row in layers.values()
    ]
    lines = [f"{model.name}   sha256 {model.sha256[:16]}", "", table([heading, *cells], right=(3, 4)), ""]
    lines.append(f"{sum(row.parameters for row in layers.values()):,} parameters")
    lines += _summary(graph) if graph is not None else [f"does not compile: {problem}"]
    return "\n".join(lines)


def _fill(graph: Graph, layers: dict[str, Row]) -> None:
    for value in graph.inputs:
        if value.layer in layers:
            layers[value.layer].shape = _shape(value.shape)
    for op in graph.ops:
        row = layers.get(op.output.layer)
        if row:
            row.shape = _shape(op.output.shape)
            row.macs += op.macs
            row.ops.append(op)


def _shape(shape: tuple[int | None, ...]) -> str:
    return " x ".join("time" if n is None else str(n) for n in shape) or "1"


def _summary(graph: Graph) -> list[str]:
    try:
        mode, note = passes.choose_mode(graph, "auto", frames_allowed=True)
    except CompileError as error:
        return [f"runs neither as a stream nor in frames: {error}"]
    if mode == "frame":
        return [f"mode: frame, because {note}", f"{graph.macs:,} multiply-accumulates a frame"]
    simple = passes.run(graph, passes.simplify("stream"))
    reach = simple.receptive_field
    lines = ["mode: stream", f"{simple.macs:,} multiply-accumulates a sample"]
    if controls := [value.layer for value in simple.inputs if value.name in simple.controls]:
        lines.append(f"controls, one value a block: {', '.join(controls)}; {simple.held_macs:,} of a block")
    lines.append(f"receptive field: {f'{reach:,} samples' if reach else 'without end, it is recurrent'}")
    warm_ups = ", ".join(f"{samples}" for samples in dict.fromkeys(simple.warm_ups))
    return [*lines, f"warm-up: {warm_ups} samples"] if simple.warm_up else lines


def command() -> int:
    """Reads the command line and prints the page."""
    p = cli.Parser(
        prog="python -m compiler.inspect",
        description="Prints layers, shapes, parameters, multiply-accumulates, mode, receptive field, and which "
        "targets have which layer.",
        epilog=EPILOG,
    )
    p.add_argument("model", help=".h5, .keras or .json")
    p.add_argument("--weights", metavar="W.h5", help="the weights of a .json model")
    given = p.parse_args()
    cli.say(describe(keras_file.read(given.model, given.weights)))
    return cli.DONE
