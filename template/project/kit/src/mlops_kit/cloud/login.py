"""Who may: a CI's own identity token, exchanged for the cloud's short-lived credentials. No secret is kept anywhere.

    uv run poe cloud-login               in CI alone; a job without a token, as of a fork, goes on without the bucket
    uv run poe cloud-login --required    the same, and it fails there
    uv run poe cloud-login --to-destroy  as the identity that may take things down: CI's own may not
    uv run poe cloud-check               anywhere: does the bucket let you in?

People log in by their cloud's own program; `poe cloud-check` says by which. In CI, what is found out is written to
.cloud/env, which every task reads, and which git ignores.
"""

from __future__ import annotations

import argparse
import json
import os
import urllib.parse
import urllib.request
from dataclasses import replace
from pathlib import Path

from mlops_kit.cloud import CloudError, provider
from mlops_kit.cloud.settings import REMOTE, read, required
from mlops_kit.ground import KitError, command, project, run, say
from mlops_kit.ground.cloud_file import Settings
from mlops_kit.ground.variables import first_set

# Where each CI puts its token. GitHub gives it when it is asked for.
TOKENS = ("CLOUD_ID_TOKEN", "CIRCLE_OIDC_TOKEN_V2")


def folder() -> Path:
    """Where a job's login is kept; git ignores it."""
    return project().root / ".cloud"


def log_in(must: bool) -> str:
    """Exchange this job's token. Without one, and unless it must, the tasks that follow go without the bucket."""
    only_in_ci()
    settings = read()
    if settings is None:
        return "there is no cloud.yaml yet, so nothing of the cloud is used"
    try:
        if not settings.deploy_identity:
            return use_the_runners_login(settings)
        return f"{project().cloud} knows this job as {exchange(settings)}"
    except CloudError as error:
        if must:
            raise
        write_environment(dict(WITHOUT_REMOTE="1"))
        return f"{error} The bucket is left alone: what is not here is generated."


def only_in_ci() -> None:
    """Raise CloudError on a person's machine: what a CI's job goes by must not stay there."""
    if not (os.environ.get("CI") or os.environ.get("JENKINS_URL")):
        (folder() / "env").unlink(missing_ok=True)
        raise CloudError(f"cloud-login is for CI. On your own machine, log in with: {provider().LOG_IN}")


def use_the_runners_login(settings: Settings) -> str:
    """Where cloud.yaml names no identity for a CI. Raises CloudError where the bucket does not let the runner in."""
    try:
        provider().look(settings)
    except CloudError as error:
        named = f"uv run poe cloud-settings --storage-url {settings.storage_url} --deploy-identity NAME"
        raise CloudError(f"cloud.yaml names no deploy_identity. {error} Or name one: {named}") from None
    return "cloud.yaml names no deploy_identity, so the runner's own login is used"


def log_in_to_destroy() -> str:
    """Exchange this job's token for the identity that may delete. Raises CloudError where there is none."""
    only_in_ci()
    settings = required()
    if not settings.destroy_identity:
        raise CloudError(
            "CI may not take anything down here. infra/README.md says how to let it (ci_may_destroy); or do it with "
            "your own login: uv run poe destroy"
        )
    return (
        f"{project().cloud} knows this job as {exchange(replace(settings, deploy_identity=settings.destroy_identity))}"
    )


def exchange(settings: Settings) -> str:
    """Keep the token where the cloud's libraries read it, and ask who we are. Raises CloudError where it is refused."""
    token = identity_token(settings)
    if not token:
        raise CloudError("This job was given no identity token, as is right for a fork.")
    file = keep(token)
    environment = {name: value for name, value in provider().environment(settings, file).items() if value}
    os.environ.update(environment)
    found: str = provider().who(settings)
    write_environment(environment)
    return found


def keep(token: str) -> Path:
    """Write the token where the cloud's libraries read it; nobody else may."""
    folder().mkdir(exist_ok=True, mode=0o700)
    file = folder() / "token"
    file.touch(mode=0o600)
    file.write_text(token, encoding="utf-8")
    return file


def renew(settings: Settings) -> None:
    """A newer token, where this job was logged in by GitHub's, which is good for minutes only."""
    if (folder() / "token").exists() and (token := github_token(settings)):
        keep(token)


def identity_token(settings: Settings) -> str:
    """The token by which this CI says which repository, branch and job it is; empty where it gives none."""
    return first_set(*TOKENS) or github_token(settings)


def github_token(settings: Settings) -> str:
    """GitHub's, as its documentation has it; empty without the permission `id-token: write`, as for a fork.

    https://docs.github.com/actions/reference/security/oidc#methods-for-requesting-the-oidc-token
    """
    url, secret = os.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL"), os.environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    if not url or not secret:
        return ""
    audience = provider().AUDIENCE + (settings.identity_provider if project().cloud == "gcp" else "")
    asked = urllib.request.Request(
        f"{url}&audience={urllib.parse.quote(audience, safe='')}", headers={"authorization": f"bearer {secret}"}
    )
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return str(json.load(answer)["value"])
    except OSError as error:
        raise CloudError(f"GitHub gives no identity token: {error}") from None


def write_environment(variables: dict[str, str]) -> None:
    """Write .cloud/env for the tasks that follow."""
    folder().mkdir(exist_ok=True, mode=0o700)
    lines = [f"{name}='{value}'\n" for name, value in variables.items()]
    Path(folder(), "env").write_text("".join(lines), encoding="utf-8")


def check() -> str:
    """Ask the bucket. Raises CloudError with what is wrong."""
    settings = required()
    provider().look(settings)
    return f"{settings.storage_url} answers"


def push() -> None:
    """Bring data and models to the bucket: what is there already is left out, so a push that stopped goes on."""
    say("bucket", check())
    try:
        run("dvc", "push", "--remote", REMOTE)
    except KitError as error:
        raise CloudError(f"{error}\nWhat has arrived stays. Go on with: uv run poe push") from None


@command
def main() -> None:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(prog="poe cloud-login", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    login = commands.add_parser("login", help="exchange this job's token")
    login.add_argument("--to-destroy", action="store_true", help="as the identity that may take things down")
    login.add_argument("--required", action="store_true", help="fail where the job has none")
    commands.add_parser("check", help="ask whether the bucket lets you in")
    commands.add_parser("push", help="bring data and models to the bucket")
    chosen = parser.parse_args()
    if chosen.command == "login":
        say("cloud", log_in_to_destroy() if chosen.to_destroy else log_in(chosen.required))
    elif chosen.command == "check":
        say("bucket", check())
    else:
        push()


if __name__ == "__main__":
    main()
