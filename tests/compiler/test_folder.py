"""A build owns the files that its report lists. Those are replaced, whole or not at all; nothing else is touched."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import compiler
from compiler import folder as folders
from compiler import outputs
from compiler.errors import CompileError

OLD = {"net.c": b"old", "net.h": b"same", "ecp5/multiply.v": b"old", "gone/deep/x.hex": b"old"}
NEW = {"net.c": b"new", "net.h": b"same", "ecp5/multiply.v": b"new", "other.c": b"new", "fresh/y.hex": b"new"}


def write(folder, files, version="new"):
    folders.write(folder, [dict(files)], {"compiler_version": version, "model_sha256": "", "target": "mcu"})


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def everything(folder):
    """Names and contents, empty folders and links too."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


@pytest.fixture
def built(tmp_path):
    out = tmp_path / "out"
    write(out, OLD, "old")
    return out


def test_only_what_is_listed_is_replaced(built, tmp_path):
    mine = {"my_app.c": b"mine", "gone/notes.txt": b"mine", "other/report.json": b"{}"}
    for name, data in mine.items():
        (built / name).parent.mkdir(exist_ok=True)
        (built / name).write_bytes(data)
    (built / "empty").mkdir()
    (tmp_path / "link").symlink_to("out")
    write(tmp_path / "link", NEW)
    found = contents(built)
    report = json.loads(found.pop("report.json"))
    assert found == NEW | mine
    assert report["files"].keys() == NEW.keys()
    assert (built / "empty").is_dir()
    assert not (built / "gone/deep").exists()
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize(
    "report",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b"3",
        b"{}",
        b'{"target": "mcu", "files": 3}',
        b'{"target": "somebody else\'s"}',
        b'{"compiler_version": "0.1.0", "model_sha256": "", "target": "mcu"}',
    ],
)
def test_a_report_of_somebody_else_is_no_build(report, tmp_path):
    (tmp_path / "report.json").write_bytes(report)
    (tmp_path / "model.h5").write_bytes(b"mine")
    before = everything(tmp_path)
    for ask in (lambda: write(tmp_path, NEW), lambda: folders.check_replaceable(tmp_path)):
        with pytest.raises(CompileError, match="is not replaced") as caught:
            ask()
        assert "elete" not in str(caught.value)  # it may hold a thesis
    with pytest.raises(CompileError):
        compiler.Build.open(tmp_path)
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    "name", ["../thesis.txt", "/etc/hostname", "a/../../thesis.txt", ".", "", "a\nb", "report.json"]
)
def test_a_list_that_leads_out_of_the_folder(name, built, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    report = json.loads((built / "report.json").read_text())
    report["files"][name] = "0" * 64
    (built / "report.json").write_text(json.dumps(report))
    before = everything(tmp_path)
    with pytest.raises(CompileError, match="no file of a build"):
        write(built, NEW)
    assert everything(tmp_path) == before


def test_a_listed_file_that_was_changed_is_not_deleted(built):
    """Only its name says that it is the build's: it may be a model that a forged or careless list has caught."""
    (built / "gone" / "deep").mkdir(parents=True, exist_ok=True)
    changed = next(name for name in OLD if name not in NEW)
    (built / changed).write_bytes(b"mine")
    write(built, NEW)
    assert (built / changed).read_bytes() == b"mine"
    assert contents(built).keys() == {*NEW, changed, "report.json"}


def test_a_place_where_no_folder_can_be_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "loop").symlink_to("loop")
    for place in (tmp_path / "file" / "out", tmp_path / "loop"):
        with pytest.raises(CompileError, match="cannot be made a folder"):
            write(place, NEW)


def test_a_link_in_place_of_a_folder_is_not_followed(built, tmp_path):
    shutil.rmtree(built / "ecp5")
    (tmp_path / "ecp5").mkdir()
    (tmp_path / "ecp5" / "multiply.v").write_text("mine")
    (built / "ecp5").symlink_to(tmp_path / "ecp5")
    with pytest.raises(CompileError, match="something of its own"):
        write(built, NEW)
    write(built, {"net.c": b"new"})
    assert (tmp_path / "ecp5" / "multiply.v").read_text() == "mine"


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
@pytest.mark.parametrize("name", ["other.c", "fresh", "net.c"])
def test_what_is_in_the_way_is_not_overwritten(kind, name, built, tmp_path):
    place = built / name
    place.unlink(missing_ok=True)
    if kind == "file":
        place.write_text("mine")
    elif kind == "folder":
        place.mkdir()
        (place / "notes.txt").write_text("mine")
    else:
        place.symlink_to(tmp_path / "nowhere")
    before = everything(built)
    if (kind, name) in (("file", "net.c"), ("link", "net.c"), ("folder", "fresh")):  # the build's own; a place for more
        write(built, NEW)
        assert (built / "net.c").read_bytes() == b"new"
        return
    with pytest.raises(CompileError, match=name):
        write(built, NEW)
    assert everything(built) == before


def renames(monkeypatch, then):
    """Has the n-th rename do something else."""
    count, rename = [0], Path.rename

    def counted(path, target):
        count[0] += 1
        then(count[0])
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", counted)


@pytest.mark.parametrize("first", [True, False], ids=["a first build", "an older one"])
def test_a_failure_at_any_step_changes_nothing(first, tmp_path):
    for step in range(1, 30):
        out = tmp_path / str(step)
        if not first:
            write(out, OLD, "old")
            (out / "mine.txt").write_text("mine")
        before = everything(tmp_path)

        def fail(count, step=step):
            if count == step:
                raise OSError("the disk is full")

        with pytest.MonkeyPatch.context() as patch:
            renames(patch, fail)
            try:
                write(out, NEW)
            except OSError:
                assert everything(tmp_path) == before
            else:
                break
    assert step > len(NEW)
    assert compiler.folder.files_of(out).keys() == NEW.keys()


@pytest.mark.parametrize("first", [True, False], ids=["a first build", "an older one"])
def test_a_kill_at_any_step_is_recovered_from(first, tmp_path):
    """SIGKILL leaves no time to tidy: whoever comes next finds the old build or the new one, and can replace it."""
    for step in range(1, 30):
        out = tmp_path / str(step)
        if not first:
            write(out, OLD, "old")
            (out / "mine.txt").write_text("mine")
        child = os.fork()
        if not child:
            try:
                with pytest.MonkeyPatch.context() as patch:
                    renames(patch, lambda count, step=step: os._exit(9) if count == step else None)
                    write(out, NEW)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        folders.recover(out)
        if first and os.waitstatus_to_exitcode(status):
            assert not contents(out)
        else:
            files = NEW if not os.waitstatus_to_exitcode(status) else OLD
            found = {name: data for name, data in contents(out).items() if not name.startswith(folders.WORK)}
            assert {name: found[name] for name in folders.files_of(out)} == files
            assert found.keys() - files.keys() == ({"report.json"} if first else {"report.json", "mine.txt"})
        folders.check_replaceable(out)
        write(out, {"net.c": b"newest"})
        assert contents(out).keys() == ({"net.c", "report.json"} | (set() if first else {"mine.txt"}))
        assert {path.name for path in out.iterdir() if path.is_dir()} == set()
        if not os.waitstatus_to_exitcode(status):
            break
    assert step > len(NEW)


def test_two_compilers_do_not_write_one_folder(built):
    before = everything(built)
    descriptor = os.open(built, os.O_RDONLY)
    assert outputs.lock(descriptor)
    with pytest.raises(CompileError, match="another run"):
        write(built, NEW)
    os.close(descriptor)
    assert everything(built) == before
    write(built, NEW)


@pytest.fixture(scope="module")
def build(files, tmp_path_factory):
    return compiler.compile(files["quantized.h5"], "mcu", out=tmp_path_factory.mktemp("build") / "b", numbers="fixed")


def test_any_changed_file_is_named_and_not_run(build, tmp_path):
    x = np.zeros((3, 3))
    for name in build.report["files"]:
        copy = Path(shutil.copytree(build.folder, tmp_path / "copy", dirs_exist_ok=True))
        with (copy / name).open("ab") as file:
            file.write(b" ")
        with pytest.raises(CompileError, match=f"{name} is not what the compiler wrote"):
            compiler.Build.open(copy).run(x, on="host")
        (copy / name).unlink()
        with pytest.raises(CompileError, match=name):
            compiler.Build.open(copy, trust_changes=True).run(x, on="host")


def test_what_lies_beside_takes_no_part(build, tmp_path):
    """Neither a source nor a header, though the compiler would look there first."""
    copy = Path(shutil.copytree(build.folder, tmp_path / "copy"))
    for name in ("spy.c", "stdint.h", "string.h", "nn_extra.h"):
        (copy / name).write_text("#error found\n")
    x = np.linspace(-1, 1, 9).reshape(3, 3)
    for trust in (False, True):
        opened = compiler.Build.open(copy, trust_changes=trust)
        assert np.array_equal(opened.run(x, on="host"), build.run(x))


def test_reports_hold_the_hash_of_every_file(build):
    from hashlib import sha256

    found = contents(build.folder)
    del found["report.json"]
    assert build.report["files"] == {name: sha256(data).hexdigest() for name, data in sorted(found.items())}
