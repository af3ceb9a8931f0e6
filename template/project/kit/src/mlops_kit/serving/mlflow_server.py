"""What the service asks an MLflow server, by its REST interface: which version is champion, and that version's files.

MLflow itself is not needed here: its client is large, and the service's image goes without it.
https://mlflow.org/docs/latest/api_reference/rest-api.html
"""

from __future__ import annotations

import base64
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, urlencode, urlsplit

from mlops_kit import models
from mlops_kit.ground import project

PATIENCE = 5  # seconds for an answer to begin, and then for each of its parts
BLOCK = 1024 * 1024  # bytes
PROXIED = "mlflow-artifacts:"


MOST_FILES = 1000  # of one folder of a model
DEEPEST = 8  # folders of a model that are in each other


class SameOrigin(urllib.request.HTTPRedirectHandler):
    """Follows a redirect within a server; to another one it would take the login along."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """The next request. Raises Unreachable where it would go elsewhere."""
        here, there = urlsplit(req.full_url), urlsplit(newurl)
        if (here.scheme, here.netloc) != (there.scheme, there.netloc):
            raise Unreachable(
                f"The MLflow server at {address()} redirects to {there.scheme}://{there.hostname}. If that is yours, "
                "name it in MLFLOW_TRACKING_URI."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


OPENER = urllib.request.build_opener(SameOrigin)


class Unreachable(Exception):
    """The server does not answer, or not as it should: one sentence."""


@dataclass(frozen=True)
class Version:
    """A registered version: its number, and the hash of its folder as it was registered."""

    number: str
    md5: str


def address() -> str:
    """The server that MLFLOW_TRACKING_URI names; empty where it names none that is asked by HTTP."""
    named = os.environ.get("MLFLOW_TRACKING_URI", "")
    return named.rstrip("/") if named.startswith(("http://", "https://")) else ""


def champion() -> Version:
    """The champion. Raises ChampionError where the registry has none, Unreachable where it cannot be asked."""
    with _as_mlflow_answers():
        found = _ask("mlflow/registered-models/alias", name=project().name, alias="champion")["model_version"]
        tags = {tag["key"]: tag["value"] for tag in found.get("tags", [])}
        return Version(str(found["version"]), str(tags.get("model_md5", "")))


def download(version: Version, folder: Path) -> None:
    """The files of a version, into a folder, and checked. Raises ChampionError and Unreachable."""
    with _as_mlflow_answers():
        asked = _ask("mlflow/model-versions/get-download-uri", name=project().name, version=version.number)
        named = str(asked["artifact_uri"])
    if not named.startswith(PROXIED):
        raise models.ChampionError(
            f"The files of version {version.number} are at {named}, where the service cannot read. "
            "Start the MLflow server with --artifacts-destination, so that it hands them out."
        )
    # mlflow-artifacts:/path, or with a host: mlflow-artifacts://host/path
    path = named.removeprefix(PROXIED)
    path = path[2:].partition("/")[2] if path.startswith("//") else path.lstrip("/")
    _fetch(path, folder)
    if models.folder_md5(folder) != version.md5:
        raise models.ChampionError(f"Version {version.number} on the MLflow server is not what was registered.")


def _fetch(path: str, folder: Path, deep: int = 0) -> None:
    """A folder of the server's, with all that is in it."""
    folder.mkdir(parents=True, exist_ok=True)
    with _as_mlflow_answers():
        found = _ask("mlflow-artifacts/artifacts", path=path).get("files", [])
        entries = [(str(entry["path"]), bool(entry.get("is_dir"))) for entry in found]
    if deep > DEEPEST or len(entries) > MOST_FILES:
        raise Unreachable(f"The MLflow server at {address()} lists more files than a model has.")
    for name, is_folder in entries:
        if "/" in name or "\\" in name or name in ("", ".", ".."):
            raise Unreachable(f"The MLflow server at {address()} names a file {name!r}, which is no file's name.")
        if is_folder:
            _fetch(f"{path}/{name}", folder / name, deep + 1)
            continue
        with (
            _open(f"mlflow-artifacts/artifacts/{quote(f'{path}/{name}')}") as source,
            (folder / name).open("wb") as file,
        ):
            file.writelines(_blocks(source))


def _ask(what: str, **query: str) -> dict[str, Any]:
    with _open(f"{what}?{urlencode(query)}") as response:
        try:
            answer: dict[str, Any] = json.loads(b"".join(_blocks(response)))
        except (ValueError, RecursionError):
            raise Unreachable(f"What answers at {address()} is no MLflow server.") from None
    return answer


@contextmanager
def _as_mlflow_answers() -> Iterator[None]:
    """Raise Unreachable where an answer does not have the fields that MLflow's has."""
    try:
        yield
    except (AttributeError, KeyError, TypeError):
        raise Unreachable(f"The MLflow server at {address()} answers without the fields that MLflow has.") from None


def _blocks(response: HTTPResponse) -> Iterator[bytes]:
    """What the server answers, part by part. Raises Unreachable where it stops in the middle."""
    try:
        while block := response.read(BLOCK):
            yield block
    except (OSError, HTTPException) as error:
        raise Unreachable(f"The MLflow server at {address()} stops in the middle of an answer: {error}.") from None
    if response.length:  # what it announced and did not send
        raise Unreachable(f"The MLflow server at {address()} stops in the middle of an answer.")


def _open(what: str) -> HTTPResponse:
    request = urllib.request.Request(f"{address()}/api/2.0/{what}", headers=_authorization())
    try:
        opened: HTTPResponse = OPENER.open(request, timeout=PATIENCE)
    except urllib.error.HTTPError as error:
        _explain(error)
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise Unreachable(f"The MLflow server at {address()} does not answer: {reason}.") from None
    return opened


def _explain(error: urllib.error.HTTPError) -> NoReturn:
    try:
        code = json.loads(error.read(10_000))["error_code"]
    except (ValueError, KeyError, TypeError, OSError, HTTPException):
        code = ""
    if code in models.ABSENT:
        raise models.WithdrawnError(f"The MLflow server at {address()} has no champion of {project().name}.") from None
    raise Unreachable(f"The MLflow server at {address()} answers {error.code} {error.reason}.") from None


def _authorization() -> dict[str, str]:
    """MLflow's own variables: a token, or a name and a password."""
    if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        return {"authorization": f"Bearer {token}"}
    if name := os.environ.get("MLFLOW_TRACKING_USERNAME"):
        pair = f"{name}:{os.environ.get('MLFLOW_TRACKING_PASSWORD', '')}"
        return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    return {}
