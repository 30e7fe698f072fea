"""Configurations: one Python file that makes the data, and one that makes the model."""

import ast
import hashlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

PROJECT = ("zoo", "compiler")
"""Packages whose state is kept as a commit and a diff."""

RESERVED = ("seed",)
"""Flags that every configuration is given."""


@dataclass(frozen=True)
class Config:
    """A configuration file that has been executed.

    Attributes:
        path: the file.
        text: its content, which is what a run keeps.
        module: what came out of it.
        flags: its flags and their default values, `FLAGS` in the file.
    """

    path: Path
    text: str
    module: ModuleType
    flags: Mapping[str, Any]

    def load(self, flags: Mapping[str, Any], **given: Any) -> Any:
        """What the file's `load` makes of the flags."""
        return self.module.load(SimpleNamespace(**flags), **given)

    def callbacks(self, flags: Mapping[str, Any]) -> list[Any]:
        """What the file's `callbacks(flags)` gives; none if it has no such function."""
        make = getattr(self.module, "callbacks", None)
        return list(make(SimpleNamespace(**flags))) if make else []

    def baselines(self, data: Any) -> dict[str, dict[str, float]]:
        """What the file's `baselines(data)` gives: values of metrics, by the name of a plain method."""
        measure = getattr(self.module, "baselines", None)
        return measure(data) if measure else {}


def read_config(path: Path | str, role: str) -> Config:
    """Executes a configuration: the user's own code, with all that it is allowed to do.

    Args:
        path: a Python file that defines `load`, and `FLAGS`, a dict of flags and defaults, if it has any.
        role: "data" or "model", for messages.

    Raises:
        ValueError: no such file, not Python, without `load`, with odd flags, or with an import that a run would not
            keep.
    """
    path = Path(path)
    what = f"the {role} configuration {path}"
    if not path.is_file():
        raise ValueError(f"{what} is not there")
    text = path.read_text(encoding="utf-8")
    try:
        code, tree = compile(text, str(path), "exec"), ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"{what} is not Python: {error}") from error
    _check_imports(tree, path, what)
    name = f"zoo_{role}_config_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # where classes defined in the file say that they come from
    try:
        exec(code, vars(module))
    except ModuleNotFoundError as error:
        raise ValueError(f"{what} imports {error.name}, which is not installed") from error
    if not callable(getattr(module, "load", None)):
        raise ValueError(f"{what} defines no function load(flags{', data' if role == 'model' else ''})")
    flags = getattr(module, "FLAGS", {})
    if not isinstance(flags, dict) or not all(isinstance(key, str) and key.isidentifier() for key in flags):
        raise ValueError(f"{what}: FLAGS must be a dict of names and default values")
    reserved = set(RESERVED) & set(flags)
    if reserved:
        raise ValueError(f"{what}: the flag {min(reserved)} is always there and cannot be in FLAGS")
    return Config(path, text, module, flags)


def merge_flags(configs: Sequence[Config], given: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """All flags of both configurations, with the values that were given instead of the defaults.

    Raises:
        ValueError: a flag that neither has, a value of another type than the default, or two defaults for one flag.
    """
    flags: dict[str, Any] = {}
    for config in configs:
        for key, value in config.flags.items():
            if key in flags and flags[key] != value:
                raise ValueError(f"both configurations have the flag {key}, with defaults {flags[key]!r} and {value!r}")
            flags[key] = value
    for key, value in given.items():
        if key not in flags:
            raise ValueError(f"neither configuration has a flag {key}; there are {', '.join(flags) or 'none'}")
        if not _same_kind(value, flags[key]):
            raise ValueError(f"the flag {key} is {value!r}, but should be like its default, {flags[key]!r}")
    return {**flags, **given, "seed": seed}


def _same_kind(value: Any, default: Any) -> bool:
    if default is None or value is None:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    return isinstance(value, int | float if isinstance(default, float) else type(default)) or (
        isinstance(value, list) and isinstance(default, tuple)
    )


def _check_imports(tree: ast.AST, path: Path, what: str) -> None:
    """Refuses to import what is neither installed nor part of this project: a run keeps the configuration alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            raise ValueError(f"{what} imports from its own folder, which a run does not keep: make it one file")
        names = [node.module] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in {str(name).split(".")[0] for name in names}:
            if name in sys.stdlib_module_names or name in PROJECT:
                continue
            beside = path.parent / f"{name}.py"
            if beside.exists():
                raise ValueError(f"{what} imports {beside}, which a run does not keep: make it one file")
            found = importlib.util.find_spec(name)
            if found is not None and name not in importlib.metadata.packages_distributions():
                raise ValueError(
                    f"{what} imports {name}, which is no installed package, so that a run would not keep it: make it "
                    "one file"
                )
