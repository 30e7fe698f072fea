"""Runs commands of the compiler in forks of one warm process, so that none has to wait for its imports.

Reads one JSON object a line from stdin and answers each with one: see `abuse_tools.Commands.run`.
"""

import json
import os
import resource
import runpy
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

import compiler.__main__
import compiler.inspect
import compiler.keras_file
import compiler.lowering
import compiler.mcu.target
import compiler.passes
import compiler.run
import compiler.verify  # noqa: F401 -- all of them so that a fork finds them imported


def play(task: dict, out: int, err: int) -> None:
    """The child: becomes the command, and never comes back."""
    os.setsid()
    os.chdir(task["folder"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.environ.update(task["environment"])
    for name in task["without"]:
        os.environ.pop(name, None)
    have = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (have + task["bytes"],) * 2)
    if task["largest_file"] is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (task["largest_file"],) * 2)
    encoding = task["environment"].get("PYTHONIOENCODING", "utf-8")
    sys.stdout = open(1, "w", encoding=encoding, errors="strict", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding=encoding, errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.argv = [task["module"], *task["arguments"]]
    code = 0
    try:
        sys.modules.pop(task["module"], None)
        runpy.run_module(task["module"], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
        code = 99
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = code or 120
    os._exit(code)


def serve(task: dict) -> dict:
    """Forks, waits, kills what takes too long, and tells how it ended."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.monotonic()
        child = os.fork()
        if not child:
            play(task, out.fileno(), err.fileno())
        ended, status = 0, 0
        while not ended and time.monotonic() - begin < task["seconds"]:
            ended, status = os.waitpid(child, os.WNOHANG)
            time.sleep(0 if ended else 0.002)
        if not ended:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
        code = os.waitstatus_to_exitcode(status) if ended else None
        return {"code": code, "stdout": texts[0], "stderr": texts[1], "seconds": time.monotonic() - begin}


for line in sys.stdin:
    print(json.dumps(serve(json.loads(line))), flush=True)
