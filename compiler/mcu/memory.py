"""Where the values of one sample lie: planned places -> the caller's output sample and scratch offsets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from compiler.mcu.steps import Compute, Copy, CType, Place, Step, Traced, places

ALIGNMENT = 2  # elements: pairs of 16-bit numbers stay aligned


def assign(
    steps: Sequence[Step], values: Sequence[Traced], result: Place, ctype: CType
) -> tuple[tuple[Step, ...], tuple[Traced, ...], dict[CType, int]]:
    """Gives every planned place an address, by the lives of the values.

    The result is computed where the caller wants it, unless the input is read after that: the caller may
    pass the same memory for both.

    Args:
        steps: In order, with places of the area "planned", each its own offset.
        values: What exists after which step.
        result: The place of the output value.
        ctype: The type of the caller's output.

    Returns:
        The steps and the values with their final places, and the elements of each scratch area.
    """
    steps = list(steps)
    out = Place("out", ctype, 0, result.size)
    final: dict[Place, Place] = {}
    if _writes_through(steps, result):
        final[result] = out
    else:
        steps.append(Copy(name="output", source=result, target=out))

    born, dies = _lives(steps, values)
    taken: list[tuple[Place, Place]] = []  # planned, assigned
    scratch: dict[CType, int] = {}
    for planned in sorted(born, key=born.__getitem__):
        if planned in final:
            continue
        step = steps[born[planned]]
        before = final.get(step.source)
        if step.elementwise and before and _can_overwrite(step, before, dies, born[planned]):
            place = replace(before)
        else:
            busy = [
                there
                for other, there in taken
                if other.ctype == planned.ctype and dies[other] >= born[planned] and born[other] <= dies[planned]
            ]
            place = replace(planned, area="scratch", offset=_first_gap(busy, planned.size))
        final[planned] = place
        taken.append((planned, place))
        scratch[planned.ctype] = max(scratch.get(planned.ctype, 0), place.offset + place.size)

    def at(place: Place) -> Place:
        return final.get(place, place)

    placed = tuple(replace(step, **{name: at(getattr(step, name)) for name in places(step)}) for step in steps)
    return placed, tuple(replace(value, place=at(value.place)) for value in values), scratch


def _writes_through(steps: Sequence[Step], result: Place) -> bool:
    """Whether the output value may be computed in the caller's output, which may be the input's memory."""
    if result.area != "planned":
        return False
    writers = [index for index, step in enumerate(steps) if isinstance(step, Compute) and step.target == result]
    first = writers[0]
    reads_input = [index for index, step in enumerate(steps) if step.source.area == "in"]
    return all(index < first or (index == first and steps[index].elementwise) for index in reads_input)


def _lives(steps: Sequence[Step], values: Sequence[Traced]) -> tuple[dict[Place, int], dict[Place, int]]:
    """For each planned place, the steps that first write and last touch it."""
    born: dict[Place, int] = {}
    dies: dict[Place, int] = {}
    for index, step in enumerate(steps):
        for name in places(step):
            place = getattr(step, name)
            if place.area == "planned":
                born.setdefault(place, index)
                dies[place] = index
    for value in values:
        if value.place.area == "planned":
            dies[value.place] = max(dies[value.place], value.after)
    return born, dies


def _can_overwrite(step: Step, before: Place, dies: dict[Place, int], index: int) -> bool:
    source = step.source
    same = before.ctype == step.target.ctype and before.size == step.target.size
    return before.area == "scratch" and same and dies[source] == index


def _first_gap(busy: Sequence[Place], size: int) -> int:
    offset = 0
    for place in sorted(busy, key=lambda place: place.offset):
        if offset + size <= place.offset:
            break
        offset = max(offset, -(-(place.offset + place.size) // ALIGNMENT) * ALIGNMENT)
    return offset
