"""The folder of a build: which files in it are the build's own, and how they are replaced, whole or not at all.

report.json lists the files of a build with their SHA-256. Those and no others belong to it: what else lies in the
folder is the user's, is never touched, and never takes part when the build runs.

A build is first written whole into a folder within its own, `.keras-silicon-<random>/new`; then the old files go to
`old` beside it, report.json first, and the new ones come in, report.json last. So wherever there is a report, the
files around it are complete, and from wherever the exchange stops the old build can be put back.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from compiler import outputs, signals
from compiler.contract import Contents
from compiler.errors import CompileError

REPORT = "report.json"
WORK = ".keras-silicon-"
LARGEST_REPORT, LARGEST_FILE = 64 << 20, 1 << 32  # bytes
_OWN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_HASH = re.compile(r"[0-9a-f]{64}")
_WORK = re.compile(re.escape(WORK) + r"[a-z0-9_]{8}")


def files_of(folder: Path) -> dict[str, str]:
    """The files that a build lists as its own: path within the folder -> SHA-256; report.json is not among them.

    Raises:
        CompileError: There is no report, or it is not one of ours, or one of an older version without a list.
    """
    return listed(read_report(folder), folder)


def read_report(folder: Path) -> dict[str, Any]:
    """report.json, unchecked but for being an object.

    Raises:
        CompileError: The folder holds none that can be read.
    """
    where = outputs.short(folder)
    try:
        report = json.loads(_contents(folder / REPORT, LARGEST_REPORT))
    except FileNotFoundError:
        what = "no build: it holds no report.json" if folder.is_dir() else "no build: there is no such folder"
        raise CompileError(what, file=where, hint="`python -m compiler` makes one.") from None
    except OSError as error:
        raise CompileError(f"no build: {error.strerror}", file=where, hint="`python -m compiler` makes one.") from None
    except (ValueError, RecursionError) as error:
        raise damaged(folder, f"report.json cannot be read ({error})") from None
    if not isinstance(report, dict):
        raise damaged(folder, "report.json is not that of a build")
    return report


def _contents(path: Path, most: int) -> bytes:
    """All of a file, and never more than `most` bytes.

    Raises:
        ValueError: It is a pipe, which may never say anything, or a device, or longer than a build's files are.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:  # noqa: PTH123 -- the path is open already, and may be another file by now
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("is not an ordinary file")
        if status.st_size > most:
            raise ValueError(f"has {status.st_size:,} bytes; the most that is read is {most:,}")
        return file.read(status.st_size)


def damaged(folder: Path, what: str) -> CompileError:
    """The error for a build that is not as it was written."""
    return CompileError(f"a damaged build: {what}", file=outputs.short(folder), hint="Compile the model again.")


def listed(report: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """The files that a report lists, each a plain path within the folder.

    Raises:
        CompileError: It lists none, or what could not be a file of a build.
    """
    files = report.get("files")
    if files is None and {"compiler_version", "model_sha256", "target"} <= report.keys():
        raise CompileError(
            "was written by an older version of the compiler: its report.json does not list its files",
            file=outputs.short(folder),
            hint="Compile the model again, into another folder or after you have deleted this one.",
        )
    if not isinstance(files, dict) or not files:
        raise damaged(folder, "report.json lists no files")
    for name, digest in files.items():
        if (
            not _OWN_NAME.fullmatch(name)
            or name == REPORT
            or not isinstance(digest, str)
            or not _HASH.fullmatch(digest)
        ):
            raise damaged(folder, f"report.json lists {json.dumps(name[:80])}, which is no file of a build")
    return files


def read(folder: Path, files: Mapping[str, str], name: str, *, trust_changes: bool = False) -> bytes:
    """The contents of one of a build's files.

    Raises:
        CompileError: It is missing, or is not what the compiler wrote and its changes are not trusted.
    """
    if name not in files:
        raise damaged(folder, f"report.json does not list {name}")
    try:
        data = _contents(folder / name, LARGEST_FILE)
    except OSError as error:
        raise damaged(folder, f"{outputs.short(name)}: {error.strerror}") from None
    except ValueError as error:
        raise damaged(folder, f"{name} {error}") from None
    if not trust_changes and hashlib.sha256(data).hexdigest() != files[name]:
        raise CompileError(
            f"{name} is not what the compiler wrote: somebody or something has changed it",
            file=outputs.short(folder),
            hint="Compile the model again, or say --trust-changes if the change is your own.",
        )
    return data


@contextlib.contextmanager
def copied(folder: Path, files: Mapping[str, str], *, trust_changes: bool = False) -> Iterator[Path]:
    """A temporary folder with the files of a build and nothing else, each as it was written.

    It is what compilers and simulators are given: other files beside the build's cannot get in between, and a folder
    may be called anything.

    Raises:
        CompileError: A file is missing, or was changed and its changes are not trusted.
    """
    with tempfile.TemporaryDirectory(prefix="keras-silicon-") as temporary:
        for name in sorted(files):
            place = Path(temporary) / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(read(folder, files, name, trust_changes=trust_changes))
        yield Path(temporary)


def check_replaceable(folder: Path) -> None:
    """Refuses a place where a build must not be written.

    Raises:
        CompileError: It is a file, or a folder that holds something other than a build of ours.
    """
    outputs.check_path(folder)
    recover(folder)
    _check(folder)


def _check(folder: Path) -> None:
    where = outputs.short(folder)
    try:
        names = {path.name for path in folder.iterdir()} if folder.exists() else set()
    except OSError as error:
        raise CompileError(f"cannot be written to: {error.strerror}", file=where, hint="Give another --out.") from None
    if REPORT in names:
        try:
            files_of(folder)
        except CompileError as error:
            # Not even advice to delete it: it may be anybody's.
            raise CompileError(
                f"is not replaced, because its report.json may be somebody else's: {error.what}",
                file=where,
                hint="Give another --out.",
            ) from None
    elif names and names - {work.name for work in _works(folder)}:
        raise CompileError(
            "is not empty and holds no build, so it is not replaced", file=where, hint="Give another --out."
        )


def write(folder: Path, parts: Iterable[dict[str, Contents]], report: dict[str, Any]) -> None:
    """Writes a build into a folder, in place of the one that is there.

    Args:
        folder: A symbolic link is followed; what else is in it stays.
        parts: Files by name, each let go as soon as it is written.
        report: Gets the list of files, and is written last.

    Raises:
        CompileError: The folder holds something else, or a file that the build would overwrite and that is not of the
            build there, or another compiler is writing it. Nothing is changed then.
    """
    folder = Path(os.path.realpath(folder))
    made = outputs.make_folder(folder)
    try:
        with _taken(folder):
            _settle(folder)
            _check(folder)
            old = files_of(folder) if (folder / REPORT).exists() else {}
            _write(folder, old, parts, report)
    except BaseException:
        with signals.deferred_signals():
            outputs.remove_empty(made)
        raise


def update_report(folder: Path, report: Mapping[str, Any]) -> None:
    """Writes report.json anew."""
    with outputs.replacing(folder / REPORT) as file:
        file.write(_json(report))


def recover(folder: Path) -> None:
    """Puts a build back that was being replaced when the compiler was killed.

    Raises:
        CompileError: Another compiler is at it.
    """
    with contextlib.suppress(OSError):
        if not (folder / REPORT).exists() and _works(folder):
            with _taken(folder):
                _settle(folder)


def _works(folder: Path) -> list[Path]:
    """The folders of work of compilers that write, or were killed as they wrote."""
    found = [
        path for path in folder.iterdir() if _WORK.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
    ]
    return [path for path in found if {inner.name for inner in path.iterdir()} <= {"new", "old"}]


def _settle(folder: Path) -> None:
    for work in _works(folder):
        _undo(folder, work)


@contextlib.contextmanager
def _taken(folder: Path) -> Iterator[None]:
    """The folder for oneself."""
    if os.name == "nt":  # folders cannot be opened there, let alone locked
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if not outputs.lock(descriptor):
            raise CompileError(
                "is being written by another run of the compiler",
                file=outputs.short(folder),
                hint="Wait until that is done, or give another --out.",
            )
        yield
    finally:
        os.close(descriptor)


def _write(folder: Path, old: Mapping[str, str], parts: Iterable[dict[str, Contents]], report: dict[str, Any]) -> None:
    work = None
    try:
        work = Path(tempfile.mkdtemp(prefix=WORK, dir=folder))
        new = work / "new"
        report["files"] = {}
        for files in parts:
            report["files"] |= _write_files(new, files)
        report["files"] = dict(sorted(report["files"].items()))
        _write_files(new, {REPORT: _json(report)})
        for name in report["files"]:
            _check_free(folder, name, old)
        goes = [name for name, digest in old.items() if name in report["files"] or _unchanged(folder / name, digest)]
        with signals.deferred_signals():
            _exchange(folder, work, goes, list(report["files"]))
    finally:
        with signals.deferred_signals():
            if work:
                _undo(folder, work)


def _unchanged(place: Path, digest: str) -> bool:
    """Whether a listed file is still what the compiler wrote; what only has its name is the user's."""
    try:
        return hashlib.sha256(place.read_bytes()).hexdigest() == digest
    except OSError:  # it is gone, or may not be read
        return False


def _write_files(folder: Path, files: dict[str, Contents]) -> dict[str, str]:
    """Writes files, each of which is let go as soon as it is written. Returns their SHA-256."""
    hashes = {}
    for name in sorted(files):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        contents = files.pop(name)
        digest = hashlib.sha256()
        with (folder / name).open("wb") as file:
            for piece in [contents] if isinstance(contents, bytes) else contents:
                digest.update(piece)
                file.write(piece)
        hashes[name] = digest.hexdigest()
    return hashes


def _check_free(folder: Path, name: str, old: Mapping[str, str]) -> None:
    """Refuses to overwrite what is not of the build there, or to write through a link into another folder."""
    place = folder / name
    parents = [folder / parent for parent in PurePosixPath(name).parents][:-1]
    if any(parent.is_symlink() or (parent.exists() and not parent.is_dir()) for parent in parents):
        problem = f"has something of its own where the build needs the folder {PurePosixPath(name).parent}"
    elif os.path.lexists(place) and (name not in old or (place.is_dir() and not place.is_symlink())):
        problem = f"holds {name}, which is not of the build there and would be overwritten"
    else:
        return
    raise CompileError(problem, file=outputs.short(folder), hint="Move it away, or give another --out or --name.")


def _exchange(folder: Path, work: Path, old: Iterable[str], new: Iterable[str]) -> None:
    for name in [REPORT, *old]:
        if _is_file(folder, name):
            _move(folder, work / "old", name)
    for name in [*new, REPORT]:
        _move(work / "new", folder, name)
    _prune(folder, old)


def _undo(folder: Path, work: Path) -> None:
    """Puts the old build back, unless the new one is complete; then removes the folder of the work."""
    new, old = work / "new", work / "old"
    if (new / REPORT).is_file() and not (folder / REPORT).exists():
        names = list(files_of(new))
        for name in names:
            if not (new / name).exists() and _is_file(folder, name):
                (folder / name).unlink()
        _prune(folder, names)
        if (old / REPORT).is_file():
            for name in [*files_of(old), REPORT]:
                if _is_file(old, name):
                    _move(old, folder, name)
    shutil.rmtree(work, ignore_errors=True)


def _is_file(folder: Path, name: str) -> bool:
    """Whether a listed file is there as one; a folder in its place, or one behind a link, is somebody else's."""
    place = folder / name
    linked = any((folder / parent).is_symlink() for parent in PurePosixPath(name).parents if parent.name)
    return not linked and os.path.lexists(place) and (place.is_symlink() or not place.is_dir())


def _move(source: Path, target: Path, name: str) -> None:
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    (source / name).rename(target / name)


def _prune(folder: Path, names: Iterable[str]) -> None:
    """Removes the folders that these files stood in, where they are empty now."""
    parents = {parent for name in names for parent in PurePosixPath(name).parents if parent.name}
    for parent in sorted(parents, key=lambda parent: len(parent.parts), reverse=True):
        outputs.remove_empty([folder / parent])


def _json(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, indent=2) + "\n").encode()
