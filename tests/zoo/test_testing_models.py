"""The shared test of models must find planted mistakes."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from zoo.testing import run_model_test

register = keras.saving.register_keras_serializable(package="zoo_tests")
RANDOM = np.random.default_rng(0)
INPUTS = RANDOM.normal(size=(6, 5, 3)).astype(np.float32)
Y_TRUE, Y_PRED = RANDOM.normal(size=(2, 7, 4)).astype(np.float32)


@register
class SelfMade(keras.Model):
    """Linear regression with its own steps."""

    def __init__(self, units=2, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.mean = keras.metrics.Mean(name="loss")
        self.out = keras.layers.Dense(units)

    def build(self, input_shape):
        self.out.build(input_shape)
        self.built = True

    def call(self, inputs):
        return self.out(inputs)

    @property
    def metrics(self):
        return [self.mean]

    def error(self, x, y):
        return ops.mean(ops.square(self(x) - y))

    def train_step(self, data):
        with tf.GradientTape() as tape:
            error = self.error(*data)
        self.optimizer.apply(tape.gradient(error, self.trainable_variables), self.trainable_variables)
        self.mean.update_state(error)
        return {"loss": self.mean.result()}

    def test_step(self, data):
        self.mean.update_state(self.error(*data))
        return {"loss": self.mean.result()}

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@register
class ReportsNoLoss(SelfMade):
    def test_step(self, data):
        return {"error": super().test_step(data)["loss"]}


@register
class ReportsMoreInTraining(SelfMade):
    def train_step(self, data):
        return {**super().train_step(data), "also": 1.0}


@register
class Diverges(SelfMade):
    def error(self, x, y):
        return super().error(x, y) / 0.0


@register
class StandsStill(SelfMade):
    def error(self, x, y):
        return super().error(ops.zeros_like(x), y)  # only the bias gets a gradient


@register
class CannotStop(SelfMade):
    def fit(self, *args, callbacks=(), **kwargs):
        return super().fit(*args, **kwargs)


@register
class KeepsSomethingToItself(SelfMade):
    gain = 1.0

    def fit(self, *args, **kwargs):
        self.gain = 2.0  # a plain number, so no file holds it
        return super().fit(*args, **kwargs)

    def call(self, inputs):
        return self.gain * super().call(inputs)


@register
class Graph(keras.Model):
    """The same regression as a graph of layers, with Keras' own steps."""

    def __init__(self, inputs=None, outputs=None, **kwargs):
        if inputs is None:
            inputs = keras.Input((3,))
            outputs = keras.layers.Dense(2)(inputs)
        super().__init__(inputs, outputs, **kwargs)


X, Y = INPUTS[:, 0], INPUTS[:, 1, :2]


def run(model_class, y=Y, **more):
    def build():
        model = model_class(units=2) if issubclass(model_class, SelfMade) else model_class()
        if not model.built:
            model.build((None, 3))
        return model

    return run_model_test(
        build, X, y, compile_arguments={"optimizer": "sgd", "loss": "mse", "run_eagerly": True}, **more
    )


def test_good_models_pass():
    assert isinstance(run(SelfMade), SelfMade)
    run(Graph, functional=True)


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        (ReportsNoLoss, "reports .'error'., and no loss"),
        (ReportsMoreInTraining, "fit reports .*'also'.*, but evaluate .'loss'."),
        (Diverges, "loss is not finite"),
        (StandsStill, "kernel gets no gradient"),
        (CannotStop, "let 4 epochs pass instead of 2"),
        (KeepsSomethingToItself, "predictions after saving and loading"),
    ],
)
def test_planted_model_mistakes_are_found(model, complaint):
    with pytest.raises(AssertionError, match=complaint):
        run(model)


def test_models_that_are_no_graph_of_layers_cannot_claim_to_be():
    with pytest.raises(AssertionError, match="as it is built, the model is no longer a graph of layers"):
        run(SelfMade, functional=True)
