"""A finished build with one weight of the wrong sign must fail its verification, which names the layer."""

import re
import subprocess
import sys

import pytest

import compiler


def verify(folder):
    command = [sys.executable, "-m", "compiler.verify", str(folder), "--samples", "600", "--trust-changes"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def flip_in_c(build, number):
    """Changes the sign of the largest weight of a layer, in the text of the weights."""
    path = build.folder / f"{build.name}_weights.h"
    text = path.read_text()
    arrays = list(re.finditer(r"_weights\[\d+\] = \{(.*?)\}", text, re.DOTALL))
    body = arrays[number]
    numbers = list(re.finditer(r"[^\s,]+", body[1]))
    largest = max(numbers, key=lambda match: abs(float(match[0].rstrip("f"))))
    flipped = largest[0].removeprefix("-") if largest[0].startswith("-") else "-" + largest[0]
    at = body.start(1) + largest.start()
    path.write_text(text[:at] + flipped + text[at + len(largest[0]) :])


def flip_in_verilog(build, number):
    """Changes the sign of the largest weight of a layer, in its memory file of 16-bit words."""
    path = sorted(build.folder.glob("*_weights.hex"), key=lambda p: order(build, p))[number]
    lines = path.read_text().split()
    places = [(line, at) for line, word in enumerate(lines) for at in range(0, len(word), 4)]

    def signed(place):
        value = int(lines[place[0]][place[1] : place[1] + 4], 16)
        return value - (value >> 15 << 16)

    line, at = max(places, key=lambda place: abs(signed(place)))
    flipped = f"{max(-32768, min(32767, -signed((line, at)))) & 0xFFFF:04x}"
    lines[line] = lines[line][:at] + flipped + lines[line][at + 4 :]
    path.write_text("\n".join(lines) + "\n")


def order(build, path):
    names = [layer["layer"] for layer in build.report["layers"]]
    return names.index(path.name.removeprefix(f"{build.name}_").removesuffix("_weights.hex"))


FLOAT_LAYERS = ["conv_0", "mix_0", "conv_1", "conv_2", "out"]
QUANTIZED_LAYERS = ["conv_0", "mix_0", "conv_1"]
CASES = [
    *(("float.h5", "mcu", {}, flip_in_c, number, layer) for number, layer in enumerate(FLOAT_LAYERS)),
    *(
        ("quantized.h5", "mcu", {"numbers": "fixed"}, flip_in_c, number, layer)
        for number, layer in enumerate(QUANTIZED_LAYERS)
    ),
    *(("quantized.h5", "fpga", {}, flip_in_verilog, number, layer) for number, layer in enumerate(QUANTIZED_LAYERS)),
]


@pytest.mark.parametrize(("file", "target", "options", "flip", "number", "layer"), CASES)
def test_a_flipped_sign_is_found_and_its_layer_named(file, target, options, flip, number, layer, files, tmp_path):
    build = compiler.compile(files[file], target, out=tmp_path / "build", **options)
    flip(build, number)
    result = verify(build.folder)
    assert result.returncode == 1, result.stdout + result.stderr
    named = re.findall(r"FAILED: layer '(\w+)'", result.stdout)
    assert named
    assert set(named) == {layer}


@pytest.mark.parametrize(
    ("file", "target", "options"),
    [("float.h5", "mcu", {}), ("quantized.h5", "mcu", {"numbers": "fixed"}), ("quantized.h5", "fpga", {})],
)
def test_an_untouched_build_passes(file, target, options, files, tmp_path):
    build = compiler.compile(files[file], target, out=tmp_path / "build", **options)
    result = verify(build.folder)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "FAILED" not in result.stdout
    assert build.open(build.folder).report["samples_checked"] == 600
