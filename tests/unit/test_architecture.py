"""The shape of the code: layers of packages, as docs/architecture.md draws them, and functions that fit a screen."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.conftest import ROOT

GENERATOR, LIBRARY = 1, 5  # the places of the drawings among what ``` separates


def test_each_package_of_the_generator_imports_only_from_those_below_it(tmp_path: Path) -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    command = [str(lint), "--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def drawn(number: int) -> list[str]:
    """The packages of a drawing of docs/architecture.md, from top to bottom."""
    drawing = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").split("```")[number]
    return [line.split()[0] for line in drawing.splitlines() if line[:1].strip()]


def test_the_drawings_have_the_layers_in_their_order() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = [room for layer in settings["contracts"][0]["layers"] for room in layer.split(" | ")]
    assert drawn(GENERATOR) == [room for room in layers if room != "__main__"]
    listed = (ROOT / "tests/kit/importlinter.ini").read_text(encoding="utf-8").partition("layers =\n")[2]
    assert drawn(LIBRARY) == listed.partition("ignore_imports")[0].split()


def test_a_function_fits_a_screen_and_a_file_has_one_job() -> None:
    long = []
    for folder in ("generator", "template/project/kit/src"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            text = file.read_text(encoding="utf-8")
            if text.count("\n") > 400:
                long.append(f"{file}: {text.count(chr(10))} lines, of at most 400")
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    lines = (node.end_lineno or 0) - node.lineno + 1
                    if lines > 50:
                        long.append(f"{file}:{node.lineno}: {node.name} has {lines} lines, of at most 50")
    assert long == []
