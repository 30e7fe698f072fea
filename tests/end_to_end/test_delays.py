"""Outputs that a stream gives with unequal delays: as many samples of each as Keras gives, on every place."""

import re

import numpy as np
import pytest
from models import randomize

import compiler
from compiler.build import Build

SAMPLES = 20


@pytest.fixture(scope="module")
def keras():
    import keras

    return keras


def crops(k, x):
    return [k.layers.Cropping1D((3, 0), name="later")(x), k.layers.Cropping1D((1, 0), name="soon")(x), x]


MODELS = {
    "valid beside causal": lambda k, x: [
        k.layers.Conv1D(2, 5, name="valid")(x),
        k.layers.Conv1D(3, 3, padding="causal", name="causal")(x),
    ],
    "one behind the other": lambda k, x: [x := k.layers.Conv1D(2, 3, name="first")(x), k.layers.Conv1D(1, 4)(x)],
    "one value, cropped unequally": lambda k, x: crops(k, k.layers.Dense(2, name="mixed")(x)),
    "recurrent": lambda k, x: [k.layers.GRU(2, return_sequences=True)(x), k.layers.Conv1D(2, 2, name="valid")(x)],
}


@pytest.mark.parametrize("case", MODELS)
def test_each_output_has_as_many_samples_as_keras_gives(case, keras, tmp_path):
    audio = keras.Input((SAMPLES, 2), name="audio")
    model = randomize(keras.Model(audio, MODELS[case](keras, audio)))
    build = compiler.compile(model, "mcu", out=tmp_path / "build", mode="stream")
    x = np.random.default_rng(0).normal(size=(2, SAMPLES, 2)).astype(np.float32)
    wanted = [np.asarray(y) for y in model(x)]
    assert len({y.shape[1] for y in wanted}) > 1, "the outputs are equally late, which tests nothing"
    for build_again in (build, Build.open(build.folder)):
        for place in ("reference", "host") if build_again is build else ("reference",):
            got = list(build_again.run(x, on=place).values())
            assert [y.shape for y in got] == [y.shape for y in wanted]
            for y, k in zip(got, wanted, strict=True):
                assert np.abs(y - k).max() < 1e-5
    late = [SAMPLES - y.shape[1] for y in wanted]
    assert (build.report["warm_up"], build.report["warm_ups"]) == (max(late), late)
    header = (build.folder / f"{build.name}.h").read_text()
    assert [int(n) for n in re.findall(r"_WARM_UP_\d+ (\d+)", header)] == late


def test_more_zeros_in_front_than_are_taken_are_refused_beside_another_output_too(keras, tmp_path):
    audio = keras.Input((SAMPLES, 2), name="audio")
    padded = keras.layers.ZeroPadding1D((2, 0), name="padded")(audio)
    model = keras.Model(audio, [padded, keras.layers.Conv1D(2, 5, name="valid")(audio)])
    with pytest.raises(compiler.CompileError, match="more zeros are padded"):
        compiler.compile(randomize(model), "mcu", out=tmp_path / "build", mode="stream")
