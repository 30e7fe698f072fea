"""The documents say what is true: links lead somewhere, options exist, code compiles, the tutorial can be followed."""

import argparse
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "firmware" / "README.md", *sorted(ROOT.glob("docs/*.md"))]
COMMANDS = ("compiler", "compiler.run", "compiler.verify", "compiler.inspect")


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


def commands(page):
    """Indented lines that call the compiler, as lists of arguments."""
    lines = re.findall(r"^    python -m (compiler[\w.]* .*)$", page.read_text(), re.MULTILINE)
    return [shlex.split(re.sub(r"   .*", "", line)) for line in lines]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


@pytest.fixture(scope="module")
def options():
    """The options of each command, from its --help."""
    found = {}
    for module in COMMANDS:
        text = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True)
        found[module] = set(re.findall(r"--[a-z][a-z-]+", text.stdout))
    from zoo.__main__ import SYSTEMS, system

    for name in SYSTEMS:
        for verb, does in system(name).verbs.items():
            own = argparse.ArgumentParser()
            does.add_arguments(own)
            found[f"zoo {verb} {name}"] = {text for action in own._actions for text in action.option_strings}
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_options_exist(page, options):
    for module, *arguments in commands(page):
        assert module in options, module
        unknown = {argument for argument in arguments if argument.startswith("--")} - options[module]
        assert not unknown, f"{module} {' '.join(arguments)}"
    known = set.union(*options.values()) | {"--depth"}
    mentioned = set(re.findall(r"`(--[a-z][a-z-]+)", page.read_text()))
    assert mentioned <= known, mentioned - known


def test_the_documents_of_an_unknown_option_fail(options):
    assert "--nothing" not in set.union(*options.values())


def test_the_callback_compiles(tmp_path):
    import keras
    from models import randomize

    import compiler

    x = inputs = keras.Input((None, 1))
    x = keras.layers.Conv1D(2, 3, padding="causal", activation="tanh")(x)
    model = randomize(keras.Model(inputs, keras.layers.Dense(1)(x), name="fuzz"))
    build = compiler.compile(model, "mcu", out=tmp_path / "fuzz")
    (code,) = blocks(ROOT / "docs" / "microcontroller.md", "c")
    (tmp_path / "callback.c").write_text(code)
    command = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-O1", "-ffp-contract=off", f"-I{build.folder}"]
    command += ["-c", str(tmp_path / "callback.c"), "-o", str(tmp_path / "callback.o")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_example_prints_what_it_says(tmp_path):
    readme = ROOT / "README.md"
    (code,) = blocks(readme, "python")
    (tmp_path / "example.py").write_text(code)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "example.py"]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert f"```\n\n    {result.stdout}" in readme.read_text()
    assert len(code.splitlines()) <= 9


@pytest.mark.slow
def test_the_tutorial_can_be_followed(tmp_path):
    """Line by line, to the file that one listens to."""
    import numpy as np
    from scipy.io import wavfile

    page = ROOT / "docs" / "tutorial.md"
    (script,) = blocks(page, "python")
    (tmp_path / "pedal.py").write_text(script)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    decibels = float(re.search(r"error: (\S+) dB", run("pedal.py"))[1])
    assert decibels < -15
    for line in commands(page):
        run("-m", *line)
    dry, clean, driven = (wavfile.read(tmp_path / name)[1] for name in ("dry.wav", "clean.wav", "driven.wav"))
    assert len(dry) == len(clean) == len(driven)
    # The knob does something, and the driven one is the louder.
    assert np.sqrt(np.mean(driven**2)) > 1.5 * np.sqrt(np.mean(clean**2))
