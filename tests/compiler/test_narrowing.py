"""Weights that give bits away, so that sums fit a word: never for more than a decibel."""

import numpy as np
import pytest

import compiler
from compiler import narrowing


def chain(keras):
    layers = keras.layers
    model = keras.Sequential([keras.Input((None, 3))])
    for dilation in (1, 4, 16):
        model.add(layers.Conv1D(4, 4, dilation_rate=dilation, padding="causal", activation="relu"))
    model.add(layers.Conv1D(1, 1))
    random = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(random.normal(0, 0.35, weight.shape))
    return model


@pytest.fixture(scope="module")
def model():
    import keras

    return chain(keras)


def built(model, folder, target="mcu", **options):
    return compiler.compile(model, target, out=folder, name="net", **options)


def widths(build):
    """Bits of the accumulators, and of the weights."""
    layers = build.report["layers"]
    return [[int(layer[key].partition(".")[0][1:]) for layer in layers] for key in ("accumulator", "weights_format")]


def test_sums_fit_a_word(model, tmp_path):
    wide = built(model, tmp_path / "a", numbers="fixed", weight_bits=16)
    build = built(model, tmp_path / "b", numbers="fixed")
    assert max(widths(wide)[0]) > 32 and set(widths(wide)[1]) == {16}
    assert max(widths(build)[0]) <= 32 and min(widths(build)[1]) >= 8
    assert build.report["snr_db"] >= wide.report["snr_db"] - narrowing.MOST_LOSS_DB
    x = np.random.default_rng(0).uniform(-1, 1, (100, 3))
    assert np.array_equal(build.run(x, "host"), build.run(x))
    assert "int64_t" not in (build.folder / "net.c").read_text()


def test_hardware_takes_any_width(model, tmp_path):
    build = built(model, tmp_path / "a", "fpga")
    assert max(widths(build)[0]) > 32 and set(widths(build)[1]) == {16}


def test_a_layer_that_would_cost_too_much_keeps_its_bits(model, tmp_path, monkeypatch):
    monkeypatch.setattr(narrowing, "MOST_LOSS_DB", -100.0)
    assert set(widths(built(model, tmp_path / "a", numbers="fixed"))[1]) == {16}


def test_layers_are_narrowed_one_by_one_where_all_cost_too_much(model, tmp_path, monkeypatch):
    """All at once are refused, and then the one with the most work."""
    seen = []
    against = narrowing.Ideal.against

    def counted(self, graph):
        seen.append(graph)
        found = against(self, graph)
        return found._replace(snr_db=0.0) if len(seen) in (2, 3) else found

    monkeypatch.setattr(narrowing.Ideal, "against", counted)
    build = built(model, tmp_path / "a", numbers="fixed")
    accumulators, weights = widths(build)
    assert len(seen) >= 4
    assert max(accumulators) > 32 and min(weights) < 16


def test_it_is_said_by_how_much_in_the_report(model, tmp_path):
    once, again = (built(model, tmp_path / name, numbers="fixed") for name in "ab")
    assert (once.folder / "report.json").read_bytes() == (again.folder / "report.json").read_bytes()
