"""Prints the top module, its memory files and its file list. What is fixed lives in rtl/ as ordinary files."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from compiler.fpga import memory
from compiler.fpga.folding import Folding, cycles
from compiler.fpga.stages import Stage
from compiler.ir.values import Value
from compiler.resources import RTL

ECP5 = "ecp5"  # the folder of modules that stand on that family's own cells


def sources(name: str, chain: Sequence[Stage], foldings: Sequence[Folding], banner: Sequence[str]) -> dict[str, bytes]:
    """The Verilog of a build: file name -> contents."""
    files = {f"{name}.v": _top(name, chain, foldings, banner).encode()}
    for stage, folding in zip(chain, foldings, strict=True):
        for kind, lines in _memories(stage, folding).items():
            files[_memory_file(name, stage, kind)] = ("\n".join(lines) + "\n").encode()
    modules = sorted(RTL.glob("*.v"))
    files |= {module.name: module.read_bytes() for module in modules}
    files |= {f"{ECP5}/{module.name}": module.read_bytes() for module in sorted((RTL / ECP5).glob("*.v"))}
    own = {module.name for module in (RTL / ECP5).glob("*.v")}
    portable = [module.name for module in modules]
    on_ecp5 = [f"{ECP5}/{module}" if module in own else module for module in portable]
    files[f"{name}.f"] = _list([f"{name}.v", *portable])
    files[f"{name}_{ECP5}.f"] = _list([f"{name}.v", *on_ecp5])
    return files


def weights_bytes(chain: Sequence[Stage], foldings: Sequence[Folding]) -> int:
    """Bytes of all memory files with weights and biases, lanes that a matrix leaves empty among them."""
    bits = 0
    for stage, folding in zip(chain, foldings, strict=True):
        words = -(-stage.outputs // folding.output_lanes) * stage.taps * -(-stage.inputs // folding.input_lanes)
        bits += words * folding.multipliers * stage.weight_width + stage.outputs * stage.accumulator_width
    return -(-bits // 8)


def state_bytes(chain: Sequence[Stage]) -> int:
    """Bytes of all that the network remembers of the past."""
    bits = sum((stage.taps - 1) * stage.dilation * stage.inputs * stage.source.format.width for stage in chain)
    return -(-bits // 8)


def _memories(stage: Stage, folding: Folding) -> dict[str, list[str]]:
    words = {
        "weights": memory.weight_words(
            stage.weights, folding.input_lanes, folding.output_lanes, stage.weight_width, stage.inputs
        ),
        "bias": memory.bias_words(stage.bias, stage.accumulator_width),
    }
    if np.any(stage.initial):
        words["initial"] = memory.initial_words(stage.initial, folding.input_lanes, stage.source.format.width)
    return words


def _memory_file(name: str, stage: Stage, kind: str) -> str:
    return f"{name}_{stage.name}_{kind}.hex"


def _list(files: Sequence[str]) -> bytes:
    return ("\n".join(files) + "\n").encode()


def instance(stage: Stage) -> str:
    """The name of a stage's instance in the top module."""
    return f"stage_{stage.name}"


def _top(name: str, chain: Sequence[Stage], foldings: Sequence[Folding], banner: Sequence[str]) -> str:
    first, last = chain[0], chain[-1]
    wide_in, wide_out = first.source.format.width, last.output.format.width
    lines = [
        "// A network as a chain of stages: a stream of samples in, a stream of samples out.",
        "// SPDX-License-Identifier: 0BSD",
        "//",
        *(f"// {line}" for line in banner),
        "//",
        f"// In: {_stream(first.source)}. Out: {_stream(last.output)}.",
        "// One word a transfer, channel 0 first, `tlast` with the last channel. Reset is synchronous and active high;",
        "// after it every memory of the past holds its first value. MEM_DIR is where the .hex files are.",
        "",
        "`default_nettype none",
        "",
        f"module {name} #(",
        "    // Folder of the memory files.",
        '    parameter MEM_DIR = "."',
        ") (",
        "    input  wire clk,",
        "    input  wire rst,",
        f"    input  wire [{wide_in - 1}:0] s_axis_tdata,",
        "    input  wire s_axis_tlast,",
        "    input  wire s_axis_tvalid,",
        "    output wire s_axis_tready,",
        f"    output wire [{wide_out - 1}:0] m_axis_tdata,",
        "    output wire m_axis_tlast,",
        "    output wire m_axis_tvalid,",
        "    input  wire m_axis_tready",
        ");",
    ]
    upstream = "s_axis"
    for number, (stage, folding) in enumerate(zip(chain, foldings, strict=True)):
        downstream = "m_axis" if stage is last else f"x{number + 1}"
        lines += _stage(name, stage, folding, upstream, downstream)
        upstream = downstream
    return "\n".join([*lines, "", "endmodule", "", "`default_nettype wire", ""])


def _stream(value: Value) -> str:
    format = value.format
    return f"{value.size} words of {format.width} bits with {format.fraction} behind the point"


def _wire(stream: str, signal: str) -> str:
    """The name of a signal: AXI4-Stream's at the ports of the top module, short ones inside."""
    return f"{stream}_t{signal}" if stream.endswith("_axis") else f"{stream}_{signal}"


def _stage(name: str, stage: Stage, folding: Folding, upstream: str, downstream: str) -> list[str]:
    width = stage.output.format.width
    files = _memories(stage, folding)
    paths = {kind: f'{{MEM_DIR, "/{_memory_file(name, stage, kind)}"}}' for kind in files}
    parameters = {
        "WIDTH": stage.source.format.width,
        "WEIGHT_WIDTH": stage.weight_width,
        "OUTPUT_WIDTH": width,
        "ACC_WIDTH": stage.accumulator_width,
        "SUM_SHIFT": stage.sum_shift,
        "INPUTS": stage.inputs,
        "OUTPUTS": stage.outputs,
        "TAPS": stage.taps,
        "DILATION": stage.dilation,
        "INPUT_LANES": folding.input_lanes,
        "OUTPUT_LANES": folding.output_lanes,
        "SHIFT": stage.requantize.shift,
        "ROUNDING": f'"{stage.requantize.rounding}"',
        "LOW": stage.requantize.lo,
        "HIGH": stage.requantize.hi,
        "WEIGHTS_FILE": paths["weights"],
        "BIAS_FILE": paths["bias"],
        "INITIAL_FILE": paths.get("initial", '""'),
    }
    lines = [""]
    if downstream != "m_axis":
        lines += [f"    wire [{width - 1}:0] {downstream}_data;"]
        lines += [f"    wire {downstream}_{signal};" for signal in ("last", "valid", "ready")]
    pace = f"{folding.multipliers} multipliers, {cycles(stage, folding)} cycles a sample"
    lines += [f"    // {stage.taps} taps, {stage.dilation} apart; {pace}.", "    conv1d #("]
    lines += [",\n".join(f"        .{key}({value})" for key, value in parameters.items())]
    ports = [("s", upstream, signal) for signal in ("data", "last", "valid", "ready")]
    ports += [("m", downstream, signal) for signal in ("data", "last", "valid", "ready")]
    connections = ["        .clk(clk)", "        .rst(rst)"]
    connections += [f"        .{side}_{signal}({_wire(stream, signal)})" for side, stream, signal in ports]
    return [*lines, f"    ) {instance(stage)} (", ",\n".join(connections), "    );"]
