"""What is tracked is small, and has names that every command takes for names."""

import subprocess
from pathlib import Path

import compiler

ROOT = Path(compiler.__file__).resolve().parents[1]
LARGEST = 1 << 20  # bytes
LONGEST = 400  # lines of a source file: one sitting
SOURCES = {".py", ".c", ".h", ".v", ".ld"}
IGNORED = {".git", ".venv", ".cache", "build", "runs", "__pycache__", ".pytest_cache", ".ruff_cache", ".hypothesis"}


def tracked():
    """The files that git tracks; of a copy without its history, all that are not ignored."""
    if not (ROOT / ".git").exists():
        files = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
        return [path for path in files if not IGNORED & set(path.parts)]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in listed.split("\0") if name]


def test_no_tracked_file_is_large():
    files = [path for path in tracked() if (ROOT / path).is_file()]  # one may be deleted and not yet committed
    assert len(files) > 100
    assert [str(path) for path in files if (ROOT / path).stat().st_size > LARGEST] == []


def test_no_source_is_longer_than_one_reads():
    """What is printed, and kept to be compared with, is as long as it is."""
    files = [path for path in tracked() if path.suffix in SOURCES and "golden" not in path.parts]
    lengths = {str(path): (ROOT / path).read_bytes().count(b"\n") for path in files if (ROOT / path).is_file()}
    assert len(lengths) > 300
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_no_tracked_name_begins_with_a_dash():
    assert [str(path) for path in tracked() if any(part.startswith("-") for part in path.parts)] == []


def test_what_is_made_is_ignored(tmp_path):
    """Environments, caches, builds, trainings, data sets and wheels, wherever a tool puts them."""
    made = [".venv/x", ".cache/x", "build/x", "runs/x", "a/__pycache__/x", "x.egg-info/x", "dist/x", "x.whl"]
    made += ["--help/x", "--out/x.npz", "data/cifar10/x.npz", "a/-x"]
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / ".gitignore").write_bytes((ROOT / ".gitignore").read_bytes())
    command = ["git", "check-ignore", "--no-index", "--stdin"]
    listed = subprocess.run(command, cwd=tmp_path, input="\n".join(made), capture_output=True, text=True, check=False)
    assert listed.stdout.split() == made


def test_no_two_files_of_tests_share_a_name():
    """They are imported by their names alone, so that helpers are found from any folder."""
    names = [path.name for path in tracked() if path.parts[0] == "tests" and path.suffix == ".py"]
    assert len(names) > 100
    assert {name for name in names if names.count(name) > 1} == {"conftest.py"}
