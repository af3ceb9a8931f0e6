"""What all tests share: a template of our own in a mirror of its own, and a git identity."""

import fcntl
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
# Where all files of a folder share what is costly to make: base images, a project that has searched.
SHARING = ("scale",)
# What takes minutes begins first, so that no core is left with it at the end.
FIRST = (
    "scale",
    "ci/test_executed",
    "project/test_newcomer",
    "containers/more",
    "cloud/test_move",
    "containers/test_tracking_server",
    "containers/test_image",
    "project/test_life",
    "project/test_doctor",
    "update/test_projects_of_before",
    "docs/test_readme",
    "serving/test_tensorflow_serving",
    "serving/test_kinds",
    "serving/test_tensorflow",
    "cloud/test_deploy",
    "scale/larger_than_memory",
    "project/test_mlflow_server",
    "project/test_paths",
    "project/test_serving",
    "project/test_own_data",
    "project/test_drift",
    "update/test_own_template",
    "kit/test_first_month",
    "kit/test_stages",
    "kit/test_promotion",
    "kit/test_doctor",
)
PATIENCE = 120  # seconds for what takes one or two: only where it never happens does a test wait so long


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share fixtures run on one core (`--dist loadgroup`), and the longest begin first."""
    groups = {item: group(item) for item in items}
    for item, name in groups.items():
        item.add_marker(pytest.mark.xdist_group(name), append=False)
    items.sort(key=lambda item: FIRST.index(groups[item]) if groups[item] in FIRST else len(FIRST))


def group(item: pytest.Item) -> str:
    """What a test says itself, else its file, or its folder where that is SHARING."""
    if said := item.get_closest_marker("xdist_group"):
        return str(said.args[0])
    folder = item.path.parent.name
    return folder if folder in SHARING else f"{folder}/{item.path.stem}"


@pytest.fixture(scope="session", autouse=True)
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home of its own: no setting of the person who runs the tests gets in."""
    home = tmp_path_factory.mktemp("home")
    somebody = "[user]\n  name = Test\n  email = test@example.com\n"
    # Otherwise each commit starts `git maintenance`.
    (home / "gitconfig").write_text(f"{somebody}[maintenance]\n  auto = false\n")
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


def made_once(folders: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first core that needs it makes, while the others wait; none of them changes it."""
    shared = folders.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / name).is_dir():
            making = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=shared))
            make(making)
            making.rename(shared / name)  # when it is whole: what a core that failed has left is not taken for it
    return shared / name


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
