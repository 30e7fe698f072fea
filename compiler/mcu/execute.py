"""Runs a schedule in numpy, one sample at a time, on the memory the schedule laid out.

It tests a schedule before there is any C: liveness, rings, fused steps. Integers are exact; floats are
rounded to 32 bits after each step, their sums in numpy's order.
"""

from __future__ import annotations

import numpy as np

from compiler import numerics
from compiler.mcu.steps import (
    DTYPES,
    Activate,
    Copy,
    Gather,
    Place,
    Product,
    Push,
    Requantize,
    Rescale,
    Ring,
    RoundToGrid,
    ScaleShift,
    Schedule,
    Step,
)


def execute(schedule: Schedule, x: np.ndarray, *, aliased: bool = False) -> dict[str, np.ndarray]:
    """Every value that exists in memory, by name, and the caller's output under "".

    Args:
        schedule: What to run, from reset.
        x: (samples, channels), float32 or int16.
        aliased: Whether output samples overwrite input samples, as a caller may have it.

    Returns:
        Arrays (samples, *shape) of the values' own types.
    """
    return _Machine(schedule).run(x, aliased)


class _Machine:
    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.scratch = {ctype: np.zeros(size, DTYPES[ctype]) for ctype, size in schedule.scratch.items()}
        self.rings = {
            ring.name: np.tile(ring.initial, ring.length).astype(DTYPES[ring.ctype]) for ring in schedule.rings
        }
        self.oldest = {ring.name: 0 for ring in schedule.rings}
        self.caller: dict[str, np.ndarray] = {}

    def run(self, x: np.ndarray, aliased: bool) -> dict[str, np.ndarray]:
        schedule = self.schedule
        traced: dict[str, list[np.ndarray]] = {value.name: [] for value in schedule.values} | {"": []}
        for sample in np.asarray(x, DTYPES[schedule.source.ctype]):
            given = sample.copy()
            result = given if aliased else np.zeros(schedule.result.size, DTYPES[schedule.result.ctype])
            self.caller = {"in": given, "out": result}
            for index, step in enumerate((None, *schedule.steps), -1):
                if step is not None:
                    self._step(step)
                for value in schedule.values:
                    if value.after == index:
                        traced[value.name].append(self._view(value.place).reshape(value.shape).copy())
            traced[""].append(result.copy())
        return {name: np.array(rows) for name, rows in traced.items()}

    def _view(self, place: Place) -> np.ndarray:
        memory = self.scratch[place.ctype] if place.area == "scratch" else self.caller[place.area]
        return memory[place.offset : place.offset + place.size]

    def _step(self, step: Step) -> None:
        x = self._view(step.source).copy()
        if isinstance(step, Push):
            at = self.oldest[step.ring.name]
            self.rings[step.ring.name][at : at + step.ring.channels] = x
            self.oldest[step.ring.name] = (at + step.ring.channels) % step.ring.size
            return
        self._view(step.target)[:] = self._compute(step, x)

    def _compute(self, step: Step, x: np.ndarray) -> np.ndarray:
        match step:
            case Gather():
                return np.concatenate(
                    [*(self._past(step.ring, k * step.dilation) for k in range(step.taps - 1, 0, -1)), x]
                )
            case Product(rescale=Rescale() as rescale):
                return _rescaled(rescale, x.astype(np.int64) @ step.weights + step.bias)
            case Product(accumulator="float"):
                return _function(step.activation, x @ step.weights + step.bias)
            case Product():
                return x.astype(np.int64) @ step.weights + step.bias
            case ScaleShift():
                return x * step.scale + step.shift
            case Activate():
                return _function(step.function, x)
            case RoundToGrid():
                format = numerics.Format(True, 25, step.fraction)
                return numerics.dequantize(numerics.quantize(x, format, step.rounding, step.lo, step.hi), format)
            case Requantize():
                return _rescaled(step.rescale, x.astype(np.int64))
            case Copy():
                return x
        raise NotImplementedError(type(step).__name__)

    def _past(self, ring: Ring, delay: int) -> np.ndarray:
        at = (self.oldest[ring.name] + (ring.length - delay) * ring.channels) % ring.size
        return self.rings[ring.name][at : at + ring.channels]


def _rescaled(rescale: Rescale, x: np.ndarray) -> np.ndarray:
    return numerics.requantize(x, rescale.shift, rescale.rounding, rescale.lo, rescale.hi)


def _function(name: str, x: np.ndarray) -> np.ndarray:
    match name:
        case "relu":
            return np.maximum(x, 0)
        case "tanh":
            return np.tanh(x)
        case "sigmoid":
            e = np.exp(-np.abs(x))
            return np.where(x >= 0, 1 / (1 + e), e / (1 + e))
    return x
