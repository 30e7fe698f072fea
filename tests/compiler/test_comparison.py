"""What verification takes for equal: NaN and infinities are, where both sides have them, and nothing else is."""

import json

import model_files
import numpy as np
import pytest

import compiler
from compiler import verification

X = np.array([0.5, np.nan, np.inf, 0.25, -np.inf, 0, 0, 0.125], np.float32)[:, None]


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    folder = tmp_path_factory.mktemp("comparison")
    kernel = np.random.default_rng(0).uniform(-1, 1, (2, 1, 3))
    model = model_files.write(folder / "net.h5", (None, 1), model_files.conv(kernel, [0.1, 0.2, 0.3]))
    return compiler.compile(model, "mcu", out=folder / "build")


def test_places_that_agree_on_nan_and_infinity_agree(build):
    assert verification.compare(build, [X], "host", "reference") is None


@pytest.mark.parametrize("other", [0.0, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("sample", range(len(X)))
def test_one_side_alone_differs(build, sample, other):
    expected = verification.Expected.of(build, [X])
    name = build.graph.outputs[0].name
    got = expected.values[name].copy()
    assert expected.first_difference({name: got}) is None
    if not np.array_equal(got[sample, 1], other, equal_nan=True):
        got[sample, 1] = other
        difference = expected.first_difference({name: got})
        assert (difference.sample, difference.channel) == (sample, 1)
        assert not verification.error(got, expected.values[name]) < 0.01


def test_a_model_that_gives_nan_is_verified(tmp_path):
    """The mean of a frame whose steps are all masked is 0 / 0, in Keras too; zeros are among what is tried."""
    masking = model_files.Entry("Masking", {"mask_value": 0.0})
    model = model_files.write(tmp_path / "net.h5", (6, 2), masking, model_files.Entry("GlobalAveragePooling1D"))
    built = compiler.compile(model, "mcu", out=tmp_path / "build")
    assert np.isnan(built.run(np.zeros((6, 2)))).all()
    checks = list(verification.verify(built))
    assert [check.result for check in checks if not check.passed] == []
    report = json.loads((tmp_path / "build" / "report.json").read_text())
    assert 0 <= report["max_abs_error"] < 1e-5
    assert compiler.Build.open(tmp_path / "build").report["samples_checked"] == checks[0].samples
