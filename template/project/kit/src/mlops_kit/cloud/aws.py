"""What is AWS's own: how to log in, what its answers mean, and what costs money while it stands."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_kit.cloud import CloudError
from mlops_kit.ground.cloud_file import Settings

if TYPE_CHECKING:
    from boto3 import Session

LOG_IN = "aws sso login (the first time: aws configure sso)"
# What says that somebody has to log in: errors of the library, and codes of AWS, where a key is old or unknown.
LOGGED_OUT = (
    *("NoCredentialsError", "PartialCredentialsError", "NoAuthTokenError", "TokenRetrievalError"),
    *("SSOTokenLoadError", "UnauthorizedSSOTokenError", "LoginRefreshRequired", "LoginTokenLoadError"),
)
OLD_KEY = (
    *("ExpiredToken", "ExpiredTokenException", "InvalidToken", "InvalidClientTokenId", "UnrecognizedClientException"),
    *("InvalidAccessKeyId", "SignatureDoesNotMatch"),
)
# The audience that AWS expects in a CI's token:
# https://docs.github.com/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws
AUDIENCE = "sts.amazonaws.com"
COSTS = {
    "aws_apigatewayv2_api": "per request",
    "aws_cloudwatch_log_group": "per GB written and kept",
    "aws_cloudwatch_metric_alarm": "a fixed sum a month",
    "aws_ecr_repository": "per GB a month",
    "aws_ecs_service": "per core and GB, for each hour that an instance runs",
    "aws_s3_bucket": "per GB a month and per request",
    "aws_service_discovery_private_dns_namespace": "a fixed sum a month",
}


def environment(settings: Settings, token: Path) -> dict[str, str]:
    """What boto3, DVC, MLflow and Terraform read; they exchange the token by sts:AssumeRoleWithWebIdentity.

    https://docs.aws.amazon.com/sdkref/latest/guide/access-assume-role-web.html
    """
    return dict(
        AWS_ROLE_ARN=settings.deploy_identity,
        AWS_WEB_IDENTITY_TOKEN_FILE=str(token),
        AWS_ROLE_SESSION_NAME="ci",
        AWS_REGION=settings.region,
        AWS_DEFAULT_REGION=settings.region,
    )


def who(settings: Settings) -> str:
    """Who is logged in. Raises CloudError where nobody is, or AWS does not let them in."""
    with explaining(settings):
        session = session_in(settings.region)
        return str(session.client("sts", region_name=settings.region or "us-east-1").get_caller_identity()["Arn"])


def look(settings: Settings) -> None:
    """Ask the bucket for a file. Raises CloudError where it does not answer."""
    with explaining(settings):
        session = session_in(settings.region)
        session.client("s3", region_name=settings.region or None).list_objects_v2(Bucket=bucket(settings), MaxKeys=1)


def bucket(settings: Settings) -> str:
    """The bucket's name."""
    return settings.storage_url.removeprefix("s3://").split("/")[0]


def session_in(region: str) -> Session:
    """A session of AWS's library. Raises CloudError for a region that AWS does not have."""
    import boto3

    session = boto3.Session()
    known = session.get_available_regions("s3")
    if region and region not in known:
        near = [name for name in known if name.split("-")[0] == region.split("-")[0]] or known
        raise CloudError(f"AWS has no region {region!r}. There are: {', '.join(near)}. Set it in infra/ or cloud.yaml.")
    return session


@contextmanager
def explaining(settings: Settings) -> Iterator[None]:
    """Raise CloudError, in words, for whatever AWS or its library says in here."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise explained(error, settings) from None


def explained(error: Exception, settings: Settings) -> CloudError:
    """What an error of AWS means here, and what to do."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__)
    said = " ".join(str(error).split())
    asked = getattr(error, "operation_name", "")
    name = bucket(settings)
    if asked == "AssumeRoleWithWebIdentity":
        return CloudError(
            f"AWS does not take this job's token for {os.environ.get('AWS_ROLE_ARN')} ({code}). Whose tokens it takes "
            "is in infra/ci.tf, which a person applies (uv run poe deploy)."
        )
    if code == "ProfileNotFound":
        return CloudError(f"{said}. Set AWS_PROFILE, or: aws configure sso")
    if code in LOGGED_OUT:
        return CloudError(f"You are not logged in to AWS. Log in: {LOG_IN}")
    if code in OLD_KEY:
        return CloudError(f"AWS does not take your credentials ({code}). Log in: {LOG_IN}")
    if code in ("NoSuchBucket", "404"):
        return CloudError(f"AWS has no bucket {name!r}. Create it (uv run poe deploy), or correct it in cloud.yaml.")
    if code == "PermanentRedirect":
        return CloudError(
            f"The bucket {name!r} is in another region than {settings.region!r}. Correct it in cloud.yaml."
        )
    if asked == "ListObjectsV2" and code in ("AccessDenied", "403", "AllAccessDisabled"):
        return CloudError(
            f"AWS does not let you use the bucket {name!r}: it belongs to another account, or your role lacks "
            "permission. See who you are: aws sts get-caller-identity"
        )
    return CloudError(f"AWS gave an unexpected answer: {said}")


def registry_login(settings: Settings) -> tuple[str, str]:
    """User and password of ECR, good for twelve hours: what `aws ecr get-login-password` prints."""
    with explaining(settings):
        told = session_in(settings.region).client("ecr", region_name=settings.region or None).get_authorization_token()
    user, _, password = base64.b64decode(told["authorizationData"][0]["authorizationToken"]).decode().partition(":")
    return user, password
