"""Rules of imports, read with `ast` and never by importing: which way they run, and where they go round.

Every import statement counts, those within functions and under `TYPE_CHECKING` too: what only a type checker sees still
says who stands on whom. A package's own `__init__` counts as one more file of its folder, the one that stands on all
others; so a file that imports its own package's `__init__` goes round.
"""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

Imports = dict[str, set[str]]
"""By module, the modules that it imports; a package's `__init__` is called "package.__init__"."""


def read_imports(package: Path) -> Imports:
    """What every module of a package imports from that package.

    Args:
        package: the folder of the package.
    """
    files = {_name(path, package.parent): path for path in sorted(package.rglob("*.py"))}
    return {name: set(_imported(path, name, files)) for name, path in files.items()}


def foreign_imports(package: Path, packages: Iterable[str]) -> set[str]:
    """Which modules of a package import which other packages, of those named."""
    others = set(packages) - {package.name}
    found = set()
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            tops = {name.split(".")[0] for name in names} & others
            found |= {f"{_name(path, package.parent)} imports {top}" for top in tops}
    return found


def circles_of_files(imports: Imports) -> list[list[str]]:
    """Groups of modules that reach each other, each group once; none where imports run one way."""
    return _circles(imports)


def circles_of_folders(imports: Imports) -> list[list[str]]:
    """Groups of neighbours that reach each other: of the files and folders that lie in one folder, whatever is inside.

    A folder counts as one thing here, so that `a/x.py` -> `b/y.py` and `b/z.py` -> `a/w.py` is a circle of a and b.
    """
    found = []
    folders = {name.rsplit(".", 1)[0] for name in imports}
    for folder in sorted({".".join(one.split(".")[:depth]) for one in folders for depth in range(1, 9)}):
        neighbours: Imports = {}
        for name, targets in imports.items():
            inside = _neighbour(name, folder)
            if inside is not None:
                others = {_neighbour(target, folder) for target in targets} - {None, inside}
                neighbours.setdefault(inside, set()).update(others)
        found += _circles(neighbours)
    return found


def forbidden(imports: Imports, rules: Mapping[str, Iterable[str]]) -> list[str]:
    """Imports against rules such as {"zoo.ood": ["zoo.calibration"]}: nothing below the one imports below the other."""
    return [
        f"{name} imports {target}"
        for name, targets in sorted(imports.items())
        for target in sorted(targets)
        for above, below in rules.items()
        if _is_below(name, above) and any(_is_below(target, one) for one in below)
    ]


def _is_below(name: str, place: str) -> bool:
    return name == place or name.startswith(f"{place}.")


def _name(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts)


def _imported(path: Path, name: str, files: Mapping[str, Path]) -> Iterable[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            wanted = [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = name.split(".")[: -node.level] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            wanted = [(module, alias.name) for alias in node.names]
        else:
            continue
        for module, member in wanted:
            for candidate in (f"{module}.{member}", f"{module}.{member}.__init__", module, f"{module}.__init__"):
                if candidate in files:
                    if candidate != name:
                        yield candidate
                    break


def _neighbour(name: str, folder: str) -> str | None:
    """What of `folder` a module lies in: one of its files, or a folder within; None for what lies elsewhere."""
    if not name.startswith(f"{folder}."):
        return None
    return f"{folder}.{name.removeprefix(f'{folder}.').split('.')[0]}"


def _circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Strongly connected components of more than one node, after Tarjan 1972."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        number[node] = lowest[node] = len(number)
        stack.append(node)
        for target in sorted(graph.get(node, ())):
            if target not in number:
                visit(target)
                lowest[node] = min(lowest[node], lowest[target])
            elif target in stack:
                lowest[node] = min(lowest[node], number[target])
        if lowest[node] == number[node]:
            at = stack.index(node)
            group, stack[at:] = stack[at:], []
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in number:
            visit(node)
    return found
