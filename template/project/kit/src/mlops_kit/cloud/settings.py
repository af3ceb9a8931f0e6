"""Where the project is in the cloud: cloud.yaml, and DVC's remote.

    uv run poe cloud-settings                            from the infrastructure of infra/, as it stands
    uv run poe cloud-settings --storage-url s3://BUCKET  from a bucket that is there already
    uv run poe cloud-leave                               bring all data and models back here, and forget the bucket

cloud.yaml holds no secret and is committed.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, fields, replace
from urllib.parse import urlsplit

import yaml

from mlops_kit.cloud import CloudError, terraform
from mlops_kit.data import default_remote, remotes
from mlops_kit.ground import command, project, run, say
from mlops_kit.ground.cloud_file import Settings, file, read_file

REMOTE = "storage"  # DVC's name of the bucket
SCHEMES = dict(aws="s3", gcp="gs", azure="azure")


def read() -> Settings | None:
    """What cloud.yaml says; None where there is none yet. Raises CloudError where it is broken, or another cloud's."""
    settings = read_file()
    if settings and settings.cloud != project().cloud:
        raise CloudError(
            f"cloud.yaml is of {settings.cloud}, the project is on {project().cloud}. "
            "Bring back what is there (uv run poe cloud-leave, before the switch), then: uv run poe cloud-settings"
        )
    return settings


def required() -> Settings:
    """The same. Raises CloudError where there is no cloud.yaml yet."""
    settings = read()
    if settings is None:
        raise CloudError("There is no cloud.yaml yet. Write it: uv run poe cloud-settings")
    return settings


def write(settings: Settings) -> None:
    """Write cloud.yaml and DVC's remote. Raises CloudError where a remote of its name is somebody's own."""
    check(settings)
    keep_own_remote(bucket_url(settings))
    settings = replace(settings, default_remote=own_default())
    head = "# Where the project is in the cloud, no secret. Written by `poe cloud-settings`; commit it.\n"
    given = {name: value for name, value in asdict(settings).items() if value}
    file().write_text(head + yaml.safe_dump(given, sort_keys=False), encoding="utf-8")
    write_remote(settings)
    say("cloud.yaml", f"MLflow keeps model files in {settings.artifacts_url}")
    say(".dvc/config", f"DVC keeps data and models in {bucket_url(settings)}")


def write_remote(settings: Settings) -> None:
    """Write DVC's remote where it is not that already; options that a person has set on it stay."""
    now = remotes("repo").get(REMOTE, {})
    wanted = dict(url=bucket_url(settings), **remote_options(settings))
    if not now:
        run("dvc", "remote", "add", "--quiet", "--default", REMOTE, wanted.pop("url"))
    elif default_remote("repo") != REMOTE:
        run("dvc", "remote", "default", "--quiet", REMOTE)
    for option, value in wanted.items():
        if now.get(option) != value:
            run("dvc", "remote", "modify", "--quiet", REMOTE, option, value)


def bucket_url(settings: Settings) -> str:
    """DVC's part of the bucket."""
    return f"{settings.storage_url}/dvc"


def keep_own_remote(url: str = "") -> None:
    """Raise CloudError where somebody's own remote of DVC has the name that the bucket is to have."""
    theirs = remotes().get(REMOTE, {}).get("url")
    if theirs and theirs != url and not file().exists():
        raise CloudError(
            f"DVC has a remote {REMOTE!r} already, {theirs}, and the bucket is to be called that. "
            f"Give yours another name: uv run dvc remote rename {REMOTE} NAME"
        )


def own_default() -> str:
    """DVC's default remote before the bucket was it; empty where there was none."""
    now = default_remote("repo")
    if now != REMOTE:
        return now
    settings = read_file()
    return settings.default_remote if settings else ""


def check(settings: Settings) -> None:
    """Raise CloudError for an address that this cloud does not have."""
    scheme = SCHEMES[project().cloud]
    if not settings.storage_url.startswith(f"{scheme}://") or not urlsplit(settings.storage_url).netloc:
        raise CloudError(f"{settings.storage_url!r} is no storage of {project().cloud}. Write it as {scheme}://NAME")
    if project().cloud == "azure" and not settings.storage_account:
        raise CloudError("A container of Azure is in an account. Name it: --storage-account NAME")
    if settings.deploy_identity and project().cloud != "aws" and not settings.identity_provider:
        whose = "the workload identity provider's full name" if project().cloud == "gcp" else "the tenant's id"
        raise CloudError(f"A deploy identity needs {whose} too: --identity-provider NAME")


def remote_options(settings: Settings) -> dict[str, str]:
    """What DVC must know of the bucket besides its address."""
    options = dict(aws=dict(region=settings.region), azure=dict(account_name=settings.storage_account))
    return {name: value for name, value in options.get(project().cloud, {}).items() if value}


def from_terraform() -> Settings:
    """The settings as infra/ has made them. Raises CloudError where nothing stands yet."""
    told = terraform.outputs()
    if not told:
        raise CloudError("Nothing of infra/ stands yet. Make it: uv run poe deploy")
    return Settings(project().cloud, **{field.name: told.get(field.name, "") for field in fields(Settings)[1:]})


def from_address(storage_url: str, storage_account: str, **more: str) -> Settings:
    """The settings of a bucket that is there already; MLflow's part of it is beside DVC's."""
    storage_url = storage_url.rstrip("/")
    place = storage_url
    if project().cloud == "azure":
        place = f"wasbs://{urlsplit(storage_url).netloc}@{storage_account}.blob.core.windows.net"
    return Settings(project().cloud, storage_url, f"{place}/mlflow", storage_account, **more)


def leave() -> str:
    """Fetch every version of data and models from the bucket; then DVC's remote is what it was, and no cloud.yaml."""
    settings = required()
    run("dvc", "fetch", "--quiet", "--remote", REMOTE, "--all-commits", quiet=True)
    before = settings.default_remote
    if before in remotes() and default_remote("repo") == REMOTE:
        run("dvc", "remote", "default", before)
        say("remote", f"{before} is DVC's default again. Bring there what is new: uv run dvc push --all-commits")
    run("dvc", "remote", "remove", REMOTE)
    file().unlink()
    say("bucket", f"{settings.storage_url} keeps its copy until you delete it")
    changed = ".dvc/config and cloud.yaml changed: commit that, then: mlops remove"
    return f"data and models are in .dvc/cache here; {changed} {project().cloud}"


@command
def main() -> None:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(prog="poe cloud-settings", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    settings = commands.add_parser("settings", help="write cloud.yaml and DVC's remote")
    settings.add_argument("--storage-url", help=f"a bucket that is there already: {SCHEMES[project().cloud]}://NAME")
    settings.add_argument("--region", default="", help="where it is")
    settings.add_argument("--storage-account", default="", help="azure: the account of the container")
    settings.add_argument("--deploy-identity", default="", help="whom a CI becomes: ARN, e-mail or client id")
    settings.add_argument("--identity-provider", default="", help="gcp: what trusts the CI; azure: the tenant")
    commands.add_parser("leave", help="bring all data and models back here, and forget the bucket")
    chosen = parser.parse_args()
    if chosen.command == "leave":
        print(leave())
    else:
        given = {name: value for name, value in vars(chosen).items() if name != "command"}
        write(from_address(**given) if chosen.storage_url else from_terraform())
        say("next", "commit cloud.yaml and .dvc/config, then: uv run poe push")


if __name__ == "__main__":
    main()
