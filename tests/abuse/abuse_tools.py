"""Commands in a process of their own, and what may become of them: success, a failed check, or one clear message."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

SERVER = Path(__file__).with_name("command_server.py")
ROOT = SERVER.parents[2]
GIGABYTE = 1 << 30
# How much of the abuse: 1 in `make test`, more where it is asked for.
TIMES = int(os.environ.get("ABUSE", "1"))
# Insides that no message may show.
MARKS = re.compile(
    r"Traceback|object at 0x|Value\(|Format\(|State\(|Graph\(|array\(|dtype\(|<class|"
    r"\bNoneType\b|\bKeyError\b|Errno -|np\.\w+\("
)


@dataclass
class Result:
    """How a command ended. Its code is None where it had to be stopped."""

    command: list[str]
    code: int | None
    stdout: str
    stderr: str
    seconds: float

    @property
    def problem(self) -> str:
        """What is not as it should be, or nothing."""
        if self.code is None:
            return f"still running after {self.seconds:.0f} s"
        if self.code not in (0, 1, 2):
            return f"exit code {self.code}"
        if marks := MARKS.findall(self.stderr):
            return f"the message shows {marks}"
        if self.code == 2 and not re.match(r"(note: .*\n)*(usage:|error: |[\w. -]+: error: )", self.stderr):
            return "exit code 2 without a message"
        if self.code == 2 and len(self.stderr) > 4000:
            return f"a message of {len(self.stderr)} characters"
        return ""

    def __str__(self) -> str:
        return f"{' '.join(self.command)[:300]}\n    {self.code}: {self.problem or 'fine'}\n    {self.stderr[-800:]}"


@dataclass
class Commands:
    """A warm process that runs one command after another, each in a fork with bounds of its own."""

    folder: Path
    seen: list[Result] = field(default_factory=list)

    def __post_init__(self) -> None:
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}
        environment.pop("KERAS_SILICON_DEBUG", None)
        self.process = subprocess.Popen(
            [sys.executable, SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def run(
        self,
        module: str,
        *arguments: object,
        environment: dict[str, str] | None = None,
        without: tuple[str, ...] = (),
        seconds: float = 30,
        bytes: int = GIGABYTE,
        largest_file: int | None = None,
    ) -> Result:
        """One command: compiler, compiler.run, compiler.verify or compiler.inspect, with its arguments."""
        task = {
            "module": "compiler.__main__" if module == "compiler" else module,
            "arguments": list(map(str, arguments)),
            "folder": str(self.folder),
            "environment": environment or {},
            "without": list(without),
            "seconds": seconds,
            "bytes": bytes,
            "largest_file": largest_file,
        }
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        result = Result([module, *task["arguments"]], **json.loads(self.process.stdout.readline()))
        self.seen.append(result)
        return result

    def stop(self) -> None:
        """Ends the process."""
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()


def demand(results: list[Result], *, refused: float = 0.0) -> None:
    """Each ended as it may; and at least a share of them in a refusal, so that the abuse was some."""
    bad = [str(result) for result in results if result.problem]
    assert not bad, f"{len(bad)} of {len(results)}:\n" + "\n".join(bad[:12])
    assert sum(result.code == 2 for result in results) >= refused * len(results)
