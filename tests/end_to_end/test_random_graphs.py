"""Random models with branches: Keras = C, whole frames and streams alike, streams in blocks of random length."""

import os
from collections import Counter

import numpy as np
import pytest
from models import randomize
from random_models import Draw

import compiler
from compiler import mcu, reference
from compiler.checks import TIMES_FLOAT32, TOLERANCE, error

# A random model may well ask for the softmax of one channel, which Keras doubts.
pytestmark = pytest.mark.filterwarnings("ignore:You are using a softmax over axis:UserWarning")

FEW = 25  # of each kind, in `make test`
MANY = int(os.environ.get("RANDOM_GRAPHS", "1000"))  # of each kind, in `make test-all`
HOPELESS = 1e-2  # no rounding of float32 comes so far in models of this size
FAR = 1e-4  # Keras itself may be so far from float64, in at most 2% of the graphs


def check(seed, *, streaming, folder):
    """Compiles the model of a seed and compares; says how it went."""
    import keras

    keras.backend.clear_session()
    model = randomize(Draw(seed, streaming=streaming).model(), seed)
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, model.input_shape[1:]).astype(np.float32)
    wanted = np.asarray(model(x[None], training=False))[0]
    build = compiler.compile(model, "mcu", out=folder / str(seed))
    exact = reference.run(build.graph, x)[build.graph.warm_up if build.streams else 0 :]
    off = error(wanted, exact)
    assert off <= HOPELESS, f"seed {seed}: Keras is {off:.1e} beyond the interpreter: another model"
    allowed = max(TOLERANCE, TIMES_FLOAT32 * off)
    # A stream is cut into blocks of random length; compact code gives the same bits and compiles in a tenth.
    blocks = rng.integers(1, 9, 8).tolist() if build.streams else 1
    run = mcu.run(build.folder, build.name, x if build.streams else x[None], on="host", blocks=blocks, compact=True)
    got = run.y[build.graph.warm_up :] if build.streams else run.y[0]
    assert got.shape == wanted.shape, f"seed {seed}: {got.shape}, not {wanted.shape}"
    assert error(got, wanted) <= allowed, f"seed {seed}: {error(got, wanted):.1e} beyond {allowed:.1e}"
    return build.report["mode"], off > FAR


def sweep(seeds, streaming, folder):
    counts = Counter(check(seed, streaming=streaming, folder=folder) for seed in seeds)
    far = sum(n for (_, keras_is_far), n in counts.items() if keras_is_far)
    print(f"\n{sum(counts.values())} random graphs, of which {far} where Keras is far from float64: {dict(counts)}")
    assert far <= 0.02 * sum(counts.values()) + 1
    return Counter({mode: n for (mode, _), n in counts.items()})


@pytest.mark.parametrize("part", range(5))
@pytest.mark.parametrize("streaming", [True, False])
def test_random_graphs(streaming, part, tmp_path):
    counts = sweep(range(part * FEW // 5, (part + 1) * FEW // 5), streaming, tmp_path)
    assert counts["stream" if streaming else "frame"], "none of them ran the way it was meant to"


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
@pytest.mark.parametrize("streaming", [True, False])
def test_many_random_graphs(streaming, part, tmp_path):
    first = 10_000 + part * MANY // 10
    sweep(range(first, first + MANY // 10), streaming, tmp_path)


def test_a_wrong_model_is_caught(tmp_path, monkeypatch):
    """The comparison sees a model whose weights are not those that were compiled."""
    original = compiler.compile
    monkeypatch.setattr(
        compiler, "compile", lambda model, *args, **kwargs: original(randomize(model, 12345), *args, **kwargs)
    )
    with pytest.raises(AssertionError, match="beyond"):
        check(3, streaming=True, folder=tmp_path)
