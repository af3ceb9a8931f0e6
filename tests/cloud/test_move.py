"""A project leaves the laptop for each cloud and comes back: data, models, registry and edits are all there (L3).

The object stores are emulators that speak the clouds' protocols; the commands are those of docs/cloud.md.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ci.test_executed import npm_install
from tests.cloud.emulators import EMULATORS, Emulator
from tests.cloud.refusing import refusing
from tests.conftest import git, mlops
from tests.project.running import environment, first, link_environment, with_answers

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def local(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project on a laptop: a champion, and lines that somebody wrote."""
    answers = ["--data", "ci=none", "--data", "serving=none", "--data", "extras=[]"]
    folder = with_answers(first(template, tmp_path_factory), tmp_path_factory.mktemp("laptop") / "churn", *answers)
    for name in ("README.md", "params.yaml", "pyproject.toml"):
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write("\n# mine\n")
    git("commit", "--quiet", "--all", "--no-verify", "--message", "mine", cwd=folder)
    return folder


@dataclass(frozen=True)
class Moved:
    """A project, the store that it goes to, and how its tasks are run."""

    folder: Path
    store: Emulator

    def run(self, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        """A command in the project, as its user types it."""
        env = {**environment(), **self.store.env, **more}
        return subprocess.run(["uv", "run", *command], cwd=self.folder, env=env, capture_output=True, text=True)

    def must(self, *command: str) -> str:
        """The same; it has to succeed."""
        done = self.run(*command)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def mlops(self, *command: str) -> None:
        """A change of the answers, committed."""
        done = mlops(*command, "--offline", cwd=self.folder)
        assert done.returncode == 0, done.stdout + done.stderr
        self.commit(" ".join(command))

    def commit(self, message: str) -> None:
        """Everything as it is."""
        git("add", "--all", cwd=self.folder)
        git("commit", "--quiet", "--no-verify", "--message", message, cwd=self.folder)


@pytest.fixture
def moved(request: pytest.FixtureRequest, local: Path, tmp_path: Path) -> Iterator[Moved]:
    """The project in a copy of its own, and a cloud's store that has one empty bucket."""
    folder = tmp_path / "churn"
    shutil.copytree(local, folder, ignore=shutil.ignore_patterns(".venv"), symlinks=True)
    link_environment(local, folder)
    with EMULATORS[request.param](tmp_path, npm_install) as store:
        yield Moved(folder, store)


# The way back is the same from all: from one in each run, from all in a run of full size.
@pytest.mark.parametrize(
    "moved",
    [name if name == "aws" else pytest.param(name, marks=pytest.mark.soak) for name in EMULATORS],
    indirect=True,
)
def test_a_project_moves_to_a_cloud_and_back(moved: Moved) -> None:
    registry, champion = moved.must("poe", "status"), (moved.folder / "champion.yaml").read_text(encoding="utf-8")
    shared = go(moved)
    come_back(moved, shared)
    after = moved.must("poe", "status")
    assert all(line in after for line in registry.splitlines() if "champion" in line)
    assert (moved.folder / "champion.yaml").read_text(encoding="utf-8") == champion


# Data and models alone. The whole way, for these clouds too, is a soak case of the test above.
@pytest.mark.parametrize("moved", [name for name in EMULATORS if name != "aws"], indirect=True)
def test_a_project_moves_to_a_cloud(moved: Moved) -> None:
    moved.mlops("add", moved.store.cloud)
    moved.must("poe", "cloud-settings", "--storage-url", moved.store.url, *moved.store.options)
    moved.commit("settings")
    moved.must("python", "-c", moved.store.make)
    bring_data(moved)


def go(moved: Moved) -> str:
    """From the laptop to the cloud, by way of each mistake that a person can make; how DVC was configured before."""
    shared = configure(moved)
    be_refused(moved)
    moved.must("python", "-c", moved.store.make)
    assert "nothing found" in moved.must("poe", "doctor", "--only", "remote")
    bring_data(moved)
    train_there(moved)
    return shared


def configure(moved: Moved) -> str:
    """Settings for the store, beside the remotes that a team has; how DVC was configured before."""
    cloud, folder = moved.store.cloud, moved.folder
    # A team's folder, as docs/leave-the-laptop.md has it; and a remote of the name that the bucket will have.
    moved.must("dvc", "remote", "add", "--default", "shared", "../store")
    moved.must("dvc", "push")
    shared = (folder / ".dvc/config").read_text(encoding="utf-8")
    moved.must("dvc", "remote", "add", "storage", "../elsewhere")
    moved.commit("shared")

    moved.mlops("add", cloud)
    missing = moved.run("poe", "push")
    assert missing.returncode
    assert "There is no cloud.yaml yet. Write it: uv run poe cloud-settings" in missing.stderr
    taken = moved.run("poe", "cloud-settings", "--storage-url", moved.store.url, *moved.store.options)
    assert taken.returncode
    assert "Give yours another name: uv run dvc remote rename storage NAME" in taken.stderr
    assert not (folder / "cloud.yaml").exists()
    moved.must("dvc", "remote", "rename", "storage", "mine")
    moved.must("poe", "cloud-settings", "--storage-url", moved.store.url, *moved.store.options)
    moved.must("poe", "cloud-settings", "--storage-url", moved.store.url, *moved.store.options)  # again: the same
    assert "default_remote: shared\n" in (folder / "cloud.yaml").read_text(encoding="utf-8")
    moved.must("dvc", "remote", "remove", "mine")
    moved.commit("settings")
    return shared


def be_refused(moved: Moved) -> None:
    """There is no bucket yet, then it is somebody else's: each is said, with the next step."""
    cloud = moved.store.cloud
    assert moved.must("python", "-c", WEB_IDENTITY + LIBRARIES[cloud]).strip() == "a.b.c deployer"
    no_bucket = moved.run("poe", "push")
    assert no_bucket.returncode
    assert "Create it (uv run poe deploy)" in no_bucket.stderr
    assert "Traceback" not in no_bucket.stderr
    found = moved.run("poe", "doctor", "--only", "remote")
    assert f"the bucket of the remote storage, {moved.store.url}/dvc, is not there" in found.stdout, found.stdout
    assert "uv run poe deploy" in found.stdout
    with refusing(cloud) as theirs:
        refused = moved.run("poe", "cloud-check", **theirs)
        advised = moved.run("poe", "doctor", "--only", "remote", **theirs)
    assert LOGIN[cloud] in advised.stdout, advised.stdout
    assert refused.returncode
    assert re.search(r"does not let you use the (bucket|container) 'churn-data': it belongs to another", refused.stderr)
    assert "See who you are: " in refused.stderr
    assert "Traceback" not in refused.stderr


def bring_data(moved: Moved) -> None:
    """Push, lose everything, pull."""
    folder = moved.folder
    # A push that stopped after the raw data: the rest is brought, and what has arrived is not sent again.
    first = pushed(moved.must("dvc", "push", "data/raw.dvc"))
    rest = pushed(moved.must("poe", "push"))
    wipe(folder)
    assert f"{first + rest} files fetched" in moved.must("dvc", "pull")
    assert "up to date" in moved.must("dvc", "status")
    assert "in sync" in moved.must("dvc", "status", "--cloud")
    assert git("status", "--porcelain", cwd=folder) == ""


def train_there(moved: Moved) -> None:
    """A model that is trained here: MLflow keeps its files in the bucket, and gives them back."""
    edit(moved.folder / "params.yaml", "learning_rate: 0.1", "learning_rate: 0.06")
    moved.must("poe", "repro")
    assert "registered as version 2" in moved.must("poe", "register")
    stored = moved.must("python", "-c", moved.store.files).split()
    assert any(name.startswith("mlflow/") and name.endswith("MLmodel") for name in stored), stored[:20]
    fetched = moved.must("python", "-c", FETCH).split()
    assert fetched[0] == fetched[1]


def come_back(moved: Moved, shared: str) -> None:
    """From the cloud to the folder that the team shared before."""
    cloud, folder = moved.store.cloud, moved.folder
    moved.commit("a challenger")
    moved.must("poe", "push")
    wipe(folder)
    left = moved.must("poe", "cloud-leave")
    assert "commit that, then: mlops remove" in left
    assert "shared is DVC's default again. Bring there what is new: uv run dvc push --all-commits" in left
    moved.commit("the project leaves the cloud")
    moved.mlops("remove", cloud)
    assert 'cloud = "none"' in (folder / "pyproject.toml").read_text(encoding="utf-8")
    assert not (folder / "cloud.yaml").exists()
    assert (folder / ".dvc/config").read_text(encoding="utf-8") == shared
    moved.must("dvc", "push", "--all-commits")
    wipe(folder)
    assert "version 1, in" in moved.must("poe", "setup")
    moved.must("dvc", "pull")
    assert "up to date" in moved.must("dvc", "status")
    for name in ("README.md", "params.yaml", "pyproject.toml"):
        assert "# mine" in (folder / name).read_text(encoding="utf-8")


# A login that expires: no key that lasts.
LOGIN = {"aws": "aws sso login", "gcp": "gcloud auth application-default login", "azure": "az login"}
# What `poe cloud-login` writes, and what the cloud's own library makes of it, before it asks anybody.
WEB_IDENTITY = """
import os
from dataclasses import replace
from mlops_kit.cloud import login, provider, settings
told = replace(settings.required(), deploy_identity="deployer", identity_provider="11111111-2222", account="a")
os.environ.update(provider().environment(told, login.keep("a.b.c")))
"""
LIBRARIES = {
    "aws": """
from botocore.session import Session
provider = Session().get_component("credential_provider").get_provider("assume-role-with-web-identity")
print(open(provider._get_config("web_identity_token_file")).read(), provider._get_config("role_arn"))
""",
    "gcp": """
import google.auth
found, _ = google.auth.default()
print(found.retrieve_subject_token(None), found.service_account_email)
""",
    "azure": """
from azure.identity import WorkloadIdentityCredential
found = WorkloadIdentityCredential()
print(found._get_service_account_token(), found._client._client_id)
""",
}
FETCH = """
import tempfile, mlflow
from pathlib import Path
from mlops_kit import models
version = models.client().get_model_version("churn", "2")
mlflow.set_tracking_uri(models.tracking_uri())
with tempfile.TemporaryDirectory() as folder:
    path = Path(mlflow.artifacts.download_artifacts("models:/churn/2", dst_path=folder))
    (path / "registered_model_meta").unlink(missing_ok=True)
    print(version.tags["model_md5"], models.folder_md5(path))
"""


def pushed(said: str) -> int:
    """How many files a push says that it sent."""
    found = re.search(r"(\d+) files? pushed", said)
    assert found, said
    return int(found[1])


def wipe(folder: Path) -> None:
    """A disk that lost everything but git: DVC's cache and what it keeps."""
    for name in (".dvc/cache", "model", "data/raw", "data/prepared", "plots"):
        shutil.rmtree(folder / name, ignore_errors=True)


def edit(path: Path, old: str, new: str) -> None:
    """One change by hand."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
