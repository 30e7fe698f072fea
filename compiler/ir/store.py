"""Graphs in a build's folder: graph.json for the structure, weights.npz for the arrays. Both are deterministic."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from compiler.ir.graph import KINDS, Graph
from compiler.ir.numerics import Format
from compiler.ir.values import State, Value
from compiler.ir.verifier import verify


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

    text = json.dumps({key: of(key, graph) for key, graph in graphs.items()}, indent=1, sort_keys=True)
    packed = io.BytesIO()
    np.savez(packed, **{key: arrays[key] for key in sorted(arrays)})
    return {"graph.json": text.encode() + b"\n", "weights.npz": packed.getvalue()}


def load(text: bytes, packed: bytes) -> dict[str, Graph]:
    """The graphs that `save` wrote.

    Raises:
        ValueError, KeyError, TypeError, OSError: The files are not what `save` wrote.
    """
    with np.load(io.BytesIO(packed), allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}

    def format_of(data: dict[str, Any] | None) -> Format | None:
        return data and Format(**data)

    def value_of(data: dict[str, Any]) -> Value:
        limits = data["range"] and tuple(data["range"])
        return Value(
            data["name"], tuple(data["shape"]), data["layer"], format_of(data["format"]), limits, tuple(data["folded"])
        )

    def attribute(data: Any) -> Any:
        match data:
            case {"array": key}:
                return arrays[key]
            case {"graph": inner}:
                return graph_of(inner)
            case dict():
                return format_of(data)
            case list():
                return tuple(attribute(part) for part in data)
        return data

    def graph_of(data: dict[str, Any]) -> Graph:
        values = {value.name: value for value in map(value_of, data["inputs"])}
        ops = []
        for op in data["ops"]:
            own = {key: attribute(op[key]) for key in op if key not in ("kind", "inputs", "output")}
            output = value_of(op["output"])
            ops.append(KINDS[op["kind"]](inputs=tuple(values[name] for name in op["inputs"]), output=output, **own))
            values[output.name] = output
        states = tuple(
            State(state["name"], values[state["value"]], state["length"], attribute(state["initial"]))
            for state in data["states"]
        )
        outputs = tuple(values[name] for name in data["outputs"])
        inputs = tuple(values[value["name"]] for value in data["inputs"])
        rest = {"controls": tuple(data["controls"])}
        # Older builds delay all outputs alike.
        rest["warm_ups"] = tuple(data["warm_ups"] if "warm_ups" in data else [data["warm_up"]] * len(outputs))
        rest["output_keys"] = tuple(data.get("output_keys", ()))  # older builds have none
        return Graph(data["name"], data["mode"], inputs, outputs, tuple(ops), states, **rest)

    graphs = {key: graph_of(data) for key, data in json.loads(text).items()}
    for key, graph in graphs.items():
        try:
            verify(graph, "fixed" if key == "fixed" else "float")
        except AssertionError as error:
            raise ValueError(str(error)) from None
    return graphs
