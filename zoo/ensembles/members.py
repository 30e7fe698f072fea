"""From a stack to separate Keras models, and back."""

from collections.abc import Sequence

import keras

from zoo.ensembles.stacked import Stacked


def split(stack: Stacked) -> list[keras.Model]:
    """Every member as a Keras model of its own, with its weights; the stack keeps them too.

    Args:
        stack: built.
    """
    if not stack.built:
        raise ValueError("the stack is not built, so its members have no weights yet")
    models = []
    for index in range(stack.members):
        model = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(stack.member))
        if not model.built:
            model.build(stack.member.input_shape)
        model.set_weights(stack.get_member_weights(index))
        model.name = f"{stack.member.name}_{index}"
        models.append(model)
    return models


def merge(models: Sequence[keras.Model], *, name: str = "stacked") -> Stacked:
    """Separately made or trained models as one stack, weights copied.

    Args:
        models: of one architecture, built.
        name: name of the layer.

    Returns:
        The layer, built: from (batch, *input) to (batch, len(models), *output).

    Raises:
        ValueError: no models, or two whose weights differ in number or shape, or whose layers do.
    """
    if not models:
        raise ValueError("there are no models to merge")
    first = _anatomy(models[0])
    for index, model in enumerate(models):
        if _anatomy(model) != first:
            raise ValueError(f"model {index} ({model.name}) is of another architecture than model 0 ({models[0].name})")
    stack = Stacked(models[0], len(models), name=name)
    stack.build(models[0].input_shape)
    for index, model in enumerate(models):
        stack.set_member_weights(index, model.get_weights())
    return stack


def _anatomy(model: keras.Model) -> list[tuple]:
    """What two models must share to be members of one stack: kinds, settings and weights of their layers."""
    return [
        (type(layer).__name__, _settings(layer.get_config()), [v.shape for v in layer.variables])
        for layer in model.layers
    ]


def _settings(config: object) -> object:
    """A configuration without what may differ from member to member: names, seeds and where weights started."""
    if isinstance(config, dict):
        return {
            key: _settings(value)
            for key, value in config.items()
            if key not in ("name", "seed", "inbound_nodes", "input_layers", "output_layers")
            and "initializer" not in key
        }
    return [_settings(value) for value in config] if isinstance(config, list | tuple) else config
