"""What a training depends on besides its configurations: code, packages, processor, settings."""

import importlib.metadata
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SETTINGS = (
    *("TF_ENABLE_", "TF_DISABLE_", "TF_USE_", "TF_NUM_", "TF_XLA_", "TF_GPU_", "TF_CUDNN_", "TF_DETERMINISTIC_"),
    *("KERAS_", "XLA_", "OMP_", "MKL_", "CUDA_VISIBLE_", "NVIDIA_TF32_", "PYTHONHASHSEED", "ZOO_DATA"),
)
"""Beginnings of the names of environment variables that can change a result. No other is looked at: there are secrets
among them, and some of those begin with TF_ as well.
"""

LONGEST_DIFF, MOST_NAMES = 64 * 2**20, 1000


def environment() -> dict[str, Any]:
    """Python, packages, processor, threads and settings, as JSON types."""
    import tensorflow as tf

    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": {
            "intra_op": tf.config.threading.get_intra_op_parallelism_threads(),
            "inter_op": tf.config.threading.get_inter_op_parallelism_threads(),
        },
        "devices": [device.device_type for device in tf.config.get_visible_devices()],
        "settings": {name: value for name, value in sorted(os.environ.items()) if name.startswith(SETTINGS)},
        "packages": dict(
            sorted({one.metadata["Name"]: one.version for one in importlib.metadata.distributions()}.items())
        ),
    }


def git(place: Path) -> tuple[dict[str, Any], bytes]:
    """The commit a folder stands at and what differs from it.

    Returns:
        `commit`, `branch` (None when HEAD is detached), `changed` and `untracked` files, or `missing`, which says why
        there is nothing to tell; and the difference as `git apply` takes it, with the content of binary files.
    """

    def ask(*words: str) -> bytes:
        command = ["git", "-C", str(place), *words]
        quiet = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}  # look, and leave no trace
        return subprocess.run(command, capture_output=True, check=True, env=quiet, stdin=subprocess.DEVNULL).stdout

    def names(*words: str) -> list[str]:
        return [os.fsdecode(name).encode(errors="replace").decode() for name in ask(*words, "-z").split(b"\0") if name]

    try:
        top = ask("rev-parse", "--show-toplevel").decode().rstrip("\n")
        commit = ask("rev-parse", "HEAD").decode().strip()
        try:
            branch = ask("symbolic-ref", "--quiet", "--short", "HEAD").decode().strip()
        except subprocess.CalledProcessError:
            branch = None
        place = Path(top)  # from here on the whole repository, not the folder
        state = {
            "commit": commit,
            "branch": branch,
            "changed": names("diff", "--name-only", "HEAD"),
            "untracked": names("ls-files", "--others", "--exclude-standard")[:MOST_NAMES],
        }
        diff = ask("diff", "--binary", "--no-color", "--no-ext-diff", "--no-textconv", "HEAD")
    except FileNotFoundError:
        return {"missing": "git is not installed"}, b""
    except subprocess.CalledProcessError as error:
        return {"missing": error.stderr.decode(errors="replace").strip()}, b""
    if len(diff) > LONGEST_DIFF:
        return {**state, "diff": f"{len(diff)} bytes, which was too long to keep"}, b""
    return state, diff


def _processor() -> str:
    """The processor's own name where the system tells it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
