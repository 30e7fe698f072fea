"""Models from what was seen of throws to where each position was expected."""

import keras

from zoo.kalman.cell import KalmanCell
from zoo.kalman.published import PublishedCell

PADDING = -1.0
"""What x, y and the mask are set to behind the end of a sequence that is shorter than its batch."""

FILTERS = {
    "published": PublishedCell,
    "skip": KalmanCell,
    "acceleration": lambda: KalmanCell(acceleration=True),
    "ours": lambda: KalmanCell(acceleration=True, learn_start=True),
}
"""Every filter that is trained, by name: its cell."""


def build(cell: keras.layers.Layer, name: str = "kalman") -> keras.Model:
    """A filter over sequences (batch, steps, 3) of x, y and whether they were seen; (batch, steps, 2) out.

    Steps behind the end of a sequence hold `PADDING` thrice. They are passed over, and losses leave them out.
    """
    inputs = keras.Input((None, 3))
    counted = keras.layers.Masking(PADDING, name="counted")(inputs)
    return keras.Model(inputs, keras.layers.RNN(cell, return_sequences=True, name="filter")(counted), name=name)


def build_gru(units: int, seed: int) -> keras.Model:
    """A network that knows nothing of motion: what it has seen up to the step before goes in, a position comes out.

    The input is moved back by a step, so that like a filter it answers before it sees; x and y are a tenth as large.
    """
    inputs = keras.Input((None, 3))
    scaled = keras.layers.Rescaling([0.1, 0.1, 1.0], name="scaled")(inputs)
    before = keras.layers.Cropping1D((0, 1))(keras.layers.ZeroPadding1D((1, 0))(scaled))
    keras.utils.set_random_seed(seed)
    hidden = keras.layers.GRU(units, return_sequences=True, name="gru")(before)
    outputs = keras.layers.Dense(2, name="position")(hidden)
    return keras.Model(inputs, keras.layers.Rescaling(10.0, name="lengths")(outputs), name="gru")
