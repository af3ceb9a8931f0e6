"""The policies of infra/ for AWS, taken by moto's IAM and S3 and enforced by them as far as they go."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count

from tests.cloud.infra import Module, modules, rendered
from tests.cloud.trust import policy

pytestmark = pytest.mark.long
ACCOUNT, REGION = "123456789012", "eu-central-1"
BUCKET = f"churn-{ACCOUNT}-{REGION}"
ISSUER = "https://token.actions.githubusercontent.com"
VALUES = {
    "aws_s3_bucket.this.arn": f"arn:aws:s3:::{BUCKET}",
    "var.bucket_arn": f"arn:aws:s3:::{BUCKET}",
    "var.repository_arn": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/churn",
    "var.name": "churn",
    "var.region": REGION,
    "var.account": ACCOUNT,
    "var.bucket": BUCKET,
    "var.state_bucket": "example-state",
    "var.state_key": "churn/terraform.tfstate",
    "local.issuer": ISSUER.removeprefix("https://"),
    "var.trust.audience": "sts.amazonaws.com",
    "var.trust.subject": "repo:example/churn:ref:refs/heads/main",
    "var.provider_arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER[8:]}",
    "local.provider_arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER[8:]}",
    "aws_iam_role.service.arn": f"arn:aws:iam::{ACCOUNT}:role/churn-service",
    "aws_iam_role.execution.arn": f"arn:aws:iam::{ACCOUNT}:role/churn-execution",
}


@pytest.fixture(scope="module")
def parts(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Module]:
    """infra/ for AWS and GitHub."""
    return modules(rendered(template, tmp_path_factory.mktemp("aws") / "churn", cloud="aws", ci="github"))


def document(module: Module, name: str) -> dict[str, Any]:
    """A policy document as JSON."""
    return policy(module.block("aws_iam_policy_document", name), VALUES)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, parts: dict[str, Module]) -> Iterator[None]:
    """An account with the bucket, the state's bucket, and the roles as rendered."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        s3, iam = boto3.client("s3"), boto3.client("iam")
        for bucket in (BUCKET, "example-state", "somebody-elses"):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        iam.create_open_id_connect_provider(Url=ISSUER, ClientIDList=["sts.amazonaws.com"])
        identity = parts["identity"]
        # What one module gives another by the root.
        given = {f"{name}_policy": document(identity, name) for name in ("plan", "state")}
        for module in (identity, parts["destroy"]):
            for role in module.blocks:
                if role.type == "aws_iam_role":
                    trust = document(module, "tasks" if role.name in ("service", "execution") else "trust")
                    iam.create_role(RoleName=f"churn-{role.name}", AssumeRolePolicyDocument=json.dumps(trust))
            for block in module.blocks:
                if block.type == "aws_iam_role_policy":
                    owner, named = block.body["role"].split(".")[1], block.body["policy"].strip("${}").split(".")
                    text = json.dumps(given[named[1]] if named[0] == "var" else document(module, named[2]))
                    iam.put_role_policy(RoleName=f"churn-{owner}", PolicyName=block.name, PolicyDocument=text)
        yield


def assumed(role: str, service: str = "s3") -> Any:
    """A service as a role sees it, from CI's token on."""
    given = boto3.client("sts").assume_role_with_web_identity(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/churn-{role}", RoleSessionName="ci", WebIdentityToken="token"
    )["Credentials"]
    return boto3.client(
        service,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


def refused(call: Any, **arguments: Any) -> bool:
    """Whether a call is denied."""
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"] in ("AccessDenied", "403")
    return False


def test_the_deploy_identity_reaches_its_own_data_and_no_more(aws: None) -> None:
    s3 = assumed("deploy")

    @set_initial_no_auth_action_count(0)
    def as_it_is_allowed() -> None:
        s3.put_object(Bucket=BUCKET, Key="dvc/files/md5/00/11", Body=b"rows")
        assert s3.get_object(Bucket=BUCKET, Key="dvc/files/md5/00/11")["Body"].read() == b"rows"
        s3.put_object(Bucket=BUCKET, Key="mlflow/1/model.skops", Body=b"model")
        s3.put_object(Bucket="example-state", Key="churn/terraform.tfstate", Body=b"{}")
        s3.delete_object(Bucket="example-state", Key="churn/terraform.tfstate.tflock")
        assert refused(s3.put_object, Bucket=BUCKET, Key="elsewhere", Body=b"")
        assert refused(s3.put_object, Bucket="example-state", Key="other/terraform.tfstate", Body=b"{}")
        assert refused(s3.get_object, Bucket="somebody-elses", Key="dvc/x")
        assert refused(s3.delete_bucket, Bucket=BUCKET)

    as_it_is_allowed()


def test_ci_may_wait_until_its_own_service_is_steady(parts: dict[str, Module]) -> None:
    # wait_for_steady_state asks ECS how the deployment goes that an update has started. moto does not know these two.
    assert parts["service"].block("aws_ecs_service", "this")["wait_for_steady_state"]
    watched = {"ecs:DescribeServiceDeployments", "ecs:ListServiceDeployments"}
    may = [row for row in document(parts["identity"], "deploy")["Statement"] if watched & set(row["Action"])]
    assert [set(row["Action"]) for row in may] == [watched]
    own = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
    assert set(may[0]["Resource"]) == {f"{own}:service/churn/churn", f"{own}:service-deployment/churn/churn/*"}


def test_who_takes_things_down_deletes_its_own_bucket_and_makes_nothing(aws: None) -> None:
    s3 = assumed("destroy")
    boto3.client("s3").put_object(Bucket=BUCKET, Key="dvc/x", Body=b"rows")

    @set_initial_no_auth_action_count(0)
    def as_it_is_allowed() -> None:
        assert refused(s3.put_object, Bucket=BUCKET, Key="dvc/x", Body=b"others")
        assert refused(s3.get_object, Bucket=BUCKET, Key="dvc/x")
        assert refused(s3.put_bucket_policy, Bucket=BUCKET, Policy="{}")
        assert refused(s3.delete_bucket, Bucket="somebody-elses")
        assert refused(s3.delete_bucket, Bucket="example-state")
        assert refused(s3.put_object, Bucket="example-state", Key="other/terraform.tfstate", Body=b"{}")
        s3.put_object(Bucket="example-state", Key="churn/terraform.tfstate", Body=b"{}")
        s3.delete_object(Bucket=BUCKET, Key="dvc/x")
        s3.delete_bucket(Bucket=BUCKET)

    as_it_is_allowed()
    identities = assumed("destroy", "iam")

    @set_initial_no_auth_action_count(0)
    def as_it_is_refused() -> None:
        assert refused(identities.delete_role, RoleName="churn-destroy")
        assert refused(identities.delete_role_policy, RoleName="churn-destroy", PolicyName="destroy")
        assert refused(
            identities.put_role_policy, RoleName="churn-destroy", PolicyName="more", PolicyDocument=json.dumps({})
        )

    as_it_is_refused()


def test_the_service_reads_models_and_no_more(aws: None) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key="mlflow/1/model.skops", Body=b"model")
    boto3.client("s3").put_object(Bucket=BUCKET, Key="dvc/rows", Body=b"rows")
    s3 = assumed("service")

    @set_initial_no_auth_action_count(0)
    def as_it_is_allowed() -> None:
        assert s3.get_object(Bucket=BUCKET, Key="mlflow/1/model.skops")["Body"].read() == b"model"
        assert refused(s3.put_object, Bucket=BUCKET, Key="mlflow/1/model.skops", Body=b"another")
        assert refused(s3.get_object, Bucket=BUCKET, Key="dvc/rows")

    as_it_is_allowed()


def test_iam_takes_the_trust_as_it_is_written(aws: None) -> None:
    trust = boto3.client("iam").get_role(RoleName="churn-deploy")["Role"]["AssumeRolePolicyDocument"]
    (statement,) = trust["Statement"]
    assert statement["Action"] == ["sts:AssumeRoleWithWebIdentity"]
    assert statement["Principal"] == {"Federated": [VALUES["local.provider_arn"]]}
    host = VALUES["local.issuer"]
    assert statement["Condition"]["StringEquals"] == {
        f"{host}:aud": ["sts.amazonaws.com"],
        f"{host}:sub": [VALUES["var.trust.subject"]],
    }


def test_s3_takes_the_buckets_settings_and_its_policy(aws: None, parts: dict[str, Module]) -> None:
    s3, storage = boto3.client("s3"), parts["storage"]
    versioning = storage.block("aws_s3_bucket_versioning", "this")["versioning_configuration"][0]
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": versioning["status"]})
    for body in (b"1", b"2"):
        s3.put_object(Bucket=BUCKET, Key="dvc/x", Body=body)
    assert len(s3.list_object_versions(Bucket=BUCKET)["Versions"]) == 2
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(document(storage, "bucket")))
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", ["s3:*"])
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": ["false"]}}
    # moto's S3 looks at no condition, so it takes every request for one without TLS: the denial reaches each of them.
    for call, given in ((s3.get_object, {}), (s3.put_object, {"Body": b"3"})):
        with pytest.raises(ClientError, match=r"403|AccessDenied|Forbidden"):
            call(Bucket=BUCKET, Key="dvc/x", **given)
