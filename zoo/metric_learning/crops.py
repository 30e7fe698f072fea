"""Random crops of images."""

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


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
