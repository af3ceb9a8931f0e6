"""The service's image: build it with the champion inside, try it out, push it.

    uv run poe image         build it
    uv run poe image-test    start it as it runs elsewhere, and compare its answers with the champion's
    uv run poe image-push    push it to the registry and name in IMAGE,
                             or to the one of cloud.yaml

CONTAINER_ENGINE names the program: docker (the default), podman or buildah (which builds; podman does the rest).
CONTAINER_OPTIONS goes to every build and run, such as `--network host`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import shlex
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlops_kit import models
from mlops_kit.cloud import login, provider
from mlops_kit.cloud.settings import required
from mlops_kit.contract import load
from mlops_kit.ground import KitError, command, git_bytes, project, run, run_openly, say
from mlops_kit.ground.ports import free_port

ROWS = 10  # generated rows that the started image is asked about
PATIENCE = 60  # seconds until the service must be ready


def exported() -> Path:
    """Where the champion is put for the image's builder."""
    return project().root / "build/champion"


class ImageError(KitError):
    """A step that failed, in one sentence, with what to do next."""


# --- the engine ------------------------------------------------------------------------------------------------------


def engine() -> str:
    """The program that runs, tags and pushes images."""
    chosen = builder()
    return "podman" if Path(chosen).name == "buildah" else chosen


def builder() -> str:
    """The program that builds images."""
    return os.environ.get("CONTAINER_ENGINE") or "docker"


def options() -> list[str]:
    """What every build and every run is given besides."""
    return shlex.split(os.environ.get("CONTAINER_OPTIONS", ""))


def call(*command: str) -> None:
    """Run a program of the engine; it prints what it does."""
    with _installed(command[0]):
        code = run_openly(*command)
    if code:
        raise ImageError(f"`{' '.join(command[:2])}` failed: see above.", _without_daemon(command[0]))


def ask(*command: str) -> str:
    """What a program of the engine prints."""
    with _installed(command[0]):
        done = run(*command, quiet=True, check=False)
    if done.returncode:
        raise ImageError(f"`{' '.join(command[:2])}` failed: {done.stderr.strip()}")
    return done.stdout.strip()


def _without_daemon(program: str) -> str:
    """What to do where Docker's client is here and its daemon does not answer; empty otherwise."""
    if Path(program).name != "docker" or run(program, "version", quiet=True, check=False).returncode == 0:
        return ""
    return "No Docker daemon answers. Start Docker, or name podman or buildah in CONTAINER_ENGINE."


@contextmanager
def _installed(program: str) -> Iterator[None]:
    try:
        yield
    except OSError:
        raise ImageError(
            f"{program} cannot be started. Install it, or name docker, podman or buildah in CONTAINER_ENGINE."
        ) from None


# --- build -----------------------------------------------------------------------------------------------------------


def build(reuse: bool = False) -> str:
    """Put the verified champion beside the Dockerfile and build the image. Gives back its version.

    With `reuse`, an image of the same files and the same model is pulled where the registry has it, and Docker takes
    layers that did not change from the last image there.
    """
    champion = models.read_champion()
    if champion is None:
        raise ImageError("There is no champion yet: uv run poe repro, then register, then promote.")
    shutil.rmtree(exported(), ignore_errors=True)
    shutil.copytree(models.champion_folder(), exported())
    label = version(champion)
    # A reproduced champion has bytes of its own: by champion.yaml's hash the service knows when it is retired. What
    # comes from an MLflow server is what was registered, and may be another than champion.yaml's.
    stands_for = "" if os.environ.get("MLFLOW_TRACKING_URI") else champion.model
    inside = dict(MODEL_MD5=models.folder_md5(exported()), CHAMPION_MD5=stands_for)
    names = addresses(label) if reuse else []
    if names and pulled(names[0], label, inside):
        return label
    # podman and buildah write OCI images by default, a format that has no health check; buildah one layer in all.
    form, arguments = ["--format", "docker", "--layers"], {**inside, "VERSION": label, "REVISION": revision()}
    if Path(builder()).name == "docker":
        form = [word for name in names[-1:] for word in ("--cache-from", name)]
        arguments["BUILDKIT_INLINE_CACHE"] = "1"  # the image says of its layers what they were made from
    given = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    call(builder(), "build", *form, *options(), *given, "--tag", project().name, ".")
    return label


def version(champion: models.Champion) -> str:
    """What an image is called by: the champion's version, and a hash of the files. Equal files are one image."""
    return f"{champion.version}-{contents()[:12] if models.git_commit() else 'local'}"


def contents() -> str:
    """A hash of the files that the image is made of, as they are on disk; what git ignores is not counted."""
    names = git_bytes("ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *parts()).split(b"\0")
    found = hashlib.sha256()
    for name in sorted(set(names)):
        path = Path(project().root, os.fsdecode(name))
        if path.is_file():
            runs = b"x" if path.stat().st_mode & 0o100 else b"-"
            found.update(b"\0".join([name, runs, hashlib.sha256(path.read_bytes()).digest()]))
    return found.hexdigest()


def revision() -> str:
    """The commit that the image is built at; `-dirty` follows where its files differ from the commit's."""
    commit = models.git_commit()
    return f"{commit}-dirty" if commit and git_bytes("status", "--porcelain", "--", *parts()) else commit


def parts() -> list[str]:
    """What the image is made of, as paths."""
    return ["Dockerfile", ".dockerignore", *let_through()]


def let_through() -> list[str]:
    """The paths that .dockerignore lets through to the builder; all, where it does not begin by keeping all back."""
    rules = Path(project().root, ".dockerignore").read_text(encoding="utf-8").splitlines()
    return [rule[1:].lstrip("/") for rule in rules if rule.startswith("!")] if "*" in rules else ["."]


def verify(folder: Path, md5: str) -> None:
    """Refuse a model folder with another hash: the given one, or where none is given the one in champion.yaml."""
    champion = models.read_champion()
    wanted = md5 or (champion.model if champion else "")
    if models.folder_md5(folder) != wanted:
        raise ImageError(f"{folder} is not the champion. Build the image with: uv run poe image")


# --- test ------------------------------------------------------------------------------------------------------------


def test() -> str:
    """Start the image as it runs elsewhere, ask it, compare with the offline predictions, stop it."""
    check_user()
    with started() as address:
        version = wait_until_ready(address)["version"]
        compare(address)
    return f"run {version} answers {ROWS} generated rows as the champion does"


def check_user() -> None:
    """Refuse an image that runs as root."""
    user = inspected()["User"].split(":")[0]
    if user in ("", "0", "root"):
        raise ImageError("The image runs as root. Give it a USER in the Dockerfile.")


def inspected(name: str = "") -> dict[str, Any]:
    """The settings of an image, by default the project's: user, labels, health check."""
    name = name or project().name
    try:
        settings: dict[str, Any] = json.loads(ask(engine(), "image", "inspect", name))[0]["Config"]
    except ImageError as error:
        raise ImageError(f"There is no image {name}. Build it with: uv run poe image ({error})") from None
    return settings


@contextmanager
def started() -> Iterator[str]:
    """The running service's address: read-only, no capability, no way to more rights. It is always taken away."""
    port = free_port()
    container = f"{project().name}-test-{port}"
    hardened = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    host = engine_host()
    here = "127.0.0.1:" if host == "127.0.0.1" else ""
    listens = ["--publish", f"{here}{port}:{port}", "--env", f"PORT={port}"]
    try:
        ask(engine(), "run", "--detach", "--name", container, *hardened, *listens, *options(), project().name)
        yield f"http://{host}:{port}"
    except ImageError as error:
        # The service writes its log to stderr.
        log = run(engine(), "logs", container, quiet=True, check=False)
        lines = (log.stdout + log.stderr).strip().splitlines() if log.returncode == 0 else []
        raise ImageError("\n".join([str(error), *(f"  {line}" for line in lines[-20:])])) from None
    finally:
        run(engine(), "rm", "--force", container, quiet=True, check=False)


def engine_host() -> str:
    """Where a started container listens: this machine, or the one of a Docker daemon elsewhere (as in GitLab's CI)."""
    elsewhere = urlsplit(os.environ.get("DOCKER_HOST", ""))
    return elsewhere.hostname or "127.0.0.1" if elsewhere.scheme == "tcp" else "127.0.0.1"


def wait_until_ready(address: str) -> dict[str, Any]:
    """What /ready answers, as soon as it does. Raises ImageError when the patience is at its end."""
    deadline, last = time.monotonic() + PATIENCE, "nothing"
    while time.monotonic() < deadline:
        try:
            return dict(fetch(f"{address}/ready"))
        except ImageError as error:
            last = str(error)
            time.sleep(0.3)
    raise ImageError(f"The image's service is not ready after {PATIENCE} s: {last}")


def compare(address: str) -> None:
    """Raise ImageError where the service's answers are not the champion's offline predictions of the same rows."""
    from mlops_kit.serving.endpoint import rows_as_json
    from mlops_kit.serving.endpoints import interface
    from mlops_kit.serving.predict import predictions

    contract, endpoint = load(), next(iter(interface().endpoints.values()))
    rows = contract.sample(ROWS, seed=1).drop(columns=contract.target)
    expected = predictions(models.load_model(exported()), contract, rows)
    body = json.dumps(endpoint.body(contract, rows_as_json(contract, rows))).encode()
    answers = endpoint.answers(contract, fetch(f"{address}{endpoint.path}", body)).predictions
    for number, (found, wanted) in enumerate(zip(answers, expected["prediction"], strict=True), start=1):
        same = found == wanted if contract.classes else math.isclose(found, wanted, rel_tol=1e-6)
        if not same:
            raise ImageError(f"Row {number}: the image predicts {found!r}, the champion {wanted!r}.")


def fetch(url: str, body: bytes | None = None) -> Any:
    """What the service answers, as JSON. Raises ImageError where it does not, or says that something is wrong."""
    try:
        request = urllib.request.Request(url, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise ImageError(f"{url} answers {error.code}: {error.read().decode()[:500]}") from None
    except OSError as error:
        raise ImageError(f"{url} does not answer: {error}") from None


# --- the registry ----------------------------------------------------------------------------------------------------

VERSION = "org.opencontainers.image.version"


def addresses(label: str) -> list[str]:
    """The names of an image in its registry, where the engine is then logged in; none where no registry is named."""
    if os.environ.get("IMAGE"):
        return targets(label)
    return [in_cloud(label)] if project().cloud != "none" and required().image else []


def pulled(name: str, label: str, inside: dict[str, str]) -> bool:
    """Pull an image where the registry has it. False where it does not, or has other files or another model in it."""
    with _installed(engine()):
        if run(engine(), "pull", name, quiet=True, check=False).returncode:
            return False
    found = inspected(name)
    same = {f"{key}={value}" for key, value in inside.items()} <= set(found.get("Env") or [])
    if not same or (found.get("Labels") or {}).get(VERSION) != label:
        return False
    call(engine(), "tag", name, project().name)
    say("image", f"{name} was built of the same files and model: pulled")
    return True


def push() -> str:
    """Push the image to what IMAGE names: under its version and as latest, or under the tag that IMAGE has."""
    if not os.environ.get("IMAGE") and project().cloud != "none":
        return push_to_cloud()
    if not os.environ.get("IMAGE"):
        raise ImageError("IMAGE is not set. Name the registry and the image, such as registry.example.com/team/churn")
    names = targets(inspected()["Labels"][VERSION])
    for name in names:
        call(engine(), "tag", project().name, name)
        call(engine(), "push", name)
    return f"pushed {' and '.join(names)}"


def targets(label: str) -> list[str]:
    """The names of the image of a version where IMAGE says; the engine is logged in there."""
    path, slash, name = os.environ["IMAGE"].rpartition("/")
    name, colon, tag = name.partition(":")
    target = f"{path}{slash}{name}".lower()  # a registry takes no capitals; the owner of a repository may have some
    log_in(target.partition("/")[0])
    return [f"{target}:{tag}"] if colon else [f"{target}:{label}", f"{target}:latest"]


def push_to_cloud() -> str:
    """Push the image to the registry that cloud.yaml names, once: there, a version never changes."""
    if not required().image:
        raise ImageError("cloud.yaml names no registry. Create it (uv run poe deploy), or name one in IMAGE.")
    target = in_cloud(inspected()["Labels"][VERSION])
    if run(engine(), "manifest", "inspect", target, quiet=True, check=False).returncode == 0:
        return f"{target} is there already"
    call(engine(), "tag", project().name, target)
    call(engine(), "push", target)
    return f"pushed {target}"


def in_cloud(label: str) -> str:
    """The name of the image of a version in the cloud's registry; the engine is logged in there."""
    settings = required()
    login.renew(settings)
    os.environ["REGISTRY_USER"], os.environ["REGISTRY_PASSWORD"] = provider().registry_login(settings)
    log_in(settings.image.partition("/")[0])
    return f"{settings.image}:{label}"


def log_in(registry: str) -> None:
    """Log in with REGISTRY_USER and REGISTRY_PASSWORD where they are set; else the engine is logged in already."""
    user, password = os.environ.get("REGISTRY_USER"), os.environ.get("REGISTRY_PASSWORD")
    if not user or not password:
        return
    command = (engine(), "login", "--username", user, "--password-stdin", registry)
    done = run(*command, quiet=True, check=False, stdin=password)
    if done.returncode:
        raise ImageError(f"{registry} does not let {user} in: {done.stderr.strip()}")


@command
def main() -> None:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(prog="image", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build", help="build the image with the champion inside")
    building.add_argument("--reuse", action="store_true", help="pull it where the registry has it already")
    commands.add_parser("test", help="start the image and compare its answers with the champion's")
    commands.add_parser("push", help="push the image to what IMAGE names")
    verifying = commands.add_parser("verify", help="check that a folder holds the champion (while the image is built)")
    verifying.add_argument("folder", type=Path)
    verifying.add_argument("md5", nargs="?", default="", help="the folder's hash; champion.yaml's by default")
    chosen = parser.parse_args()
    if chosen.command == "build":
        print(f"the image {project().name} is built, version {build(chosen.reuse)}")
    elif chosen.command == "test":
        print(f"the image {project().name} is good: {test()}")
    elif chosen.command == "push":
        print(push())
    else:
        verify(chosen.folder, chosen.md5)


if __name__ == "__main__":
    main()
