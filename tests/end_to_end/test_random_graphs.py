"""Random models with branches: Keras = C, whole frames and streams alike, streams in blocks of random length."""

import os
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, seed, settings
from models import randomize
from random_models import FEWEST, plans

import compiler
from compiler.ir import interpreter
from compiler.mcu import runner
from compiler.verification import TIMES_FLOAT32, TOLERANCE, error

# A random model may well ask for the softmax of one channel, which Keras doubts.
pytestmark = pytest.mark.filterwarnings("ignore:You are using a softmax over axis:UserWarning")

FEW = 25  # of each kind, in `make test`
MANY = int(os.environ.get("RANDOM_GRAPHS", "1000"))  # of each kind, in `make test-all`
PARTS = 10
HOPELESS = 1e-2  # no rounding of float32 comes so far in models of this size
FAR = 1e-4  # Keras itself may be so far from float64, in at most 2% of the graphs
# The same models every time. Each takes as long as it takes: it is built, compiled and run.
ALWAYS_THE_SAME = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


def check(plan, folder):
    """Compiles a model and compares; says how it went."""
    model = plan.model()
    given = plan.inputs()
    batch = [x[None] for x in given]
    wanted = np.asarray(model(batch if plan.controlled else batch[0], training=False))[0]
    build = compiler.compile(model, "mcu", out=folder / "build")
    ((xs,), _) = build.as_streams(given)
    (output,), warm_up = build.graph.outputs, build.graph.warm_up
    exact = interpreter.evaluate(build.graph, xs)[output.name]
    exact = exact[warm_up:] if build.streams else exact[0]
    off = error(wanted, exact)
    assert off <= HOPELESS, f"Keras is {off:.1e} beyond the interpreter: another model"
    allowed = max(TOLERANCE, TIMES_FLOAT32 * off)
    # A stream is cut into blocks of random length; compact code gives the same bits and compiles in a tenth.
    blocks = plan.blocks if build.streams else 1
    run = runner.run(build.folder, build.graph, xs, on="host", blocks=blocks, compact=True)
    got = run.y[warm_up:] if build.streams else run.y[0]
    assert got.shape == wanted.shape, f"{got.shape}, not {wanted.shape}"
    assert error(got, wanted) <= allowed, f"{error(got, wanted):.1e} beyond {allowed:.1e}"
    return build.report["mode"], off > FAR


def sweep(count, folder, *, streaming, number=0, phases=ALWAYS_THE_SAME.phases):
    """So many models equal Keras, others for every number; how many of them ran in which mode."""
    counts = Counter()

    @seed(number)
    @settings(ALWAYS_THE_SAME, max_examples=count, phases=phases)
    @given(plans(streaming=streaming))
    def holds(plan):
        counts[check(plan, folder)] += 1

    holds()
    assert sum(counts.values()) == count
    far = sum(n for (_, keras_is_far), n in counts.items() if keras_is_far)
    assert far <= 0.02 * count + 1, f"in {far} of {count}, Keras is far from float64"
    return Counter({mode: n for (mode, _), n in counts.items()}), far


def record(record_property, counts, far):
    """For the summary at the end of the run."""
    record_property("random_graphs", {**counts, "far": far})


@pytest.mark.parametrize("streaming", [True, False])
def test_random_graphs(streaming, tmp_path, record_property):
    counts, far = sweep(FEW, tmp_path, streaming=streaming)
    assert counts["stream" if streaming else "frame"] > FEW // 2, "few of them ran the way they were meant to"
    record(record_property, counts, far)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("streaming", [True, False])
def test_many_random_graphs(streaming, part, tmp_path, record_property):
    record(record_property, *sweep(MANY // PARTS, tmp_path, streaming=streaming, number=1 + part))


def test_a_wrong_model_is_caught(tmp_path, monkeypatch):
    """The comparison sees a model whose weights are not those that were compiled."""
    original = compiler.compile
    monkeypatch.setattr(
        compiler, "compile", lambda model, *args, **kwargs: original(randomize(model, 12345), *args, **kwargs)
    )
    with pytest.raises(AssertionError, match="beyond"):
        sweep(5, tmp_path, streaming=True, phases=[Phase.generate])


def test_what_fails_becomes_small():
    """A model that is wrong for the sake of one layer shrinks to hardly more than that one."""

    def is_wrong(plan):
        return any(line.layer.kwargs.get("dilation_rate") == 3 for line in plan.lines)

    smallest = find(plans(streaming=True), is_wrong, settings=settings(ALWAYS_THE_SAME, max_examples=500))
    assert len(smallest.lines) <= FEWEST, smallest
    assert repr(smallest).count("\n") <= FEWEST + 2
