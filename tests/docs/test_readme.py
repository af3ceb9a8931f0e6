"""The documentation's commands work as they are written: from the README to a served model, then the other pages."""

import re
import shutil
import sys
from pathlib import Path

import pytest
from mlops_scaffold.ground import process

from tests.conftest import ROOT, git
from tests.docs.shell import Terminal, blocks, inline, not_elsewhere
from tests.project.running import free_port, wait_until_ready

# Pages whose shell blocks are typed in the tutorial's project, in this order.
IN_THE_PROJECT = ["doctor.md", "monitoring.md", "leave-the-laptop.md"]
# Words of a command that stand for something of the reader's.
PLACEHOLDERS = {"FILE": "newer.csv", "COLUMN": "churned", "VERSION": "1", "TEXT": "'it is old'"}
# There is one version: nothing to go back to, and the champion cannot be retired. Both say so.
REFUSED = ("rollback", "retire")


@pytest.mark.long
def test_the_readmes_commands_work(tmp_path: Path) -> None:
    git("clone", "--quiet", str(ROOT), str(tmp_path / "clone"), cwd=tmp_path)
    env = process.project_environment()
    env.pop("UV_PYTHON")
    env |= {"MLOPS_CACHE_DIR": str(tmp_path / "cache"), "PYTHON": sys.executable, "PORT": str(free_port())}
    terminal = Terminal(tmp_path / "clone", env)
    for page in ("README.md", "docs/tutorial.md", "docs/own-data.md"):
        for command in not_elsewhere(blocks((ROOT / page).read_text(encoding="utf-8")), terminal.typed):
            type_or_start(terminal, command)
    assert terminal.folder.name == "churn"
    assert (terminal.folder / "champion.yaml").is_file()

    shutil.copy(ROOT / "docs/data/churn.csv", terminal.folder / "newer.csv")
    for page in IN_THE_PROJECT:
        for command in not_elsewhere(blocks((ROOT / "docs" / page).read_text(encoding="utf-8")), terminal.typed):
            # The doctor may have something to say of the machine.
            terminal.type(command, (0, 2) if "doctor" in command else (0,))

    for page in ("README.md", "CONTRIBUTING.md", "ONBOARDING.md"):
        text = (terminal.folder / page).read_text(encoding="utf-8")
        # The blocks of ONBOARDING.md are typed by tests/project/test_newcomer.py.
        written = inline(text) if page == "ONBOARDING.md" else blocks(text) + inline(text)
        for command in not_elsewhere(written, terminal.typed):
            filled = re.sub(rf"\b({'|'.join(PLACEHOLDERS)})\b", lambda found: PLACEHOLDERS[found[0]], command)
            # `uv run poe` lists the tasks, and exits with 1 as none was named.
            codes = (
                (0, 2)
                if "doctor" in command
                else (1,)
                if command == "uv run poe" or any(word in command for word in REFUSED)
                else (0,)
            )
            type_or_start(terminal, filled, codes)


def type_or_start(terminal: Terminal, command: str, codes: tuple[int, ...] = (0,)) -> None:
    """Type a command; what talks to the service is typed while that runs."""
    if command == "uv run poe serve":
        return
    if command == "make demo":  # .ci/run makes the demo in a clone of its own; what that installs is needed here too
        command = "make .venv/.installed"
    if not command.startswith("uv run poe load") or command.endswith("--body"):
        terminal.type(command, codes)
        return
    service = terminal.start("uv run poe serve")
    try:
        wait_until_ready(f"http://127.0.0.1:{terminal.env['PORT']}/ready")
        said = terminal.type(command.replace("127.0.0.1:8000", f"127.0.0.1:{terminal.env['PORT']}"))
        assert '"predictions"' in said or "curl" not in command
    finally:
        terminal.stop(service)
