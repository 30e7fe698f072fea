"""Names and places that files may have on somebody's machine."""

import json
import os
import shutil
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from abuse_tools import demand

NAMES = [
    *("ü", unicodedata.normalize("NFD", "é"), 'a"b', "a'b", "a\\b", "a\nb", " ", "a b", "a\tb", "$(touch ran)", "a;b"),
    *(
        "`touch ran`",
        "%s%n",
        "#x",
        "a=b",
        "a,b",
        "*",
        "~",
        "&",
        "x" * 200,
        ".hidden",
        "con",
        "ラ",
        "\u202e",
        "{x}",
        "a:b",
    ),
]


@pytest.mark.parametrize("target", ["mcu", "fpga"])
def test_any_name_of_a_folder_or_none(target, files, commands, tmp_path):
    """A build goes anywhere and is read from there; what stands in a folder's name is never run."""
    x = np.linspace(-1, 1, 30).reshape(10, 3)
    results = []
    for name in NAMES:
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(files["quantized.h5"], folder / f"{name[:200]}.h5")
        np.save(folder / "x.npy", x)
        out = folder / "out"
        made = commands.run("compiler", folder / f"{name[:200]}.h5", "--target", target, "--out", out)
        results += [made]
        if made.code == 0:
            results.append(commands.run("compiler.run", out, "--input", folder / "x.npy", "--output", folder / "y.npy"))
            assert (folder / "y.npy").exists()
    demand(results)
    assert all(result.code == 0 for result in results), [str(result) for result in results if result.code]
    assert not list(tmp_path.rglob("ran"))


@pytest.mark.parametrize(("kind", "on"), [("fixed", "host"), ("fixed", "emulator"), ("fpga", "rtl")])
def test_any_name_of_a_build_that_runs(kind, on, copied, commands, tmp_path):
    np.save(tmp_path / "x.npy", np.linspace(-1, 1, 15).reshape(5, 3))
    results = []
    for name in (
        ['ü "\\ b', "a\nb'$(touch ran)"] if on == "rtl" else ["ü", 'a"b', "a\\b", "a\nb", "a b'c", "$(touch ran)"]
    ):
        build = copied(kind, name)
        arguments = (build, "--input", "x.npy", "--on", on, "--against", "reference")
        results.append(commands.run("compiler.run", *arguments, seconds=60, bytes=3 << 30))
    demand(results)
    assert all(result.code == 0 for result in results), [str(result) for result in results if result.code]
    assert not list(tmp_path.rglob("ran"))


def test_folders_that_begin_with_a_dash(files, commands, tmp_path):
    results = [
        commands.run("compiler", files["float.h5"], "--target", "mcu", f"--out={name}")
        for name in ("-x", "--help", "-")
    ]
    results += [commands.run("compiler", files["float.h5"], "--target", "mcu", "--out", "--help/x")]
    demand(results)
    assert [result.code for result in results[:3]] == [2, 2, 2]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("-")]


def test_what_is_in_the_way(files, builds, commands, tmp_path):
    """Something else where a build is to go: it stays as it is."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "report.json").write_text(json.dumps({"target": "somebody else's"}))
    (tmp_path / "theirs" / "model.h5").write_text("mine")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "report.json").write_text("{")
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing" / "place")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    names = ("file", "full", "theirs", "broken", "circle", "file/deeper", "/dev/null", "/proc/x", "x" * 5000, ".")
    results = [commands.run("compiler", files["float.h5"], "--target", "mcu", "--out", name) for name in names]
    results += [commands.run("compiler.run", name, "--input", "x.npy", "--output", "y.npy") for name in names]
    demand(results, refused=0.9)
    assert (tmp_path / "file").read_text() == (tmp_path / "full" / "thesis.txt").read_text() == "mine"
    assert (tmp_path / "theirs" / "model.h5").read_text() == "mine"
    assert (tmp_path / "broken" / "report.json").read_text() == "{"
    assert not list(tmp_path.glob(".*")), "leftovers"


def test_a_rebuild_keeps_what_it_did_not_write(files, commands, tmp_path):
    arguments = ("compiler", files["quantized.h5"], "--target", "mcu", "--out")
    demand([commands.run(*arguments, "out")])
    (tmp_path / "out" / "my_app.c").write_text("int main(void) { return 0; }")
    (tmp_path / "out" / "notes").mkdir()
    (tmp_path / "out" / "notes" / "a.txt").write_text("mine")
    (tmp_path / "link").symlink_to("out")
    results = [
        commands.run(*arguments, "link", "--numbers", "fixed"),
        commands.run(*arguments, "out", "--kernels", "c"),
    ]
    demand(results)
    assert [result.code for result in results] == [0, 0]
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "out" / "my_app.c").exists()
    assert (tmp_path / "out" / "notes" / "a.txt").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "out"]


def test_bare_environments(files, builds, commands, tmp_path):
    """No home, no locale, no terminal, a name that an ASCII terminal cannot print, a standard output that is full."""
    np.save(tmp_path / "x.npy", np.zeros((4, 3), np.float32))
    ascii = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "TERM": "dumb", "COLUMNS": "1"}
    without = ("HOME", "PATH", "LANG", "USER", "TMPDIR", "XDG_CACHE_HOME")
    compile = ("compiler", files["quantized.h5"], "--target")
    run = ("compiler.run", builds["fixed"], "--input", "x.npy", "--output", "ÿ.npy")
    results = [
        commands.run(*compile, "mcu", "--out", "Üb♫r", "--print-graph", environment=ascii),
        commands.run(*compile, "mcu", "--out", "bare", without=without),
        commands.run(*compile, "mcu", "--out", "homeless", environment={"HOME": "/nonexistent"}),
        commands.run(*run, environment=ascii),
        commands.run(*run, without=without),
        commands.run("compiler.inspect", files["float.h5"], environment=ascii),
        commands.run(*run, "--on", "host", without=("HOME", "LANG"), seconds=60),
        commands.run(
            *("compiler.run", builds["fpga"], "--input", "x.npy", "--output", "r.npy", "--on", "rtl"),
            without=("HOME", "LANG"),
            seconds=60,
        ),
    ]
    demand(results)
    assert all(result.code == 0 for result in results), [str(result) for result in results if result.code]


def test_a_full_disk(files, builds, commands, tmp_path):
    """Wherever the disk ends, nothing half-written stays, and an older build stays whole."""
    import compiler

    out = tmp_path / "out"
    shutil.copytree(builds["fixed"], out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    results = []
    for most in (200, 1000, 5000):  # what is said goes into a file too
        results.append(
            commands.run("compiler", files["float.h5"], "--target", "mcu", "--out", "out", largest_file=most)
        )
        results.append(
            commands.run("compiler", files["float.h5"], "--target", "mcu", "--out", "new", largest_file=most)
        )
    demand(results, refused=1)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert compiler.Build.open(out).fixed
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_nothing_is_written_beside_the_sources(files, commands, tmp_path):
    """The installation may be read-only."""
    root = Path(sys.modules["compiler"].__file__).parents[1]
    places = [root / name for name in ("compiler", "rtl", "sim", "firmware")]

    def stamps():
        found = {}
        for place in places:
            for folder, _, names in os.walk(place):
                if "__pycache__" not in folder:
                    found |= {Path(folder) / name: (Path(folder) / name).stat().st_mtime_ns for name in names}
        return found

    before = stamps()
    arguments = (files["quantized.h5"], "--target", "fpga", "--out", "out", "--verify")
    result = commands.run("compiler", *arguments, seconds=120)
    demand([result])
    assert result.code == 0
    assert stamps() == before
