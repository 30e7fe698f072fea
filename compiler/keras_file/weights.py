"""Whose weights are whose: the three ways in which Keras files them, behind one interface.

A configuration is walked in the file's order, and for each layer in it `layer` or, for a model within the
model, `model` is asked once, with the layer's name and class.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from compiler.errors import CompileError
from compiler.keras_file.hdf5 import Group

Arrays = tuple[np.ndarray, ...]

# Layers within a layer, in Keras' order of variables, which is not that of the alphabet.
PARTS = ("cell", "cells", "forward_layer", "backward_layer", "layer")
# What a layer keeps that is no weight.
NO_WEIGHTS = ("seed_generator", "_random_generator", "random_generator")
DEEPEST_PART = 6
MOST_WEIGHTS = 1000  # of one layer


class Weights(Protocol):
    """Where the weights of one model's layers come from."""

    def layer(self, name: str, class_name: str, cells: Sequence[str] = ()) -> Arrays:
        """The weights of a layer, in Keras' order of variables.

        Args:
            cells: The classes of the cells that it stacks, in order.
        """

    def model(self, name: str, class_name: str) -> Weights:
        """The weights of a model within this one."""

    def wrapped(self, name: str, class_name: str) -> Weights:
        """The weights of what a layer holds, which is asked for like a layer of a model."""

    def close(self) -> None:
        """Says that all layers have asked.

        Raises:
            CompileError: Weights are left over.
        """


class ByName:
    """`.h5`: one group for each layer of the outermost model, and in it a list of weights by name."""

    def __init__(self, root: Group) -> None:
        self._root = root
        self._names = frozenset(root.names("layer_names"))

    def _read(self, name: str) -> dict[str, np.ndarray]:
        if name not in self._names:
            return {}
        group = self._root.group(name)
        names = [weight for weight in group.names("weight_names") if not of_training(weight)]
        return {weight: group.weight(weight) for weight in names}

    def layer(self, name: str, class_name: str, cells: Sequence[str] = ()) -> Arrays:
        return tuple(self._read(name).values())

    def model(self, name: str, class_name: str) -> Weights:
        return ByPath(self._read(name), (name,))

    wrapped = model

    def close(self) -> None:
        """Nothing to say: Keras, too, lets layers go that it does not know."""


class ByPath:
    """A model within an `.h5`: all weights in one list, trainable ones first, each named after a part of its path.

    Keras names the kernel of layer c in model b in model a `c/kernel`, `b/c/kernel` or `a/b/c/kernel`,
    according to the version and to who built it.
    """

    def __init__(self, weights: Mapping[str, np.ndarray], path: tuple[str, ...], shared: ByPath | None = None) -> None:
        self._path = path
        self._top = shared or self
        if shared is None:
            self._left = dict(weights)
            self._by_prefix: dict[str, list[str]] = defaultdict(list)
            for weight in weights:
                for i in (match.start() for match in re.finditer("/", weight)):
                    self._by_prefix[weight[:i]].append(weight)

    def layer(self, name: str, class_name: str, cells: Sequence[str] = ()) -> Arrays:
        path = (*self._path, name)
        for start in range(len(path)):
            found = self._top._by_prefix.get("/".join(path[start:]), ())
            if taken := [weight for weight in found if weight not in self._top._left]:
                raise CompileError(f"two layers could own the weight '{taken[0]}'", layer="/".join(path))
            if found:
                return tuple(self._top._left.pop(weight) for weight in found)
        return ()

    def model(self, name: str, class_name: str) -> Weights:
        return ByPath({}, (*self._path, name), self._top)

    wrapped = model

    def close(self) -> None:
        if self._top is self and self._left:
            raise CompileError(f"no layer in it owns the weight '{next(iter(self._left))}'", layer=self._path[0])


class ByGroup:
    """`.keras` and `.weights.h5`: groups that mirror the objects, named by class and counter.

    Newer versions of Keras 3 write each layer's name as well, which then decides.

    Args:
        model: The group of the model, if there is one; its layers are in the group `layers`.
    """

    def __init__(self, model: Group | None) -> None:
        self._layers = model.group("layers") if model and "layers" in model else None
        self._counter: Counter[str] = Counter()
        self._by_name = self._read_names()

    def _read_names(self) -> dict[str, str]:
        if self._layers is None:
            return {}
        keys = self._layers.keys()
        names = [self._name(key) for key in keys]
        # Some may lack it, or two may share it: then the counter decides for all.
        return dict(zip(names, keys, strict=True)) if all(names) and len(set(names)) == len(names) else {}

    def _name(self, key: str) -> str | None:
        variables = f"{key}/vars"
        return self._layers.group(variables).text("name") if self._layers.holds_group(variables) else None

    def _group(self, name: str, class_name: str) -> Group | None:
        base = snake_case(class_name)
        key = f"{base}_{self._counter[base]}" if self._counter[base] else base
        self._counter[base] += 1
        key = self._by_name.get(name, key)
        return self._layers.group(key) if self._layers is not None and key and key in self._layers else None

    def layer(self, name: str, class_name: str, cells: Sequence[str] = ()) -> Arrays:
        group = self._group(name, class_name)
        return _collect(group, _numbered(cells)) if group else ()

    def model(self, name: str, class_name: str) -> Weights:
        return ByGroup(self._group(name, class_name))

    def wrapped(self, name: str, class_name: str) -> Weights:
        return Held(self._group(name, class_name))

    def close(self) -> None:
        """Nothing to say: optimisers and metrics stand beside layers."""


class Held:
    """What a layer holds, in the group `layer` of that layer's."""

    def __init__(self, holder: Group | None) -> None:
        self._group = holder.group("layer") if holder and "layer" in holder else None

    def layer(self, name: str, class_name: str, cells: Sequence[str] = ()) -> Arrays:
        return _collect(self._group, _numbered(cells)) if self._group else ()

    def model(self, name: str, class_name: str) -> Weights:
        return ByGroup(self._group)

    def wrapped(self, name: str, class_name: str) -> Weights:
        return Held(self._group)

    def close(self) -> None:
        """Nothing to say, as in the group of a model."""


def _numbered(cells: Sequence[str]) -> list[str]:
    """The groups of some cells, in order."""
    counter: Counter[str] = Counter()
    keys = []
    for base in map(snake_case, cells):
        keys.append(f"{base}_{counter[base]}" if counter[base] else base)
        counter[base] += 1
    return keys


def _collect(group: Group, cells: Sequence[str] = (), depth: int = 0) -> Arrays:
    """The variables of an object, then those of the objects within it; cells in their order, not the alphabet's."""
    if depth > DEEPEST_PART:
        raise CompileError(f"the group '{group.name}' nests too deep")
    keys = [key for key in group.keys() if key not in NO_WEIGHTS]  # noqa: SIM118 -- a Group is no dict
    arrays: list[np.ndarray] = []
    # Of the wrappers only SpectralNormalization has a variable of its own, which is a matter of training.
    if "vars" in keys and ("layer" not in keys or "forward_layer" in keys):
        variables = group.group("vars")
        count = len(variables.keys())
        if count > MOST_WEIGHTS:
            raise CompileError(
                f"the group '{variables.name}' holds {count:,} weights; a layer has {MOST_WEIGHTS:,} at most"
            )
        arrays += [variables.weight(str(i)) for i in range(count)]
    # What a Bidirectional layer was made of stands beside the two layers that it made.
    inner = [key for key in keys if key != "vars" and not (key == "layer" and "forward_layer" in keys)]
    order = [*PARTS, *cells]
    for key in sorted(inner, key=lambda key: (order.index(key) if key in order else -1, key)):
        if group.holds_group(key):
            arrays += _collect(group.group(key), cells, depth + 1)
    return tuple(arrays)


def of_training(weight: str) -> bool:
    """Whether a variable, by its name or path, matters in training alone: random states, a kernel's singular vector."""
    return "seed_generator" in weight or weight.rpartition("/")[2].partition(":")[0] == "vector_u"


def snake_case(class_name: str) -> str:
    """How Keras names a group of weights after a class."""
    name = re.sub(r"\W+", "", class_name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
