"""What every recipe refuses, whichever system it belongs to."""

import pytest

from zoo.calibration.recipe import Plan
from zoo.calibration.recipe import Recipe as CalibrationRecipe
from zoo.ensembles.recipe import Recipe as EnsembleRecipe
from zoo.kalman.recipe import Recipe as KalmanRecipe
from zoo.metric_learning.recipe import BEST, PUBLISHED
from zoo.ood.recipe import Recipe as OutlierRecipe
from zoo.recipe import Recipe
from zoo.wavenet.recipe import Recipe as WaveRecipe


@pytest.mark.parametrize(
    "kind", [CalibrationRecipe, EnsembleRecipe, KalmanRecipe, OutlierRecipe, WaveRecipe, type(BEST)]
)
def test_all_recipes_have_the_same_fields_and_refuse_the_same_nonsense(kind):
    assert issubclass(kind, Recipe)
    for name, value in (("epochs", 0), ("batch_size", 0), ("learning_rate", -1.0), ("precision", "float8")):
        with pytest.raises(ValueError, match=name.replace("_", " ")):
            kind(**{name: value})
    assert kind().changed(epochs=3, batch_size=None).epochs == 3
    assert kind().changed(batch_size=None).batch_size == kind().batch_size


def test_a_batch_holds_as_many_images_of_each_class():
    assert (PUBLISHED.of_each(10), BEST.of_each(10)) == (2, 13)
    with pytest.raises(ValueError, match="does not hold as many of each of 10 classes"):
        BEST.changed(batch_size=25).of_each(10)


def test_a_plan_comes_back_from_its_file_and_from_one_of_an_earlier_version():
    plan = Plan("digits", ("cross-entropy",), 1, 0, CalibrationRecipe(learning_rate=0.2))
    assert Plan.from_json(plan.as_json()) == plan
    old = plan.as_json()
    old["recipe"]["rate"] = old["recipe"].pop("learning_rate")
    assert Plan.from_json(old) == plan
