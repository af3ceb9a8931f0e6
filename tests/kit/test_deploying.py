"""A deployment shows, asks, tries the image out, pushes it, applies what was shown and waits; taking down asks too.

`terraform` and the container's engine are stand-ins on PATH; AWS and the service answer on the loopback.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import pytest
from mlops_kit import models
from mlops_kit.cloud import CloudError, terraform
from mlops_kit.cloud.settings import from_terraform
from mlops_kit.contract import Contract
from mlops_kit.delivery import deploy, image
from mlops_kit.ground import Project, using
from mlops_kit.ground.cloud_file import Settings
from mlops_kit.ground.cloud_file import file as cloud_file
from mlops_kit.testing.services import started
from mlops_kit.training import save

from tests.cloud.terraform import OUTPUTS, TERRAFORM, want
from tests.kit.clouds import KEYS, PERSON, answering
from tests.kit.programs import Program, champion_of
from tests.kit.projects import write
from tests.web import Quiet, listening

REGISTRY = OUTPUTS["image"]


@dataclass(frozen=True)
class Deployment:
    """A project on AWS, and the stand-ins of the programs that deploy it."""

    root: Path
    programs: Path
    docker: Program

    def calls(self) -> list[str]:
        """What Terraform was called with since it was last asked, without what only reads."""
        log = self.programs / "log"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [line for line in lines if line.split()[0] not in ("output", "show")]

    def tasks(self) -> list[str]:
        """The first word of each of these."""
        return [line.split()[0] for line in self.calls()]

    def stands(self, **more: str) -> None:
        """Everything was made before, and cloud.yaml says so."""
        want(self.programs, more)
        (self.programs / "wanted.json").replace(self.programs / "outputs.json")
        want(self.programs, more)
        text = "".join(f"{name}: {value}\n" for name, value in {"cloud": "aws", **OUTPUTS, **more}.items() if value)
        write(cloud_file(), text)


@pytest.fixture
def deployment(
    project: Project,
    saved: Path,
    program: Callable[[str], Program],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Deployment]:
    """A project with a champion, of which nothing stands, and somebody who is logged in to AWS."""
    docker = program("docker")
    write(tmp_path / "bin/terraform", TERRAFORM)
    (tmp_path / "bin/terraform").chmod(0o755)
    want(tmp_path / "bin", {})
    with champion_of(project, saved, tmp_path / "own") as own, using(replace(own, cloud="aws")), answering() as there:
        write(own.root / "infra/backend.hcl", 'bucket = "state"\n')
        write(own.root / "infra/variables.tf", 'variable "region" {\n  default = "eu-central-1"\n}\n')
        write(own.root / ".dvc/config", "")
        write(own.root / ".gitignore", "__pycache__/\n")
        monkeypatch.chdir(own.root)
        for name, value in {**KEYS, **there, "HOME": str(tmp_path)}.items():
            monkeypatch.setenv(name, value)
        for name in ("AWS_PROFILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"):
            monkeypatch.delenv(name, raising=False)
        yield Deployment(own.root, tmp_path / "bin", docker)


@pytest.fixture
def poe(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A task of deploy.py in this process, and what somebody types."""

    def call(*words: str, answer: str = "y") -> None:
        monkeypatch.setattr("sys.argv", ["deploy", *words])
        monkeypatch.setattr("builtins.input", lambda _: answer)
        deploy.main()

    return call


@contextmanager
def serving(model: Path, log: Path) -> Iterator[str]:
    """The address of the service with a model, as it listens in a container that was started."""
    with started(model, log) as service:

        class Relay(Quiet):
            def do_GET(self) -> None:
                self.reply(None)

            def do_POST(self) -> None:
                self.reply(self.rfile.read(int(self.headers["content-length"])).decode())

            def reply(self, body: str | None) -> None:
                found = service.send(self.path, body)
                self.send_response(found.status)
                self.end_headers()
                self.wfile.write(found.text.encode())

        with listening(Relay) as address, mock.patch.object(image, "free_port", return_value=urlsplit(address).port):
            yield address


def version() -> str:
    """The version of the image with the champion."""
    champion = models.read_champion()
    assert champion
    return image.version(champion)


def built(**more: tuple[int, str]) -> dict[str, tuple[int, str]]:
    """How the engine answers where the image is built, and the registry has none of its version."""
    labels = {"org.opencontainers.image.version": version()}
    inspected = json.dumps([{"Config": {"User": "10001", "Labels": labels}}])
    return {"image inspect": (0, inspected), "manifest inspect": (1, "no such manifest"), **more}


# --- the image -------------------------------------------------------------------------------------------------------


def test_an_image_whose_service_answers_as_the_champion_is_good_and_any_other_is_not(
    deployment: Deployment, saved: Path, contract: Contract, parts: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.docker.answers(built())
    image.build()
    with serving(saved, tmp_path / "log"):
        assert image.test() == "run test answers 10 generated rows as the champion does"
    other, (train, _) = tmp_path / "other", parts
    project = Project.find(deployment.root)
    save(project.model.baseline().fit(contract.coerce(train), contract.labels(train)), contract, other)
    write(other / "run_id", "other\n")
    with (
        serving(other, tmp_path / "log"),
        pytest.raises(image.ImageError, match=r"^Row \d+: the image predicts '(in|out)', the champion '(in|out)'\."),
    ):
        image.test()
    monkeypatch.setattr("sys.argv", ["image", "verify", str(other)])
    with pytest.raises(SystemExit, match=r"other is not the champion\. Build the image with: uv run poe image"):
        image.main()


@pytest.mark.usefixtures("deployment")
def test_each_task_of_the_image_says_what_it_did(
    deployment: Deployment, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    deployment.stands()
    deployment.docker.answers(built())
    with serving(saved, tmp_path / "log"):
        for task in ("build", "test", "push"):
            monkeypatch.setattr("sys.argv", ["image", task])
            image.main()
    assert capsys.readouterr().out.splitlines()[-3:] == [
        f"the image plain is built, version {version()}",
        "the image plain is good: run test answers 10 generated rows as the champion does",
        f"pushed {REGISTRY}:{version()}",
    ]


def test_a_version_is_pushed_to_the_clouds_registry_once_by_its_own_login(deployment: Deployment) -> None:
    with pytest.raises(CloudError, match=r"There is no cloud\.yaml yet"):
        image.push()
    deployment.stands(image="")
    with pytest.raises(image.ImageError, match=r"cloud\.yaml names no registry\. Create it \(uv run poe deploy\)"):
        image.push()
    deployment.stands()
    deployment.docker.answers(built())
    assert image.push().startswith(f"pushed {REGISTRY}:3-")
    logins = [words for words in deployment.docker.asked() if words[0] == "login"]
    assert logins == [["login", "--username", "AWS", "--password-stdin", REGISTRY.partition("/")[0]]]
    pushed = [words for words in deployment.docker.asked() if words[0] == "push"]
    deployment.docker.answers({**built(), "manifest inspect": (0, "there")})
    assert image.push().endswith(" is there already")
    assert [words for words in deployment.docker.asked() if words[0] == "push"] == pushed


# --- plans -----------------------------------------------------------------------------------------------------------


def test_a_plan_names_the_image_and_what_costs_money_and_makes_nothing(
    deployment: Deployment, poe: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    poe("plan")
    said = capsys.readouterr().out
    assert f"cloud: aws knows you as {PERSON}\nplan: first storage, registry and identities" in said
    assert "  + module.x.aws_s3_bucket.it\n" in said
    assert "costs money while it stands: aws_s3_bucket, per GB a month and per request\n" in said
    assert "plan: 2 to add, 0 to change, 0 to destroy\n" in said
    first, planned = deployment.calls()
    assert first == "init -input=false -backend-config=backend.hcl"
    assert planned.startswith("plan ")
    assert "-var=image=" in planned.split()
    deployment.stands()
    poe("plan")
    assert f"-var=image={REGISTRY}:{version()}" in deployment.calls()[1].split()
    assert "first storage" not in capsys.readouterr().out.partition("aws_ecs_service")[2]


def test_who_does_not_say_yes_gets_nothing(deployment: Deployment, poe: Callable[..., None]) -> None:
    with pytest.raises(SystemExit, match=r"Nothing was done\."):
        poe("deploy", answer="n")
    assert deployment.tasks() == ["init", "plan"]
    assert not cloud_file().exists()


def test_from_nothing_to_a_service_that_is_ready_and_what_stopped_goes_on(
    deployment: Deployment,
    saved: Path,
    tmp_path: Path,
    poe: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    with serving(saved, tmp_path / "log") as address:
        want(deployment.programs, {"endpoint": address})
        deployment.docker.answers(built(push=(1, "denied")))
        with pytest.raises(SystemExit, match=r"Nothing of the service was changed\. Go on with: uv run poe deploy"):
            poe("deploy", "--yes")
        assert deployment.tasks() == ["init", "plan", "apply", "plan"]
        assert f"deploy_identity: {OUTPUTS['deploy_identity']}\n" in cloud_file().read_text(encoding="utf-8")
        assert "url = s3://churn-data/dvc" in (deployment.root / ".dvc/config").read_text(encoding="utf-8")
        deployment.docker.answers(built())
        poe("deploy")
    assert deployment.tasks() == ["init", "plan", "apply"]
    said = capsys.readouterr().out
    assert "image: run test answers 10 generated rows as the champion does\nimage: pushed " in said
    assert said.endswith(f"service: {address} is ready, with run test\n")


def test_a_service_that_only_apps_beside_it_may_ask_is_not_waited_for(
    deployment: Deployment, poe: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    (deployment.root / "Dockerfile").unlink()
    endpoint = "https://churn.internal.redhill-1a2b3c4d.westeurope.azurecontainerapps.io"
    deployment.stands(endpoint=endpoint)
    poe("deploy", "--yes")
    said = capsys.readouterr().out
    assert f"service: {endpoint} stands, and answers only apps of its environment" in said
    assert "az containerapp revision list --name churn --resource-group churn" in said
    poe("destroy", "--yes")
    assert [line for line in deployment.calls() if "-var" in line] == []  # Terraform takes none that infra/ lacks


@pytest.mark.parametrize("status", [401, 403])
def test_a_service_that_lets_only_some_in_stands(status: int) -> None:
    class Closed(Quiet):
        def do_GET(self) -> None:
            self.send_error(status)

    with listening(Closed) as address:
        assert deploy.wait_until_ready(address) == f"{address} stands, and answers only those whom the cloud lets in"


def test_taking_down_shows_and_asks_and_a_ci_leaves_the_identities(
    deployment: Deployment, poe: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.stands()
    with pytest.raises(SystemExit, match=r"Nothing was done\."):
        poe("destroy", answer="no")
    said = capsys.readouterr().out
    assert "  - module.x.aws_s3_bucket.it\n" in said
    assert "data: kept, unless delete_data=true was applied" in said
    deployment.calls()
    poe("destroy", "--yes", "--keep-identities")
    assert [word for word in deployment.calls()[1].split() if word.startswith("-target")] == [
        f"-target=module.{name}" for name in ("alerts", "service", "registry", "storage")
    ]
    assert not deploy.founded()  # what is left is not taken for a registry
    poe("destroy", answer="yes")
    with pytest.raises(CloudError, match=r"Nothing of infra/ stands yet\. Make it: uv run poe deploy"):
        from_terraform()


def test_what_is_wrong_is_told_before_anything_is_planned(
    deployment: Deployment, poe: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(deployment.root / "infra/backend.hcl", 'bucket = ""\n')
    with pytest.raises(SystemExit, match=r"infra/backend\.hcl names no bucket for the state"):
        poe("plan")
    write(deployment.root / "infra/terraform.tfvars", 'region = "eu-centrall-1"\n')
    with pytest.raises(SystemExit, match=r"AWS has no region 'eu-centrall-1'\. There are: eu-central-1"):
        poe("deploy")
    (deployment.root / "infra/terraform.tfvars").unlink()
    deployment.stands()
    models.champion_file().unlink()
    with pytest.raises(CloudError, match=r"There is no champion to serve yet: uv run poe repro"):
        deploy.target(from_terraform())
    assert deployment.tasks() == []

    def interrupt(_: Settings) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("mlops_kit.cloud.aws.who", interrupt)
    with pytest.raises(SystemExit, match=r"^Interrupted\. Continue with: uv run poe destroy"):
        poe("destroy")


# It is interrupted twice by a terminal, and once by who started it: it saves, and ends by itself.
INTERRUPTED = """\
#!{python} -IS
import os, pathlib, signal, sys
def save(*_):
    pathlib.Path(__file__).with_suffix(".saved").touch()
    sys.exit(0)
signal.signal(signal.SIGINT, save)
os.kill(os.getppid(), signal.SIGINT)
os.kill(os.getppid(), signal.SIGINT)
while True:
    signal.pause()
"""


def test_terraform_ends_by_itself_however_often_it_is_interrupted(deployment: Deployment) -> None:
    write(deployment.programs / "terraform", "#!/bin/sh\necho no credentials >&2\nexit 3\n")
    with pytest.raises(CloudError, match=r"^`terraform init` failed: no credentials$"):
        terraform.initialise()
    with pytest.raises(CloudError, match=r"^`terraform apply` failed: see above"):
        terraform.run("apply")
    write(deployment.programs / "terraform", INTERRUPTED.format(python=sys.executable))
    with pytest.raises(CloudError, match=r"`terraform apply` was interrupted\. Continue with the same command"):
        terraform.run("apply")
    assert (deployment.programs / "terraform.saved").exists()
