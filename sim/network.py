"""Runs a generated network in the simulator: integers in, integers out, with the pace and latency it showed."""

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim.runner import LOG_LINES, SIM, BenchError, MissingToolError, SimulationError, workspace


@dataclass(frozen=True)
class NetworkRun:
    """What a network did.

    Attributes:
        y: Output integers, (samples, channels).
        stages: Output integers of each stage asked for, by instance name.
        cycles_per_sample: Clock cycles from one sample to the next in steady state, when nothing keeps it waiting;
            None with stalls or with fewer than two samples.
        latency_cycles: Clock cycles from the first word of the first sample going in to its last word coming out;
            None with stalls or without samples.
    """

    y: np.ndarray
    stages: dict[str, np.ndarray]
    cycles_per_sample: float | None
    latency_cycles: int | None


def run_network(
    folder: Path,
    name: str,
    x: np.ndarray,
    *,
    input_width: int,
    output_width: int,
    outputs: int,
    stages: Mapping[str, int] | None = None,
    stall: float = 0.0,
    seed: int = 0,
    patience: int = 100_000,
    during: Callable[[Path], contextlib.AbstractContextManager[None]] = contextlib.nullcontext,
) -> NetworkRun:
    """Play `x` through the module `name` from reset.

    The module has a parameter MEM_DIR, the folder of its memory files, and the ports clk, rst and two AXI4-Streams,
    s_axis_ and m_axis_ with tdata, tlast, tvalid, tready. `<folder>/<name>.f` lists its Verilog files, one path per
    line, relative to the folder.

    Args:
        folder: Where the Verilog is. It is only read, and its path may hold any character: the simulator sees copies.
        name: The module.
        x: Input integers, (samples, channels).
        input_width: Bits of an input word.
        output_width: Bits of an output word.
        outputs: Output channels.
        stages: Instances inside the module (dots for a path) whose m_* stream is recorded too, and their channels.
        stall: Probability, in each cycle, that no word is offered; the same for receiving.
        seed: Seed of the stalls.
        patience: Cycles without any transfer after which the network counts as stuck.
        during: Makes a context in which the simulation runs, from the path of a file that grows by a line a sample.

    Raises:
        sim.runner.BenchError: Words are missing, unknown or too many.
        sim.runner.SimulationError: The Verilog does not compile, or the simulator failed or is missing.
    """
    folder, x, stages = Path(folder), np.asarray(x), dict(stages or {})
    if x.ndim != 2 or not np.issubdtype(x.dtype, np.integer):
        raise ValueError(f"a network takes integers of shape (samples, channels), not {x.dtype} {x.shape}")
    mask, digits = (1 << input_width) - 1, -(-input_width // 4)
    stall_cycles = round(stall * 65536)
    parameters = {
        "INPUT_WIDTH": input_width,
        "OUTPUT_WIDTH": output_width,
        "INPUTS": x.shape[1],
        "OUTPUTS": outputs,
        "SAMPLES": len(x),
        "SEND_STALL": stall_cycles,
        "RECEIVE_STALL": stall_cycles,
        "SEED": seed,
        "PATIENCE": patience,
    }
    with workspace("network") as work:
        _lines(work / "input.txt", [f"{int(word) & mask:0{digits}x}" for word in x.reshape(-1)])
        _lines(work / "network_stages.vh", [_recorder(n, stage) for n, stage in enumerate(stages)])
        sources = _copies(folder, name, work)
        command = ["iverilog", "-g2012", "-Wall", "-Wno-timescale", "-s", "network_bench", "-o", "network.vvp", "-I."]
        command += [f"-DNETWORK={name}", *(f"-Pnetwork_bench.{key}={value}" for key, value in parameters.items())]
        _call([*command, *sources], work, f"{name} does not compile")
        with during(work / "output.txt"):
            _call(["vvp", "-n", "network.vvp"], work, f"the simulation of {name} failed")
        _judge(work, len(x), x.shape[1], outputs)
        y = _samples(work / "output.txt", outputs)
        recorded = {s: _samples(work / f"stage_{n}.txt", channels) for n, (s, channels) in enumerate(stages.items())}
        taken, given = (np.array((work / f"{which}.txt").read_text().split(), np.int64) for which in ("taken", "given"))

    if stall or not len(given):
        return NetworkRun(y, recorded, None, None)
    # The second half: by then every stage has had to wait for the slowest one.
    half = given[len(given) // 2 :]
    pace = float(half[-1] - half[0]) / (len(half) - 1) if len(half) > 1 else None
    return NetworkRun(y, recorded, pace, int(given[0] - taken[0]))


def _copies(folder: Path, name: str, work: Path) -> list[str]:
    """Copies of the Verilog and the memory files in `work`, under names that no simulator stumbles over.

    Icarus Verilog runs its parts through a shell and takes the folder of the memory files as a Verilog string:
    a quote or a backslash in a path would break either.
    """
    lines = [line.strip() for line in (folder / f"{name}.f").read_text().splitlines()]
    paths = [folder / line for line in lines if line and not line.startswith(("//", "#"))]
    copies = []
    for number, path in enumerate([*paths, SIM / "network_bench.v"]):
        copies.append(f"source_{number}.v")
        if not path.is_file():
            raise SimulationError(f"{name}.f lists {path.name}, which is not there")
        shutil.copyfile(path, work / copies[-1])
    for path in folder.glob("*.hex"):
        shutil.copyfile(path, work / path.name)
    return copies


def _call(command: Sequence[str], work: Path, trouble: str) -> None:
    """Runs a tool in the work folder, all paths relative to it."""
    # Icarus puts its own temporary files where TMPDIR says, by way of a shell.
    environment = os.environ | {"TMPDIR": "."}
    try:
        result = subprocess.run(
            command,
            cwd=work,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError:
        raise MissingToolError(command[0]) from None
    # vvp calls a memory file that it cannot read an error, and ends well.
    if result.returncode or re.search(r"^ERROR", result.stdout, re.MULTILINE):
        said = "\n".join(result.stdout.strip().splitlines()[-LOG_LINES:]) or f"exit code {result.returncode}"
        raise SimulationError(f"{trouble}:\n{said}")


def _judge(work: Path, samples: int, inputs: int, outputs: int) -> None:
    """Whether the bench came to a proper end."""
    verdict = work / "verdict.txt"
    if not verdict.exists():
        raise SimulationError("the simulation ended before its bench did")
    sent, received, broken = map(int, verdict.read_text().split())
    want = samples * inputs, samples * outputs
    if (sent, received) != want:
        raise BenchError(f"{sent} words went in and {received} came out, not {want[0]} and {want[1]}")
    if broken:
        raise BenchError("an output word is unknown, or m_last is not with the last channel")


def _lines(path: Path, lines: Sequence[str]) -> None:
    path.write_text("\n".join(lines) + "\n")


def _recorder(number: int, stage: str) -> str:
    """Verilog that writes the output stream of one stage, a sample in each line."""
    path = f"network.{stage}"
    return f"""
        integer stage_{number};
        initial stage_{number} = $fopen("stage_{number}.txt", "w");
        always @(posedge clk)
            if (!rst && {path}.m_valid && {path}.m_ready)
                $fwrite(stage_{number}, "%0d%s", $signed({path}.m_data), {path}.m_last ? "\\n" : " ");
    """


def _samples(path: Path, channels: int) -> np.ndarray:
    """(samples, channels) from a file with a sample in each line."""
    words = path.read_text().split()
    try:
        return np.array(words, dtype=np.int64).reshape(-1, channels)
    except ValueError:
        raise BenchError(f"{path.stem}: {len(words)} words, unknown ones or no whole samples of {channels}") from None
