"""What all tests share: a template of our own in a mirror of its own, and a git identity."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
# Where all files of a folder share what is costly to make: base images, a project that has searched.
SHARING = ("containers", "scale")
PATIENCE = 120  # seconds for what takes one or two: only where it never happens does a test wait so long


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What shares fixtures runs on one core (`--dist loadgroup`): a file, a folder that is SHARING, or what says so."""
    for item in items:
        if item.get_closest_marker("xdist_group"):
            continue
        folder = item.path.parent.name
        item.add_marker(pytest.mark.xdist_group(folder if folder in SHARING else f"{folder}/{item.path.stem}"))


@pytest.fixture(scope="session", autouse=True)
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home of its own: no setting of the person who runs the tests gets in."""
    home = tmp_path_factory.mktemp("home")
    (home / "gitconfig").write_text("[user]\n  name = Test\n  email = test@example.com\n")
    (home / "config").mkdir()
    (home / "config/trusted").write_text("/\n")  # whatever the tests make; the fixture `strangers` takes it back
    patch = pytest.MonkeyPatch()
    # Where the pytest of a project keeps its folders: it would spend minutes on what earlier runs of these tests left.
    patch.setenv("PYTEST_DEBUG_TEMPROOT", str(home))
    patch.setenv("MLOPS_CACHE_DIR", str(home / "cache"))
    patch.setenv("MLOPS_CONFIG_DIR", str(home / "config"))
    patch.setenv("COPIER_CACHE_DIR", str(home / "copier"))
    patch.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    patch.delenv("MLOPS_TEMPLATE", raising=False)
    patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    yield home
    patch.undo()


@pytest.fixture
def strangers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person who has trusted no template and no project yet: where they would be kept."""
    monkeypatch.setenv("MLOPS_CONFIG_DIR", str(tmp_path / "config"))
    return tmp_path / "config/trusted"


def git(*arguments: str, cwd: Path) -> str:
    """Run git in a test."""
    return subprocess.run(["git", *arguments], cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


def mlops(*arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process of its own."""
    command = [sys.executable, "-m", "mlops_scaffold", *arguments]
    return subprocess.run(command, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, check=False)


def wait_until(
    done: Callable[[], bool],
    running: "subprocess.Popen[Any] | None" = None,
    log: Path | None = None,
    every: float = 0.01,
) -> None:
    """Wait for something that happens, however busy the machine is, asking `every` so many seconds.

    It fails where the program that does it has ended before; with what the program has written to its log.
    """
    end = time.monotonic() + PATIENCE
    while True:
        ended = running is not None and running.poll() is not None
        if done():
            return
        said = log.read_text(encoding="utf-8", errors="replace")[-4000:] if log and log.exists() else ""
        assert not ended, f"the program has ended before\n{said}"
        assert time.monotonic() < end, f"it has not happened in {PATIENCE} seconds\n{said}"
        time.sleep(every)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository's template as it stands, committed in a repository of its own."""
    import shutil

    folder = tmp_path_factory.mktemp("source") / "template.git"
    folder.mkdir()
    shutil.copy(ROOT / "copier.yml", folder)
    shutil.copytree(ROOT / "template", folder / "template")
    git("init", "--quiet", cwd=folder)
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--message", "template", cwd=folder)
    return folder
