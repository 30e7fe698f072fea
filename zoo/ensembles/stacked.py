"""Any Keras network M times, as one layer."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

Tensor = Any


@keras.saving.register_keras_serializable(package="zoo")
class Stacked(keras.layers.Layer):
    """M networks of one architecture, each with weights of its own, applied to the same input: a deep ensemble.

    The member's variables are held once more along a new first axis, (M, ...), so that an optimizer sees a dozen
    tensors and not a dozen times M; state that the member updates while it trains, as batch normalisation does, is
    kept for each member alike. Every member is initialised by itself: an orthogonal kernel is orthogonal within each
    member, not a slice of one big orthogonal matrix.

    The forward pass is unrolled, member after member in one graph. Measured with ten members of the network in
    `random_ensemble.py` on two busy CPU cores, a batch of 64: unrolled 20 ms, one grouped convolution a layer 25 ms
    (TensorFlow has none for the CPU, so Keras sends it through XLA), `vectorized_map` 25 ms, patches and one batched
    matrix product 52 ms; and one training step 170 ms unrolled, 1,700 to 2,700 ms grouped. `grouped.py` has the
    grouped network, for compilers and accelerators.

    Args:
        member: the architecture, built; its own weights are only a template. It takes and gives one tensor.
        members: M.
        seed: seeds the initial weights; each member gets its own seed from it. None draws anew. The member's
            initialisers lend their kind, not their seeds.
        **kwargs: as `keras.layers.Layer`. The members compute in the precision that they were built with; penalties of
            theirs (regularizers, `add_loss`) do not reach the loss.

    Raises:
        ValueError: no members, or an architecture that is not built.

    Reference:
        Lakshminarayanan, Pritzel, Blundell 2017, "Simple and scalable predictive uncertainty estimation using deep
        ensembles".
    """

    def __init__(self, member: keras.Model, members: int, *, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(member, dict):
            member = keras.saving.deserialize_keras_object(member)
        if members < 1:
            raise ValueError(f"an ensemble has at least one member, not {members}")
        if not member.built:
            raise ValueError(f"{member.name} must be built, so that it is known which weights to stack")
        self.members, self.seed = members, seed
        self._template: Callable[[], keras.Model] = lambda: member  # a function, so that its weights are not tracked

    @property
    def member(self) -> keras.Model:
        """The architecture; its weights are those of no member."""
        return self._template()

    def build(self, input_shape: Any) -> None:
        """One variable for each of the member's, with a first axis of M."""
        trainable, state = self.member.trainable_variables, self.member.non_trainable_variables
        fresh = self._fresh()
        self.stacked = [self._stack(v, values, True) for v, values in zip(trainable, fresh, strict=False)]
        rest = fresh[len(trainable) :]
        self.stacked_state = [self._stack(v, values, False) for v, values in zip(state, rest, strict=True)]

    def initialize(self, seed: int | None) -> None:
        """Draws all weights anew, as if the layer had been made with this seed; graphs that hold it stay valid."""
        self.seed = seed
        for variable, values in zip((*self.stacked, *self.stacked_state), self._fresh(), strict=True):
            variable.assign(values)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Output of every member, (batch, M, *output), for a batch of inputs."""
        outputs, states = [], []
        for index in range(self.members):
            output, state = self._apply(index, inputs, training)
            outputs.append(output)
            states.append(state)
        if training:
            for variable, values in zip(self.stacked_state, zip(*states, strict=True), strict=True):
                variable.assign(ops.stack(values))
        return ops.stack(outputs, axis=1)

    def call_member(self, index: Tensor, inputs: Tensor, training: bool = False) -> Tensor:
        """Output of one member alone, (batch, *output), at the cost of one; `index` may be a tensor, ()."""
        output, state = self._apply(index, inputs, training)
        if training:
            for variable, value in zip(self.stacked_state, state, strict=True):
                own = ops.equal(ops.arange(self.members), index)
                own = ops.reshape(own, (-1, *[1] * (len(variable.shape) - 1)))
                variable.assign(ops.where(own, ops.cast(value, variable.dtype)[None], variable.value))
        return output

    def get_member_weights(self, index: int) -> list[np.ndarray]:
        """Weights of one member, in the order of `member.variables`."""
        held = iter([ops.convert_to_numpy(v[index]) for v in (*self.stacked, *self.stacked_state)])
        by_id = {id(v): next(held) for v in self._template_variables()}
        return [by_id[id(v)] for v in self.member.variables]

    def set_member_weights(self, index: int, weights: list[np.ndarray]) -> None:
        """Sets the weights of one member, in the order of `member.variables`."""
        by_id = {id(v): value for v, value in zip(self.member.variables, weights, strict=True)}
        stacked = (*self.stacked, *self.stacked_state)
        for variable, template in zip(stacked, self._template_variables(), strict=True):
            values = ops.convert_to_numpy(variable).copy()
            values[index] = by_id[id(template)]
            variable.assign(values)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """(batch, M, *output)."""
        batch, *rest = self.member.compute_output_shape(input_shape)
        return (batch, self.members, *rest)

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        member = keras.saving.serialize_keras_object(self.member)
        return {**super().get_config(), "member": member, "members": self.members, "seed": self.seed}

    def _apply(self, index: Tensor, inputs: Tensor, training: bool) -> tuple[Tensor, list[Tensor]]:
        return self.member.stateless_call(
            [v[index] for v in self.stacked], [v[index] for v in self.stacked_state], inputs, training=training
        )

    def _template_variables(self) -> list[keras.Variable]:
        return [*self.member.trainable_variables, *self.member.non_trainable_variables]

    def _stack(self, variable: keras.Variable, values: np.ndarray, trainable: bool) -> keras.Variable:
        return self.add_weight(
            shape=values.shape,
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(values, dtype),
            dtype=variable.dtype,
            trainable=trainable,
            autocast=False,  # the member casts as its own policy says
            name=variable.path.replace("/", "_"),
        )

    def _fresh(self) -> list[np.ndarray]:
        """Initial values of all members, each (M, ...): the trainable ones, then the state."""
        return [np.stack(values) for values in zip(*map(self._fresh_member, range(self.members)), strict=True)]

    def _fresh_member(self, index: int) -> list[np.ndarray]:
        config = keras.saving.serialize_keras_object(self.member)
        draws = None if self.seed is None else np.random.default_rng((self.seed, index))
        config = _reseeded(config, lambda: None if draws is None else int(draws.integers(2**31)))
        model = keras.saving.deserialize_keras_object(config)
        if not model.built:
            model.build(self.member.input_shape)
        return [ops.convert_to_numpy(v) for v in (*model.trainable_variables, *model.non_trainable_variables)]


def _reseeded(config: Any, draw: Callable[[], int | None]) -> Any:
    """A configuration with every `seed` in it drawn anew, in the order in which they stand."""
    if isinstance(config, dict):
        return {key: draw() if key == "seed" else _reseeded(value, draw) for key, value in config.items()}
    return [_reseeded(value, draw) for value in config] if isinstance(config, list | tuple) else config
