"""The waves: a triangle core and what the network is to make of it. Numpy only."""

from dataclasses import dataclass

import numpy as np

SAMPLE_RATE = 48_000.0
"""Samples per second."""

SHAPES = ("sine", "ramp", "square", "zigzag")
"""The four shapes, in the order in which every table and picture of this package lists them."""

CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float64)
"""Where each of `SHAPES` lives in the embedding: shape (4, 2), values 0 or 1."""

EDGES = ((0, 1), (0, 2), (1, 3), (2, 3))
"""Pairs of `SHAPES` that share an edge of the embedding square.

Only these are mixed. The two diagonals cross at the centre, where one input would have two different targets.
"""


@dataclass(frozen=True)
class Layout:
    """How a wave is laid out in a network's channels.

    Attributes:
        inputs: input channels: the core, the two embedding coordinates, then zeros.
        outputs: output channels of the network; the first is the wave, the others are never looked at.
        low, high: the values that embedding coordinates 0 and 1 are sent as.
    """

    inputs: int
    outputs: int
    low: float
    high: float


FLOAT = Layout(inputs=3, outputs=1, low=0.0, high=1.0)
"""What a microcontroller sees: three channels in, one out."""

FIXED_POINT = Layout(inputs=4, outputs=4, low=-1.0, high=1.0)
"""What the FPGA sees: four channels in and out, because its matrix products are four wide."""


def layout(*, quantized: bool) -> Layout:
    """The channels of the quantized or of the float network."""
    return FIXED_POINT if quantized else FLOAT


def receptive_field(kernel_size: int, dilations: tuple[int, ...]) -> int:
    """Input samples that one output sample of a stack of causal convolutions depends on, itself included."""
    return 1 + (kernel_size - 1) * sum(dilations)


def phases(
    frequency: np.ndarray | float, samples: int, phase: np.ndarray | float = 0.0, sample_rate: float = SAMPLE_RATE
) -> np.ndarray:
    """Phase of an oscillator at samples 0 .. samples - 1.

    Every phase is computed from the sample's number, not accumulated, and the wrap is taken in hertz, where it is
    exact for whole frequencies: a 480 Hz wave meets phase 0 at sample 100 and not at 0.99999.

    Args:
        frequency: hertz, shape (...).
        samples: how many.
        phase: phase of sample 0 in turns, broadcast against `frequency`.
        sample_rate: samples per second.

    Returns:
        Turns in [0, 1), shape (..., samples), float64.
    """
    frequency, phase = np.asarray(frequency, np.float64)[..., None], np.asarray(phase, np.float64)[..., None]
    turned = np.mod(frequency * np.arange(samples) + phase * sample_rate, sample_rate) / sample_rate
    return np.where(turned < 1.0, turned, 0.0)  # a tiny negative phase wraps to exactly 1.0 in floating point


def triangle(p: np.ndarray) -> np.ndarray:
    """The core: 0 and rising at phase 0, 1 at a quarter, -1 at three quarters."""
    return 4.0 * np.abs(np.mod(p - 0.25, 1.0) - 0.5) - 1.0


def shape(name: str, p: np.ndarray) -> np.ndarray:
    """One of `SHAPES` at phases `p` in [0, 1); values in -1..1."""
    match name:
        case "sine":
            return np.sin(2.0 * np.pi * p)
        case "ramp":
            return 2.0 * p - 1.0
        case "square":
            return np.where(p < 0.5, 1.0, -1.0)
        case "zigzag":  # a ramp an octave up
            return 2.0 * np.mod(2.0 * p, 1.0) - 1.0
    raise ValueError(f"no shape is called {name!r}; there are {', '.join(SHAPES)}")


def constant_power(mix: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Gains of two waves, `mix` of the way (0..1) from the first to the second, whose squares add up to 1."""
    angle = np.asarray(mix) * (np.pi / 2.0)
    return np.cos(angle), np.sin(angle)


def render(
    core_phases: np.ndarray, next_phases: np.ndarray, pairs: np.ndarray, mix: np.ndarray, channels: Layout
) -> tuple[np.ndarray, np.ndarray]:
    """The input and the target for a batch of oscillators.

    Args:
        core_phases: phases of the core, (batch, samples).
        next_phases: phases one sample later, which is where the target is taken, (batch, samples).
        pairs: the two shapes that each wave lies between, indices into `SHAPES`, (batch, 2).
        mix: how far each wave lies from its first shape to its second, (batch,), 0..1.
        channels: the layout of the input.

    Returns:
        The input, (batch, samples, channels.inputs), and the target, (batch, samples, 1), both float32.
    """
    batch, samples = core_phases.shape
    point = (1.0 - mix)[:, None] * CORNERS[pairs[:, 0]] + mix[:, None] * CORNERS[pairs[:, 1]]
    inputs = np.zeros((batch, samples, channels.inputs), np.float32)
    inputs[..., 0] = triangle(core_phases)
    inputs[..., 1:3] = (channels.low + (channels.high - channels.low) * point)[:, None, :]

    weights = np.zeros((batch, len(SHAPES)))
    rows = np.arange(batch)
    for column, gain in enumerate(constant_power(mix)):
        weights[rows, pairs[:, column]] += gain
    target = np.zeros((batch, samples))
    for index, name in enumerate(SHAPES):
        mixed = np.flatnonzero(weights[:, index])
        target[mixed] += weights[mixed, index, None] * shape(name, next_phases[mixed])
    return inputs, target[..., None].astype(np.float32)


def corner_waves(
    samples: int = 2_000,
    frequency: float = 220.0,
    *,
    quantized: bool = False,
    phase: float = 0.0,
    sample_rate: float = SAMPLE_RATE,
) -> tuple[np.ndarray, np.ndarray]:
    """The four corners of the embedding: one wave for each of `SHAPES`, in that order.

    Args:
        samples: length of each wave.
        frequency: hertz.
        quantized: the four-channel input with corners at -1 and 1, instead of three channels with corners at 0 and 1.
        phase: phase of the first sample, in turns.
        sample_rate: samples per second.

    Returns:
        The input, (4, samples, 3) or (4, samples, 4), and the target, (4, samples, 1), both float32. The target is
        what the network's first output should be; outputs inside the receptive field start from silence.
    """
    p = np.tile(phases(frequency, samples + 1, phase, sample_rate), (len(SHAPES), 1))
    pairs = np.repeat(np.arange(len(SHAPES))[:, None], 2, axis=1)
    return render(p[:, :-1], p[:, 1:], pairs, np.zeros(len(SHAPES)), layout(quantized=quantized))
