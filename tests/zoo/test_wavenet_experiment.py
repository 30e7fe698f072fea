"""Training end to end, and the command around it."""

import csv
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from zoo.__main__ import main
from zoo.wavenet.evaluation import table
from zoo.wavenet.experiment import train
from zoo.wavenet.quantized.legacy_keras import qkeras
from zoo.wavenet.recipe import Recipe
from zoo.wavenet.waves import SHAPES, corner_waves

SHORT = Recipe(epochs=2, batches=6, batch_size=8, samples=320)


@pytest.fixture(scope="module", params=[False, True], ids=["float", "quantized"])
def short_run(request, tmp_path_factory):
    lines = []
    out = tmp_path_factory.mktemp("run") / "new" / "folder"
    return train(quantized=request.param, out=out, seed=7, recipe=SHORT, report=lines.append), request.param, lines


def test_a_run_leaves_every_file(short_run):
    trained, quantized, lines = short_run
    assert set(trained.files) == {"wavenet.keras", "wavenet.h5", "history.csv", "corners.png"}
    inputs, _ = corner_waves(400, quantized=quantized)
    expected = trained.model.predict(inputs, verbose=0)
    load = qkeras.utils.load_qmodel if quantized else keras.saving.load_model
    for name in ("wavenet.keras", "wavenet.h5"):
        loaded = load(str(trained.files[name]), compile=False)
        np.testing.assert_array_equal(loaded.predict(inputs, verbose=0), expected)
    with trained.files["history.csv"].open() as text:
        rows = list(csv.DictReader(text))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert {name: float(value) for name, value in rows[1].items()} == trained.history[1]
    assert trained.files["corners.png"].read_bytes().startswith(b"\x89PNG")
    assert "parameters, receptive field" in lines[0]
    assert [line.split()[1] for line in lines[1:]] == ["1/2", "2/2"]
    assert "waves/s" in lines[1] and lines[1].endswith(" left") and lines[2].endswith("done")
    assert all(name in trained.summary for name in (*SHAPES, "two polynomials"))


def test_same_seed_same_weights_to_the_bit(short_run):
    trained, quantized, _ = short_run
    again = train(quantized=quantized, seed=7, recipe=SHORT, report=lambda line: None)
    for weight, other in zip(trained.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)
    assert trained.history == again.history
    assert trained.scores == again.scores
    assert again.files == {}


def test_another_seed_gives_other_weights(short_run):
    trained, quantized, _ = short_run
    other = train(quantized=quantized, seed=8, recipe=SHORT, report=lambda line: None)
    assert any(
        not np.array_equal(ours, theirs)
        for ours, theirs in zip(trained.model.get_weights(), other.model.get_weights(), strict=True)
    )


def test_files_load_without_this_package(short_run):
    trained, quantized, _ = short_run
    library = "import qkeras.utils as u; u.load_qmodel" if quantized else "import keras; keras.saving.load_model"
    path = str(trained.files["wavenet.keras"])
    code = f"import sys; {library}({path!r}, compile=False); assert 'zoo' not in sys.modules"
    ran = subprocess.run([sys.executable, "-c", code], cwd="/", capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_table_marks_the_best_of_each_column():
    scores = {"network": dict.fromkeys(SHAPES, -20.0), "other": dict.fromkeys(SHAPES, -3.0) | {"sine": -21.0}}
    head, network, other = table(scores).splitlines()
    assert head.split() == ["error,", "dB", *SHAPES]
    assert network.split() == ["network", "-20.0", "-20.0*", "-20.0*", "-20.0*"]
    assert other.split() == ["other", "-21.0*", "-3.0", "-3.0", "-3.0"]


def test_command_trains_quietly(tmp_path):
    out = tmp_path / "net"
    options = ["--epochs", "1", "--batches", "2", "--samples", "300", "--out", str(out), "--seed", "1"]
    # As a newcomer's shell has it: none of the variables that quieten TensorFlow.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    ran = subprocess.run(
        [sys.executable, "-m", "zoo", "train", "wavenet", *options],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    assert "epoch 1/1" in ran.stdout
    assert "465 parameters" in ran.stdout
    assert sorted(path.name for path in out.iterdir()) == ["corners.png", "history.csv", "wavenet.h5", "wavenet.keras"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["train", "wavenet", "--epochs", "0"], "'0' is not a whole number from 1"),
        (["train", "wavenet", "--seed", "-1"], "'-1' is not a whole number from 0"),
        (["train", "wavenet", "--out", f"{__file__}/x"], "is a file"),
        (["train", "wavenet", "--samples", "256"], "nothing past the receptive field of 256"),
        (["train", "wavenet", "--quantised"], "unrecognized arguments: --quantised"),
        (["train", "gan"], "invalid choice: 'gan'"),
        ([], "required: COMMAND"),
    ],
)
def test_bad_arguments_exit_2_with_one_clear_message(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert complaint in capsys.readouterr().err


def test_list_and_help(capsys):
    assert main(["list"]) == 0
    assert any(line.startswith("wavenet ") for line in capsys.readouterr().out.splitlines())
    with pytest.raises(SystemExit) as stopped:
        main(["train", "wavenet", "--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("--quantized", "--seed", "465 parameters", "examples", "zigzag (1, 1)"))


def test_quantized_file_holds_no_training_state(short_run):
    import h5py

    trained, _, _ = short_run
    with h5py.File(trained.files["wavenet.h5"]) as file:
        assert "training_config" not in file.attrs
        assert "optimizer_weights" not in file
        assert json.loads(file.attrs["model_config"])["class_name"] == "Functional"


def test_evaluate_and_show_read_what_training_left(tmp_path, capsys):
    tiny = ["--epochs", "1", "--batches", "20", "--batch-size", "4", "--samples", "300", "--out", str(tmp_path)]
    assert main(["train", "wavenet", *tiny]) == 0
    trained = capsys.readouterr().out
    assert main(["evaluate", "wavenet", "--out", str(tmp_path)]) == 0
    evaluated = capsys.readouterr().out.strip()
    assert evaluated.startswith("error, dB") and evaluated in trained
    picture = tmp_path / "corners.png"
    before = picture.read_bytes()
    picture.unlink()
    assert main(["show", "wavenet", "--out", str(tmp_path)]) == 0
    assert picture.read_bytes() == before


def test_evaluate_without_a_training_says_what_to_do(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", "wavenet", "--quantized", "--out", str(tmp_path)])
    assert stopped.value.code == 2
    assert "python -m zoo train wavenet --quantized" in capsys.readouterr().err
