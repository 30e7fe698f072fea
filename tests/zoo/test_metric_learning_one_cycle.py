"""A learning rate that rises and falls once."""

import keras
import pytest

from zoo.metric_learning.one_cycle import OneCycle


def test_one_cycle():
    rate = OneCycle(0.1, 100, warm_up=0.2)
    assert [round(float(rate(step)), 6) for step in (0, 10, 20, 60, 100, 150)] == [0, 0.05, 0.1, 0.05, 0, 0]
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(rate))
    assert again.get_config() == rate.get_config()
    with pytest.raises(ValueError, match="no cycle"):
        OneCycle(0.1, 1)
