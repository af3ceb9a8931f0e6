"""The shell commands of a page, and a terminal in which they are typed as they are written."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import PATIENCE, ROOT

BLOCK = re.compile(r"(?ms)^```(\w*)\n(.*?)^```$")
SHELLS = ("sh", "console")

# Commands that no page's test runs, each with its reason; docs/verification.md lists the same.
MOVED = "tests/cloud/test_move.py moves a project to each cloud and back, by emulators"
ELSEWHERE = {
    "make test": "these are its tests",
    "uv run poe image": "tests/containers/test_image.py builds it",
    "uv run poe image-test": "tests/containers/test_image.py runs it",
    "uv run poe image-push": "needs a registry; tests/containers/test_image.py pushes to a stand-in",
    "docker compose up": "needs docker compose; tests/containers/test_image.py runs the same image in the same way",
    "docker compose --file compose.tracking.yaml up --build --detach": "tests/containers/test_tracking_server.py",
    "uv run poe audit": "asks osv.dev",
    "uv run poe ui": "serves until it is stopped",
    "mlops --install-completion": "tests/unit/test_manners.py runs it, in a home of its own",
    "mlops update": "tests/docs/test_sessions.py updates a project",
    "uvx copier update": "tests/update/test_own_template.py runs the installed one",
    "uv run dvc remote add --default NAME URL": "needs a remote",
    "uv run poe manifests --storage s3://models.example.com/churn --image registry.example.com/churn:3 --canary 10": (
        "for a project with serving seldon; tests/serving/test_manifests.py runs it"
    ),
    "uv run poe search --trials 20": "for a project with compute ray; tests/scale/test_search.py runs it",
    "uv sync --inexact --group ray": "tests/scale/test_cluster.py installs the same",
    "RAY_ADDRESS=127.0.0.1:6379 RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=token uv run poe search --trials 20": (
        "needs a Ray cluster; tests/scale/test_cluster.py starts one"
    ),
    "uv run dvc exp run --queue --set-param model.learning_rate=0.03": "tests/scale/test_experiments.py queues others",
    "uv run dvc exp run --queue --set-param model.learning_rate=0.1": "tests/scale/test_experiments.py queues others",
    "uv run dvc queue start --jobs 2": "tests/scale/test_experiments.py runs it",
    "mlops add aws": MOVED,
    'git commit --all --message "the project goes to AWS"': MOVED,
    "uv run poe cloud-settings --storage-url s3://BUCKET --region REGION": MOVED,
    "uv run poe cloud-settings --storage-url gs://BUCKET": MOVED,
    "uv run poe cloud-settings --storage-url azure://CONTAINER --storage-account NAME": MOVED,
    "uv run poe push": MOVED,
    "uv run poe cloud-leave": MOVED,
    'git commit --all --message "the project leaves AWS"': MOVED,
    "mlops remove aws": MOVED,
    'git commit --all --message "without AWS"': MOVED,
    "uv run poe plan": "needs an account; tests/cloud/test_deploy.py runs it with a stand-in of Terraform",
    "uv run poe deploy": "needs an account; tests/cloud/test_deploy.py runs it with a stand-in of Terraform",
    "uv run poe destroy": "needs an account; tests/cloud/test_deploy.py runs it with a stand-in of Terraform",
    "python benchmarks/evolution.py path/to/project=path/to/its-template": "needs clones of public repositories",
}


def pages() -> list[Path]:
    """Every page for people in this repository."""
    return sorted([*ROOT.glob("*.md"), ROOT / "benchmarks/README.md", *(ROOT / "docs").rglob("*.md")])


def blocks(text: str) -> list[str]:
    """The commands of a page's shell blocks, in order; of a session, what stands after its prompts."""
    found = []
    for language, block in BLOCK.findall(text):
        if language == "sh":
            found += [line for line in block.splitlines() if line]
        elif language == "console":
            found += re.findall(r"(?m)^\$ (.*)$", block)
    return found


def inline(text: str) -> list[str]:
    """The commands within a page's sentences, each once."""
    found = re.findall(r"`((?:uv run|uvx|docker|make|mlops) [^`]+)`", BLOCK.sub("", text))
    return list(dict.fromkeys(found))


class Terminal:
    """A shell that remembers its folder and its PATH from one command to the next."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder = folder
        self.env = env
        self.typed: list[str] = []

    def type(self, command: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run a command as it is written; what it said is the failure."""
        self.typed.append(command)
        script = f'{command}\ncode=$?\nprintf "\\0%s\\0%s" "$PWD" "$PATH"\nexit $code'
        done = subprocess.run(["bash", "-c", script], cwd=self.folder, env=self.env, capture_output=True, text=True)
        said, _, state = done.stdout.partition("\0")
        assert done.returncode in codes, f"{command}\n{said[-2000:]}{done.stderr[-2000:]}"
        assert "Traceback" not in done.stderr, command
        folder, self.env["PATH"] = state.split("\0")
        self.folder = Path(folder)
        return said

    def start(self, command: str) -> subprocess.Popen[bytes]:
        """Run a command that goes on until it is stopped, as in another terminal."""
        self.typed.append(command)
        return subprocess.Popen(["bash", "-c", command], cwd=self.folder, env=self.env, start_new_session=True)

    @staticmethod
    def stop(running: subprocess.Popen[bytes]) -> None:
        """Ctrl-C."""
        os.killpg(running.pid, signal.SIGINT)
        running.wait(PATIENCE)


def not_elsewhere(commands: list[str], done: list[str]) -> Iterator[str]:
    """The commands that are to be run here, each once."""
    for command in dict.fromkeys(commands):
        if command not in ELSEWHERE and command not in done:
            yield command
