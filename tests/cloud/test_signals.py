"""Ctrl-C while a real Terraform works: it saves its state and releases its lock, and then there is one sentence."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cloud.infra import rendered
from tests.conftest import PATIENCE
from tests.web import Quiet, listening

TERRAFORM = shutil.which("terraform") or shutil.which("tofu")
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(TERRAFORM is None, reason="neither terraform nor tofu is on PATH"),
    pytest.mark.skipif(os.name == "nt", reason="signals of POSIX"),
]
# One resource is made; the next waits for an answer that comes when the test is over.
MAIN = """\
terraform {
  backend "http" {
    address        = "ADDRESS/state"
    lock_address   = "ADDRESS/lock"
    unlock_address = "ADDRESS/unlock"
  }
}
resource "terraform_data" "made" {
  input = "made"
}
resource "terraform_data" "endless" {
  depends_on = [terraform_data.made]
  provisioner "local-exec" {
    command = "exec python3 -c \\"import urllib.request as r; r.urlopen('ADDRESS/begun')\\""
  }
}
"""
APPLY = "from mlops_kit.cloud import terraform; terraform.run('apply', '-auto-approve', '-input=false')"
TELLING = f"""
import sys
from mlops_kit.cloud import CloudError
try:
    {APPLY}
except CloudError as error:
    sys.exit(str(error))
"""


@dataclass
class Backend:
    """Where the state is: a server that is slower to keep it than an impatient parent is to kill Terraform."""

    address: str
    asked: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    begun: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def backend() -> Iterator[Backend]:
    """One on this machine."""

    class Answers(Quiet):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            if self.path == "/begun":
                found.begun.set()
                found.over.wait(PATIENCE)
            if self.command == "POST":
                threading.Event().wait(1)  # a far store
                found.kept.append(body)
            found.asked.append(f"{self.command} {self.path.partition('?')[0]}")  # before Terraform can ask for more
            self.send_response(404 if self.command == "GET" and self.path == "/state" else 200)
            self.end_headers()

        do_POST = do_LOCK = do_UNLOCK = do_GET

    with listening(Answers) as address:
        found = Backend(address)
        yield found
        found.over.set()


@pytest.mark.parametrize(("number", "times"), [(signal.SIGINT, 2), (signal.SIGTERM, 1)])
def test_terraform_saves_its_state_and_releases_its_lock_before_the_task_ends(
    number: int, times: int, backend: Backend, template: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "churn"
    infra = rendered(template, folder, cloud="aws", extras=[])
    shutil.rmtree(infra)
    infra.mkdir()
    (infra / "main.tf").write_text(MAIN.replace("ADDRESS", backend.address), encoding="utf-8")
    subprocess.run([str(TERRAFORM), f"-chdir={infra}", "init"], check=True, capture_output=True)
    task = subprocess.Popen(
        [sys.executable, "-c", TELLING],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "kit/src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert backend.begun.wait(PATIENCE)
    for _ in range(times):  # as often as somebody presses Ctrl-C, or a program around this one passes it on
        os.killpg(task.pid, number)
    printed, said = task.communicate(timeout=PATIENCE)
    assert task.returncode == 1, printed + said
    assert "`terraform apply` was interrupted. Continue with the same command." in said
    assert "Traceback" not in said
    assert backend.asked[-1] == "UNLOCK /unlock"
    made = [row["name"] for row in json.loads(backend.kept[-1])["resources"]]
    assert "made" in made
