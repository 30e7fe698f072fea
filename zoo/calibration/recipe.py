"""How long and how to train."""

from dataclasses import dataclass
from typing import Any, Literal

import keras

from zoo.residual import resnet18, small_residual

NETWORKS = {"small": small_residual, "resnet18": resnet18}
"""Every network, by the name that `--network` takes."""


@dataclass(frozen=True)
class Recipe:
    """How long and how to train: stochastic gradient descent with Nesterov's momentum, decoupled weight decay.

    Attributes:
        network: out of `NETWORKS`.
        schedule: "plateau": the rate is divided by five when the validation loss has not fallen for `patience` epochs,
            and training ends when it has not for twice as many and one; "one_cycle": the rate rises over the first
            fifth of all steps and then falls along a cosine, for when there is time for a few epochs only, and training
            ends early after `patience` epochs without progress. Both keep the best weights.
        epochs: how many at most.
        batch_size: images in a batch.
        rate: the learning rate at its highest.
        decay: share of a weight that a step at rate 1 takes away. Offsets and normalisation are left alone.
        patience: epochs, as above.
        shift: greatest shift of a training image in pixels.
        flip: whether training images are mirrored.
        precision: policy of all layers; sums, weights and logits are float32 in any case. "mixed_bfloat16" is for
            processors and accelerators that have instructions for it; all others imitate it, many times slower.
    """

    network: Literal["small", "resnet18"] = "small"
    schedule: Literal["plateau", "one_cycle"] = "plateau"
    epochs: int = 120
    batch_size: int = 128
    rate: float = 0.1
    decay: float = 5e-3
    patience: int = 5
    shift: int = 4
    flip: bool = True
    precision: str = "float32"

    def build(self, input_shape: tuple[int, int, int], classes: int, seed: int, *, precise: bool = False) -> Any:
        """The network, not compiled; of Keras' own layers in float32 where it is to be `precise`, and to be kept."""
        precision = "float32" if precise else self.precision
        return NETWORKS[self.network](input_shape, classes, seed=seed, dtype=precision, fused=not precise)

    def compile(self, model: keras.Model, loss: keras.losses.Loss, batches: int) -> list[keras.callbacks.Callback]:
        """Compiles the network to be trained with so many batches an epoch; returns the callbacks that belong to it."""
        stop = self.patience
        callbacks: list[keras.callbacks.Callback] = []
        rate: Any = self.rate
        if self.schedule == "one_cycle":
            steps = self.epochs * batches
            warm_up = max(1, steps // 5)
            rate = keras.optimizers.schedules.CosineDecay(
                0.0, max(1, steps - warm_up), warmup_target=self.rate, warmup_steps=warm_up
            )
        else:
            callbacks.append(keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.2, patience=self.patience))
            stop = 2 * self.patience + 1
        callbacks.append(keras.callbacks.EarlyStopping("val_loss", patience=stop, restore_best_weights=True))
        optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=self.decay)
        optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
        model.compile(optimizer, loss, metrics=["accuracy"], steps_per_execution=min(20, batches))
        return callbacks


RECIPES = {
    ("cifar10", "small"): Recipe(schedule="one_cycle", epochs=4, rate=0.2, patience=3),
    ("cifar10", "resnet18"): Recipe(network="resnet18", precision="mixed_bfloat16"),
    ("digits", "small"): Recipe(
        schedule="one_cycle", epochs=12, batch_size=64, rate=0.1, patience=5, shift=1, flip=False
    ),
    ("digits", "resnet18"): Recipe(network="resnet18", epochs=30, shift=1, flip=False),
}
"""By image set and network. The small one is for two cores, and takes as long as there is."""
