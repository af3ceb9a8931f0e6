"""What a real Terraform does with infra/, from apply to destroy: stand-ins take the resources' places."""

import re
import shutil
from pathlib import Path

import pytest

from tests.cloud.infra import CLOUDS, Module, modules, rendered
from tests.cloud.standins import Terraform, stand_in
from tests.cloud.trust import ORG, SETTINGS, ask_terraform

TERRAFORM = shutil.which("terraform") or shutil.which("tofu") or ""
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not TERRAFORM, reason="neither terraform nor tofu is on PATH"),
]
APPLY = ("apply", "-auto-approve")
DESTROY = ("destroy", "-auto-approve")


@pytest.fixture(scope="module")
def parts(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Module]]:
    """infra/ of each cloud, with GitHub."""
    return {
        cloud: modules(rendered(template, tmp_path_factory.mktemp(cloud) / "churn", cloud=cloud, ci="github"))
        for cloud in CLOUDS
    }


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_destroy_that_stops_at_data_has_taken_nothing_of_the_storage(
    cloud: str, parts: dict[str, dict[str, Module]], tmp_path: Path
) -> None:
    storage = parts[cloud]["storage"]
    people = {"people": ["somebody"]} if cloud == "azure" else {}
    terraform = stand_in(TERRAFORM, storage, tmp_path / "infra", delete_data=False, **people)
    terraform.must(*APPLY)
    stopped = terraform.run(*DESTROY)
    assert stopped.returncode
    assert "the data is kept: apply delete_data=true first" in stopped.stdout + stopped.stderr
    assert terraform.destroyed() == []
    terraform.must(*APPLY, "-var", "delete_data=true")
    terraform.must(*DESTROY)
    resources = {f"{b.type}_{b.name}" for b in storage.blocks if b.kind == "resource" and b.type != "terraform_data"}
    assert set(terraform.destroyed()) == resources
    # The bucket's or account's settings go before it: the stand-ins keep the order of the resources.
    last = {"aws": "aws_s3_bucket_this", "gcp": "google_storage_bucket_this", "azure": "azurerm_storage_account_this"}
    assert terraform.destroyed()[-1] == last[cloud]


def test_a_second_project_of_an_aws_account_neither_makes_nor_destroys_the_provider(
    parts: dict[str, dict[str, Module]], tmp_path: Path
) -> None:
    assert parts["aws"][""].named("module")["identity"]["provider_arn"] == "${var.ci_provider_arn}"
    theirs = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    provider = "aws_iam_openid_connect_provider_ci"
    for given, destroyed in (("", [provider]), (theirs, [])):
        folder = tmp_path / f"with-{bool(given)}"
        known = {"provider_arn": given, "state_bucket": ""}
        terraform = stand_in(TERRAFORM, parts["aws"]["identity"], folder, **known)
        terraform.must(*APPLY)
        terraform.must(*DESTROY)
        assert [name for name in terraform.destroyed() if name == provider] == destroyed
    # The project that created it gives it up, as infra/README.md says.
    first = stand_in(TERRAFORM, parts["aws"]["identity"], tmp_path / "first", provider_arn="", state_bucket="")
    first.must(*APPLY)
    (command,) = re.findall(
        r"`terraform -chdir=infra (state rm) module\.identity\.(\w+)\.(ci)`",
        (parts["aws"][""].folder / "README.md").read_text(),
    )
    first.must(*command[0].split(), f"terraform_data.{command[1]}_{command[2]}")
    first.must(*APPLY, "-var", f"provider_arn={theirs}")
    first.must(*DESTROY)
    assert provider not in first.destroyed()
    # Both roles trust the one that is named.
    identity = parts["aws"]["identity"]
    trusted = identity.block("aws_iam_policy_document", "trust")["statement"][0]["principals"][0]["identifiers"]
    assert trusted == [identity.named("output")["provider_arn"]["value"]] == ["${local.provider_arn}"]
    assert evaluated(terraform, identity.locals["provider_arn"], provider_arn=theirs) == theirs


def evaluated(terraform: Terraform, expression: str, **variables: str) -> str:
    """An expression of the templates, where there is nothing but variables."""
    (terraform.folder / "main.tf").write_text("", encoding="utf-8")
    without_resources = re.sub(r"\baws_\w+\.\w+\[0\]\.\w+", '""', expression)
    return str(terraform.value(f'"{without_resources}"', **variables))


def test_two_subscriptions_of_a_tenant_have_roles_of_different_names(
    parts: dict[str, dict[str, Module]], tmp_path: Path
) -> None:
    terraform = Terraform(TERRAFORM, tmp_path)
    groups = [f"/subscriptions/{number * 8}-0000-0000-0000-000000000000/resourceGroups/churn" for number in ("1", "2")]
    names = {
        evaluated(terraform, role["name"], name="churn", group_id=group)
        for part, label in (("identity", "deploy"), ("destroy", "destroy"))
        for role in [parts["azure"][part].block("azurerm_role_definition", label)]
        for group in groups
    }
    assert len(names) == 4
    assert all(re.fullmatch(r"churn-(deploy|destroy)-[0-9a-f]{8}", name) for name in names)


def test_a_name_that_google_reserves_is_not_asked_for(parts: dict[str, dict[str, Module]], tmp_path: Path) -> None:
    # Ids of pools have 4 to 32 characters and do not begin with gcp-.
    infra = parts["gcp"][""].folder
    for name, pool in {"gcp-churn": "ci-gcp-churn", "churn": "churn-ci", "a": "a-ci"}.items():
        told = ask_terraform(TERRAFORM, infra, tmp_path / name, SETTINGS["github"], "local.pool", name=name)
        assert told == pool


@pytest.mark.parametrize(
    ("project", "name"),
    [("fox", "fox-ml"), ("a", "a-ml"), ("churn", "churn"), ("a-very-long-name-of-2", "a-very-long-name-of")],
)
def test_a_short_name_is_made_longer_on_azure_or_refused(
    project: str, name: str, template: Path, tmp_path: Path
) -> None:
    # A Log Analytics workspace has at least 4 characters, a Container App no double hyphen.
    infra = rendered(template, tmp_path / project, project_name=project, cloud="azure", ci="github")
    settings = {"subscription_id": ORG, **SETTINGS["github"]}
    asked = tmp_path / "asked"
    asked.mkdir()
    shutil.copy(infra / "variables.tf", asked)
    (asked / "named.tf").write_text("locals {\n  named = var.name\n}\n", encoding="utf-8")
    assert ask_terraform(TERRAFORM, infra, asked, settings, "local.named") == name
    for wrong in ("fox", "two--hyphens", "abcd-", "a" * 21):
        with pytest.raises(AssertionError, match="name starts with a letter and has 4 to 20"):
            ask_terraform(TERRAFORM, infra, asked, {**settings, "name": wrong}, "local.named")
