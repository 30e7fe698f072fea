"""Where the values of one sample lie: planned buffers -> the caller's outputs and scratch offsets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from compiler.mcu.places import CType, Place
from compiler.mcu.schedule import Traced
from compiler.mcu.steps import Compute, Copy, Push, Step

ALIGNMENT = 2  # elements: pairs of 16-bit numbers stay aligned


@dataclass
class _Buffer:
    """A stretch of memory under planning: the steps that first write and last touch it, and the one after which
    it is last looked at from outside."""

    ctype: CType
    size: int
    born: int
    dies: int
    traced: int = -1


def assign(
    steps: Sequence[Step],
    late: Sequence[Push],
    values: Sequence[Traced],
    results: Sequence[Place],
    *,
    aliased: bool,
    per_block: int = 0,
) -> tuple[tuple[Step, ...], tuple[Traced, ...], dict[CType, int]]:
    """Gives every planned buffer an address, by the lives of the values.

    A result is computed where the caller wants it, unless that may be the memory of the input, which is read
    after that.

    Args:
        steps: In order, with places of the area "planned", `which` telling the buffer.
        late: What happens after the results have been written.
        values: What exists after which step.
        results: The places of the output values.
        aliased: Whether the caller may pass the same memory as input and output.
        per_block: What the first so many steps compute stays as it is while the others run again and again.

    Returns:
        All steps and the values with their final places, and the elements of each scratch area.
    """
    steps = list(steps)
    final: dict[int | str, Place] = {}
    for number, result in enumerate(results):
        out = Place("out", result.ctype, 0, result.size, number)
        if result.which not in final and _writes_through([*steps, *late], result, aliased, per_block):
            final[result.which] = out
        else:
            steps.append(Copy(name=f"output_{number}", sources=(result,), target=out))
    steps += late

    buffers = _buffers(steps, values)
    for buffer in buffers.values():
        if buffer.born < per_block:
            buffer.dies = len(steps)
    placed: list[tuple[_Buffer, Place]] = []  # those that are still alive
    scratch: dict[CType, int] = {}
    for which in sorted((w for w in buffers if w not in final), key=lambda w: buffers[w].born):
        buffer = buffers[which]
        place = _overwritten(steps[buffer.born], which, buffers, final)
        # In the order of their birth: one that has died is in nobody's way any more.
        placed = [(other, there) for other, there in placed if other.dies >= buffer.born]
        if place is None:
            busy = [there for other, there in placed if other.ctype == buffer.ctype]
            place = Place("scratch", buffer.ctype, _first_gap(busy, buffer.size), buffer.size)
        final[which] = place
        placed.append((buffer, place))
        scratch[buffer.ctype] = max(scratch.get(buffer.ctype, 0), place.offset + place.size)

    def at(place: Place | None) -> Place | None:
        if place is None or place.area != "planned":
            return place
        base = final[place.which]
        return replace(base, offset=base.offset + place.offset, size=place.size)

    return (
        tuple(_moved(step, at) for step in steps),
        tuple(replace(value, place=at(value.place)) for value in values),
        scratch,
    )


def _moved(step: Step, at: object) -> Step:
    sources = tuple(map(at, step.sources))
    if isinstance(step, Compute):
        return replace(step, sources=sources, target=at(step.target), work=at(step.work))
    return replace(step, sources=sources)


def _touched(step: Step) -> list[Place]:
    places = [*step.sources]
    if isinstance(step, Compute):
        places += [place for place in (step.target, step.work) if place is not None]
    return [place for place in places if place.area == "planned"]


def _writes_through(steps: Sequence[Step], result: Place, aliased: bool, per_block: int) -> bool:
    """Whether an output value may be computed in the caller's output, which may be the input's memory."""
    if result.area != "planned" or result.offset:
        return False
    mine = [index for index, step in enumerate(steps) if any(p.which == result.which for p in _touched(step))]
    first = mine[0]
    if first < per_block:
        return False  # every sample has an output of its own
    sizes = [p.offset + p.size for index in mine for p in _touched(steps[index]) if p.which == result.which]
    if max(sizes) > result.size:
        return False
    for index, step in enumerate(steps if aliased else ()):
        reads = [number for number, place in enumerate(step.sources) if place.area == "in"]
        whole = isinstance(step, Compute) and step.target == result
        aligned = whole and index == first and all(number in step.aligned for number in reads)
        if reads and index >= first and not aligned:
            return False
    return True


def _buffers(steps: Sequence[Step], values: Sequence[Traced]) -> dict[int | str, _Buffer]:
    """The planned buffers by number, with the lives of what is in them."""
    buffers: dict[int | str, _Buffer] = {}
    for index, step in enumerate(steps):
        for place in _touched(step):
            buffer = buffers.setdefault(place.which, _Buffer(place.ctype, 0, index, index))
            buffer.size = max(buffer.size, place.offset + place.size)
            buffer.dies = index
    for value in values:
        if value.place.area == "planned":
            buffer = buffers[value.place.which]
            buffer.dies = max(buffer.dies, value.after)
            buffer.traced = max(buffer.traced, value.after)
    return buffers


def _overwritten(
    step: Step, which: int | str, buffers: dict[int | str, _Buffer], final: dict[int | str, Place]
) -> Place | None:
    """The memory of a source that the step may write its target over, as nobody reads it after that."""
    new, index = buffers[which], buffers[which].born
    if not isinstance(step, Compute) or step.target.which != which or step.target.size != new.size:
        return None
    for number in step.aligned:
        source = step.sources[number]
        if source.area != "planned" or source.ctype != new.ctype or source.size != new.size:
            continue
        before = buffers[source.which]
        last = before.dies == index > before.traced and before.size == new.size
        alone = all(
            other == source and position in step.aligned
            for position, other in enumerate(step.sources)
            if other.memory == source.memory
        )
        if last and alone and final[source.which].area == "scratch":
            return final[source.which]
    return None


def _first_gap(busy: Sequence[Place], size: int) -> int:
    offset = 0
    for place in sorted(busy, key=lambda place: place.offset):
        if offset + size <= place.offset:
            break
        offset = max(offset, -(-(place.offset + place.size) // ALIGNMENT) * ALIGNMENT)
    return offset
