"""What a fixed-point build computes, in Python's integers, from its graph.json and weights.npz and the written rules.

It knows nothing of the compiler: docs/ir.md says what the files hold, docs/numbers.md what the operations do.
NumPy opens the archive and does nothing else.
"""

import json
import math
from pathlib import Path

import numpy as np

Sample = list[int]  # the numbers of a value at one time, the last axis fastest


class Program:
    """The `fixed` graph of a build."""

    mode = "stream"

    def __init__(self, folder: Path) -> None:
        graph = json.loads((folder / "graph.json").read_text())["fixed"]
        with np.load(folder / "weights.npz", allow_pickle=False) as archive:
            self.arrays = {key: archive[key].tolist() for key in archive.files}
        assert graph["mode"] == self.mode
        self.inputs, self.outputs = [value["name"] for value in graph["inputs"]], graph["outputs"]
        self.formats = {value["name"]: value["format"] for value in graph["inputs"]}
        self.formats |= {op["output"]["name"]: op["output"]["format"] for op in graph["ops"]}
        self.shapes = {value["name"]: value["shape"] for value in graph["inputs"]}
        self.shapes |= {op["output"]["name"]: op["output"]["shape"] for op in graph["ops"]}
        self.steps = 0  # of what runs
        self.states = {state["name"]: self.arrays[state["initial"]["array"]] for state in graph["states"]}
        self.kept = {state["name"]: state["value"] for state in graph["states"]}
        self.ops = graph["ops"]

    def array(self, op: dict, key: str) -> list:
        """The numbers of an attribute."""
        return self.arrays[op[key]["array"]]

    def run(self, x: list[Sample]) -> list[Sample]:
        """The only output for the only input, sample by sample from reset."""
        ((source,), (result,)) = self.inputs, self.outputs
        return self.every({source: x})[result]

    def every(self, inputs: dict[str, list[Sample]]) -> dict[str, list[Sample]]:
        """Every value by its name."""
        self.steps = max(map(len, inputs.values()))
        for name, samples in inputs.items():
            self.fits(name, samples)
        if any(op["kind"] == "UnitDelay" for op in self.ops):
            return self.in_turn(inputs)
        values = dict(inputs)
        for op in self.ops:
            sources, name = op["inputs"], op["output"]["name"]
            operands = [part for source in sources for part in (source, values[source])]
            values[name] = getattr(self, op["kind"].lower())(op, *operands)
            self.fits(name, values[name])
        return values

    def in_turn(self, inputs: dict[str, list[Sample]]) -> dict[str, list[Sample]]:
        """The same where a sample depends on the one before: one sample after the other through all operations."""
        values: dict[str, list[Sample]] = {name: [] for name in self.formats}
        for t in range(len(next(iter(inputs.values())))):
            for name, samples in inputs.items():
                values[name].append(samples[t])
            for op in self.ops:
                name, sources = op["output"]["name"], op["inputs"]
                if op["kind"] == "UnitDelay":
                    kept = self.kept[op["state"]]
                    assert self.formats[kept] == self.formats[name]
                    made = values[kept][t - 1] if t else self.states[op["state"]]
                elif op["kind"] == "Window":
                    made = self.window(op, sources[0], values[sources[0]])[t]
                else:
                    operands = [part for source in sources for part in (source, [values[source][t]])]
                    (made,) = getattr(self, op["kind"].lower())(op, *operands)
                self.fits(name, [made])
                values[name].append(made)
        return values

    def fits(self, name: str, samples: list[Sample]) -> None:
        """Asserts that a value keeps within its format: an accumulator must hold every sum without wrapping."""
        format = self.formats[name]
        bits = format["width"] - format["signed"]
        least, most = -(1 << bits) if format["signed"] else 0, (1 << bits) - 1
        assert all(least <= n <= most for sample in samples for n in sample), f"{name} leaves its {format}"

    def fraction(self, name: str) -> int:
        """Bits behind the binary point."""
        return self.formats[name]["fraction"]

    def window(self, op: dict, source: str, x: list[Sample]) -> list[Sample]:
        """Taps of the past, the oldest first and the present sample last; before the first there is the initial one."""
        assert self.fraction(source) == self.fraction(op["output"]["name"])
        initial = self.states[op["state"]]
        back = [k * op["dilation"] for k in reversed(range(op["taps"]))]
        return [[n for d in back for n in (x[t - d] if t >= d else initial)] for t in range(len(x))]

    def matmul(self, op: dict, source: str, x: list[Sample]) -> list[Sample]:
        """bias + x times the weights, which have a row for each input and a column for each output."""
        assert self.fraction(op["output"]["name"]) == self.fraction(source) + op["weights_format"]["fraction"]
        weights, bias = self.array(op, "weights"), self.array(op, "bias")
        columns = list(zip(*weights, strict=True))
        return [
            [
                b + sum(n * w for n, w in zip(sample, column, strict=True))
                for b, column in zip(bias, columns, strict=True)
            ]
            for sample in x
        ]

    def sum(self, op: dict, *operands: str | list[Sample]) -> list[Sample]:
        """Each value times a sign and a power of two that brings it to the grid of the sum."""
        names, values = operands[::2], operands[1::2]
        factors = []
        for name, shift, sign in zip(names, op["shifts"], op["signs"], strict=True):
            assert self.fraction(op["output"]["name"]) == self.fraction(name) + shift
            factors.append(sign * 2**shift)
        return [
            [sum(f * n for f, n in zip(factors, terms, strict=True)) for terms in zip(*samples, strict=True)]
            for samples in zip(*values, strict=True)
        ]

    def binary(self, op: dict, a: str, x: list[Sample], b: str, y: list[Sample]) -> list[Sample]:
        """The greater or the lesser of two numbers on one grid, or their product."""
        if op["function"] == "multiply":
            assert self.fraction(a) + self.fraction(b) == self.fraction(op["output"]["name"])
            return [[n * m for n, m in zip(*pair, strict=True)] for pair in zip(x, y, strict=True)]
        assert self.formats[a] == self.formats[b] == op["output"]["format"]
        extreme = {"maximum": max, "minimum": min}[op["function"]]
        return [[extreme(n, m) for n, m in zip(*pair, strict=True)] for pair in zip(x, y, strict=True)]

    def slice(self, op: dict, source: str, x: list[Sample]) -> list[Sample]:
        """Some of the numbers of a value."""
        assert op["axis"] == 0 and self.formats[source] == self.formats[op["output"]["name"]]
        return [sample[op["start"] :: op["step"]][: op["count"]] for sample in x]

    def repeat(self, op: dict, source: str, x: list[Sample]) -> list[Sample]:
        """Each element along an axis so many times in a row."""
        inner = math.prod(op["output"]["shape"][op["axis"] + 1 :])
        rows = [[sample[at : at + inner] for at in range(0, len(sample), inner)] for sample in x]
        return [[n for row in sample for _ in range(op["times"]) for n in row] for sample in rows]

    def reshape(self, op: dict, source: str, x: list[Sample]) -> list[Sample]:
        """The same numbers in the same order."""
        assert math.prod(op["output"]["shape"]) == len(x[0])
        return x

    def concatenate(self, op: dict, *operands: str | list[Sample]) -> list[Sample]:
        """Values on one grid one behind the other."""
        assert op["axis"] == 0
        assert all(self.formats[name] == op["output"]["format"] for name in operands[::2])
        return [[n for sample in samples for n in sample] for samples in zip(*operands[1::2], strict=True)]

    def piecewise(self, op: dict, source: str, x: list[Sample]) -> list[Sample]:
        """A slope times the number plus an offset: those of the last piece that begins at the number or below."""
        assert self.fraction(op["output"]["name"]) == self.fraction(source) + op["slopes_format"]["fraction"]
        thresholds, slopes, offsets = (self.array(op, key) for key in ("thresholds", "slopes", "offsets"))

        def of(n: int, channel: int) -> int:
            column = channel % len(slopes[0])
            piece = sum(row[column] <= n for row in thresholds)
            return n * slopes[piece][column] + offsets[piece][column]

        return [[of(n, channel) for channel, n in enumerate(sample)] for sample in x]

    def table(self, op: dict, source: str, x: list[Sample]) -> list[Sample]:
        """The line between two entries, which are 2**fraction_bits numbers apart, on as much a finer grid."""
        entries, bits, format = self.array(op, "entries"), op["fraction_bits"], self.formats[source]
        least = -(2 ** (format["width"] - 1)) if format["signed"] else 0
        apart = 2**bits

        def line(place: int) -> int:
            entry, rest = divmod(place, apart)
            return entries[entry] * (apart - rest) + entries[entry + 1] * rest if rest else entries[entry] * apart

        def of(n: int) -> int:
            if op["symmetry"] == "none":
                return line(n - least)
            # It has entries from 0 on, and none for the least number, which has no opposite.
            y = line(min(abs(n), -least - 1))
            return op["mirror"] - y if n < 0 and op["symmetry"] == "odd" else y

        return [[of(n) for n in sample] for sample in x]

    def requantize(self, op: dict, source: str, x: list[Sample]) -> list[Sample]:
        """Drops bits with rounding, then clamps."""
        assert self.fraction(op["output"]["name"]) == self.fraction(source) - op["shift"]
        return [[min(max(rounded(n, op["shift"], op["rounding"]), op["lo"]), op["hi"]) for n in sample] for sample in x]


def rounded(n: int, shift: int, rounding: str) -> int:
    """n / 2**shift as a whole number: the floor, or the nearest, halves upwards or to the even neighbour."""
    if shift <= 0:
        return n * 2**-shift
    floor, rest = divmod(n, 2**shift)
    if rounding == "floor" or 2 * rest < 2**shift:
        return floor
    if 2 * rest > 2**shift or rounding == "half_up":
        return floor + 1
    assert rounding == "half_even"
    return floor + floor % 2
