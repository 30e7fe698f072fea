"""Proven bounds of every value of a float graph: each is carried back, through linear relations, to the inputs.

CROWN and DeepPoly bound networks this way (Zhang et al. 2018, Singh et al. 2019). Here a coefficient belongs to a value
so many samples ago, so that a stream is bounded over its whole receptive field without being unrolled: bounds hold
at every time. Before its beginning a stream is taken to rest: states hold their initial values, and relations are
widened until they hold of that too. A value of the sample before, in a recurrence, is an input of its own, within
bounds that are shown to reproduce themselves.

What float64 may round is added, so that bounds hold of real numbers. A rule may be loose, never wrong; where work
would exceed `work`, in products, a value keeps the bounds that intervals give it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from compiler.errors import CompileError
from compiler.ir.graph import Graph, Scan
from compiler.ir.ops import Binary, MatMul, Op, Reduce, UnitDelay, Window
from compiler.ir.values import Value
from compiler.passes.maps import Product
from compiler.passes.ranges import worst_case_ranges
from compiler.passes.relations import EPSILON, Bounds, Relation, relate, within

Array = np.ndarray
WORK = 3 * 10**8
ROUNDS = 40  # of bounds of a recurrence, until they reproduce themselves
NARROWINGS = 3


@dataclass
class Form:
    """Coefficients of a value at some delays: (rows, delays, size)."""

    delays: Array
    a: Array

    def plus(self, other: Form) -> Form:
        """The sum of two."""
        delays = np.union1d(self.delays, other.delays)
        a = np.zeros((len(self.a), len(delays), self.a.shape[-1]))
        for form in (self, other):
            a[:, np.searchsorted(delays, form.delays)] += form.a
        return Form(delays, a)


@dataclass
class Relaxation:
    """Bounds of all values of a graph, once `run`.

    Args:
        given: For each input, and each value that is to be taken as one, its bounds.
        tighten: Whether anything is carried back; else these are plain intervals.
        work: Products that may be spent, all in all.
    """

    graph: Graph
    given: dict[str, Bounds]
    tighten: bool = True
    work: int = WORK
    bounds: dict[str, Bounds] = field(default_factory=dict)
    relations: dict[str, Relation] = field(default_factory=dict)
    rest: dict[str, Array] = field(default_factory=dict)

    def run(self) -> dict[str, Bounds]:
        """Computes everything; bounds may be infinite.

        Raises:
            CompileError: Naming the layer whose operation has no rule.
        """
        graph = self.graph
        self._order = {op.output.name: n for n, op in enumerate(graph.ops)}
        self._op = {op.output.name: op for op in graph.ops}
        self._looked_at = {op.state for op in graph.ops if isinstance(op, Window)}
        refined = [op for op in graph.ops if self._worth(op)]
        self._share = self.work // max(1, len(refined))
        names = {op.output.name for op in refined}
        for value in graph.inputs:
            bounds = self.given[value.name]
            self.rest[value.name] = self._initial(value, np.clip(0.0, bounds.lo, bounds.hi))
            self.bounds[value.name] = bounds.hull(self.rest[value.name], self.rest[value.name])
        with np.errstate(all="ignore"):
            for op in graph.ops:
                self._add(op)
                if self.tighten and op.output.name in names:
                    self._refine(op.output)
        return self.bounds

    def _worth(self, op: Op) -> bool:
        """Whether bounds better than its relation gives are worth the way back: where terms are summed up."""
        return isinstance(op, MatMul) or (isinstance(op, Binary) and op.function in ("add", "subtract")) or (
            type(op).__name__ in ("Convolution", "Reduce", "Pool", "Affine")
        )  # fmt: skip

    def _initial(self, value: Value, otherwise: Array) -> Array:
        """What a value is taken to be before a stream begins."""
        states = [state for state in self.graph.pasts(value) if state.name in self._looked_at]
        if not states:
            return np.broadcast_to(otherwise, math.prod(value.shape)).astype(np.float64)
        return np.broadcast_to(states[0].initial, value.shape).reshape(-1).astype(np.float64)

    def _add(self, op: Op) -> None:
        """Enters an operation's relation, the bounds that follow from it alone, and its value at rest."""
        given = [self.bounds[value.name] for value in op.inputs]
        relation, at_rest = self._relation(op, given)
        lo, hi = at_rest, at_rest
        bounds = relation.interval(given)
        states = [state for state in self.graph.pasts(op.output) if state.name in self._looked_at]
        if states:
            lo = hi = self._initial(op.output, at_rest)
            for state in states:
                start = np.broadcast_to(state.initial, op.output.shape).reshape(-1)
                bounds = bounds.hull(start, start)
            relation = self._holding_at(op, relation, lo)
        self.rest[op.output.name] = lo
        self.relations[op.output.name] = relation
        self.bounds[op.output.name] = bounds.hull(lo, hi)

    def _relation(self, op: Op, given: list[Bounds]) -> tuple[Relation, Array]:
        """The relation, and the value at rest; that of what has no map is in its middle, if it must be somewhere."""
        if isinstance(op, UnitDelay):
            bounds = self.given[op.output.name]
            return within(bounds), np.asarray(self.graph.state(op.state).initial, np.float64).reshape(-1)
        if isinstance(op, Window):
            state = self.graph.state(op.state)
            past = np.broadcast_to(state.initial, op.inputs[0].shape).reshape(-1).astype(np.float64)
            hull = given[0].hull(past, past)
            own = Bounds(np.tile(hull.lo, op.taps), np.tile(hull.hi, op.taps))
            rest = self.rest[op.inputs[0].name]
            # A state that begins otherwise than the one that the value's rest was taken from has no relation.
            sources = () if not np.array_equal(past, rest) else ((0, None, None),)
            return Relation(sources, own.hi, own.lo, exact=bool(sources), own=own), np.tile(rest, op.taps)
        scanned = isinstance(op, Scan)
        relation = within(_scanned(op, given, self.tighten, self.work)) if scanned else relate(op, given)
        if relation is None:
            raise CompileError(f"nothing is known of the range of {op.words}", layer=op.output.layer)
        if self._is_share(op, given):
            relation = within(relation.interval(given).meet(np.zeros(1), np.ones(1)))
        if (ends := self._blended(op)) is not None:
            own = relation.interval(given)
            relation = replace(relation, own=own.meet(*ends))
        return relation, self._resting(op, relation)

    def _blended(self, op: Op) -> tuple[Array, Array] | None:
        """What lies between two values, c + z * (h - c) with z from 0 to 1, as in a GRU: both their bounds."""
        if not (isinstance(op, Binary) and op.function == "add"):
            return None
        for c, moved in (op.inputs, op.inputs[::-1]):
            product = self._op.get(moved.name)
            for z, step in _pairs(product, "multiply"):
                difference = self._op.get(step.name)
                if not (isinstance(difference, Binary) and difference.function == "subtract"):
                    continue
                h, same = difference.inputs
                share, one, other = (self.bounds[value.name] for value in (z, h, c))
                alike = same.name == c.name and len({z.shape, h.shape, c.shape}) == 1
                if alike and (share.lo >= 0).all() and (share.hi <= 1).all():
                    return np.minimum(one.lo, other.lo), np.maximum(one.hi, other.hi)
        return None

    def _is_share(self, op: Op, given: list[Bounds]) -> bool:
        """Whether it divides numbers that are not negative by their sum, as softmax does."""
        if not (isinstance(op, Binary) and op.function == "divide"):
            return False
        total = self._op.get(op.inputs[1].name)
        shares = isinstance(total, Reduce) and total.function == "sum" and total.inputs[0].name == op.inputs[0].name
        return shares and bool((given[0].lo >= 0).all() and (given[1].lo > 0).all())

    def _resting(self, op: Op, relation: Relation) -> Array:
        """A value at rest that a relation allows: between its sides."""
        upper, lower = relation.above.copy(), relation.below.copy()
        for n, up, down in relation.sources:
            upper += up.forth(self.rest[op.inputs[n].name])
            lower += down.forth(self.rest[op.inputs[n].name])
        if relation.own is not None:
            upper, lower = np.minimum(upper, relation.own.hi), np.maximum(lower, relation.own.lo)
        return np.where(np.isfinite(upper + lower), (upper + lower) / 2, 0.0)

    def _holding_at(self, op: Op, relation: Relation, rest: Array) -> Relation:
        """A relation widened until it holds of a value that rests where its state begins."""
        if isinstance(op, Window | UnitDelay):
            return within(self._reach(op, relation, rest))
        upper, lower = relation.above.copy(), relation.below.copy()
        size = np.abs(upper) + np.abs(lower) + np.abs(rest)
        for n, up, down in relation.sources:
            past = self.rest[op.inputs[n].name]
            upper += up.forth(past)
            lower += down.forth(past)
            size += up.magnitude().forth(np.abs(past)) + down.magnitude().forth(np.abs(past))
        error = 1e-13 * size
        above = relation.above + np.maximum(rest - upper + error, 0)
        below = relation.below + np.minimum(rest - lower - error, 0)
        if not relation.sources:
            return within(Bounds(below, above))
        exact = relation.exact and np.array_equal(above, below)
        return replace(relation, above=above, below=below, exact=exact)

    def _reach(self, op: Op, relation: Relation, rest: Array) -> Bounds:
        return relation.interval([self.bounds[value.name] for value in op.inputs]).hull(rest, rest)

    # The way back.

    def _refine(self, value: Value) -> None:
        """Meets a value's bounds with what the inputs say of it."""
        size = math.prod(value.shape)
        if not self.bounds[value.name].finite:
            return
        if 2 * size * size > self._share:
            return
        eye = np.eye(size)
        form = Form(np.array([0]), np.concatenate([eye, -eye])[:, None, :])
        best = self.greatest({value.name: form})
        met = self.bounds[value.name].meet(-best[size:], best[:size])
        rest = self.rest[value.name]
        self.bounds[value.name] = met.hull(rest, rest)

    def greatest(self, forms: dict[str, Form]) -> Array:
        """(rows,): no sum of the values times their coefficients is greater, at any time."""
        rows = len(next(iter(forms.values())).a)
        constant, error, best = np.zeros(rows), np.zeros(rows), np.full(rows, np.inf)
        work, share = 0, self._share
        forms = dict(forms)
        while True:
            names = [name for name in forms if name in self.relations and self.relations[name].sources]
            if not names:
                break
            name = max(names, key=self._order.__getitem__)
            relation, op = self.relations[name], self._op[name]
            if not relation.exact:
                best = np.fmin(best, self._reached(forms, constant, error))
            form = forms.pop(name)
            work += form.a.size * sum(self._cost(up) for _, up, _ in relation.sources) + form.a.size
            if work > share:
                forms[name] = form
                break
            given = [self.bounds[value.name] for value in op.inputs]
            if isinstance(op, Window):
                self._put(forms, op.inputs[0].name, self._into_past(form, op))
                continue
            size = relation.magnitude(given)
            terms = form.a.shape[-1] + sum(up.terms for _, up, _ in relation.sources) + 64
            error = error + terms * EPSILON * np.einsum("rds,s->r", np.abs(form.a), size)
            if relation.exact:
                constant = constant + form.a.sum(axis=1) @ relation.above
                for n, up, _ in relation.sources:
                    self._put(forms, op.inputs[n].name, Form(form.delays, up.back(form.a)))
                continue
            rising, falling = np.maximum(form.a, 0), np.minimum(form.a, 0)
            constant = constant + rising.sum(axis=1) @ relation.above + falling.sum(axis=1) @ relation.below
            for n, up, down in relation.sources:
                self._put(forms, op.inputs[n].name, Form(form.delays, up.back(rising) + down.back(falling)))
        return np.fmin(best, self._reached(forms, constant, error))

    def _cost(self, map: object) -> int:
        return len(map.weights) if isinstance(map, Product) else 1

    def _put(self, forms: dict[str, Form], name: str, form: Form) -> None:
        forms[name] = forms[name].plus(form) if name in forms else form

    def _into_past(self, form: Form, op: Window) -> Form:
        """Coefficients of the taps of a window as such of what it looks back at."""
        rows, _, size = form.a.shape
        taps = form.a.reshape(rows, len(form.delays), op.taps, size // op.taps)
        back = [form.delays + (op.taps - 1 - k) * op.dilation for k in range(op.taps)]
        delays = np.unique(np.concatenate(back))
        a = np.zeros((rows, len(delays), size // op.taps))
        for k, ago in enumerate(back):
            a[:, np.searchsorted(delays, ago)] += taps[:, :, k]
        return Form(delays, a)

    def _reached(self, forms: dict[str, Form], constant: Array, error: Array) -> Array:
        """What the bounds of the values that are left come to."""
        total, error = constant.copy(), error.copy()
        for name, form in forms.items():
            bounds = self.bounds[name]
            total += np.maximum(form.a, 0).sum(axis=1) @ bounds.hi + np.minimum(form.a, 0).sum(axis=1) @ bounds.lo
            magnitude = np.einsum("rds,s->r", np.abs(form.a), bounds.magnitude)
            error += (form.a.shape[1] * form.a.shape[2] + 64) * EPSILON * magnitude
        return total + 1.001 * error + 64 * EPSILON * np.abs(constant)


def _pairs(op: Op | None, function: str) -> list[tuple[Value, ...]]:
    """The inputs of a function of two numbers, both ways round."""
    return [op.inputs, op.inputs[::-1]] if isinstance(op, Binary) and op.function == function else []


def relax(
    graph: Graph, given: dict[str, tuple[Array, Array]], *, tighten: bool = True, work: int = WORK
) -> dict[str, Bounds]:
    """Bounds of every value by name, from the least and the greatest number of each input; at every time, from reset.

    Raises:
        CompileError: An operation without a rule, or a recurrence for which no finite bounds are found.
    """
    return bounded(graph, given, tighten=tighten, work=work).bounds


def proven_ranges(graph: Graph, input_range: tuple[float, float]) -> dict[str, tuple[float, float]]:
    """The least and the greatest number of each value, by name, while the inputs stay in a range: the tighter of
    what linear relaxation and what intervals say.

    Raises:
        CompileError: Intervals find no finite range somewhere.
    """
    plain = worst_case_ranges(graph, input_range)
    try:
        proven = relax(graph, {value.name: input_range for value in graph.inputs})
    except CompileError:  # no bounds that a recurrence keeps to: what else is known of it stands
        return plain
    tighter = {name: (float(bounds.lo.min()), float(bounds.hi.max())) for name, bounds in proven.items()}
    return {name: (max(lo, tighter[name][0]), min(hi, tighter[name][1])) for name, (lo, hi) in plain.items()}


def bounded(
    graph: Graph, given: dict[str, tuple[Array, Array]], *, tighten: bool = True, work: int = WORK
) -> Relaxation:
    """The same with the relations that led to the bounds."""
    for value in graph.inputs:
        if None in value.shape:
            raise CompileError("nothing is known of the range of an input of unknown length", layer=value.layer)
    inputs = {
        value.name: Bounds(*(np.broadcast_to(np.asarray(end, np.float64), value.shape).reshape(-1) for end in ends))
        for value, ends in ((value, given[value.name]) for value in graph.inputs)
    }
    delays = [op for op in graph.ops if isinstance(op, UnitDelay)]
    if not delays:
        found = Relaxation(graph, inputs, tighten, work)
        found.run()
        return found
    return _recurrent(graph, inputs, delays, tighten, work)


def _recurrent(graph: Graph, inputs: dict[str, Bounds], delays: list[Op], tighten: bool, work: int) -> Relaxation:
    """Bounds of states that contain what a step makes of them, and then what they are narrowed to."""
    states = {op.output.name: graph.state(op.state) for op in delays}
    starts = {name: np.asarray(s.initial, np.float64).reshape(-1) for name, s in states.items()}
    assumed = {name: Bounds(start, start) for name, start in starts.items()}
    narrowed, found = 0, None
    for turn in range(ROUNDS):
        tried = Relaxation(graph, inputs | assumed, tighten, work)
        made = tried.run()
        after = {name: made[state.value.name].hull(starts[name], starts[name]) for name, state in states.items()}
        if all((after[n].lo >= a.lo).all() and (after[n].hi <= a.hi).all() for n, a in assumed.items()):
            found, narrowed = tried, narrowed + 1
            assumed = after
            if narrowed > NARROWINGS:
                return found
        elif found is not None:
            return found
        else:
            assumed = {name: _widened(a, after[name], turn) for name, a in assumed.items()}
    if found is None:
        layer = delays[0].output.layer
        raise CompileError(
            "no bounds are found that its states keep to",
            layer=layer,
            hint="Give data that are typical of its input: --calibrate.",
        )
    return found


def _widened(assumed: Bounds, after: Bounds, turn: int) -> Bounds:
    """Bounds a little beyond what a step made, or, after some turns, up to the next power of two or a little above."""
    most = np.maximum(after.magnitude, 1e-6)
    power, beyond = (grown * 2.0 ** np.ceil(np.log2(most / grown)) for grown in (1.0, 1 + 2.0**-10))
    ladder = np.minimum(power, beyond)
    if turn < 2:
        return after.hull(assumed.lo, assumed.hi)
    lo = np.where(after.lo < assumed.lo, -ladder, assumed.lo)
    hi = np.where(after.hi > assumed.hi, ladder, assumed.hi)
    return Bounds(np.maximum(lo, -1e30), np.minimum(hi, 1e30))


def _scanned(op: Scan, given: list[Bounds], tighten: bool, work: int) -> Bounds:
    """Bounds of a recurrence over a frame: whatever number of steps it takes."""
    (x,), steps = op.body.inputs, op.inputs[0].shape[0]
    lo, hi = (end.reshape(steps, *x.shape) for end in (given[0].lo, given[0].hi))
    body = op.body
    output = body.outputs[0]
    if len(given) > 1:
        raise CompileError("nothing is known of the range of states that begin as a value", layer=op.output.layer)
    made = relax(body, {x.name: (lo.min(axis=0), hi.max(axis=0))}, tighten=tighten, work=work)[output.name]
    times = steps if op.sequences else 1
    return Bounds(np.tile(made.lo, times), np.tile(made.hi, times))
