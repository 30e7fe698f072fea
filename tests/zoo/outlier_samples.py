"""What the tests of detectors are fed: features and logits without a network."""

import numpy as np

from zoo.ood.outputs import Outputs

WIDTH, CLASSES = 6, 4


def synthetic(count: int, seed: int, scale: float = 1.0) -> Outputs:
    """Features as after a relu, and what one fixed last layer makes of them."""
    layer, random = np.random.default_rng(99), np.random.default_rng(seed)
    kernel, bias = layer.normal(size=(WIDTH, CLASSES)).astype("f"), layer.normal(size=CLASSES).astype("f")
    features = np.maximum(random.normal(0.3, 1.0, (count, WIDTH)) * scale, 0).astype("f")
    logits = features @ kernel + bias
    members = np.stack([logits, *(logits + random.normal(size=logits.shape).astype("f") for _ in range(2))])
    return Outputs(features, logits, kernel, bias, members)


def of_logits(logits) -> Outputs:
    logits = np.asarray(logits, np.float32)
    classes = logits.shape[-1]
    first = logits[0] if logits.ndim == 3 else logits
    members = logits if logits.ndim == 3 else None
    return Outputs(np.ones((len(first), 2), "f"), first, np.ones((2, classes), "f"), np.zeros(classes, "f"), members)


TRAINING, TEST = synthetic(200, 0), synthetic(50, 1)
LABELS = TRAINING.logits.argmax(axis=1)

EXTREME = np.array(
    [[0, 0, 0, 0], [1e4, -1e4, 0, 5], [1e4, 1e4, 1e4, 1e4], [-1e4, -1e4, -9999, -1e4], [40, 0, 0, -1], [1, 2, 3, 4]]
)
