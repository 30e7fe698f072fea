"""Verification: what was built computes what its graph says, and if not, which layer first does not.

Fixed-point builds must equal the integer interpreter to the last bit. Float builds must come within the
one tolerance of the float64 interpreter: an error, max|y - k| / max(1, max|k|), of at most 1e-5, or of at
most 4 times what the same graph in float32 shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from compiler import numerics, reference
from compiler.build import Build, On, target_module
from compiler.graph import Graph, Value
from compiler.ops import Convolution, MatMul, Quantize

TOLERANCE = 1e-5
TIMES_FLOAT32 = 4.0
SAMPLES = 2000


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
    def of(cls, build: Build, x: np.ndarray) -> Expected:
        """Evaluates the build's graph on x, in the build's own numbers."""
        graph = build.graph
        values = reference.evaluate(graph, [x])
        if build.fixed:
            return cls(graph, values, dict.fromkeys(values, 0.0))
        single = reference.evaluate(graph, [x], precision=np.float32)
        allowed = {name: max(TOLERANCE, TIMES_FLOAT32 * error(single[name], exact)) for name, exact in values.items()}
        steps = [op.format.step for op in graph.ops if isinstance(op, Quantize)]
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
            scale = max(1.0, float(np.abs(wanted).max(initial=0))) if self.allowed[name] else 1.0
            missed = ~(np.abs(y - wanted) <= self.allowed[name] * scale)  # so that NaN misses too
            if missed.any():
                sample, channel = np.argwhere(missed.reshape(len(missed), -1))[0]
                pick = int(sample), int(channel)
                layer, others = _culprit(self.graph, op.output, known)
                flat, exact = y.reshape(len(y), -1), wanted.reshape(len(wanted), -1)
                return Difference(layer, others, pick[1], pick[0], float(flat[pick]), float(exact[pick]))
            known.add(name)
        return None


def error(y: np.ndarray, k: np.ndarray) -> float:
    """max|y - k| / max(1, max|k|), in float64; infinite if y holds NaN."""
    y, k = np.asarray(y, np.float64), np.asarray(k, np.float64)
    if not y.size:
        return 0.0
    worst = float(np.abs(y - k).max()) / max(1.0, float(np.abs(k).max()))
    return worst if np.isfinite(worst) else np.inf


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


def stimulus(build: Build, samples: int, seed: int) -> np.ndarray:
    """(samples, channels) in the build's own numbers: noise from reset, zeros, steps, full scale, quiet noise."""
    (value,) = build.graph.inputs
    rng = np.random.default_rng(seed)
    lo, hi = (value.format.lo, value.format.hi) if value.format else build.report["input_range"]
    noise = rng.uniform(lo, hi, (samples, value.size))
    part = max(1, samples // 8)
    noise[2 * part : 3 * part] = 0
    steps = rng.choice([lo, 0, hi], (-(-part // 16), value.size))
    noise[3 * part : 4 * part] = np.repeat(steps, 16, axis=0)[: len(noise[3 * part : 4 * part])]
    noise[4 * part : 5 * part] = rng.choice([lo, hi], noise[4 * part : 5 * part].shape)
    noise[5 * part : 6 * part] /= 256
    return np.rint(noise).astype(np.int64) if value.format else noise.astype(np.float32)


def verify(build: Build, *, samples: int = SAMPLES, seed: int = 0) -> Iterator[Check]:
    """Runs a build wherever it runs and compares; yields each check as it ends, then updates report.json."""
    x = stimulus(build, samples, seed)
    expected = Expected.of(build, x)
    (output,) = build.graph.outputs
    module = target_module(build.target)
    figures: dict[str, object] = {}
    passed = True
    worst = 0.0
    bits: np.ndarray | None = None
    for variant in module.variants(build, seed):
        # The first run gives every value, so that an error that never reaches the output shows too.
        got = module.execute(build, x, variant.on, every=bits is None, **variant.how)
        figures |= got.figures
        y = np.asarray(got.values[output.name])
        difference = expected.first_difference(got.values)
        if difference and bits is not None:
            traced = module.execute(build, x, variant.on, every=True, **variant.how)
            difference = expected.first_difference(traced.values) or difference
        missed = error(y, expected.values[output.name])
        worst = max(worst, missed)
        if difference:
            result = str(difference)
        elif variant.exactly and bits is not None and not np.array_equal(y, bits):
            result = "another block length gives other bits"
        else:
            result = ""
        passed &= not result
        fine = "equal to the last bit" if build.fixed else f"error {missed:.1e}"
        yield Check(variant.what, samples, not result, result or fine)
        bits = y if bits is None else bits
    figures |= module.measure(build)
    if build.fixed:
        real = numerics.dequantize(x, build.graph.inputs[0].format)
        ideal = reference.run(build.graphs["float"], real)
        ours = numerics.dequantize(expected.values[output.name], output.format)
        figures |= {"bit_exact": passed, "max_abs_error": float(np.abs(ours - ideal).max())}
    else:
        figures |= {"max_abs_error": worst * max(1.0, float(np.abs(expected.values[output.name]).max()))}
    build.update_report(samples_checked=samples, **figures)


def compare(build: Build, x: np.ndarray, on: On, against: On) -> Difference | None:
    """The first layer, channel and sample in which two ways of running a build differ; x in its own numbers."""
    expected = Expected.of(build, x)
    values = build.execute(x, against, every=True)
    return Expected(expected.graph, expected.values | values, expected.allowed).first_difference(
        {name: y for name, y in build.execute(x, on, every=True).items() if name in values}
    )
