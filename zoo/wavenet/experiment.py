"""Training the waveshaper, from a seed to a folder of files."""

import contextlib
import csv
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.quiet import quiet_saving
from zoo.wavenet import model as float_model
from zoo.wavenet.baselines import BASELINES, decibels, predict
from zoo.wavenet.batches import WaveBatches, held_out_batches
from zoo.wavenet.picture import corner_picture
from zoo.wavenet.start import pass_through
from zoo.wavenet.waves import SHAPES, corner_waves, layout, receptive_field

PICTURE_HZ = 220.0
STEPS_PER_EXECUTION = 20
"""Steps between two returns to Python, which take as long as a fifth of a step each."""


@dataclass(frozen=True)
class Recipe:
    """How long and how to train.

    Attributes:
        epochs, batches, batch_size, samples: epochs, batches in each, waves in a batch, samples in a wave.
        learning_rate: Adam's peak, reached after a twentieth of the training and then lowered along a cosine to 0.
    """

    epochs: int = 20
    batches: int = 300
    batch_size: int = 8
    samples: int = 1024
    learning_rate: float = 1e-2


RECIPE = Recipe()
"""For the float network."""

QUANTIZED_RECIPE = Recipe(batches=400, samples=512, learning_rate=2e-2)
"""For the quantized network: shorter waves suffice for its receptive field of 64, so there is time for more steps."""


@dataclass(frozen=True)
class Trained:
    """What a training leaves behind.

    Attributes:
        model: the network, not compiled: a Keras 3 model, or a tf_keras one with QKeras layers.
        receptive_field: samples of past, the present one included, that an output depends on.
        history: one dictionary of loss and metrics for each epoch.
        scores: decibels on held-out waves by row ("network" or a baseline) and shape; lower is better.
        files: the files written, by name.
        seconds: wall time, without imports.
    """

    model: Any
    receptive_field: int
    history: list[dict[str, float]]
    scores: dict[str, dict[str, float]]
    files: dict[str, Path]
    seconds: float


def train(
    *,
    quantized: bool = False,
    out: Path | str | None = None,
    seed: int = 0,
    recipe: Recipe | None = None,
    report: Callable[[str], None] = print,
) -> Trained:
    """Trains the float network (Keras 3) or the quantized one (tf_keras and QKeras), from a seed, bit for bit.

    Seeds Python, numpy and TensorFlow and turns on TensorFlow's deterministic kernels for the rest of the process. The
    bits also depend on the number of threads, which is one unless TensorFlow has run something in this process before.

    Args:
        quantized: which of the two networks.
        out: folder for wavenet.keras, wavenet.h5, history.csv and corners.png, made when missing; None writes nothing.
        seed: seeds initial weights and waves.
        recipe: how long and how to train; None for `RECIPE` or `QUANTIZED_RECIPE`.
        report: called with every line of progress; `lambda line: None` trains silently.

    Returns:
        The network, its history and its scores beside the baselines'.
    """
    start = time.monotonic()
    recipe = recipe or (QUANTIZED_RECIPE if quantized else RECIPE)
    _single_thread()
    toolkit = _quantized_toolkit() if quantized else _float_toolkit()
    if recipe.samples <= toolkit.receptive_field:
        raise ValueError(
            f"waves of {recipe.samples} samples have nothing past the receptive field of "
            f"{toolkit.receptive_field} samples"
        )
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    channels = layout(quantized=quantized)
    waves = WaveBatches(
        seed=seed,
        channels=channels,
        batch_size=recipe.batch_size,
        samples=recipe.samples,
        batches=recipe.batches,
    )
    held_out = held_out_batches(channels).batch(0, 0)

    model = toolkit.build(seed)
    pass_through(model)
    if quantized:
        toolkit.discourage_saturation(model)
    steps = recipe.epochs * recipe.batches
    warm_up = max(1, steps // 20)
    rate = toolkit.keras.optimizers.schedules.CosineDecay(
        0.0, steps - warm_up, warmup_target=recipe.learning_rate, warmup_steps=warm_up
    )
    model.compile(
        toolkit.keras.optimizers.Adam(rate),
        loss=toolkit.loss(toolkit.receptive_field),
        metrics=[toolkit.metric(toolkit.receptive_field)],
        steps_per_execution=STEPS_PER_EXECUTION,
    )
    report(
        f"{model.name}: {model.count_params():,} parameters, receptive field {toolkit.receptive_field} samples; "
        f"{recipe.epochs} x {recipe.batches} batches of {recipe.batch_size} x {recipe.samples} samples, seed {seed}"
    )
    history: list[dict[str, float]] = []

    def show(epoch: int, logs: dict[str, float]) -> None:
        history.append({"epoch": epoch + 1, **{name: float(value) for name, value in logs.items()}})
        report(
            f"epoch {epoch + 1:{len(str(recipe.epochs))}}/{recipe.epochs}"
            f"   loss {logs['loss']:.5f}   error {logs['error_db']:6.2f} dB"
            f"   held out {logs['val_error_db']:6.2f} dB   {time.monotonic() - start:5.1f} s"
        )

    # One epoch of waves, kept: a Python call between every two steps would take longer than the step, and 465 or 1,572
    # weights cannot learn thousands of waves by heart.
    dataset = toolkit.dataset(waves)
    inputs, targets = (np.concatenate(part) for part in zip(*[dataset[i] for i in range(len(dataset))], strict=True))
    model.fit(
        inputs,
        targets,
        batch_size=recipe.batch_size,
        validation_data=held_out,
        epochs=recipe.epochs,
        shuffle=False,  # every batch keeps its share of each corner
        verbose=0,
        callbacks=[toolkit.keras.callbacks.LambdaCallback(on_epoch_end=show)],
    )

    # The files hold the bare network, not how it was trained, so that they load without this package.
    bare = toolkit.build(seed)
    bare.set_weights(model.get_weights())
    scores = _beside_baselines(bare, held_out, toolkit.receptive_field)
    files = _write(Path(out), bare, history, scores["network"], toolkit, quantized) if out is not None else {}
    report("")
    report(table(scores))
    if quantized:
        peaks = toolkit.peaks(bare, held_out[0])
        report(
            f"\nlargest value before rounding, words end at 8: {', '.join(f'{n} {v:.2f}' for n, v in peaks.items())}"
        )
    return Trained(bare, toolkit.receptive_field, history, scores, files, time.monotonic() - start)


def evaluate(folder: Path, *, quantized: bool = False) -> dict[str, dict[str, float]]:
    """Scores of the network in `folder` beside the baselines', as `Trained.scores`.

    Raises:
        ValueError: no network there.
    """
    model, toolkit = _trained(folder, quantized)
    return _beside_baselines(model, held_out_batches(layout(quantized=quantized)).batch(0, 0), toolkit.receptive_field)


def show(folder: Path, *, quantized: bool = False) -> Path:
    """Draws corners.png for the network in `folder`, and returns its path.

    Raises:
        ValueError: no network there.
    """
    model, toolkit = _trained(folder, quantized)
    held_out = held_out_batches(layout(quantized=quantized)).batch(0, 0)
    scores = _scores(model, held_out, toolkit.receptive_field)
    _draw(folder / "corners.png", model, scores, toolkit, quantized)
    return folder / "corners.png"


def _trained(folder: Path, quantized: bool) -> tuple[Any, "_Toolkit"]:
    """The network that a training left in `folder`."""
    path = folder / "wavenet.keras"
    if not path.is_file():
        again = "python -m zoo train wavenet" + (" --quantized" if quantized else "")
        raise ValueError(f"there is no {path}: train first, with {again}")
    toolkit = _quantized_toolkit() if quantized else _float_toolkit()
    model = toolkit.build(0)
    with quiet_saving():
        model.load_weights(path)
    return model, toolkit


def table(scores: dict[str, dict[str, float]]) -> str:
    """Rows of decibels as text, the best of each column marked with a star."""
    width = max(map(len, scores))
    best = {name: min(row[name] for row in scores.values()) for name in SHAPES}
    head = "error, dB".ljust(width) + "".join(f"{name:>9} " for name in SHAPES)
    rows = [
        row.ljust(width) + "".join(f"{of[name]:9.1f}{'*' if of[name] == best[name] else ' '}" for name in SHAPES)
        for row, of in scores.items()
    ]
    return "\n".join(line.rstrip() for line in [head, *rows])


@dataclass(frozen=True)
class _Toolkit:
    """The two ways of training: which Keras, and what it is given."""

    keras: Any
    build: Callable[[int], Any]
    loss: Callable[[int], Any]
    metric: Callable[[int], Any]
    dataset: Callable[[WaveBatches], Any]
    receptive_field: int
    discourage_saturation: Callable[[Any], None] | None = None
    peaks: Callable[[Any, np.ndarray], dict[str, float]] | None = None


def _single_thread() -> None:
    """Keeps TensorFlow from splitting every operation over threads.

    The tensors are so small that handing out the pieces takes twice as long as computing them. Where TensorFlow has
    already run something in this process, the number of threads stands, and training is merely slower.
    """
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)


def _float_toolkit() -> _Toolkit:
    from zoo.wavenet.dataset import WaveDataset
    from zoo.wavenet.losses.settled_mean_squared_error import SettledMeanSquaredError
    from zoo.wavenet.metrics.error_decibels import ErrorDecibels

    return _Toolkit(
        keras=keras,
        build=lambda seed: float_model.build(seed=seed),
        loss=SettledMeanSquaredError,
        metric=ErrorDecibels,
        dataset=WaveDataset,
        receptive_field=receptive_field(float_model.KERNEL_SIZE, float_model.DILATIONS),
    )


def _quantized_toolkit() -> _Toolkit:
    # Here and not above, because training the float network needs none of it.
    from zoo.wavenet.quantized import model as quantized_model
    from zoo.wavenet.quantized.legacy import LegacyErrorDecibels, LegacySettledMeanSquaredError, WaveSequence
    from zoo.wavenet.quantized.legacy_keras import tf_keras

    return _Toolkit(
        keras=tf_keras,
        build=lambda seed: quantized_model.build_quantized(seed=seed),
        loss=LegacySettledMeanSquaredError,
        metric=LegacyErrorDecibels,
        dataset=WaveSequence,
        receptive_field=receptive_field(quantized_model.KERNEL_SIZE, quantized_model.DILATIONS),
        discourage_saturation=quantized_model.discourage_saturation,
        peaks=quantized_model.peaks,
    )


def _scores(model: Any, held_out: tuple[np.ndarray, np.ndarray], receptive_field: int) -> dict[str, float]:
    """Decibels for each shape on a batch whose wave i has shape i modulo 4."""
    inputs, targets = held_out
    outputs = model.predict(inputs, verbose=0)[..., :1]
    return _by_shape(outputs, targets, receptive_field)


def _by_shape(outputs: np.ndarray, targets: np.ndarray, receptive_field: int) -> dict[str, float]:
    error, target = (outputs - targets)[:, receptive_field:], targets[:, receptive_field:]
    count = len(SHAPES)
    return {name: decibels(error[index::count], target[index::count]) for index, name in enumerate(SHAPES)}


def _beside_baselines(
    model: Any, held_out: tuple[np.ndarray, np.ndarray], receptive_field: int
) -> dict[str, dict[str, float]]:
    return {"network": _scores(model, held_out, receptive_field), **_baseline_scores(receptive_field)}


def _baseline_scores(receptive_field: int) -> dict[str, dict[str, float]]:
    """Every baseline on the network's held-out waves, fitted on as many others."""
    fit_in, fit_out = held_out_batches().batch(1, 0)
    test_in, test_out = held_out_batches().batch(0, 0)
    count = len(SHAPES)
    scores = {}
    for name, features in BASELINES.items():
        outputs = np.zeros_like(test_out)
        for index in range(count):
            fit = fit_in[index::count, :, 0], fit_out[index::count, :, 0]
            outputs[index::count, :, 0] = predict(features, fit, test_in[index::count, :, 0], receptive_field)
        scores[name] = _by_shape(outputs, test_out, receptive_field)
    return scores


def _write(
    out: Path,
    model: Any,
    history: list[dict[str, float]],
    scores: dict[str, float],
    toolkit: _Toolkit,
    quantized: bool,
) -> dict[str, Path]:
    out.mkdir(parents=True, exist_ok=True)
    files = {name: out / name for name in ("wavenet.keras", "wavenet.h5", "history.csv", "corners.png")}
    with quiet_saving():
        model.save(files["wavenet.keras"])
        model.save(files["wavenet.h5"])
    with files["history.csv"].open("w", newline="") as text:
        rows = csv.DictWriter(text, fieldnames=list(history[0]), lineterminator="\n")
        rows.writeheader()
        rows.writerows(history)
    _draw(files["corners.png"], model, scores, toolkit, quantized)
    return files


def _draw(path: Path, model: Any, scores: dict[str, float], toolkit: _Toolkit, quantized: bool) -> None:
    inputs, _ = corner_waves(2_000, PICTURE_HZ, quantized=quantized)
    corner_picture(
        path,
        model.predict(inputs, verbose=0),
        frequency=PICTURE_HZ,
        receptive_field=toolkit.receptive_field,
        title=f"{'16-bit' if quantized else 'Float'} WaveNet waveshaper, {model.count_params():,} parameters",
        scores=scores,
    )
