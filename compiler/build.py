"""A finished build: a folder with sources, the graph they came from and a report. Its only writer and reader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from compiler import folder as folders
from compiler import manifest, progress, streams
from compiler.errors import CompileError
from compiler.ir import interpreter, numerics, store
from compiler.ir.graph import Graph
from compiler.ir.ops import Window
from compiler.ir.values import Value
from compiler.options import Options
from compiler.streams import Inputs
from compiler.targets import TARGETS

if TYPE_CHECKING:
    from compiler.keras_file import ModelSpec
    from compiler.pipeline import Finished

On = Literal["reference", "host", "emulator", "rtl"]


@dataclass(frozen=True)
class Build:
    """A folder that `compile` wrote. It needs neither the model's file nor Keras any more.

    Args:
        folder: Where it is.
        trust_changes: Whether its files may be other than `compile` wrote them. Else a build whose files have changed
            is not run: they are code.
    """

    folder: Path
    trust_changes: bool = False

    @classmethod
    def open(cls, folder: str | Path, *, trust_changes: bool = False) -> Build:
        """An existing build.

        Raises:
            CompileError: The folder is not one, or it is damaged.
        """
        build = cls(Path(folder), trust_changes)
        folders.recover(build.folder)
        name, mode = build.graph.name, build.graph.mode
        if (build.name, build.report["mode"]) != (name, mode):
            raise folders.damaged(build.folder, f"graph.json is that of {name}, not of {build.name}")
        return build

    @cached_property
    def report(self) -> dict[str, Any]:
        """report.json as it was when first asked for."""
        report = folders.read_report(self.folder)
        folders.listed(report, self.folder)
        try:
            manifest.check(report)
        except ValueError as error:
            raise folders.damaged(self.folder, f"report.json: {error}") from None
        return report

    @cached_property
    def graphs(self) -> dict[str, Graph]:
        """The graphs of this build: "float", and "fixed" where it computes in fixed point."""
        text, packed = (
            folders.read(self.folder, self.report["files"], name, trust_changes=self.trust_changes)
            for name in (store.GRAPH, store.WEIGHTS)
        )
        try:
            graphs = store.load(text, packed)
        except store.OtherVersionError as error:
            raise CompileError(str(error), file=str(self.folder), hint="Compile the model again.") from None
        except ValueError as error:
            raise folders.damaged(self.folder, str(error)) from None
        if set(graphs) != ({"float", "fixed"} if self.fixed else {"float"}):
            raise folders.damaged(self.folder, f"{store.GRAPH} holds the graphs {', '.join(graphs) or 'of nothing'}")
        return graphs

    @contextmanager
    def files(self) -> Iterator[Path]:
        """A temporary folder with the build's own files and no others, to compile or to simulate."""
        with folders.copied(self.folder, self.report["files"], trust_changes=self.trust_changes) as folder:
            yield folder

    @property
    def graph(self) -> Graph:
        """What the generated sources compute."""
        return self.graphs["fixed" if self.fixed else "float"]

    @property
    def name(self) -> str:
        """What every symbol begins with."""
        return self.report["name"]

    @property
    def target(self) -> str:
        """mcu or fpga."""
        return self.report["target"]

    @property
    def fixed(self) -> bool:
        """Whether it computes in fixed point."""
        return self.report["numbers"] == "fixed"

    @property
    def streams(self) -> bool:
        """Whether it computes samples, with a past, and not whole frames."""
        return self.graph.mode == "stream"

    def quantize(self, x: np.ndarray) -> np.ndarray:
        """Real numbers as the integers that a fixed-point build takes in: half to even, saturating."""
        return numerics.quantize(x, self.graph.inputs[0].format)

    def encode(self, xs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Real inputs in the build's own numbers: integers of each input's format, or float32."""
        pairs = zip(self.graph.inputs, xs, strict=True)
        return [numerics.quantize(x, v.format) if v.format else np.asarray(x, np.float32) for v, x in pairs]

    def decode(self, value: Value, y: np.ndarray) -> np.ndarray:
        """The build's own numbers of a value as float32."""
        return numerics.dequantize(y, value.format).astype(np.float32) if value.format else np.asarray(y, np.float32)

    def run(self, x: Inputs, on: On = "reference", *, raw: bool = False) -> np.ndarray | dict[str, np.ndarray]:
        """Runs the build from reset.

        Args:
            x: One array; or, for several inputs, a list in the model's order or a dict by input layer. Each is one
                stream (samples, *shape), or one frame (*shape); or several, one axis more, each from reset.
                A stream's control has one value for the whole of it, (*shape).
            on: The numpy interpreter, C on this machine, C on the emulated board, or simulated Verilog.
            raw: A fixed-point build takes and returns integers instead of real numbers.

        Returns:
            The output with the same leading axes: float32, or int64 if raw. For several outputs a dict: by the keys
            of the model where it gives a dict too, else by layer.
            The warm-up of each of a stream's outputs is left out, so that shapes are Keras'.

        Raises:
            CompileError: x does not fit, or the build does not run there.
        """
        runs, several = self.as_streams(x)
        parts = [self._one_run(xs, on, raw) for xs in runs]
        if not runs:  # no streams, but each of so many samples
            steps = max(x.shape[1] for x in self.inputs(x) if x.ndim > 1)
            nothing = self._one_run([np.zeros((0, *value.shape)) for value in self.graph.inputs], on, raw)
            lengths = [max(0, steps - warm_up) for warm_up in self.graph.warm_ups]
            pairs = zip(nothing.items(), lengths, strict=True)
            outputs = {key: np.zeros((0, length, *y.shape[1:]), y.dtype) for (key, y), length in pairs}
        elif self.streams and several:
            outputs = {key: np.stack([part[key] for part in parts]) for key in parts[0]}
        elif not several and not self.streams:
            outputs = {key: y[0] for key, y in parts[0].items()}
        else:
            outputs = parts[0]
        return outputs if len(outputs) > 1 else next(iter(outputs.values()))

    def _one_run(self, xs: Sequence[np.ndarray], on: On, raw: bool) -> dict[str, np.ndarray]:
        """The outputs, by name, of one stream or of a batch of frames."""
        values = self.execute(xs if raw else self.encode(xs), on)
        out = {}
        graph = self.graph
        for name, value, warm_up in zip(graph.output_names, graph.outputs, graph.warm_ups, strict=True):
            y = values[value.name][warm_up:]
            y = np.asarray(y, np.int64) if raw and self.fixed else self.decode(value, y)
            out[name] = y
        progress.advance(len(xs[0]))
        return out

    def layers(self, x: Inputs, on: On = "reference", *, raw: bool = False) -> dict[str, np.ndarray]:
        """What every layer computes from one stream or one frame: {Keras layer: (steps, *shape)}, real numbers.

        With raw, x are the integers that a fixed-point build takes in.

        A layer whose work was folded into the next one has no value of its own.
        """
        (xs, *more), several = self.as_streams(x)
        if more or (self.streams and several):
            raise CompileError("more than one stream", hint="Give one stream or one frame.")
        values = self.execute(xs if raw else self.encode(xs), on, every=True)
        known = (*self.graph.inputs, *(op.output for op in self.graph.ops if not isinstance(op, Window)))
        return {value.layer: self.decode(value, values[value.name]) for value in known if value.name in values}

    def execute(self, xs: Sequence[np.ndarray], on: On, *, every: bool = False) -> dict[str, np.ndarray]:
        """Runs one stream, or a batch of frames, in the build's own numbers and returns values by name.

        Args:
            xs: One array (steps, *shape) for each input.
            every: Return every value that exists there, not the outputs alone.
        """
        target = TARGETS[self.target].configured(self.report["options"])
        if on not in target.runs_on:
            raise CompileError(
                f"a build for {self.target} does not run on '{on}'", hint=f"It runs on {', '.join(target.runs_on)}."
            )
        if not len(xs[0]):  # nothing in, nothing out, wherever that is
            known = (op.output for op in self.graph.ops) if every else self.graph.outputs
            return {v.name: np.zeros((0, *v.shape), np.int64 if v.format else np.float32) for v in known}
        for value, x in zip(self.graph.inputs, xs, strict=True):
            _demand_in_format(value, np.asarray(x))
        if on == "reference":
            return self._interpret(xs, None if every else {value.name for value in self.graph.outputs})
        with self.files() as folder:
            return dict(target.execute(folder, self.graph, xs, on, every=every).values)

    def _interpret(self, xs: Sequence[np.ndarray], wanted: set[str] | None) -> dict[str, np.ndarray]:
        done = 0

        def tick(step: int) -> None:
            nonlocal done
            done = step

        with progress.peeking(lambda: done):
            return interpreter.evaluate(self.graph, xs, wanted=wanted, tick=tick)

    def as_streams(self, x: Inputs) -> tuple[list[list[np.ndarray]], bool]:
        """What is run, from reset each, and whether it was several: a list of (steps, *shape) for each input."""
        return streams.as_streams(self.graph, x)

    def inputs(self, x: Inputs) -> list[np.ndarray]:
        """The inputs as a list in the model's order, checked for number and shape."""
        return streams.inputs(self.graph, x)

    def update_report(self, **entries: Any) -> None:
        """Writes measured figures into report.json."""
        self.report.update(entries)
        folders.update_report(self.folder, self.report)


def _demand_in_format(value: Value, x: np.ndarray) -> None:
    """Refuses integers that a format has not: what a place would make of them, no other need.

    Raises:
        CompileError: Naming the input, the number and the format.
    """
    if value.format is None:
        return
    format = value.format
    odd = ~((x >= format.lo) & (x <= format.hi) & (x == np.floor(x)))  # so that NaN is one of them
    if odd.any():
        at = tuple(int(i) for i in np.argwhere(odd)[0])
        raise CompileError(
            f"the input '{value.layer}' holds {x[at]} (at {', '.join(map(str, at))}), which is no integer of its "
            f"format {format}: those go from {format.lo} to {format.hi}",
            hint="Give integers of that format, or real numbers without --raw, which are rounded and saturated.",
        )


def write(folder: Path, finished: Finished, options: Options, model: ModelSpec) -> Build:
    """Generates the sources and writes the folder, whole or not at all."""
    graphs = finished.graphs
    graph = graphs["fixed" if options.fixed else "float"]
    report = manifest.begin(graphs, options, model, finished.note, finished.calibration, finished.accuracy)
    banner = manifest.banner(report, options)
    progress.now("writing " + ("C" if options.target == "mcu" else "Verilog"))
    files, figures = TARGETS[options.target].configured(report["options"]).generate(graph, options, banner)
    report.update(figures)
    # The weights as text, as an archive and as arrays need not be in memory all at once.
    folders.write(folder, (part() for part in (lambda: files, lambda: store.save(graphs))), report)
    return Build(folder)
