"""Without a login or rights in a cloud, one sentence names the reason and the next step, by the cloud's own library.

A CI's job becomes whom cloud.yaml names, by its own token alone.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from mlops_kit.cloud import CloudError, login, provider, settings
from mlops_kit.ground import Project, output_of, using

from tests.cloud.refusing import refusing
from tests.conftest import git
from tests.kit import clouds
from tests.kit.clouds import KEYS, ROLE, TOKEN, answering
from tests.kit.projects import copied, write

USER = "33333333-0000-4000-8000-333333333333"
PLACES = {
    "aws": "storage_url: s3://churn-data\nregion: eu-central-1\n",
    "gcp": "storage_url: gs://churn-data\n",
    "azure": "storage_url: azure://churn-data\nstorage_account: churn\n",
}
ASK: dict[str, Callable[[], object]] = {
    "look": lambda: provider().look(settings.required()),
    "who": lambda: provider().who(settings.required()),
    "registry_login": lambda: provider().registry_login(settings.required()),
}
# Nothing of the cloud is on this machine, and no machine of the cloud is asked: the libraries find out by themselves.
NOBODY = {
    "aws": {"AWS_EC2_METADATA_DISABLED": "true"},
    "gcp": {"NO_GCE_CHECK": "true"},
    "azure": {"AZURE_TOKEN_CREDENTIALS": "dev"},
}
ASK_GOOGLE = "gcloud auth application-default login"
LOG_IN = {
    "aws": "You are not logged in to AWS. Log in: aws sso login (the first time: aws configure sso)",
    "gcp": f"You are not logged in to Google Cloud. Log in: {ASK_GOOGLE}",
    "azure": "You are not logged in to Azure. Log in: az login",
}
on = pytest.mark.parametrize
AWS = on("cloud", ["aws"])


@pytest.fixture(params=PLACES)
def cloud(request: pytest.FixtureRequest) -> str:
    """Each cloud."""
    return str(request.param)


@pytest.fixture
def home(cloud: str, project: Project, tmp_path: Path) -> Iterator[Path]:
    """A project on it, with a bucket."""
    here = replace(copied(project, tmp_path / "churn", "params.yaml"), cloud=cloud)
    write(here.root / "cloud.yaml", f"cloud: {cloud}\n{PLACES[cloud]}artifacts_url: x\nimage: registry.invalid/churn\n")
    with using(here):
        yield here.root


@contextmanager
def machine(home: Path, **variables: str) -> Iterator[None]:
    """A machine with nothing on it but these variables. Nobody outside is asked: a proxy that is not there stops it."""
    bare = {"HOME": str(home.parent), "PATH": os.defpath}
    proxy = {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}
    with mock.patch.dict(os.environ, {**bare, **proxy, **variables}, clear=True):
        yield


def refused(home: Path, what: Callable[[], object], **variables: str) -> str:
    """The sentence that ends it on such a machine."""
    with machine(home, **variables), pytest.raises(CloudError) as told:
        what()
    return str(told.value)


# --- logins ----------------------------------------------------------------------------------------------------------


@on("what", ASK)
def test_who_is_not_logged_in_is_told_how_to(cloud: str, home: Path, what: str) -> None:
    assert refused(home, ASK[what], **NOBODY[cloud]) == LOG_IN[cloud]


@AWS
def test_a_token_that_the_role_does_not_trust_is_not_taken_for_somebody_elses_bucket(home: Path) -> None:
    (home / "token").write_text(TOKEN, encoding="utf-8")
    job = {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(home / "token"), "AWS_REGION": "eu-central-1"}
    for what in ASK.values():
        with refusing("sts") as closed:
            said = refused(home, what, **job, **closed)
        assert said.startswith(
            f"AWS does not take this job's token for {ROLE} (AccessDenied). Whose tokens it takes is"
        )
        assert "uv run poe deploy" in said


@AWS
@on("code", ["ExpiredToken", "InvalidClientTokenId", "InvalidAccessKeyId"])
def test_a_key_that_aws_does_not_know_any_more_names_the_login(home: Path, code: str) -> None:
    of_the_bucket = code == "InvalidAccessKeyId"
    with refusing("aws" if of_the_bucket else "sts", code) as closed:
        said = refused(home, ASK["look" if of_the_bucket else "who"], **KEYS, **closed)
    assert said == f"AWS does not take your credentials ({code}). {LOG_IN['aws'].partition('. ')[2]}"


@AWS
def test_what_has_nothing_to_do_with_a_login_is_told_in_its_own_words(home: Path) -> None:
    unknown = "The config profile (team) could not be found. Set AWS_PROFILE, or: aws configure sso"
    assert [refused(home, what, AWS_PROFILE="team") for what in ASK.values()] == [unknown] * 3
    away = {"AWS_CA_BUNDLE": "/nowhere.pem", "AWS_ENDPOINT_URL": "https://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    odd = refused(home, ASK["look"], **KEYS, **away)
    assert odd.startswith("AWS gave an unexpected answer: ")
    assert "nowhere.pem" in odd or "Could not connect" in odd
    write(home / "cloud.yaml", (home / "cloud.yaml").read_text(encoding="utf-8").replace("central", "centrall"))
    assert refused(home, ASK["who"]).startswith("AWS has no region 'eu-centrall-1'. There are: eu-central-1, ")


@on("cloud", ["gcp"])
def test_a_variable_that_names_no_login_of_google_is_named(home: Path) -> None:
    for what in ASK.values():
        said = refused(home, what, **NOBODY["gcp"], GOOGLE_APPLICATION_CREDENTIALS="/nowhere.json")
        assert "/nowhere.json was not found" in said
        assert said.endswith("Correct GOOGLE_APPLICATION_CREDENTIALS, or unset it and log in: " + ASK_GOOGLE)
    job = provider().environment(replace(settings.required(), identity_provider=USER), login.keep(TOKEN))
    said = refused(home, ASK["registry_login"], **job)
    assert said.startswith("Google Cloud does not let you in: ")


@on("cloud", ["azure"])
def test_what_azures_library_cannot_begin_with_is_told(home: Path) -> None:
    for what in ASK.values():
        said = refused(home, what, AZURE_FEDERATED_TOKEN_FILE="/nowhere")  # and no tenant
        assert said.startswith("Azure's library cannot log in with what the variables AZURE_* say: ")
    said = refused(home, ASK["look"], AZURE_STORAGE_CONNECTION_STRING="churn")
    assert said.startswith("That is no address of a store of Azure: ")
    # It has all, and Azure cannot be reached.
    job = {"AZURE_TENANT_ID": USER, "AZURE_CLIENT_ID": USER, "AZURE_FEDERATED_TOKEN_FILE": __file__}
    assert refused(home, ASK["who"], **job).startswith("Azure gave an unexpected answer: ")


@on("cloud", ["azure"])
def test_a_person_on_azure_is_not_taken_for_cis_identity(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (home / "cloud.yaml").open("a", encoding="utf-8") as file:
        file.write(f"deploy_identity: {USER}\nidentity_provider: {USER}\n")
    monkeypatch.setattr(provider(), "access_token", lambda _: "token")  # logged in: Entra ID is not asked here
    with machine(home):
        assert ASK["who"]() == "you"
    with machine(home, AZURE_FEDERATED_TOKEN_FILE="token", AZURE_CLIENT_ID="the-job"):
        assert ASK["who"]() == "the-job"


@on("cloud", ["azure"])
def test_a_registry_of_azure_that_does_not_answer_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider(), "access_token", lambda _: "token")
    identify(home, identity_provider=USER)
    registry = replace(settings.required(), image="127.0.0.1:9/churn")
    said = refused(home, lambda: provider().registry_login(registry))
    assert said.startswith("127.0.0.1:9 does not answer: ")


# --- buckets ---------------------------------------------------------------------------------------------------------


def test_a_bucket_answers_or_is_missing_or_is_somebody_elses(cloud: str, home: Path) -> None:
    with answering() as there, machine(home, **KEYS, **there):
        assert login.check() == f"{settings.required().storage_url} answers"
    code = {"aws": "NoSuchBucket"}.get(cloud, "AccessDenied")
    with refusing(cloud, code, status=404) as empty:
        said = refused(home, login.check, **KEYS, **empty)
    assert "'churn-data'. Create it (uv run poe deploy), or correct " in said
    with refusing(cloud) as theirs:
        said = refused(home, login.check, **KEYS, **theirs)
    assert "does not let you use the " in said
    assert "'churn-data': it belongs to another " in said
    assert "See who you are: " in said
    with refusing(cloud, "Gone", status=410) as odd:
        assert "gave an unexpected answer: " in refused(home, login.check, **KEYS, **odd)


@AWS
def test_a_bucket_of_another_region_is_told(home: Path) -> None:
    with refusing("aws", "PermanentRedirect", status=400) as elsewhere:
        said = refused(home, login.check, **KEYS, **elsewhere)
    assert said == "The bucket 'churn-data' is in another region than 'eu-central-1'. Correct it in cloud.yaml."


@on(
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
@AWS
def test_a_broken_cloud_yaml_is_one_sentence(text: str | bytes, reason: str, home: Path) -> None:
    (home / "cloud.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    said = refused(home, settings.required)
    assert said.startswith("cloud.yaml cannot be read: ")
    assert reason in said
    assert "Restore it: git checkout HEAD -- cloud.yaml" in said
    assert "\n" not in said


@AWS
def test_settings_of_another_cloud_or_none_say_what_to_do(home: Path, project: Project) -> None:
    write(home / "cloud.yaml", "cloud: gcp\nstorage_url: gs://b\nartifacts_url: gs://b/mlflow\n")
    with pytest.raises(CloudError, match=r"cloud\.yaml is of gcp, the project is on aws\. Bring back what is there"):
        settings.required()
    (home / "cloud.yaml").unlink()
    with pytest.raises(CloudError, match=r"There is no cloud\.yaml yet\. Write it: uv run poe cloud-settings"):
        settings.required()
    with using(project), pytest.raises(CloudError, match="This project is on no cloud"):
        provider()


# --- a CI's job ------------------------------------------------------------------------------------------------------


def of_ci(home: Path) -> str:
    """What the tasks that follow read."""
    return (home / ".cloud/env").read_text(encoding="utf-8")


def identify(home: Path, **more: str) -> None:
    """Let cloud.yaml name whom a CI becomes."""
    with (home / "cloud.yaml").open("a", encoding="utf-8") as file:
        file.writelines(f"{name}: {value}\n" for name, value in more.items())


def test_cloud_login_on_a_persons_machine_names_their_login_and_leaves_nothing(cloud: str, home: Path) -> None:
    how = LOG_IN[cloud].partition("Log in: ")[2]
    for log_in in (lambda: login.log_in(must=False), lambda: login.log_in(must=True), login.log_in_to_destroy):
        write(home / ".cloud/env", "WITHOUT_REMOTE='1'\n")  # as an earlier version has left it
        said = refused(home, log_in, **NOBODY[cloud])
        assert said == f"cloud-login is for CI. On your own machine, log in with: {how}"
        assert not (home / ".cloud/env").exists()


@AWS
def test_a_bucket_without_an_identity_for_ci_is_left_alone_where_the_runner_has_no_login(home: Path) -> None:
    told = f"cloud.yaml names no deploy_identity. {LOG_IN['aws']} Or name one: uv run poe cloud-settings --storage-url "
    assert refused(home, lambda: login.log_in(must=True), CI="true", **NOBODY["aws"]).startswith(told)
    assert not (home / ".cloud/env").exists()
    with machine(home, JENKINS_URL="https://jenkins.example.com", **NOBODY["aws"]):
        assert login.log_in(must=False).startswith(told)
    assert of_ci(home) == "WITHOUT_REMOTE='1'\n"
    (home / ".cloud/env").unlink()
    with answering() as there, machine(home, CI="true", **KEYS, **there):
        assert "the runner's own login is used" in login.log_in(must=True)
    (home / "cloud.yaml").unlink()
    with machine(home, CI="true"):
        assert "nothing of the cloud is used" in login.log_in(must=True)
    assert not (home / ".cloud/env").exists()


@AWS
def test_a_job_becomes_whom_cloud_yaml_names_and_a_fork_goes_on_without(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    identify(home, deploy_identity=ROLE)

    def log_in(*options: str, **variables: str) -> str:
        monkeypatch.setattr("sys.argv", ["login", "login", *options])
        with answering() as there, machine(home, CI="true", **there, **variables):
            login.main()
        return capsys.readouterr().out

    assert "This job was given no identity token, as is right for a fork. The bucket is left alone" in log_in()
    assert of_ci(home) == "WITHOUT_REMOTE='1'\n"
    with pytest.raises(SystemExit, match="was given no identity token"):
        log_in("--required")
    known = "cloud: aws knows this job as arn:aws:sts::123456789012:assumed-role/churn-{}/ci\n"
    assert log_in("--required", CLOUD_ID_TOKEN=TOKEN) == known.format("deploy")
    token = home / ".cloud/token"
    assert token.read_text(encoding="utf-8") == TOKEN
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert {f"AWS_ROLE_ARN='{ROLE}'", f"AWS_WEB_IDENTITY_TOKEN_FILE='{token}'"} <= set(of_ci(home).splitlines())
    with pytest.raises(SystemExit, match=r"CI may not take anything down here\. infra/README\.md says how to let it"):
        log_in("--to-destroy", CLOUD_ID_TOKEN=TOKEN)
    identify(home, destroy_identity=ROLE.replace("deploy", "destroy"))
    assert log_in("--to-destroy", CLOUD_ID_TOKEN=TOKEN) == known.format("destroy")


def test_a_token_of_githubs_is_for_this_cloud_and_renewed_where_it_was_used(cloud: str, home: Path) -> None:
    identify(home, deploy_identity="churn@example.com", identity_provider="projects/1/providers/github")
    audience = provider().AUDIENCE + ("projects/1/providers/github" if cloud == "gcp" else "")
    found, token = settings.required(), home / ".cloud/token"
    with answering() as there, machine(home, **there):
        assert login.identity_token(found) == ""  # without the permission to ask
        os.environ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = clouds.SECRET
        login.renew(found)
        assert not token.exists()
        login.keep(login.identity_token(found))
        assert token.read_text(encoding="utf-8") == f"{audience} 0"
        login.renew(found)
        assert token.read_text(encoding="utf-8") == f"{audience} 1"
    away = {"ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:9/?", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": clouds.SECRET}
    assert refused(home, lambda: login.renew(found), **away).startswith("GitHub gives no identity token: ")


def test_each_clouds_library_finds_the_token_and_whom_the_job_becomes(cloud: str, home: Path) -> None:
    given = replace(settings.required(), deploy_identity="deployer", identity_provider=USER, account="mine")
    variables = provider().environment(given, login.keep(TOKEN))
    with machine(home, **{name: value for name, value in variables.items() if value}):
        assert LIBRARIES[cloud]() == (TOKEN, "deployer")


def of_botocore() -> tuple[str, str]:
    """The token and the role that AWS's library would exchange."""
    from botocore.session import Session

    chain = Session().get_component("credential_provider").get_provider("assume-role-with-web-identity")
    return Path(chain._get_config("web_identity_token_file")).read_text(encoding="utf-8"), chain._get_config("role_arn")


def of_google() -> tuple[str, str]:
    """The same of Google's: the service account."""
    import google.auth

    found: Any = google.auth.default()[0]
    return found.retrieve_subject_token(None), found.service_account_email


def of_azure() -> tuple[str, str]:
    """The same of Azure's: the client."""
    found = provider().credential()
    return found._get_service_account_token(), found._client._client_id


LIBRARIES = {"aws": of_botocore, "gcp": of_google, "azure": of_azure}


# --- where the project is --------------------------------------------------------------------------------------------


def test_the_identity_of_a_ci_for_a_bucket_of_ones_own_is_written_down(cloud: str, home: Path) -> None:
    before = settings.required()
    trusting = {"identity_provider": "" if cloud == "aws" else "trusting"}
    made = settings.from_address(f"{before.storage_url}/", before.storage_account, deploy_identity="ci", **trusting)
    settings.check(made)
    assert made.storage_url == before.storage_url
    place = "wasbs://churn-data@churn.blob.core.windows.net" if cloud == "azure" else made.storage_url
    assert made.artifacts_url == f"{place}/mlflow"
    if cloud != "aws":
        with pytest.raises(CloudError, match=r"--identity-provider NAME$"):
            settings.check(replace(made, identity_provider=""))
    if cloud == "azure":
        with pytest.raises(CloudError, match=r"--storage-account NAME$"):
            settings.check(replace(made, storage_account=""))
    for wrong in ("ftp://churn-data", made.storage_url.partition("//")[0] + "//"):
        with pytest.raises(CloudError, match=f"'{wrong}' is no storage of {cloud}. Write it as "):
            settings.check(replace(made, storage_url=wrong))


@AWS
def test_settings_are_written_beside_a_teams_remote_and_leaving_brings_that_back(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def settle(*words: str) -> None:
        monkeypatch.setattr("sys.argv", ["settings", *words])
        settings.main()

    (home / "cloud.yaml").unlink()
    git("init", "--quiet", cwd=home)
    shared = "[core]\n    remote = shared\n['remote \"shared\"']\n    url = ../../store\n"
    taken = "['remote \"storage\"']\n    url = ../../elsewhere\n"
    write(home / ".dvc/config", shared + taken)
    bucket = ["settings", "--storage-url", "s3://churn-data", "--region", "eu-central-1", "--deploy-identity", ROLE]
    with pytest.raises(SystemExit, match="Give yours another name: uv run dvc remote rename storage NAME"):
        settle(*bucket)
    assert not (home / "cloud.yaml").exists()
    write(home / ".dvc/config", "[core\n")
    with pytest.raises(
        SystemExit, match=r"DVC's configuration cannot be read: .* at line 1\. Find the fix: uv run poe doctor"
    ):
        settle(*bucket)
    assert not (home / "cloud.yaml").exists()
    write(home / ".dvc/config", shared)
    settle(*bucket)
    assert output_of("dvc", "config", "remote.storage.region") == "eu-central-1"
    text = (home / "cloud.yaml").read_text(encoding="utf-8")
    assert f"deploy_identity: {ROLE}\ndefault_remote: shared\n" in text
    settled = (home / ".dvc/config").read_text(encoding="utf-8")
    settle(*bucket)
    assert (home / ".dvc/config").read_text(encoding="utf-8") == settled
    settle(*bucket, "--region", "eu-west-1")
    assert (home / ".dvc/config").read_text(encoding="utf-8") == settled.replace("eu-central-1", "eu-west-1")
    settle("leave")
    assert "shared is DVC's default again" in capsys.readouterr().out
    assert (home / ".dvc/config").read_text(encoding="utf-8") == shared
    assert not (home / "cloud.yaml").exists()
