"""One process of the fuzz test: damages model files and compiles them, one for each number it is given on stdin.

    python fuzz_worker.py SEEDS   a folder of model files; NAME.json is read with NAME.weights.h5

Given a path instead of a number, compiles that file as it is. Answers with one line of JSON a file:
[number or path, how it was damaged, outcome, seconds of processor time, what a CompileError said].
"""

import copy
import io
import json
import resource
import signal
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path

import h5py
import numpy as np
from json_trees import places

from compiler import keras_file, passes, pipeline
from compiler.errors import CompileError
from compiler.lowering import lower
from compiler.options import Options
from compiler.targets import TARGETS

SECONDS = 2
BYTES = 1 << 30  # above what the process has when it begins


class TooSlow(BaseException):
    """Not an Exception, so that nothing on the way can take it for damage."""


# Bytes.


def damage_bytes(data, rng):
    data = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        at, length = int(rng.integers(len(data))), int(rng.integers(1, 64))
        match rng.integers(7):
            case 0:
                data[at] ^= 1 << int(rng.integers(8))
            case 1:
                data[at : at + length] = rng.bytes(len(data[at : at + length]))
            case 2:
                data[at : at + 8] = bytes([rng.choice([0, 0xFF, 0x7F])]) * len(data[at : at + 8])
            case 3:
                del data[at : at + length]
            case 4:
                data[at:at] = data[max(0, at - length) : at]
            case 5:
                data[at : at + 4] = int(rng.integers(1 << 32)).to_bytes(4, "little")[: len(data[at : at + 4])]
            case 6 if rng.random() < 0.2:
                del data[at:]
        if not data:
            return b""
    return bytes(data)


# JSON.

STRANGE = [
    *(None, True, False, 0, 1, -1, 3, 2**31, 2**63, 10**17, -(10**17), 0.5, -0.0, 1e308, 5e-324, float("nan")),
    *(float("inf"), 10**400, "", "x", "Dense", "tf", "\ud800", "a\nb", "../../x", "n" * 100_000, [], {}, [[]], [None]),
    *([1, 2], [None, None], [2**40], [0], ["audio", 0, 0], [["audio", 0, 0]], ["audio", 0, 0, {}], {"class_name": "x"}),
    *(
        {"class_name": "__keras_tensor__", "config": {}},
        {"class_name": "__numpy__", "config": {"value": [[1], [2, 3]]}},
    ),
    *({"class_name": "__slice__", "config": {"start": "a"}}, {"module": "os", "class_name": "system", "config": "ls"}),
    *([2**20] * 8, [[0] * 1000] * 10),
]


def strange(rng):
    # A copy: what is put into a tree is damaged in its turn.
    return copy.deepcopy(STRANGE[rng.integers(len(STRANGE))])


def deep(rng):
    return json.loads("[" * (depth := int(rng.choice([50, 120, 400]))) + "]" * depth)


def damage_tree(tree, rng):
    for _ in range(rng.integers(1, 4)):
        found = places(tree)
        if not found:
            return tree
        holder, key = found[rng.integers(len(found))]
        other_holder, other_key = found[rng.integers(len(found))]
        match rng.integers(9):
            case 0 | 1 | 2:
                holder[key] = strange(rng)
            case 3:
                del holder[key]
            case 4:
                # By way of text, so that no tree contains itself.
                holder[key] = json.loads(json.dumps(other_holder[other_key]))
            case 5 if isinstance(holder, list):
                holder.append(json.loads(json.dumps(holder[key])))
            case 5:
                holder["novelty"] = strange(rng)
            case 6:
                holder[key] = [copy.deepcopy(holder[key]) for _ in range(rng.choice([1, 2, 30]))]
            case 7:
                holder[key] = deep(rng) if rng.random() < 0.3 else {"config": holder[key]}
            case 8 if isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
                holder[key] = holder[key] * int(rng.choice([-1, 2, 1000, 10**9])) + int(rng.integers(-1, 2))
    return tree


def damage_json(text, rng):
    if rng.random() < 0.1:
        return damage_bytes(text.encode(), rng).decode("utf-8", "replace")
    return json.dumps(damage_tree(json.loads(text), rng))


# HDF5.


def damage_hdf5(data, rng):
    stream = io.BytesIO(data)
    with h5py.File(stream, "r+") as file:
        for _ in range(rng.integers(1, 4)):
            paths = []
            file.visit(paths.append)
            if not paths:
                break
            path = paths[rng.integers(len(paths))]
            other = paths[rng.integers(len(paths))]
            try:
                damage_object(file, path, other, rng)
            except (ValueError, OSError, RuntimeError, KeyError, TypeError, MemoryError):
                continue  # HDF5 itself will have no such thing
    return stream.getvalue()


def damage_object(file, path, other, rng):
    node = file[path]
    parent, name = file[path].parent, path.rsplit("/", 1)[-1]
    choice = rng.integers(14)
    if choice == 0:
        del parent[name]
    elif choice == 1:
        parent.move(name, name + str(rng.choice(["", "x", "_1"])))
    elif choice in (2, 3, 4, 5):
        target = file[other]
        del parent[name]
        link = [h5py.SoftLink(f"/{other}"), h5py.ExternalLink("/etc/passwd", "/x"), target, file][choice - 2]
        parent[name] = link
    elif choice in (6, 7) and node.attrs:
        key = list(node.attrs)[rng.integers(len(node.attrs))]
        odd = [
            3,
            2.5,
            "text",
            b"\xff\xfe",
            [1, 2],
            ["a", "b"],
            np.zeros((2, 2)),
            [["x"]],
            np.array([b"x" * 100] * 9),
        ]
        node.attrs[key] = odd[rng.integers(len(odd))]
    elif isinstance(node, h5py.Dataset):
        array = node[()]
        del parent[name]
        if choice == 8:
            parent[name] = np.reshape(array, (-1,))
        elif choice == 9:
            parent[name] = array.astype(str(rng.choice(["f2", "f8", ">f4", "i4", "u1", "S4", "c8", "?"])))
        elif choice == 10:
            shape = [(10**12,), (10**6, 10**6), (0,), (), (1 << 28,)][rng.integers(5)]
            parent.create_dataset(name, shape, "f4", chunks=(bool(shape) and shape != (0,)) or None)
        elif choice == 11:
            parent.create_dataset(name, data=np.resize(array, (4000, 100)), compression="gzip")
        elif choice == 12:
            layout = h5py.VirtualLayout((4,), "f4")
            layout[:] = h5py.VirtualSource("/elsewhere.h5", "x", (4,))
            parent.create_virtual_dataset(name, layout)
        else:
            odd = np.array([np.nan, np.inf, 1e38, -1e38, 1e-45], rng.choice(["f4", "f8"])) * rng.choice([1, 0.5])
            parent[name] = np.resize(odd, array.shape)
    elif choice == 8:
        file.attrs["model_config"] = "{}" if rng.random() < 0.5 else 3


# Files.


def rezipped(data, rng):
    """A .keras with a damaged member, or with members of another kind."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    how = rng.integers(5)
    if how == 0:
        members["model.weights.h5"] = damage_bytes(members["model.weights.h5"], rng)
    elif how == 1:
        members["model.weights.h5"] = damage_hdf5(members["model.weights.h5"], rng)
    elif how == 2:
        members["config.json"] = b"[" * 10_000_000 if rng.random() < 0.05 else bytes(30_000_000)
    else:
        members["config.json"] = damage_json(members["config.json"].decode(), rng)
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two members of one name
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, member in members.items():
                archive.writestr(name, member)
                if rng.random() < 0.03:
                    archive.writestr(name, member)
    return stream.getvalue()


def damaged(path, data, rng):
    """What kind of damage, and the damaged bytes."""
    kind = ["bytes", "json", "json", "hdf5"][rng.integers(4)]
    if kind == "bytes":
        return kind, damage_bytes(data, rng)
    if path.suffix == ".json":
        return "json", damage_json(data.decode(), rng).encode("utf-8", "surrogatepass")
    if path.suffix == ".keras":
        return "archive", rezipped(data, rng)
    if kind == "hdf5":
        return kind, damage_hdf5(data, rng)
    stream = io.BytesIO(data)
    with h5py.File(stream, "r+") as file:
        text = damage_json(file.attrs["model_config"], rng).replace("\0", "")
        file.attrs["model_config"] = text.encode("utf-8", "replace") if "\ud800" in text else text
    return kind, stream.getvalue()


def compile_file(path, weights):
    """What is tested: success or a CompileError, and nothing else. The outcome, and what the error said."""
    try:
        graph = passes.run(lower(keras_file.read(path, weights), "net"), passes.prepare())
    except CompileError as error:
        return "refused", str(error)
    try:
        mode, _ = passes.choose_mode(graph, "auto", frames_allowed=True)
    except CompileError as error:
        return "neither", str(error)
    passes.run(graph, passes.simplify(mode))
    refused = []
    for target in TARGETS:
        try:
            pipeline.finish(graph, Options(target))
        except CompileError as error:
            refused.append(str(error))
    return ("neither", refused[0]) if len(refused) == len(TARGETS) else (mode, "")


def late(signal_number, frame):
    raise TooSlow


def timed(path, weights):
    """[outcome, seconds, message] of one file."""
    begin = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    message = ""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        outcome, message = compile_file(path, weights)
    except TooSlow:
        outcome = f"slower than {SECONDS} s"
    except Exception as error:
        trace = error.__traceback__
        while trace.tb_next:
            trace = trace.tb_next
        where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        outcome = f"{type(error).__name__} at {where}: {str(error)[:200]}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return [outcome, resource.getrusage(resource.RUSAGE_SELF).ru_utime - begin, message]


def one(number, seeds, folder):
    rng = np.random.default_rng(number)
    path = seeds[rng.integers(len(seeds))]
    weights = path.with_suffix(".weights.h5") if path.suffix == ".json" else None
    data = path.read_bytes()
    try:
        if weights and rng.random() < 0.5:
            kind, mutant = "weights", damage_hdf5(weights.read_bytes(), rng)
            weights = folder / "mutant.weights.h5"
            weights.write_bytes(mutant)
        else:
            kind, data = damaged(path, data, rng)
    except MemoryError:  # the damage has outgrown the bounds, not what is tested
        kind, data = "nothing", path.read_bytes()
    mutant = folder / f"mutant{path.suffix}"
    mutant.write_bytes(data)
    return [number, f"{kind} of {path.name}", *timed(mutant, weights)]


def main():
    warnings.simplefilter("error")
    seeds = sorted(path for path in Path(sys.argv[1]).iterdir() if not path.name.endswith(".weights.h5"))
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    signal.signal(signal.SIGPROF, late)
    with tempfile.TemporaryDirectory() as folder:
        for line in sys.stdin:
            task = json.loads(line)
            result = one(task, seeds, Path(folder)) if isinstance(task, int) else [task, "", *timed(task, None)]
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
