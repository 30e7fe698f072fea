"""Builds a bench with Icarus Verilog and runs it under cocotb: the one place that knows how.

A bench is a module `bench_<top>.py` in this folder. It finds its configuration in `configuration()`, which is what
`simulate` was given, so that the checks know the parameters of the hardware that they look at.
"""

import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

SIM = Path(__file__).resolve().parent
RTL = SIM.parent / "rtl"
LOG_LINES = 40


class SimulationError(RuntimeError):
    """The simulation did not run to its end: it did not compile, or it crashed."""


class MissingToolError(SimulationError):
    """The simulator is not installed."""

    def __init__(self, tool: str) -> None:
        super().__init__(f"{tool} is not installed")


class BenchError(AssertionError):
    """A check of a bench failed."""


def rtl_files() -> list[Path]:
    """All portable modules of the library."""
    return sorted(RTL.glob("*.v"))


def configuration() -> dict[str, Any]:
    """Inside a bench: the configuration it was started with."""
    return json.loads(os.environ["BENCH_CONFIGURATION"])


@contextlib.contextmanager
def workspace(name: str) -> Iterator[Path]:
    """A new temporary folder; KEEP_SIMULATIONS=1 in the environment leaves it for a closer look."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    try:
        yield folder
    finally:
        if not os.environ.get("KEEP_SIMULATIONS"):
            shutil.rmtree(folder, ignore_errors=True)


def simulate(
    top: str,
    parameters: Mapping[str, int | str] | None = None,
    *,
    bench: str | None = None,
    files: Mapping[str, Sequence[str]] | None = None,
    sources: Sequence[Path] | None = None,
    extra: Mapping[str, Any] | None = None,
    seed: int = 1,
    build_args: Sequence[str] = (),
    folder: Path | None = None,
) -> None:
    """Compile `top` with `parameters` and run all tests of its bench.

    Args:
        top: Verilog module at the top.
        parameters: Its parameters, integers or strings.
        bench: Python module of this folder with the tests; `bench_<top>` by default.
        files: Memory files, name to lines: written to where the simulation runs.
        sources: Verilog files; the whole library by default.
        extra: More entries for `configuration()` beside the parameters.
        seed: Seed of Python's `random` in the bench.
        build_args: More arguments for Icarus Verilog.
        folder: Where to build; by default a new folder, gone afterwards.

    Raises:
        BenchError: a test failed; the message ends with the last lines of the log.
        SimulationError: there is no result at all.
    """
    bench, parameters = bench or f"bench_{top}", dict(parameters or {})
    with workspace(bench) if folder is None else contextlib.nullcontext(folder) as where:
        for name, lines in (files or {}).items():
            (where / name).write_text("\n".join(lines) + "\n")
        checked = {**parameters, **(extra or {})}
        _run(where, top, bench, parameters, sources or rtl_files(), checked, seed, build_args)


def _run(
    folder: Path,
    top: str,
    bench: str,
    parameters: Mapping[str, int | str],
    sources: Sequence[Path],
    checked: Mapping[str, Any],
    seed: int,
    build_args: Sequence[str],
) -> None:
    # Imported here: a compiler that only asks for names from this module needs no simulator.
    from cocotb_tools.check_results import get_results
    from cocotb_tools.runner import Icarus

    environment = {
        "BENCH_CONFIGURATION": json.dumps(checked),
        "COCOTB_LOG_LEVEL": "WARNING",
        # Plain assertions: messages say enough, and rewriting them imports pytest into every simulation.
        "COCOTB_REWRITE_ASSERTION_FILES": "",
    }
    log = folder / "simulation.log"
    results = folder / "results.xml"
    try:
        with _imports_from(SIM.parent), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            runner = Icarus()
            runner.log.disabled = True
            runner.build(
                sources=list(sources),
                hdl_toplevel=top,
                parameters={key: _literal(value) for key, value in parameters.items()},
                build_args=["-Wall", "-Wno-timescale", *build_args],
                build_dir=folder,
                timescale=("1ns", "1ps"),
                log_file=folder / "build.log",
                always=True,
            )
            runner.test(
                test_module=f"sim.{bench}",
                hdl_toplevel=top,
                seed=seed,
                extra_env=environment,
                build_dir=folder,
                results_xml=str(results),
                log_file=log,
            )
    except (SystemExit, RuntimeError) as error:
        # Under pytest the runner leaves this way after failed tests too; then there are results.
        if not results.exists():
            raise SimulationError(f"{bench} did not run: {error}\n{_tail(folder)}") from None
    tests, failures = get_results(results)
    if failures or not tests:
        raise BenchError(f"{failures} of {tests} tests of {bench} failed, {parameters}\n{_tail(folder)}")


def _literal(value: int | str) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _tail(folder: Path) -> str:
    lines = [
        line
        for name in ("build.log", "simulation.log")
        if (folder / name).exists()
        for line in (folder / name).read_text(errors="replace").splitlines()
    ]
    return "\n".join(lines[-LOG_LINES:])


@contextlib.contextmanager
def _imports_from(folder: Path):
    """The simulator's Python inherits sys.path: put the folder that holds this package at its front."""
    before = list(sys.path)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path[:] = before
