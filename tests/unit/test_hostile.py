"""`mlops new` where the machine, the user or the surroundings do not help."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mlops_scaffold.ground import process
from mlops_scaffold.ground.settings import read_mapping

from tests.conftest import PATIENCE, ROOT, git, mlops, wait_until
from tests.unit.test_new import files
from tests.update.world import ANSWERS, commit, write


def test_an_empty_folder_stays_the_same_one(template: Path, tmp_path: Path) -> None:
    before = tmp_path.stat().st_ino
    made = mlops("new", ".", "-l", "--no-setup", "--template", str(template), cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert tmp_path.stat().st_ino == before
    assert (tmp_path / "dvc.yaml").is_file()


@pytest.mark.parametrize("form", ["{0}/.git", "file://{0}", "git+file://{0}", "file://{0}/.git", "{0}"])
def test_the_recorded_address_is_one_that_copier_takes(tmp_path: Path, form: str) -> None:
    small = tmp_path / "small"
    write(small, {"copier.yml": "name: {type: str, default: churn}\n", "README.md.jinja": "# {{ name }}\n", **ANSWERS})
    git("init", "--quiet", cwd=small)
    commit(small)
    made = mlops("new", "ours/churn", "-l", "--no-setup", "--template", form.format(small), cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    recorded = read_mapping(tmp_path / "ours/churn/.copier-answers.yml")["_src_path"]
    command = [sys.executable, "-m", "copier", "copy", "--quiet", "--defaults", recorded, "theirs/churn"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert files(tmp_path / "ours") == files(tmp_path / "theirs")


def interruptible(command: list[str], **more: Any) -> "subprocess.Popen[str]":
    """A program that a Ctrl-C reaches. A test run in the background ignores SIGINT, and its children with it."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return subprocess.Popen(command, text=True, **more)
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_leaves_nothing_and_is_one_line(template: Path, tmp_path: Path) -> None:
    """While the template is fetched, which here takes for ever."""
    work, fetching = tmp_path / "work", tmp_path / "fetching"
    work.mkdir()
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text(
        f'#!/bin/sh\ncase " $* " in *" fetch "*) touch "{fetching}"; exec sleep 600 ;; esac\n'
        f'exec "{shutil.which("git")}" "$@"\n'
    )
    slow.chmod(0o755)
    env = {
        **os.environ,
        "MLOPS_CACHE_DIR": str(work / "cache"),
        "PATH": f"{slow.parent}{os.pathsep}{os.environ['PATH']}",
    }
    command = [sys.executable, "-m", "mlops_scaffold", "new", "churn", "-l", "--no-setup", "--template", str(template)]
    running = interruptible(command, cwd=work, env=env, stderr=subprocess.PIPE)
    wait_until(fetching.exists, running)
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=PATIENCE)[1]
    assert running.returncode == 130
    assert said.strip() == "mlops: stopped. No project is left half done."
    assert [path.name for path in work.iterdir()] == ["cache"]


def test_a_cache_that_cannot_be_written_is_one_sentence(template: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = mlops(
        "new", "a", "-l", "--no-setup", "--template", str(template), cwd=tmp_path, MLOPS_CACHE_DIR=f"{tmp_path}/file/c"
    )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Not a directory" in done.stderr


def test_a_git_hook_around_us_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in process.GIT_LOCATIONS:
        monkeypatch.setenv(name, "/elsewhere")
    assert not set(process.GIT_LOCATIONS) & set(process.project_environment())


@pytest.mark.long
def test_a_real_wheel_needs_no_network(tmp_path: Path) -> None:
    """Built from a clone, installed elsewhere: the template comes out of it, with every way out closed."""
    clone = tmp_path / "clone"
    git("clone", "--quiet", str(ROOT), str(clone), cwd=tmp_path)
    uv = process.uv()
    env = process.project_environment()
    for command in (
        [uv, "build", "--quiet", "--wheel", "--out-dir", str(tmp_path / "dist"), str(clone)],
        [uv, "venv", "--quiet", str(tmp_path / "venv")],
    ):
        subprocess.run(command, check=True, env=env)
    wheel = next((tmp_path / "dist").glob("*.whl"))
    python = str(tmp_path / "venv/bin/python")
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, str(wheel)], check=True, env=env)
    nowhere = "http://127.0.0.1:9"
    closed = {**env, "HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere, "ALL_PROXY": nowhere, "GIT_ALLOW_PROTOCOL": "file"}
    command = [str(tmp_path / "venv/bin/mlops"), "new", "a", "-l", "--no-setup"]
    made = subprocess.run(command, cwd=tmp_path, env=closed, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "a/dvc.yaml").is_file()


@pytest.mark.long
def test_the_wheel_works_without_its_address(tmp_path: Path) -> None:
    """Its parts: the hook's bundle beside the modules, found as the installation's template."""
    package = tmp_path / "lib/mlops_scaffold"
    package.parent.mkdir()
    git("clone", "--quiet", "--bare", str(ROOT), str(tmp_path / "all.git"), cwd=tmp_path)
    subprocess.run(["cp", "-r", str(ROOT / "generator/mlops_scaffold"), str(package)], check=True)
    git("bundle", "create", "--quiet", str(package / "template.bundle"), "HEAD", "--branches", cwd=tmp_path / "all.git")
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from mlops_scaffold.sources import address; "
    code += "address._direct_url = dict; from mlops_scaffold.__main__ import main; main()"
    for name in ("a", "b"):
        command = [sys.executable, "-c", code, str(package.parent), "new", name, "-l", "--no-setup"]
        made = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
        assert "on this machine only" in made.stderr
    recorded = read_mapping(tmp_path / "a/.copier-answers.yml")["_src_path"]
    assert recorded.startswith("file://")
    assert recorded.endswith(".git")
    git("init", "--quiet", cwd=tmp_path / "a")
    git("add", "--all", cwd=tmp_path / "a")
    git("commit", "--quiet", "--message", "a", cwd=tmp_path / "a")
    subprocess.run([sys.executable, "-m", "copier", "update", "--defaults"], cwd=tmp_path / "a", check=True)
    assert git("status", "--porcelain", cwd=tmp_path / "a") == ""


def test_ctrl_c_ends_the_children_too(tmp_path: Path) -> None:
    code = "import sys; from mlops_scaffold.ground import process; "
    code += "process.run([sys.executable, '-c', sys.argv[1]], alone=True)"
    # More than a pipe holds: when it is written, it is being read, and so the child is waited for.
    child = "import subprocess, time; print('x' * 1_000_000, flush=True); "
    child += f"subprocess.Popen(['sleep', '3600.{os.getpid()}']); time.sleep(3600)"
    running = interruptible([sys.executable, "-c", code, child], stderr=subprocess.DEVNULL)
    grandchild = f"sleep 3600.{os.getpid()}"

    def alive() -> bool:
        return subprocess.run(["pgrep", "-f", grandchild], check=False, capture_output=True).returncode == 0

    try:
        wait_until(alive, running)
        running.send_signal(signal.SIGINT)
        running.wait(PATIENCE)
        wait_until(lambda: not alive())
    finally:
        running.kill()
        subprocess.run(["pkill", "-f", grandchild], check=False)


QUESTIONS = (
    "What is the project called?",
    "What does the model predict?",
    "Which library trains the model?",
    "How is the model served?",
    "Which CI runs the checks?",
)


def test_the_questionnaire_is_five_returns(template: Path, tmp_path: Path) -> None:
    """In a terminal, as copier asks: return takes the proposal."""
    import pty

    env = {**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
    command = [sys.executable, "-m", "mlops_scaffold", "new", "churn", "--no-setup", "--template", str(template)]
    ours, theirs = pty.openpty()
    running = subprocess.Popen(command, cwd=tmp_path, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    try:
        for question in QUESTIONS:
            assert question in shown(ours, question)
            os.write(ours, b"\r")
        said = shown(ours)
        assert running.wait(PATIENCE) == 0, said
    finally:
        running.kill()
        running.wait()
        os.close(ours)
    assert (tmp_path / "churn/dvc.yaml").is_file()


def shown(terminal: int, until: str = "") -> str:
    """What a terminal shows up to some words, or until nobody writes to it any more."""
    import select

    said = b""
    while not until or until.encode() not in said:
        readable = select.select([terminal], [], [], PATIENCE)[0]
        assert readable, said.decode(errors="replace") + "\nand now it waits for something else"
        try:
            said += os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
    return said.decode(errors="replace")
