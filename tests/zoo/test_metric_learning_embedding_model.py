"""The model, its losses' state, the sampler and the networks."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.augmentation import RandomCrop
from zoo.fused_normalization import FusedBatchNormalization
from zoo.metric_learning import networks
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
from zoo.metric_learning.one_cycle import OneCycle
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


def test_fused_normalization_is_keras_normalization():
    """One training step: outputs, gradients and moving statistics; and in inference."""
    import tensorflow as tf

    x = RANDOM.normal(2, 3, (4, 6, 5, 3)).astype(np.float32)
    weights = RANDOM.normal(size=x.shape).astype(np.float32)
    results = []
    for kind in (keras.layers.BatchNormalization, FusedBatchNormalization):
        layer = kind(momentum=0.9)
        layer.build(x.shape)
        layer.set_weights(np.array([[0.5, 1, 2], [0.1, 0, -1], [0, 1, 0], [1, 2, 1]]))
        with tf.GradientTape() as tape:
            y = layer(x, training=True)
            total = tf.reduce_sum(y * weights)
        gradients = tape.gradient(total, layer.trainable_variables)
        results.append([y, layer(x), *gradients, *map(numpy, layer.variables)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(theirs, ours, rtol=1e-5, atol=2e-5)
    run_layer_test(FusedBatchNormalization, {"momentum": 0.9}, x, mixed_precision=False)


def test_networks():
    model = networks.published(seed=0)
    assert model.count_params() == 94_280 and model.output_shape == (None, 8)
    colours = RANDOM.integers(0, 200, (3, 1, 1, 3))  # through untrained weights, noise alone is all alike
    frames = (colours + RANDOM.integers(0, 56, (3, 32, 32, 3))).astype(np.uint8)
    trained = networks.residual((None, None, 3), seed=1, fused=True)
    bare = networks.residual(seed=2)
    assert bare.count_params() == 608_432
    for weight in trained.weights:  # nothing at its default
        weight.assign(weight + RANDOM.normal(0, 0.01, weight.shape))
    bare.set_weights(trained.get_weights())
    embeddings = bare.predict(frames, verbose=0)
    np.testing.assert_allclose(embeddings, trained.predict(frames, verbose=0), atol=1e-6)
    for one in (embeddings, model.predict(frames, verbose=0)):
        np.testing.assert_allclose(np.linalg.norm(one, axis=1), 1, atol=1e-5)
        assert np.ptp(one, axis=0).max() > 1e-3
    again = networks.published(seed=0)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), again.get_weights(), strict=True))


def test_one_cycle():
    rate = OneCycle(0.1, 100, warm_up=0.2)
    assert [round(float(rate(step)), 6) for step in (0, 10, 20, 60, 100, 150)] == [0, 0.05, 0.1, 0.05, 0, 0]
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(rate))
    assert again.get_config() == rate.get_config()
    with pytest.raises(ValueError, match="no cycle"):
        OneCycle(0.1, 1)


def batches_of(sampler, epochs=2):
    collected = []
    for epoch in range(epochs):
        sampler.epoch = epoch
        collected.append([tuple(map(np.copy, sampler[index])) for index in range(len(sampler))])
    return collected


def test_sampler_gives_m_of_each_class_by_turns():
    labels = np.array([0] * 7 + [4] * 6 + [9] * 9)
    images = np.arange(22.0)[:, None]
    sampler = MPerClass(images, labels, m=3, seed=2)
    assert len(sampler) == 2
    for epoch in batches_of(sampler):
        for x, y in epoch:
            assert y.tolist() == [0, 0, 0, 4, 4, 4, 9, 9, 9]
            assert np.array_equal(labels[x[:, 0].astype(int)], y)
            assert len(set(x[:, 0])) == 9
        assert len({value for x, _ in epoch for value in x[:, 0]}) == 18  # no image twice in these two batches


def test_sampler_s_batches_follow_from_seed_epoch_and_index_alone():
    labels = RANDOM.integers(0, 5, 60)
    images = np.arange(60.0)[:, None]

    def noise(random, x, y):
        return x + random.random(x.shape) / 2, y

    def make(seed):
        return MPerClass(images, labels, m=2, classes_per_batch=3, batches=12, as_pairs=True, seed=seed, augment=noise)

    forward, backward = make(1), make(1)
    wanted = batches_of(forward)
    assert wanted[0][0][0].shape == (3, 2, 1) and wanted[0][0][1].shape == (3,)
    for epoch in (1, 0):  # another order of asking, on another object
        backward.epoch = epoch
        for index in reversed(range(12)):
            for ours, theirs in zip(backward[index], wanted[epoch][index], strict=True):
                np.testing.assert_array_equal(ours, theirs)
    for other in (batches_of(make(2))[0], wanted[1]):
        assert not all(np.array_equal(a[0], b[0]) for a, b in zip(wanted[0], other, strict=True))
    for epoch in wanted:
        for x, y in epoch:
            rows = x.astype(int)[..., 0]
            assert (labels[rows] == y[:, None]).all() and (rows[:, 0] != rows[:, 1]).all() and len(set(y)) == 3


def test_sampler_in_fit_brings_a_new_epoch_each_time():
    seen = []

    class Recorded(MPerClass):
        def __getitem__(self, index):
            seen.append((self.epoch, index))
            return super().__getitem__(index)

    model = build()
    model.compile("sgd", SupCon())
    model.fit(Recorded(X, LABELS, m=2, batches=2), epochs=3, shuffle=False, verbose=0)
    # Before the first epoch Keras may go through the data once without training, which counts as an epoch.
    trained = seen[-6:]
    first = trained[0][0]
    assert trained == [(first + epoch, index) for epoch in range(3) for index in range(2)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"m": 5}, "cannot hold 5 images of a class that has 4"),
        ({"classes_per_batch": 4}, "cannot hold 4 of 3 classes"),
        ({"m": 3, "as_pairs": True}, "a pair has two images, not 3"),
    ],
)
def test_sampler_refuses_what_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=message):
        MPerClass(X, LABELS, **arguments)
    with pytest.raises(ValueError, match="12 images and 11 labels"):
        MPerClass(X, LABELS[:-1])


def test_crops_are_places_of_the_image_or_of_its_mirror():
    images = RANDOM.integers(0, 256, (40, 6, 6, 1)).astype(np.uint8)
    crop = RandomCrop(4, padding=1)
    x, y = crop(np.random.default_rng(0), images, np.arange(40))
    assert x.shape == (40, 4, 4, 1) and x.dtype == np.uint8 and np.array_equal(y, np.arange(40))
    places, mirrored = set(), 0
    for image, cut in zip(images, x, strict=True):
        padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="reflect")
        found = [
            (top, left, way)
            for top in range(5)
            for left in range(5)
            for way in (1, -1)
            if np.array_equal(padded[top : top + 4, left : left + 4][:, ::way], cut)
        ]
        assert found
        places.add(found[0][:2])
        mirrored += found[0][2] == -1
    assert len(places) > 12 and 10 <= mirrored <= 30
    plain, _ = RandomCrop(6, padding=0, flip=False)(np.random.default_rng(0), images, np.arange(40))
    assert np.array_equal(plain, images)
    with pytest.raises(ValueError, match="no square of 9 pixels"):
        RandomCrop(9, padding=1)(np.random.default_rng(0), images, np.arange(40))
