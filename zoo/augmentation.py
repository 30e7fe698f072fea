"""Training images, each flipped and shifted at random whenever it is shown."""

from typing import Any

import numpy as np

from zoo.runs import Batches
from zoo.splits import Array, Part, pixels


class AugmentedImages(Batches):
    """Batches of a split: every epoch in a new order, every image mirrored and moved by a few pixels at random.

    What is drawn depends on the seed, the epoch and the batch alone, so that a training can be taken up again. In
    Keras' own `fit` every epoch is followed by the next; `zoo.runs.fit` says itself which one it is.

    Args:
        part: images and labels.
        batch_size: images in a batch; the last batch of an epoch has what is left over.
        shift: greatest shift in pixels, in both directions; what comes in from outside is the image's own reflection.
        flip: whether half of the images are mirrored. Digits are not to be.
        seed: seeds order, shifts and flips.

    Yields:
        Pairs (x, y): (batch_size, height, width, channels) float32 from -1 to 1, and labels (batch_size,) int32.
    """

    def __init__(
        self,
        part: Part,
        *,
        batch_size: int = 128,
        shift: int = 4,
        flip: bool = True,
        seed: int = 0,
        **options: Any,
    ) -> None:
        padded = np.pad(part.x, ((0, 0), (shift, shift), (shift, shift), (0, 0)), mode="reflect")
        super().__init__(padded, part.y, batch_size=batch_size, seed=seed, augment=self._cut, **options)
        _, self.height, self.width, _ = part.x.shape
        self.places, self.flip = 2 * shift + 1, flip

    def on_epoch_end(self) -> None:
        """Turns to the next epoch."""
        self.epoch += 1

    def _cut(self, random: np.random.Generator, padded: Array, labels: Array) -> tuple[Array, Array]:
        """One place of each image, as it is or mirrored."""
        rows, columns = random.integers(self.places, size=(2, len(padded)))
        steps = random.choice([1, -1], size=len(padded)) if self.flip else np.ones(len(padded), int)
        x = np.empty((len(padded), self.height, self.width, padded.shape[-1]), padded.dtype)
        for image, whole, row, column, step in zip(x, padded, rows, columns, steps, strict=True):
            image[:] = whole[row : row + self.height, column : column + self.width][:, ::step]
        return pixels(x), labels
