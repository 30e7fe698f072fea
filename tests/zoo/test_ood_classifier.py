"""A classifier, taken to pieces: features, logits, gradients; and what cannot be."""

import numpy as np
import pytest
from clouds import three_networks

from zoo.quiet import quiet_import

with quiet_import():
    import keras
from scipy.special import softmax

from zoo.ood.classifier import Classifier


@pytest.fixture(scope="module")
def toy():
    return three_networks()


def ending(*layers, hidden="relu"):
    return keras.Sequential([keras.Input((8,)), keras.layers.Dense(6, hidden), *layers])


@pytest.mark.parametrize(
    "layers",
    [
        lambda: [keras.layers.Dense(3)],
        lambda: [keras.layers.Dense(3, "softmax")],
        lambda: [keras.layers.Dense(3, use_bias=False), keras.layers.Softmax()],
        lambda: [keras.layers.Dropout(0.5), keras.layers.Dense(3), keras.layers.Activation("softmax")],
    ],
    ids=["logits", "softmax inside", "softmax behind", "dropout in front"],
)
def test_classifier_finds_features_and_logits(layers):
    random = np.random.default_rng(0)
    model, x = ending(*layers()), random.normal(size=(300, 8)).astype("f")
    model.set_weights([weights + random.normal(size=weights.shape) for weights in model.get_weights()])  # biases too
    outputs = Classifier(model).outputs(x)
    predicted = model.predict(x, verbose=0)
    probabilities = "softmax" in model.layers[-1].name or getattr(model.layers[-1], "activation", None) is not (
        keras.activations.linear
    )
    logits = outputs.logits.astype(float)
    np.testing.assert_allclose(softmax(logits, axis=1) if probabilities else logits, predicted, atol=1e-5)
    np.testing.assert_allclose(np.maximum(by_layer(model.layers[0], x), 0), outputs.features, atol=1e-5)
    np.testing.assert_allclose(outputs.logits_from(outputs.features), logits, atol=1e-5)
    np.testing.assert_allclose(Classifier(model).logits_of(x), logits, atol=1e-5)


def by_layer(dense, x):
    kernel, bias = dense.get_weights()
    return x @ kernel + bias


class Subclass(keras.Model):
    def call(self, x):
        return x


def convolutional():
    return keras.Sequential([keras.Input((8, 2)), keras.layers.Dense(3)])


def two_outputs():
    images = keras.Input((8,))
    return keras.Model(images, [keras.layers.Dense(3)(images), keras.layers.Dense(3)(images)])


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Subclass, "no graph"),
        (lambda: keras.Sequential([keras.layers.Dense(3)]), "no graph"),
        (lambda: ending(keras.layers.BatchNormalization()), "BatchNormalization"),
        (lambda: ending(keras.layers.Dense(3, "relu")), "'relu'"),
        (lambda: keras.Sequential([keras.Input((8,)), keras.layers.Softmax()]), "InputLayer"),
        (convolutional, "not one vector of features"),
        (two_outputs, "1 inputs and 2 outputs"),
        (lambda: [ending(keras.layers.Dense(3)), ending(keras.layers.Dense(4))], r"\[3, 4\] classes"),
    ],
)
def test_models_that_cannot_be_cut_are_refused(model, message):
    with pytest.raises(ValueError, match=message):
        Classifier(model())


def test_images_of_another_shape_are_refused(toy):
    _, classifier, _, _ = toy
    for x in (np.zeros((3, 7)), np.zeros(8), np.zeros((0, 8))):
        with pytest.raises(ValueError, match="images of shape"):
            classifier.outputs(x)


def test_whole_numbers_have_no_gradient():
    images = keras.Input((8,), dtype="int32")
    model = keras.Model(images, keras.layers.Dense(3)(keras.layers.Rescaling(0.1)(images)))
    classifier = Classifier(model)
    assert classifier.outputs(np.ones((2, 8), int)).logits.shape == (2, 3)
    with pytest.raises(ValueError, match="int32"):
        classifier.log_softmax_gradient(np.ones((2, 8), int))
