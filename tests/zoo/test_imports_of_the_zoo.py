"""The imports of the zoo run one way, and its files and tests lie where their names say."""

from pathlib import Path

import pytest
from import_rules import circles_of_files, circles_of_folders, forbidden, read_imports

ZOO = Path(__file__).parents[2] / "zoo"
SYSTEMS = ("calibration", "ensembles", "metric_learning", "ood", "wavenet")
STANDS_ON = {"calibration": {"ood"}, "ensembles": {"metric_learning"}}
"""The systems that need what another is for; all others stand alone."""


@pytest.fixture(scope="module")
def imports():
    return read_imports(ZOO)


def test_no_imports_go_round(imports):
    assert len(imports) > 100
    assert circles_of_files(imports) == []
    assert circles_of_folders(imports) == []


def test_what_systems_share_stands_below_them_and_systems_stand_alone(imports):
    shared = [f"zoo.{path.stem}" for path in ZOO.glob("*.py") if path.stem not in ("__main__", "registered")]
    rules = {one: [f"zoo.{system}" for system in SYSTEMS] for one in [*shared, "zoo.runs"]}
    for system in SYSTEMS:
        others = {*SYSTEMS} - {system} - STANDS_ON.get(system, set())
        rules[f"zoo.{system}"] = [f"zoo.{other}" for other in others]
    assert forbidden(imports, rules) == []


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_has_the_same_rooms(system):
    for room in ("__init__", "command", "experiment", "recipe", "picture"):
        assert (ZOO / system / f"{room}.py").is_file(), f"zoo/{system} has no {room}.py"


def test_every_test_is_named_after_the_module_that_it_tests():
    modules = {"_".join(path.relative_to(ZOO).with_suffix("").parts).strip("_") for path in ZOO.rglob("*.py")}
    modules |= {name.removesuffix("___init") for name in modules}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        words = path.stem.removeprefix("test_").split("_")
        starts = {"_".join(words[:count]) for count in range(1, len(words) + 1)}
        assert starts & modules or path == Path(__file__), f"{path.name} is named after no module of zoo/"


@pytest.mark.parametrize(
    ("files", "of_files", "of_folders"),
    [
        ({"a.py": "from p import b", "b.py": "x = 1"}, 0, 0),
        ({"a.py": "from p import b", "b.py": "def f():\n    import p.a"}, 1, 1),
        (
            {
                "a.py": "import p.b",
                "b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.a import X",
            },
            1,
            1,
        ),
        ({"__init__.py": "from p.a import X", "a.py": "from p import Y"}, 1, 1),
        ({"__init__.py": "from p.a import X", "a.py": "from p import b", "b.py": ""}, 0, 0),
        ({"q/a.py": "from p.r import b", "r/b.py": "", "r/c.py": "from p.q.d import X", "q/d.py": ""}, 0, 1),
        ({"q/a.py": "from . import b", "q/b.py": "from .a import X"}, 1, 1),
    ],
)
def test_circles_are_found(files, of_files, of_folders, tmp_path):
    for name, text in files.items():
        path = tmp_path / "p" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = read_imports(tmp_path / "p")
    assert (len(circles_of_files(found)), len(circles_of_folders(found))) == (of_files, of_folders)
