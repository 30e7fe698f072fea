"""Training images, each mirrored and moved at random whenever it is shown."""

from dataclasses import dataclass
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


@dataclass(frozen=True)
class RandomCrop:
    """Cuts a square out of each padded image, and mirrors half of them: `augment` of `MPerClass` and `Batches`.

    Attributes:
        size: side of the square in pixels.
        padding: how far it may reach beyond the image, where the image's own reflection stands.
        flip: whether half of the images are mirrored. Digits are not to be.
    """

    size: int
    padding: int = 2
    flip: bool = True

    def __call__(self, random: np.random.Generator, images: Array, labels: Array) -> tuple[Array, Array]:
        """From (batch, height, width, channels) to (batch, size, size, channels); labels stay what they are.

        Raises:
            ValueError: the square is larger than the padded images.
        """
        p = self.padding
        padded = np.pad(images, ((0, 0), (p, p), (p, p), (0, 0)), mode="reflect") if p else images
        count, height, width = padded.shape[:3]
        if self.size > min(height, width):
            raise ValueError(
                f"no square of {self.size} pixels fits into images of {height} x {width}, padding included"
            )
        rows = random.integers(height - self.size + 1, size=count)[:, None] + np.arange(self.size)
        columns = random.integers(width - self.size + 1, size=count)[:, None] + np.arange(self.size)
        if self.flip:
            mirrored = random.integers(2, size=count).astype(bool)
            columns = np.where(mirrored[:, None], columns[:, ::-1], columns)
        return padded[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]], labels
