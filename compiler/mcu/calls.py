"""Steps -> calls of the runtime, as C."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.mcu import assembly, packing, steps
from compiler.mcu.literals import float_literal, int_literal
from compiler.mcu.packing import Kernels
from compiler.mcu.places import BYTES, CType, Place
from compiler.mcu.schedule import Scan, Schedule
from compiler.mcu.steps import Compute, Step
from compiler.names import RESERVED

SCRATCH: dict[CType, str] = {
    **dict.fromkeys(("float", "int8_t", "int16_t"), "scratch"),
    "int32_t": "sums_i32",
    "int64_t": "sums_i64",
}
SUFFIX: dict[CType, str] = {"float": "f32", "int8_t": "i8", "int16_t": "i16", "int32_t": "i32", "int64_t": "i64"}


class Caller:
    """Prints the steps of one schedule.

    Args:
        schedule: What the steps belong to.
        prefix: Of all its symbols.
        kernels: Whose products it calls.
        assembly: The prefix of products in assembly, where there are any.
    """

    def __init__(self, schedule: Schedule, prefix: str, kernels: Kernels = "c", assembly: str | None = None) -> None:
        self.schedule = schedule
        self.prefix = prefix
        self.kernels = kernels
        self.assembly = assembly

    def at(self, place: Place) -> str:
        """A pointer to a place."""
        match place.area:
            case "scratch":
                base = SCRATCH[place.ctype]
            case "ring":
                base = f"s->ring_{place.which}"
            case "table":
                base = f"{self.prefix}_{place.which}_value"
            case "in" if len(self.schedule.inputs) > 1:
                base = f"in{place.which}"
            case "out" if len(self.schedule.outputs) > 1:
                base = f"out{place.which}"
            case _:
                base = place.area
        return f"{base} + {place.offset}" if place.offset else base

    def scan(self, step: Scan) -> str:
        """The prefix of a body's symbols; none of ours begin with it."""
        names = {value.name for value in self.schedule.values} | {ring.name for ring in self.schedule.rings}
        stem = step.name
        while stem in RESERVED or stem in ("in", "out") or any(name.startswith(f"{stem}_") for name in names):
            stem += "x"
        return stem

    def call(self, step: Step, *, resting: bool = False) -> list[str]:
        """The lines of a step; `resting` where one sample has come in for ever."""
        if isinstance(step, steps.Push):
            return [self._push(step, resting)]
        y, xs = self.at(step.target), [self.at(place) for place in step.sources]
        x, table = xs[0] if xs else "", f"{self.prefix}_{step.name}"
        match step:
            case steps.Window(ring=ring):
                suffix = SUFFIX[ring.ctype]
                if resting:
                    return [f"nn_ring_repeat_{suffix}({y}, {x}, {ring.channels}, {step.taps});"]
                sizes = f"{ring.length}, {ring.channels}, {step.taps}, {step.dilation}"
                return [f"nn_ring_gather_{suffix}({y}, s->ring_{ring.name}, s->at_{ring.name}, {x}, {sizes});"]
            case steps.MatMul():
                return self._product(step, y, x, table)
            case steps.Convolution():
                return self._convolution(step, y, x, table)
            case steps.Pool():
                kind, function = _kind(step), f", NN_{step.function.upper()}"
                if step.source.ctype != "float":
                    kind, function = f"{step.function}_{kind}", ""
                return [f"nn_pool_{kind}({y}, {x}, &{table}_boxes, {step.channels}{function});"]
            case steps.Affine():
                channels = step.scale.size
                rows = step.source.size // channels
                return [f"nn_affine_f32({y}, {x}, {table}_scale, {table}_shift, {rows}, {channels});"]
            case steps.Unary():
                value = ", ".join(["v", *map(float_literal, step.parameters)])
                return [f"NN_EACH({y}, {x}, {step.source.size}, nn_{step.function}({value}));"]
            case steps.Quantize():
                grid = ", ".join(float_literal(2.0**power) for power in (step.fraction, -step.fraction))
                clamp = f"NN_{step.rounding.upper()}, {float_literal(step.lo)}, {float_literal(step.hi)}"
                return [f"nn_quantize_f32({y}, {x}, {step.source.size}, {grid}, {clamp});"]
            case steps.QuantizeEach():
                how = f"NN_{step.rounding.upper()}, {int(step.grids.wraps)}"
                places = step.grids.coarser.size
                return [f"nn_quantize_each_f32({y}, {x}, {step.source.size}, {table}_grids, {places}, {how});"]
            case steps.Requantize():
                kind = f"{SUFFIX[step.source.ctype]}_via_{SUFFIX[step.wide]}_to_{SUFFIX[step.target.ctype]}"
                return [f"nn_requantize_{kind}({y}, {x}, {step.source.size}, {_rescale(step)});"]
            case steps.Piecewise():
                return [self._piecewise(step, y, x, table)]
            case steps.Table():
                return [self._table(step, y, x)]
            case steps.Sum():
                return self._sum(step, y, xs)
            case steps.Copy():
                one = (
                    f"({y})" if step.target.offset else y
                )  # what lies behind the pointer, not the pointer's offset more
                return [f"NN_MEMMOVE({y}, {x}, sizeof(*{one}) * {step.source.size});"]
            case steps.Fill():
                value = float_literal(step.value) if step.target.ctype == "float" else int_literal(int(step.value))
                return [f"nn_fill_{SUFFIX[step.target.ctype]}({y}, {step.target.size}, {value});"]
            case steps.Move():
                return [self._move(step)]
            case steps.Binary():
                return [self._binary(step, y, xs, table)]
            case steps.Select():
                axes = f"{axes_name(table, step)}, {step.walk.rank}"
                return [f"nn_select_f32({y}, {', '.join(xs)}, {axes});"]
            case steps.Reduce():
                sizes = f"{axes_name(table, step)}, {step.walk.rank}, {step.target.size}"
                if step.source.ctype != "float":
                    return [f"nn_reduce_{step.function}_{_kind(step)}({y}, {x}, {sizes});"]
                each = step.source.size // step.target.size
                return [f"nn_reduce_f32({y}, {x}, {sizes}, {each}, NN_{step.function.upper()});"]
            case steps.Dot():
                return [f"nn_dot_f32({y}, {xs[0]}, {xs[1]}, {step.batch}, {step.n}, {step.m}, {step.k});"]
            case steps.Gather():
                entries, width = step.table.shape
                return [f"nn_lookup_f32({y}, {x}, {step.source.size}, {table}_table, {entries}, {width});"]
            case Scan():
                return self._run(step, y, x)
        raise NotImplementedError(type(step).__name__)

    def _push(self, step: steps.Push, resting: bool) -> str:
        ring, suffix, x = step.ring, SUFFIX[step.ring.ctype], self.at(step.source)
        arguments = f"s->ring_{ring.name}, &s->at_{ring.name}, {x}, {ring.length}, {ring.channels}"
        return f"moves |= nn_ring_hold_{suffix}({arguments});" if resting else f"nn_ring_push_{suffix}({arguments});"

    def _product(self, step: steps.MatMul, y: str, x: str, table: str) -> list[str]:
        rows, columns = step.weights.shape
        if step.rows > 1:
            y, x = f"{y} + {columns} * row", f"{x} + {rows} * row"
        weights = f"{table}_weights, {table}_bias{_up(step, table)}"
        return _loop("row", step.rows, self._one_product(step, y, x, weights, rows, columns))

    def _one_product(
        self, step: steps.MatMul | steps.Convolution, y: str, x: str, weights: str, rows: int, columns: int
    ) -> list[str]:
        """A matrix times a vector; in assembly, functions other than relu follow by themselves."""
        made = assembly.product(step) if self.assembly else None
        if made is None:
            return [f"{self._kernel('product', step)}({y}, {x}, {weights}, {rows}, {columns}{_end(step)});"]
        calls = [f"{made.name(self.assembly)}({y}, {x}, {weights});"]
        if step.activation not in ("linear", "relu"):
            calls.append(f"NN_EACH({y}, {y}, {columns}, nn_{step.activation}(v));")
        return calls

    def _piecewise(self, step: steps.Piecewise, y: str, x: str, table: str) -> str:
        pieces, channels = step.slopes.shape
        tables = ", ".join(f"{table}_{name}" if pieces > 1 else f"{table}_slopes" for name in ("thresholds", "slopes"))
        arguments = f"{y}, {x}, {step.source.size}, {tables}, {table}_offsets, {pieces}, {channels}"
        return _pointwise("piecewise", step, SUFFIX[step.accumulator], arguments)

    def _table(self, step: steps.Table, y: str, x: str) -> str:
        ends = f"{step.given.lo}, {step.given.hi}, NN_{step.symmetry.upper()}, {step.mirror}"
        entries = f"{self.prefix}_{step.table}_entries, {step.fraction_bits}"
        arguments = f"{y}, {x}, {step.source.size}, {entries}, {ends}"
        return _pointwise("table", step, SUFFIX[step.entry], arguments)

    def _sum(self, step: steps.Sum, y: str, xs: Sequence[str]) -> list[str]:
        found, to = [], SUFFIX[step.target.ctype]
        for number, (place, x, factor) in enumerate(zip(step.sources, xs, step.factors, strict=True)):
            what = "add" if number else "set"
            call = f"nn_{what}_{SUFFIX[place.ctype]}_to_{to}"
            found.append(f"{call}({y}, {x}, {step.target.size}, {int_literal(factor, step.target.ctype)});")
        return found

    def _kernel(self, what: str, step: steps.MatMul | steps.Convolution) -> str:
        """The function that computes a product."""
        raw = "raw_" if step.accumulator != "float" and step.rescale is None else ""
        library = (
            "cmsis_"
            if what == "product" and packing.reads(step.accumulator, step.stored, self.kernels) == "cmsis"
            else ""
        )
        widths = f"{8 * BYTES[step.source.ctype]}x8_" if step.stored == "int8_t" else ""
        return f"nn_{what}_{raw}{library}{widths}{SUFFIX[step.accumulator]}"

    def _convolution(self, step: steps.Convolution, y: str, x: str, table: str) -> list[str]:
        groups, rows, columns = step.kernel.shape
        boxes = f"&{table}_boxes"
        if step.depthwise:
            up = "" if step.accumulator == "float" else _up(step, table) or ", NULL"
            weights = f"{table}_weights, {table}_bias{up}, {groups}, {columns}"
            return [f"{self._kernel('depthwise', step)}({y}, {x}, {boxes}, {weights}{_end(step)});"]
        channels, filters = step.channels, groups * columns
        at = "at" if step.boxes.positions > 1 else "0"
        first = f"{x} + {channels} * group" if groups > 1 else x
        sizes = f"{channels}, {groups * channels}"
        gathered = f"nn_box_{SUFFIX[step.source.ctype]}({self.at(step.work)}, {first}, {boxes}, {at}, {sizes})"
        here, weights, bias = f"{y} + {filters} * {at}", f"{table}_weights", f"{table}_bias"
        if groups > 1:
            here += f" + {columns} * group"
            weights, bias = f"{weights} + {rows * columns} * group", f"{bias} + {columns} * group"
        up = _up(step, table)
        bias += f"{up} + {columns} * group" if groups > 1 and step.up is not None else up
        calls = self._one_product(step, here, "box", f"{weights}, {bias}", rows, columns)
        return _loop(
            "at",
            step.boxes.positions,
            _loop(
                "group",
                groups,
                ["{", f"    const {step.source.ctype} *box = {gathered};", *(f"    {call}" for call in calls), "}"],
            ),
        )

    def _move(self, step: steps.Move) -> str:
        x, y = (self.at(place) for place in (step.source, step.target))
        x, y = (f"{base} + {start}" if start else base for base, start in zip((x, y), step.start, strict=True))
        walk, suffix = step.walk, SUFFIX[step.target.ctype]
        if walk.rank == 1:
            (count,), (x_steps, y_steps) = walk.counts, walk.steps
            return f"nn_move_{suffix}({y}, {x}, {count}, {x_steps[0]}, {y_steps[0]});"
        return f"nn_move_axes_{suffix}({y}, {x}, {axes_name(f'{self.prefix}_{step.name}', step)}, {walk.rank});"

    def _binary(self, step: steps.Binary, y: str, xs: Sequence[str], table: str) -> str:
        operands, walk, function = ", ".join(xs), step.walk, f"NN_{step.function.upper()}"
        if step.straight:
            return f"nn_{step.function}_i16({y}, {operands}, {step.target.size});"
        if step.target.ctype != "float":
            read = "_".join(SUFFIX[place.ctype] for place in step.sources)
            to = SUFFIX[step.target.ctype]
            kind = f"multiply_{read}_to_{to}" if step.function == "multiply" else f"{step.function}_axes_{to}"
            return f"nn_{kind}({y}, {operands}, {axes_name(table, step)}, {walk.rank});"
        if walk.rank == 1:
            moves = ", ".join(str(own[0]) for own in walk.steps)
            return f"nn_binary_f32({y}, {operands}, {walk.counts[0]}, {moves}, {function});"
        axes = f"{axes_name(table, step)}, {walk.rank}"
        return f"nn_binary_axes_f32({y}, {operands}, {axes}, {function});"

    def _run(self, step: Scan, y: str, x: str) -> list[str]:
        name = self.scan(step)
        state, function = f"&s->scans.{name}", f"{self.prefix}_{name}"
        each, last = step.source.size // step.steps, step.steps - 1
        made = step.body.outputs[0].place.size if step.sequences else 0
        if step.reverse:
            x, y = f"{x} + {each * last}", f"{y} + {made * last}"
            each, made = -each, -made
        return [f"{function}_reset({state});", f"{function}_process({state}, {x}, {each}, {y}, {made}, {step.steps});"]


def axes_name(table: str, step: Compute) -> str:
    """The table of a step's loop; a value made in several steps has as many, told apart by where they begin."""
    return f"{table}_axes_{step.start[1]}" if isinstance(step, steps.Move) else f"{table}_axes"


def needs_axes(step: Step) -> bool:
    """Whether a step's call reads a table of axes."""
    match step:
        case steps.Move():
            return step.walk.rank > 1
        case steps.Binary():
            return step.walk.rank > 1 if step.target.ctype == "float" else not step.straight
        case steps.Select() | steps.Reduce():
            return True
    return False


def _pointwise(what: str, step: steps.Pointwise, suffix: str, arguments: str) -> str:
    if step.rescale is None:
        return f"nn_{what}_raw_{suffix}({arguments});"
    return f"nn_{what}_{suffix}({arguments}, {_rescale(step)});"


def _kind(step: Compute) -> str:
    """The types of what is read and written, in the names of functions; one where they are the floats."""
    read, written = SUFFIX[step.source.ctype], SUFFIX[step.target.ctype]
    return written if written == "f32" else f"{read}_to_{written}"


def _up(step: steps.MatMul | steps.Convolution, table: str) -> str:
    """The argument that says how far weights of 8 bits are to be shifted."""
    if step.stored != "int8_t":
        return ""
    return ", NULL" if step.up is None else f", {table}_up"


def _end(step: steps.MatMul | steps.Convolution) -> str:
    """The arguments that say what becomes of a sum."""
    if step.accumulator == "float":
        return f", nn_{step.activation}"
    return "" if step.rescale is None else f", {_rescale(step)}"


def _rescale(step: steps.MatMul | steps.Convolution | steps.Requantize | steps.Pointwise) -> str:
    rescale = step.rescale
    return f"{rescale.shift}, NN_{rescale.rounding.upper()}, {rescale.lo}, {rescale.hi}"


def _loop(index: str, count: int, body: Sequence[str]) -> list[str]:
    """The body `count` times; without a loop for once."""
    if count == 1:
        return list(body)
    head = f"for (size_t {index} = 0; {index} < {count}; {index}++) {{"
    inner = body[1:-1] if body[0] == "{" else [f"    {line}" for line in body]
    return [head, *inner, "}"]
