"""Imports of a project's own files that lead nowhere since the library is here, and what to write instead.

The files are read, not run. Most names of before are still found under their old module (see `mlops_kit.before`): what
is named here are the others, such as `score` of evaluate.py, which is a person's own short file now.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mlops_kit import before
from mlops_kit.ground import Project

LIBRARY = Path(before.__file__).parent


@dataclass(frozen=True)
class Gone:
    """A name that a line imports, or looks up, in a module that does not have it. `instead` may be empty."""

    file: str
    line: int
    module: str
    name: str
    instead: str


def gone_names(project: Project) -> Iterator[Gone]:
    """All such names in src/ and tests/, in the order of files and lines."""
    source = project.root / "src" / project.package
    for file in sorted([*source.rglob("*.py"), *(project.root / "tests").rglob("*.py")]):
        try:
            tree = ast.parse(file.read_text(encoding="utf-8"))
        except (OSError, SyntaxError, ValueError):  # it says so itself when it is run
            continue
        inside = file.relative_to(project.root / "src").parent.parts if file.is_relative_to(source) else ()
        for line, module, name in sorted(imported(tree, project.package, inside)):
            if not has(project, module, name) and (module in before.NOW or where(name)):
                where_it_is = f"{project.package}.{module}".rstrip(".")
                yield Gone(file.relative_to(project.root).as_posix(), line, where_it_is, name, instead(module, name))


def imported(tree: ast.Module, package: str, inside: tuple[str, ...]) -> Iterator[tuple[int, str, str]]:
    """What a file takes from the package: the line, a module's name inside the package, and a name in that module."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom):
            continue
        above = inside[: len(inside) - node.level + 1] if node.level else ()
        first, *rest = [*above, *(node.module or "").split(".")] if node.module else [*above, ""]
        if first != package:
            continue
        module = ".".join(part for part in rest if part)
        for alias in node.names:
            if module or alias.name not in before.NOW:
                yield node.lineno, module, alias.name
            for line, name in looked_up(tree, alias.asname or alias.name) if not module else ():
                yield line, alias.name, name


def looked_up(tree: ast.Module, module: str) -> Iterator[tuple[int, str]]:
    """The names that a file looks up in a module, as in `tracking.client`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == module:
            yield node.lineno, node.attr


def has(project: Project, module: str, name: str) -> bool:
    """Whether a module of the package has a name: the project's own file, else the library under an older name."""
    place = project.root / "src" / project.package / Path(*module.split("."))
    if (place / name).is_dir() or (place / f"{name}.py").is_file():  # a module in a package
        return True
    own = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    if own.is_file():
        of_package = not module and name in before.SETTINGS
        return of_package or name in names(own) or "__getattr__" in names(own)
    homes = before.homes(module)
    if not homes or name in before.SETTINGS or before.homes(f"{module}.{name}"):
        return True
    chosen = [home.format(framework=project.framework, cloud=project.cloud) for home in homes]
    return any(name in names(file) for home in chosen for file in files(home))


def files(home: str) -> list[Path]:
    """The files of a room or module of the library."""
    place = LIBRARY / Path(*home.split("."))
    return [place.with_suffix(".py")] if place.with_suffix(".py").is_file() else sorted(place.glob("*.py"))


@cache
def names(file: Path) -> frozenset[str]:
    """The names that a module has, as far as can be read from it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return frozenset(found)


@cache
def where(name: str) -> str:
    """The module of the library to import a name from: its room, where that offers it. Empty where several have it."""
    offered = [file for file in sorted(LIBRARY.glob("*/__init__.py")) if name in names(file)]
    made = [file for file in sorted(LIBRARY.rglob("*.py")) if defines(file, name)]
    if len(made) == 1 and made[0].with_name("__init__.py") in offered:
        offered = [made[0].with_name("__init__.py")]
    if len(offered) != 1 and len(made) != 1:
        return ""
    file = (offered if len(offered) == 1 else made)[0]
    return ".".join(["mlops_kit", *file.relative_to(LIBRARY).with_suffix("").parts]).removesuffix(".__init__")


def defines(file: Path, name: str) -> bool:
    """Whether a module makes a name itself, rather than importing it."""
    return any(isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name for node in body(file)) or any(
        isinstance(target, ast.Name) and target.id == name
        for node in body(file)
        if isinstance(node, ast.Assign)
        for target in node.targets
    )


@cache
def body(file: Path) -> list[ast.stmt]:
    """A module's statements."""
    return ast.parse(file.read_text(encoding="utf-8")).body


def instead(module: str, name: str) -> str:
    """The line to write; empty where the library has nothing of the name, or several modules have it."""
    if name in before.SETTINGS:
        return f"from mlops_kit.ground import project, and {before.SETTINGS[name]}"
    homes = [home for home in before.homes(module) if any(defines(file, name) for file in files(home))]
    place = f"mlops_kit.{homes[0]}" if homes else where(name)
    return f"from {place} import {name}" if place else ""
