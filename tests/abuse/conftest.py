"""Models and builds to be maltreated: made once, copied by whoever changes them."""

import shutil
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE)]


@pytest.fixture(scope="session")
def builds(tmp_path_factory, files):
    """Folders of finished builds by kind."""
    import compiler

    folder = tmp_path_factory.mktemp("builds")
    kinds = {
        "float": ("float.h5", "mcu", {}),
        "fixed": ("quantized.h5", "mcu", {"numbers": "fixed"}),
        "fpga": ("quantized.h5", "fpga", {}),
    }
    return {
        kind: compiler.compile(files[file], target, out=folder / kind, **options).folder
        for kind, (file, target, options) in kinds.items()
    }


@pytest.fixture
def commands(tmp_path):
    """The commands, run in a folder of the test's own."""
    from abuse_tools import Commands

    runner = Commands(tmp_path)
    yield runner
    runner.stop()


@pytest.fixture
def copied(builds, tmp_path):
    """A copy of a build that may be damaged."""

    def copy(kind, name="build"):
        return Path(shutil.copytree(builds[kind], tmp_path / name))

    return copy
