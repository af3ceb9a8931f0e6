"""Who is not logged in, or not let in, is told so in one sentence with the next step: by each cloud's own library."""

import os
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import uv

from tests.cloud.infra import CLOUDS, rendered
from tests.cloud.refusing import refusing
from tests.cloud.trust import USER

pytestmark = pytest.mark.long
PLACES = {
    "aws": "storage_url: s3://churn-data\nregion: eu-central-1\n",
    "gcp": "storage_url: gs://churn-data\n",
    "azure": "storage_url: azure://churn-data\nstorage_account: churn\n",
}
ASK = {
    "look": "provider().look(settings.required())",
    "who": "provider().who(settings.required())",
    "registry_login": "provider().registry_login(settings.required())",
}
LOGIN = {"in CI": "print(login.log_in(must=False))", "in CI, required": "login.log_in(must=True)"}
TELLING = """
import sys
from mlops_kit.cloud import CloudError, login, provider, settings
try:
    {}
except CloudError as error:
    sys.exit(str(error))
"""
# Nothing of the cloud is on this machine, and no machine of the cloud is asked: the libraries find out by themselves.
NOBODY = {
    "aws": {"AWS_EC2_METADATA_DISABLED": "true"},
    "gcp": {"NO_GCE_CHECK": "true"},
    "azure": {"AZURE_TOKEN_CREDENTIALS": "dev"},
}
ASK_GOOGLE = "gcloud auth application-default login"
LOG_IN = {
    "aws": "You are not logged in to AWS. Log in: aws sso login (the first time: aws configure sso)",
    "gcp": "You are not logged in to Google Cloud. Log in: gcloud auth application-default login",
    "azure": "You are not logged in to Azure. Log in: az login",
}
Ask = Callable[..., str]


@pytest.fixture(scope="module", params=CLOUDS)
def cloud(request: pytest.FixtureRequest) -> str:
    """Each cloud."""
    return str(request.param)


@pytest.fixture(scope="module")
def home(cloud: str, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project on it."""
    folder = tmp_path_factory.mktemp(cloud) / "churn"
    rendered(template, folder, cloud=cloud)
    return folder


@pytest.fixture(scope="module")
def ask(cloud: str, home: Path) -> Ask:
    """Ask something of a cloud's library as a project does, with nothing in the environment but what is given."""
    folder = home
    folder.joinpath("cloud.yaml").write_text(
        f"cloud: {cloud}\n{PLACES[cloud]}artifacts_url: x\nimage: registry.invalid/churn\n", encoding="utf-8"
    )
    library = tomllib.loads(folder.joinpath("kit/pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*library["optional-dependencies"][cloud], "pyyaml"]
    python = folder.parent / "environment/bin/python"
    command = str(uv.find_uv_bin())
    subprocess.run([command, "venv", "--quiet", str(python.parent.parent)], check=True)
    subprocess.run([command, "pip", "install", "--quiet", "--python", str(python), *wanted], check=True)

    def asked(what: str, **environment: str) -> str:
        home = {"HOME": str(folder.parent), "PATH": os.defpath, "PYTHONPATH": str(folder / "kit/src")}
        # Nobody outside: a proxy that does not exist would stop it.
        proxy = {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}
        script = [str(python), "-c", TELLING.format({**ASK, **LOGIN}.get(what, what))]
        done = subprocess.run(
            script, cwd=folder, env={**home, **proxy, **environment}, capture_output=True, text=True, timeout=120
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode or what not in ASK
        return (done.stderr if done.returncode else done.stdout).strip()

    return asked


@pytest.mark.parametrize("what", ASK)
def test_who_is_not_logged_in_is_told_how_to(cloud: str, ask: Ask, what: str) -> None:
    assert ask(what, **NOBODY[cloud]) == LOG_IN[cloud]


KEY = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.mark.parametrize("cloud", ["aws"], indirect=True)
def test_a_token_that_the_role_does_not_trust_is_not_taken_for_somebody_elses_bucket(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a.b.c", encoding="utf-8")
    role = "arn:aws:iam::123456789012:role/churn-deploy"
    job = {"AWS_ROLE_ARN": role, "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token")}
    for what in ASK:
        with refusing("sts") as closed:
            said = ask(what, **job, **closed, AWS_REGION="eu-central-1")
        assert said.startswith(
            f"AWS does not take this job's token for {role} (AccessDenied). Whose tokens it takes is"
        )
        assert "uv run poe deploy" in said


@pytest.mark.parametrize("cloud", ["aws"], indirect=True)
@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId", "InvalidAccessKeyId"])
def test_a_key_that_aws_does_not_know_any_more_names_the_login(ask: Ask, code: str) -> None:
    with refusing("aws" if code == "InvalidAccessKeyId" else "sts", code) as closed:
        said = ask("look" if code == "InvalidAccessKeyId" else "who", **KEY, **closed)
    assert (
        said
        == f"AWS does not take your credentials ({code}). Log in: aws sso login (the first time: aws configure sso)"
    )


@pytest.mark.parametrize("cloud", ["aws"], indirect=True)
def test_what_has_nothing_to_do_with_a_login_is_told_in_its_own_words(ask: Ask) -> None:
    unknown = "The config profile (team) could not be found. Set AWS_PROFILE, or: aws configure sso"
    assert [ask(what, AWS_PROFILE="team") for what in ASK] == [unknown] * 3
    odd = ask("look", **KEY, AWS_CA_BUNDLE="/nowhere.pem", AWS_ENDPOINT_URL="https://127.0.0.1:9", AWS_MAX_ATTEMPTS="1")
    assert odd.startswith("AWS gave an unexpected answer: ")
    assert "nowhere.pem" in odd or "Could not connect" in odd


@pytest.mark.parametrize("cloud", ["gcp"], indirect=True)
def test_a_variable_that_names_no_login_of_google_is_named(ask: Ask) -> None:
    for what in ASK:
        said = ask(what, **NOBODY["gcp"], GOOGLE_APPLICATION_CREDENTIALS="/nowhere.json")
        assert "/nowhere.json was not found" in said
        assert said.endswith("Correct GOOGLE_APPLICATION_CREDENTIALS, or unset it and log in: " + ASK_GOOGLE)


@pytest.mark.parametrize("cloud", ["azure"], indirect=True)
def test_what_azures_library_cannot_begin_with_is_told(ask: Ask) -> None:
    for what in ASK:
        said = ask(what, AZURE_FEDERATED_TOKEN_FILE="/nowhere")  # and no tenant
        assert said.startswith("Azure's library cannot log in with what the variables AZURE_* say: ")
    assert ask("look", AZURE_STORAGE_CONNECTION_STRING="churn").startswith("That is no address of a store of Azure: ")
    # It has all, and Azure cannot be reached.
    job = {"AZURE_TENANT_ID": USER, "AZURE_CLIENT_ID": USER, "AZURE_FEDERATED_TOKEN_FILE": __file__}
    assert ask("who", **job).startswith("Azure gave an unexpected answer: ")


def test_cloud_login_on_a_persons_machine_names_their_login_and_leaves_nothing(
    cloud: str, ask: Ask, home: Path
) -> None:
    written = home / ".cloud/env"
    for of_ci in ("in CI", "in CI, required", "login.log_in_to_destroy()"):
        written.parent.mkdir(exist_ok=True)
        written.write_text("WITHOUT_REMOTE='1'\n", encoding="utf-8")  # as an earlier version has left it
        login = LOG_IN[cloud].partition("Log in: ")[2]
        assert ask(of_ci, **NOBODY[cloud]) == f"cloud-login is for CI. On your own machine, log in with: {login}"
        assert not written.exists()


@pytest.mark.parametrize("cloud", ["aws"], indirect=True)
def test_a_bucket_without_an_identity_for_ci_is_left_alone_where_the_runner_has_no_login(
    cloud: str, ask: Ask, home: Path
) -> None:
    told = f"cloud.yaml names no deploy_identity. {LOG_IN[cloud]} Or name one: uv run poe cloud-settings --storage-url "
    for ci in ({"CI": "true"}, {"JENKINS_URL": "https://jenkins.example.com"}):
        assert ask("in CI", **ci, **NOBODY[cloud]).startswith(told)
        assert (home / ".cloud/env").read_text(encoding="utf-8") == "WITHOUT_REMOTE='1'\n"
        (home / ".cloud/env").unlink()
        assert ask("in CI, required", **ci, **NOBODY[cloud]).startswith(told)
        assert not (home / ".cloud/env").exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("cloud: [", "while parsing a flow node"),
        ("", "it has no settings"),
        ("- aws", "it has no settings"),
        ("cloud: aws\nstorage_url: s3://b\nartifacts_url: s3://b/mlflow\nbucket: b\n", "bucket is no setting"),
        ("cloud: aws\nstorage_url: s3://b\n", "artifacts_url is missing"),
        ("<<<<<<< ours\ncloud: aws\n", "mapping values are not allowed"),
        (b"cloud: \xff\xfe", "codec can't decode"),
    ],
)
@pytest.mark.parametrize("cloud", ["aws"], indirect=True)
def test_a_broken_cloud_yaml_is_one_sentence(text: str | bytes, reason: str, ask: Ask, home: Path) -> None:
    file = home / "cloud.yaml"
    before = file.read_bytes()
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    said = ask("settings.required()")
    file.write_bytes(before)
    assert said.startswith("cloud.yaml cannot be read: ")
    assert reason in said
    assert "Restore it: git checkout HEAD -- cloud.yaml" in said
    assert "\n" not in said


@pytest.mark.parametrize("cloud", ["azure"], indirect=True)
def test_a_person_on_azure_is_not_taken_for_cis_identity(ask: Ask, home: Path) -> None:
    with (home / "cloud.yaml").open("a", encoding="utf-8") as file:
        file.write(f"deploy_identity: {USER}\nidentity_provider: {USER}\n")
    # Logged in: Entra ID is not asked here.
    who = "provider().access_token = lambda scope: 'token'; print(provider().who(settings.required()))"
    assert ask(who) == "you"
    assert ask(who, AZURE_FEDERATED_TOKEN_FILE="token", AZURE_CLIENT_ID="the-job") == "the-job"


def test_the_identity_of_a_ci_for_a_bucket_of_ones_own_is_written_down(cloud: str, ask: Ask) -> None:
    given = {"deploy_identity": "ci", "identity_provider": "" if cloud == "aws" else "trusting"}
    url, account = re.findall(r": (\w+://.*)", PLACES[cloud])[0], "churn" if cloud == "azure" else ""
    made = f"made = settings.from_address({url!r}, {account!r}, **{given}); settings.check(made)"
    asked = f"{made}; print(made.deploy_identity, made.identity_provider)"
    assert ask(asked) == f"ci {given['identity_provider']}".strip()
    if cloud != "aws":
        alone = f"settings.check(settings.from_address({url!r}, {account!r}, deploy_identity='ci'))"
        assert ask(alone).endswith("--identity-provider NAME")
