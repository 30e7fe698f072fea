"""What callbacks remember from epoch to epoch, so that a resumed training has it too."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

_OF_KERAS: dict[type, tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("wait", "stopped_epoch", "best", "best_epoch", "best_weights"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "cooldown_counter", "best"),
    keras.callbacks.ModelCheckpoint: ("best", "_batches_seen_since_last_saving", "_last_batch_seen"),
    keras.callbacks.SwapEMAWeights: ("_ema_weights_in_model",),
}
"""The attributes of Keras' callbacks that change in training; its other callbacks keep nothing that matters."""


def callback_states(callbacks: Sequence[keras.callbacks.Callback]) -> list[dict[str, Any]]:
    """The class and state of each callback.

    A callback of another library's or of one's own class gives `get_state()`, a dict of numbers, texts, lists and
    arrays, and takes it back with `set_state(state)`; without these two it is taken to have none.
    """
    return [{"class": type(callback).__name__, "state": _state(callback)} for callback in callbacks]


def restore_callback_states(callbacks: Sequence[keras.callbacks.Callback], states: Sequence[dict[str, Any]]) -> None:
    """Puts back what `callback_states` gave.

    Raises:
        ValueError: the callbacks are others than those that were stored.
    """
    present, stored = [type(callback).__name__ for callback in callbacks], [one["class"] for one in states]
    if present != stored:
        raise ValueError(
            f"the training has the callbacks {', '.join(present) or 'none'}, but began with "
            f"{', '.join(stored) or 'none'}"
        )
    for callback, one in zip(callbacks, states, strict=True):
        if hasattr(callback, "set_state"):
            callback.set_state(one["state"])
        else:
            for name, value in one["state"].items():
                setattr(callback, name, value)


def undeclared_state(callback: keras.callbacks.Callback) -> dict[str, str]:
    """What could be state of a callback that declares none: its numbers, texts, lists, dicts and arrays, spelt out.

    If they change in training, then a resumed training would go another way, and had better not begin.
    """
    known = hasattr(callback, "get_state") or isinstance(callback, tuple(_OF_KERAS))
    if known or type(callback).__module__.startswith("keras."):
        return {}
    return {name: _spelt(value) for name, value in vars(callback).items() if name != "params" and _plain(value)}


def _spelt(value: Any) -> str:
    return repr(keras.tree.map_structure(lambda part: part.tolist() if hasattr(part, "tolist") else part, value))


def _plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    if isinstance(value, dict):
        return all(map(_plain, value.values()))
    return value is None or isinstance(value, bool | int | float | str | np.generic | np.ndarray)


def _state(callback: keras.callbacks.Callback) -> dict[str, Any]:
    if hasattr(callback, "get_state"):
        return dict(callback.get_state())
    names = next((names for kind, names in _OF_KERAS.items() if isinstance(callback, kind)), ())
    return {name: getattr(callback, name) for name in names if hasattr(callback, name)}
