"""A Keras classifier, cut in front of its last Dense layer."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from zoo.ood.outputs import Outputs

Array = np.ndarray

_BATCH = 256


class Classifier:
    """Features, logits, last layer and input gradients of a functional model.

    Args:
        model: a functional or built Sequential model with one input and one output, whose last layer is a Dense layer
            without activation or with a softmax; a softmax or dropout layer may follow. A sequence of such models is an
            ensemble: features and gradients are those of the first, and `Outputs.members` holds the logits of all.

    Attributes:
        features, logits: models from images to features (n, width), and to logits (n, classes).
        dense: the last Dense layer.

    Raises:
        ValueError: the model has no graph, or its graph ends in something else, and what that is; or the models of an
            ensemble do not have the same classes.
    """

    def __init__(self, model: keras.Model | Sequence[keras.Model]) -> None:
        first, *others = model if isinstance(model, list | tuple) else [model]
        self.dense, before = _last_dense(first)
        self.features = keras.Model(first.inputs, before, name="features")
        self.logits = _with_logits(first, self.dense, before)
        self._others = [_with_logits(other, *_last_dense(other)) for other in others]
        classes = {int(one.outputs[0].shape[-1]) for one in (self.logits, *self._others)}
        if len(classes) > 1:
            raise ValueError(f"the models of an ensemble have {sorted(classes)} classes")
        # Not `predict`: it traces anew for the last batch of every call, whose size is another one.
        images = tf.TensorSpec((None, *first.inputs[0].shape[1:]), first.inputs[0].dtype)
        self._outputs = tf.function(self._features_and_members, input_signature=[images])
        self._logits = tf.function(lambda x: self.logits(x, training=False), input_signature=[images])
        self._gradient = tf.function(
            self._log_softmax_gradient, input_signature=[images, tf.TensorSpec((), tf.float32)]
        )

    @classmethod
    def of(cls, model: Any) -> "Classifier":
        """`model` itself if it is a Classifier already, else one of it."""
        return model if isinstance(model, cls) else cls(model)

    def outputs(self, x: Array, batch_size: int = _BATCH) -> Outputs:
        """What the model says about images (n, ...): one forward pass, in inference mode.

        Raises:
            ValueError: no images, or not of the model's shape; features or logits that are not finite.
        """
        x = self._checked(x)
        features, *others = self._in_batches(self._outputs, x, batch_size)
        kernel = ops.convert_to_numpy(self.dense.kernel).astype(np.float32)
        bias = (
            np.zeros(kernel.shape[-1], np.float32)
            if self.dense.bias is None
            else ops.convert_to_numpy(self.dense.bias).astype(np.float32)
        )
        logits = (features.astype(np.float64) @ kernel.astype(np.float64) + bias).astype(np.float32)
        members = np.stack([logits, *others]) if others else None
        return Outputs(features, logits, kernel, bias, members, x, self.log_softmax_gradient, self.logits_of)

    def logits_of(self, x: Array) -> Array:
        """Logits (n, classes) of images (n, ...), float32."""
        return self._in_batches(self._logits, self._checked(x), _BATCH)[0]

    def log_softmax_gradient(self, x: Array, temperature: float = 1.0) -> Array:
        """The gradient of log max_c softmax(logits / temperature)_c with respect to each image: as `x`, float32.

        Raises:
            ValueError: the model takes whole numbers, or its graph breaks the gradient.
        """
        x = self._checked(x)
        if not keras.backend.is_float_dtype(self.logits.inputs[0].dtype):
            raise ValueError(f"the model takes {self.logits.inputs[0].dtype}, for which there is no gradient")
        return self._in_batches(self._gradient, x, _BATCH, np.float32(temperature))[0]

    def _features_and_members(self, x: Any) -> tuple[Any, ...]:
        return (self.features(x, training=False), *(other(x, training=False) for other in self._others))

    def _log_softmax_gradient(self, x: Any, temperature: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            logits = ops.cast(self.logits(x, training=False), "float32")
            largest = ops.max(ops.log_softmax(logits / temperature, axis=-1), axis=-1)
        gradient = tape.gradient(largest, x)
        if gradient is None:
            raise ValueError("the logits have no gradient with respect to the images")
        return gradient

    def _in_batches(self, function: Callable[..., Any], x: Array, batch_size: int, *rest: Any) -> list[Array]:
        """Every output of a compiled function, float32, of all images."""
        parts = []
        for at in range(0, len(x), batch_size):
            batch = ops.convert_to_tensor(x[at : at + batch_size], self.logits.inputs[0].dtype)
            outputs = function(batch, *rest)
            outputs = outputs if isinstance(outputs, tuple) else (outputs,)
            parts.append([ops.convert_to_numpy(ops.cast(output, "float32")) for output in outputs])
        return [np.concatenate(part) for part in zip(*parts, strict=True)]

    def _checked(self, x: Array) -> Array:
        x, wanted = np.asarray(x), self.features.inputs[0].shape[1:]
        fits = x.ndim == len(wanted) + 1 and all(w in (None, s) for w, s in zip(wanted, x.shape[1:], strict=True))
        if not fits or not len(x):
            raise ValueError(f"images of shape {x.shape}, but the model takes (n, {', '.join(map(str, wanted))})")
        return x


def _last_dense(model: keras.Model) -> tuple[keras.layers.Dense, Any]:
    """The last Dense layer of a model, and the symbolic tensor that it reads."""
    try:
        inputs, outputs = model.inputs, model.outputs
    except AttributeError as error:
        raise ValueError(f"{getattr(model, 'name', model)!r} has no graph: it must be functional, and built") from error
    if not inputs or not outputs:
        raise ValueError(f"{model.name!r} has no graph: it must be functional, not a subclass with a call of its own")
    if len(inputs) != 1 or len(outputs) != 1:
        raise ValueError(f"{model.name!r} has {len(inputs)} inputs and {len(outputs)} outputs; one of each is needed")
    tensor = outputs[0]
    while True:
        layer, node, _ = tensor._keras_history
        sources = layer._inbound_nodes[node].input_tensors
        if isinstance(layer, keras.layers.Dense):
            break
        if not _keeps_logits(layer):
            raise ValueError(
                f"{model.name!r} ends in {layer.name!r} ({type(layer).__name__}), not in a Dense layer and a softmax"
            )
        tensor = sources[0]
    if layer.activation not in (keras.activations.linear, keras.activations.softmax):
        raise ValueError(f"{layer.name!r} has the activation {layer.activation.__name__!r}: its outputs are no logits")
    if len(sources[0].shape) != 2:
        raise ValueError(f"{layer.name!r} reads {tuple(sources[0].shape)}, not one vector of features for each image")
    return layer, sources[0]


def _keeps_logits(layer: Any) -> bool:
    """Whether what goes into this layer are the logits, if what comes out are logits or probabilities."""
    if isinstance(layer, keras.layers.Softmax | keras.layers.Dropout | keras.layers.Identity):
        return True
    return isinstance(layer, keras.layers.Activation) and layer.activation in (
        keras.activations.linear,
        keras.activations.softmax,
    )


def _with_logits(model: keras.Model, dense: keras.layers.Dense, before: Any) -> keras.Model:
    """From the images to the logits: the Dense layer without its activation."""
    logits = ops.matmul(before, dense.kernel)
    return keras.Model(model.inputs, logits if dense.bias is None else logits + dense.bias, name="logits")
