"""Residual and head sums over 23 dilated layers: the A2 networks stream exactly."""

import numpy as np
import pytest
from models import randomize
from nam import a2

import compiler
from compiler.mcu.target import MCU
from compiler.verification import TIMES_FLOAT32, TOLERANCE, error

SIZES = {3: (1858, 1727), 8: (12073, 11769)}


@pytest.mark.parametrize("channels", [3, 8])
def test_a2_streams_exactly(channels, tmp_path):
    model = randomize(a2(channels), seed=channels)
    model.save(tmp_path / "a2.keras")
    parameters, _ = SIZES[channels]
    assert model.count_params() == parameters
    build = compiler.compile(tmp_path / "a2.keras", "mcu", out=tmp_path / "build")
    assert build.report["mode"] == "stream"
    assert build.report["receptive_field"] == 6347
    assert build.report["warm_up"] == 0
    x = np.random.default_rng(0).uniform(-1, 1, (8000, 1)).astype(np.float32)
    wanted = np.asarray(model(x[None], training=False))[0]
    exact = build.run(x)
    allowed = max(TOLERANCE, TIMES_FLOAT32 * error(wanted, exact))
    got = [MCU.execute(build.folder, build.graph, [x], "host", blocks=blocks) for blocks in (64, [1, 3, 48])]
    y, other = (np.asarray(run.values[build.graph.outputs[0].name]) for run in got)
    assert error(y, wanted) <= allowed
    assert error(y[:200], wanted[:200]) <= allowed
    assert np.array_equal(y, other)
