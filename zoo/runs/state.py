"""All that a training stands at, in one file that is either the old one or the new one."""

import contextlib
import json
import os
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.archives import SIGNS_OF_DAMAGE

PARTIAL = ".partial"
"""Ending of a file that is still being written."""

_OPAQUE = (keras.KerasTensor, keras.metrics.Metric, keras.callbacks.Callback)
"""Where no state hides: metrics begin every epoch at zero."""


def variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Every variable that can be reached from a model, by the path of attributes that leads there.

    Weights, the optimizer's (or several optimizers') moments and iterations, the states of seed generators, and what
    losses and layers keep besides: the path leads through lists, dicts and all that has a `get_config`, so through the
    miner of a loss too. `save_weights` leaves the seed generators out, and with them the dropout masks.
    Metrics are left out here, as every epoch resets them.
    """
    found: dict[str, keras.Variable] = {}
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [("model", model)]
    while waiting:
        path, value = waiting.pop()
        if id(value) in seen or isinstance(value, _OPAQUE):
            continue
        seen.add(id(value))
        if isinstance(value, keras.Variable):
            found[path] = value
        elif isinstance(value, Mapping):
            waiting += [(f"{path}[{key!r}]", part) for key, part in value.items() if isinstance(key, str | int)]
        elif isinstance(value, list | tuple):
            waiting += [(f"{path}[{index}]", part) for index, part in enumerate(value)]
        elif hasattr(value, "get_config") and hasattr(value, "__dict__") and not isinstance(value, type):
            # By name, for what was assigned first may differ between a new process and a training under way; and public
            # names first, for Keras' own ones lead to a loss's variables only after the first step.
            named = sorted(vars(value).items(), key=lambda item: (item[0].startswith("_"), item[0]), reverse=True)
            waiting += [(f"{path}.{name}", part) for name, part in named]
    return found


def read_variables(present: Mapping[str, keras.Variable]) -> dict[str, np.ndarray]:
    """The values of what `variables` found, by path."""
    return {path: ops.convert_to_numpy(variable) for path, variable in present.items()}


def restore_variables(present: Mapping[str, keras.Variable], values: Mapping[str, np.ndarray]) -> None:
    """Puts values into what `variables` found.

    Raises:
        ValueError: the model's variables are others than those that were stored; nothing is changed then.
    """
    wrong = [f"it holds {path}, which the model lacks" for path in values if path not in present]
    for path, variable in present.items():
        if path not in values:
            wrong.append(f"the model's {path} is missing")
        elif values[path].shape != tuple(variable.shape):
            wrong.append(f"{path} is {values[path].shape}, but the model's is {tuple(variable.shape)}")
    if wrong:
        raise ValueError(f"the checkpoint is not of this model: {'; '.join(wrong[:3])}{' ...' if wrong[3:] else ''}")
    for path, variable in present.items():
        variable.assign(values[path])


def random_states() -> dict[str, Any]:
    """Where Python's and NumPy's global generators stand."""
    version, words, gauss = random.getstate()
    return {"python": [version, list(words), gauss], "numpy": np.random.get_state(legacy=False)}


def restore_random_states(states: Mapping[str, Any]) -> None:
    """Puts back what `random_states` gave."""
    version, words, gauss = states["python"]
    random.setstate((version, tuple(words), gauss))
    np.random.set_state(dict(states["numpy"]))


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """Writes nested dicts and lists of numbers, texts and arrays; the file is there as a whole or not at all.

    Raises:
        OSError: it cannot be written (a full disk); whatever stood at `path` still does.
    """
    arrays: list[np.ndarray] = []

    def packed(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            name = value.dtype.name  # numpy's format knows no bfloat16, so arrays are stored as bytes
            arrays.append(np.ascontiguousarray(value).reshape(-1).view(np.uint8))
            return {"__array__": len(arrays) - 1, "dtype": name, "shape": value.shape}
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, Mapping):
            return {str(key): packed(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [packed(part) for part in value]
        return value

    text = json.dumps(packed(state)).encode()
    with replacing(path) as file:
        np.savez(file, state=np.frombuffer(text, np.uint8), **{f"a{index}": a for index, a in enumerate(arrays)})


def read_state(path: Path) -> dict[str, Any]:
    """What `write_state` wrote. Nothing is unpickled, and every byte is checked against its checksum.

    Raises:
        OSError: the file is not there, or damaged.
    """

    def unpacked(value: Any) -> Any:
        if isinstance(value, list):
            return [unpacked(part) for part in value]
        if not isinstance(value, dict):
            return value
        if "__array__" in value:
            return content[f"a{value['__array__']}"].view(np.dtype(value["dtype"])).reshape(value["shape"])
        return {key: unpacked(part) for key, part in value.items()}

    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            content = {name: held[name] for name in held.files}
        return unpacked(json.loads(content["state"].tobytes()))
    except SIGNS_OF_DAMAGE as error:
        raise OSError(f"{path} is damaged ({error})") from error


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Any]:
    """A file to write to, which takes the place of `path` once it is complete and on the disk."""
    partial = path.with_name(f"{path.name}{PARTIAL}")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
