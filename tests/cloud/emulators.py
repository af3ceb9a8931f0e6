"""Stand-ins for the clouds' object stores that speak their protocols: moto for S3, Azurite, an emulator of GCS.

Each is started from its package, of an exact version, and holds what is written in memory or in the test's own folder.
"""

import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uv

from tests.cloud.refusing import ACCOUNT, KEY
from tests.conftest import PATIENCE, wait_until
from tests.project.running import free_port


@dataclass(frozen=True)
class Emulator:
    """A running store: how a user names the bucket, the environment, how the bucket is made and listed."""

    cloud: str
    url: str
    options: list[str]
    env: dict[str, str]
    make: str  # Python that makes the bucket, run in the project
    files: str  # Python that prints the names of all files in it


@contextmanager
def running(command: list[str], answers: str, log: Path, env: dict[str, str] | None = None) -> Iterator[None]:
    """A program, from when its address answers anything until it is stopped."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=env or dict(os.environ))
    try:
        wait_until(lambda: is_there(answers), process, log, every=0.2)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def is_there(address: str) -> bool:
    """Whether an address answers anything."""
    try:
        urllib.request.urlopen(address, timeout=10).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def from_pypi(package: str, *command: str) -> list[str]:
    """A program of a Python package, by uv."""
    return [str(uv.find_uv_bin()), "tool", "run", "--quiet", "--from", package, *command]


@contextmanager
def aws(folder: Path, npm: Callable[..., Path]) -> Iterator[Emulator]:
    """S3, and STS."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = from_pypi("moto[server]==5.2.5", "moto_server", "-H", "127.0.0.1", "-p", str(port))
    with running(command, address, folder / "moto.log"):
        yield Emulator(
            "aws",
            "s3://churn-data",
            ["--region", "eu-central-1"],
            {"AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"},
            "import boto3; boto3.client('s3', region_name='eu-central-1').create_bucket("
            "Bucket='churn-data', CreateBucketConfiguration=dict(LocationConstraint='eu-central-1'))",
            "import boto3; pages = boto3.client('s3').get_paginator('list_objects_v2').paginate(Bucket='churn-data');"
            "print(*(row['Key'] for page in pages for row in page.get('Contents', [])), sep='\\n')",
        )


@contextmanager
def gcp(folder: Path, npm: Callable[..., Path]) -> Iterator[Emulator]:
    """Google Cloud Storage."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    start = ["start", "--host", "127.0.0.1", "--port", str(port), "--in-memory"]
    with running(from_pypi("gcp-storage-emulator==2026.7.19", "gcp-storage-emulator", *start), address, folder / "log"):
        yield Emulator(
            "gcp",
            "gs://churn-data",
            [],
            {
                "STORAGE_EMULATOR_HOST": address,
                "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
                "GOOGLE_CLOUD_PROJECT": "test",
            },
            "from google.cloud.storage import Client; Client(project='test').create_bucket('churn-data')",
            "from google.cloud.storage import Client;"
            "print(*(blob.name for blob in Client(project='test').list_blobs('churn-data')), sep='\\n')",
        )


@contextmanager
def azure(folder: Path, npm: Callable[..., Path]) -> Iterator[Emulator]:
    """Blob Storage."""
    port = free_port()
    address = f"http://127.0.0.1:{port}/{ACCOUNT}"
    (folder / "npm").mkdir()
    installed = npm(folder / "npm", "azurite@3.37.0")
    options = ["--blobPort", str(port), "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"]
    command = [str(installed / "bin/node"), str(installed / "node_modules/.bin/azurite-blob"), *options]
    connection = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={address};"
    container = (
        "from azure.storage.blob import ContainerClient as C; import os;"
        "c = C.from_connection_string(os.environ['AZURE_STORAGE_CONNECTION_STRING'], 'churn-data');"
    )
    with running(command, address, folder / "azurite.log"):
        yield Emulator(
            "azure",
            "azure://churn-data",
            ["--storage-account", ACCOUNT],
            {"AZURE_STORAGE_CONNECTION_STRING": connection},
            f"{container} c.create_container()",
            f"{container} print(*(blob.name for blob in c.list_blobs()), sep='\\n')",
        )


EMULATORS = {"aws": aws, "gcp": gcp, "azure": azure}
