"""report.json: what is known of a build, and null for what was not measured."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from compiler import accuracy as accuracies
from compiler import saturation
from compiler.boards import BOARDS
from compiler.errors import CompileError
from compiler.ir import interpreter, numerics
from compiler.ir.graph import Graph
from compiler.ir.ops import Convolution, MatMul, Piecewise, Requantize, Table
from compiler.names import identifier
from compiler.options import KERNELS, TARGETS, Options
from compiler.version import __version__

if TYPE_CHECKING:
    from compiler.accuracy import Accuracy
    from compiler.calibration import Calibration
    from compiler.keras_file import ModelSpec

LEAST_SNR_DB = 40.0
LOST_DB = 6.0  # an output of zeros has 0
EXPLOSION = 2.0**10  # by which worst cases may exceed what comes of noise

MEASURED = (
    *("latency", "samples_checked", "max_abs_error", "bit_exact", "instructions_per_sample", "issue_slots_per_sample"),
    *("flash_bytes", "ram_bytes", "stack_bytes", "snr_db", "peak_error", "cycles_per_sample", "multipliers"),
    *("block_rams", "luts", "flip_flops", "fmax_hz", "resources", "sample_rate_hz", "clock_hz", "kernels"),
)

# What the targets and the graph add, as far as it is shown.
FIGURES = (
    *("receptive_field", "warm_up", "macs_per_sample", "macs_per_frame", "macs_per_block", "weights_bytes"),
    *("state_bytes", "scratch_bytes", "instructions_per_frame", "latency_cycles"),
)


def begin(
    graphs: Mapping[str, Graph],
    options: Options,
    model: ModelSpec,
    note: str | None,
    calibration: Calibration | None = None,
    accuracy: Accuracy | None = None,
) -> dict[str, Any]:
    """What is known of a build before its sources are generated; the target adds its own figures."""
    graph = graphs["fixed" if options.fixed else "float"]
    report: dict[str, Any] = {
        "name": graph.name,
        "model": model.name,
        "model_sha256": model.sha256,
        "capture": dict(model.capture),
        "compiler_version": __version__,
        "options": options.to_json(),
        "target": options.target,
        "mode": graph.mode,
        "mode_note": note,
        "notes": list(graphs["float"].notes),
        "numbers": "fixed" if options.fixed else "float",
        "receptive_field": graph.receptive_field if graph.mode == "stream" else None,
        "warm_up": graph.warm_up,
        "warm_ups": list(graph.warm_ups),
        "controls": [value.layer for value in graph.inputs if value.name in graph.controls],
        "outputs": list(graph.output_names),
        "macs_per_sample" if graph.mode == "stream" else "macs_per_frame": graph.macs,
        "macs_per_block": graph.control_rate_macs,
        "input_range": list(options.input_range),
    }
    report |= dict.fromkeys(MEASURED)
    report["latency"] = 0
    report["saturations"] = None  # until it is verified
    report["calibration"] = None
    if accuracy:
        report["snr_db"], report["peak_error"] = accuracy.snr_db, accuracy.peak_error
        if not calibration:
            _refuse_explosion(graphs, options, report["snr_db"])
    if calibration:
        report["calibration"] = _calibrated(graph, calibration)
    report["layers"] = [_layer(graph, op) for op in graph.ops if isinstance(op, MatMul | Convolution)]
    report["functions"] = [_function(op) for op in graph.ops if isinstance(op, Piecewise | Table) and op.output.format]
    return report


def check(report: Mapping[str, Any]) -> None:
    """Checks a report that was read from a file: everything that is used of it is there and of its type.

    Raises:
        ValueError: Saying which entry is not as `begin` writes it.
    """

    def number(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

    def texts(value: Any) -> bool:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)

    def interval(value: Any) -> bool:
        return isinstance(value, list) and len(value) == 2 and all(map(number, value)) and value[0] <= value[1]

    def saturation(value: Any) -> bool:
        held = isinstance(value, dict) and {"layer", "share", "bounds"} <= value.keys()
        return held and isinstance(value["layer"], str) and number(value["share"]) and interval(value["bounds"])

    def calibration(value: Any) -> bool:
        found = value.get("saturations") if isinstance(value, dict) else None
        return isinstance(found, list) and all(map(saturation, found))

    def options(value: Any) -> bool:
        held = isinstance(value, dict) and {"board", "kernels"} <= value.keys()
        return held and value["board"] in (None, *BOARDS) and value["kernels"] in (None, *KERNELS)

    def capture(value: Any) -> bool:
        return isinstance(value, dict) and all(isinstance(one, str) or number(one) for one in value.values())

    limits = report.get("input_range")
    holds = {
        "name": isinstance(name := report.get("name"), str) and name == identifier(name),
        "target": report.get("target") in TARGETS,
        "numbers": report.get("numbers") in (("fixed",) if report.get("target") == "fpga" else ("float", "fixed")),
        "mode": report.get("mode") in ("stream", "frame"),
        "mode_note": report.get("mode_note") is None or isinstance(report["mode_note"], str),
        "input_range": interval(limits) and limits[0] < limits[1],
        "options": options(report.get("options")),
        "notes": texts(report.get("notes")),
        "capture": capture(report.get("capture")),
        "controls": texts(report.get("controls")),
        "outputs": texts(report.get("outputs")),
        "calibration": report.get("calibration") is None or calibration(report["calibration"]),
        "layers": isinstance(report.get("layers"), list) and all(isinstance(one, dict) for one in report["layers"]),
        "saturations": report.get("saturations") is None
        or (isinstance(report["saturations"], list) and all(map(saturation, report["saturations"]))),
    }
    for key in (*MEASURED, *FIGURES):
        value = report.get(key)
        there = key in report or key in FIGURES
        holds[key] = there and (value is None or number(value) or key in ("kernels", "resources", "bit_exact"))
    for key in ("sample_rate_hz", "clock_hz"):
        whole = isinstance(report.get(key), int) and 0 < report[key] < 1 << 40
        holds[key] = holds[key] and (whole or report.get(key) is None)
    for key, fine in holds.items():
        if not fine:
            text = json.dumps(report.get(key))
            raise ValueError(f"'{key}' is {text if len(text) <= 60 else f'{text[:57]}...'}")


def banner(report: Mapping[str, Any], options: Options) -> list[str]:
    """The lines that stand above every generated file: neither a path nor a time, so that output is repeatable."""
    settings = " ".join(f"{key}={value}" for key, value in options.to_json().items() if value is not None)
    capture = ", ".join(f"{key}={value}" for key, value in report["capture"].items())
    return [
        f"Generated by keras-silicon {report['compiler_version']} from a Keras model.",
        f"Model sha256 {report['model_sha256']}.",
        *([f"Made of a capture: {capture}."] if capture else ()),
        f"Options: {settings}.",
    ]


def _refuse_explosion(graphs: Mapping[str, Graph], options: Options, snr_db: float | None) -> None:
    """Worst cases of a deep network may grow from layer to layer, until formats that hold them hold nothing else.

    Raises:
        CompileError: Naming the first layer whose values may be a thousand times what they are.
    """
    if snr_db is None or snr_db >= LOST_DB:
        return
    (held,) = accuracies.noise(graphs["fixed"], options.input_range)
    seen: dict[str, float] = {}
    values = interpreter.evaluate(graphs["float"], held.inputs)
    for op in graphs["float"].ops:
        seen[op.output.layer] = max(
            seen.get(op.output.layer, 0.0), float(np.abs(values[op.output.name]).max(initial=0))
        )
    for op in graphs["fixed"].ops:
        worst = max(map(abs, op.output.range)) if isinstance(op, Requantize) and op.output.range else 0.0
        if worst > EXPLOSION * seen.get(op.output.layer, math.inf):
            what = f"its values may come to {worst:.2g} in the worst case; formats that hold that lose the output"
            hint = "Give --calibrate a recording of what the model will be given."
            raise CompileError(f"{what} ({snr_db:.0f} dB over its rounding error)", layer=op.output.layer, hint=hint)


def _calibrated(graph: Graph, calibration: Calibration) -> dict[str, Any]:
    """What formats were taken from, and what saturates in the part that they were not taken from."""
    runs = [
        [numerics.quantize(x[one.start :], value.format) for value, x in zip(graph.inputs, one.inputs, strict=True)]
        for one in calibration.held
    ]
    found = saturation.count(graph, runs, raw=True)
    return {
        "sha256": calibration.sha256,
        "samples": calibration.count,
        "held_out": sum(len(one.inputs[0]) - one.start for one in calibration.held),
        "saturations": [{"layer": one.layer, "share": one.share, "bounds": list(one.bounds)} for one in found],
    }


def warnings(report: Mapping[str, Any]) -> list[str]:
    """What a user should know before trusting the build."""
    found = list(report["notes"])
    if report["options"]["kernels"] == "cmsis" and report["kernels"] == "c":
        found.append("nothing in this network runs on CMSIS-DSP, so that --kernels cmsis changed nothing")
    if report["options"]["kernels"] == "cortex-m7" and report["kernels"] == "c":
        found.append("no product of this network is written in assembly, so that --kernels cortex-m7 changed nothing")
    made_at = report["capture"].get("sample_rate_hz")
    if made_at and report["sample_rate_hz"] and made_at != report["sample_rate_hz"]:
        found.append(
            f"the capture was made at {made_at:,} Hz, and this build is for {report['sample_rate_hz']:,} Hz: "
            f"give --sample-rate {made_at}, or it sounds different"
        )
    if report["mode_note"]:
        found.append(f"computed in whole frames: {report['mode_note']}")
    snr = report["snr_db"]
    if snr is not None and snr < LEAST_SNR_DB:
        found.append(
            f"the output stands only {snr:.1f} dB above its rounding error: worst-case ranges leave few bits; "
            "narrow --input-range, give --calibrate a recording, or train with quantisers"
        )
    for one in (report["calibration"] or {}).get("saturations", ()):
        share = f"{one['share']:.1%}" if one["share"] >= 0.001 else "less than 0.1%"
        found.append(f"{share} of what layer '{one['layer']}' gives saturates in the data held out from calibration")
    for layer in report["layers"]:
        if steps := layer.get("bias_error_steps"):
            found.append(
                f"layer '{layer['layer']}': its bias is rounded by up to {steps:.2g} steps of the output, because "
                f"weights of {layer['weights_format']} leave no bits for a finer grid; give the weights fewer bits, "
                "or the layer's input more fraction bits"
            )
    return found


def _function(op: Piecewise | Table) -> dict[str, Any]:
    """A function of one number: how it is computed, and by how many steps of its result it is off at most."""
    if isinstance(op, Table):
        kind = {"function": op.function, "entries": len(op.entries), "error_steps": round(op.error, 3)}
    else:
        # The grids of slopes and offsets, and half a step of rounding.
        kind = {"function": None, "pieces": len(op.slopes), "error_steps": round(op.error + 0.5, 3)}
    return {"layer": op.output.layer, "input_format": str(op.inputs[0].format)} | kind


def _layer(graph: Graph, op: MatMul | Convolution) -> dict[str, Any]:
    readers = [reader for reader in graph.consumers(op.output) if isinstance(reader, Requantize)]
    formats = {
        "input_format": op.inputs[0].format,
        "weights_format": op.weights_format,
        "accumulator": op.output.format,
        "output_format": readers[0].output.format if readers else op.output.format,
    }
    folded = dict.fromkeys((*op.output.folded, op.output.layer))
    entry = {
        "layer": op.layer,
        "folded": [layer for layer in folded if layer != op.layer],
        "macs": op.macs,
        "bias_error_steps": op.bias_error,
    }
    entry |= {key: format and str(format) for key, format in formats.items()}
    limits = readers[0].output.range if readers else None
    return entry | {"range": list(limits) if limits else None}
