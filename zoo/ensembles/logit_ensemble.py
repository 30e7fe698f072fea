"""Classifiers that answer together."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from zoo.ensembles.stacked import Stacked

Tensor = Any

LEARNS = ("sum", "one", "each")


@keras.saving.register_keras_serializable(package="zoo")
class LogitEnsemble(keras.Model):
    """Members whose logits are summed; trained together, one random member a step, or each by itself.

    learn="sum": the loss is taken of the sum, as it is answered. The members learn to complement each other, and none
    of them needs to be any good alone.

    learn="one": each step draws one member and trains it alone, at the cost of one: dropout of all members but one.
    As with dropout, the answer is the sum times the share of members that took part in a step, 1 / M.

    learn="each": every member has its own loss on every batch, as if it were trained alone: a deep ensemble. The answer
    is the mean, and so is the loss, so that SGD needs M times the learning rate of one member; Adam does not.

    With "one", an optimizer with momentum goes on moving the members that a step has not drawn, as with dropout.

    Args:
        stack: the members, from inputs to logits (batch, M, classes); a built `Stacked`.
        learn: "sum", "one" or "each".
        seed: seeds the draws; None for other draws each time.
        **kwargs: as `keras.Model`.

    Compile it with a loss that takes logits, (batch, classes).

    Reference:
        Mat Kelcey 2020, "Ensemble networks", for sums of logits and single-member steps.
    """

    def __init__(self, stack: Stacked, *, learn: str = "sum", seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if learn not in LEARNS:
            raise ValueError(f"learn is one of {', '.join(LEARNS)}, not {learn!r}")
        stack = keras.saving.deserialize_keras_object(stack) if isinstance(stack, dict) else stack
        if not isinstance(stack, Stacked):
            raise ValueError(f"the members come as a Stacked layer, not as {type(stack).__name__}")
        layers = stack.member._flatten_layers()
        if any(v.regularizer for v in stack.member.variables) or any(one.activity_regularizer for one in layers):
            raise ValueError(
                f"{stack.member.name} has regularizers, which a stack leaves out of the loss: give the optimizer a "
                "weight_decay instead"
            )
        self.stack, self.learn, self.seed = stack, learn, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.build(stack.member.input_shape)

    def build(self, input_shape: Any) -> None:
        """Builds the stack."""
        if not self.stack.built:
            self.stack.build(input_shape)
        self.built = True

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Logits of the ensemble, (batch, classes), whatever `learn` says of training steps."""
        return self._scale * ops.sum(self.stack(inputs, training=training), axis=1)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """(batch, classes)."""
        return tuple(self.stack.member.compute_output_shape(input_shape))

    @tf.autograph.experimental.do_not_convert
    def train_step(self, data: Any) -> dict[str, Tensor]:
        """One step on a batch; loss and metrics by name, of the drawn member where `learn` is "one"."""
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            if self.learn == "each":
                apart = self.stack(x, training=True)
                logits = ops.mean(apart, axis=1)
                targets, weights = (
                    None if v is None else ops.repeat(v, self.stack.members, axis=0) for v in (y, weight)
                )
                loss = self.compute_loss(x, targets, ops.reshape(apart, (-1, apart.shape[-1])), weights, training=True)
            else:
                logits = self._one(x) if self.learn == "one" else self(x, training=True)
                loss = self.compute_loss(x, y, logits, weight, training=True)
            scaled = self.optimizer.scale_loss(loss)
        self.optimizer.apply(tape.gradient(scaled, self.trainable_variables), self.trainable_variables)
        self._loss_tracker.update_state(loss, sample_weight=ops.shape(logits)[0])
        return self.compute_metrics(x, y, logits, weight)

    @tf.autograph.experimental.do_not_convert
    def test_step(self, data: Any) -> dict[str, Tensor]:
        """Loss and metrics of a batch by name, of the ensemble."""
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        logits = self(x, training=False)
        loss = self.compute_loss(x, y, logits, weight, training=False)
        self._loss_tracker.update_state(loss, sample_weight=ops.shape(logits)[0])
        return self.compute_metrics(x, y, logits, weight)

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        stack = keras.saving.serialize_keras_object(self.stack)
        return {"name": self.name, "stack": stack, "learn": self.learn, "seed": self.seed}

    @property
    def _scale(self) -> float:
        return 1.0 if self.learn == "sum" else 1.0 / self.stack.members

    def _one(self, inputs: Tensor) -> Tensor:
        index = keras.random.randint((), 0, self.stack.members, seed=self.seed_generator)
        return self.stack.call_member(index, inputs, training=True)
