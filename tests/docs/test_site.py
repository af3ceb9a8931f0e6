"""The documentation site: whole, strictly built, and its reference is the program's own."""

import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.conftest import ROOT

CONFIG = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]


def tool(name: str) -> ModuleType:
    """A script of tools/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"tools/{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_what_the_program_says() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs/reference").glob("*.md")}
    assert written == tool("reference").pages(), "run: python tools/reference.py"


def in_navigation(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            yield from [value] if isinstance(value, str) else in_navigation(value)


def test_every_page_is_in_the_navigation() -> None:
    pages = sorted(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md"))
    assert sorted(in_navigation(CONFIG["nav"])) == pages


@pytest.mark.long
def test_the_site_builds_strictly(tmp_path: Path) -> None:
    """Every link and anchor between pages is checked; then, in what was built, every image and file."""
    for name in ("zensical.toml", "docs", "benchmarks", "CHANGELOG.md", "template/project/kit/src"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--clean", "--strict"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    built = tmp_path / "site"
    for page in built.rglob("*.html"):
        for link in re.findall(r'(?:href|src)="([^"#?]+)', page.read_text(encoding="utf-8")):
            if ":" not in link and page.name != "404.html":
                target = (page.parent / link).resolve()
                assert (target / "index.html" if target.is_dir() else target).exists(), f"{page.name}: {link}"
            assert not link.startswith("http:") or link.startswith("http://127.0.0.1:"), link
