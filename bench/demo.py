"""The whole path: train two WaveNets, compile them, run them everywhere, compare. Run with `make demo`."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from compiler import cli
from compiler.build import Build
from compiler.tables import table
from compiler.verification import TIMES_FLOAT32, TOLERANCE, error
from zoo.quiet import quiet_import
from zoo.wavenet.waves import CORNERS, SAMPLE_RATE, SHAPES, corner_waves

OUT = Path("build/demo")
SAMPLES = 2000
HZ = 440.0

# What a reader could type too.
COMMANDS = (
    f"python -m zoo train wavenet --out {OUT}/float",
    f"python -m zoo train wavenet --quantized --out {OUT}/quantized",
    f"python -m compiler {OUT}/float/wavenet.h5 --target mcu --out {OUT}/float-mcu --verify",
    f"python -m compiler {OUT}/quantized/wavenet.h5 --target mcu --numbers fixed --out {OUT}/quantized-mcu --verify",
    f"python -m compiler {OUT}/quantized/wavenet.h5 --target fpga --sample-rate 192000 --out {OUT}/quantized-fpga "
    "--verify",
)


def main() -> int:
    """Runs the commands, then the four corner waves through every model and build; 0 if all is as it should be."""
    begin = time.monotonic()
    for command in COMMANDS:
        print(f"\n$ {command}", flush=True)
        status = subprocess.run([sys.executable, *shlex.split(command)[1:]], check=False).returncode
        if status:
            print(f"\nthis command failed with exit code {status}", file=sys.stderr)
            return status
    print(f"\nFour corner waves at {HZ:g} Hz, {SAMPLES:,} samples each, through every model and its builds", flush=True)
    rows, passed = compare_float()
    more, also, waves, step = compare_fixed()
    print(table([("network", "runs as", "compared with", "result"), *rows, *more]))
    path = OUT / "corners.png"
    picture(path, waves, step)
    print(f"\npicture: {path}\ndone in {time.monotonic() - begin:.0f} s")
    return 0 if passed and also else 1


Row = tuple[str, str, str, str]


def compare_float() -> tuple[list[Row], bool]:
    """The float build on the emulated Cortex-M7, against model.predict."""
    x, _ = corner_waves(SAMPLES, HZ)
    with quiet_import():
        import keras
    wanted = keras.saving.load_model(OUT / "float/wavenet.h5", compile=False).predict(x, verbose=0)
    build = Build.open(OUT / "float-mcu")
    missed = error(build.run(x, on="emulator"), wanted)
    # Keras adds in float32 too: it may be as far from the truth as we are, on the other side.
    own = error(wanted, build.run(x, on="reference"))
    allowed = max(TOLERANCE, TIMES_FLOAT32 * own)
    fine = missed <= allowed
    result = f"error {missed:.1e}, {'within' if fine else 'BEYOND'} {allowed:.1e}; Keras is {own:.1e} from float64"
    return [("float", "C on an emulated Cortex-M7", "Keras", result)], fine


def compare_fixed() -> tuple[list[Row], bool, dict[str, np.ndarray], float]:
    """The fixed-point builds, against each other to the last bit and against QKeras' float32; waves, and a last bit."""
    from zoo.wavenet.quantized.legacy_keras import qkeras

    x, target = corner_waves(SAMPLES, HZ, quantized=True)
    keras_wave = qkeras.utils.load_qmodel(str(OUT / "quantized/wavenet.h5"), compile=False).predict(x, verbose=0)
    mcu, fpga = Build.open(OUT / "quantized-mcu"), Build.open(OUT / "quantized-fpga")
    on_m7, in_verilog = mcu.run(x, on="emulator"), fpga.run(x, on="rtl")
    exact = {
        "interpreter": mcu.run(x, on="reference"),
        "Cortex-M7": on_m7,
    }
    rows: list[Row] = []
    passed = True
    for what, against, y in (
        ("C on an emulated Cortex-M7", "interpreter", on_m7),
        ("Verilog in simulation", "interpreter", in_verilog),
        ("Verilog in simulation", "Cortex-M7", in_verilog),
    ):
        different = int(np.sum(y != exact[against]))
        passed &= not different
        result = f"all {y.size:,} words equal to the last bit" if not different else f"{different:,} words DIFFER"
        rows.append(("16-bit", what, against, result))
    step = fpga.graph.outputs[0].format.step
    steps = np.abs(keras_wave - on_m7) / step
    result = f"{np.mean(steps == 0):.2%} of words equal, the rest within {steps.max():.0f} last bits"
    rows.append(("16-bit", "C on an emulated Cortex-M7", "QKeras (float32)", result))
    waves = {"target": target, "QKeras": keras_wave, "Cortex-M7": on_m7, "Verilog": in_verilog}
    return rows, passed, {name: wave[..., 0] for name, wave in waves.items()}, step


def picture(path: Path, waves: dict[str, np.ndarray], step: float, periods: float = 1.5) -> None:
    """Four corners: the target broad, QKeras a line on it, Cortex-M7 rings, Verilog the points in the rings; and below
    each how many last bits, of `step`, QKeras and Verilog are from the Cortex-M7."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    period = SAMPLE_RATE / HZ
    first = int(np.ceil(SAMPLES / 2 / period) * period)
    shown = slice(first, first + int(periods * period) + 1)
    milliseconds = (np.arange(SAMPLES)[shown] - first) / SAMPLE_RATE * 1e3
    figure = Figure(figsize=(13, 8.6), dpi=110, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots(4, 2, sharex=True, sharey="row", height_ratios=(5, 1, 5, 1))
    pairs = zip(axes[::2].flat, axes[1::2].flat, strict=True)
    for index, (name, (axis, below)) in enumerate(zip(SHAPES, pairs, strict=True)):
        target, keras_wave, m7, verilog = (waves[key][index, shown] for key in waves)
        axis.plot(milliseconds, target, color="#f2a65a", linewidth=6, alpha=0.55, label="target")
        axis.plot(milliseconds, keras_wave, color="#174a7c", linewidth=1.2, label="QKeras")
        ring = {"markerfacecolor": "none", "markeredgecolor": "#2a9d8f", "markersize": 6, "linestyle": "none"}
        axis.plot(milliseconds, m7, marker="o", label="Cortex-M7, emulated", **ring)
        axis.plot(milliseconds, verilog, ".", color="#c1121f", markersize=3.2, label="Verilog, simulated")
        corner = ", ".join(f"{value:g}" for value in CORNERS[index])
        axis.set_title(f"{name}  ({corner})", loc="left", fontsize=12, fontweight="bold")
        equal = "equal to the last bit" if np.array_equal(m7, verilog) else "NOT EQUAL"
        axis.set_title(f"Cortex-M7 and Verilog {equal}", loc="right", fontsize=9.5)
        below.plot(milliseconds, (keras_wave - m7) / step, color="#174a7c", linewidth=0.8)
        below.plot(milliseconds, (verilog - m7) / step, color="#c1121f", linewidth=1.2)
        for each, limit in ((axis, 1.5), (below, 2.5)):
            each.set_ylim(-limit, limit)
            each.set_yticks([-1, 0, 1] if each is axis else [-2, 0, 2])
            each.margins(x=0.01)
            each.grid(axis="y", color="#e6e9ec")
            each.set_axisbelow(True)
            each.tick_params(length=0)
            for side in ("top", "right", "left"):
                each.spines[side].set_visible(False)
    for axis, below in zip(axes[::2, 0], axes[1::2, 0], strict=True):
        axis.set_ylabel("amplitude (1 = full scale)")
        below.set_ylabel("from the M7,\nlast bits", fontsize=8)
    for axis in axes[-1]:
        axis.set_xlabel("milliseconds")
    title = f"One 16-bit WaveNet, a {HZ:g} Hz triangle shaped into four waves"
    figure.suptitle(title, x=0.012, y=0.985, ha="left", va="top", fontsize=15, fontweight="bold")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="upper left", bbox_to_anchor=(0.005, 0.95), ncols=4, frameon=False, fontsize=10.5
    )
    figure.tight_layout(rect=(0, 0, 1, 0.92), h_pad=0.8, w_pad=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})


if __name__ == "__main__":
    cli.guard(main)
