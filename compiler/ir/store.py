"""Graphs in a build's folder: graph.json for the structure, weights.npz for the arrays. Both are deterministic."""

from __future__ import annotations

import io
import json
import re
import types
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from compiler.errors import CompileError
from compiler.ir import limits
from compiler.ir.graph import KINDS, Graph
from compiler.ir.numerics import Format
from compiler.ir.values import State, Value
from compiler.ir.verifier import verify
from compiler.npy import ENCRYPTED, read_array

GRAPH, WEIGHTS = "graph.json", "weights.npz"
LARGEST_INTEGER = 1 << 62  # clamps of a fixed-point graph, before they are cut to the format
LARGEST_VALUE = 16 * limits.LARGEST  # numbers of a value, or of a state with its past; passes make some larger
FORMAT = 2  # of both files; what has another was written by another version, and is refused
DEEPEST = 8  # graphs within graphs, as bodies of scans
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class OtherVersionError(ValueError):
    """Files that are whole, but not in the format of today."""


def save(graphs: Mapping[str, Graph]) -> dict[str, bytes]:
    """The files graph.json and weights.npz that hold some graphs, each under a key."""
    arrays: dict[str, np.ndarray] = {}

    def plain(thing: Any, where: str) -> Any:
        match thing:
            case np.ndarray():
                arrays[where] = thing
                return {"array": where}
            case Graph():
                return {"graph": of(where, thing)}
            case Value() | Format():
                return {f.name: plain(getattr(thing, f.name), where) for f in fields(thing)}
            case tuple():
                return [plain(part, where) for part in thing]
        return thing

    def of(key: str, graph: Graph) -> dict[str, Any]:
        states = [
            {f.name: plain(getattr(s, f.name), f"{key}/{s.name}/{f.name}") for f in fields(s) if f.name != "value"}
            | {"value": s.value.name}
            for s in graph.states
        ]
        ops = [
            {"kind": type(op).__name__, "inputs": [value.name for value in op.inputs], "output": plain(op.output, "")}
            | {name: plain(value, f"{key}/{op.output.name}/{name}") for name, value in op.attributes().items()}
            for op in graph.ops
        ]
        inputs = [plain(value, "") for value in graph.inputs]
        outputs = [value.name for value in graph.outputs]
        head = {"name": graph.name, "mode": graph.mode, "inputs": inputs, "outputs": outputs}
        head |= {key: list(getattr(graph, key)) for key in ("warm_ups", "controls", "output_keys")}
        return head | {"states": states, "ops": ops}

    text = _laid_out({key: of(key, graph) for key, graph in graphs.items()} | {"format": FORMAT})
    packed = io.BytesIO()
    np.savez(packed, **{key: arrays[key] for key in sorted(arrays)})
    return {GRAPH: text.encode(), WEIGHTS: packed.getvalue()}


def _laid_out(data: Any, indent: str = "") -> str:
    """JSON with a line for each key of an object and each object of a list, down to a graph's operations."""
    deeper = f"{indent} "
    if isinstance(data, dict) and len(indent) < 2:
        entries = [f"{deeper}{json.dumps(key)}: {_laid_out(data[key], deeper)}" for key in sorted(data)]
        return "\n".join(["{", ",\n".join(entries), f"{indent}}}"]) + ("" if indent else "\n")
    if isinstance(data, list) and data and isinstance(data[0], dict):
        entries = [f"{deeper}{json.dumps(entry, sort_keys=True)}" for entry in data]
        return "\n".join(["[", ",\n".join(entries), f"{indent}]"])
    return json.dumps(data, sort_keys=True)


def load(text: bytes, packed: bytes) -> dict[str, Graph]:
    """The graphs that `save` wrote, verified.

    Anything may stand in the files: types, names and sizes are checked before anything is made of them.

    Raises:
        OtherVersionError: They have another format.
        ValueError: Saying in which file, and where in it, something is not as `save` writes it.
    """
    try:
        arrays = _arrays(packed)
    except (CompileError, OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{WEIGHTS} cannot be read ({str(error)[:200]})") from None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{GRAPH} cannot be read ({error})") from None
    graphs = {}
    written = _object(data, "the whole", None).pop("format", None)
    if type(written) is not int or written != FORMAT:
        raise OtherVersionError(f"was written by another version of the compiler: {GRAPH} is not of format {FORMAT}")
    for key, entry in data.items():
        graph = _Reader(arrays, key).graph(entry, key)
        try:
            verify(graph, "fixed" if key == "fixed" else "float")
        except AssertionError as error:
            raise ValueError(f"{GRAPH}: {error}") from None
        except Exception as error:  # what the verifier cannot even follow is no graph
            raise ValueError(f"{GRAPH}: {key} is no graph ({type(error).__name__}: {str(error)[:80]})") from None
        graphs[key] = graph
    return graphs


def _arrays(packed: bytes) -> dict[str, np.ndarray]:
    """The arrays of an archive as `np.savez` writes it: nothing in it is larger than the archive."""
    arrays = {}
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        for entry in archive.infolist():
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > len(packed):
                raise ValueError(f"{entry.filename[:80]!r} is compressed")
            if entry.flag_bits & ENCRYPTED:
                raise ValueError(f"{entry.filename[:80]!r} is encrypted")
            with archive.open(entry) as member:
                name = entry.filename.removesuffix(".npy")
                arrays[name] = read_array(member, entry.file_size, f"array '{name[:80]}'")
    return arrays


@cache
def _types(kind: type) -> dict[str, Any]:
    """The types of the fields of an operation."""
    return {name: hint for name, hint in get_type_hints(kind, localns={"Graph": Graph}).items() if name != "inputs"}


@dataclass
class _Reader:
    """Makes one graph, and the graphs within it, of plain JSON."""

    arrays: Mapping[str, np.ndarray]
    name: str
    depth: int = 0

    def graph(self, data: Any, where: str) -> Graph:
        """A graph, with every reference in it resolved."""
        keys = ("name", "mode", "inputs", "outputs", "warm_ups", "controls", "output_keys", "states", "ops")
        entry = _object(data, where, keys)
        if self.depth > DEEPEST:
            raise _unfit(where, "has too many graphs within graphs")
        self.depth += 1
        known: dict[str, Value] = {}

        def value_named(name: Any, at: str) -> Value:
            if not isinstance(name, str) or name not in known:
                raise _unfit(at, f"{_shown(name)} is no value of the graph")
            return known[name]

        def values_named(names: Any, at: str) -> tuple[Value, ...]:
            return tuple(value_named(name, at) for name in _list(names, at))

        inputs = tuple(self.value(value, f"{where}: inputs") for value in _list(entry["inputs"], f"{where}: inputs"))
        known |= {value.name: value for value in inputs}
        ops = []
        for number, one in enumerate(_list(entry["ops"], f"{where}: ops")):
            at = f"{where}: operation {number}"
            kind = KINDS.get(str(_object(one, at, None).get("kind")))
            if kind is None:
                raise _unfit(at, f"there is no kind {_shown(one.get('kind'))}")
            types_ = _types(kind)
            _object(one, at, ("kind", "inputs", *types_))
            read = {key: self.of(hint, one[key], f"{at}: {key}") for key, hint in types_.items()}
            op = kind(inputs=values_named(one["inputs"], f"{at}: inputs"), **read)
            ops.append(op)
            known[op.output.name] = op.output
        states = []
        for number, one in enumerate(_list(entry["states"], f"{where}: states")):
            at = f"{where}: state {number}"
            _object(one, at, ("name", "value", "length", "initial"))
            value, length = value_named(one["value"], at), self.of(int, one["length"], f"{at}: length")
            if length < 1 or length * max(1, value.size) > LARGEST_VALUE:
                raise _unfit(at, f"a length of {length}")
            states.append(State(_identifier(one["name"], at), value, length, self.array(one["initial"], at)))
        self.depth -= 1
        outputs = values_named(entry["outputs"], f"{where}: outputs")
        warm_ups = self.of(tuple[int, ...], entry["warm_ups"], f"{where}: warm_ups")
        if len(warm_ups) != len(outputs) or any(not 0 <= length <= LARGEST_VALUE for length in warm_ups):
            raise _unfit(where, f"warm-ups of {_shown(warm_ups)}")
        return Graph(
            _identifier(entry["name"], f"{where}: name"),
            self.of(Literal["frame", "stream"], entry["mode"], f"{where}: mode"),
            inputs,
            outputs,
            tuple(ops),
            tuple(states),
            warm_ups=warm_ups,
            controls=self.of(tuple[str, ...], entry["controls"], f"{where}: controls"),
            output_keys=self.of(tuple[str, ...], entry["output_keys"], f"{where}: output_keys"),
        )

    def value(self, data: Any, where: str) -> Value:
        """A value."""
        entry = _object(data, where, ("name", "shape", "layer", "format", "range", "folded", "interval"))
        shape = tuple(self.size(n, f"{where}: shape") for n in _list(entry["shape"], f"{where}: shape"))
        if int(np.prod([1, *shape], dtype=object)) > LARGEST_VALUE:
            raise _unfit(where, f"a shape of {' x '.join(map(str, shape))}")
        return Value(
            _identifier(entry["name"], where),
            shape,
            self.of(str, entry["layer"], f"{where}: layer"),
            self.of(Format | None, entry["format"], f"{where}: format"),
            self.of(tuple[float, float] | None, entry["range"], f"{where}: range"),
            self.of(tuple[str, ...], entry["folded"], f"{where}: folded"),
            self.of(tuple[int, int] | None, entry["interval"], f"{where}: interval"),
        )

    def size(self, data: Any, where: str) -> int:
        """A number of things."""
        number = self.of(int, data, where)
        if not 0 <= number <= LARGEST_VALUE:
            raise _unfit(where, f"{number} is out of bounds")
        return number

    def array(self, data: Any, where: str) -> np.ndarray:
        """An array of the archive."""
        key = _object(data, where, ("array",))["array"]
        if not isinstance(key, str) or key not in self.arrays:
            raise _unfit(where, f"{WEIGHTS} holds no array {_shown(key)}")
        return self.arrays[key]

    def format(self, data: Any, where: str) -> Format:
        """A fixed-point format."""
        entry = _object(data, where, ("signed", "width", "fraction"))
        signed, width = self.of(bool, entry["signed"], where), self.of(int, entry["width"], where)
        fraction = self.of(int, entry["fraction"], where)
        if not 1 <= width <= 64 or not -1100 <= fraction <= 1100:
            raise _unfit(where, f"a format of {width} bits, {fraction} of them behind the point")
        return Format(signed, width, fraction)

    def of(self, hint: Any, data: Any, where: str) -> Any:
        """Whatever a field of this type holds."""
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in (Union, types.UnionType):
            return None if data is None else self.of(*(one for one in arguments if one is not type(None)), data, where)
        if origin is Literal:
            return data if data in arguments else _refuse(data, where, f"one of {', '.join(map(str, arguments))}")
        if origin is tuple:
            parts = _list(data, where)
            if arguments[-1] is not Ellipsis and len(parts) != len(arguments):
                raise _unfit(where, f"{len(parts)} entries, not {len(arguments)}")
            hints = arguments[:1] * len(parts) if arguments[-1] is Ellipsis else arguments
            return tuple(self.of(one, part, where) for one, part in zip(hints, parts, strict=True))
        readers = {np.ndarray: self.array, Graph: self._graph_within, Value: self.value, Format: self.format}
        if hint in readers:
            return readers[hint](data, where)
        whole = isinstance(data, int) and not isinstance(data, bool)
        fits = {
            bool: isinstance(data, bool),
            str: isinstance(data, str),
            int: whole and abs(data) <= LARGEST_INTEGER,
            float: isinstance(data, float) or (whole and abs(data) <= LARGEST_INTEGER),
        }[hint]
        names = {bool: "true or false", str: "text", int: "a whole number", float: "a number"}
        return data if fits else _refuse(data, where, names[hint])

    def _graph_within(self, data: Any, where: str) -> Graph:
        return self.graph(_object(data, where, ("graph",))["graph"], where)


def _object(data: Any, where: str, keys: tuple[str, ...] | None) -> dict[str, Any]:
    if not isinstance(data, dict):
        _refuse(data, where, "an object")
    if keys is not None and (wrong := sorted(set(keys) ^ set(data))):
        raise _unfit(where, f"{'lacks' if wrong[0] in keys else 'has an unknown'} {_shown(wrong[0])}")
    return data


def _list(data: Any, where: str) -> list[Any]:
    return data if isinstance(data, list) else _refuse(data, where, "a list")


def _identifier(data: Any, where: str) -> str:
    fits = isinstance(data, str) and len(data) <= 1000 and _IDENTIFIER.fullmatch(data)
    return data if fits else _refuse(data, where, "a name")


def _refuse(data: Any, where: str, wanted: str) -> Any:
    raise _unfit(where, f"{_shown(data)} is not {wanted}")


def _unfit(where: str, what: str) -> ValueError:
    return ValueError(f"{GRAPH}: {where}: {what}")


def _shown(data: Any) -> str:
    text = json.dumps(data)
    return text if len(text) <= 60 else f"{text[:57]}..."
