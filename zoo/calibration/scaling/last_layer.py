"""The last layer of a classifier, to be replaced: what all ways of calibrating after training come down to."""

from typing import Any

import keras
import numpy as np

Array = np.ndarray


def last_dense(model: keras.Model) -> keras.layers.Dense:
    """The Dense layer without activation that gives a model's only output, the logits.

    Raises:
        ValueError: the model has no graph, or several outputs, or its graph does not end in such a layer.
    """
    outputs = getattr(model, "outputs", None)
    if not outputs:
        raise ValueError(f"{model.name} has no graph of layers, so its last layer is not known")
    if len(outputs) > 1:
        raise ValueError(f"{model.name} has {len(outputs)} outputs, not logits alone")
    layer = outputs[0]._keras_history.operation
    if not isinstance(layer, keras.layers.Dense):
        raise ValueError(f"{model.name} ends in {layer.name} ({type(layer).__name__}), not in a Dense layer")
    if layer.activation is not keras.activations.linear:
        raise ValueError(
            f"{layer.name} has an activation, {layer.activation.__name__}, so {model.name} gives no logits"
        )
    return layer


def inputs_of_last_dense(model: keras.Model) -> keras.Model:
    """The model up to what its last layer reads, sharing its weights.

    Raises:
        ValueError: as `last_dense`.
    """
    return keras.Model(model.input, last_dense(model).input, name=f"{model.name}_features")


def with_last_dense(model: keras.Model, kernel: Array, bias: Array) -> keras.Model:
    """A copy of a model, not compiled, with other weights in its last layer and otherwise the same.

    Args:
        model: left as it is.
        kernel: (features, classes).
        bias: (classes,); all 0 for a layer without bias.

    Raises:
        ValueError: as `last_dense`; or the layer has no bias and would need one.
    """
    layer = last_dense(model)
    if not layer.use_bias and np.any(bias):
        raise ValueError(f"{layer.name} has no bias, so it cannot take one")
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    weights = [kernel, bias] if layer.use_bias else [kernel]
    copy.get_layer(layer.name).set_weights([np.asarray(weight, np.float32) for weight in weights])
    return copy


def weights_of_last_dense(model: keras.Model) -> tuple[Array, Array]:
    """Kernel (features, classes) and bias (classes,) of the last layer, in float64; the bias is 0 if it has none.

    Raises:
        ValueError: as `last_dense`.
    """
    layer = last_dense(model)
    kernel = np.asarray(layer.kernel, np.float64)
    return kernel, np.asarray(layer.bias, np.float64) if layer.use_bias else np.zeros(kernel.shape[1])


def checked(scores: Any, y: Any, what: str) -> tuple[Array, Array]:
    """Logits or features (n, k) in float64, and labels (n,) as integers.

    Raises:
        ValueError: other shapes, no samples, or values that are not finite.
    """
    scores, y = np.asarray(scores, np.float64), np.asarray(y)
    y = y.reshape(-1) if y.ndim == 2 and y.shape[1] == 1 else y
    if scores.ndim != 2 or y.shape != (len(scores),) or not len(y):
        raise ValueError(f"{what} of shape {scores.shape} and labels of shape {y.shape} do not go together")
    if not np.isfinite(scores).all():
        raise ValueError(f"the {what} are not all finite")
    return scores, y.astype(np.int64)


def log_likelihood(logits: Array, y: Array) -> tuple[float, Array]:
    """Mean of -log p of labels, and the probabilities (n, classes), from float64 logits."""
    from scipy.special import log_softmax

    logs = log_softmax(logits, axis=-1)
    return float(-logs[np.arange(len(y)), y].mean()), np.exp(logs)


def labels_below(y: Array, classes: int) -> None:
    """Refuses labels that are none of `classes`."""
    if y.min() < 0 or y.max() >= classes:
        raise ValueError(f"labels from {y.min()} to {y.max()}, but logits of {classes} classes")
