"""Batches with the same number of images of every class."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

Array = np.ndarray
Augment = Callable[..., tuple[Array, ...]]


class MPerClass(keras.utils.PyDataset):
    """Batches of `m` images of each of `classes_per_batch` classes: (images, labels).

    What a batch holds follows from (seed, epoch, index) alone, so that a training can be resumed. The images of a class
    come in rounds, each in a new order and none twice in it; the few that do not fill another `m` sit the round out.

    Args:
        images: (n, ...).
        labels: (n,) class numbers.
        m: images of a class in a batch, at least 1 and at most as many as the smallest class has.
        classes_per_batch: how many, drawn anew for each batch; None for all of them, in order.
        batches: batches in an epoch; None for as many as the images suffice for.
        as_pairs: with m = 2, give (classes, 2, ...) images and (classes,) labels, which `PairSoftmax` wants, instead
            of (2 classes, ...) and (2 classes,).
        seed: of the order, and of what `augment` draws.
        augment: from (generator, images, labels) to images and labels, before pairs are made; None changes nothing.
        **kwargs: as `keras.utils.PyDataset`.

    Attributes:
        epoch: which epoch the batches are of. It moves on by itself when an epoch ends; `zoo.runs.fit` sets it.
    """

    def __init__(
        self,
        images: Array,
        labels: Array,
        *,
        m: int = 2,
        classes_per_batch: int | None = None,
        batches: int | None = None,
        as_pairs: bool = False,
        seed: int = 0,
        augment: Augment | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        labels = np.asarray(labels).reshape(-1)
        if len(images) != len(labels) or not len(labels):
            raise ValueError(f"{len(images)} images and {len(labels)} labels do not make batches")
        self.members = {int(name): np.flatnonzero(labels == name) for name in np.unique(labels)}
        smallest = min(map(len, self.members.values()))
        if not 1 <= m <= smallest:
            raise ValueError(f"a batch cannot hold {m} images of a class that has {smallest}")
        self.chosen = len(self.members) if classes_per_batch is None else classes_per_batch
        if not 1 <= self.chosen <= len(self.members):
            raise ValueError(f"a batch cannot hold {self.chosen} of {len(self.members)} classes")
        if as_pairs and m != 2:
            raise ValueError(f"a pair has two images, not {m}")
        self.images, self.labels, self.m = images, labels, m
        self.batches = max(1, len(labels) // (m * self.chosen)) if batches is None else batches
        self.as_pairs, self.seed, self.augment = as_pairs, seed, augment
        self.epoch = 0
        self._orders: dict[tuple[int, int, int], Array] = {}

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self.batches

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        """Batch `index` of the current epoch: the images of one class stand together."""
        if not 0 <= index < self.batches:
            raise IndexError(f"batch {index} of {self.batches}")
        epoch = self.epoch
        random = np.random.default_rng((self.seed, epoch, 1 + index))
        names = list(self.members)
        if self.chosen < len(names):
            names = [names[at] for at in random.choice(len(names), self.chosen, replace=False)]
        rows = np.concatenate([self._turn(epoch, name, index) for name in names])
        images, labels = self.images[rows], self.labels[rows]
        if self.augment is not None:
            images, labels = self.augment(random, images, labels)
        if self.as_pairs:
            return images.reshape(-1, 2, *images.shape[1:]), labels[::2]
        return images, labels

    def on_epoch_end(self) -> None:
        """Turns to the next epoch."""
        self.epoch += 1

    def _turn(self, epoch: int, name: int, index: int) -> Array:
        """The m members of a class whose turn it is in batch `index`."""
        members = self.members[name]
        turns = len(members) // self.m  # the few that are left over have better luck in the next round
        deal, at = divmod(index, turns)
        key = epoch, name, deal
        if key not in self._orders:
            if len(self._orders) > 4 * len(self.members):
                self._orders.clear()
            number = list(self.members).index(name)
            self._orders[key] = np.random.default_rng((self.seed, epoch, 0, number, deal)).permutation(members)
        return self._orders[key][at * self.m : (at + 1) * self.m]
