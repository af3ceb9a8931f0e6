"""The READMEs' commands work as they are written."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from mlops_scaffold import process

from tests.conftest import ROOT, git

# Commands that are not run here, each with its reason; docs/verification.md lists the same.
ELSEWHERE = {
    "make test": "these are its tests",
    "uv run poe serve": "tests/project/test_paths.py starts and asks it",
    "uv run poe load": "tests/project/test_serving.py runs it against a service",
    "uv run poe image": "tests/containers/test_image.py builds it",
    "uv run poe image-test": "tests/containers/test_image.py runs it",
    "uv run poe image-push": "needs a registry; tests/containers/test_image.py pushes to a stand-in",
    "docker compose up": "needs docker compose; tests/containers/test_image.py runs the same image in the same way",
    "docker compose --file compose.tracking.yaml up --build --detach": "tests/containers/test_tracking_server.py",
    "uv run poe audit": "asks osv.dev",
    "uv run poe ui": "serves until it is stopped",
    "mlops update": "tests/docs/test_sessions.py updates a project",
    "uvx copier update": "tests/update/test_own_template.py runs the installed one",
    "uv run dvc remote add --default NAME URL": "needs a remote",
    "uv run dvc push": "needs a remote",
}


def commands(text: str) -> list[str]:
    """Every command of a README, once: the lines of its shell blocks, and the ones within sentences."""
    text = re.sub(r"```(?!sh).*?```", "", re.sub(r"```sh\n(.*?)```", r"SH\1SH", text, flags=re.DOTALL), flags=re.DOTALL)
    blocks = [line for block in re.findall(r"SH(.*?)SH", text, re.DOTALL) for line in block.strip().splitlines()]
    inline = re.findall(r"`((?:uv run|uvx|docker|make|mlops) [^`]+)`", re.sub(r"SH.*?SH", "", text, flags=re.DOTALL))
    return list(dict.fromkeys(blocks + inline))


@pytest.mark.long
def test_the_readmes_commands_work(tmp_path: Path) -> None:
    checkout = tmp_path / "clone"
    git("clone", "--quiet", str(ROOT), str(checkout), cwd=tmp_path)
    rows = "".join(f"{n % 50},{'north' if n % 3 else 'south'},{'yes' if n % 50 > 25 else 'no'}\n" for n in range(200))
    (checkout / "churn.csv").write_text("age,region,churned\n" + rows, encoding="utf-8")
    env = {**process.project_environment(), "MLOPS_CACHE_DIR": str(tmp_path / "cache")}
    env["PATH"] = f"{checkout}/.venv/bin:{env['PATH']}"
    env.pop("UV_PYTHON")
    for command in commands((ROOT / "README.md").read_text(encoding="utf-8")):
        if command not in ELSEWHERE:
            run(command, checkout, {**env, "PYTHON": sys.executable})
    assert (checkout / "demo/champion.yaml").is_file()
    assert (checkout / "churn/champion.yaml").is_file()
    project = checkout / "churn"
    values = {"FILE": str(checkout / "churn.csv"), "VERSION": "1", "TEXT": "'it is old'"}
    written = commands((project / "README.md").read_text(encoding="utf-8"))
    assert len(written) > 10
    for command in written:
        if command in ELSEWHERE:
            continue
        filled = re.sub(r"\b(FILE|VERSION|TEXT)\b", lambda found: values[found[0]], command)
        # There is one version: nothing to go back to, and the champion cannot be retired. Both say so.
        run(filled, project, env, codes=(1,) if "rollback" in command or "retire" in command else (0,))


def run(command: str, folder: Path, env: dict[str, str], codes: tuple[int, ...] = (0,)) -> None:
    """Run a command as it is written; its output is the failure."""
    done = subprocess.run(shlex.split(command), cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode in codes, f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    assert "Traceback" not in done.stderr, command
