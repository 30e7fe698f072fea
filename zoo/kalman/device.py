"""The filter once it has settled, as layers that every device has.

As long as nothing is missing, covariance and gain K settle, and the filter is linear: with the transition F, what the
constant acceleration adds, u, and A = I - K H, where H reads the position, the expected state is

    p' = F A p + F K z + u,    and the output H p.

That is a `SimpleRNN` without a function; or, as powers of F A go to zero, a causal `Conv1D`.
"""

from dataclasses import dataclass

import keras
import numpy as np

from zoo.kalman.reference import Numbers

Array = np.ndarray

CUT = 2.0**-13
"""What a convolution may leave out: half of the least step of a 16-bit output with 12 bits of fraction."""

LONGEST = 4096
"""Taps beyond which no convolution is made."""


@dataclass(frozen=True)
class Settled:
    """A filter whose gain has settled.

    Attributes:
        transition: (4, 4), from an expected state to the next.
        observed: (4, 2), from an observation to the next expected state.
        push: (4,), what is added at each step.
        first: (4,), the state that is expected at the first step.
    """

    transition: Array
    observed: Array
    push: Array
    first: Array


def settle(numbers: Numbers) -> Settled:
    """The filter after as many observations as its gain needs to stand still.

    Raises:
        ValueError: its gain does not settle within 20,000 steps.
    """
    f, covariance, gain = numbers.transition, numbers.start_covariance, np.zeros((4, 2))
    for _ in range(20_000):
        expected = f @ covariance @ f.T + numbers.process
        before, gain = gain, expected[:, :2] @ np.linalg.inv(expected[:2, :2] + numbers.measurement)
        covariance = expected - gain @ expected[:2]
        covariance = 0.5 * (covariance + covariance.T)
        if np.abs(gain - before).max() < 1e-13:
            rest = np.eye(4) - np.pad(gain, [(0, 0), (0, 2)])
            return Settled(f @ rest, f @ gain, numbers.push, f @ numbers.start_mean + numbers.push)
    raise ValueError("the gain of this filter does not settle: its motion has no noise")


def recurrent(settled: Settled) -> keras.Model:
    """Positions expected, (batch, steps, 2), from observations (batch, steps, 2), equal from the first step on.

    The input is moved back by a step, so that like the filter it answers before it sees. A layer without a function
    begins at zero; so one more unit, 0 before the first step and 1 after it, takes away again what the bias brought in:
    the start.
    """
    kernel = np.concatenate([settled.observed.T, np.zeros((2, 1))], axis=1)
    back = np.zeros((5, 5))
    back[:4, :4] = settled.transition.T
    back[4, :4] = settled.push - settled.first
    inputs = keras.Input((None, 2))
    before = keras.layers.Conv1D(2, 2, padding="causal", use_bias=False, name="before")
    rnn = keras.layers.SimpleRNN(5, activation="linear", return_sequences=True, name="settled")
    position = keras.layers.Dense(2, use_bias=False, name="position")
    model = keras.Model(inputs, position(rnn(before(inputs))), name="settled")
    before.set_weights([np.stack([np.eye(2), np.zeros((2, 2))])])
    rnn.set_weights([kernel, back, np.append(settled.first, 1.0)])
    position.set_weights([np.eye(5, 2)])
    return model


def taps_of(settled: Settled, cut: float = CUT) -> Array:
    """What each observation, the present one first, weighs: (taps, 2 observed, 2 expected).

    As many that what is left out is below `cut`, for observations from -1 to 1. The present one weighs nothing.

    Raises:
        ValueError: that would be more than `LONGEST`.
    """
    power, taps = np.eye(4), [np.zeros((2, 2))]
    for _ in range(4 * LONGEST):
        taps.append((power @ settled.observed)[:2].T)
        power = settled.transition @ power
    found = np.stack(taps)
    left = np.cumsum(np.abs(found).sum(axis=1)[::-1], axis=0)[::-1].max(axis=1)  # out of all from a tap on
    count = int(np.argmax(left < cut))
    if not 0 < count <= LONGEST:
        raise ValueError(f"more than {LONGEST} observations weigh in this filter: it remembers for too long")
    return found[:count]


def convolution(settled: Settled, cut: float = CUT) -> keras.Model:
    """As `recurrent`, as a causal convolution; equal but for `cut` once its taps are full.

    Raises:
        ValueError: as `taps_of`.
    """
    taps = taps_of(settled, cut)
    inputs = keras.Input((None, 2))
    layer = keras.layers.Conv1D(2, len(taps), padding="causal", name="taps")
    model = keras.Model(inputs, layer(inputs), name="taps")
    always = np.linalg.solve(np.eye(4) - settled.transition, settled.push)[:2]
    layer.set_weights([taps[::-1], always])
    return model
