"""A small convolutional network with dropout: a model configuration."""

from types import SimpleNamespace

import keras
from keras import layers

from zoo.runs import DataSet

FLAGS = {"filters": 16, "dropout": 0.3, "learning_rate": 0.003}


def load(flags: SimpleNamespace, data: DataSet) -> keras.Model:
    """Compiled, for as many classes and as large images as the data have."""
    inputs = keras.Input(data.train[0][0].shape[1:])
    outputs = layers.Conv2D(flags.filters, 3, padding="same", activation="relu")(inputs)
    outputs = layers.MaxPooling2D()(outputs)
    outputs = layers.Conv2D(2 * flags.filters, 3, padding="same", activation="relu")(outputs)
    outputs = layers.Flatten()(outputs)
    outputs = layers.Dropout(flags.dropout)(outputs)
    outputs = layers.Dense(int(data.test[1].max()) + 1)(outputs)
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.Adam(flags.learning_rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    return model


def callbacks(flags: SimpleNamespace) -> list[keras.callbacks.Callback]:
    """Optional. Keras' own are resumed with everything that they remember."""
    return [keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=3)]
