"""The picture of what the compiler does: one file, its graph with formats, C, Verilog, and what all of them compute."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from compiler import cli, compile
from compiler.build import Build
from zoo.quiet import quiet_import

PICTURE = Path("docs/overview.png")
INK, PALE, BLUE, GREEN, RED = "#1d2733", "#e6e9ec", "#174a7c", "#2a9d8f", "#c1121f"
SAMPLES = 400


def model() -> Any:
    """A dilated causal convolution, relu, a mix: small enough for its code to be read."""
    with quiet_import():
        import keras
    keras.utils.set_random_seed(3)
    x = inputs = keras.Input((None, 1), name="audio")
    x = keras.layers.Conv1D(6, 4, padding="causal", dilation_rate=3, activation="relu", name="conv")(x)
    return keras.Model(inputs, keras.layers.Dense(1, name="mix")(x), name="net")


def file_text(layers: list[Any]) -> str:
    """The layers as somebody writes them in Keras."""
    lines = ["x = keras.Input((None, 1))"]
    for layer in layers[1:]:
        c = layer.get_config()
        if layer.name == "conv":
            lines += [f"x = Conv1D({c['filters']}, {c['kernel_size'][0]}, padding='{c['padding']}',"]
            lines += [f"      dilation_rate={c['dilation_rate'][0]}, activation='{c['activation']}')(x)"]
        else:
            lines += [f"x = Dense({c['units']})(x)"]
    return "\n".join(lines)


def graph_text(build: Build) -> str:
    """The graph's lines without weights."""
    text = re.sub(r"  #.*|, weights=.*?\]|, bias=.*?\]|, (weights|bias)_format=[^,)]*", "", str(build.graph))
    text = re.sub(r" = \d+\[0\.\.0\]|, state=\w+", "", text)
    text = text.replace(", rounding=", ",\n          rounding=")
    return "\n".join(line.removeprefix("  ") for line in text.splitlines()[1:])


def c_text(build: Build) -> str:
    """What `process` does with a sample."""
    text = (build.folder / "net.c").read_text()
    body = text[text.index("void net_process") :]
    calls = re.findall(r"^ +(nn_\w+\(.*?\);)", body, re.MULTILINE)
    lines = [f"for (; samples != 0; samples--, {'…'}) {{", *(f"    {call}" for call in calls), "}"]
    return "\n".join(re.sub(r"(.{52,}?, )", r"\1\n        ", line) for line in lines)


def verilog_text(build: Build) -> str:
    """The first stage of the top module."""
    text = (build.folder / "net.v").read_text()
    stage = re.search(r"( +// \d+ taps.*?\n.*?\) stage_\w+ \()", text, re.DOTALL)[1]
    kept = [line[4:] for line in stage.splitlines() if not re.search(r"FILE|LOW|HIGH|_LANES", line)]
    return "\n".join([*kept, "    ..."])


def draw(path: Path, panels: dict[str, str], waves: dict[str, np.ndarray], step: float) -> None:
    """Four texts with arrows between them above the waves, and below these the differences in last bits."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 9), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    places = {"file": (0.012, 0.70), "graph": (0.285, 0.70), "C": (0.645, 0.845), "Verilog": (0.645, 0.575)}
    titles = {
        "file": "a Keras file",
        "graph": "a graph: formats, sums proven to fit",
        "C": "C for a Cortex-M7",
        "Verilog": "Verilog for an FPGA",
    }
    for key, (left, middle) in places.items():
        lines = panels[key].count("\n") + 1
        top = middle + lines * 0.0096 + 0.012
        figure.text(left, top + 0.008, titles[key], fontsize=12.5, fontweight="bold", color=INK)
        box = {"boxstyle": "round,pad=0.5", "facecolor": "#f7f8f9", "edgecolor": PALE}
        figure.text(left + 0.005, top - 0.008, panels[key], family="monospace", fontsize=8.6, va="top", bbox=box)
    arrow = {"arrowstyle": "-|>", "color": BLUE, "linewidth": 2.2, "mutation_scale": 18}
    axes = figure.add_axes((0, 0, 1, 1), zorder=-1)
    axes.set_axis_off()
    for start, end in (((0.252, 0.70), (0.279, 0.70)), ((0.612, 0.73), (0.638, 0.80)), ((0.612, 0.67), (0.638, 0.61))):
        axes.annotate("", xy=end, xytext=start, arrowprops=arrow, xycoords="figure fraction")

    upper, lower = figure.add_axes((0.055, 0.16, 0.93, 0.22)), figure.add_axes((0.055, 0.055, 0.93, 0.07))
    time = np.arange(SAMPLES) / 48
    upper.plot(time, waves["Keras, float32"], color="#f2a65a", linewidth=6, alpha=0.55, label="Keras, float32")
    upper.plot(time, waves["interpreter"], color=BLUE, linewidth=1.2, label="interpreter, 16 bits")
    ring = {"markerfacecolor": "none", "markeredgecolor": GREEN, "markersize": 5, "linestyle": "none"}
    upper.plot(time[::3], waves["C"][::3], marker="o", label="C, 16 bits (every third sample)", **ring)
    upper.plot(time[::3], waves["Verilog"][::3], ".", color=RED, markersize=3, label="Verilog, 16 bits")
    upper.set_ylabel("amplitude")
    upper.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=4, frameon=False, fontsize=10)
    for name, color in (("C", GREEN), ("Verilog", RED)):
        lower.plot(time, (waves[name] - waves["interpreter"]) / step, color=color, label=name)
    lower.set_ylim(-1.5, 1.5)
    lower.set_yticks([-1, 0, 1])
    lower.set_ylabel("difference,\nlast bits", fontsize=8.5)
    lower.set_xlabel("milliseconds")
    for axis in (upper, lower):
        axis.margins(x=0.005)
        axis.grid(axis="y", color=PALE)
        axis.tick_params(length=0)
        for side in ("top", "right", "left"):
            axis.spines[side].set_visible(False)
    upper.tick_params(labelbottom=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})


def main() -> None:
    """Compiles, runs everywhere, draws."""
    net = model()
    x = np.sin(2 * np.pi * np.arange(SAMPLES) / 48 * (0.3 + np.arange(SAMPLES) / SAMPLES))[:, None].astype(np.float32)
    with tempfile.TemporaryDirectory() as temporary:
        mcu = compile(net, "mcu", numbers="fixed", out=Path(temporary) / "mcu")
        fpga = compile(net, "fpga", out=Path(temporary) / "fpga")
        waves = {"interpreter": mcu.run(x), "C": mcu.run(x, on="host"), "Verilog": fpga.run(x, on="rtl")}
        panels = {"file": file_text(net.layers), "graph": graph_text(mcu), "C": c_text(mcu)}
        panels["Verilog"] = verilog_text(fpga)
        step = mcu.graph.outputs[0].format.step
    waves["Keras, float32"] = net.predict(x[None], verbose=0)[0]
    draw(PICTURE, panels, {name: wave[:, 0] for name, wave in waves.items()}, step)
    print(f"picture: {PICTURE}", file=sys.stderr)


if __name__ == "__main__":
    cli.guard(main)
