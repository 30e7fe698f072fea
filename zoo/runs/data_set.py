"""What a training learns from, and in which order: the order of an epoch follows from a seed and its number alone."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import tree

Arrays = tuple[Any, ...]
"""(x,), (x, y) or (x, y, sample_weight) as Keras takes them: arrays, or dicts and tuples of arrays."""


class Batches(keras.utils.PyDataset):
    """Arrays in shuffled batches, whose order and whose augmentation follow from (seed, epoch, batch) alone.

    Keras' own shuffling draws from a generator whose place no file can hold, so that a training which is resumed would
    see another order than one which was never interrupted.

    Args:
        *arrays: x, then y and sample weights if there are any, each with the samples on its first axis.
        batch_size: samples in a batch; the last batch of an epoch has what is left over.
        seed: of the order, and of what `augment` draws.
        augment: from a batch's (generator, *arrays) to its arrays, changed; None leaves them as they are.
        shuffle: whether every epoch has an order of its own.
        **kwargs: `workers` and such, as in `keras.utils.PyDataset`.

    Attributes:
        epoch: which epoch the batches are of. `zoo.runs.fit` sets it.
    """

    def __init__(
        self,
        *arrays: Any,
        batch_size: int = 32,
        seed: int = 0,
        augment: Callable[..., Arrays] | None = None,
        shuffle: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        sizes = {len(array) for array in tree.flatten(arrays)}
        if len(sizes) != 1 or not min(sizes) or batch_size < 1:
            raise ValueError(f"arrays of {sorted(sizes)} samples do not make batches of {batch_size}")
        self.arrays, self.count = arrays, sizes.pop()
        self.batch_size, self.seed, self.augment, self.shuffle = batch_size, seed, augment, shuffle
        self.epoch = 0
        self._order: tuple[int, Any] = (-1, None)

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-self.count // self.batch_size)

    def __getitem__(self, index: int) -> Arrays:
        """One batch of the epoch."""
        epoch = self.epoch  # once: Keras may still be reading ahead while the next epoch begins
        rows = slice(index * self.batch_size, (index + 1) * self.batch_size)
        if self.shuffle:
            rows = self._permutation(epoch)[rows]
        batch = tree.map_structure(lambda array: np.asarray(array[rows]), self.arrays)
        if self.augment is None:
            return batch
        return tuple(self.augment(np.random.default_rng((self.seed, epoch, 1 + index)), *batch))

    def _permutation(self, epoch: int) -> np.ndarray:
        known, order = self._order
        if known != epoch:
            order = np.random.default_rng((self.seed, epoch, 0)).permutation(self.count)
            self._order = (epoch, order)
        return order


@dataclass(frozen=True)
class DataSet:
    """What a data configuration returns, and what `zoo.runs.fit` trains with.

    Attributes:
        train: (x, y) or (x, y, sample_weight), which are shuffled anew in every epoch; or a `keras.utils.PyDataset`
            whose batches depend on nothing but its attribute `epoch` and the index, such as `Batches` with `augment`.
        validation: the same, in a fixed order; None if there is none.
        test: likewise. Training never sees it.
        batch_size: for what is given as arrays.
        shuffle: whether arrays to train on have another order in every epoch. Without, Keras is given the arrays
            themselves, which is faster where a step takes less time than making a batch.
    """

    train: Arrays | keras.utils.PyDataset
    validation: Arrays | keras.utils.PyDataset | None = None
    test: Arrays | keras.utils.PyDataset | None = None
    batch_size: int = 32
    shuffle: bool = True

    def training_batches(self, seed: int) -> keras.utils.PyDataset:
        """The batches to train on.

        Raises:
            ValueError: data whose order cannot be told from the number of the epoch.
        """
        if not isinstance(self.train, keras.utils.PyDataset):
            if not isinstance(self.train, tuple | list):
                raise ValueError(
                    f"training data must be (x, y) or a keras.utils.PyDataset, not a {type(self.train).__name__}: "
                    "only then can a training be resumed with the batches that it would have seen"
                )
            return Batches(*self.train, batch_size=self.batch_size, seed=seed, shuffle=self.shuffle)
        kind = type(self.train)
        turns = any(
            getattr(kind, hook) is not getattr(keras.utils.PyDataset, hook)
            for hook in ("on_epoch_begin", "on_epoch_end")
        )
        if turns and not hasattr(self.train, "epoch"):
            raise ValueError(
                f"{kind.__name__} changes from epoch to epoch but has no attribute `epoch` that could be set, so a "
                "training on it cannot be resumed; let its batches follow from (seed, epoch, index)"
            )
        return self.train

    def training_arguments(self, batches: keras.utils.PyDataset) -> dict[str, Any]:
        """What Keras' `fit` is given to train on: `batches`, or the arrays where their order never changes."""
        if self.shuffle or isinstance(self.train, keras.utils.PyDataset):
            return {"x": batches}
        return {**dict(zip(("x", "y", "sample_weight"), self.train, strict=False)), "batch_size": self.batch_size}

    def held_out(self, which: str) -> keras.utils.PyDataset | None:
        """The batches of `validation` or `test`, in order; None if there are none."""
        arrays = getattr(self, which)
        if arrays is None or isinstance(arrays, keras.utils.PyDataset):
            return arrays
        return Batches(*arrays, batch_size=self.batch_size, shuffle=False)
