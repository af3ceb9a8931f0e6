"""What is Google Cloud's own: how to log in, what its answers mean, and what costs money while it stands."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from mlops_kit.cloud import CloudError
from mlops_kit.ground.cloud_file import Settings

LOG_IN = "gcloud auth application-default login"
# The audience that Google expects in a CI's token is the workload identity provider, after this:
# https://cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines
AUDIENCE = "https://iam.googleapis.com/"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
COSTS = {
    "google_artifact_registry_repository": "per GB a month",
    "google_cloud_run_v2_service": "per core and GB, for each second that a request takes",
    "google_logging_project_bucket_config": "per GB written and kept",
    "google_storage_bucket": "per GB a month and per request",
}


def environment(settings: Settings, token: Path) -> dict[str, str]:
    """What Google's libraries, DVC, MLflow and Terraform read: a file that says how they exchange the token.

    https://cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines
    """
    email = settings.deploy_identity
    told = dict(
        type="external_account",
        audience=f"//iam.googleapis.com/{settings.identity_provider}",
        subject_token_type="urn:ietf:params:oauth:token-type:jwt",
        token_url="https://sts.googleapis.com/v1/token",
        service_account_impersonation_url=(
            f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{email}:generateAccessToken"
        ),
        credential_source=dict(file=str(token)),
    )
    file = token.with_name("google.json")
    file.write_text(json.dumps(told, indent=2), encoding="utf-8")
    return dict(
        GOOGLE_APPLICATION_CREDENTIALS=str(file),
        GOOGLE_CLOUD_PROJECT=settings.account,
        GOOGLE_PROJECT=settings.account,
    )


def credentials() -> Any:
    """Who is logged in, with an access token that is good for an hour. Raises CloudError where nobody is."""
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
    from google.auth.transport.requests import Request

    found: Any
    try:
        found, _ = google.auth.default(scopes=[SCOPE])
        found.refresh(Request())
    except DefaultCredentialsError as error:
        raise nobody(error) from None
    except GoogleAuthError as error:
        raise CloudError(f"Google Cloud does not let you in: {str(error.args[0])[:200]} Log in: {LOG_IN}") from None
    return found


def nobody(error: Exception) -> CloudError:
    """No login was found, or the variable that names one names none."""
    if os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
        said = " ".join(str(error.args[0]).split())[:200]
        return CloudError(f"{said} Correct GOOGLE_APPLICATION_CREDENTIALS, or unset it and log in: {LOG_IN}")
    return CloudError(f"You are not logged in to Google Cloud. Log in: {LOG_IN}")


def who(settings: Settings) -> str:
    """Who is logged in. Raises CloudError where nobody is, or Google does not let them in."""
    found = credentials()
    return getattr(found, "service_account_email", None) or "you"


def look(settings: Settings) -> None:
    """Ask the bucket for a file. Raises CloudError where it does not answer."""
    from google.api_core.exceptions import Forbidden, GoogleAPICallError, NotFound
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
    from google.cloud.storage import Client

    name = settings.storage_url.removeprefix("gs://").split("/")[0]
    try:
        list(Client(project=settings.account or "none").list_blobs(name, max_results=1, timeout=20, retry=None))
    except NotFound:
        raise CloudError(
            f"Google Cloud has no bucket {name!r}. Create it (uv run poe deploy), or correct storage_url in cloud.yaml."
        ) from None
    except Forbidden:
        raise CloudError(
            f"Google Cloud does not let you use the bucket {name!r}: it belongs to another project, or you lack "
            "permission. See who you are: gcloud auth list"
        ) from None
    except DefaultCredentialsError as error:
        raise nobody(error) from None
    except (GoogleAPICallError, GoogleAuthError, OSError) as error:
        raise CloudError(f"Google Cloud gave an unexpected answer: {error}") from None


def registry_login(settings: Settings) -> tuple[str, str]:
    """User and password of Artifact Registry: an access token that is good for an hour.

    https://cloud.google.com/artifact-registry/docs/docker/authentication#token
    """
    return "oauth2accesstoken", str(credentials().token)
