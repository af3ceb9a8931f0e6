"""What is Azure's own: how to log in, what its answers mean, and what costs money while it stands."""

from __future__ import annotations

import json
import logging
import os
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_kit.cloud import CloudError
from mlops_kit.ground.cloud_file import Settings

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

LOG_IN = "az login"
# The audience that Azure expects in a CI's token:
# https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust
AUDIENCE = "api://AzureADTokenExchange"
COSTS = {
    "azurerm_container_app": "per core and GB, for each second that an instance runs",
    "azurerm_container_registry": "a fixed sum a day, and per GB",
    "azurerm_log_analytics_workspace": "per GB written and kept",
    "azurerm_monitor_metric_alert": "a fixed sum a month",
    "azurerm_storage_account": "per GB a month and per request",
}


def environment(settings: Settings, token: Path) -> dict[str, str]:
    """What Azure's libraries, DVC, MLflow and Terraform read; they exchange the token at Entra ID.

    https://learn.microsoft.com/python/api/azure-identity/azure.identity.workloadidentitycredential
    https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs/guides/service_principal_oidc
    """
    return dict(
        AZURE_CLIENT_ID=settings.deploy_identity,
        AZURE_TENANT_ID=settings.identity_provider,
        AZURE_FEDERATED_TOKEN_FILE=str(token),
        ARM_USE_OIDC="true",
        ARM_CLIENT_ID=settings.deploy_identity,
        ARM_TENANT_ID=settings.identity_provider,
        ARM_SUBSCRIPTION_ID=settings.account,
        ARM_OIDC_TOKEN_FILE_PATH=str(token),
    )


def credential() -> TokenCredential:
    """This job's token where it has one, else whoever is logged in. Raises CloudError where a setting is not right."""
    from azure.identity import DefaultAzureCredential, WorkloadIdentityCredential

    logging.getLogger("azure.identity").setLevel(logging.CRITICAL)  # it lists all ways in, before we say which is yours
    kind = WorkloadIdentityCredential if os.environ.get("AZURE_FEDERATED_TOKEN_FILE") else DefaultAzureCredential
    try:
        return kind()
    except ValueError as error:
        raise CloudError(
            f"Azure's library cannot log in with what the variables AZURE_* say: {' '.join(str(error).split())}"
        ) from None


def access_token(scope: str) -> str:
    """A token for one of Azure's services, good for an hour. Raises CloudError where nobody is logged in."""
    from azure.core.exceptions import AzureError, ClientAuthenticationError

    try:
        return str(credential().get_token(scope).token)
    except ClientAuthenticationError as error:
        if os.environ.get("AZURE_FEDERATED_TOKEN_FILE"):
            raise CloudError(f"Azure does not take this job's token: {error.message.splitlines()[0][:200]}") from None
        raise CloudError(f"You are not logged in to Azure. Log in: {LOG_IN}") from None
    except AzureError as error:
        raise CloudError(f"Azure gave an unexpected answer: {' '.join(error.message.split())}") from None


def who(settings: Settings) -> str:
    """Who is logged in. Raises CloudError where nobody is, or Azure does not let them in."""
    access_token("https://storage.azure.com/.default")
    return os.environ["AZURE_CLIENT_ID"] if os.environ.get("AZURE_FEDERATED_TOKEN_FILE") else "you"


def look(settings: Settings) -> None:
    """Ask the container for a file. Raises CloudError where it does not answer."""
    from azure.core.exceptions import (
        AzureError,
        ClientAuthenticationError,
        HttpResponseError,
        ResourceNotFoundError,
        ServiceRequestError,
    )
    from azure.storage.blob import ContainerClient

    name = urllib.parse.urlsplit(settings.storage_url).netloc
    emulator = os.environ.get("AZURE_STORAGE_CONNECTION_STRING")
    try:
        if emulator:
            container = ContainerClient.from_connection_string(emulator, name)
        else:
            account = f"https://{settings.storage_account}.blob.core.windows.net"
            # One retry, after a second: by default Azure's client waits for 15.
            container = ContainerClient(account, name, credential(), retry_total=1, initial_backoff=0, increment_base=1)
        next(iter(container.list_blob_names(results_per_page=1)), None)
    except ValueError as error:
        raise CloudError(f"That is no address of a store of Azure: {' '.join(str(error).split())}") from None
    except ResourceNotFoundError:
        raise CloudError(
            f"The account {settings.storage_account!r} has no container {name!r}. Create it (uv run poe deploy), or "
            "correct storage_url in cloud.yaml."
        ) from None
    except ClientAuthenticationError as error:
        if not error.status_code:
            raise CloudError(f"You are not logged in to Azure. Log in: {LOG_IN}") from None
        raise refused(name) from None
    except ServiceRequestError:
        raise CloudError(
            f"Azure has no storage account {settings.storage_account!r}. Correct storage_account in cloud.yaml."
        ) from None
    except HttpResponseError as error:
        if error.status_code == 403:
            raise refused(name) from None
        raise CloudError(f"Azure gave an unexpected answer: {error.message}") from None
    except AzureError as error:
        raise CloudError(f"Azure gave an unexpected answer: {error}") from None


def refused(name: str) -> CloudError:
    """The container is not for this person."""
    return CloudError(
        f"Azure does not let you use the container {name!r}: it belongs to another account, or you lack the role "
        "Storage Blob Data Contributor. See who you are: az account show"
    )


def registry_login(settings: Settings) -> tuple[str, str]:
    """User and password of the registry: a token of Entra ID, exchanged for one that is good for three hours.

    https://learn.microsoft.com/azure/container-registry/container-registry-authentication
    """
    registry = settings.image.partition("/")[0]
    asked = dict(
        grant_type="access_token",
        service=registry,
        tenant=settings.identity_provider,
        access_token=access_token("https://management.azure.com/.default"),
    )
    body = urllib.parse.urlencode({name: value for name, value in asked.items() if value}).encode()
    try:
        with urllib.request.urlopen(f"https://{registry}/oauth2/exchange", body, timeout=30) as answer:
            return "00000000-0000-0000-0000-000000000000", str(json.load(answer)["refresh_token"])
    except urllib.error.HTTPError as error:
        raise CloudError(f"{registry} does not take your token ({error.code}). You need the role AcrPush.") from None
    except OSError as error:
        raise CloudError(f"{registry} does not answer: {error}") from None
