"""The compiler is built in floors: imports run down, never up and never round, under TYPE_CHECKING too."""

from pathlib import Path

import pytest
from import_rules import circles_of_files, circles_of_folders, foreign_imports, read_imports

ROOT = Path(__file__).resolve().parents[2]
COMPILER = ROOT / "compiler"

# What the packages may know of each other: hardware is simulated, and all else goes by way of files.
NEIGHBOURS = {"compiler": {"compiler.fpga.target imports sim"}, "sim": set(), "zoo": set()}

# From the ground up. What stands on one floor knows what stands below it, and nothing beside it.
FLOORS = (
    ("boards", "errors", "names", "progress", "resources", "signals", "version"),
    ("npy", "outputs"),
    ("ir",),
    ("keras_file", "options", "streams", "wav"),
    ("contract", "lowering", "passes", "samples"),
    ("calibration", "folder", "fpga", "mcu", "saturation"),
    ("accuracy", "targets"),
    ("narrowing",),
    ("manifest", "pipeline"),
    ("build",),
    ("verification",),
    ("tables",),
    ("cli",),
    ("__init__",),
    ("inspect", "ranges", "run", "verify"),
    ("__main__", "command"),
)
IR = (
    ("__init__", "functions", "limits", "numerics"),
    ("values",),
    ("operation",),
    ("grids", "movement", "pointwise", "reductions"),
    ("ops",),
    ("graph",),
    ("accumulators", "interpreter"),
    ("verifier",),
    ("store",),
)
MCU = (
    ("__init__", "cmsis", "places", "strides"),
    ("steps",),
    ("literals", "moving", "packing", "schedule"),
    ("text",),
    ("assembly",),
    ("calls", "float_steps", "interpreter", "memory", "runtime"),
    ("emit", "header", "scheduling", "tables"),
    ("fixed_scheduler", "float_scheduler", "sources"),
    ("scheduler",),
    ("runner",),
    ("target",),
)
PLACES = [("compiler", FLOORS), ("compiler.ir", IR), ("compiler.mcu", MCU)]


@pytest.fixture(scope="module")
def imports():
    return read_imports(COMPILER)


def upward(imports, place, floors):
    """What does not run down from floor to floor, among the files and folders of one folder; and what has no floor."""
    floor = {name: number for number, names in enumerate(floors) for name in names}
    found = []
    for name, targets in sorted(imports.items()):
        if not name.startswith(f"{place}."):
            continue
        own = name.removeprefix(f"{place}.").split(".")[0]
        if own not in floor:
            found.append(f"{place}.{own} has no floor")
            continue
        for target in sorted(targets):
            other = target.removeprefix(f"{place}.").split(".")[0]
            if target.startswith(f"{place}.") and other != own and floor.get(other, len(floors)) >= floor[own]:
                found.append(f"{name} imports {target}")
    return found


@pytest.mark.parametrize("place,floors", PLACES)
def test_imports_run_down(imports, place, floors):
    assert upward(imports, place, floors) == []


@pytest.mark.parametrize("place,floors", PLACES)
def test_every_name_on_a_floor_is_there(imports, place, floors):
    there = {name.removeprefix(f"{place}.").split(".")[0] for name in imports if name.startswith(f"{place}.")}
    assert {name for names in floors for name in names} <= there


@pytest.mark.parametrize("circles", [circles_of_files, circles_of_folders])
def test_no_imports_go_round(imports, circles):
    assert circles(imports) == []


@pytest.mark.parametrize("package", NEIGHBOURS)
def test_packages_share_nothing_but_files(package):
    assert foreign_imports(ROOT / package, NEIGHBOURS) == NEIGHBOURS[package]


def test_an_import_of_another_package_is_found(tmp_path):
    (tmp_path / "zoo").mkdir()
    (tmp_path / "zoo" / "a.py").write_text("import numpy, compiler.build\n")
    (tmp_path / "zoo" / "b.py").write_text("def f():\n    from sim import network\n    from .compiler import x\n")
    assert foreign_imports(tmp_path / "zoo", NEIGHBOURS) == {"zoo.a imports compiler", "zoo.b imports sim"}


def test_an_import_that_runs_up_is_found():
    imports = {
        "compiler.errors": {"compiler.build"},
        "compiler.build": {"compiler.ir.graph"},
        "compiler.ir.graph": set(),
    }
    assert upward(imports, "compiler", FLOORS) == ["compiler.errors imports compiler.build"]
    imports = {"compiler.lowering": {"compiler.passes"}, "compiler.passes": set(), "compiler.attic": set()}
    assert upward(imports, "compiler", FLOORS) == [
        "compiler.attic has no floor",
        "compiler.lowering imports compiler.passes",
    ]
