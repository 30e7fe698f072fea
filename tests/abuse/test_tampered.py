"""Builds that were damaged or forged: refused in one message, or found by a check, and nothing foreign is run."""

import io
import json
import os

import numpy as np
import pytest
from abuse_tools import TIMES, demand
from json_trees import places

STRANGE = [
    *(
        None,
        True,
        0,
        -1,
        3,
        10**9,
        2**31,
        2**63,
        10**30,
        0.5,
        -0.0,
        1e308,
        float("nan"),
        float("inf"),
        "",
        "x",
        "float",
    ),
    *("../../x", "n" * 10_000, "a\nb", "ü", [], {}, [[]], [None], [1, 2], [10**9], {"array": "x"}, {"graph": {}}),
    *([10**6] * 3, {"signed": True, "width": 9999, "fraction": 0}, {"signed": 1, "width": -4, "fraction": 10**9}),
]


def forge(path, rng):
    """One to three changes of what the JSON says."""
    tree = json.loads(path.read_text())
    for _ in range(rng.integers(1, 4)):
        found = places(tree)
        container, key = found[rng.integers(len(found))]
        match rng.integers(4):
            case 0:
                del container[key]
            case 1 if isinstance(container, list):
                container.append(container[key])
            case 2:
                other, source = found[rng.integers(len(found))]
                if isinstance(other, dict | list) and not isinstance(other[source], dict | list):
                    container[key] = other[source]
            case _:
                container[key] = STRANGE[rng.integers(len(STRANGE))]
    path.write_text(json.dumps(tree))


def damage(path, rng):
    """Bytes changed, or an end missing."""
    data = bytearray(path.read_bytes())
    for _ in range(rng.integers(1, 5)):
        at = int(rng.integers(len(data)))
        data[at : at + int(rng.integers(1, 9))] = rng.bytes(int(rng.integers(0, 9)))
    if rng.random() < 0.2:
        del data[int(rng.integers(len(data))) :]
    path.write_bytes(data)


@pytest.mark.parametrize("kind", ["float", "fixed", "fpga"])
def test_forged_json(kind, copied, commands, tmp_path):
    """Each on the interpreter: that must take forged graphs as they are, or refuse them."""
    rng = np.random.default_rng(1)
    build = copied(kind)
    originals = {name: (build / name).read_bytes() for name in ("graph.json", "report.json")}
    np.save(tmp_path / "x.npy", np.zeros((20, 3), np.float32))
    results = []
    for number in range(60 * TIMES):
        name = "graph.json" if number % 3 else "report.json"
        forge(build / name, rng)
        arguments = (build, "--input", "x.npy", "--output", "y.npy", "--trust-changes")
        results.append(commands.run("compiler.run", *arguments, seconds=20))
        (build / name).write_bytes(originals[name])
    demand(results, refused=0.3)


@pytest.mark.parametrize("name", ["graph.json", "report.json", "weights.npz"])
def test_damaged_bytes(name, copied, commands, tmp_path):
    rng = np.random.default_rng(2)
    build = copied("fixed")
    original = (build / name).read_bytes()
    np.save(tmp_path / "x.npy", np.zeros((20, 3), np.float32))
    results = []
    for _ in range(25 * TIMES):
        damage(build / name, rng)
        arguments = (build, "--input", "x.npy", "--output", "y.npy", "--trust-changes")
        results.append(commands.run("compiler.run", *arguments, seconds=20))
        (build / name).write_bytes(original)
    demand(results, refused=0.5)


DOCUMENTS = [
    b"",
    b"null",
    b"3",
    b"[]",
    b"{}",
    b'"x"',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"\xff\xfe",
    b'{"fixed": {}}',
]


@pytest.mark.parametrize("name", ["graph.json", "report.json", "weights.npz"])
def test_other_documents(name, copied, commands, tmp_path):
    build = copied("fixed")
    results = []
    for document in DOCUMENTS:
        (build / name).write_bytes(document)
        for module, extra in (("compiler.verify", ()), ("compiler.run", ("--input", "x.npy", "--output", "y.npy"))):
            results.append(commands.run(module, build, *extra))
    (build / name).unlink()
    results.append(commands.run("compiler.verify", build))
    (build / name).mkdir()
    results.append(commands.run("compiler.verify", build))
    demand(results, refused=1)


def test_foreign_sources_are_not_run(copied, commands, tmp_path):
    """A .c that lies in the folder, or one that was changed, is not compiled unless its user says so."""
    np.save(tmp_path / "x.npy", np.zeros((4, 3), np.float32))
    spy = "__attribute__((constructor)) static void spy(void) { __builtin_trap(); }\n"
    build = copied("fixed")
    (build / "spy.c").write_text(spy)
    arguments = (build, "--input", "x.npy", "--output", "y.npy", "--on", "host")
    beside = commands.run("compiler.run", *arguments, seconds=60)
    demand([beside])
    assert beside.code == 0, "a file beside the build's own took part"
    (build / "spy.c").unlink()
    source = next(build.glob("quantized.c"))
    source.write_text(source.read_text() + spy)
    results = [commands.run("compiler.run", *arguments, seconds=60), commands.run("compiler.verify", build, seconds=60)]
    demand(results, refused=1)
    assert "quantized.c" in results[0].stderr
    trusting = commands.run("compiler.run", *arguments, "--trust-changes", seconds=60)
    assert "the program failed" in trusting.stderr, "the trap did not spring"


def test_archives_that_swell(copied, commands, tmp_path):
    """A few kilobytes that would fill the memory."""
    build = copied("fixed")
    packed = io.BytesIO()
    np.savez_compressed(packed, **{"fixed/conv_0/weights": np.zeros(400 << 20, np.uint8)})
    (build / "weights.npz").write_bytes(packed.getvalue())
    arguments = (build, "--input", "x.npy", "--output", "y.npy", "--trust-changes")
    demand([commands.run("compiler.run", *arguments, bytes=300 << 20)], refused=1)


@pytest.mark.parametrize("kind", ["pipe", "device", "long"])
@pytest.mark.parametrize("name", ["report.json", "graph.json", "quantized.c"])
def test_what_is_no_file_to_be_read(name, kind, copied, commands, tmp_path):
    """A pipe that nobody writes to, a device without an end, a file larger than any disk."""
    np.save(tmp_path / "x.npy", np.zeros((4, 3), np.float32))
    build = copied("fixed")
    (build / name).unlink()
    if kind == "pipe":
        os.mkfifo(build / name)
    elif kind == "device":
        (build / name).symlink_to("/dev/zero")
    else:
        with (build / name).open("wb") as file:
            file.truncate(1 << 40)
    arguments = (build, "--input", "x.npy", "--output", "y.npy", "--on", "host", "--trust-changes")
    result = commands.run("compiler.run", *arguments, seconds=5)
    demand([result], refused=1)
    assert name in result.stderr
