"""No secret is needed: each cloud trusts the tokens of each CI, those of main alone. All twelve pairs."""

import re
import shutil
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.infra import CIS, CLOUDS, modules, rendered
from tests.cloud.trust import SETTINGS, ask_terraform, aws_admits, of_main, policy, strangers

pytestmark = pytest.mark.long
TERRAFORM = shutil.which("terraform") or shutil.which("tofu")
needs_terraform = pytest.mark.skipif(TERRAFORM is None, reason="neither terraform nor tofu is on PATH")
AUDIENCES = {"aws": "sts.amazonaws.com"}
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
    trust = ask_terraform(str(TERRAFORM), infra / "ci.tf", tmp_path / "ci", settings(cloud, ci))
    token = of_main(ci, AUDIENCES[cloud])
    assert admits(cloud, infra, trust, token)
    for stranger in strangers(ci, token):
        assert not admits(cloud, infra, trust, stranger), stranger


def settings(cloud: str, ci: str) -> dict[str, Any]:
    """What a person fills in for a pair."""
    return SETTINGS[ci]


def admits(cloud: str, infra: Path, trust: dict[str, Any], token: Any) -> bool:
    """Whether the cloud lets a token in."""
    identity = modules(infra)["identity"]
    values = {"var.trust.audience": trust["audience"], "var.trust.subject": trust["subject"]}
    values |= {
        "local.issuer": trust["issuer"].removeprefix("https://"),
        "aws_iam_openid_connect_provider.ci.arn": "arn",
    }
    return aws_admits(policy(identity.block("aws_iam_policy_document", "trust"), values), trust["issuer"], token)


@needs_terraform
def test_settings_that_are_not_filled_in_are_named(pair: tuple[str, str, Path], tmp_path: Path) -> None:
    cloud, ci, infra = pair
    for name, value in settings(cloud, ci).items():
        empty = {**settings(cloud, ci), name: type(value)()}
        with pytest.raises(AssertionError, match=r"terraform\.tfvars"):
            ask_terraform(str(TERRAFORM), infra / "ci.tf", tmp_path / "ci", empty)


@needs_terraform
def test_a_github_environment_takes_the_branchs_place(folders: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    for cloud in CLOUDS:
        given = {**settings(cloud, "github"), "ci_environment": "production"}
        trust = ask_terraform(str(TERRAFORM), folders[cloud, "github"] / "ci.tf", tmp_path / cloud, given)
        assert "repo:example@12/churn@345:environment:production" in str(trust)
        assert "refs/heads/main" not in str(trust)
