"""The model, its losses' state, the sampler and the networks."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.metric_learning.embedding_model import EmbeddingModel
from zoo.metric_learning.losses.cross_batch_memory import CrossBatchMemory
from zoo.metric_learning.losses.embedding_queue import EmbeddingQueue
from zoo.metric_learning.losses.multi_similarity import MultiSimilarity
from zoo.metric_learning.losses.normalized_softmax import NormalizedSoftmax
from zoo.metric_learning.losses.pair_softmax import PairSoftmax
from zoo.metric_learning.losses.proxies import Proxies
from zoo.metric_learning.losses.proxy_anchor import ProxyAnchor
from zoo.metric_learning.losses.supcon import SupCon
from zoo.metric_learning.losses.triplet import Triplet
from zoo.metric_learning.m_per_class import MPerClass
from zoo.metric_learning.metrics.retrieval import RecallAtK
from zoo.testing import run_layer_test, run_model_test

RANDOM = np.random.default_rng(0)
LABELS = np.tile(np.arange(3), 4)
X = (RANDOM.normal(size=(12, 5)) + 2 * np.eye(3, 5)[LABELS]).astype(np.float32)


def build():
    inputs = keras.Input((5,))
    hidden = keras.layers.Dense(6, activation="tanh")(inputs)
    return EmbeddingModel(inputs, keras.layers.Dense(4)(hidden))


def numpy(variable):
    return ops.convert_to_numpy(variable).copy()


def test_proxies_are_trained_saved_and_loaded_with_the_model():
    loss = ProxyAnchor(3, 4)
    compiled = {"optimizer": keras.optimizers.Adam(0.01), "loss": loss, "metrics": [RecallAtK(1, capacity=12)]}
    loaded = run_model_test(build, X, LABELS, compile_arguments=compiled, functional=True, batch_size=5)
    assert any(v is loaded.loss.state.proxies for v in loaded.trainable_variables)
    assert len(loaded.optimizer.variables) == 2 + 2 * len(loaded.trainable_variables)


def test_the_file_holds_the_proxies(tmp_path):
    model = build()
    model.compile("sgd", ProxyAnchor(3, 4))
    model.fit(X, LABELS, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert np.array_equal(numpy(loaded.loss.state.proxies), numpy(model.loss.state.proxies))
    assert loaded.evaluate(X, LABELS, verbose=0) == pytest.approx(model.evaluate(X, LABELS, verbose=0), abs=1e-6)


def test_another_compile_lets_go_of_the_old_loss_state():
    model = build()
    own = len(model.variables)
    model.compile("sgd", ProxyAnchor(3, 4))
    assert len(model.variables) == own + 1
    model.compile("sgd", ProxyAnchor(7, 4))
    assert [tuple(v.shape) for v in model.trainable_variables][-1] == (7, 4)
    model.compile("sgd", SupCon())
    assert len(model.variables) == own


def test_another_model_trains_proxies_that_are_assigned_to_it():
    inputs = keras.Input((5,))
    model = keras.Model(inputs, keras.layers.Dense(4)(inputs))
    loss = ProxyAnchor(3, 4)
    model.loss_state = loss.state
    model.compile("sgd", loss)
    before = numpy(loss.state.proxies)
    model.fit(X, LABELS, verbose=0)
    assert not np.array_equal(numpy(loss.state.proxies), before)


def test_a_step_is_remembered_and_an_evaluation_is_not(tmp_path):
    model = build()
    loss = CrossBatchMemory(SupCon(), dimension=4, capacity=8)
    model.compile("sgd", loss)
    model.evaluate(X, LABELS, verbose=0)
    assert int(loss.state.count) == 0
    first = numpy(model(X[:5], training=True))
    model.fit(X, LABELS, batch_size=5, shuffle=False, verbose=0)  # 5, 5 and 2 into 8
    assert int(loss.state.count) == 8
    assert numpy(loss.state.labels).tolist() == [*LABELS[10:], *LABELS[5:10], LABELS[0]]
    assert np.allclose(numpy(loss.state.embeddings)[-1], first[0], atol=1e-6)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert np.array_equal(numpy(loaded.loss.state.embeddings), numpy(loss.state.embeddings))
    assert int(loaded.loss.state.count) == 8


def test_a_training_with_proxies_and_memory_is_resumed_exactly(tmp_path):
    import zoo.runs

    def fit(folder, epochs, make):
        keras.utils.set_random_seed(1)
        inputs = keras.Input((5,))
        model = EmbeddingModel(inputs, keras.layers.Dense(4, kernel_initializer="ones")(inputs))
        model.compile(keras.optimizers.Adam(0.05), make())
        data = zoo.runs.DataSet(MPerClass(X, LABELS, m=2, seed=3))
        zoo.runs.fit(model, data, folder=folder, epochs=epochs, verbose=0, report=lambda line: None)
        return [numpy(v) for v in model.variables]

    makers = (lambda: ProxyAnchor(3, 4, seed=1), lambda: CrossBatchMemory(Triplet("soft"), dimension=4, capacity=9))
    for number, make in enumerate(makers):
        straight = fit(tmp_path / f"straight{number}", 2, make)
        fit(tmp_path / f"resumed{number}", 1, make)
        resumed = fit(tmp_path / f"resumed{number}", 2, make)
        assert len(straight) > 2
        for ours, theirs in zip(resumed, straight, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_configurations_make_models_of_every_loss():
    from pathlib import Path
    from types import SimpleNamespace

    from zoo.metric_learning import configs
    from zoo.runs.config import merge_flags, read_config

    folder = Path(configs.__path__[0])
    files = read_config(folder / "images_data.py", "data"), read_config(folder / "embedding_model.py", "model")
    flags = merge_flags(files, {"images": "digits", "widths": [4, 8], "dimension": 4}, seed=0)
    data = files[0].load(flags)
    x, y = data.train[0]
    assert x.shape == (130, 16, 16, 3) and len(data.validation[0]) == 144
    assert files[0].baselines(data)["raw pixels + k-NN"]["recall_at_1"] > 0.9
    for loss, memory in (("proxy_anchor", 0), ("supcon", 50)):
        model = files[1].load({**flags, "loss": loss, "memory": memory}, data=data)
        assert np.isfinite(float(model.compute_loss(x, y, model(x, training=True))))
    names = SimpleNamespace(dimension=4, seed=0)
    kinds = [type(files[1].module.choose(name, 3, names)) for name in ("triplet", "multi_similarity")]
    assert kinds == [Triplet, MultiSimilarity]
    assert isinstance(files[1].module.choose("normalized_softmax", 3, names), NormalizedSoftmax)
    with pytest.raises(ValueError, match="no loss is called 'hinge'"):
        files[1].module.choose("hinge", 3, names)


def test_pairs_and_retrieval_metrics():
    model = build()
    model.compile("sgd", PairSoftmax(), metrics=[RecallAtK(1, capacity=12)])
    pairs = np.stack([X[:6], X[6:]], axis=1)  # six pairs of images of one class
    values = model.evaluate(pairs, LABELS[:6], batch_size=6, verbose=0, return_dict=True)
    embeddings = model.predict(X, verbose=0)
    both = np.stack([embeddings[:6], embeddings[6:]], axis=1)
    assert values["loss"] == pytest.approx(float(PairSoftmax()(LABELS[:6], both)), abs=1e-6)
    metric = RecallAtK(1, capacity=12)
    metric.update_state(LABELS, embeddings)
    assert values["recall_at_1"] == pytest.approx(float(metric.result()))
    assert np.isnan(model.test_on_batch(pairs, LABELS[:6], return_dict=True)["recall_at_1"])  # not after every batch
    before = numpy(model.trainable_variables[0])
    history = model.fit(pairs, LABELS[:6], batch_size=4, epochs=2, verbose=0).history
    assert np.isfinite(history["recall_at_1"]).all()
    assert not np.array_equal(numpy(model.trainable_variables[0]), before)
    with pytest.raises(ValueError, match="neither single ones nor pairs"):
        model.train_on_batch(pairs[None], LABELS[:1])


def test_layers_keep_their_promises():
    layer = run_layer_test(Proxies, {"classes": 3, "dimension": 5, "seed": 1}, X, output_shape=(12, 3))
    w = numpy(layer.proxies).astype(np.float64)
    cosines = (X @ w.T) / np.linalg.norm(X, axis=1)[:, None] / np.linalg.norm(w, axis=1)
    assert np.allclose(layer(X), cosines, atol=1e-6)
    run_layer_test(EmbeddingQueue, {"capacity": 3, "dimension": 5}, X, output_shape=(12, 5))
