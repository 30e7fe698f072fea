"""python -m compiler.inspect MODEL: what is in a model file, and what becomes of each layer, without compiling it."""

from __future__ import annotations

if __name__ == "__main__":
    from compiler.signals import end_quietly

    end_quietly()
    from compiler.cli import main

    main("compiler.inspect")  # once more under this name, where an interrupt during the imports below is caught

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from compiler import cli, keras_file, passes, pipeline
from compiler.errors import CompileError
from compiler.ir.graph import Graph
from compiler.ir.ops import Constant, Op, Quantize
from compiler.keras_file import LayerSpec, ModelSpec
from compiler.lowering import lower
from compiler.lowering.table import find
from compiler.options import Options
from compiler.pipeline import Finished
from compiler.tables import table
from compiler.targets import TARGETS

EPILOG = """Any file is read, whatever layers are in it; nothing in it is run. A layer whose work is folded into
another one when the model is compiled still stands here by itself. The last lines say what compiling with a target's
default options comes to. Where that fails, each layer has been tried alone too, to show which ones would work.

exit codes: 0 read, 2 no model"""

Answer = Finished | CompileError


@dataclass
class Row:
    """One layer: what it is, what it costs, and by target why it does not run there."""

    name: str
    class_name: str
    shape: str = "-"
    parameters: int = 0
    macs: int = 0
    known: bool = False  # whether it was lowered, so that targets could be asked
    trouble: dict[str, str] = field(default_factory=dict)

    def on(self, target: str) -> str:
        """Whether a target has it, and if not, why."""
        if target in self.trouble:
            return f"no: {self.trouble[target]}"
        return "yes" if self.known else "-"


def rows(layers: Iterable[LayerSpec], prefix: str = "") -> Iterator[Row]:
    """A row for each layer, and behind it those of the layers within it."""
    for spec in layers:
        row = Row(prefix + spec.name, spec.class_name, parameters=sum(array.size for array in spec.weights))
        known = find(spec.class_name) or spec.class_name == "InputLayer" or spec.operator or spec.model is not None
        if not known:
            row.trouble = dict.fromkeys(TARGETS, f"a layer of class '{spec.class_name}' is not supported")
        yield row
        within = spec.model.layers if spec.model is not None else filter(None, [spec.wrapped])
        yield from rows(within, f"{prefix}{spec.name}/")


def lowered(model: ModelSpec) -> Graph | CompileError:
    """What every target begins with, or why there is nothing to begin with."""
    try:
        return passes.run(lower(model, "net"), passes.prepare())
    except CompileError as error:
        return error


def ask(graph: Graph | CompileError, target: str, **options: Any) -> Answer:
    """What compiling for a target comes to, by default with its default options: what `compile` itself is told."""
    if isinstance(graph, CompileError):
        return graph
    try:
        return pipeline.finish(graph, Options(target=target, **options))
    except CompileError as error:
        return error


def describe(model: ModelSpec) -> str:
    """The whole page."""
    layers = {row.name: row for row in rows(model.layers)}
    graph = lowered(model)
    answers = {target: ask(graph, target) for target in TARGETS}
    if isinstance(graph, Graph):
        _fill(graph, layers)
    for target, answer in answers.items():
        if isinstance(answer, CompileError):
            _blame(answer, target, layers)
            for name, why in _alone(graph, target) if isinstance(graph, Graph) else ():
                if name in layers:
                    layers[name].trouble.setdefault(target, why)
    cells = [
        (row.name, row.class_name, row.shape, f"{row.parameters:,}", f"{row.macs:,}", *map(row.on, TARGETS))
        for row in layers.values()
    ]
    heading = ("layer", "class", "output", "parameters", "MACs", *TARGETS)
    lines = [f"{model.name}   sha256 {model.sha256[:16]}", "", table([heading, *cells], right=(3, 4)), ""]
    lines.append(f"{sum(row.parameters for row in layers.values()):,} parameters")
    return "\n".join([*lines, *_summary(answers)])


def _fill(graph: Graph, layers: Mapping[str, Row]) -> None:
    for row in layers.values():
        row.known = True
    for value in graph.inputs:
        if value.layer in layers:
            layers[value.layer].shape = _shape(value.shape)
    for op in graph.ops:
        row = layers.get(op.output.layer)
        if row:
            row.shape = _shape(op.output.shape)
            row.macs += op.macs


def _shape(shape: tuple[int | None, ...]) -> str:
    return " x ".join("time" if n is None else str(n) for n in shape) or "1"


def _blame(error: CompileError, target: str, layers: Mapping[str, Row]) -> None:
    """Puts an error on the row of the layer that it names."""
    row = next((row for name, row in layers.items() if error.layer in (name, name.rpartition("/")[2])), None)
    if row:
        row.trouble.setdefault(target, error.what)


def _alone(graph: Graph, target: str) -> Iterator[tuple[str, str]]:
    """The layers that a target would not take even by themselves, and why."""
    for layer, ops in groupby(graph.ops, key=lambda op: op.output.layer):
        alone = _model_of(graph, list(ops))
        answer = ask(alone, target)
        if isinstance(answer, CompileError) and not _is_nothing(alone):
            yield layer, answer.what


def _is_nothing(graph: Graph) -> bool:
    """Whether nothing of a stream is left to be computed: a crop at its beginning, say, which is a matter of when."""
    try:
        return not passes.run(graph, passes.simplify("stream")).ops
    except CompileError:
        return False


def _model_of(graph: Graph, ops: list[Op]) -> Graph:
    """The model that some operations of a graph are by themselves, its inputs on a grid where they need one."""
    made = {op.output.name for op in ops}
    sources = {value.name: value for op in ops for value in op.inputs if value.name not in made}
    constants = [op for op in graph.ops if isinstance(op, Constant) and op.output.name in sources]
    inputs = [value for name, value in sources.items() if name not in {op.output.name for op in constants}]
    read = {value.name for op in graph.ops if op.output.name not in made for value in op.inputs}
    read |= {value.name for value in graph.outputs}
    outputs = [op.output for op in ops if op.output.name in read]
    heads: list[Op] = []
    if quantizer := next((op for op in ops if isinstance(op, Quantize)), None):
        heads = [
            replace(quantizer, inputs=(replace(value, name=f"{value.name}_before"),), output=value) for value in inputs
        ]
        inputs = [head.inputs[0] for head in heads]
    return Graph(graph.name, "frame", tuple(inputs), tuple(outputs), (*constants, *heads, *ops))


def _summary(answers: Mapping[str, Answer]) -> list[str]:
    finished = next((answer for answer in answers.values() if isinstance(answer, Finished)), None)
    lines = _figures(finished) if finished else []
    for target, answer in answers.items():
        if isinstance(answer, Finished):
            lines.append(f"{target}: compiles")
        else:
            lines.append(f"{target}: does not compile: {answer}")
    return lines


def _figures(finished: Finished) -> list[str]:
    graph = finished.graphs["float"]
    if graph.mode == "frame":
        return [f"mode: frame, because {finished.note}", f"{graph.macs:,} multiply-accumulates a frame"]
    reach = graph.receptive_field
    lines = ["mode: stream", f"{graph.macs:,} multiply-accumulates a sample"]
    if controls := [value.layer for value in graph.inputs if value.name in graph.controls]:
        lines.append(f"controls, one value a block: {', '.join(controls)}; {graph.control_rate_macs:,} of a block")
    lines.append(f"receptive field: {f'{reach:,} samples' if reach else 'without end, it is recurrent'}")
    warm_ups = ", ".join(f"{samples}" for samples in dict.fromkeys(graph.warm_ups))
    return [*lines, f"warm-up: {warm_ups} samples"] if graph.warm_up else lines


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
