"""The batches as Keras 3 wants them."""

from typing import Any

import keras
import numpy as np

from zoo.wavenet.batches import WaveBatches


class WaveDataset(keras.utils.PyDataset):
    """Seeded random waves; every epoch brings new ones.

    Args:
        batches: what the waves look like, and their seed.
        epoch: number of the first epoch, for going on where an earlier training stopped.
        **kwargs: `workers`, `use_multiprocessing` and `max_queue_size` of `keras.utils.PyDataset`.

    An item is the input, (batch_size, samples, channels), and the target, (batch_size, samples, 1), float32.
    """

    def __init__(self, batches: WaveBatches, *, epoch: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.batches = batches
        self.epoch = epoch

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self.batches.batches

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch `index` of the current epoch."""
        return self.batches.batch(self.epoch, index)

    def on_epoch_end(self) -> None:
        """Moves on to the next epoch's waves."""
        self.epoch += 1
