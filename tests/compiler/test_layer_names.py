"""Layers may be called anything: within models, in other scripts, like words of C or Verilog."""

import model_files
import numpy as np
import pytest

import compiler

NAMES = [
    "inner/deep/layer",
    "my layer",
    "schicht_ü",
    "層",
    "1",
    "double",
    "a" * 300,
    'quo"te\\',
    "a*/b",
    "`",
]
RNG = np.random.default_rng(0)


def recurrent(name):
    """It has a graph within the graph."""
    config = {"name": name, "units": 3, "activation": "tanh", "use_bias": False, "return_sequences": False}
    return model_files.Entry("SimpleRNN", config, [RNG.uniform(-1, 1, (2, 3)), RNG.uniform(-1, 1, (3, 3))])


def convolution(name):
    return model_files.conv(RNG.uniform(-1, 1, (2, 2, 3)), [0.1, 0.2, 0.3], name=name)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize(
    ("layer", "how", "on"),
    [
        (recurrent, {"target": "mcu"}, "host"),
        (convolution, {"target": "mcu", "numbers": "q15"}, "host"),
        (convolution, {"target": "fpga"}, "rtl"),
    ],
    ids=["frame", "stream", "fpga"],
)
def test_a_layer_may_be_called_anything(layer, how, on, name, tmp_path):
    steps = 4 if layer is recurrent else None
    model = model_files.write(tmp_path / "net.h5", (steps, 2), layer(name))
    compiler.compile(model, **how, out=tmp_path / "build")
    build = compiler.Build.open(tmp_path / "build")
    x = RNG.uniform(-1, 1, (4, 2))
    assert np.abs(build.run(x, on) - build.run(x)).max() < 1e-6
    assert name in build.layers(x)
