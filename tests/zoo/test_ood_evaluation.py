"""The table of detectors."""

import numpy as np
import pytest
from clouds import between, clouds, three_networks
from sklearn.metrics import roc_auc_score

from zoo.ood.classifier import Classifier
from zoo.ood.detectors.table import DETECTORS
from zoo.ood.evaluation import PIXELS, evaluate, fit_all, table, with_pixels


@pytest.fixture(scope="module")
def toy():
    return three_networks()


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
