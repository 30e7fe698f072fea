"""Verification: what was built computes what its graph says, and if not, which layer first does not.

Fixed-point builds must equal the integer interpreter to the last bit. Float builds must come within the
one tolerance of the float64 interpreter: an error, max|y - k| / max(1, max|k|), of at most 1e-5, or of at
most 4 times what the same graph in float32 shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from compiler import progress, saturation
from compiler.build import Build, On
from compiler.errors import CompileError
from compiler.ir import interpreter, numerics
from compiler.ir.graph import Graph
from compiler.ir.ops import Convolution, Gather, MatMul, Quantize, QuantizeEach
from compiler.ir.values import Value
from compiler.targets import TARGETS

TOLERANCE = 1e-5
TIMES_FLOAT32 = 4.0
SAMPLES, FRAMES = 2000, 32
# Every value is kept for every step, in float64, in float32, and as the device has it.
BYTES_A_NUMBER, MOST_BYTES = 16, 4 << 30


@dataclass(frozen=True)
class Difference:
    """The first value that differs, and where."""

    layer: str
    others: tuple[str, ...]
    channel: int
    sample: int
    got: float
    wanted: float

    def __str__(self) -> str:
        through = f" (with {', '.join(self.others)})" if self.others else ""
        where = f"channel {self.channel}, sample {self.sample}"
        return f"layer '{self.layer}'{through} differs first: {where} is {self.got:g}, not {self.wanted:g}"


@dataclass(frozen=True)
class Check:
    """One line of the table: what ran where, on how many samples, and how it came out."""

    what: str
    samples: int
    passed: bool
    result: str


@dataclass(frozen=True, eq=False)
class Expected:
    """What the interpreter says about one input: exact values, and how far each may be missed."""

    graph: Graph
    values: Mapping[str, np.ndarray]
    allowed: Mapping[str, float]

    @classmethod
    def of(cls, build: Build, xs: Sequence[np.ndarray]) -> Expected:
        """Evaluates the build's graph on one array for each input, in the build's own numbers."""
        graph = build.graph
        values = interpreter.evaluate(graph, xs)
        if build.fixed:
            return cls(graph, values, dict.fromkeys(values, 0.0))
        single = interpreter.evaluate(graph, xs, precision=np.float32)
        allowed = {name: max(TOLERANCE, TIMES_FLOAT32 * error(single[name], exact)) for name, exact in values.items()}
        steps = [op.format.step for op in graph.ops if isinstance(op, Quantize | QuantizeEach)]
        if steps:
            # A sum that float32 rounds across a tie moves a quantiser's output by a whole step.
            allowed = {name: max(bound, 2 * max(steps)) for name, bound in allowed.items()}
        return cls(graph, values, allowed)

    def first_difference(self, got: Mapping[str, np.ndarray]) -> Difference | None:
        """The first value, in the graph's order, that is missed; values that `got` lacks are passed over."""
        known = {value.name for value in self.graph.inputs}
        for op in self.graph.ops:
            name = op.output.name
            if name not in got:
                continue
            wanted, y = self.values[name], np.asarray(got[name])
            scale = _scale(wanted) if self.allowed[name] else 1.0
            missed = ~(_gaps(y, wanted) <= self.allowed[name] * scale)  # so that NaN for a number misses too
            if missed.any():
                sample, channel = np.argwhere(missed.reshape(len(missed), -1))[0]
                pick = int(sample), int(channel)
                layer, others = _culprit(self.graph, op.output, known)
                flat, exact = y.reshape(len(y), -1), wanted.reshape(len(wanted), -1)
                return Difference(layer, others, pick[1], pick[0], float(flat[pick]), float(exact[pick]))
            known.add(name)
        return None


def error(y: np.ndarray, k: np.ndarray) -> float:
    """max|y - k| / max(1, max|k|), in float64; infinite if either holds NaN or an infinity that the other has not."""
    y, k = np.asarray(y, np.float64), np.asarray(k, np.float64)
    worst = float(_gaps(y, k).max(initial=0)) / _scale(k)
    return worst if np.isfinite(worst) else np.inf


def _gaps(y: np.ndarray, k: np.ndarray) -> np.ndarray:
    """|y - k|, which is 0 where both are NaN or the same infinity, and NaN where one alone is NaN."""
    with np.errstate(invalid="ignore"):
        return np.where((y == k) | (np.isnan(y) & np.isnan(k)), 0, np.abs(y - k))


def _scale(k: np.ndarray) -> float:
    """max(1, max|k|) over what is finite."""
    return max(1.0, float(np.abs(k[np.isfinite(k)]).max(initial=0)))


def _culprit(graph: Graph, value: Value, known: set[str]) -> tuple[str, tuple[str, ...]]:
    """The layer to name for a wrong value: of the layers between it and what is known to be right, the one
    with weights; and the others."""
    layers: list[str] = []
    weighted: list[str] = []
    pending = [value]
    while pending:
        at = pending.pop()
        op = graph.producer(at)
        if at.name in known or op is None:
            continue
        layers = [*at.folded, at.layer, *layers]
        if isinstance(op, MatMul | Convolution):
            weighted = [op.layer, *weighted]
        pending += op.inputs
    layer = weighted[0] if weighted else value.layer
    return layer, tuple(dict.fromkeys(name for name in layers if name != layer))


def stimulus(build: Build, steps: int, seed: int) -> list[np.ndarray]:
    """One array (steps, *shape) for each input, in the build's own numbers: noise, zeros, steps, full scale."""
    rng = np.random.default_rng(seed)
    xs = [_signal(build, value, steps, rng) for value in build.graph.inputs]
    # Controls stand still, so that it does not matter how the stream is cut into blocks.
    controls = build.graph.controls
    pairs = zip(build.graph.inputs, xs, strict=True)
    return [np.repeat(x[:1], steps, axis=0) if value.name in controls else x for value, x in pairs]


def _signal(build: Build, value: Value, steps: int, rng: np.random.Generator) -> np.ndarray:
    shape = (steps, *value.shape)
    tables = [op.table for op in build.graph.consumers(value) if isinstance(op, Gather)]
    if tables:
        return rng.integers(0, len(tables[0]), shape).astype(np.float32)
    lo, hi = (value.format.lo, value.format.hi) if value.format else build.report["input_range"]
    noise = rng.uniform(lo, hi, shape)
    part = max(1, steps // 8)
    noise[2 * part : 3 * part] = 0
    jumps = rng.choice([lo, 0, hi], (-(-part // 16), *value.shape))
    noise[3 * part : 4 * part] = np.repeat(jumps, 16, axis=0)[: len(noise[3 * part : 4 * part])]
    noise[4 * part : 5 * part] = rng.choice([lo, hi], noise[4 * part : 5 * part].shape)
    noise[5 * part : 6 * part] /= 256
    return np.rint(noise).astype(np.int64) if value.format else noise.astype(np.float32)


def verify(build: Build, *, samples: int | None = None, seed: int = 0) -> Iterator[Check]:
    """Runs a build wherever it runs and compares; yields each check as it ends, then updates report.json.

    Args:
        samples: How many samples, or frames; 2,000 samples or 32 frames where it is not said.
        seed: Of the noise and of the stalls, from 0 to 2^31 - 1.

    Raises:
        CompileError: There is no such number of samples or such a seed, or a tool is missing.
    """
    steps = _checked(build, SAMPLES if build.streams else FRAMES, samples, seed)
    target, graph = TARGETS[build.target].configured(build.report["options"]), build.graph
    variants = target.variants(graph, seed)
    unit = "samples" if build.streams else "frames"
    with build.files() as folder, progress.stage("computing what is expected", len(variants) * steps, unit):
        xs = stimulus(build, steps, seed)
        expected = Expected.of(build, xs)
        names = [value.name for value in graph.outputs]
        figures: dict[str, object] = {}
        passed, greatest = True, 0.0
        bits: list[np.ndarray] | None = None
        for variant in variants:
            progress.now(variant.what)
            # The first run gives every value, so that an error that never reaches the output shows too.
            got = target.execute(folder, graph, xs, variant.on, every=bits is None, **variant.how)
            figures |= got.figures
            ys = [np.asarray(got.values[name]) for name in names]
            difference = expected.first_difference(got.values)
            if difference and bits is not None:
                traced = target.execute(folder, graph, xs, variant.on, every=True, **variant.how)
                difference = expected.first_difference(traced.values) or difference
            missed = max(error(y, expected.values[name]) for y, name in zip(ys, names, strict=True))
            greatest = max(greatest, *(distance(y, expected.values[name]) for y, name in zip(ys, names, strict=True)))
            if difference:
                result = str(difference)
            elif variant.exactly and bits is not None and not all(map(_same, ys, bits)):
                result = "another block length gives other bits"
            else:
                result = ""
            passed &= not result
            fine = "equal to the last bit" if build.fixed else f"error {missed:.1e}"
            progress.advance(steps)
            yield Check(variant.what, steps, not result, result or fine)
            bits = ys if bits is None else bits
        progress.now("measuring")
        figures |= target.measure(folder, graph)
    if build.fixed:
        figures |= {"bit_exact": passed, "max_abs_error": _distance_to_float(build, xs, expected)}
        figures["saturations"] = [asdict(one) for one in saturation.of_values(graph, expected.values)]
    else:
        figures |= {"max_abs_error": greatest if np.isfinite(greatest) else None}  # which JSON could not say
    build.update_report(samples_checked=steps, **figures)


def _checked(build: Build, usual: int, samples: int | None, seed: int) -> int:
    """How many steps to verify, if there is the memory for that."""
    if not 0 <= seed < 1 << 31:
        raise CompileError(f"--seed must be from 0 to {(1 << 31) - 1}, not {seed}")
    values = (*build.graph.inputs, *(op.output for op in build.graph.ops))
    most = MOST_BYTES // (BYTES_A_NUMBER * sum(value.size for value in values))
    if samples is not None and not 1 <= samples <= max(most, usual):
        raise CompileError(f"--samples must be from 1 to {max(most, usual):,} for this build, not {samples:,}")
    return usual if samples is None else samples


def distance(y: np.ndarray, k: np.ndarray) -> float:
    """max|y - k|; infinite if either holds NaN or an infinity that the other has not."""
    greatest = float(_gaps(np.asarray(y, np.float64), np.asarray(k, np.float64)).max(initial=0))
    return greatest if np.isfinite(greatest) else np.inf


def _same(y: np.ndarray, k: np.ndarray) -> bool:
    return np.array_equal(y, k, equal_nan=True)


def _distance_to_float(build: Build, xs: Sequence[np.ndarray], expected: Expected) -> float:
    """How far the fixed-point outputs are from those of the float graph, at most."""
    graph = build.graph
    ideal = interpreter.evaluate(
        build.graphs["float"], [numerics.dequantize(x, value.format) for x, value in zip(xs, graph.inputs, strict=True)]
    )
    pairs = zip(graph.outputs, build.graphs["float"].outputs, strict=True)
    return max(distance(numerics.dequantize(expected.values[y.name], y.format), ideal[k.name]) for y, k in pairs)


def compare(build: Build, xs: Sequence[np.ndarray], on: On, against: On) -> Difference | None:
    """The first layer, channel and sample in which two ways of running a build differ; xs in its own numbers."""
    expected = Expected.of(build, xs)
    values = build.execute(xs, against, every=True)
    got = {name: y for name, y in build.execute(xs, on, every=True).items() if name in values}
    return Expected(expected.graph, {**expected.values, **values}, expected.allowed).first_difference(got)
