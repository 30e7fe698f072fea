"""Runs a schedule in numpy, one sample at a time, on the memory the schedule laid out.

It tests a schedule before there is any C: liveness, rings, fused steps. Integers are exact; floats are
rounded to 32 bits after each step, their sums in numpy's order, or in that of the C, where it says which machine the
C is for: then a network of products and sums comes to the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from compiler.ir import functions, numerics
from compiler.mcu import steps
from compiler.mcu.packing import Kernels
from compiler.mcu.places import DTYPES, Place, Ring
from compiler.mcu.schedule import Scan, Schedule
from compiler.mcu.steps import Boxes, Compute, Rescale, Step

UFUNCS = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
}
REDUCTIONS = {"sum": np.add, "mean": np.add, "max": np.maximum, "min": np.minimum}
STARTS = {"sum": 0, "mean": 0, "max": -np.inf, "min": np.inf}


def execute(schedule: Schedule, *inputs: np.ndarray, aliased: bool = False) -> dict[str | int, np.ndarray]:
    """Every value that exists in memory, by name, and the caller's outputs under their numbers.

    Args:
        schedule: What to run, from reset.
        inputs: (steps, *shape) each, float32 or int16. A call begins
            where one that is given once a call changes.
        aliased: Whether output samples overwrite input samples, as a caller may have it.

    Returns:
        Arrays (steps, *shape) of the values' own types.
    """
    return _Machine(schedule).run(inputs, aliased)


@dataclass(frozen=True)
class Arithmetic:
    """How C sums products.

    Args:
        kernels: Plain C begins with the bias and ends with the last input; CMSIS-DSP ends with the bias.
        fused: Whether the machine rounds a product and a sum at once, where the runtime lets it.
    """

    kernels: Kernels
    fused: bool

    def add(self, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
        """a * b + c, NN_MADD of firmware/runtime/nn_base.h."""
        if self.fused:
            return (a.astype(np.float64) * b + c).astype(np.float32)
        return a * b + c

    def product(self, x: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """(rows, inputs) @ (inputs, outputs) + (outputs,)."""
        first = bias if self.kernels == "c" else np.zeros_like(bias)
        y = np.broadcast_to(first, (len(x), first.size)).astype(np.float32)
        for number, row in enumerate(weights):
            given = x[:, number : number + 1]
            y = self.add(given, row, y) if self.kernels == "c" else y + given * row
        return y if self.kernels == "c" else y + bias


def rings_at_rest(
    schedule: Schedule, *sample: np.ndarray, arithmetic: Arithmetic | None = None
) -> dict[str, np.ndarray]:
    """What each ring holds of each past sample when one sample has come in for ever, (channels,), without
    recurrence."""
    machine = _Machine(schedule, arithmetic)
    ports = zip(schedule.inputs, sample, strict=True)
    machine.caller = {
        ("in", n): np.asarray(x, DTYPES[port.place.ctype]).reshape(-1) for n, (port, x) in enumerate(ports)
    }
    for step in schedule.rest:
        machine.step(step, resting=True)
    return {ring.name: machine.rings[ring.name][: ring.channels] for ring in schedule.rings}


class _Machine:
    def __init__(self, schedule: Schedule, arithmetic: Arithmetic | None = None) -> None:
        self.schedule = schedule
        self.arithmetic = arithmetic
        self.scratch = {ctype: np.zeros(size, DTYPES[ctype]) for ctype, size in schedule.scratch.items()}
        self.caller: dict[tuple[str, int | str], np.ndarray] = {}
        self.reset()

    def reset(self) -> None:
        rings = self.schedule.rings
        self.rings = {ring.name: np.tile(ring.initial, ring.length).astype(DTYPES[ring.ctype]) for ring in rings}
        self.oldest = {ring.name: 0 for ring in rings}

    def run(self, inputs: Sequence[np.ndarray], aliased: bool = False) -> dict[str | int, np.ndarray]:
        schedule = self.schedule
        traced: dict[str | int, list[np.ndarray]] = {value.name: [] for value in schedule.values}
        traced |= {number: [] for number in range(len(schedule.outputs))}
        controls: list[bytes] | None = None
        for samples in zip(*inputs, strict=True):
            given = [
                np.array(x, DTYPES[port.place.ctype]).reshape(-1)
                for port, x in zip(schedule.inputs, samples, strict=True)
            ]
            results = [np.zeros(port.place.size, DTYPES[port.place.ctype]) for port in schedule.outputs]
            if aliased:
                results = given
            self.caller = {("in", n): x for n, x in enumerate(given)} | {("out", n): y for n, y in enumerate(results)}
            per_block = [x.tobytes() for port, x in zip(schedule.inputs, given, strict=True) if port.per_block]
            if per_block != controls:
                controls = per_block
                for step in schedule.steps[: schedule.steps_per_block]:
                    self.step(step)
            first = schedule.steps_per_block
            for index, step in enumerate((None, *schedule.steps[first:]), first - 1):
                if step is not None:
                    self.step(step)
                for value in schedule.values:
                    if value.after == index:
                        traced[value.name].append(self._view(value.place).reshape(value.shape).copy())
            for number, (port, result) in enumerate(zip(schedule.outputs, results, strict=True)):
                traced[number].append(result.reshape(port.shape).copy())
        return {name: np.array(rows) for name, rows in traced.items()}

    def step(self, step: Step, *, resting: bool = False) -> None:
        operands = [self._view(place).copy() for place in step.sources]
        if isinstance(step, steps.Push):
            at, channels = self.oldest[step.ring.name], step.ring.channels
            if resting:
                self.rings[step.ring.name][:] = np.tile(operands[0], step.ring.length)
            else:
                self.rings[step.ring.name][at : at + channels] = operands[0]
                self.oldest[step.ring.name] = (at + channels) % step.ring.size
            return
        target = self._view(step.target)
        if isinstance(step, steps.Move):
            source, start = step.start
            target[start + step.walk.offsets(1)] = operands[0][source + step.walk.offsets(0)]
        elif isinstance(step, steps.Window) and resting:
            target[:] = np.tile(operands[0], step.taps)
        else:
            with np.errstate(all="ignore"):
                target[:] = np.asarray(self._compute(step, operands)).reshape(-1)

    def _view(self, place: Place) -> np.ndarray:
        match place.area:
            case "scratch":
                memory = self.scratch[place.ctype]
            case "ring":
                memory = self.rings[place.which]
            case "table":
                memory = self.schedule.constants[place.which].reshape(-1)
            case _:
                memory = self.caller[place.area, place.which]
        return memory[place.offset : place.offset + place.size]

    def _compute(self, step: Compute, operands: list[np.ndarray]) -> np.ndarray | float:
        x = operands[0] if operands else None
        match step:
            case steps.Window():
                past = [self._past(step.ring, k * step.dilation) for k in range(step.taps - 1, 0, -1)]
                return np.concatenate([*past, x])
            case steps.MatMul(accumulator="float"):
                rows = x.reshape(step.rows, -1)
                if self.arithmetic:
                    return _ended(step.activation, self.arithmetic.product(rows, step.weights, step.bias))
                return _ended(step.activation, rows @ step.weights + step.bias)
            case steps.MatMul():
                rows = x.astype(np.int64).reshape(step.rows, -1)
                return _rescaled(step.rescale, rows @ step.weights + step.bias)
            case steps.Convolution():
                x = x if step.accumulator == "float" else x.astype(np.int64)
                rows, inside = _gathered(step.boxes, x.reshape(*step.boxes.space, len(step.kernel), -1))
                rows = np.where(inside[:, :, None, None], rows, 0).swapaxes(1, 2)
                y = np.einsum("pgk,gkf->pgf", rows.reshape(*rows.shape[:2], -1), step.kernel)
                y = y.reshape(len(y), -1) + step.bias
                return _ended(step.activation, y) if step.accumulator == "float" else _rescaled(step.rescale, y)
            case steps.Pool():
                rows, inside = _gathered(step.boxes, x.reshape(*step.boxes.space, -1))
                if step.function == "max":
                    return np.where(inside[..., None], rows, _least(x)).max(1)
                total = np.where(inside[..., None], rows, 0).sum(1)
                return total if step.function == "sum" else total / inside.sum(1)[:, None]
            case steps.Affine():
                rows = x.reshape(-1, step.scale.size)
                return (
                    self.arithmetic.add(rows, step.scale, step.shift)
                    if self.arithmetic
                    else (rows * step.scale + step.shift)
                )
            case steps.Unary():
                return functions.apply(step.function, x, step.parameters)
            case steps.Quantize():
                format = numerics.Format(True, 25, step.fraction)
                return numerics.dequantize(numerics.quantize(x, format, step.rounding, step.lo, step.hi), format)
            case steps.QuantizeEach():
                rows = x.reshape(-1, *step.grids.coarser.shape)
                return numerics.dequantize(step.grids.of(rows, step.rounding), step.grids.format).reshape(-1)
            case steps.Requantize():
                return _rescaled(step.rescale, x.astype(np.int64))
            case steps.Pointwise():
                sums = _exact(step, x.astype(np.int64))
                return sums if step.rescale is None else _rescaled(step.rescale, sums)
            case steps.Sum():
                return sum(x.astype(np.int64) * factor for x, factor in zip(operands, step.factors, strict=True))
            case steps.Copy():
                return x
            case steps.Fill():
                return np.full(step.target.size, step.value)
            case steps.Binary():
                picked = _picked(step, operands)
                if step.target.ctype != "float":
                    picked = [operand.astype(np.int64) for operand in picked]
                return UFUNCS[step.function](*picked)
            case steps.Select():
                condition, above, other = _picked(step, operands)
                return np.where(condition > 0, above, other)
            case steps.Reduce():
                start = _least(x) if step.function == "max" else STARTS[step.function]
                y = np.full(step.target.size, start, DTYPES[step.target.ctype])
                REDUCTIONS[step.function].at(y, step.walk.offsets(1), x[step.walk.offsets(0)])
                return y / (x.size // y.size) if step.function == "mean" else y
            case steps.Dot():
                a, b = (v.reshape(step.batch, -1, step.k) for v in operands)
                return a @ b.swapaxes(1, 2)
            case steps.Gather():
                return step.table[np.clip(np.nan_to_num(x), 0, len(step.table) - 1).astype(np.int64)]
            case Scan():
                return self._scan(step, x.reshape(step.steps, -1))
        raise NotImplementedError(type(step).__name__)

    def _scan(self, step: Scan, x: np.ndarray) -> np.ndarray:
        y = _Machine(step.body).run([x[::-1] if step.reverse else x])[0]
        if not step.sequences:
            return y[-1]
        return y[::-1] if step.reverse else y

    def _past(self, ring: Ring, delay: int) -> np.ndarray:
        at = (self.oldest[ring.name] + (ring.length - delay) * ring.channels) % ring.size
        return self.rings[ring.name][at : at + ring.channels]


def _picked(step: steps.Walked, operands: Sequence[np.ndarray]) -> list[np.ndarray]:
    """For each element of the target, those of the sources that it is made from."""
    return [operand[step.walk.offsets(n)] for n, operand in enumerate(operands)]


def _gathered(boxes: Boxes, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(height, width, ...) -> (positions, taps, ...), what is under each box, and which taps are inside."""
    places = []
    for axis in range(2):
        starts = np.arange(boxes.steps[axis]) * boxes.strides[axis] - boxes.before[axis]
        places.append(starts[:, None] + np.arange(boxes.taps[axis]) * boxes.dilation[axis])
    rows = np.broadcast_to(places[0][:, None, :, None], (*boxes.steps, *boxes.taps)).reshape(-1, boxes.box)
    columns = np.broadcast_to(places[1][None, :, None, :], (*boxes.steps, *boxes.taps)).reshape(-1, boxes.box)
    inside = (rows >= 0) & (rows < boxes.space[0]) & (columns >= 0) & (columns < boxes.space[1])
    return x[np.where(inside, rows, 0), np.where(inside, columns, 0)], inside


def _least(x: np.ndarray) -> float | int:
    """What is below every number of its type, or the least."""
    return -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min


def _exact(step: steps.Pointwise, x: np.ndarray) -> np.ndarray:
    if isinstance(step, steps.Table):
        return numerics.interpolate(x, step.given, step.entries, step.fraction_bits, step.symmetry, step.mirror)
    rows = x.reshape(-1, step.slopes.shape[1])
    return numerics.piecewise(rows, step.thresholds, step.slopes, step.offsets).reshape(-1)


def _rescaled(rescale: Rescale | None, x: np.ndarray) -> np.ndarray:
    if rescale is None:
        return x
    return numerics.requantize(x, rescale.shift, rescale.rounding, rescale.lo, rescale.hi)


def _ended(activation: str, x: np.ndarray) -> np.ndarray:
    return x if activation == "linear" else functions.apply(activation, x)
