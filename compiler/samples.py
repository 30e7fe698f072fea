"""What --input and --output name: files and numbers become the inputs of a build, and its outputs become files.

A .wav has a rate of its own. It is that of the build, or is brought there and back where that was asked for.
"""

from __future__ import annotations

import contextlib
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import gcd
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from compiler import outputs, wav
from compiler.errors import CompileError
from compiler.ir.graph import Graph
from compiler.ir.values import Value
from compiler.names import Namer
from compiler.npy import read_npy, read_npz

MOST_FILTER = 100_000  # the filter has 20 times as many taps
KINDS = (".npy", ".npz", ".wav")


@dataclass(frozen=True, eq=False)
class Given:
    """What one input is made of.

    Args:
        text: As it was typed.
        array: From a file: (samples, *shape), or more of them; None where there are numbers alone.
        numbers: They hold for the whole of it; beside an array they are further channels.
        rate: Samples a second, of a .wav.
    """

    text: str
    array: np.ndarray | None = None
    numbers: tuple[float, ...] = ()
    rate: int | None = None


class Loaded(NamedTuple):
    """The inputs in the model's order; of the .wav among them, its rate and how many samples it had at that rate."""

    inputs: list[np.ndarray]
    rate: int | None
    length: int | None


def load(arguments: Sequence[str], graph: Graph, rate: int, *, resample: bool = False) -> Loaded:
    """The inputs that the arguments of --input give.

    Args:
        arguments: Each [NAME=]X, where X is a file, numbers, or a file with numbers behind it, set apart by commas;
            or one .npz with an array for each input.
        graph: What they are for.
        rate: Samples a second of the build.
        resample: Whether a .wav of another rate is brought to that of the build.

    Raises:
        CompileError: A file cannot be read, or what was given does not fit the inputs.
    """
    read_from = _assign(arguments, graph)
    given = [_to_rate(one, rate, resample) for one in read_from]
    steps = _steps(graph, given)
    pairs = zip(graph.inputs, given, strict=True)
    inputs = [_fit(value, one, None if _stands_still(graph, value) else steps) for value, one in pairs]
    waves = [(one.rate, len(one.array)) for one in read_from if one.rate and one.array is not None]
    return Loaded(inputs, *(waves[0] if waves else (None, None)))


def _assign(arguments: Sequence[str], graph: Graph) -> list[Given]:
    """What was given for each input of the graph."""
    wanted = [value.layer for value in graph.inputs]
    named = dict(_named(argument) for argument in arguments)
    if len(named) < len(arguments):
        raise CompileError("one input was given twice", hint=_names(graph))
    if len(arguments) == 1 and len(wanted) > 1 and (path := Path(arguments[0])).suffix == ".npz":
        arrays = read_npz(path)
        if set(arrays) != set(wanted):
            raise CompileError(f"holds arrays named {', '.join(arrays)}", file=str(path), hint=_names(graph))
        return [Given(f"{path}, array '{name}'", arrays[name]) for name in wanted]
    if all(isinstance(name, int) for name in named):
        texts = list(named.values())
    elif set(named) == set(wanted):
        texts = [named[name] for name in wanted]
    else:
        names = ", ".join(name for name in named if isinstance(name, str))
        raise CompileError(f"inputs named {names} do not fit", hint=_names(graph))
    if len(texts) != len(wanted):
        counted = f"{len(texts)} input{'s' * (len(texts) != 1)}"
        raise CompileError(f"--input gives {counted}, and the model takes {len(wanted)}", hint=_names(graph))
    return [_parse(text) for text in texts]


def _names(graph: Graph) -> str:
    shapes = (f"'{value.layer}' {_shape(value)}" for value in graph.inputs)
    return f"The model takes {', '.join(shapes)}."


def _shape(value: Value) -> str:
    return " x ".join(map(str, value.shape)) or "1"


def _named(argument: str) -> tuple[str | int, str]:
    """NAME and X; a number of its own for an X without a name."""
    name, equals, text = argument.partition("=")
    if equals and not Path(argument).is_file():
        return name, text
    return id(argument), argument


def _parse(text: str) -> Given:
    """A file, numbers, or a file and numbers."""
    if Path(text).is_file():
        array, rate = read(Path(text))
        return Given(text, array, rate=rate)
    first, *rest = text.split(",")
    numbers = [_number(part) for part in (first, *rest)]
    if None not in numbers:
        return Given(text, numbers=tuple(numbers))
    if None in numbers[1:]:
        wrong = (first, *rest)[1 + numbers[1:].index(None)]
        raise CompileError(f"--input {text}: '{wrong}' is no number", hint="A file stands first, numbers behind it.")
    array, rate = read(Path(first))
    return Given(text, array, tuple(numbers[1:]), rate)


def _number(text: str) -> float | None:
    """The number that a text is, whole where it is written so; None if it is none."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            value = kind(text)
            if not np.isfinite(value):
                raise CompileError(f"--input {text} is no number that an input can have")
            return value
    return None


def read(path: Path) -> tuple[np.ndarray, int | None]:
    """The array in a .npy, a .npz with one array, or a .wav, whose rate comes with it."""
    match path.suffix.lower():
        case ".npy":
            return read_npy(path), None
        case ".npz":
            arrays = read_npz(path)
            if len(arrays) != 1:
                raise CompileError(f"holds {len(arrays)} arrays, not one", file=str(path))
            return next(iter(arrays.values())), None
        case ".wav":
            return wav.read(path)
    raise _of_no_kind(path)


def _of_no_kind(path: Path) -> CompileError:
    return CompileError(f"is neither {', '.join(KINDS[:-1])} nor {KINDS[-1]}", file=str(path))


def _to_rate(one: Given, rate: int, resample: bool) -> Given:
    """A .wav at the build's rate."""
    if one.rate in (None, rate):
        return one
    if not resample:
        raise CompileError(
            f"has {one.rate:,} samples a second, and the build was made for {rate:,}",
            file=one.text,
            hint=f"Compile with --sample-rate {one.rate}, or give --resample to bring the file to {rate:,} and back.",
        )
    return replace(one, array=resampled(one.array, one.rate, rate))


def back(
    y: np.ndarray | Mapping[str, np.ndarray], graph: Graph, rate: int, wanted: int, longest: int
) -> np.ndarray | dict[str, np.ndarray]:
    """The outputs of a stream, real numbers at one rate, at another; frames have none.

    Args:
        longest: Samples that came in at the wanted rate: there and back, rounding up twice would make more of them.
    """
    if graph.mode == "frame":
        return y
    ranks = {name: len(value.shape) for name, value in zip(graph.output_names, graph.outputs, strict=True)}

    def one_back(one: np.ndarray, name: str) -> np.ndarray:
        axis = one.ndim - 1 - ranks[name]
        return resampled(one, rate, wanted, axis)[(slice(None),) * axis + (slice(longest),)]

    if isinstance(y, Mapping):
        return {name: one_back(one, name) for name, one in y.items()}
    return one_back(y, graph.output_names[0])


def resampled(x: np.ndarray, rate: int, wanted: int, axis: int = 0) -> np.ndarray:
    """Samples along an axis from one rate to another, through a filter without delay."""
    from scipy.signal import resample_poly

    up, down = wanted // gcd(rate, wanted), rate // gcd(rate, wanted)
    if max(up, down) > MOST_FILTER:
        raise CompileError(f"{rate:,} and {wanted:,} samples a second have too little in common to be brought together")
    return resample_poly(x, up, down, axis=axis).astype(np.float32) if x.size else x


def _stands_still(graph: Graph, value: Value) -> bool:
    return graph.mode == "frame" or value.name in graph.controls


def _steps(graph: Graph, given: Sequence[Given]) -> tuple[int, ...]:
    """The leading axes of an input that comes out of a file: how many streams, how many samples."""
    for value, one in zip(graph.inputs, given, strict=True):
        if one.array is not None and not _stands_still(graph, value):
            return one.array.shape[: one.array.ndim - len(value.shape)]
    return (1,)  # numbers alone are one sample


def _fit(value: Value, one: Given, steps: tuple[int, ...] | None) -> np.ndarray:
    """The array for an input, numbers laid out along its samples; its shape is checked by the build."""
    if one.array is None:
        if len(one.numbers) != value.size:
            count = len(one.numbers)
            raise CompileError(f"--input {one.text}: {count} number{'s' * (count != 1)}, and input {_wants(value)}")
        constants = np.array(one.numbers).reshape(value.shape)
        return constants if steps is None else np.broadcast_to(constants, (*steps, *value.shape))
    x = one.array
    if one.numbers:
        if x.ndim < 2:
            raise CompileError(f"--input {one.text}: numbers stand beside a file with channels, which this is not")
        x = np.concatenate([x, np.broadcast_to(one.numbers, (*x.shape[:-1], len(one.numbers)))], axis=-1)
    if one.rate and not value.shape and x.shape[-1] == 1:
        return x[:, 0]
    if steps is not None and len(value.shape) == 1 and x.ndim > 1 and x.shape[-1] != value.size:
        count = x.shape[-1]
        hint = f"Give a file with {value.size} channel{'s' * (value.size != 1)}."
        if count < value.size:
            knobs = ",".join(["0.5"] * (value.size - count))
            hint = f"What stands still can be given as numbers behind the file: --input {one.text},{knobs}"
        raise CompileError(f"{count} channel{'s' * (count != 1)}, and input {_wants(value)}", file=one.text, hint=hint)
    return x


def _wants(value: Value) -> str:
    return f"'{value.layer}' takes {_shape(value)}"


def check_output(path: Path, names: Sequence[str] | None = None) -> None:
    """Refuses a file that cannot take these outputs, or all layers, before they are computed."""
    outputs.check_path(path)
    if path.suffix.lower() not in KINDS:
        raise _of_no_kind(path)
    if (names is None or len(names) > 1) and path.suffix.lower() != ".npz":
        several = f"{len(names)} outputs" if names else "what every layer computes"
        raise CompileError(f"cannot hold {several}", file=str(path), hint="Write an .npz.")
    if path.is_dir() or (path.exists() and not os.access(path, os.W_OK)):
        raise CompileError("is a folder" if path.is_dir() else "may not be written", file=str(path))
    standing = next(place for place in path.absolute().parents if place.exists())
    if not standing.is_dir() or not os.access(standing, os.W_OK | os.X_OK):
        raise CompileError("cannot be written", file=str(path), hint=f"'{standing}' is no folder that takes new files.")


def save(path: Path, y: np.ndarray | Mapping[str, np.ndarray], rate: int) -> None:
    """Writes one output, or several into one .npz under their names, whole or not at all."""
    if isinstance(y, Mapping):
        check_output(path, tuple(y))
        save_arrays(path, y)
        return
    check_output(path, ("y",))
    with outputs.replacing(path) as file:
        match path.suffix.lower():
            case ".npy":
                np.lib.format.write_array(file, y, allow_pickle=False)
            case ".npz":
                _write_npz(file, {"y": y})
            case ".wav":
                if y.ndim != 2 or y.dtype.kind != "f":
                    raise CompileError("a .wav holds one stream of real numbers", file=str(path), hint="Write a .npy.")
                file.write(wav.encode(y, rate, str(path)))


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes an .npz with an array under each name; a name that leads out of the archive is made an identifier."""
    with outputs.replacing(path) as file:
        _write_npz(file, arrays)


def _write_npz(file: BinaryIO, arrays: Mapping[str, np.ndarray]) -> None:
    namer = Namer(set(arrays))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:  # np.savez has names of its own, as 'file'
        for name, array in arrays.items():
            parts = name.replace("\\", "/").split("/")
            inside = namer(name) if {"", ".", ".."} & set(parts) else name
            with archive.open(f"{inside}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
