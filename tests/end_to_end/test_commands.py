"""The commands as a user types them: exit codes, one clear message, nothing half-written, files in and out."""

import json
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest

import compiler
from compiler.names import build_name


def run(*arguments, module="compiler"):
    command = [sys.executable, "-W", "error", "-m", module, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def edit(files, path, layer, key, value):
    """The float model's file with one configuration key changed."""
    path.write_bytes(files["float.h5"].read_bytes())
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        entry = next(each for each in config["config"]["layers"] if each["config"]["name"] == layer)
        (entry if key == "class_name" else entry["config"])[key] = value
        file.attrs["model_config"] = json.dumps(config)
    return path


def with_nan(files, path):
    path.write_bytes(files["float.h5"].read_bytes())
    with h5py.File(path, "r+") as file:
        file["model_weights/conv_1/conv_1/kernel"][0, 0, 0] = np.nan
    return path


def truncated(files, path):
    path.write_bytes(files["float.h5"].read_bytes()[:3000])
    return path


def text(files, path):
    path.write_text("hello")
    return path


BAD = {
    "unknown layer": (lambda f, p: edit(f, p, "gate", "class_name", "Mystery"), ["layer 'gate'", "'Mystery'"]),
    "missing file": (lambda f, p: p, ["no such file"]),
    "truncated file": (truncated, ["damaged HDF5 file"]),
    "no model": (text, ["no Keras model"]),
    "padding same": (lambda f, p: edit(f, p, "conv_1", "padding", "same"), ["layer 'conv_1'", "padding='same'"]),
    "strides 2": (lambda f, p: edit(f, p, "conv_1", "strides", [2]), ["layer 'conv_1'", "strides="]),
    "NaN weights": (with_nan, ["layer 'conv_1'", "'kernel'", "NaN"]),
}


@pytest.mark.parametrize("target", ["mcu", "fpga"])
@pytest.mark.parametrize("case", BAD)
def test_bad_models(case, target, files, tmp_path):
    make, words = BAD[case]
    path = make(files, tmp_path / "bad.h5")
    result = run(path, "--target", target, "--out", tmp_path / "deep" / "out")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"error: {path}: ")
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr
    assert not (tmp_path / "deep").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--target", "gpu"),
        ("--target", "fpga", "--numbers", "float"),
        ("--target", "mcu", "--bits", "40"),
        ("--target", "mcu", "--input-range", "1", "-1"),
        ("--target", "fpga", "--clock", "48000", "--sample-rate", "48000"),
        ("--target", "fpga", "--multipliers", "1"),
        (),
    ],
)
def test_bad_requests(arguments, files, tmp_path):
    result = run(files["quantized.h5"], *arguments, "--out", tmp_path / "out")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()


def test_fpga_refuses_what_has_no_fixed_point_form(files, tmp_path):
    result = run(files["float.h5"], "--target", "fpga", "--out", tmp_path / "out")
    assert result.returncode == 2
    assert "layer 'conv_2'" in result.stderr
    assert "tanh" in result.stderr


def test_a_folder_of_something_else_is_not_replaced(files, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    result = run(files["float.h5"], "--target", "mcu", "--out", tmp_path / "out")
    assert result.returncode == 2
    assert (tmp_path / "out" / "thesis.txt").read_text() == "years of work"


def test_a_full_disk_leaves_nothing(files, tmp_path):
    arguments = [files["float.h5"], "--target", "mcu", "--out", tmp_path / "out"]
    command = ["bash", "-c", 'ulimit -f 4 && exec "$@"', "bash", sys.executable, "-m", "compiler", *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (2, "error: File too large\n")
    assert list(tmp_path.iterdir()) == []


def test_an_older_build_is_replaced_whole(files, tmp_path):
    out = tmp_path / "out"
    assert run(files["quantized.h5"], "--target", "fpga", "--out", out).returncode == 0
    assert run(files["quantized.h5"], "--target", "mcu", "--out", out, "--quiet").stdout == ""
    assert not list(out.glob("*.v"))
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("target", ["mcu", "fpga"])
def test_output_is_the_same_byte_for_byte(target, files, tmp_path):
    folders = [tmp_path / "a", tmp_path / "elsewhere" / "b"]
    for out in folders:
        assert run(files["quantized.h5"], "--target", target, "--out", out).returncode == 0
    contents = [{p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()} for out in folders]
    assert contents[0] == contents[1]
    assert not [path for path, data in contents[0].items() if str(tmp_path).encode() in data]


@pytest.mark.parametrize("target", ["mcu", "fpga"])
def test_licences(target, files, tmp_path):
    compiler.compile(files["quantized.h5"], target, out=tmp_path / "out")
    ours = [p for p in (tmp_path / "out").rglob("*") if p.suffix in (".c", ".h", ".v") and "CMSIS" not in p.read_text()]
    assert ours
    for path in ours:
        assert "SPDX-License-Identifier: 0BSD" in path.read_text().splitlines()[1], path.name


def test_run_converts_between_files_and_places(files, tmp_path):
    build = compiler.compile(files["quantized.h5"], "mcu", out=tmp_path / "build", numbers="fixed")
    x = np.random.default_rng(0).uniform(-1.2, 1.2, (50, 3)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    for on in ("reference", "host", "emulator"):
        result = run(
            build.folder, "--input", tmp_path / "x.npy", "--output", tmp_path / f"{on}.npy", "--on", on,
            module="compiler.run",
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
    outputs = [np.load(tmp_path / f"{on}.npy") for on in ("reference", "host", "emulator")]
    assert outputs[0].dtype == np.float32
    assert np.array_equal(outputs[0], outputs[1])
    assert np.array_equal(outputs[0], outputs[2])

    np.save(tmp_path / "raw.npy", build.quantize(x))
    result = run(
        build.folder, "--input", tmp_path / "raw.npy", "--output", tmp_path / "raw_y.npz", "--raw", "--on", "host",
        "--layers", tmp_path / "layers.npz", module="compiler.run",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    raw = np.load(tmp_path / "raw_y.npz")["y"]
    assert np.array_equal(raw / 4096, outputs[0])
    assert set(np.load(tmp_path / "layers.npz").files) >= {"relu_0", "relu_1", "grid_out"}


def test_run_reads_and_writes_wav(files, tmp_path):
    import keras
    from models import randomize
    from scipy.io import wavfile

    x = inputs = keras.Input((None, 1))
    x = keras.layers.Conv1D(1, 3, padding="causal")(x)
    randomize(keras.Model(inputs, x)).save(tmp_path / "echo.keras")
    build = compiler.compile(tmp_path / "echo.keras", "mcu", out=tmp_path / "build")
    samples = (np.sin(np.arange(200) / 5) * 20000).astype(np.int16)
    wavfile.write(tmp_path / "x.wav", 48000, samples)
    result = run(
        build.folder, "--input", tmp_path / "x.wav", "--output", tmp_path / "y.wav", "--on", "host",
        module="compiler.run",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    rate, y = wavfile.read(tmp_path / "y.wav")
    assert rate == 48000
    assert np.allclose(y, build.run(samples[:, None] / np.float32(32768))[:, 0], atol=1e-6)


def test_against_names_the_first_difference(files, tmp_path):
    from test_corruption import flip_in_c

    build = compiler.compile(files["quantized.h5"], "mcu", out=tmp_path / "build", numbers="fixed")
    x = np.random.default_rng(0).uniform(-1, 1, (60, 3))
    np.save(tmp_path / "x.npy", x)
    arguments = (build.folder, "--input", tmp_path / "x.npy", "--on", "host", "--against", "reference")
    result = run(*arguments, module="compiler.run")
    assert (result.returncode, result.stdout) == (0, "host and reference agree\n")
    flip_in_c(build, 1)
    result = run(*arguments, "--trust-changes", module="compiler.run")
    assert result.returncode == 1
    assert "layer 'mix_0'" in result.stdout


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((10, 2)), "2 channels, and input 'audio' takes 3"),
        (np.zeros(10), "does not fit"),
        (np.array([["a", "b", "c"]]), "holds no real numbers"),
    ],
)
def test_inputs_that_do_not_fit(x, message, files, tmp_path):
    build = compiler.compile(files["float.h5"], "mcu", out=tmp_path / "build")
    np.save(tmp_path / "x.npy", x)
    result = run(build.folder, "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy", module="compiler.run")
    assert result.returncode == 2
    assert message in result.stderr
    assert not (tmp_path / "y.npy").exists()


def test_commands_on_what_is_no_build(tmp_path):
    for module, extra in (("compiler.verify", ()), ("compiler.run", ("--input", "x.npy", "--output", "y.npy"))):
        result = run(tmp_path, *extra, module=module)
        assert result.returncode == 2
        assert "no build" in result.stderr


def test_names_that_c_and_verilog_would_not_take():
    taken = {"conv1d"}
    cases = {"wavenet": "wavenet", "int": "int_net", "module": "module_net", "3d": "n_3d", "conv1d": "conv1d_net"}
    cases |= {
        "../../x": "x",
        "Überschall": "berschall",
        "a" * 300: "a" * 40,
        "stdint": "stdint_net",
        "size": "size_net",
        "": "net",
    }
    for wanted, name in cases.items():
        assert build_name(wanted, taken) == name


@pytest.mark.parametrize("target", ["mcu", "fpga"])
def test_odd_names_compile_and_stay_inside(target, files, tmp_path):
    names = {"conv_0": "while", "relu_0": "../../x */ `x", "mix_0": "\u00fcn\u00efcode \u266b", "relu_1": "a" * 300}
    names |= {"conv_1": "a" * 299 + "b", "grid_in": "module", "grid_out": "int", "audio": "if"}
    path = tmp_path / "default.keras"
    with zipfile.ZipFile(files["quantized.keras"]) as old, zipfile.ZipFile(path, "w") as new:
        config = old.read("config.json").decode()
        for name, odd in names.items():
            config = config.replace(f'"{name}"', json.dumps(odd))
        new.writestr("config.json", config)
        new.writestr("model.weights.h5", old.read("model.weights.h5"))
    out = tmp_path / "in" / "out"
    build = compiler.compile(path, target, out=out, numbers="fixed")
    on = "host" if target == "mcu" else "rtl"
    samples = np.random.default_rng(0).uniform(-1, 1, (40, 3))
    assert np.array_equal(build.run(samples, on=on), build.run(samples))
    assert [p.name for p in (tmp_path / "in").iterdir()] == ["out"]
