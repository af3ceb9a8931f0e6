"""The shape of the code: layers of packages, as docs/architecture.md draws them."""

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.conftest import ROOT


def test_each_package_of_the_generator_imports_only_from_those_below_it(tmp_path: Path) -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    command = [str(lint), "--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_drawing_has_the_layers_in_their_order() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = [room for layer in settings["contracts"][0]["layers"] for room in layer.split(" | ")]
    drawing = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").partition("```\n")[2].partition("```")[0]
    drawn = [line.split()[0] for line in drawing.splitlines() if line[:1].strip()]
    assert drawn == [room for room in layers if room != "__main__"]
