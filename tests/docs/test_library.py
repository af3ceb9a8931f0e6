"""The library's public surface: what a project's own files call is documented, and exported by its module."""

import ast
import json
import re
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT
from tests.docs.test_site import tool

LIBRARY = ROOT / "template/project/kit/src/mlops_kit"
SURFACE: dict[str, tuple[str, ...]] = tool("reference").SURFACE
OTHERS = {("frameworks.tensorflow.quietly", "keras"), ("data", "APART")}  # Keras itself, set up; a mark of a frame


def sources() -> Iterator[str]:
    """The Python of a project's own files: rendered modules and tests, variants of seeds, the notebook, the docs."""
    for folder in ("template/project/src", "template/project/tests", "template/parts"):
        yield from (path.read_text(encoding="utf-8") for path in sorted((ROOT / folder).rglob("*.py")))
    for path in sorted((ROOT / "template/project").rglob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        yield from ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    for path in sorted((ROOT / "docs").glob("*.md")):
        yield from re.findall(r"^```python\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def used(source: str) -> Iterator[tuple[str, str]]:
    """Each name of the library that some Python uses, with its module."""
    tree = ast.parse(re.sub(r"^{%.*%}$", "", source, flags=re.MULTILINE))
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or (node.module or "").partition(".")[0] != "mlops_kit":
            continue
        room = (node.module or "").removeprefix("mlops_kit").lstrip(".")
        for alias in node.names:
            module = f"{room}.{alias.name}".lstrip(".")
            place = LIBRARY / module.replace(".", "/")
            if not (place.is_dir() or place.with_suffix(".py").is_file()):
                yield room, alias.name
                continue
            for inner in ast.walk(tree):
                if isinstance(inner, ast.Attribute) and ast.unparse(inner.value) == (alias.asname or alias.name):
                    yield module, inner.attr


def exported(module: str) -> list[str]:
    """The names in a module's `__all__`."""
    place = LIBRARY / module.replace(".", "/")
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    return []


def test_what_a_project_calls_is_documented() -> None:
    found = {name for source in sources() for name in used(source)} - OTHERS
    assert len(found) > 30
    assert found <= {(module, name) for module, names in SURFACE.items() for name in names}


@pytest.mark.parametrize("module", SURFACE)
def test_what_is_documented_is_exported(module: str) -> None:
    assert set(SURFACE[module]) <= set(exported(module))
