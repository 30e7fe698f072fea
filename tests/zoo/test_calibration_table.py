"""What the table says of made-up numbers."""

import numpy as np
import pytest

from zoo.calibration.figures import Figures
from zoo.calibration.recipe import Plan, Recipe
from zoo.calibration.table import Baseline, caption, table
from zoo.ood.evaluation import evaluation
from zoo.splits import load


def figures(ece, *, accuracy=0.8, temperature=1.0, hard=0.6):
    auroc = {"hard": {"energy": hard, "knn": 0.55}, "easy": {"energy": 0.7, "knn": 0.9}}
    fpr95 = {"hard": {"energy": 0.8, "knn": 0.9}, "easy": {"energy": 0.5, "knn": 0.1}}
    return Figures(accuracy, 0.5, ece, ece, ece / 4, 0.3, 0.010, 0.015, temperature, auroc, fpr95)


def scaled(ece, temperature, **options):
    """After a temperature, with the one detector that depends on it."""
    one = figures(ece, temperature=temperature, **options)
    for by_kind in (one.auroc, one.fpr95):
        for of in by_kind.values():
            del of["knn"]
    return one


def comparison(*, focal=0.16, focal_temperature=0.55, best=0.012, best_accuracy=0.8):
    return {
        "cross-entropy/plain": [figures(0.020), figures(0.040)],
        "cross-entropy/refit": [figures(0.020, temperature=None)] * 2,
        "cross-entropy/temperature": [scaled(best, 1.6, accuracy=best_accuracy), scaled(best, 1.8)],
        "focal-1/plain": [figures(0.025)] * 2,
        "focal-1/temperature": [scaled(0.018, 0.9, hard=0.67)] * 2,
        "focal-3/plain": [figures(focal)] * 2,
        "focal-3/temperature": [scaled(0.018, focal_temperature)] * 2,
    }


@pytest.fixture(scope="module")
def plain():
    scores = {"hard": np.array([0.0, 3.0]), "easy": np.array([3.0, 4.0])}
    return Baseline(
        figures(0.0), evaluation({"pixels": "k-NN on pixels"}, {"pixels": np.array([1.0, 2.0])}, {"pixels": scores})
    )


def test_a_row_has_mean_and_deviation_over_seeds(plain):
    plan = Plan("digits", ("cross-entropy", "focal-1", "focal-3"), 2, 0, Recipe())
    text = table(comparison(), plan, load("digits"), plain)
    row = next(line for line in text.splitlines() if line.startswith("cross entropy  "))
    assert row.split()[2:8] == ["80.00", "±0.00", "0.500", "±0.000", "3.00", "±1.41"]
    refit = next(line for line in text.splitlines() if line.startswith("cross entropy, refit"))
    assert refit.endswith(" -")
    assert "mean and deviation over 2 seeds" in text and "without 4 and 9" in text
    hard, _, easy, passing = (part for part in text.split("\n\n") if part.startswith(("AUROC", "FPR95")))
    assert hard.count("*") == 1 and "67.0 ±0.0*" in hard.splitlines()[2]
    assert [line.count("*") for line in easy.splitlines()[2:]] == [0, 4, 0]  # all four that have k-NN are the best
    assert [line.count("*") for line in passing.splitlines()[2:]] == [0, 4, 0]
    assert hard.splitlines()[-1].split()[-1] == "50.0" and easy.splitlines()[-1].split()[-1] == "100.0"
    assert text.endswith(caption(comparison(), plain))


def said(plain, **options):
    return " ".join(caption(comparison(**options), plain).split())


def test_what_does_not_reproduce_is_said(plain):
    text = said(plain)
    assert "What does not reproduce: focal loss calibrates this network in part only." in text
    assert "2.5% with gamma 1, 16.0% with gamma 3, and that of cross entropy 3.0%" in text
    assert "the temperatures are below 1" in text
    assert "too unsure" not in said(plain, focal_temperature=1.4)


def test_what_does_reproduce_is_said(plain):
    text = said(plain, focal=0.01)
    assert "does not reproduce" not in text
    assert "Focal loss calibrates this network before any temperature: ECE 2.5% with gamma 1, 1.0% with gamma 3" in text


def test_the_best_after_a_temperature_is_held_to_its_floor(plain):
    assert "Least ECE with a temperature: cross entropy, temperature, 1.20%, within the floor's" in said(plain)
    assert "focal 1, temperature, 1.80%, above the floor's 95th percentile of 1.50%" in said(plain, best=0.03)


def test_an_accuracy_that_a_temperature_changed_is_not_hidden(plain):
    assert "A temperature changed no accuracy by a single image." in said(plain)
    assert "A temperature changed the accuracy of cross entropy, temperature." in said(plain, best_accuracy=0.7998)


def test_the_best_detector_is_named_beside_the_baseline(plain):
    text = said(plain)
    assert (
        "Held-out classes are told best by energy on focal 1, temperature, AUROC 67.0%; k-NN on pixels reaches 50.0%"
        in text
    )
    assert "Random images are told best by k-NN on cross entropy, AUROC 90.0%; k-NN on pixels reaches 100.0%" in text


def test_what_a_refit_did_is_said(plain):
    text = said(plain)
    assert "Refitting the last layer lowered the ECE of cross entropy from 3.0% to 2.0%" in text
    assert "its accuracy went from 80.0% to 80.0%" in text
