"""Each kind of operation as a relation: linear maps of its sources between which its output lies, proven.

What has no relation here is bounded by an interval of its own, or refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from compiler.ir import functions, interpreter, numerics
from compiler.ir.grids import QuantizeEach
from compiler.ir.movement import MOVEMENTS
from compiler.ir.ops import (
    Affine,
    Binary,
    Constant,
    Convolution,
    Dot,
    Gather,
    MatMul,
    Op,
    Pad,
    Piecewise,
    Pool,
    Quantize,
    Reduce,
    Select,
    Unary,
)
from compiler.passes import lines
from compiler.passes.function_ranges import image, image_of_pieces
from compiler.passes.maps import Elements, Map, Product

Array = np.ndarray
MOST_COEFFICIENTS = 1 << 22  # of a convolution or a pooling written out as a matrix
EPSILON = 2.0**-52
CORNERS: dict[str, Callable[..., tuple[float, ...]]] = {
    "relu": lambda: (0.0,),
    "relu_general": lambda slope, most, threshold: (threshold, *([] if math.isinf(most) else [most])),
    "leaky_relu": lambda slope: (0.0,),
    "soft_shrink": lambda t: (-t, t),
    "hard_shrink": lambda t: (-t, t),
    "threshold": lambda t, below: (t,),
    "sparse_sigmoid": lambda: (-1.0, 1.0),
    "hard_sigmoid": lambda: (-3.0, 3.0),
    "hard_tanh": lambda: (-1.0, 1.0),
    "clip": lambda lo, hi: (lo, hi),
    "absolute": lambda: (0.0,),
    "negative": lambda: (),
}

UNROUNDED = {"relu", "clip", "hard_tanh", "absolute", "negative"}  # what they give is what they were given, or a bound

LIMITS = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "softsign": (-1.0, 1.0)}


@dataclass(frozen=True, eq=False)
class Bounds:
    """Between which numbers each element of a value lies; flattened."""

    lo: Array
    hi: Array

    @property
    def magnitude(self) -> Array:
        """The greatest magnitude of each."""
        return np.maximum(np.abs(self.lo), np.abs(self.hi))

    @property
    def finite(self) -> bool:
        """Whether there are such numbers."""
        return bool(np.isfinite(self.lo).all() and np.isfinite(self.hi).all())

    def hull(self, lo: Array, hi: Array) -> Bounds:
        """What holds both."""
        return Bounds(np.minimum(self.lo, lo), np.maximum(self.hi, hi))

    def meet(self, lo: Array, hi: Array) -> Bounds:
        """What lies in both; a number that is none (NaN) bounds nothing."""
        return Bounds(np.fmax(self.lo, lo), np.fmin(self.hi, hi))


@dataclass(frozen=True, eq=False)
class Relation:
    """sum of lower maps + below <= y <= sum of upper maps + above.

    Args:
        sources: The input's number, its map in the upper bound and that in the lower one.
        exact: Whether both are the same map, but for what rounding may do.
        own: What is known of y without the maps.
    """

    sources: tuple[tuple[int, Map, Map], ...]
    above: Array
    below: Array
    exact: bool = False
    own: Bounds | None = None

    def interval(self, given: list[Bounds]) -> Bounds:
        """Bounds of the output from bounds of the inputs."""
        if self.own is not None:
            return self.own
        lo, hi, size = self.below.copy(), self.above.copy(), np.abs(self.above) + np.abs(self.below)
        terms = 4
        for n, upper, lower in self.sources:
            rising, falling = upper.parts()
            hi += rising.forth(given[n].hi) + falling.forth(given[n].lo)
            rising, falling = lower.parts()
            lo += rising.forth(given[n].lo) + falling.forth(given[n].hi)
            size += upper.magnitude().forth(given[n].magnitude) + lower.magnitude().forth(given[n].magnitude)
            terms += upper.terms if isinstance(upper, Product) else 1
        error = terms * EPSILON * size
        return Bounds(lo - error, hi + error)

    def magnitude(self, given: list[Bounds]) -> Array:
        """No less than the sum of the magnitudes of all terms."""
        result = np.maximum(np.abs(self.above), np.abs(self.below))
        for n, upper, lower in self.sources:
            result = result + upper.magnitude().forth(given[n].magnitude)
            if lower is not upper:
                result = result + lower.magnitude().forth(given[n].magnitude)
        return result


def within(bounds: Bounds) -> Relation:
    """A relation that knows nothing but an interval."""
    return Relation((), bounds.hi, bounds.lo, own=bounds)


def linear(*sources: tuple[int, Map], offset: Array) -> Relation:
    """A relation that holds exactly."""
    return Relation(tuple((n, map, map) for n, map in sources), offset, offset, exact=True)


def relate(op: Op, given: list[Bounds]) -> Relation | None:
    """The relation of an operation, whose inputs lie within bounds; None where there is no rule for its kind.

    All but `Window`, `UnitDelay` and `Scan`, which know of time.
    """
    if not all(bounds.finite for bounds in given):
        size = math.prod(op.output.shape)
        return within(Bounds(np.full(size, -np.inf), np.full(size, np.inf)))
    match op:
        case MatMul():
            places = math.prod(op.output.shape[:-1])
            return linear((0, Product(op.weights, places)), offset=np.tile(op.bias, places))
        case Affine():
            times = math.prod(op.output.shape[:-1])
            size = times * len(op.scale)
            return linear((0, Elements(np.tile(op.scale, times), None, size)), offset=np.tile(op.shift, times))
        case Constant():
            value = np.asarray(op.value, np.float64).reshape(-1)
            return Relation((), value, value, exact=True)
        case _ if isinstance(op, MOVEMENTS):
            return _movement(op, given)
        case Unary():
            return _unary(op, given[0])
        case Piecewise():
            corners = list(op.thresholds)
            function = partial(numerics.piecewise, thresholds=op.thresholds, slopes=op.slopes, offsets=op.offsets)
            return _of_lines(op, given[0], function, partial(image_of_pieces, op), corners)
        case Quantize():
            return _quantizer(op, given[0])
        case QuantizeEach():
            ends = (np.broadcast_to((end << op.coarser) * 2.0**-op.fraction, op.output.shape) for end in (op.lo, op.hi))
            return within(Bounds(*(end.reshape(-1) for end in ends)))
        case Binary():
            return _binary(op, given)
        case Select():
            return _select(op, given)
        case Convolution() | Reduce(function="sum" | "mean") | Pool(function="mean"):
            return _written_out(op, given[0])
        case Reduce() | Pool():
            return _extreme(op, given[0])
        case Gather():
            return _gather(op, given[0])
        case Dot():
            return _dot(op, given)
    return None


def computed(op: Op, *arrays: Array) -> Array:
    """What an operation makes of (steps, *shape) each."""
    with np.errstate(all="ignore"):
        return interpreter.plain(op, list(arrays))


def _movement(op: Op, given: list[Bounds]) -> Relation:
    """Whatever comes out went in: from where, numbers that count the inputs' elements tell."""
    sizes = [math.prod(value.shape) for value in op.inputs]
    begins = np.cumsum([0, *sizes])
    counts = [np.arange(1, size + 1) + begin for size, begin in zip(sizes, begins, strict=False)]
    plain = replace(op, value=0.0) if isinstance(op, Pad) else op
    arrays = [count.reshape(1, *v.shape).astype(np.float64) for count, v in zip(counts, op.inputs, strict=True)]
    picked = computed(plain, *arrays).reshape(-1).astype(np.int64) - 1
    sources = []
    for n, (begin, size) in enumerate(zip(begins, sizes, strict=False)):
        index = np.where((picked >= begin) & (picked < begin + size), picked - begin, -1)
        sources.append((n, Elements(np.ones(len(index)), index, size)))
    offset = np.where(picked < 0, op.value if isinstance(op, Pad) else 0.0, 0.0)
    ends = (
        offset + sum(map.forth(end[n]) for n, map in sources) for end in ([b.lo for b in given], [b.hi for b in given])
    )
    return replace(linear(*sources, offset=offset), own=Bounds(*ends))


def _of_lines(
    op: Op,
    x: Bounds,
    function: Callable[[Array], Array],
    image: Callable[[Array, Array], tuple[Array, Array]],
    corners: list[Array] | None,
) -> Relation:
    lo, hi = x.lo.reshape(op.output.shape), x.hi.reshape(op.output.shape)
    with np.errstate(all="ignore"):
        least, most = (end.reshape(-1) for end in image(lo, hi))
        error = lines.ULPS * np.maximum(np.abs(least), np.abs(most)) + lines.TINY
        if isinstance(op, Unary) and op.function in UNROUNDED:
            error = np.zeros_like(error)
        own = Bounds(least - error, most + error)
        if isinstance(op, Unary) and op.function in LIMITS:
            own = own.meet(*(np.full_like(error, limit) for limit in LIMITS[op.function]))
        if not own.finite:
            size = len(least)
            return within(Bounds(np.full(size, -np.inf), np.full(size, np.inf)))
        found = lines.of_curve(function, image, lo, hi) if corners is None else lines.of_pieces(
            function, corners, lo, hi
        )  # fmt: skip
    upper, above, lower, below = (part.reshape(-1) for part in (found.upper, found.above, found.lower, found.below))
    size = len(upper)
    return Relation(((0, Elements(upper, None, size), Elements(lower, None, size)),), above, below, own=own)


def _unary(op: Unary, x: Bounds) -> Relation:
    function = partial(functions.apply, op.function, parameters=op.parameters)
    ends = partial(image, op.function, op.parameters)
    corners = CORNERS[op.function](*op.parameters) if op.function in CORNERS else None
    return _of_lines(op, x, function, ends, None if corners is None else [np.array(c) for c in corners])


def _quantizer(op: Quantize, x: Bounds) -> Relation:
    """Between a clamp and what rounding adds to it: a step at most."""
    lo, hi, step = op.lo * op.format.step, op.hi * op.format.step, op.format.step
    clamp = Unary(inputs=op.inputs, output=op.output, function="clip", parameters=(lo, hi))
    found = _unary(clamp, x)
    own = Bounds(np.maximum(found.own.lo - step, lo), np.minimum(found.own.hi + step, hi))
    return replace(found, above=found.above + step, below=found.below - step, own=own)


def _spread(op: Op, n: int) -> Array:
    """Which element of an input stands beside each of the output's."""
    shape = op.inputs[n].shape
    return np.broadcast_to(np.arange(math.prod(shape)).reshape(shape), op.output.shape).reshape(-1)


def _taken(op: Op, given: list[Bounds]) -> list[tuple[Array, Bounds]]:
    indices = [_spread(op, n) for n in range(len(op.inputs))]
    return [(index, Bounds(b.lo[index], b.hi[index])) for index, b in zip(indices, given, strict=True)]


def _binary(op: Binary, given: list[Bounds]) -> Relation:
    (i, x), (j, y) = _taken(op, given)
    one, zero, sizes = np.ones(len(i)), np.zeros(len(i)), [len(bounds.lo) for bounds in given]

    def between(xu: Array, yu: Array, above: Array, xl: Array, yl: Array, below: Array, own: Bounds) -> Relation:
        error = lines.ULPS * ((np.abs(xu) + np.abs(xl)) * x.magnitude + (np.abs(yu) + np.abs(yl)) * y.magnitude)
        error += lines.ULPS * (np.abs(above) + np.abs(below))
        maps = [(0, Elements(xu, i, sizes[0]), Elements(xl, i, sizes[0]))]
        maps.append((1, Elements(yu, j, sizes[1]), Elements(yl, j, sizes[1])))
        return Relation(tuple(maps), above + error, below - error, own=own)

    match op.function:
        case "add" | "subtract":
            sign = one if op.function == "add" else -one
            return linear((0, Elements(one, i, sizes[0])), (1, Elements(sign, j, sizes[1])), offset=zero)
        case "multiply":
            if (y.lo == y.hi).all():
                return linear((0, Elements(y.lo, i, sizes[0])), offset=zero)
            if (x.lo == x.hi).all():
                return linear((1, Elements(x.lo, j, sizes[1])), offset=zero)
            corners = np.array([x.lo * y.lo, x.lo * y.hi, x.hi * y.lo, x.hi * y.hi])
            error = lines.ULPS * np.abs(corners).max(axis=0)
            own = Bounds(corners.min(axis=0) - error, corners.max(axis=0) + error)
            if op.inputs[0].name == op.inputs[1].name:
                own = own.meet(np.zeros(len(i)), own.hi)
            # Of the two planes on each side the flatter one: they are alike in the middle.
            first = np.abs(y.hi) + np.abs(x.lo) <= np.abs(y.lo) + np.abs(x.hi)
            xu, yu = np.where(first, y.hi, y.lo), np.where(first, x.lo, x.hi)
            second = np.abs(y.lo) + np.abs(x.lo) <= np.abs(y.hi) + np.abs(x.hi)
            xl, yl = np.where(second, y.lo, y.hi), np.where(second, x.lo, x.hi)
            return between(xu, yu, -xu * yu, xl, yl, -xl * yl, own)
        case "maximum" | "minimum":
            extreme = np.maximum if op.function == "maximum" else np.minimum
            own = Bounds(extreme(x.lo, y.lo), extreme(x.hi, y.hi))
            # max(x, y) = y + relu(x - y) <= y + s * (x - y - least), min(x, y) = y - relu(y - x).
            least, most = (x.lo - y.hi, x.hi - y.lo) if op.function == "maximum" else (y.lo - x.hi, y.hi - x.lo)
            run = np.maximum(most - least, 1e-300)
            s = np.clip(np.where(least >= 0, 1.0, np.where(most <= 0, 0.0, most / run)), 0, 1)
            beyond = np.maximum(np.maximum(-s * least, most - s * most), 0)
            near = (most > -least).astype(np.float64)
            if op.function == "maximum":
                return between(s, one - s, beyond, near, one - near, zero, own)
            return between(near, one - near, zero, s, one - s, -beyond, own)
        case "divide":
            if (y.lo == y.hi).all() and (y.lo != 0).all():
                ratio = Elements(1 / y.lo, i, sizes[0])
                return linear((0, ratio), offset=zero)
            if ((y.lo <= 0) & (y.hi >= 0)).any():
                return within(Bounds(np.full(len(i), -np.inf), np.full(len(i), np.inf)))
            corners = np.array([a / b for a in (x.lo, x.hi) for b in (y.lo, y.hi)])
            error = lines.ULPS * np.abs(corners).max(axis=0)
            return within(Bounds(corners.min(axis=0) - error, corners.max(axis=0) + error))
    raise NotImplementedError(op.function)


def _select(op: Select, given: list[Bounds]) -> Relation:
    (_, condition), (j, yes), (k, no) = _taken(op, given)
    sure, never = condition.lo > 0, condition.hi <= 0
    lo = np.where(sure, yes.lo, np.where(never, no.lo, np.minimum(yes.lo, no.lo)))
    hi = np.where(sure, yes.hi, np.where(never, no.hi, np.maximum(yes.hi, no.hi)))
    open_ = ~(sure | never)
    maps = ((1, Elements(sure * 1.0, j, len(given[1].lo))), (2, Elements(never * 1.0, k, len(given[2].lo))))
    sources = tuple((n, map, map) for n, map in maps)
    return Relation(sources, np.where(open_, hi, 0.0), np.where(open_, lo, 0.0), own=Bounds(lo, hi))


def _matrix(op: Op) -> Array | None:
    """(inputs, outputs) of a linear operation without a bias, as impulses show it; None where it is too large."""
    size, outputs = math.prod(op.inputs[0].shape), math.prod(op.output.shape)
    if size * outputs > MOST_COEFFICIENTS:
        return None
    return computed(op, np.eye(size).reshape(size, *op.inputs[0].shape)).reshape(size, outputs)


def _written_out(op: Op, x: Bounds) -> Relation:
    plain = replace(op, bias=np.zeros_like(op.bias)) if isinstance(op, Convolution) else op
    shape, zero = op.inputs[0].shape, np.zeros(math.prod(op.output.shape))
    offset = zero + np.tile(op.bias, len(zero) // len(op.bias)) if isinstance(op, Convolution) else zero
    if (matrix := _matrix(plain)) is not None:
        return linear((0, Product(matrix)), offset=offset)
    terms = plain.kernel.size // plain.kernel.shape[-1] if isinstance(plain, Convolution) else len(x.lo)
    size = replace(plain, kernel=np.abs(plain.kernel)) if isinstance(plain, Convolution) else plain
    middle, radius = (x.lo + x.hi) / 2, (x.hi - x.lo) / 2
    at = computed(plain, middle.reshape(1, *shape)).reshape(-1) + offset
    around = computed(size, radius.reshape(1, *shape)).reshape(-1)
    most = computed(size, x.magnitude.reshape(1, *shape)).reshape(-1) + np.abs(offset)
    error = (terms + 16) * EPSILON * most
    return within(Bounds(at - around - error, at + around + error))


def _extreme(op: Reduce | Pool, x: Bounds) -> Relation:
    """The greatest (or least) of some is no less than any of them, and one that is always the greatest is it."""
    low, high = (computed(op, end.reshape(1, *op.inputs[0].shape)).reshape(-1) for end in (x.lo, x.hi))
    own = Bounds(low, high)
    members = _matrix(replace(op, function="mean"))
    if members is None:
        return within(own)
    sign = 1 if op.function == "max" else -1
    least, most = (x.lo, x.hi) if sign > 0 else (-x.hi, -x.lo)
    inside = members > 0
    floor = np.where(inside, least[:, None], -np.inf)
    best = floor.argmax(axis=0)
    columns = np.arange(inside.shape[1])
    others = np.where(inside, most[:, None], -np.inf)
    others[best, columns] = -np.inf
    sure = floor[best, columns] >= others.max(axis=0)
    size = len(x.lo)
    pick, certain = Elements(np.ones(len(best)), best, size), Elements(sure * 1.0, best, size)
    if sign > 0:
        return Relation(((0, certain, pick),), np.where(sure, 0.0, high), np.zeros(len(best)), own=own)
    return Relation(((0, pick, certain),), np.zeros(len(best)), np.where(sure, 0.0, low), own=own)


def _gather(op: Gather, x: Bounds) -> Relation:
    last = len(op.table) - 1
    rows = [op.table[int(np.clip(np.floor(a), 0, last)) : int(np.clip(np.ceil(b), 0, last)) + 1]
            for a, b in zip(x.lo, x.hi, strict=True)]  # fmt: skip
    ends = [(part.min(axis=0), part.max(axis=0)) for part in rows]
    return within(Bounds(*(np.concatenate(side).astype(np.float64) for side in zip(*ends, strict=True))))


def _dot(op: Dot, given: list[Bounds]) -> Relation:
    """Interval arithmetic over each product of the sums."""
    a, b = ([end.reshape(v.shape) for end in (g.lo, g.hi)] for g, v in zip(given, op.inputs, strict=True))
    pairs = [x[..., :, None, :] * y[..., None, :, :] for x in a for y in b]
    lo, hi = np.min(pairs, axis=0).sum(axis=-1).reshape(-1), np.max(pairs, axis=0).sum(axis=-1).reshape(-1)
    error = (a[0].shape[-1] + 16) * EPSILON * np.abs(pairs).max(axis=0).sum(axis=-1).reshape(-1)
    return within(Bounds(lo - error, hi + error))
