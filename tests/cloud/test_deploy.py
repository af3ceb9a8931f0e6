"""Deploying shows, asks, pushes, applies what was shown, and waits; what is wrong is one sentence (L3 for the tasks).

`terraform` is a stand-in here, which writes down how it is called; what it would make is tested in test_infra.py. AWS
is moto, which knows who is logged in, and takes a CI's token. tests/kit/test_deploying.py has each answer and refusal.
"""

import json
import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ci.test_executed import npm_install
from tests.cloud.emulators import aws
from tests.cloud.terraform import OUTPUTS, TERRAFORM, want
from tests.conftest import PATIENCE, git
from tests.project.running import environment, first, with_answers
from tests.web import Quiet, listening

pytestmark = pytest.mark.long

ENGINE = """\
#!/usr/bin/env python3
import json, pathlib, sys
here = pathlib.Path(__file__).parent
with (here / "log").open("a") as log:
    log.write("docker " + " ".join(sys.argv[1:4]) + "\\n")
if sys.argv[1:3] == ["image", "inspect"]:
    labels = {"org.opencontainers.image.version": (here / "label").read_text()}
    print(json.dumps([dict(Config=dict(User="10001:10001", Labels=labels))]))
if sys.argv[1] == "build":
    (here / "label").write_text(next(w for w in sys.argv if w.startswith("VERSION=")).removeprefix("VERSION="))
if sys.argv[1] in ("manifest", "pull", "run"):
    sys.exit(1)
"""
# What a real Terraform can make here: two places, one of which cannot be made while there is a certain file.
MODULE = """\
resource "terraform_data" "it" {
  input = "%s"
  provisioner "local-exec" {
    command = "test ! -e %s"
  }
}
output "url" {
  value = terraform_data.it.output
}
"""
ROOT = """\
variable "image" {}
module "storage" {
  source = "./modules/storage"
}
module "registry" {
  source = "./modules/registry"
}
output "storage_url" {
  value = module.storage.url
}
output "artifacts_url" {
  value = "${module.storage.url}/mlflow"
}
output "region" {
  value = "eu-central-1"
}
output "image" {
  value = module.registry.url
}
resource "terraform_data" "service" {
  input = var.image
}
"""
TERRAFORM_IS_HERE = shutil.which("terraform") or shutil.which("tofu")
needs_terraform = pytest.mark.skipif(TERRAFORM_IS_HERE is None, reason="neither terraform nor tofu is on PATH")


@dataclass(frozen=True)
class Project:
    """A project on AWS, its stand-ins, and the log of how they were called."""

    folder: Path
    programs: Path
    env: dict[str, str]

    def poe(self, *task: str, answer: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        """A task, and what somebody types."""
        return subprocess.run(
            ["uv", "run", "poe", *task],
            cwd=self.folder,
            env={**self.env, **more},
            input=answer,
            capture_output=True,
            text=True,
        )

    def log(self) -> list[str]:
        """What was called since it was last asked."""
        path = self.programs / "log"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines


@pytest.fixture(scope="module")
def made(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project on AWS with a champion, and no image's test, which would need an engine."""
    answers = ["--data", "ci=github", "--data", "cloud=aws", "--data", "extras=[container]"]
    return with_answers(first(template, tmp_path_factory), tmp_path_factory.mktemp("deployed") / "churn", *answers)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What is in the environment of somebody who is logged in to AWS."""
    with aws(tmp_path_factory.mktemp("aws"), npm_install) as running:
        yield running.env


@pytest.fixture
def project(made: Path, store: dict[str, str], tmp_path: Path) -> Iterator[Project]:
    """The project as it was made, nothing of which stands, and stand-ins of the programs."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in (("terraform", TERRAFORM), ("docker", ENGINE)):
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)
    (made / "infra/backend.hcl").write_text('bucket = "state"\n', encoding="utf-8")
    want(programs, {})
    env = {**environment(), **store, "AWS_REGION": "eu-central-1"}
    env["PATH"] = f"{programs}:{env['PATH']}"
    yield Project(made, programs, env)
    shutil.rmtree(made / "infra", ignore_errors=True)  # with what a real Terraform has left there
    git("checkout", "--quiet", ".", cwd=made)
    git("clean", "--quiet", "--force", "-d", cwd=made)
    shutil.rmtree(made / ".cloud", ignore_errors=True)


def calls(project: Project) -> list[str]:
    """The first words of each call, without what only reads."""
    words = [line.split()[:2] for line in project.log()]
    return [
        " ".join(two) if two[0] == "docker" else two[0]
        for two in words
        if two[0] not in ("output", "show") and two[:2] != ["docker", "image"]
    ]


def test_ctrl_c_at_the_question_does_nothing_and_says_so(project: Project) -> None:
    pipe = subprocess.PIPE
    command, env = ["uv", "run", "poe", "deploy"], {**project.env, "PYTHONUNBUFFERED": "1"}
    asked = subprocess.Popen(
        command, cwd=project.folder, env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )
    assert asked.stdout
    told = ""
    while not told.endswith("[y/N] ") and (letter := asked.stdout.read(1)):
        told += letter
    os.killpg(asked.pid, signal.SIGINT)  # as a terminal does: to all that are in the foreground
    assert asked.wait(PATIENCE)  # its input stays open
    _, said = asked.communicate()
    assert "Nothing was done." in said
    assert "Traceback" not in said
    assert calls(project) == ["init", "plan"]


def test_a_deployment_whose_image_is_good_waits_until_the_service_is_ready(project: Project) -> None:
    without_trying_the_image(project)
    with service() as address:
        want(project.programs, {"endpoint": address})
        done = project.poe("deploy", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"service: {address} is ready, with run abc" in done.stdout
    # Each plan is applied as it was saved, and the image is where it belongs before the service asks for it.
    image = ["login", "pull", "build", "login", "manifest", "tag", "push"]  # the registry has none to pull
    assert calls(project) == ["init", "plan", "apply", "plan", *(f"docker {task}" for task in image), "apply"]


@needs_terraform
@pytest.mark.parametrize("stops", ["storage", "registry"])
def test_a_foundation_that_stopped_half_way_goes_on(project: Project, stops: str) -> None:
    (project.programs / "terraform").unlink()
    shutil.rmtree(project.folder / "infra")
    for name, stands in {"storage": "s3://churn-data", "registry": OUTPUTS["image"]}.items():
        module = project.folder / "infra/modules" / name
        module.mkdir(parents=True)
        (module / "main.tf").write_text(MODULE % (stands, project.programs / f"no-{name}"), encoding="utf-8")
    (project.folder / "infra/main.tf").write_text(ROOT, encoding="utf-8")
    (project.programs / f"no-{stops}").touch()

    stopped = project.poe("deploy", "--yes")
    assert stopped.returncode
    assert "`terraform apply` failed: see above." in stopped.stderr
    (project.programs / f"no-{stops}").unlink()
    # What was begun is made again, which is to say taken down first: that is asked.
    assert "first storage, registry and identities" in project.poe("plan").stdout
    done = project.poe("deploy", answer="y\ny\n")
    assert "Go on with: uv run poe deploy" in done.stderr, done.stdout + done.stderr  # the stand-in runs no image
    assert "storage_url: s3://churn-data\n" in (project.folder / "cloud.yaml").read_text(encoding="utf-8")


def test_what_is_edited_is_another_image_and_what_is_not_in_the_image_changes_nothing(project: Project) -> None:
    shutil.copy(project.programs / "wanted.json", project.programs / "outputs.json")
    source, new_one = project.folder / "src/churn/model.py", project.folder / "src/churn/more.py"
    committed = planned(project)
    (project.folder / "README.md").write_text("Another.\n", encoding="utf-8")
    assert planned(project) == committed
    seen = {committed}
    for text in ("# one\n", "# two\n"):
        with source.open("a", encoding="utf-8") as file:
            file.write(text)
        seen.add(planned(project))
    new_one.write_text("", encoding="utf-8")
    seen.add(planned(project))
    assert len(seen) == 4
    git("checkout", "--quiet", "src", cwd=project.folder)
    new_one.unlink()
    assert planned(project) == committed

    without_trying_the_image(project)
    with service() as address:
        want(project.programs, {"endpoint": address})
        done = project.poe("deploy", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    calls = project.log()
    (image,) = {word.split("=")[2] for line in calls for word in line.split() if word.startswith("-var=image=")}
    assert f"docker push {image}" in calls
    assert image not in seen
    assert planned(project) == image  # what the deployment has written into cloud.yaml is not in it


def planned(project: Project) -> str:
    """The image that `poe plan` would have run."""
    project.log()
    done = project.poe("plan")
    assert done.returncode == 0, done.stderr
    (plan,) = (line for line in project.log() if line.startswith("plan"))
    return next(word.removeprefix("-var=image=") for word in plan.split() if word.startswith("-var=image="))


def test_a_ci_whose_token_is_good_for_minutes_has_a_new_one_wherever_something_has_taken_long(project: Project) -> None:
    shutil.copy(project.programs / "wanted.json", project.programs / "outputs.json")
    assert project.poe("cloud-settings").returncode == 0
    without_trying_the_image(project)
    keyless = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "CI": "true"}
    with service() as address, github() as gives:
        want(project.programs, {"endpoint": address})
        assert project.poe("cloud-login", "--required", **keyless, **gives).returncode == 0
        logged_in = int((project.folder / ".cloud/token").read_text(encoding="utf-8"))
        done = project.poe("deploy", "--yes", **keyless, **gives)
    assert done.returncode == 0, done.stdout + done.stderr
    tokens = [line.split() for line in (project.programs / "tokens").read_text(encoding="utf-8").splitlines()]
    by = {task: [int(token) for name, token in tokens if name == task] for task in ("init", "apply", "output")}
    # Setup comes between the login and the first call, the image before the apply, the wait for the service after it.
    assert logged_in < by["init"][0] < by["apply"][0] < by["output"][-1]


def test_ci_takes_down_all_but_the_identities_as_one_that_may_and_it_can_be_made_again(project: Project) -> None:
    keyless = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "CI": "true", "CLOUD_ID_TOKEN": "a.b.c"}
    shutil.copy(project.programs / "wanted.json", project.programs / "outputs.json")
    assert project.poe("cloud-settings").returncode == 0
    text = (project.folder / "cloud.yaml").read_text(encoding="utf-8")
    (project.folder / "cloud.yaml").write_text(without(text, "destroy_identity"), encoding="utf-8")
    refused = project.poe("cloud-login", "--to-destroy", **keyless)
    assert refused.returncode
    assert "CI may not take anything down here. infra/README.md says how to let it (ci_may_destroy)" in refused.stderr
    (project.folder / "cloud.yaml").write_text(text, encoding="utf-8")
    project.log()

    stage = [task.split() for task in ("cloud-login --to-destroy", "destroy --yes --keep-identities")]
    told = ""
    for task in stage:
        done = project.poe(*task, **keyless)
        assert done.returncode == 0, done.stderr
        told += done.stdout
    assert "aws knows this job as arn:aws:sts::123456789012:assumed-role/churn-destroy/ci" in told
    (plan,) = (line for line in project.log() if line.startswith("plan"))
    assert [word for word in plan.split() if word.startswith("-target")] == [
        f"-target=module.{name}" for name in ("alerts", "service", "registry", "storage")
    ]
    # What is left is not taken for a registry: the next deployment begins at the beginning.
    assert "first storage, registry and identities" in project.poe("plan").stdout


def without(text: str, name: str) -> str:
    """cloud.yaml without one of its lines."""
    assert f"{name}:" in text
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(f"{name}:"))


def test_what_is_wrong_is_one_sentence_with_a_next_step(project: Project) -> None:
    nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}
    nobody |= {"AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere"}
    said = project.poe("plan", **nobody).stderr
    assert "You are not logged in to AWS. Log in: aws sso login" in said
    (project.folder / "infra/backend.hcl").write_text('bucket = ""\n', encoding="utf-8")
    said += project.poe("plan").stderr
    assert "infra/backend.hcl names no bucket for the state" in said
    (project.programs / "terraform").unlink()
    bare = [part for part in project.env["PATH"].split(":") if not Path(part, "terraform").exists()]
    said += project.poe("plan", PATH=":".join(bare)).stderr
    assert "Neither terraform nor tofu is on PATH. Install one" in said
    said += project.poe("cloud-settings", "--storage-url", "s3://churn-data", "--region", "eu-nowhere-1").stderr
    said += project.poe("cloud-check").stderr
    assert "AWS has no region 'eu-nowhere-1'. There are: eu-central-1" in said
    assert "Traceback" not in said


def test_a_region_that_aws_does_not_have_is_told_before_terraform_is_asked(project: Project) -> None:
    settings = project.folder / "infra/terraform.tfvars"
    text = settings.read_text(encoding="utf-8")
    assert 'region = "us-east-1"\n' in text
    settings.write_text(text.replace('region = "us-east-1"', 'region = "eu-centrall-1"'), encoding="utf-8")
    for task in ("plan", "deploy"):
        said = project.poe(task).stderr
        assert "AWS has no region 'eu-centrall-1'. There are: eu-central-1" in said
        assert "Traceback" not in said
    # Where it is not set, the default counts.
    settings.write_text(text.replace('region = "us-east-1"\n', ""), encoding="utf-8")
    variables = project.folder / "infra/variables.tf"
    given = variables.read_text(encoding="utf-8")
    variables.write_text(given.replace('"us-east-1"', '"us-eastt-1"'), encoding="utf-8")
    assert "AWS has no region 'us-eastt-1'" in project.poe("plan").stderr
    assert calls(project) == []


def test_a_cis_token_is_exchanged_and_every_task_has_what_came_of_it(project: Project) -> None:
    settings = ["cloud-settings", "--storage-url", "s3://churn-data", "--region", "eu-central-1"]
    assert project.poe(*settings).returncode == 0
    with (project.folder / "cloud.yaml").open("a", encoding="utf-8") as file:
        file.write("deploy_identity: arn:aws:iam::123456789012:role/churn-deploy\n")
    keyless = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "CI": "true"}

    # A fork's job has no token: it goes on without the bucket, and a release does not.
    done = project.poe("cloud-login", **keyless)
    assert done.returncode == 0, done.stderr
    assert "This job was given no identity token" in done.stdout
    assert (project.folder / ".cloud/env").read_text(encoding="utf-8") == "WITHOUT_REMOTE='1'\n"
    shutil.rmtree(project.folder / "data/raw")
    shutil.rmtree(project.folder / ".dvc/cache")
    assert "wrote the example" in project.poe("setup", **keyless).stdout
    refused = project.poe("cloud-login", "--required", **keyless)
    assert refused.returncode
    assert "was given no identity token" in refused.stderr

    done = project.poe("cloud-login", "--required", CLOUD_ID_TOKEN="a.b.c", **keyless)
    assert done.returncode == 0, done.stderr
    assert "aws knows this job as arn:aws:sts::123456789012:assumed-role/churn-deploy/ci" in done.stdout
    token = project.folder / ".cloud/token"
    assert token.read_text(encoding="utf-8") == "a.b.c"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert git("status", "--porcelain", "--", ".cloud", cwd=project.folder) == ""
    check = "import boto3; boto3.client('s3').create_bucket(Bucket='churn-data', CreateBucketConfiguration=dict("
    check += "LocationConstraint='eu-central-1'))"
    subprocess.run(["uv", "run", "python", "-c", check], cwd=project.folder, env=project.env, check=True)
    # By the token alone: DVC, in a process of its own.
    done = project.poe("push", **keyless)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "s3://churn-data answers" in done.stdout


def test_options_that_a_person_has_set_on_the_remote_stay(project: Project) -> None:
    settings = ["cloud-settings", "--storage-url", "s3://churn-data", "--region", "eu-central-1"]
    assert project.poe(*settings).returncode == 0
    theirs = ["uv", "run", "dvc", "remote", "modify", "storage", "endpointurl", "https://s3.example.com"]
    subprocess.run(theirs, cwd=project.folder, env=project.env, check=True)
    identity = ["--deploy-identity", "arn:aws:iam::123456789012:role/churn"]
    again = ["cloud-settings", "--storage-url", "s3://churn-other", "--region", "eu-west-1", *identity]
    assert project.poe(*again).returncode == 0
    config = (project.folder / ".dvc/config").read_text(encoding="utf-8")
    for line in ("url = s3://churn-other/dvc", "region = eu-west-1", "endpointurl = https://s3.example.com"):
        assert line in config
    assert config.count("remote = storage") == 1
    assert f"deploy_identity: {identity[1]}\n" in (project.folder / "cloud.yaml").read_text(encoding="utf-8")


def without_trying_the_image(project: Project) -> None:
    """The stand-in of the engine runs nothing, so that there is nothing to try out."""
    path = project.folder / "kit/src/mlops_kit/delivery/deploy.py"
    text = path.read_text(encoding="utf-8")
    assert '            say("image", test())\n' in text
    path.write_text(text.replace('            say("image", test())\n', ""), encoding="utf-8")


@contextmanager
def github() -> Iterator[dict[str, str]]:
    """GitHub, which gives a job a new token each time it is asked: 1001, 1002 and so on."""
    given = iter(range(1001, 2000))

    class Answers(Quiet):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"value": str(next(given))}).encode())

    with listening(Answers) as address:
        url = f"{address}/?api-version=2.0"
        yield {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "secret"}


@contextmanager
def service() -> Iterator[str]:
    """A service that is ready at the second question."""
    asked: list[str] = []

    class Answers(Quiet):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if len(asked) > 1 else 503)
            self.end_headers()
            self.wfile.write(b'{"status": "ready", "version": "abc"}')

    with listening(Answers) as address:
        yield address
