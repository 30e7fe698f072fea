"""Files of other projects as Keras models: equal to their formats' arithmetic, and nothing in them passed over."""

import copy
import json
import re
import zipfile

import capture_files as made
import capture_forwards as forwards
import keras
import numpy as np
import pytest

import compiler
from compiler.keras_file import read as read_keras
from compiler.mcu.target import MCU
from zoo.__main__ import main
from zoo.captures.guitarml import file as guitarml
from zoo.captures.nam import file as nam
from zoo.captures.rtneural import file as rtneural

SAMPLES = 60
AUDIO = np.random.default_rng(0).uniform(-0.9, 0.9, SAMPLES)
WAVENETS = {"a1": made.a1(), "a1 gated": made.a1(gated=True), "a2": made.a2(), "grouped": made.grouped()}
KNOBS = (0.3, -0.7)


def played(model, *knobs):
    audio = AUDIO.astype(np.float32)[None, :, None]
    given = [audio, np.array([knobs], np.float32)] if knobs else audio
    return np.asarray(model(given, training=False))[0, :, 0]


def assert_equal(y, wanted):
    assert np.abs(wanted).max() > 1e-3, "silence shows nothing"
    assert np.abs(y - wanted).max() <= 1e-5 * np.abs(wanted).max()


@pytest.mark.parametrize("name", WAVENETS)
def test_wavenets(name, tmp_path):
    content = WAVENETS[name]
    capture = nam.read(made.write(tmp_path, content, "amp.nam"))
    assert_equal(played(capture.model), forwards.nam_wavenet(content["config"], content["weights"], AUDIO))


def test_a_wrong_order_of_weights_is_seen(tmp_path):
    content = WAVENETS["a1"]
    y = played(nam.read(made.write(tmp_path, content)).model)
    with pytest.raises(AssertionError):
        assert_equal(y, forwards.nam_wavenet(content["config"], content["weights"][::-1], AUDIO))


@pytest.mark.parametrize("layers", [1, 2])
def test_nam_lstm(layers, tmp_path):
    content = made.nam_lstm(layers)
    capture = nam.read(made.write(tmp_path, content))
    assert_equal(played(capture.model), forwards.nam_lstm(content["config"], content["weights"], AUDIO))


@pytest.mark.parametrize(("size", "chosen"), [(0.0, 0), (0.5, 0), (0.6, 1), (1.0, 1)])
def test_a_container_gives_the_width_that_is_asked_for(size, chosen, tmp_path):
    content = made.container()
    capture = nam.read(made.write(tmp_path, content), size)
    model = content["config"]["submodels"][chosen]["model"]
    assert capture.about["size"] == (0.5, 1.0)[chosen]
    assert_equal(played(capture.model), forwards.nam_wavenet(model["config"], model["weights"], AUDIO))


@pytest.mark.parametrize("unit", ["LSTM", "GRU"])
@pytest.mark.parametrize(("knobs", "layers", "skip"), [((), 1, 1), (KNOBS[:1], 1, 0), (KNOBS, 2, 1)])
def test_guitarml(unit, knobs, layers, skip, tmp_path):
    content = made.guitarml(unit, len(knobs), layers, skip=skip)
    capture = guitarml.read(made.write(tmp_path, content))
    assert_equal(played(capture.model, *knobs), forwards.guitarml(content, AUDIO, knobs))


def test_rtneural(tmp_path):
    content = made.rtneural()
    capture = rtneural.read(made.write(tmp_path, content))
    assert_equal(played(capture.model), forwards.rtneural(content, AUDIO[:, None])[:, 0])
    skipped = rtneural.read(made.write(tmp_path, content | {"in_skip": 1}))
    assert_equal(played(skipped.model), forwards.rtneural(content, AUDIO[:, None])[:, 0] + AUDIO)


def test_what_a_file_says_of_itself_goes_on_to_report_and_header(tmp_path, capsys):
    file = made.write(tmp_path, made.a1(), "amp.nam")
    assert main(["import", "nam", str(file)]) == 0
    said = capsys.readouterr().out
    assert f"{tmp_path / 'amp.keras'}" in said and "-18.5" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["amp.keras", "amp.nam"]
    keras.saving.load_model(tmp_path / "amp.keras")
    build = compiler.compile(tmp_path / "amp.keras", "mcu", out=tmp_path / "build")
    known = {"format": "nam", "sample_rate_hz": 48000, "loudness_db": -18.5, "gain": 0.4, "name": "test amp"}
    assert known.items() <= build.report["capture"].items()
    assert "tone_type" not in build.report["capture"]
    assert "loudness_db=-18.5" in (build.folder / "amp.h").read_text()
    y = MCU.execute(build.folder, build.graph, [AUDIO.astype(np.float32)[:, None]], "host").values
    content = made.a1()
    wanted = forwards.nam_wavenet(content["config"], content["weights"], AUDIO)
    assert_equal(np.asarray(y[build.graph.outputs[0].name])[:, 0], wanted)


def test_another_sample_rate_is_said(tmp_path):
    made_at = made.a1() | {"sample_rate": 44100}
    nam.read(made.write(tmp_path, made_at)).save(tmp_path / "amp.keras")
    notes = "\n".join(
        compiler.manifest.warnings(compiler.compile(tmp_path / "amp.keras", "mcu", out=tmp_path / "a").report)
    )
    assert "give --sample-rate 44100" in notes
    build = compiler.compile(tmp_path / "amp.keras", "mcu", out=tmp_path / "b", sample_rate_hz=44100)
    assert compiler.manifest.warnings(build.report) == []


def test_notes_in_a_file_are_not_trusted(tmp_path):
    path, bad = tmp_path / "amp.keras", tmp_path / "bad.keras"
    nam.read(made.write(tmp_path, made.a1())).save(path)
    notes = {"name": "*/ int main(void) {\n" * 40, "gain": True, "list": [1], "loudness_db": -1.5}
    for held, fine in ((notes, True), ([1], False), ({str(n): 1 for n in range(99)}, False)):
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(bad, "w") as new:
            for member in old.infolist():
                data = old.read(member)
                if member.filename == "metadata.json":
                    data = json.dumps(json.loads(data) | {"capture": held}).encode()
                new.writestr(member, data)
        if not fine:
            with pytest.raises(compiler.CompileError, match=r"'capture'"):
                read_keras(bad)
            continue
        capture = read_keras(bad).capture
        assert capture.keys() == {"name", "loudness_db"} and len(capture["name"]) == 200
        header = (compiler.compile(bad, "mcu", out=tmp_path / "build").folder / "bad.h").read_text()
        assert header.count("int main") and "*/ int main" not in header


def changed(content, path, value):
    """A copy with one field set, or taken away where the value is None."""
    content = copy.deepcopy(content)
    *way, last = path
    inner = content
    for key in way:
        inner = inner[key]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return content


DATA = ("model_data",)
LAYER = ("config", "layers", 0)
DAMAGED = {
    "nam cut short": ("nam", json.dumps(made.a1())[:-100], "no JSON file, or cut short"),
    "nam list": ("nam", "[1]", "holds a list"),
    "nam no weights": ("nam", changed(made.a1(), ("weights",), None), "'weights' is missing"),
    "nam few weights": ("nam", changed(made.a1(), ("weights",), [0.5] * 50), "50 numbers are too few"),
    "nam many weights": ("nam", made.a1() | {"weights": made.a1()["weights"] + [1.0]}, "1 of .* numbers belong to no"),
    "nam text weights": ("nam", made.a1() | {"weights": ["x"] * 9}, "should hold numbers"),
    "nam overflow": ("nam", made.a1() | {"weights": [1e300] * 9}, "not finite"),
    "nam version": ("nam", made.a1() | {"version": "0.9.0"}, "0.9.0, later than 0.7"),
    "nam architecture": ("nam", made.a1() | {"architecture": "ConvNet"}, "'ConvNet', and only WaveNet and LSTM"),
    "nam unknown": (
        "nam",
        changed(made.a1(), (*LAYER, "wings"), 2),
        r"layers\[0\]: the field 'wings' is not understood",
    ),
    "nam film": ("nam", changed(made.a2(), (*LAYER, "conv_pre_film", "active"), True), "'conv_pre_film' is active"),
    "nam activation": ("nam", changed(made.a1(), (*LAYER, "activation"), "Snake"), "activation 'Snake' is none of"),
    "nam dilation": ("nam", changed(made.a1(), (*LAYER, "dilations"), [1, 0]), "'dilations' holds 0"),
    "nam count": ("nam", changed(made.a2(), (*LAYER, "kernel_sizes"), [3]), "1 values for 3 layers"),
    "nam blended": ("nam", changed(made.a2(), (*LAYER, "gating_mode"), "blended"), "'blended', and only"),
    "nam condition": ("nam", changed(made.a1(), (*LAYER, "condition_size"), 2), "'condition_size' is 2"),
    "nam head": ("nam", changed(made.a1(), ("config", "head"), {"channels": 2}), "'head' is"),
    "nam bool": ("nam", changed(made.a1(), (*LAYER, "channels"), True), "'channels' should be a whole number"),
    "guitarml shape": (
        "guitarml",
        changed(made.guitarml(), ("model_data", "hidden_size"), 7),
        "rec.weight_ih_l0.*shape",
    ),
    "guitarml unit": (
        "guitarml",
        changed(made.guitarml(), ("model_data", "unit_type"), "RNN"),
        "'unit_type' is \"RNN\"",
    ),
    "guitarml more": ("guitarml", changed(made.guitarml(), ("state_dict", "conv.weight"), [1]), "'conv.weight' is not"),
    "guitarml other": ("guitarml", made.rtneural(), "python -m zoo import rtneural"),
    "rtneural type": ("rtneural", changed(made.rtneural(), ("layers", 1, "type"), "conv2d"), r"layers\[1\].*'conv2d'"),
    "rtneural ragged": (
        "rtneural",
        changed(made.rtneural(), ("layers", 0, "weights", 0), [[1], [2, 3]]),
        "equal lengths",
    ),
    "rtneural gain": ("rtneural", made.rtneural() | {"in_gain": 3.0}, "'in_gain' is 3.0"),
    "rtneural other": ("rtneural", made.guitarml(), "python -m zoo import guitarml"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files_are_refused_by_name(name, tmp_path, capsys):
    kind, content, complaint = DAMAGED[name]
    file = made.write(tmp_path, content)
    with pytest.raises(SystemExit) as ended:
        main(["import", kind, str(file)])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert str(file) in said and re.search(complaint, said), said
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]
