"""Checks of DVC's remote: it can be read, and has what others need."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_kit import models
from mlops_kit.data import default_remote, remotes
from mlops_kit.ground import project
from mlops_kit.workspace.doctor.form import Found, check
from mlops_kit.workspace.doctor.state import in_cache, is_tracked, repo
from mlops_kit.workspace.doctor.waiting import PATIENCE, within

if TYPE_CHECKING:
    from dvc_data.hashfile.db import HashFileDB

HTTP_LOGIN = "uv run dvc remote modify --local {name} password PASSWORD"
LOGINS = {
    **{"s3": "aws sso login", "gs": "gcloud auth application-default login", "azure": "az login"},
    **{"http": HTTP_LOGIN, "https": HTTP_LOGIN},
}
BUCKETS = ("s3", "gs", "azure")


@check("Data and models are shared by it.")
def remote() -> Found:
    """DVC's remote answers, and you may read it."""
    chosen, known = default_remote(), remotes()
    if chosen and chosen not in known:
        yield f"the default remote {chosen!r} is none of DVC's remotes", "uv run dvc remote default --unset"
    elif chosen:
        yield from unreachable(chosen, known[chosen]["url"])


def unreachable(name: str, url: str) -> Found:
    """Why a remote cannot be read."""
    scheme = url.partition("://")[0] if "://" in url else "file"
    if scheme == "file":
        folder = Path(repo().config["remote"][name]["url"].removeprefix("file://"))
        if not folder.is_dir():
            yield f"the remote {name}, {folder}, is not there", f"mkdir -p {shlex.quote(str(folder))}"
        return
    from dvc.fs import RemoteMissingDepsError

    login = LOGINS.get(scheme, "uv run dvc remote list").format(name=name)
    try:
        there = repo().cloud.get_remote_odb(name)
        within(PATIENCE, lambda: there.fs.info(there.oid_to_path("0" * 32)))
    except (ImportError, RemoteMissingDepsError):  # DVC's package for this kind, or what that needs
        yield f"the remote {name} needs dvc[{scheme}]", f"uv add --dev 'dvc[{scheme}]'"
    except FileNotFoundError as error:  # as it should: nothing has that name. By HTTP, a refusal looks the same.
        cause = error.__cause__
        status = getattr(cause, "status", 404)
        if isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError):
            yield f"the remote {name}, {url}, does not answer: {cause}", login
        elif status != 404:
            yield f"the remote {name}, {url}, does not let you in: HTTP {status}", login
        elif scheme in BUCKETS and not has_bucket(there):
            made = (
                "uv run poe deploy"
                if Path(project().root, "infra").is_dir()
                else f"uv run dvc remote modify {name} url URL"
            )
            yield f"the bucket of the remote {name}, {url}, is not there: make it, or fix its name", made
    except Exception as error:
        reason = str(error) or f"no answer in {PATIENCE} s"
        yield f"the remote {name}, {url}, does not answer: {reason}", login


def has_bucket(there: HashFileDB) -> bool:
    """Whether the bucket of a remote is there: a file in one that is not is missed like any other."""
    bucket = there.oid_to_path("0" * 32).lstrip("/").partition("/")[0]
    try:
        within(PATIENCE, lambda: there.fs.ls(bucket, detail=True))
    except FileNotFoundError:
        return False
    except OSError:  # who may see the remote's folder may not see the others
        return True
    return True


@check("Nobody else can fetch the champion, or train it again.")
def pushed() -> Found:
    """The remote has the champion and its data."""
    champion, name = models.read_champion(), default_remote()
    if champion is None or not name or any(unreachable(name, remotes()[name]["url"])):
        return
    there = repo().cloud.get_remote_odb(name)
    for what, md5 in (("champion", champion.model), ("data", models.data_md5() if is_tracked() else "")):
        if in_cache(md5) and not within(PATIENCE, partial(there.exists, md5)):
            yield f"the remote {name} does not have the {what}", "uv run dvc push"
