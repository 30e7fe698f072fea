"""The two networks: how large, how far back they look, and on which grid their values lie."""

import numpy as np
import pytest

from zoo.wavenet.batches import held_out_batches
from zoo.wavenet.model import build
from zoo.wavenet.quantized.model import build_quantized
from zoo.wavenet.start import pass_through
from zoo.wavenet.waves import receptive_field


def test_parameter_counts():
    assert build().count_params() == 465
    assert build(dilations=(1, 4, 16), filters=(16, 16, 4), inputs=4, pointwise=False).count_params() == 1_572
    assert build_quantized().count_params() == 1_572


def test_layers_have_names_of_their_own():
    assert [layer.name for layer in build().layers] == [
        "core_and_embedding",
        *(f"{kind}_{index}" for index in range(4) for kind in ("causal", "mix")),
        "wave",
    ]
    assert [layer.name for layer in build_quantized().layers] == [
        "core_and_embedding",
        "quantize_input",
        "causal_0",
        "relu_0",
        "causal_1",
        "relu_1",
        "causal_2",
        "quantize_output",
    ]


@pytest.mark.parametrize(
    ("kernel_size", "dilations", "filters", "pointwise"),
    [
        (4, (1, 4, 16, 64), (4, 4, 4, 8), True),
        (4, (1, 4, 16), (16, 16, 4), False),
        (3, (1, 2, 7), (5, 3, 4), True),
        (2, (5,), (3,), False),
    ],
)
def test_receptive_field_is_what_an_impulse_reaches(kernel_size, dilations, filters, pointwise):
    model = build(kernel_size=kernel_size, dilations=dilations, filters=filters, inputs=2, pointwise=pointwise)
    for layer in model.layers:  # all weights positive, so that no relu shuts and nothing cancels
        layer.set_weights([np.full_like(weight, 0.5) for weight in layer.get_weights()])
    span = receptive_field(kernel_size, dilations)
    at, samples = 3, span + 20
    inputs = np.zeros((1, samples, 2), np.float32)
    inputs[0, at] = 1.0
    reached = (model.predict(inputs, verbose=0) != model.predict(np.zeros_like(inputs), verbose=0)).any(axis=(0, 2))
    assert np.flatnonzero(reached).min() == at
    assert np.flatnonzero(reached).max() == at + span - 1


def test_builders_refuse_dilations_without_filters():
    for builder in (build, build_quantized):
        with pytest.raises(ValueError, match="2 dilations and 1 filters"):
            builder(dilations=(1, 2), filters=(4,))


def test_a_seed_fixes_the_weights_and_every_layer_differs():
    for builder in (build, build_quantized):
        first, same, other = builder(seed=1), builder(seed=1), builder(seed=2)
        assert all(np.array_equal(a, b) for a, b in zip(first.get_weights(), same.get_weights(), strict=True))
        assert any(not np.array_equal(a, b) for a, b in zip(first.get_weights(), other.get_weights(), strict=True))
    kernels = [layer.get_weights()[0] for layer in build(filters=(4, 4, 4, 4), seed=1).layers if layer.weights]
    assert not np.array_equal(kernels[2], kernels[4])


def test_pass_through_starts_at_the_identity():
    model = build(seed=0)
    pass_through(model, noise=0.0)
    inputs = np.abs(held_out_batches().batch(0, 0)[0][:2])
    np.testing.assert_allclose(model.predict(inputs, verbose=0)[..., 0], inputs[..., 0], atol=1e-6)
