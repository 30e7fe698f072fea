"""What stands in graph.json, weights.npz and report.json may be anything: it is read as it was written, or refused."""

import io
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

import compiler
from compiler.errors import CompileError
from compiler.ir import store

STRANGE = [
    *(None, True, 0, -1, 10**9, 2**63, 0.5, float("nan"), "", "x", "../../x", "a b", [], {}, [None], [1, 2]),
    *([10**6] * 3, {"array": "x"}, {"graph": {}}, {"signed": 1, "width": 8, "fraction": 0}),
    {"signed": True, "width": 99, "fraction": 0},
]


@pytest.fixture(scope="module")
def builds(files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("builds")
    return {
        "float": compiler.compile(files["float.h5"], "mcu", out=folder / "float", kernels="c"),
        "fixed": compiler.compile(files["quantized.h5"], "mcu", out=folder / "fixed", numbers="fixed", kernels="c"),
        "fpga": compiler.compile(files["quantized.h5"], "fpga", out=folder / "fpga"),
    }


def places(tree, path=()):
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
        yield (*path, key)
        if isinstance(tree[key], dict | list):
            yield from places(tree[key], (*path, key))


def changed(tree, path, change):
    copy = json.loads(json.dumps(tree))
    node = copy
    for key in path[:-1]:
        node = node[key]
    change(node, path[-1])
    return copy


@pytest.mark.parametrize("kind", ["float", "fixed", "fpga"])
def test_graphs_are_kept(kind, builds):
    build = compiler.Build.open(builds[kind].folder)
    again = store.save(build.graphs)
    assert again[store.GRAPH] == (build.folder / store.GRAPH).read_bytes()
    assert again[store.WEIGHTS] == (build.folder / store.WEIGHTS).read_bytes()


@pytest.mark.parametrize("kind", ["float", "fixed"])
def test_a_key_of_a_graph_that_is_missing_or_unknown(kind, builds):
    folder = builds[kind].folder
    packed, tree = (folder / store.WEIGHTS).read_bytes(), json.loads((folder / store.GRAPH).read_text())
    rng = np.random.default_rng(0)
    keys = [path for path in places(tree) if len(path) > 1 and isinstance(path[-1], str)]
    for at in rng.permutation(len(keys))[:150]:
        for change in (lambda node, key: node.pop(key), lambda node, key: node.update({key + "_": 1})):
            with pytest.raises(ValueError, match=r"graph\.json"):
                store.load(json.dumps(changed(tree, keys[at], change)).encode(), packed)


@pytest.mark.parametrize("kind", ["float", "fixed"])
def test_any_value_in_any_place(kind, builds):
    """Text for numbers, lists for objects, taps of -1 or 10^9: what is taken can be computed, and soon."""
    folder = builds[kind].folder
    packed, tree = (folder / store.WEIGHTS).read_bytes(), json.loads((folder / store.GRAPH).read_text())
    rng, refused, paths = np.random.default_rng(1), 0, list(places(tree))
    for at in rng.permutation(len(paths))[:150]:
        for strange in rng.permutation(len(STRANGE))[:4]:
            new = changed(tree, paths[at], lambda node, key, value=STRANGE[strange]: node.__setitem__(key, value))
            try:
                store.load(json.dumps(new).encode(), packed)
            except ValueError as error:
                assert len(str(error)) < 500
                refused += 1
    assert refused > 300


@pytest.mark.parametrize("taps", [-1, 0, 10**9, 2.0, "3", True])
def test_taps(taps, builds):
    folder = builds["fixed"].folder
    tree = json.loads((folder / store.GRAPH).read_text())
    window = next(op for op in tree["fixed"]["ops"] if op["kind"] == "Window")
    window["taps"] = taps
    with pytest.raises(ValueError, match=r"graph\.json"):
        store.load(json.dumps(tree).encode(), (folder / store.WEIGHTS).read_bytes())


def archives(data):
    """Archives that hold other than what `save` wrote, by what is wrong with them."""
    entries = np.load(io.BytesIO(data))

    def packed(arrays, save=np.savez):
        file = io.BytesIO()
        save(file, **arrays)
        return file.getvalue()

    plain = {key: entries[key] for key in entries.files}
    first = next(key for key in plain if plain[key].size > 8)
    yield "empty", b""
    yield "cut", data[: len(data) // 2]
    yield "half a directory", data[:-30]
    yield "a wrong sum", data.replace(plain[first].tobytes()[:16], b"\x01" * 16)
    yield "compressed", packed(plain, np.savez_compressed)
    locked = bytearray(data)
    locked[data.index(b"PK\1\2") + 8] |= 1
    yield "encrypted", bytes(locked)
    yield "another shape", packed(plain | {first: plain[first].reshape(-1)})
    yield "another type", packed(plain | {first: plain[first].astype(np.int8)})
    yield "objects", packed(plain | {first: np.array(["a"], object)})
    yield "lacking one", packed({key: plain[key] for key in plain if key != first})
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
        archive.writestr(f"{first}.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    yield "a huge header", file.getvalue()


def test_archives(builds):
    folder = builds["fixed"].folder
    text = (folder / store.GRAPH).read_bytes()
    for what, data in archives((folder / store.WEIGHTS).read_bytes()):
        with pytest.raises(ValueError, match=r"graph\.json|weights\.npz") as caught:
            store.load(text, data)
            pytest.fail(what)
        assert "ZipInfo" not in str(caught.value), what


def test_any_value_in_any_place_of_a_report(builds, tmp_path):
    """What is used of a report is checked when it is read; the rest may be anything, or missing."""
    from compiler import saturation, tables

    copy = Path(shutil.copytree(builds["fixed"].folder, tmp_path / "copy"))
    report = json.loads((copy / "report.json").read_text())
    refused = 0
    for key in report:
        lacking = {other: value for other, value in report.items() if other != key}
        for new in (lacking, *(report | {key: strange} for strange in STRANGE)):
            (copy / "report.json").write_text(json.dumps(new))
            try:
                build = compiler.Build.open(copy)
                build.run(np.zeros((2, 3)))
                saturation.reported(build.report)
                tables.summary(build.report)
            except CompileError as error:
                assert ".json" in str(error)
                refused += 1
    assert refused > 400
