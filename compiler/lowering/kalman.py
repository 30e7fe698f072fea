"""The zoo's Kalman filter, `zoo>KalmanCell`: products, and one division for each axis.

Observations that are taken in one after the other lead to what they lead to when taken in together, as long as their
noise is independent: a division by a number instead of the inverse of a matrix. With R = L D L^T, the observations
L^-1 (x, y) have the independent noise D. The covariance is symmetric, so its upper triangle is kept, ten numbers row by
row, and rounding cannot make it anything else; it is corrected in Joseph's form, in which it stays positive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from compiler.ir.ops import MatMul
from compiler.ir.values import Value
from compiler.lowering.arithmetic import binary, join, part
from compiler.lowering.builder import Builder
from compiler.lowering.cell import Cell
from compiler.lowering.layer import Layer

NAME = "zoo>KalmanCell"
SIZE, AXES = 4, 2
ROWS, COLUMNS = np.triu_indices(SIZE)
FIRSTS = np.cumsum([0, *range(SIZE, 0, -1)])  # where the rows of an upper triangle begin


def weight_shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The cell's weights in their order."""
    shapes: dict[str, tuple[int, ...]] = {
        "log_time_step": (),
        "log_acceleration_noise": (),
        "log_measurement_noise": (AXES,),
    }
    if config.get("parameters") == "matrix":
        square = {"transition": SIZE, "process_factor": SIZE, "measurement_factor": AXES}
        shapes = {name: (size, size) for name, size in square.items()}
    if config.get("acceleration"):
        shapes["constant_acceleration"] = (AXES,)
    if config.get("learn_start"):
        shapes |= {"start_mean": (SIZE,), "start_factor": (SIZE, SIZE)}
    return shapes


def kalman(layer: Layer, channels: int) -> Cell:
    """One step of the filter: what is expected, then what is seen of it."""
    if channels != AXES + 1:
        raise layer.error(f"a KalmanCell is given x, y and whether they were seen, not {channels} channels")
    config: dict[str, Any] = {}
    for name, choices in (("parameters", ("scalar", "matrix")), ("missing", ("skip", "feed_back"))):
        config[name] = layer.take(name, choices[0])
        if config[name] not in choices:
            raise layer.error(f"{name}={config[name]!r} is neither '{choices[0]}' nor '{choices[1]}'")
    for name in ("acceleration", "learn_start"):
        config[name] = layer.flag(name, False)
    held = layer.weights(weight_shapes(config))
    transition, push, process, measurement = _matrices(held)
    starts = (held.get("start_mean", np.zeros(SIZE)), _packed(_positive(held.get("start_factor", np.zeros((4, 4))))))
    both = _symmetric(transition)
    decorrelate, noise = _independent(measurement)

    def step(to: Builder, x: Value, before: Sequence[Value]) -> tuple[Value, list[Value]]:
        mean, spread = before
        mean = to.emit(MatMul, mean, suffix="_expected", weights=transition.T, bias=push)
        spread = to.emit(MatMul, spread, suffix="_spread", weights=both, bias=_packed(process))
        expected, position = part(to, mean, 0, 0, AXES, "_output"), part(to, x, 0, 0, AXES, "_position")
        seen = part(to, x, 0, AXES, 1, "_seen")
        for row, variance in zip(decorrelate, noise, strict=True):
            look = np.concatenate([row, np.zeros(SIZE - AXES)])
            along = _times(look)
            surprise = to.emit(
                MatMul,
                join(to, [position, mean], 0, "_both"),
                suffix="_surprise",
                weights=np.concatenate([row, -look])[:, None],
                bias=np.zeros(1),
            )
            reach = to.emit(MatMul, spread, suffix="_reach", weights=along, bias=np.zeros(SIZE))
            total = to.emit(MatMul, reach, suffix="_total", weights=look[:, None], bias=np.array([variance]))
            over = binary(to, "divide", to.constant(np.ones(1), "_one"), total, "_over")
            gain = binary(to, "multiply", reach, over, "_gain")
            if config["missing"] == "skip":
                gain = binary(to, "multiply", gain, seen, "_gain")
            counted = binary(to, "multiply", surprise, seen, "_counted")
            mean = binary(to, "add", mean, binary(to, "multiply", gain, counted, "_moved"), "_mean")
            spread = binary(to, "subtract", spread, _outer(to, gain, reach), "_less")
            # (I - k h) P (I - k h)^T + k r k^T: the second factor, of which only what rounding has left is not 0.
            left = to.emit(MatMul, spread, suffix="_left", weights=along, bias=np.zeros(SIZE))
            known = binary(to, "multiply", gain, to.constant(np.array([variance]), "_noise"), "_known")
            rest = binary(to, "subtract", left, known, "_rest")
            spread = binary(to, "subtract", spread, _outer(to, gain, rest), "_spread")
        return expected, [mean, spread]

    return Cell((SIZE, len(ROWS)), step, output=None, units=AXES, starts=starts)


def _matrices(held: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Transition (4, 4), what the constant acceleration adds (4,), covariances of process and measurement."""
    step = float(np.exp(held.get("log_time_step", np.zeros(()))))
    pushed = np.concatenate([0.5 * step * step * np.eye(AXES), step * np.eye(AXES)])
    push = pushed @ held.get("constant_acceleration", np.zeros(AXES))
    if "transition" in held:
        process, measurement = _positive(held["process_factor"]), _positive(held["measurement_factor"])
        return held["transition"], push, process, measurement
    process = np.exp(2.0 * held["log_acceleration_noise"]) * pushed @ pushed.T
    measurement = np.diag(np.exp(2.0 * held["log_measurement_noise"]))
    return np.eye(SIZE) + step * np.eye(SIZE, k=AXES), push, process, measurement


def _positive(weights: np.ndarray) -> np.ndarray:
    factor = np.tril(weights, -1) + np.diag(np.exp(np.diag(weights)))
    return factor @ factor.T


def _packed(matrix: np.ndarray) -> np.ndarray:
    return matrix[ROWS, COLUMNS]


def _unpacked(upper: np.ndarray) -> np.ndarray:
    matrix = np.zeros((SIZE, SIZE))
    matrix[ROWS, COLUMNS] = matrix[COLUMNS, ROWS] = upper
    return matrix


def _symmetric(transition: np.ndarray) -> np.ndarray:
    """P -> F P F^T on upper triangles: (10, 10), to be multiplied with from the right."""
    return np.stack([_packed(transition @ _unpacked(one) @ transition.T) for one in np.eye(len(ROWS))])


def _times(look: np.ndarray) -> np.ndarray:
    """P -> P h out of an upper triangle: (10, 4), to be multiplied with from the right."""
    return np.stack([_unpacked(one) @ look for one in np.eye(len(ROWS))])


def _independent(measurement: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """L^-1 and the diagonal of D in R = L D L^T."""
    factor = np.linalg.cholesky(measurement)
    return np.linalg.inv(factor / np.diag(factor)), np.diag(factor) ** 2


def _outer(to: Builder, a: Value, b: Value) -> Value:
    """The upper triangle of a b^T, which is symmetric."""
    rows = [
        binary(to, "multiply", part(to, a, 0, row, 1), part(to, b, 0, row, SIZE - row), "_row") for row in range(SIZE)
    ]
    return join(to, rows, 0, "_outer")
