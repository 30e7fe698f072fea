"""QKeras' quantisers of weights, number by number."""

import numpy as np
import pytest
from qkeras_cases import KERNEL_QUANTIZERS

from compiler.errors import CompileError
from compiler.keras_file import LayerSpec
from compiler.lowering import quantizers
from compiler.lowering.builder import Builder
from compiler.lowering.layer import Layer
from compiler.lowering.quantizer_rules import finest_grid

SHAPES = [(3, 4), (5, 3, 4), (2, 2, 3, 2), (6,)]
ROUNDS = 10


def read(text, *, trained=True):
    layer = Layer(LayerSpec("dense", "QDense", {}, (), ()), Builder())
    return quantizers.read(layer, "kernel_quantizer", text, trained=trained)


def arrays():
    """Of every shape, small and large, with zeros among them."""
    rng = np.random.default_rng(0)
    for _ in range(ROUNDS):
        for shape in SHAPES:
            x = rng.normal(0, rng.choice([0.1, 0.5, 2.0]), shape).astype(np.float32)
            x[rng.uniform(size=shape) < 0.05] = 0
            yield x


@pytest.mark.parametrize("text", [*KERNEL_QUANTIZERS, "quantized_bits(2,0,alpha='auto_po2')"])
@pytest.mark.parametrize("trained", [True, False])
def test_every_weight_equals_qkeras(text, trained):
    import qkeras

    theirs = qkeras.get_quantizer(text)
    if trained and hasattr(theirs, "_set_trainable_parameter"):
        theirs._set_trainable_parameter()
    ours = read(text, trained=trained)
    wrong = []
    for x in arrays():
        wanted, got = np.asarray(theirs(x)), ours(x.astype(np.float64))
        # A scale that QKeras sums in another order may differ in its last bit.
        off = np.abs(got - wanted) > 1e-6 * np.maximum(np.abs(wanted), 1e-3)
        wrong.append(np.mean(off & np.isfinite(wanted)))
        grid = ours.grid(got) if np.all(np.isfinite(got)) else None
        if grid:
            assert np.array_equal(got * 2.0**grid.fraction, np.rint(got * 2.0**grid.fraction))
            assert np.all(np.abs(got * 2.0**grid.fraction) <= grid.hi + 1)
    assert max(wrong) == 0


def test_a_grid_is_found_where_there_is_one():
    assert str(finest_grid(np.array([0.5, -0.25, 3.0]))) == "s5.2"
    assert str(finest_grid(np.array([0.0, 64.0]))) == "s2.-6"
    assert finest_grid(np.array([0.1])) is None
    assert finest_grid(np.array([2.0**-20, 1.0])) is None


def test_a_channel_of_zeros_has_no_scale():
    x = np.zeros((3, 2))
    x[:, 0] = 1
    assert np.isnan(read("quantized_bits(4,0,alpha='auto')")(x)[:, 1]).all()


def test_a_quantizer_in_an_activation_says_what_it_is():
    with pytest.raises(CompileError, match="for weights alone"):
        read("quantized_po2(4)").emit(Layer(LayerSpec("a", "QActivation", {}, (), ()), Builder()), None, None)
