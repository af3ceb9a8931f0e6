"""No secret is needed: each cloud trusts the tokens of each CI, those of main alone. All twelve pairs."""

import re
import shutil
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.infra import CIS, CLOUDS, modules, rendered
from tests.cloud.trust import (
    ORG,
    SETTINGS,
    USER,
    Token,
    ask_terraform,
    aws_admits,
    azure_admits,
    gcp_admits,
    of_destroy,
    of_main,
    policy,
    strangers,
)

pytestmark = pytest.mark.long
TERRAFORM = shutil.which("terraform") or shutil.which("tofu")
needs_terraform = pytest.mark.skipif(TERRAFORM is None, reason="neither terraform nor tofu is on PATH")
AUDIENCES = {
    "aws": "sts.amazonaws.com",
    "gcp": "https://iam.googleapis.com/projects/123456/locations/global/workloadIdentityPools/churn-ci/providers/",
    "azure": "api://AzureADTokenExchange",
}
VENDORS = {
    "github": "docs.github.com",
    "gitlab": "docs.gitlab.com",
    "circleci": "circleci.com/docs",
    "jenkins": "plugins.jenkins.io/oidc-provider",
}
CLOUD_PAGES = {"aws": "docs.aws.amazon.com", "gcp": "cloud.google.com", "azure": "learn.microsoft.com"}


@pytest.fixture(scope="module")
def folders(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """infra/ of every pair."""
    return {
        (cloud, ci): rendered(template, tmp_path_factory.mktemp(f"{cloud}-{ci}") / "churn", cloud=cloud, ci=ci)
        for cloud, ci in product(CLOUDS, CIS)
    }


@pytest.fixture(params=list(product(CLOUDS, CIS)), ids="-".join)
def pair(request: pytest.FixtureRequest, folders: dict[tuple[str, str], Path]) -> tuple[str, str, Path]:
    """A cloud, a CI, and their infra/."""
    cloud, ci = request.param
    return cloud, ci, folders[cloud, ci]


def test_each_pair_cites_its_documentation(pair: tuple[str, str, Path]) -> None:
    cloud, ci, infra = pair
    assert VENDORS[ci] in (infra / "ci.tf").read_text(encoding="utf-8")
    assert CLOUD_PAGES[cloud] in (infra / "modules/identity/trust.tf").read_text(encoding="utf-8")


def test_each_pair_asks_for_audience_and_subject(pair: tuple[str, str, Path]) -> None:
    cloud, _, infra = pair
    text = modules(infra)["identity"].text
    wanted = {
        "aws": [r"local\.issuer\}:aud", r"local\.issuer\}:sub"],
        "gcp": [r"allowed_audiences\s*=", r"attribute_condition\s*="],
        "azure": [r"audience\s*=", r"subject\s*="],
    }
    for pattern in wanted[cloud]:
        assert re.search(pattern, text), pattern


@needs_terraform
def test_only_tokens_of_main_are_taken(pair: tuple[str, str, Path], tmp_path: Path) -> None:
    cloud, ci, infra = pair
    admits = ADMITS[cloud](infra, tmp_path / "ci", settings(cloud, ci), "identity")
    token = of_main(ci, AUDIENCES[cloud] + (ci if cloud == "gcp" else ""))
    assert admits(token)
    for stranger in strangers(ci, token):
        assert not admits(stranger), stranger


@needs_terraform
def test_only_the_job_that_takes_things_down_is_taken_for_that(pair: tuple[str, str, Path], tmp_path: Path) -> None:
    cloud, ci, infra = pair
    destroys = ADMITS[cloud](infra, tmp_path / "ci", settings(cloud, ci), "destroy")
    audience = AUDIENCES[cloud] + (ci if cloud == "gcp" else "")
    token = of_destroy(ci, audience)
    assert destroys(token)
    for stranger in strangers(ci, token):
        assert not destroys(stranger), stranger
    if ci == "github":  # the others say no more than that the job is of main
        assert not ADMITS[cloud](infra, tmp_path / "ci", settings(cloud, ci), "identity")(token)
        assert not destroys(of_main(ci, audience))


def test_nobody_takes_anything_down_until_somebody_says_so(pair: tuple[str, str, Path]) -> None:
    _, _, infra = pair
    root = modules(infra)[""]
    assert root.named("variable")["ci_may_destroy"]["default"] is False
    assert root.named("module")["destroy"]["count"] == "${var.ci_may_destroy ? 1 : 0}"


def settings(cloud: str, ci: str) -> dict[str, Any]:
    """What a person fills in for a pair."""
    users = {"ci_users": [USER]} if (cloud, ci) == ("azure", "circleci") else {}
    return {**SETTINGS[ci], **users}


# What each cloud says to a token that wants to be somebody: `identity` has the one who deploys, `destroy` the one who
# takes things down.
TRUSTED = {"identity": "local.trust", "destroy": "local.trust_to_destroy"}


def of_aws(infra: Path, folder: Path, given: dict[str, Any], who: str) -> Callable[[Token], bool]:
    """What AWS says to a token."""
    trust = ask_terraform(str(TERRAFORM), infra, folder, given, TRUSTED[who])
    values = {"var.trust.audience": trust["audience"], "var.trust.subject": trust["subject"], "var.provider_arn": "arn"}
    values |= {
        "local.issuer": trust["issuer"].removeprefix("https://"),
        "local.provider_arn": "arn",
    }
    document = policy(modules(infra)[who].block("aws_iam_policy_document", "trust"), values)
    return lambda token: aws_admits(document, trust["issuer"], token)


def of_gcp(infra: Path, folder: Path, given: dict[str, Any], who: str) -> Callable[[Token], bool]:
    """What Google Cloud says to a token where both are let in: the pool takes it, and the account is its."""
    provider = modules(infra)["identity"].block("google_iam_workload_identity_pool_provider", "ci")
    assert provider["attribute_condition"] == "${local.condition}"
    assert provider["oidc"][0]["allowed_audiences"] == ["${local.audience}"]
    # Where both show the same tokens, they are written once.
    apart = TRUSTED["destroy"] in (infra / "main.tf").read_text(encoding="utf-8")
    to_destroy = f"{TRUSTED['destroy' if apart else 'identity']}.subject"
    subject_of = {"identity": "local.trust.subject", "destroy": to_destroy}[who]
    wanted = f"[local.trust.issuer, local.audience, local.condition, {subject_of}]"
    issuer, audience, condition, subject = ask_terraform(str(TERRAFORM), infra, folder, given, wanted, to_destroy)
    member = modules(infra)[who].block("google_service_account_iam_member", "ci")["member"]
    anybody = member.startswith("principalSet://") and member.endswith("/*")
    assert anybody or re.search(r"^principal://.*/subject/\$\{var\.(trust\.)?subject\}$", member)
    return lambda token: gcp_admits(issuer, audience, condition, token) and (anybody or token.sub == subject)


def of_azure(infra: Path, folder: Path, given: dict[str, Any], who: str) -> Callable[[Token], bool]:
    """What Azure says to a token."""
    credential = modules(infra)[who].block("azurerm_federated_identity_credential", "ci")
    assert {name: credential[name] for name in ("for_each", "issuer", "audience", "subject")} == {
        "for_each": "${var.trust.subjects}",
        "issuer": "${var.trust.issuer}",
        "audience": ["${var.trust.audience}"],
        "subject": "${each.value}",
    }
    trust = ask_terraform(str(TERRAFORM), infra, folder, given, TRUSTED[who])
    return lambda token: azure_admits(trust, token)


ADMITS = {"aws": of_aws, "gcp": of_gcp, "azure": of_azure}


@needs_terraform
@pytest.mark.parametrize("ci", CIS)
def test_settings_that_are_not_filled_in_are_named(
    ci: str, folders: dict[tuple[str, str], Path], tmp_path: Path
) -> None:
    for name, value in settings("azure", ci).items():
        empty = {**settings("azure", ci), name: type(value)()}
        with pytest.raises(AssertionError, match=rf"{name} (is|has) .*[Ss]et (it|them) in terraform\.tfvars\."):
            ask_terraform(str(TERRAFORM), folders["azure", ci], tmp_path / "ci", empty)


@needs_terraform
@pytest.mark.parametrize(("cloud", "like"), [("aws", "eu-central-1"), ("gcp", "europe-west1"), ("azure", "westeurope")])
def test_what_is_no_region_is_told_before_anything_is_made(
    cloud: str, like: str, folders: dict[tuple[str, str], Path], tmp_path: Path
) -> None:
    shutil.copy(folders[cloud, "github"] / "variables.tf", tmp_path)
    account = {"azure": {"subscription_id": ORG}, "gcp": {"project_id": "example-project"}}.get(cloud, {})
    (tmp_path / "region.tf").write_text("locals {\n  region = var.region\n}\n", encoding="utf-8")
    given = {**account, **SETTINGS["github"], "region": like}
    assert ask_terraform(str(TERRAFORM), folders[cloud, "github"], tmp_path, given, "local.region") == like
    # Of AWS's, one that looks like a region is told by `poe plan` and `poe deploy`: tests/cloud/test_deploy.py.
    misspelt = {"gcp": ["europe-west99"], "azure": ["westeurop"]}.get(cloud, [])
    for wrong in ("Frankfurt am Main", *misspelt):
        with pytest.raises(AssertionError, match=f"region is the name of a.* region.*such as {like}"):
            ask_terraform(
                str(TERRAFORM), folders[cloud, "github"], tmp_path, {**given, "region": wrong}, "local.region"
            )


@needs_terraform
def test_a_github_environment_takes_the_branchs_place(folders: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    for cloud in CLOUDS:
        given = {**settings(cloud, "github"), "ci_environment": "production"}
        trust = ask_terraform(str(TERRAFORM), folders[cloud, "github"], tmp_path / cloud, given)
        assert "repo:example@12/churn@345:environment:production" in str(trust)
        assert "refs/heads/main" not in str(trust)
