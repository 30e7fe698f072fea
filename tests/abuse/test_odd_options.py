"""Every option of every command with values that nobody should give: taken, or refused in one message."""

import zipfile

import h5py
import numpy as np
import pytest
from abuse_tools import demand

HUGE = "9" * 20
VALUES = ["", "-1", "0", "1", "x", "1e9", HUGE, "nan", "inf", "-inf", "0x10", "ü", "1 2", "\n", "None"]
OPTIONS = {
    "compiler": (
        *("--target", "--out", "--name", "--weights", "--mode", "--numbers", "--bits", "--weight-bits", "--rounding"),
        *("--table-error",),
        *("--kernels", "--sample-rate", "--clock", "--multipliers", "--input-range", "--kernel", "--nothing"),
    ),
    "compiler.run": ("--on", "--against", "--input", "--output", "--layers", "--nothing"),
    "compiler.verify": ("--samples", "--seed", "--nothing"),
    "compiler.inspect": ("--weights", "--nothing"),
}


@pytest.mark.parametrize("module", OPTIONS)
def test_options(module, files, builds, commands, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((4, 3), np.float32))
    model = {"compiler": files["quantized.h5"], "compiler.inspect": files["float.h5"]}
    first = model.get(module, builds["fixed"])
    usual = {
        "compiler": ["--target", "fpga", "--out", "out"],
        "compiler.run": ["--input", "x.npy", "--output", "y.npy"],
    }
    results = []
    for option in OPTIONS[module]:
        for value in VALUES:
            if (module, option) == ("compiler.verify", "--seed") or (
                value == "99999999999999999999" and option == "--out"
            ):
                continue
            pair = [option, value, "2"] if option == "--input-range" else [f"{option}={value}"]
            if module == "compiler.verify" and value in ("1", "0x10"):
                continue  # it would verify
            results.append(commands.run(module, first, *usual.get(module, []), *pair, seconds=20))
    demand(results, refused=0.4)


def test_commands_without_arguments(commands, builds, files):
    results = [commands.run(module) for module in OPTIONS]
    results += [commands.run(module, "--help") for module in OPTIONS]
    results += [commands.run(module, "--help", environment={"COLUMNS": "1"}) for module in OPTIONS]
    results += [commands.run(module, "") for module in OPTIONS]
    results += [commands.run(module, "x" * 5000) for module in OPTIONS]
    results += [commands.run(module, "/", "--target", "mcu") for module in OPTIONS]
    # A build for a model, a model for a build.
    results += [commands.run(module, builds["float"], "--target", "mcu") for module in ("compiler", "compiler.inspect")]
    results += [commands.run("compiler.verify", files["float.h5"])]
    results += [commands.run("compiler.run", files["float.h5"], "--input", "x.npy", "--output", "y.npy")]
    demand(results, refused=0.5)


OTHER = {
    "empty": b"",
    "text": b"hello",
    "zeros": bytes(5000),
    "html": b"<!DOCTYPE html><html><body>404</body></html>",
    "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
    "pickle": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94\x8c\x06system\x94\x93\x94.",
    "gguf": b"GGUF\x03\x00\x00\x00" + bytes(50),
    "flatbuffer": b"\x1c\x00\x00\x00TFL3" + bytes(50),
    "json": b"{}",
    "list": b"[]",
    "deep": b"[" * 200_000 + b"]" * 200_000,
    "number": b"3",
    "text_json": b'{"class_name": "Sequential", "config": "x"}',
    "latin": b'{"class_name": "\xff\xfe"}',
}


@pytest.mark.parametrize("module", ["compiler", "compiler.inspect"])
def test_files_that_are_no_models(module, commands, tmp_path):
    results = []
    for suffix in ("h5", "keras", "json", "bin"):
        for name, data in OTHER.items():
            path = tmp_path / f"{name}.{suffix}"
            path.write_bytes(data)
            extra = ("--target", "mcu", "--out", "out") if module == "compiler" else ()
            results.append(commands.run(module, path.name, *extra))
        with h5py.File(tmp_path / f"h5.{suffix}", "w") as file:
            file["x"] = np.zeros(3)
        with zipfile.ZipFile(tmp_path / f"zip.{suffix}", "w") as archive:
            archive.writestr("config.json", "{}")
        for name in ("h5", "zip"):
            results.append(commands.run(module, f"{name}.{suffix}", *extra))
    assert all(result.code == 2 for result in results), next(str(r) for r in results if r.code != 2)
    demand(results)
    assert not (tmp_path / "out").exists()
