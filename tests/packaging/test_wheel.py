"""A wheel holds all that a checkout holds, and compiles from any folder as that does, writing nothing beside it."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import compiler

ROOT = Path(compiler.__file__).resolve().parents[1]
FOLDERS = {"compiler": "compiler", "zoo": "zoo", "sim": "sim", "firmware": "compiler/firmware", "rtl": "compiler/rtl"}
BUILD_WHEEL = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


def files_under(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built without a network, from a copy: building writes beside the sources."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    command = [sys.executable, "-c", BUILD_WHEEL, str(out)]
    result = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory):
    """The wheel, unpacked, which is all that installing it does, its command apart; in a folder of any name."""
    site = tmp_path_factory.mktemp("site") / "ü \"a\\b' {c}\nd"
    site.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def call(command, cwd, **environment):
    """Runs a command in an environment without a home, where nothing but what is given can be found."""
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL") if key in os.environ}
    result = subprocess.run(
        [*map(str, command)], cwd=cwd, env=kept | environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def compile_and_run(start, where, model, tmp_path, **environment):
    """Both targets, built and run from another folder: the builds, which are those of the checkout to the byte."""
    np.save(where / "x.npy", np.random.default_rng(0).uniform(-1, 1, (20, 3)))
    for target, on in (("mcu", "host"), ("fpga", "rtl")):
        out = where / target
        call([*start, "compile", model, "--target", target, "--numbers", "fixed", "--out", out], where, **environment)
        ours = compiler.compile(model, target, numbers="fixed", out=tmp_path / "checkout" / target).folder
        assert files_under(out) == files_under(ours)
        for file in files_under(out):
            assert (out / file).read_bytes() == (ours / file).read_bytes(), file
        call([*start, "run", out, "--input", "x.npy", "--on", on, "--against", "reference"], where, **environment)


def test_nothing_is_left_out(site):
    for folder, inside in FOLDERS.items():
        assert files_under(ROOT / folder) <= files_under(site / inside), folder


def test_the_version_stands_in_one_place(site):
    (metadata,) = site.glob("keras_silicon-*.dist-info")
    assert f"\nVersion: {compiler.__version__}\n" in (metadata / "METADATA").read_text()
    assert "keras-silicon = compiler.command:main" in (metadata / "entry_points.txt").read_text()
    assert compiler.__version__ not in (ROOT / "pyproject.toml").read_text()


def test_it_compiles_from_another_folder(site, files, tmp_path):
    where = tmp_path / "elsewhere"
    where.mkdir()
    before = files_under(site)
    start = [sys.executable, "-B", "-m", "compiler.command"]
    environment = {"PYTHONPATH": str(site)}
    found = call([sys.executable, "-c", "import compiler; print(compiler.__file__)"], where, **environment)
    assert found.strip() == str(site / "compiler" / "__init__.py")
    compile_and_run(start, where, files["quantized.h5"], tmp_path, **environment)
    written = {file for file in files_under(site) - before if not file.endswith(".pyc")}
    assert not written


@pytest.mark.slow
def test_it_installs_into_an_empty_environment(wheel, files, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    pip = [tmp_path / "venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*map(str, pip), f"{wheel}[rtl]"], check=True)
    where = tmp_path / "elsewhere"
    where.mkdir()
    compile_and_run([tmp_path / "venv/bin/keras-silicon"], where, files["quantized.h5"], tmp_path)
