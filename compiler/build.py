"""A finished build: a folder with sources, the graph they came from and a report. Its only writer and reader."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from compiler import numerics, reference, store
from compiler.errors import CompileError
from compiler.graph import Graph
from compiler.options import Options
from compiler.report import manifest

if TYPE_CHECKING:
    from compiler.keras_file import ModelSpec

On = Literal["reference", "host", "emulator", "rtl"]


@dataclass(frozen=True)
class Build:
    """A folder that `compile` wrote. It needs neither the model's file nor Keras any more."""

    folder: Path

    @classmethod
    def open(cls, folder: str | Path) -> Build:
        """An existing build.

        Raises:
            CompileError: The folder is not one.
        """
        build = cls(Path(folder))
        if not (build.folder / "report.json").is_file():
            raise CompileError(
                "no build: it holds no report.json", file=str(folder), hint="python -m compiler makes one."
            )
        try:
            _ = build.report["target"], build.graph
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CompileError(f"a damaged build: {error}", file=str(folder), hint="Compile the model again.") from None
        return build

    @cached_property
    def report(self) -> dict[str, Any]:
        """report.json as it was when first asked for."""
        return json.loads((self.folder / "report.json").read_text())

    @cached_property
    def graphs(self) -> dict[str, Graph]:
        """The graphs of this build: "float", and "fixed" where it computes in fixed point."""
        return store.load((self.folder / "graph.json").read_bytes(), (self.folder / "weights.npz").read_bytes())

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

    def quantize(self, x: np.ndarray) -> np.ndarray:
        """Real numbers as the integers that a fixed-point build takes in: half to even, saturating."""
        (value,) = self.graph.inputs
        return numerics.quantize(x, value.format)

    def dequantize(self, y: np.ndarray) -> np.ndarray:
        """The integers that a fixed-point build gives out as float32."""
        (value,) = self.graph.outputs
        return numerics.dequantize(y, value.format).astype(np.float32)

    def run(self, x: np.ndarray, on: On = "reference", *, raw: bool = False) -> np.ndarray:
        """Runs the build from reset.

        Args:
            x: (samples, channels), one stream, or (n, samples, channels), n of them, each from reset.
            on: The numpy interpreter, C on this machine, C on the emulated Cortex-M7, or simulated Verilog.
            raw: A fixed-point build takes and returns integers instead of real numbers.

        Returns:
            The output with the same leading axes: float32, or int64 if raw.

        Raises:
            CompileError: x does not fit, or the build does not run there.
        """
        x = self._fitting(x)
        if x.ndim == 3:
            return np.stack([self.run(stream, on, raw=raw) for stream in x])
        raw_x = x if raw or not self.fixed else self.quantize(x)
        y = self.execute(raw_x, on)[self.graph.outputs[0].name]
        if raw or not self.fixed:
            return np.asarray(y, np.int64 if self.fixed else np.float32)
        return self.dequantize(y)

    def layers(self, x: np.ndarray, on: On = "reference") -> dict[str, np.ndarray]:
        """What every layer computes from one stream of real numbers: {Keras layer: (samples, channels)}.

        A layer whose work was folded into the next one has no value of its own.
        """
        x = self._fitting(x)
        values = self.execute(self.quantize(x) if self.fixed else x, on, every=True)
        out = {}
        for value in (*self.graph.inputs, *(op.output for op in self.graph.ops)):
            if value.name in values and len(value.shape) == 1:
                y = values[value.name]
                out[value.layer] = numerics.dequantize(y, value.format).astype(np.float32) if value.format else y
        return out

    def execute(self, x: np.ndarray, on: On, *, every: bool = False) -> dict[str, np.ndarray]:
        """Runs one stream of the build's own numbers (integers or floats) and returns values by name.

        Args:
            every: Return every value that exists there, not the output alone.
        """
        module = target_module(self.target)
        if on not in module.PLACES:
            raise CompileError(
                f"a build for {self.target} does not run on '{on}'", hint=f"It runs on {', '.join(module.PLACES)}."
            )
        if on == "reference":
            return reference.evaluate(self.graph, [x])
        return dict(module.execute(self, x, on, every=every).values)

    def _fitting(self, x: np.ndarray) -> np.ndarray:
        channels = self.graph.inputs[0].shape[-1]
        x = np.asarray(x)
        if x.ndim not in (2, 3) or x.shape[-1] != channels:
            raise CompileError(
                f"an input of shape {x.shape} does not fit",
                hint=f"The model takes (samples, {channels}) or (n, samples, {channels}).",
            )
        if x.dtype.kind not in "fiu":
            raise CompileError(f"an input of type {x.dtype} does not fit", hint="Give numbers.")
        return x

    def update_report(self, **entries: Any) -> None:
        """Writes measured figures into report.json."""
        self.report.update(entries)
        _write_json(self.folder / "report.json", self.report)


def target_module(target: str) -> ModuleType:
    """The package that generates and executes builds for a target."""
    if target == "mcu":
        from compiler.mcu import target as module
    else:
        from compiler.fpga import target as module
    return module


def check_replaceable(folder: Path) -> None:
    """Refuses a folder that holds something other than a build of ours."""
    if folder.exists() and not (folder / "report.json").is_file() and (folder.is_file() or any(folder.iterdir())):
        raise CompileError(
            "is not empty and holds no build, so it is not replaced", file=str(folder), hint="Give another --out."
        )


def write(folder: Path, graphs: Mapping[str, Graph], options: Options, model: ModelSpec) -> Build:
    """Generates the sources and writes the folder, whole or not at all."""
    graph = graphs["fixed" if options.fixed else "float"]
    module = target_module(options.target)
    report = manifest.begin(graphs, options, model)
    banner = manifest.banner(report, options)
    files, figures = module.generate(graph, options, banner)
    report.update(figures)
    files = files | store.save(graphs) | {"report.json": _json(report)}
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temporary:
        new = Path(temporary) / "new"
        for path, data in sorted(files.items()):
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).write_bytes(data)
        if folder.exists():
            folder.rename(Path(temporary) / "old")
        new.rename(folder)
    return Build(folder)


def _json(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, indent=2) + "\n").encode()


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    temporary = path.with_suffix(".json.new")
    temporary.write_bytes(_json(data))
    temporary.replace(path)
