"""The quantized network: on which grid its values lie, and how it goes into files."""

import keras
import numpy as np
import pytest

from zoo.wavenet.batches import held_out_batches
from zoo.wavenet.quantized.legacy_keras import qkeras, tf_keras
from zoo.wavenet.quantized.model import build_quantized, discourage_saturation, peaks
from zoo.wavenet.waves import FIXED_POINT


def random_quantized() -> tf_keras.Model:
    """A network with weights off the grid and beyond the range, to see the quantizers at work."""
    model, random = build_quantized(), np.random.default_rng(0)
    model.set_weights([random.normal(0, 0.4, weight.shape) for weight in model.get_weights()])
    model.layers[2].set_weights([model.layers[2].get_weights()[0], np.linspace(-9, 9, 16)])
    return model


def test_every_quantized_value_is_a_16_bit_word_with_12_fraction_bits():
    model = random_quantized()
    inputs = np.random.default_rng(1).uniform(-9, 9, (2, 300, 4)).astype(np.float32)
    activations = [layer for layer in model.layers if isinstance(layer, qkeras.QActivation)]
    values = tf_keras.Model(model.input, [layer.output for layer in activations]).predict(inputs, verbose=0)
    for layer in model.layers:
        if isinstance(layer, qkeras.QConv1D):
            values += [np.array(q(w)) for q, w in zip(layer.get_quantizers(), layer.get_weights(), strict=True)]
    assert len(values) == 4 + 6
    lowest, highest = 0.0, 0.0
    for value in values:
        words = value.astype(np.float64) * 2**12
        assert (words == np.round(words)).all()
        lowest, highest = min(lowest, words.min()), max(highest, words.max())
    assert (lowest, highest) == (-(2**15), 2**15 - 1)  # all of the range is used, and no more


def test_quantized_model_begins_and_ends_in_a_quantizer():
    layers = build_quantized().layers[1:]
    assert isinstance(layers[0], qkeras.QActivation)
    assert isinstance(layers[-1], qkeras.QActivation)


@pytest.mark.parametrize("kind", ["h5", "keras"])
def test_quantized_file_round_trip(tmp_path, kind):
    model = random_quantized()
    model.save(tmp_path / f"net.{kind}")
    loaded = qkeras.utils.load_qmodel(str(tmp_path / f"net.{kind}"), compile=False)
    inputs = np.random.default_rng(1).uniform(-1, 1, (2, 100, 4)).astype(np.float32)
    np.testing.assert_array_equal(loaded.predict(inputs, verbose=0), model.predict(inputs, verbose=0))


def test_peaks_show_saturation_but_not_what_relu_removes():
    model = build_quantized(seed=0)
    inputs = held_out_batches(FIXED_POINT).batch(0, 0)[0][:4]
    assert max(peaks(model, inputs).values()) < 8
    for weight in (-7.0, 7.0):
        model.get_layer("causal_1").set_weights([np.full((4, 16, 16), weight), np.zeros(16)])
        assert (peaks(model, inputs)["relu_1"] > 8) == (weight > 0)


def test_both_keras_live_in_one_process():
    assert keras.__version__.startswith("3.")
    assert issubclass(qkeras.QConv1D, tf_keras.layers.Layer)
    assert not issubclass(qkeras.QConv1D, keras.layers.Layer)


def test_saturation_costs_something_and_room_costs_nothing():
    inputs = held_out_batches(FIXED_POINT).batch(0, 0)[0][:4, :100]
    costs = []
    for weight in (0.01, 7.0):
        model = build_quantized(seed=0)
        model.get_layer("causal_1").set_weights([np.full((4, 16, 16), weight), np.zeros(16)])
        discourage_saturation(model)
        model(inputs)
        costs.append(float(sum(model.losses)))
    assert costs[0] == 0.0
    assert costs[1] > 1.0
