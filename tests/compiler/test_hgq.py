"""Files of HGQ2: every layer gives what HGQ2 gave, bit for bit. `hgq/make.py` made the files."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

import compiler
from compiler import keras_file
from compiler.errors import CompileError
from compiler.ir import interpreter
from compiler.ir.grids import Grids, QuantizeEach
from compiler.lowering import lower

FOLDER = Path(__file__).parent / "hgq"
NAMES = sorted(path.stem for path in FOLDER.glob("*.keras"))


def kept(name):
    """Inputs, and what each layer gave."""
    arrays = np.load(FOLDER / f"{name}.npz")
    count = sum(key[0] == "x" and key[1:].isdecimal() for key in arrays)
    inputs = [arrays[f"x{n}"] for n in range(count)]
    return inputs, {key: arrays[key] for key in arrays if key not in [f"x{n}" for n in range(count)]}


def of_layers(graph, inputs):
    """The last value of each layer."""
    values = interpreter.evaluate(graph, inputs)
    return {op.output.layer: values[op.output.name] for op in graph.ops}


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_gives_the_same_bits(name):
    inputs, wanted = kept(name)
    got = of_layers(lower(keras_file.read(FOLDER / f"{name}.keras"), "net"), inputs)
    assert len(wanted) >= 2 and wanted.keys() == got.keys()
    for layer, y in wanted.items():
        assert np.array_equal(got[layer], y), layer
        assert len(np.unique(y)) > 4, "too little to tell one grid from another"


@pytest.mark.parametrize("name", NAMES)
def test_the_c_gives_the_same_bits(name, tmp_path):
    inputs, wanted = kept(name)
    build = compiler.compile(FOLDER / f"{name}.keras", target="mcu", out=tmp_path / "build")
    assert build.streams == (name == "stream")
    named = {value.name: x for value, x in zip(build.graph.inputs, inputs, strict=True)}
    for place in ("reference", "host"):
        got = build.run(named if len(named) > 1 else inputs[0], on=place)
        assert np.array_equal(got, list(wanted.values())[-1]), place


def test_what_lies_beyond_its_range_wraps_or_saturates():
    """The inputs go far enough that either rule, taken for the other, shows."""
    found = []
    for name in NAMES:
        inputs, _ = kept(name)
        graph = lower(keras_file.read(FOLDER / f"{name}.keras"), "net")
        values = interpreter.evaluate(graph, inputs)
        for op in graph.ops:
            if isinstance(op, QuantizeEach):
                x = values[op.inputs[0].name]
                other = Grids(op.fraction, op.coarser, op.lo, op.hi, not op.wraps).of(x, op.rounding)
                found.append((op.wraps, not np.array_equal(other, op.grids.of(x, op.rounding))))
    assert (True, True) in found and (False, True) in found


def changed(name, path, change):
    """A copy of a file whose configuration was changed."""
    with zipfile.ZipFile(FOLDER / f"{name}.keras") as archive, zipfile.ZipFile(path, "w") as copy:
        for member in archive.namelist():
            data = archive.read(member)
            if member == "config.json":
                config = json.loads(data)
                change({layer["config"].get("name"): layer["config"] for layer in config["config"]["layers"]})
                data = json.dumps(config).encode()
            copy.writestr(member, data)
    return path


def first(layers):
    return next(layer for layer in layers.values() if layer.get("iq_conf"))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("round_mode", "RND_ZERO", "round_mode='RND_ZERO', .* is not supported"),
        ("overflow_mode", "WRAP_SM", "overflow_mode='WRAP_SM' is not supported"),
        ("q_type", "float", "a quantiser of the kind 'float'"),
        ("q_type", None, "is no quantiser"),
        ("scaler", 0.5, "scaler=0.5"),
        ("affine", [2.0, 1.0], "affine="),
    ],
)
def test_a_quantiser_of_another_kind_is_refused(key, value, message, tmp_path):
    def change(layers):
        first(layers)["iq_conf"]["config"][key] = value

    path = changed("dense", tmp_path / "model.keras", change)
    with pytest.raises(CompileError, match=message) as caught:
        lower(keras_file.read(path), "net")
    assert caught.value.layer


def test_rounding_matters(tmp_path):
    def change(layers):
        first(layers)["iq_conf"]["config"]["round_mode"] = "TRN"

    inputs, wanted = kept("dense")
    got = of_layers(lower(keras_file.read(changed("dense", tmp_path / "m.keras", change)), "net"), inputs)
    assert not any(np.array_equal(got[layer], y) for layer, y in wanted.items())


def test_variables_that_are_missing_are_said(tmp_path):
    def change(layers):
        first(layers)["enable_oq"], first(layers)["oq_conf"] = True, first(layers)["iq_conf"]

    with pytest.raises(CompileError, match=r"is not a sign, and two widths|fewer than its quantisers"):
        lower(keras_file.read(changed("dense", tmp_path / "model.keras", change)), "net")


def test_other_layers_are_refused_by_name(tmp_path):
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(FOLDER / "dense.keras") as archive, zipfile.ZipFile(path, "w") as copy:
        for member in archive.namelist():
            copy.writestr(member, archive.read(member).replace(b"QDense", b"QSoftmax"))
    with pytest.raises(CompileError, match="a layer of class 'hgq>QSoftmax' is not supported"):
        lower(keras_file.read(path), "net")


def test_nan_and_infinity_have_places():
    one = np.array([0])
    x = np.array([[np.nan], [np.inf], [-np.inf], [9.0], [-9.0]])
    wraps = Grids(0, one, one - 8, one + 7, True).of(x, "floor")
    stops = Grids(0, one, one - 8, one + 7, False).of(x, "floor")
    assert wraps.ravel().tolist() == [0, 0, 0, -7, 7] and stops.ravel().tolist() == [0, 7, -8, 7, -8]
