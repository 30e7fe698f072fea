"""The waveshaper, from a seed to a folder of files, and what can be done with the folder."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zoo.archives import write_csv
from zoo.quiet import quiet_saving
from zoo.screen import Report
from zoo.training import History, workplace
from zoo.wavenet.batches import held_out_batches
from zoo.wavenet.evaluation import Scores, baseline_scores, network_scores, table
from zoo.wavenet.picture import corner_picture
from zoo.wavenet.recipe import QUANTIZED_RECIPE, RECIPE, Recipe
from zoo.wavenet.waves import Layout, corner_waves, layout

PICTURE_HZ = 220.0
FILES = ("wavenet.keras", "wavenet.h5", "history.csv", "corners.png")


@dataclass(frozen=True)
class Trained:
    """What a training leaves behind.

    Attributes:
        model: the network, not compiled: a Keras 3 model, or a tf_keras one with QKeras layers.
        receptive_field: samples of past, the present one included, that an output depends on.
        history: one dictionary of loss and metrics for each epoch.
        scores: decibels on held-out waves by row ("network" or a baseline) and shape; lower is better.
        summary: the scores as text.
        files: the files written, by name.
        seconds: wall time, without imports.
    """

    model: Any
    receptive_field: int
    history: History
    scores: dict[str, Scores]
    summary: str
    files: dict[str, Path]
    seconds: float


def train(
    *,
    quantized: bool = False,
    out: Path | str | None = None,
    seed: int = 0,
    recipe: Recipe | None = None,
    report: Report = print,
) -> Trained:
    """Trains the float network (Keras 3) or the quantized one (tf_keras and QKeras), from a seed, bit for bit.

    Seeds Python, numpy and TensorFlow and turns on TensorFlow's deterministic kernels for the rest of the process. The
    bits also depend on the number of threads, which is one unless TensorFlow has run something in this process before.

    Args:
        quantized: which of the two networks.
        out: folder for wavenet.keras, wavenet.h5, history.csv and corners.png, made when missing; None writes nothing.
            A training that was stopped there goes on.
        seed: seeds initial weights and waves.
        recipe: how long and how to train; None for `RECIPE` or `QUANTIZED_RECIPE`.
        report: takes every line of progress.

    Returns:
        The network, its history and its scores beside the baselines'.

    Raises:
        ValueError: waves that are no longer than the receptive field.
    """
    start = time.monotonic()
    recipe = recipe or (QUANTIZED_RECIPE if quantized else RECIPE)
    out = None if out is None else Path(out)
    network = _network(quantized)
    network.prepare()
    field = network.receptive_field
    if recipe.samples <= field:
        raise ValueError(f"waves of {recipe.samples} samples have nothing past the receptive field of {field} samples")
    # The files hold the bare network, not how it was trained, so that they load without this package.
    bare = network.build(seed)
    report(
        f"{bare.name}: {bare.count_params():,} parameters, receptive field {field} samples; "
        f"{recipe.epochs} x {recipe.batches} batches of {recipe.batch_size} x {recipe.samples} samples, seed {seed}"
    )
    with workplace(out, {"quantized": quantized, "seed": seed, **asdict(recipe)}, report) as folder:
        model, history = network.fit(recipe, seed=seed, folder=folder / "network", report=report)
        bare.set_weights(model.get_weights())
        scores = {"network": network_scores(bare, network.channels, field), **baseline_scores(field)}
        history = [{name: value for name, value in row.items() if name != "seconds"} for row in history]
        files = _write(out, bare, history, scores["network"], network) if out is not None else {}
    summary = table(scores)
    if network.peaks is not None:
        peaks = network.peaks(bare, held_out_batches(network.channels).batch(0, 0)[0])
        largest = ", ".join(f"{name} {value:.2f}" for name, value in peaks.items())
        summary += f"\n\nlargest value before rounding, words end at 8: {largest}"
    return Trained(bare, field, history, scores, summary, files, time.monotonic() - start)


def train_command(*, quantized: bool, out: Path | None, seed: int, report: Report, **changes: Any) -> str:
    """`train` as the command line has it; returns what to print."""
    out = _place(out, quantized)
    recipe = (QUANTIZED_RECIPE if quantized else RECIPE).changed(**changes)
    trained = train(quantized=quantized, out=out, seed=seed, recipe=recipe, report=report)
    return f"{trained.summary}\n\n{out}: {', '.join(trained.files)}   ({trained.seconds:.0f} s)"


def evaluate(out: Path | None = None, *, quantized: bool = False) -> str:
    """The table of the network in a folder beside the baselines.

    Raises:
        ValueError: no network there.
    """
    model, network = _trained(_place(out, quantized), quantized)
    field = network.receptive_field
    return table({"network": network_scores(model, network.channels, field), **baseline_scores(field)})


def show(out: Path | None = None, *, quantized: bool = False) -> Path:
    """Draws corners.png for the network in a folder, and returns its path.

    Raises:
        ValueError: no network there.
    """
    out = _place(out, quantized)
    model, network = _trained(out, quantized)
    _draw(out / "corners.png", model, network_scores(model, network.channels, network.receptive_field), network)
    return out / "corners.png"


@dataclass(frozen=True)
class _Network:
    """One of the two: how it is made and trained, and what is particular to it."""

    title: str
    channels: Layout
    receptive_field: int
    build: Callable[[int], Any]
    fit: Callable[..., tuple[Any, History]]
    prepare: Callable[[], None]
    peaks: Callable[[Any, Any], dict[str, float]] | None = None


def _network(quantized: bool) -> _Network:
    from zoo.wavenet.training import RECEPTIVE_FIELD, fit_network, single_thread

    channels = layout(quantized=quantized)
    if quantized:  # imported here, because the float network needs none of it
        from zoo.wavenet.quantized.model import build_quantized, peaks
        from zoo.wavenet.quantized.training import RECEPTIVE_FIELD as QUANTIZED_FIELD
        from zoo.wavenet.quantized.training import fit_quantized

        def build(seed: int) -> Any:
            return build_quantized(seed=seed)

        return _Network("16-bit", channels, QUANTIZED_FIELD, build, fit_quantized, single_thread, peaks)
    from zoo.wavenet.model import build as build_float

    return _Network("Float", channels, RECEPTIVE_FIELD, lambda seed: build_float(seed=seed), fit_network, single_thread)


def _place(out: Path | None, quantized: bool) -> Path:
    return out or Path("build/zoo") / ("wavenet-quantized" if quantized else "wavenet")


def _trained(folder: Path, quantized: bool) -> tuple[Any, _Network]:
    """The network that a training left in `folder`."""
    path = folder / "wavenet.keras"
    if not path.is_file():
        again = "python -m zoo train wavenet" + (" --quantized" if quantized else "")
        raise ValueError(f"there is no {path}: train first, with {again}")
    network = _network(quantized)
    model = network.build(0)
    with quiet_saving():
        model.load_weights(path)
    return model, network


def _write(out: Path, model: Any, history: History, scores: Scores, network: _Network) -> dict[str, Path]:
    files = {name: out / name for name in FILES}
    with quiet_saving():
        model.save(files["wavenet.keras"])
        model.save(files["wavenet.h5"])
    write_csv(files["history.csv"], history)
    _draw(files["corners.png"], model, scores, network)
    return files


def _draw(path: Path, model: Any, scores: Scores, network: _Network) -> None:
    inputs, _ = corner_waves(2_000, PICTURE_HZ, quantized=network.peaks is not None)
    corner_picture(
        path,
        model.predict(inputs, verbose=0),
        frequency=PICTURE_HZ,
        receptive_field=network.receptive_field,
        title=f"{network.title} WaveNet waveshaper, {model.count_params():,} parameters",
        scores=scores,
    )
