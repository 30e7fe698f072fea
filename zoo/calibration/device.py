"""A network that ends in a decision: class, confidence, and a flag for what it was not trained on.

Graphs of plain Keras operations, without a class of this package, so that the file can be read and compiled by what
knows Keras alone.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.calibration.scaling.last_layer import last_dense

SCORES = ("energy", "entropy")
"""What the flag may be decided by; higher = more outlying."""


def decision_model(
    model: keras.Model, threshold: float, score: str = "energy", *, name: str = "decision"
) -> keras.Model:
    """A classifier's logits, turned into decisions inside the graph.

    Args:
        model: a functional classifier that gives logits, calibrated by folding a temperature into its last layer. Its
            layers are shared, not copied.
        threshold: above which score an input is flagged; see `flag_threshold`.
        score: "energy", minus the log-sum-exp of the logits (Liu et al. 2020), or "entropy", that of the softmax in
            nats.
        name: of the model.

    Returns:
        A functional model with outputs by name, each (batch,): "class", int32; "confidence", the greatest probability;
        "flag", true where the input does not look like what the network was trained on.

    Raises:
        ValueError: another score, a threshold that is no number, or a model without logits.
    """
    if not np.isfinite(threshold):
        raise ValueError(f"the threshold is {threshold}")
    last_dense(model)
    logits = model.outputs[0]
    outputs = {
        "class": ops.argmax(logits, axis=-1),
        "confidence": ops.max(ops.softmax(logits, axis=-1), axis=-1),
        "flag": ops.greater(_score(logits, score), float(np.float32(threshold))),
    }
    return keras.Model(model.input, outputs, name=name)


def flag_threshold(model: keras.Model, x: Any, score: str = "energy", *, keep: float = 0.95) -> float:
    """The least threshold that flags at most a share 1 - `keep` of images on which the network is at home.

    Args:
        model, score: as for `decision_model`.
        x: such images, none of them trained on.
        keep: share of them that must not be flagged.

    Raises:
        ValueError: as `decision_model`, or a share that is not between 0 and 1.
    """
    from zoo.ood.metrics import keep_threshold

    last_dense(model)
    scores = keras.Model(model.input, _score(model.outputs[0], score)).predict(x, verbose=0)
    return keep_threshold(np.float64(scores), keep)


def _score(logits: Any, score: str) -> Any:
    """The score of each sample, (batch,), out of its logits."""
    if score == "energy":
        return ops.negative(ops.logsumexp(logits, axis=-1))
    if score == "entropy":
        logs = ops.log_softmax(logits, axis=-1)
        return ops.negative(ops.sum(ops.exp(logs) * logs, axis=-1))
    raise ValueError(f"the score {score!r} is none of {', '.join(SCORES)}")
