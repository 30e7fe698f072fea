"""What the commands share: exit codes, errors without a traceback, samples from files."""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from compiler import tables
from compiler.build import Build
from compiler.errors import CheckError, CompileError
from compiler.names import Namer
from compiler.verification import verify

DONE, CHECK_FAILED, BAD_INPUT = 0, 1, 2


class Help(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    """Keeps the examples as they are written, and shows defaults."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        silent = action.default in (None, False) or "default" in (action.help or "")
        return action.help if silent else super()._get_help_string(action)


def main(command: Callable[[], int]) -> None:
    """Runs a command and exits: 0 done, 1 a check failed, 2 bad input or a full disk; one message, no traceback."""
    try:
        sys.exit(command())
    except CheckError as error:
        print(f"failed: {error}", file=sys.stderr)
        sys.exit(CHECK_FAILED)
    except CompileError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except BrokenPipeError:
        sys.exit(DONE)
    except OSError as error:  # a full disk, a folder that may not be written
        print(f"error: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        sys.exit(130)


def print_checks(build: Build, samples: int | None = None, seed: int = 0, *, quiet: bool = False) -> int:
    """Verifies a build, printing each check as it ends; the exit code."""
    if not quiet:
        print(tables.check_heading())
    failed = 0
    for check in verify(build, samples=samples, seed=seed):
        failed += not check.passed
        if not quiet or not check.passed:
            print(tables.check_line(check), flush=True)
    return CHECK_FAILED if failed else DONE


def load_inputs(arguments: Sequence[str]) -> list[np.ndarray] | dict[str, np.ndarray]:
    """The arrays that the arguments of --input name: X alone, or NAME=X for each; an .npz may hold several."""
    named = [argument.partition("=") for argument in arguments]
    if all(equals for _, equals, _ in named):
        return {name: load_samples(Path(path)) for name, _, path in named}
    if len(arguments) > 1:
        return [load_samples(Path(argument)) for argument in arguments]
    path = Path(arguments[0])
    if path.suffix == ".npz" and path.is_file():
        try:
            with np.load(path, allow_pickle=False) as archive:
                if len(archive.files) > 1:
                    return {key: archive[key] for key in archive.files}
        except (OSError, ValueError, EOFError) as error:
            raise CompileError(f"cannot be read: {error}", file=str(path)) from None
    return [load_samples(path)]


def save_outputs(path: Path, y: np.ndarray | dict[str, np.ndarray], sample_rate_hz: int) -> None:
    """Writes one output as `save_samples` does, or several into one .npz under their names."""
    if not isinstance(y, dict):
        save_samples(path, y, sample_rate_hz)
    elif path.suffix == ".npz":
        save_arrays(path, y)
    else:
        raise CompileError(f"cannot hold {len(y)} outputs", file=str(path), hint="Write an .npz.")


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes an .npz with an array under each name; a name that leads out of the archive is made an identifier."""
    path.parent.mkdir(parents=True, exist_ok=True)
    namer = Namer(set(arrays))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:  # np.savez has names of its own, as 'file'
        for name, array in arrays.items():
            parts = name.replace("\\", "/").split("/")
            inside = namer(name) if {"", ".", ".."} & set(parts) else name
            with archive.open(f"{inside}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)


def load_samples(path: Path) -> np.ndarray:
    """(samples, channels) or (n, samples, channels) from .npy, .npz with one array, or .wav (full scale = 1)."""
    try:
        match path.suffix:
            case ".npy":
                return np.load(path, allow_pickle=False)
            case ".npz":
                with np.load(path, allow_pickle=False) as archive:
                    if len(archive.files) != 1:
                        raise CompileError(f"holds {len(archive.files)} arrays, not one", file=str(path))
                    return archive[archive.files[0]]
            case ".wav":
                return _load_wav(path)
    except FileNotFoundError:
        raise CompileError("no such file", file=str(path)) from None
    except (OSError, ValueError, EOFError) as error:
        raise CompileError(f"cannot be read: {error}", file=str(path)) from None
    raise CompileError("is neither .npy, .npz nor .wav", file=str(path))


def save_samples(path: Path, y: np.ndarray, sample_rate_hz: int) -> None:
    """Writes what `load_samples` reads; a .wav in 32-bit float, one stream."""
    path.parent.mkdir(parents=True, exist_ok=True)
    match path.suffix:
        case ".npy":
            np.save(path, y)
        case ".npz":
            np.savez(path, y=y)
        case ".wav":
            if y.ndim != 2 or y.dtype.kind != "f":
                raise CompileError("a .wav holds one stream of real numbers", file=str(path), hint="Write a .npy.")
            from scipy.io import wavfile

            wavfile.write(path, sample_rate_hz, y.astype(np.float32))
        case _:
            raise CompileError("is neither .npy, .npz nor .wav", file=str(path))


def _load_wav(path: Path) -> np.ndarray:
    from scipy.io import wavfile

    _, data = wavfile.read(path)
    scale = {"f": 1.0, "i": float(np.iinfo(data.dtype).max) + 1 if data.dtype.kind == "i" else 1.0, "u": 128.0}
    offset = 128.0 if data.dtype == np.uint8 else 0.0
    x = (data.astype(np.float64) - offset) / scale[data.dtype.kind]
    return (x[:, None] if x.ndim == 1 else x).astype(np.float32)
