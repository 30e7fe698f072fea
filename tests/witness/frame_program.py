"""The integer program for whole frames: convolutions, pooling, and what moves numbers, place by place."""

import itertools
import math
from collections.abc import Iterator

from integer_program import Program, Sample


def places(shape: list[int]) -> Iterator[tuple[int, ...]]:
    """Every place of an array, the last axis fastest."""
    return itertools.product(*map(range, shape))


def at(shape: list[int], place: tuple[int, ...]) -> int:
    """Where a place's number lies among those of the array."""
    index = 0
    for count, step in zip(shape, place, strict=True):
        assert 0 <= step < count
        index = index * count + step
    return index


def numbers(nested: list) -> list:
    """Those of an array of any rank, the last axis fastest."""
    return [n for part in nested for n in numbers(part)] if isinstance(nested, list) else [nested]


class FrameProgram(Program):
    """The `fixed` graph of a build that computes frames; a sample is a frame."""

    mode = "frame"

    def shape(self, name: str) -> list[int]:
        """The axes of a value."""
        return self.shapes[name]

    def picked(self, op: dict, source: str, x: list[Sample], pick: object) -> list[Sample]:
        """For each place of the output the number of the input's place that `pick` says, or 0 where that is None."""
        own, made = self.shape(source), op["output"]["shape"]
        assert self.formats[source] == op["output"]["format"]
        found = [pick(place) for place in places(made)]
        indices = [None if place is None else at(own, place) for place in found]
        return [[0 if index is None else frame[index] for index in indices] for frame in x]

    def reshape(self, op: dict, source: str, x: list[Sample]) -> list[Sample]:
        """The same numbers in the same order."""
        assert math.prod(self.shape(source)) == math.prod(op["output"]["shape"])
        assert self.formats[source] == op["output"]["format"]
        return x

    def transpose(self, op: dict, source: str, x: list[Sample]) -> list[Sample]:
        """Axis i is the input's axis permutation[i]."""
        order = op["permutation"]
        return self.picked(op, source, x, lambda place: tuple(place[order.index(axis)] for axis in range(len(order))))

    def slice(self, op: dict, source: str, x: list[Sample]) -> list[Sample]:
        """From a start on, by steps, along one axis."""

        def pick(place: tuple[int, ...]) -> tuple[int, ...]:
            return tuple(op["start"] + n * op["step"] if axis == op["axis"] else n for axis, n in enumerate(place))

        return self.picked(op, source, x, pick)

    def pad(self, op: dict, source: str, x: list[Sample]) -> list[Sample]:
        """Zeros around."""
        assert op["value"] == 0
        own = self.shape(source)

        def pick(place: tuple[int, ...]) -> tuple[int, ...] | None:
            inner = tuple(n - before for n, (before, _) in zip(place, op["padding"], strict=True))
            return inner if all(0 <= n < count for n, count in zip(inner, own, strict=True)) else None

        return self.picked(op, source, x, pick)

    def repeat(self, op: dict, source: str, x: list[Sample]) -> list[Sample]:
        """Each several times in a row."""

        def pick(place: tuple[int, ...]) -> tuple[int, ...]:
            return tuple(n // op["times"] if axis == op["axis"] else n for axis, n in enumerate(place))

        return self.picked(op, source, x, pick)

    def zeroinsertion(self, op: dict, source: str, x: list[Sample]) -> list[Sample]:
        """Zeros between each two."""
        apart = op["gap"] + 1

        def pick(place: tuple[int, ...]) -> tuple[int, ...] | None:
            n = place[op["axis"]]
            return None if n % apart else (*place[: op["axis"]], n // apart, *place[op["axis"] + 1 :])

        return self.picked(op, source, x, pick)

    def concatenate(self, op: dict, *operands: str | list[Sample]) -> list[Sample]:
        """One behind the other along an axis."""
        axis, made = op["axis"], op["output"]["shape"]
        sources = []
        for number, name in enumerate(operands[::2]):
            assert self.formats[name] == op["output"]["format"]
            sources += [(number, name, n) for n in range(self.shape(name)[axis])]
        found = []
        for place in places(made):
            number, name, n = sources[place[axis]]
            found.append((number, at(self.shape(name), (*place[:axis], n, *place[axis + 1 :]))))
        return [[frames[number][index] for number, index in found] for frames in zip(*operands[1::2], strict=True)]

    def constant(self, op: dict) -> list[Sample]:
        """The same in every frame."""
        return [numbers(self.array(op, "value"))] * self.steps

    def binary(self, op: dict, a: str, x: list[Sample], b: str, y: list[Sample]) -> list[Sample]:
        """As of samples, axes of length 1 stretched."""
        made = op["output"]["shape"]

        def spread(name: str, frames: list[Sample]) -> list[Sample]:
            own = self.shape(name)
            indices = []
            for place in places(made):
                inner = place[len(made) - len(own) :]
                indices.append(at(own, tuple(0 if n == 1 else i for i, n in zip(inner, own, strict=True))))
            return [[frame[index] for index in indices] for frame in frames]

        return super().binary(op, a, spread(a, x), b, spread(b, y))

    def matmul(self, op: dict, source: str, x: list[Sample]) -> list[Sample]:
        """The product of each row."""
        rows = len(self.array(op, "weights"))
        found = []
        for frame in x:
            parts = [frame[start : start + rows] for start in range(0, len(frame), rows)]
            found.append([n for row in super().matmul(op, source, parts) for n in row])
        return found

    def boxes(self, op: dict, source: str, sizes: list[int], apart: list[int]) -> Iterator[list[tuple]]:
        """For each place of the output's space, the taps of its box that lie inside, and where in the input."""
        *space, _ = self.shape(source)
        for place in places(op["output"]["shape"][:-1]):
            inside = []
            for tap in places(sizes):
                spot = tuple(
                    n * stride - before + k * step
                    for n, stride, (before, _), k, step in zip(
                        place, op["strides"], op["padding"], tap, apart, strict=True
                    )
                )
                if all(0 <= n < count for n, count in zip(spot, space, strict=True)):
                    inside.append((tap, spot))
            yield inside

    def convolution(self, op: dict, source: str, x: list[Sample]) -> list[Sample]:
        """bias + the numbers under the kernel times its weights, group by group; what lies outside counts as 0."""
        assert self.fraction(op["output"]["name"]) == self.fraction(source) + op["weights_format"]["fraction"]
        own, kernel, bias = self.shape(source), numbers(self.array(op, "kernel")), self.array(op, "bias")
        filters, channels = len(bias), own[-1] // op["groups"]
        sizes = list(self.kernel_shape(op))[:-2]
        of_kernel = [*sizes, channels, filters]
        found: list[Sample] = [[] for _ in x]
        for box in self.boxes(op, source, sizes, op["dilation"]):
            for f in range(filters):
                first = f // (filters // op["groups"]) * channels
                terms = [
                    (at(own, (*spot, first + c)), kernel[at(of_kernel, (*tap, c, f))])
                    for tap, spot in box
                    for c in range(channels)
                ]
                for frame, sums in zip(x, found, strict=True):
                    sums.append(bias[f] + sum(frame[index] * weight for index, weight in terms))
        return found

    def kernel_shape(self, op: dict) -> Iterator[int]:
        """The axes of a kernel."""
        nested = self.array(op, "kernel")
        while isinstance(nested, list):
            yield len(nested)
            nested = nested[0]

    def pool(self, op: dict, source: str, x: list[Sample]) -> list[Sample]:
        """The sum or the greatest under each box; what lies outside does not count."""
        own, merge = self.shape(source), {"sum": sum, "max": max}[op["function"]]
        found: list[Sample] = [[] for _ in x]
        for box in self.boxes(op, source, op["size"], [1] * len(op["size"])):
            for c in range(own[-1]):
                indices = [at(own, (*spot, c)) for _, spot in box]
                for frame, merged in zip(x, found, strict=True):
                    merged.append(merge(frame[index] for index in indices))
        return found

    def reduce(self, op: dict, source: str, x: list[Sample]) -> list[Sample]:
        """The sum or the greatest over whole axes."""
        own, merge = self.shape(source), {"sum": sum, "max": max}[op["function"]]
        parts: dict[tuple[int, ...], list[int]] = {}
        for place in places(own):
            kept = tuple(n for axis, n in enumerate(place) if axis not in op["axes"])
            parts.setdefault(kept, []).append(at(own, place))
        return [[merge(frame[index] for index in indices) for indices in parts.values()] for frame in x]
