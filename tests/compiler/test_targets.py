"""The table of targets, and that nothing beside it says otherwise."""

import pytest

from compiler.errors import CompileError
from compiler.options import TARGETS as NAMES
from compiler.options import Options
from compiler.targets import RUNS_ON, TARGETS


def test_options_know_the_targets_and_what_they_compute_in():
    assert tuple(TARGETS) == NAMES
    for name, target in TARGETS.items():
        assert target.name == name
        assert Options(name).fixed == (next(iter(target.modes)) == "fixed")
        for numbers in ("float", "fixed"):
            if numbers in target.modes:
                assert Options(name, numbers).fixed == (numbers == "fixed")
            else:
                with pytest.raises(CompileError):
                    Options(name, numbers)
    assert RUNS_ON[0] == "reference"
