"""Runs a generated network in the simulator: integers in, integers out, with the pace and latency it showed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim.runner import SIM, simulate, workspace


@dataclass(frozen=True)
class NetworkRun:
    """What a network did.

    Attributes:
        y: Output integers, (samples, channels).
        stages: Output integers of each stage asked for, by instance name.
        cycles_per_sample: Clock cycles from one sample to the next in steady state, when nothing keeps it waiting;
            None with stalls or with fewer than two samples.
        latency_cycles: Clock cycles from the first word of the first sample going in to its last word coming out;
            None with stalls.
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
    outputs: int,
    stages: Sequence[str] = (),
    stall: float = 0.0,
    seed: int = 0,
    input_width: int = 16,
    output_width: int = 16,
    patience: int = 100_000,
) -> NetworkRun:
    """Play `x` through the module `name` from reset.

    The module has a parameter MEM_DIR, the folder of its memory files, and the ports clk, rst, s_data, s_last, s_valid,
    s_ready, m_data, m_last, m_valid, m_ready. `<folder>/<name>.f` lists its Verilog files, one path per line, relative
    to the folder.

    Args:
        folder: Where the Verilog is.
        name: The module.
        x: Input integers, (samples, channels).
        outputs: Output channels.
        stages: Instances inside the module (dots for a path) whose m_* stream is recorded too.
        stall: Probability, in each cycle, that no word is offered; the same for receiving.
        seed: Seed of the stalls.
        input_width: Bits of an input word.
        output_width: Bits of an output word.
        patience: Cycles without any transfer after which the network counts as stuck.

    Raises:
        sim.runner.BenchError: words are missing, unknown or too many.
        sim.runner.SimulationError: the Verilog does not compile or the simulator failed.
    """
    folder, x = Path(folder).resolve(), np.asarray(x)
    if x.ndim != 2 or not np.issubdtype(x.dtype, np.integer):
        raise ValueError(f"a network takes integers of shape (samples, channels), not {x.dtype} {x.shape}")
    lines = [line.strip() for line in (folder / f"{name}.f").read_text().splitlines()]
    sources = [folder / line for line in lines if line and not line.startswith(("//", "#"))]
    mask, digits = (1 << input_width) - 1, -(-input_width // 4)
    stall_cycles = round(stall * 65536)

    with workspace(f"network-{name}") as work:
        simulate(
            "network_bench",
            {
                "INPUT_WIDTH": input_width,
                "OUTPUT_WIDTH": output_width,
                "INPUTS": x.shape[1],
                "OUTPUTS": outputs,
                "SAMPLES": len(x),
                "SEND_STALL": stall_cycles,
                "RECEIVE_STALL": stall_cycles,
                "SEED": seed,
                "PATIENCE": patience,
                "MEM_DIR": str(folder),
            },
            bench="bench_network",
            files={
                "input.txt": [f"{int(word) & mask:0{digits}x}" for word in x.reshape(-1)],
                "network_stages.vh": [_recorder(n, stage) for n, stage in enumerate(stages)],
            },
            sources=[*sources, SIM / "network_bench.v"],
            build_args=[f"-DNETWORK={name}", f"-I{work}"],
            folder=work,
        )
        y = _samples(work / "output.txt")
        recorded = {stage: _samples(work / f"stage_{n}.txt") for n, stage in enumerate(stages)}
        taken, given = (np.loadtxt(work / f"{which}.txt", dtype=np.int64, ndmin=1) for which in ("taken", "given"))

    if stall:
        return NetworkRun(y, recorded, None, None)
    # The second half: by then every stage has had to wait for the slowest one.
    half = given[len(given) // 2 :]
    pace = float(half[-1] - half[0]) / (len(half) - 1) if len(half) > 1 else None
    return NetworkRun(y, recorded, pace, int(given[0] - taken[0]))


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


def _samples(path: Path) -> np.ndarray:
    text = path.read_text()
    return np.array(text.split(), dtype=np.int64).reshape(text.count("\n"), -1)
