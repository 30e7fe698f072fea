"""Model files for the tests of the compiler, written once by Keras."""

import os

import pytest

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_USE_LEGACY_KERAS"] = "1"  # QKeras is written against tf_keras


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
    """Paths of the models by name and kind of file."""
    folder = tmp_path_factory.mktemp("models")
    paths = {}
    for name, model, kinds in (
        ("float", float_model, ("h5", "keras")),
        ("quantized", quantized_model, ("h5", "keras")),
    ):
        for kind in kinds:
            path = folder / f"{name}.{kind}"
            model.save(path)
            paths[f"{name}.{kind}"] = path
    return paths
