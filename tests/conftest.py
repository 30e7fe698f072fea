"""What all tests share: how TensorFlow is to behave, and model files that Keras writes once."""

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ["TF_USE_LEGACY_KERAS"] = "1"  # QKeras is written against tf_keras
os.environ["KERAS_SILICON_DEBUG"] = "1"  # a fault of ours is to be seen where it happened

# The repository first, so that its packages are found before the folders of tests named after them; then the
# helpers that several folders of tests share.
HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE), str(HERE / "compiler")]


@pytest.fixture(scope="session")
def float_model():
    from models import wavenet_like

    return wavenet_like()


@pytest.fixture(scope="session")
def quantized_model():
    from models import quantized_net

    return quantized_net()


@pytest.fixture(scope="session")
def files(tmp_path_factory, float_model, quantized_model):
    """Paths of the two models by name and kind of file."""
    folder = tmp_path_factory.mktemp("models")
    paths = {}
    for name, model in (("float", float_model), ("quantized", quantized_model)):
        for kind in ("h5", "keras"):
            path = folder / f"{name}.{kind}"
            model.save(path)
            paths[f"{name}.{kind}"] = path
    return paths


@pytest.fixture(autouse=True)
def messages_for_strangers(monkeypatch):
    """Whatever a test makes the compiler say is held to the same rules; `message_marks` says which."""
    from message_marks import marks

    from compiler.errors import CompileError

    plain, wrong = CompileError.__init__, []

    def kept(self, what, **more):
        plain(self, what, **more)
        wrong.extend(f"{what!r}: {mark}" for mark in marks(self.what, self.hint))

    monkeypatch.setattr(CompileError, "__init__", kept)
    yield
    assert wrong == []


def pytest_terminal_summary(terminalreporter):
    """How many random models equalled Keras, wherever in the run and on whichever worker."""
    counts: Counter[str] = Counter()
    for report in terminalreporter.stats.get("passed", ()):
        counts.update(dict(report.user_properties).get("random_graphs", {}))
    far = counts.pop("far", 0)
    if counts:
        kinds = ", ".join(f"{n:,} in {mode} mode" for mode, n in sorted(counts.items()))
        terminalreporter.write_line(
            f"{sum(counts.values()):,} random graphs equal Keras: {kinds}; in {far} Keras itself is far from float64"
        )
