"""What a classifier says, as arrays that must fit each other."""

import numpy as np
import pytest

from zoo.quiet import quiet_import

with quiet_import():
    pass
from outlier_samples import CLASSES, TEST, TRAINING, WIDTH

from zoo.ood.detectors.table import DETECTORS
from zoo.ood.outputs import Outputs


@pytest.mark.parametrize("field", ["features", "logits", "kernel", "bias", "members"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_are_refused_by_name(field, value):
    arrays = {name: np.array(getattr(TEST, name)) for name in ("features", "logits", "kernel", "bias", "members")}
    arrays[field].flat[3] = value
    with pytest.raises(ValueError, match=f"{field} hold NaN or infinity"):
        Outputs(**arrays)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"features": np.ones((50, WIDTH + 1))}, "features have shape"),
        ({"logits": np.ones((49, CLASSES))}, "logits have shape"),
        ({"logits": np.ones(50)}, "two axes"),
        ({"bias": np.ones(1)}, "bias have shape"),
        ({"members": np.ones((2, 50, CLASSES + 1))}, "members have shape"),
        ({"x": np.ones((49, 8))}, "49 images"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changed, message):
    arrays = {name: getattr(TEST, name) for name in ("features", "logits", "kernel", "bias")}
    with pytest.raises(ValueError, match=message):
        Outputs(**{**arrays, **changed})


def test_taking_some_of_the_images():
    some = TEST.take(np.array([4, 7]))
    assert len(some) == 2
    np.testing.assert_array_equal(some.members, TEST.members[:, [4, 7]])
    for name, kind in DETECTORS.items():
        if name != "odin":
            detector = kind().fit_outputs(TRAINING)
            np.testing.assert_allclose(detector.score_outputs(some), detector.score_outputs(TEST)[[4, 7]], atol=1e-6)
