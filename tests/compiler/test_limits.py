"""What a few digits in a file ask for is bounded before anything is made of it."""

import numpy as np
import pytest
from fuzz_tools import Worker
from model_archives import INPUT, archive, layer, model, ref

from compiler.keras_file.weights import snake_case


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    worker = Worker(tmp_path_factory.mktemp("none"))
    yield worker
    worker.stop()


def sized(shape, class_name, weights=(), **config):
    """A model of one layer, `d`, of few bytes and great numbers."""

    def build(path):
        first = {**INPUT, "config": {"batch_shape": [None, *shape], "name": "in"}}
        body = model(layer(class_name, "d", ref("in"), **config), output=["d", 0, 0])
        body["config"]["layers"][0] = first

        def fill(variables):
            group = variables.parent.parent.require_group(f"{snake_case(class_name)}/vars")
            for number, weight in enumerate(weights):
                group[str(number)] = np.ones(weight, "f4")

        archive(path, body, fill)

    return build


BILLION = 10**9
CONV = {"filters": 1, "kernel_size": [2], "use_bias": False}
WINDOW = {"weights": [(2, 1, 1)], "strides": [1]}
SIZES = {
    "dilation": sized([None, 1], "Conv1D", dilation_rate=[2**31 - 1], padding="causal", **CONV, **WINDOW),
    "dilation of many channels": sized(
        [None, 4096],
        "Conv1D",
        [(2, 4096, 1)],
        **CONV,
        strides=[1],
        dilation_rate=[100_000],
        padding="valid",
    ),
    "an input": sized([BILLION, 1], "Dropout", rate=0.5),
    "an image": sized([100_000, 100_000, 3], "GlobalMaxPooling2D"),
    "channels": sized([None, BILLION], "Activation", activation="relu"),
    "zeros around": sized([8, 1], "ZeroPadding1D", padding=[BILLION, BILLION]),
    "copies": sized([4], "RepeatVector", n=BILLION),
    "a larger picture": sized([8, 8, 1], "UpSampling2D", size=[BILLION, BILLION]),
    "strides turned round": sized(
        [8, 1], "Conv1DTranspose", [(2, 1, 1)], **CONV, strides=[BILLION], padding="valid", dilation_rate=[1]
    ),
    "dilation turned round": sized(
        [8, 1], "Conv1DTranspose", [(2, 1, 1)], **CONV, strides=[1], padding="valid", dilation_rate=[BILLION]
    ),
}


@pytest.mark.parametrize("case", SIZES)
def test_what_would_take_all_memory_is_refused_first(case, worker, tmp_path):
    SIZES[case](tmp_path / "large.keras")
    _, _, outcome, seconds, said = worker.run(str(tmp_path / "large.keras"))
    assert outcome in ("refused", "neither"), (outcome, said)
    assert seconds < 2
    assert "the most that is taken is 67,108,864" in said, said
    assert "layer '" in said


def test_a_long_past_compiles_in_time(worker, tmp_path):
    """Ten seconds of audio, a reverberation's worth."""
    build = sized([None, 1], "Conv1D", dilation_rate=[480_000], padding="causal", **CONV, **WINDOW)
    build(tmp_path / "long.keras")
    _, _, outcome, seconds, said = worker.run(str(tmp_path / "long.keras"))
    assert (outcome, said) == ("stream", "")
    assert seconds < 2
