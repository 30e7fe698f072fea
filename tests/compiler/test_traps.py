"""Files made to harm: each is refused with one clear error, within 2 s and 1 GB, and nothing in it is run."""

import pickle
import zipfile
import zlib

import h5py
import numpy as np
import pytest
from fuzz_tools import Worker
from model_archives import DENSE, INPUT, archive, dense, fill_dense, layer, model, ref

from compiler import keras_file


def with_kernel(make):
    """A trap in place of the kernel."""

    def build(path):
        def fill(variables):
            fill_dense(variables)
            del variables["0"]
            make(variables)

        archive(path, DENSE, fill)

    return build


def sparse(variables):
    variables.create_dataset("0", (10**6, 10**6), "f4", chunks=(1000, 1000))


def large_chunk(variables):
    variables.create_dataset("0", (4, 3), "f4", maxshape=(None, None), chunks=(20_000, 20_000))


def gzip_bomb(variables):
    """A chunk of 16 MB that unfolds to 6 GB: a block of zeros, packed, over and over."""
    packer = zlib.compressobj(9)
    zeros = bytes(16 << 20)
    first, block = (packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    how = {"maxshape": (None, None), "chunks": (2048, 2048), "compression": "gzip"}
    kernel = variables.create_dataset("0", (4, 3), "f4", **how)
    kernel.id.write_direct_chunk((0, 0), first + block * 383)


def checked_gzip_bomb(variables):
    """The same behind a shuffle and before a checksum."""
    packed = zlib.compress(bytes(64 << 20), 9)
    how = {"maxshape": (None, None), "chunks": (512, 512), "compression": "gzip", "shuffle": True, "fletcher32": True}
    kernel = variables.create_dataset("0", (4, 3), "f4", **how)
    kernel.id.write_direct_chunk((0, 0), packed + bytes(4))


def packed_twice(variables):
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((4, 3))
    plan.set_deflate(9)
    plan.set_deflate(9)
    space = h5py.h5s.create_simple((4, 3))
    kernel = h5py.h5d.create(variables.id, b"0", h5py.h5t.IEEE_F32LE, space, plan)
    kernel.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ones((4, 3), "f4"))


def crumbs(variables):
    kernel = variables.create_dataset("0", (40_000,), "f4", chunks=(1,))
    kernel[:] = 1


def cut_chunk(variables):
    kernel = variables.create_dataset("0", (4, 3), "f4", chunks=(4, 3), compression="gzip")
    kernel.id.write_direct_chunk((0, 0), zlib.compress(bytes(40)))


def long_chunk(variables):
    kernel = variables.create_dataset("0", (4, 3), "f4", chunks=(4, 3), compression="gzip")
    kernel.id.write_direct_chunk((0, 0), bytes(4000))


def thousands(variables):
    for number in range(20_000):
        variables[str(number)] = np.ones(1, "f4")


def outside(variables):
    variables.create_dataset("0", (4, 3), "f4", external=[("/etc/passwd", 0, 48)])


def virtual(variables):
    layout = h5py.VirtualLayout((4, 3), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4, 3))
    variables.create_virtual_dataset("0", layout)


def text(variables):
    variables["0"] = np.full((4, 3), b"1.0")


def compound(variables):
    variables["0"] = np.zeros((4, 3), [("a", "f4")])


def soft_circle(variables):
    variables["0"] = h5py.SoftLink("0")


def unpacked(variables):
    for number in range(1000):
        # Each is small in the file; together they are not.
        variables.create_dataset(str(number), (1 << 20,), "f4", chunks=(1 << 20,), compression="gzip")


def hard_circle(path):
    def fill(variables):
        fill_dense(variables)
        group = variables.parent
        for number in range(20):
            group[f"part_{number}"] = group

    archive(path, DENSE, fill)


def endless_heap(path):
    """A list of texts, one of them of no size, over which HDF5 itself would run for ever."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = "{}"
    data = bytearray(path.read_bytes())
    first = data.index(b"GCOL") + 16
    data[first : first + 16] = bytes(16)
    path.write_bytes(data)


def twice(path):
    archive(path, DENSE)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as file:
        file.writestr("config.json", "{}")


def bomb(path):
    archive(path, b" " * (100 << 20), compression=zipfile.ZIP_DEFLATED)


def bomb_that_lies(path):
    """The directory says 1000 bytes; 100 MB unfold."""
    bomb(path)
    size = (100 << 20).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (1000).to_bytes(4, "little")))


def pickled(path):
    class Run:
        def __reduce__(self):
            return (open, (str(path.with_name("harmed")), "w"))

    path.write_bytes(pickle.dumps(Run()))


def json_of(config):
    return lambda path: archive(path, config)


def doubling(levels):
    """A model that calls one twice, which calls one twice, ..."""
    inner = model(layer("Dropout", "d", ref("in"), rate=0.5), output=["d", 0, 0])
    for _ in range(levels):
        body = inner["config"]
        entry = {"class_name": "Functional", "config": body, "name": "n"}
        entry["inbound_nodes"] = [{"args": [ref(*source)], "kwargs": {}} for source in (("in",), ("n", 0))]
        inner = model(entry, output=["n", 2, 0])
    return inner


def steps_of(*layers):
    """A model that applies layers, the last of them `d`, to each step."""
    held = model(*layers, output=["d", 0, 0])
    outer = model(layer("TimeDistributed", "t", ref("in"), layer=held), output=["t", 0, 0])
    outer["config"]["layers"][0] = {**INPUT, "config": {"batch_shape": [None, 3, 4], "name": "in"}}
    return outer


def doubling_steps(levels):
    """A model that applies one twice to each step, which applies one twice to each step, ..."""
    inner = model(layer("Dropout", "d", ref("in"), rate=0.5), output=["d", 0, 0])
    for level in range(levels):
        inner = model(layer("TimeDistributed", "t", ref("in"), ref("t", 0), layer=inner), output=["t", 1, 0])
        inner["config"]["layers"][0] = {**INPUT, "config": {"batch_shape": [None, *[1] * (level + 1), 4], "name": "in"}}
    return inner


def steps_within_steps(levels):
    """What applies a model to each step, applied to each step, ..."""
    config = {"layer": model(dense(), output=["d", 0, 0])}
    for _ in range(levels):
        config = {"layer": {"class_name": "TimeDistributed", "config": {"name": "t", **config}}}
    return model(layer("TimeDistributed", "t", ref("in"), **config), output=["t", 0, 0])


def long_chain(count):
    layers = [layer("Dropout", f"d{i}", ref(f"d{i - 1}" if i else "in"), rate=0.5) for i in range(count)]
    return model(*layers, output=[f"d{count - 1}", 0, 0])


def small_layers(count):
    return model(*({"class_name": "D", "config": {"name": str(i)}} for i in range(count)), output=["0", 0, 0])


wide_input = {**INPUT, "config": {"batch_shape": [None, 10**12], "name": "in"}}
listed_input = {**INPUT, "config": {"batch_shape": [[1], 4], "name": "in"}}
CODE = ["4wEAAAAAAAAA", None, None]
TRAPS = {
    "a sparse dataset": (with_kernel(sparse), "larger than its file can hold"),
    "a large chunk": (with_kernel(large_chunk), "larger than its file can hold"),
    "a chunk that unfolds to gigabytes": (with_kernel(gzip_bomb), "does not unfold to the 16,777,216 bytes"),
    "the same with a checksum": (with_kernel(checked_gzip_bomb), "does not unfold to the 1,048,576 bytes"),
    "packed twice": (with_kernel(packed_twice), "packed in a way that is not known"),
    "a chunk that is too short": (with_kernel(cut_chunk), "does not unfold to the 48 bytes"),
    "a chunk that is too long": (with_kernel(long_chunk), "has a chunk of 4,000 bytes; a chunk has 48"),
    "a weight in crumbs": (with_kernel(crumbs), "more pieces than its file has room for"),
    "twenty thousand weights": (lambda path: archive(path, DENSE, thousands), "20,000 weights; a layer has 1,000"),
    "15 MB of brackets": (json_of('{"a": [' + "[[[[]]]]," * 1_600_000 + "0]}"), "values; 2,000,000 are read at most"),
    "15 MB of numbers": (json_of('{"a": [' + "0," * 7_400_000 + "0]}"), "values; 2,000,000 are read at most"),
    "many that unfold": (lambda path: archive(path, DENSE, unpacked), "larger than its file can hold"),
    "external storage": (with_kernel(outside), "points outside the file"),
    "a virtual dataset": (with_kernel(virtual), "points outside the file"),
    "text": (with_kernel(text), "holds no numbers"),
    "a compound type": (with_kernel(compound), "holds no numbers"),
    "a soft link to itself": (with_kernel(soft_circle), "no weight '0'"),
    "a circle of hard links": (hard_circle, "nests too deep"),
    "an endless heap": (endless_heap, "global heap does not end"),
    "two members of a name": (twice, "two members called 'config.json'"),
    "a zip bomb": (bomb, "claims to unfold"),
    "a zip bomb that lies": (bomb_that_lies, "archive is damaged"),
    "a member packed like no other": (
        lambda path: archive(path, DENSE, compression=zipfile.ZIP_LZMA),
        "Keras does not",
    ),
    "a pickle": (pickled, "not a Keras model"),
    "a Lambda": (json_of(model(layer("Lambda", "d", ref("in"), function=CODE), output=["d", 0, 0])), "is code"),
    "a module's function": (
        json_of(model(layer("system", "d", ref("in"), module="os"), output=["d", 0, 0])),
        "class 'system' is not supported",
    ),
    "a circle of layers": (
        json_of(model(dense("d", "e"), layer("Dropout", "e", ref("d"), rate=0), output=["e", 0, 0])),
        "in a circle",
    ),
    "a layer called on itself": (json_of(model(dense("d", "d"), output=["d", 0, 0])), "in a circle"),
    "two layers of a name": (json_of(model(dense(), dense(), output=["d", 0, 0])), "two layers have this name"),
    "too few weights": (
        lambda path: archive(path, DENSE, lambda variables: variables.create_dataset("0", data=np.ones((4, 3)))),
        "holds 1 weights for it, not 2",
    ),
    "a kernel turned round": (with_kernel(lambda v: v.create_dataset("0", data=np.ones((3, 4)))), "has the shape"),
    "a hundred thousand layers": (json_of(small_layers(100_000)), "more than 20000 layers"),
    "a hundred thousand real layers": (json_of(long_chain(100_000)), "are read at most"),
    "models in models twice": (json_of(doubling(20)), "more than 10000 calls"),
    "models in models": (json_of(doubling(60)), "nests deeper than"),
    "models for each step twice": (json_of(doubling_steps(16)), "more than 10000 calls"),
    "steps within steps": (json_of(steps_within_steps(100)), "nests deeper than"),
    "steps within steps of a flat input": (json_of(steps_within_steps(30)), "no axes behind time"),
    "a Lambda in each step": (json_of(steps_of(layer("Lambda", "d", ref("in"), function=CODE))), "is code"),
    "a circle in each step": (
        json_of(steps_of(dense("d", "e"), layer("Dropout", "e", ref("d"), rate=0))),
        "in a circle",
    ),
    "deep brackets": (json_of('{"config": {"layers": ' + "[" * 100_000), "nests deeper than"),
    "a string that never ends": (json_of('{"config": "' + '\\"' * 4_000_000), "is not JSON"),
    "a large string": (json_of(model(dense("d" * (30 << 20)), output=["d", 0, 0])), "are read at most"),
    "a large integer": (json_of(f'{{"config": {{"layers": [{"9" * 100_000}]}}}}'), "an integer of 100000 digits"),
    "an infinite number": (json_of('{"config": {"layers": [1e999]}}'), "1e999 is no number"),
    "NaN": (json_of('{"config": {"layers": [NaN]}}'), "NaN is no number"),
    "a name of two lines": (json_of(model(dense("d\n#error"), output=["d", 0, 0])), "not a name"),
    "half a character": (json_of(model(dense("\ud800"), output=["d", 0, 0])), "not a name"),
    "a node that is not there": (json_of(model(dense(), output=["d", 7, 0])), "its call 7 is asked for"),
    "a tensor that is not there": (json_of(model(dense(), output=["d", 0, 7])), "its tensor 7"),
    "a list for a batch": (
        json_of(DENSE | {"config": {**DENSE["config"], "layers": [listed_input, dense()]}}),
        "not the shape of an input",
    ),
    "an input of no size": (
        json_of(DENSE | {"config": {**DENSE["config"], "layers": [wide_input, dense()]}}),
        "not the shape of an input",
    ),
}


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    worker = Worker(tmp_path_factory.mktemp("none"))
    yield worker
    worker.stop()


@pytest.mark.parametrize("trap", TRAPS)
def test_traps(trap, worker, tmp_path):
    build, message = TRAPS[trap]
    path = tmp_path / "trap.keras"
    build(path)
    _, _, outcome, seconds, said = worker.run(str(path))
    assert outcome == "refused", outcome
    assert seconds < 2
    assert message in said
    assert str(path) in said or "layer" in said
    assert len(said.split("\n")[0]) < 600
    assert [p.name for p in tmp_path.iterdir()] == ["trap.keras"]


def test_the_same_file_without_a_trap_compiles(worker, tmp_path):
    archive(tmp_path / "good.keras", DENSE)
    assert worker.run(str(tmp_path / "good.keras"))[2] == "frame"


def test_what_is_allowed_at_most_is_read_in_time(worker, tmp_path):
    archive(tmp_path / "long.keras", long_chain(10_000))
    _, _, outcome, seconds, said = worker.run(str(tmp_path / "long.keras"))
    assert (outcome, said) == ("frame", "")
    assert seconds < 2


def packed_weights(how):
    def fill(variables):
        variables.create_dataset("0", data=np.arange(12, dtype="f4").reshape(4, 3), chunks=(3, 2), **how)
        variables["1"] = np.ones(3, "f4")

    return fill


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"compression": "gzip"},
        {"compression": "gzip", "shuffle": True, "fletcher32": True},
        {"compression": "lzf", "shuffle": True},
        {"fletcher32": True},
    ],
)
def test_weights_that_are_packed_as_usual_are_read(how, tmp_path):
    """As h5repack leaves them."""
    archive(tmp_path / "packed.keras", DENSE, packed_weights(how))
    kernel, _ = keras_file.read(tmp_path / "packed.keras").layers[1].weights
    assert np.array_equal(kernel, np.arange(12).reshape(4, 3))
