"""Seeded training batches. Numpy only."""

from dataclasses import dataclass

import numpy as np

from zoo.wavenet.waves import EDGES, FLOAT, SAMPLE_RATE, SHAPES, Layout, phases, render


@dataclass(frozen=True)
class WaveBatches:
    """Random waves: batch i of epoch e is a function of the seed, i and e alone.

    Frequencies are log-uniform, because pitch is; the phase of the first sample is uniform. A `corners` share of each
    batch sits on the four corners, each as often as the others; the rest lies between the two ends of a random edge.

    Attributes:
        seed: any whole number from 0.
        channels: the layout of the network's input.
        batch_size: waves in a batch.
        samples: length of each wave.
        batches: batches in an epoch.
        low_hz, high_hz: range of the core's frequency.
        corners: share of waves that are pure shapes, 0..1.
        sample_rate: samples per second.
        stream: 0 for training; batches of another stream are never seen there, whatever the seed.
    """

    seed: int = 0
    channels: Layout = FLOAT
    batch_size: int = 32
    samples: int = 1024
    batches: int = 50
    low_hz: float = 40.0
    high_hz: float = 2_000.0
    corners: float = 0.75
    sample_rate: float = SAMPLE_RATE
    stream: int = 0

    def batch(self, epoch: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch `index` of `epoch`.

        Returns:
            The input, (batch_size, samples, channels.inputs), and the target, (batch_size, samples, 1), float32.
        """
        if not 0 <= index < self.batches:
            raise IndexError(f"batch {index} of {self.batches}")
        random = np.random.default_rng([self.seed, epoch, index, self.stream])
        size = self.batch_size
        frequency = np.exp(random.uniform(np.log(self.low_hz), np.log(self.high_hz), size))
        p = phases(frequency, self.samples + 1, random.uniform(size=size), self.sample_rate)

        pure = np.arange(size) < round(self.corners * size)
        corner = np.arange(size) % len(SHAPES)
        edge = np.array(EDGES)[random.integers(len(EDGES), size=size)]
        pairs = np.where(pure[:, None], corner[:, None], edge)
        mix = np.where(pure, 0.0, random.uniform(size=size))
        return render(p[:, :-1], p[:, 1:], pairs, mix, self.channels)

    def whole_epoch(self, epoch: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """All batches of an epoch, one behind the other: (batches * batch_size, samples, ...)."""
        inputs, targets = zip(*[self.batch(epoch, index) for index in range(self.batches)], strict=True)
        return np.concatenate(inputs), np.concatenate(targets)


def held_out_batches(channels: Layout = FLOAT) -> WaveBatches:
    """Waves to judge by: 64 long ones, wave i a pure `SHAPES[i % 4]`, the same for every training."""
    return WaveBatches(channels=channels, batch_size=64, samples=2048, batches=1, corners=1.0, stream=1)
