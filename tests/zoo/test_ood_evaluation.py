"""The table of detectors."""

import numpy as np
import pytest

from zoo.quiet import quiet_import

with quiet_import():
    import keras
from outlier_samples import CLASSES
from sklearn.metrics import roc_auc_score

from zoo.ood.classifier import Classifier
from zoo.ood.detectors.table import DETECTORS
from zoo.ood.evaluation import PIXELS, evaluate, fit_all, table, with_pixels


def clouds(count, seed):
    random = np.random.default_rng(seed)
    y = np.arange(count) % CLASSES
    centres = 2.0 * np.eye(CLASSES, 8)
    return (centres[y] + random.normal(0, 0.2, (count, 8))).astype("f"), y


def between(count, seed):
    random = np.random.default_rng(seed)
    return (0.5 * np.eye(CLASSES, 8).sum(axis=0) + random.normal(0, 0.2, (count, 8))).astype("f")


def network(seed, x, y, activation="relu"):
    model = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(32, activation, kernel_initializer=keras.initializers.HeNormal(seed)),
            keras.layers.Dense(CLASSES, kernel_initializer=keras.initializers.HeNormal(seed + 1)),
        ]
    )
    model.compile(
        keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False
    )
    model.fit(x, y, batch_size=50, epochs=12, shuffle=False, verbose=0)
    return model


@pytest.fixture(scope="module")
def toy():
    x, y = clouds(400, 0)
    models = [network(10 * seed, x, y) for seed in range(3)]
    return models, Classifier(models), x, y


def test_the_table_has_every_detector_and_the_baseline(toy):
    models, classifier, x, y = toy
    inliers, kinds = clouds(60, 3)[0], {"near": between(60, 4), "far": between(60, 5) + 9}
    detectors = fit_all(classifier.outputs(x), y)
    assert list(detectors) == list(DETECTORS)
    assert "ensemble" not in fit_all(Classifier(models[0]).outputs(x), y, ["entropy", "ensemble"])
    result = evaluate(detectors, classifier.outputs(inliers), {k: classifier.outputs(v) for k, v in kinds.items()})
    result = with_pixels(result, x, inliers, kinds)
    rows = table(result).splitlines()
    assert [row.split("  ")[0] for row in rows[2:]] == list(result.titles.values())
    assert len(set(result.titles.values())) == len(DETECTORS) + 1
    assert result.inliers["energy"].shape == (60,) and set(result.outliers["energy"]) == {"near", "far"}
    near = result.separations[PIXELS]["near"].auroc
    nearest = np.sort(np.linalg.norm(np.concatenate([inliers, kinds["near"]])[:, None] - x, axis=2), axis=1)[:, 49]
    np.testing.assert_allclose(result.inliers[PIXELS], nearest[:60], rtol=1e-4)
    np.testing.assert_allclose(result.outliers[PIXELS]["near"], nearest[60:], rtol=1e-4)
    assert near == pytest.approx(roc_auc_score(np.repeat([0, 1], 60), nearest), abs=1e-6)
    figures = [float(value) for value in rows[2].removeprefix("k-NN on pixels").split()]
    assert len(figures) == 8 and figures[0] == pytest.approx(100 * near, abs=0.051)
