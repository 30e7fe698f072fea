"""Saturation is counted and told: of inputs beyond their format, and of values beyond a layer's quantiser."""

import sys

import model_files
import numpy as np
import pytest

import compiler
from compiler import cli, saturation
from compiler.ir import interpreter


@pytest.fixture
def plain(tmp_path):
    """A build whose formats the compiler chose, for inputs from -1 to 1."""
    layers = [model_files.dense([[0.5, -0.5]], [0.1, -0.2]), model_files.relu(), model_files.dense([[1.0], [1.0]])]
    model = model_files.write(tmp_path / "net.h5", (None, 1), *layers)
    return compiler.compile(model, "mcu", numbers="fixed", out=tmp_path / "build")


@pytest.fixture
def quantized(tmp_path):
    """A build whose quantisers saturate: the inner one at both ends, a relu at the upper one."""
    layers = [
        model_files.grid("quantized_bits(8, 3, alpha=1)"),
        model_files.dense([[1.5]], [0.0], kernel_quantizer="quantized_bits(4, 1, alpha=1)"),
        model_files.grid("quantized_bits(6, 2, alpha=1)"),
        model_files.dense([[1.0]], [0.0], kernel_quantizer="quantized_bits(4, 1, alpha=1)"),
        model_files.grid("quantized_relu(4, 1)"),
    ]
    model = model_files.write(tmp_path / "net.h5", (None, 1), *layers)
    return compiler.compile(model, "mcu", numbers="fixed", out=tmp_path / "build")


def typed(capsys, monkeypatch, *arguments):
    """A command within this process: (exit code, lines that it printed)."""
    monkeypatch.setattr(sys, "argv", [arguments[0], *map(str, arguments[1:])])
    with pytest.raises(SystemExit) as end:
        cli.main(arguments[0])
    return end.value.code, capsys.readouterr().out.splitlines()


def test_inputs_beyond_their_format_are_named_with_the_remedy(plain, capsys, monkeypatch, tmp_path):
    x = np.arange(256.0)[:, None]
    (found,) = saturation.count(plain.graph, [[x]])
    assert (found.layer, found.share, found.seen) == ("input", 254 / 256, (0.0, 255.0))
    np.save(tmp_path / "x.npy", x)
    run = ("compiler.run", plain.folder, "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy")
    for quiet in ((), ("--quiet",)):
        code, lines = typed(capsys, monkeypatch, *run, *quiet)
        assert code == 0
        (note,) = [line for line in lines if line.startswith("note:")]
        assert note == (
            "note: 99.2% of the input 'input', which goes from 0 to 255, lies outside its format (-1 to 0.999969) and "
            "saturates: compile with --input-range 0 255"
        )
    better = compiler.compile(tmp_path / "net.h5", "mcu", numbers="fixed", out=tmp_path / "b", input_range=(0, 255))
    assert not saturation.count(better.graph, [[x]])


@pytest.mark.parametrize(
    ("x", "remedy"),
    [
        ([5, 5], "--input-range 0 5"),
        ([-3.5, -3.5], "--input-range -3.5 0"),
        ([-1234567.8, 7654321.2], "--input-range -1234570 7654330"),
        ([-1.23456789, 1e-9], "--input-range -1.23457 0.000000001"),
        ([0, 1e12], "scale it"),
        ([0.5, np.inf], "scale it"),
        ([np.nan, 2, -np.inf], "scale it"),
    ],
)
def test_the_range_that_is_proposed_can_be_typed_and_holds_the_input(x, remedy, plain, capsys, monkeypatch, tmp_path):
    x = np.array(x, float)[:, None]
    (note,) = saturation.notes(saturation.count(plain.graph, [[x]]), plain.graphs)
    assert note.partition(": ")[2].removeprefix("compile with ").startswith(remedy)
    if remedy.startswith("--"):
        command = (
            "compiler.__main__",
            tmp_path / "net.h5",
            "--target",
            "mcu",
            "--numbers",
            "q15",
            "--out",
            tmp_path / "wide",
        )
        assert typed(capsys, monkeypatch, *command, *remedy.split(), "--quiet")[0] == 0
        assert not saturation.count(compiler.Build.open(tmp_path / "wide").graph, [[x]])


def test_full_scale_is_no_saturation_and_nothing_is_said(plain, capsys, monkeypatch, tmp_path):
    np.save(tmp_path / "x.npy", np.linspace(-1, 1, 50)[:, None])
    run = ("compiler.run", plain.folder, "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy")
    code, lines = typed(capsys, monkeypatch, *run)
    assert (code, [line for line in lines if "note" in line]) == (0, [])


def test_values_within_are_counted_layer_by_layer(quantized):
    x = np.arange(-128, 128)[:, None]
    values = interpreter.evaluate(quantized.graph, [x])
    found = {one.layer: one for one in saturation.count(quantized.graph, [[x]], raw=True)}
    sums = x[:, 0] * 1.5 / 16  # real; the inner grid holds -4 to 3.875, and half a step rounds into it
    inner = ((sums > 3.875 + 0.1875) | (sums < -4 - 0.1875)).mean()
    assert found["layer_3"].share == pytest.approx(inner, abs=0.01)
    assert found["layer_3"].bounds == (-4.0, 3.875)
    above = (values[quantized.graph.ops[1].output.name] / 8 > 1.875 + 0.1875).mean()
    assert found["layer_5"].share == pytest.approx(above, abs=0.01), "what relu takes away does not count"
    assert list(found) == ["layer_3", "layer_5"]
    halves = saturation.count(quantized.graph, [[x[:100]], [x[100:]]], raw=True)
    assert [one.share for one in halves] == pytest.approx([one.share for one in found.values()])


def test_only_so_many_samples_within_are_looked_at(quantized, monkeypatch):
    monkeypatch.setattr(saturation, "MOST_SAMPLES", 10)
    x = np.concatenate([np.zeros((10, 1)), np.full((90, 1), 100.0)])
    (found,) = saturation.count(quantized.graph, [[x], [x]])
    assert (found.layer, found.share) == ("input", 0.9)


def test_verification_reports_and_names_them(quantized, capsys, monkeypatch):
    code, lines = typed(capsys, monkeypatch, "compiler.verify", quantized.folder, "--samples", 400)
    assert code == 0
    notes = [line for line in lines if line.startswith("note: in this check, ")]
    assert any(
        "of what layer 'layer_3' gives saturates at the ends of its grid (-4 to 3.875)" in line for line in notes
    )
    report = compiler.Build.open(quantized.folder).report
    assert {one["layer"] for one in report["saturations"]} == {"layer_3", "layer_5"}


def test_no_streams_are_no_trouble(plain):
    assert saturation.count(plain.graph, []) == []
    assert saturation.count(plain.graph, [[np.zeros((0, 1))]]) == []
