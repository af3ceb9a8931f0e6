"""Checks of uv, and of the environment that it makes."""

import os
import re
import shutil
from pathlib import Path

from mlops_scaffold.creating.environment import exclude, fault, outer_workspace
from mlops_scaffold.doctor.registry import Found, Place, check
from mlops_scaffold.ground import process
from mlops_scaffold.ground.errors import some

INDEXES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL")  # that replace PyPI
NAMED = re.compile(r"(?P<name>[\w.]+)-(?P<version>[\w.+!]+)\.dist-info")
REFUSED_PYTHON = re.compile(r"error: (The Python request|No interpreter found|The requested interpreter)")


@check("Every task and every git hook calls uv.")
def uv(place: Place) -> Found:
    """The PATH has uv."""
    if (place.package is not None or uses_uv(place)) and not shutil.which("uv"):
        yield "uv is not on the PATH", f'export PATH="{Path(process.uv()).parent}:$PATH"'


@check("uv makes the environment for the Python that this file names.")
def python(place: Place) -> Found:
    """A Python that pyproject.toml allows is named by .python-version."""
    file = place.folder / ".python-version"
    if uses_uv(place) and file.exists() and REFUSED_PYTHON.search(ask_uv(place, "lock", "--check").errors):
        named = file.read_text(encoding="utf-8").strip()
        yield f".python-version names {named}, which is not here or not allowed", "uv python pin --rm"


@check("uv makes the lock file and the environment of a workspace, not of this project.")
def workspace(place: Place) -> Found:
    """The project is no member of a uv workspace further up."""
    file = outer_workspace(place.folder) if place.package is not None else None
    if file is not None:
        yield f"the project is a member of the uv workspace of {file}", exclude(file, place.folder)


@check("No task can start, and no commit be made.", safe=True)
def environment(place: Place) -> Found:
    """The environment works on this machine, and in this folder."""
    found = fault(place.project, place.trusted) if uses_uv(place) else None
    if found is not None:
        yield found


@check("What is installed is not what pyproject.toml asks for, and CI refuses it.", safe=True)
def lock(place: Place) -> Found:
    """What pyproject.toml asks for is in uv.lock."""
    if not uses_uv(place):
        return
    if not (place.folder / "uv.lock").exists():
        yield "there is no uv.lock", "uv lock"
    elif "needs to be updated" in ask_uv(place, "lock", "--check").errors:
        yield "uv.lock does not fit pyproject.toml", "uv lock"


@check("CI, images and colleagues install from another index, and refuse this uv.lock.")
def package_index(place: Place) -> Found:
    """The package index of uv.lock is the project's, not only this machine's."""
    name = next((name for name in INDEXES if os.environ.get(name)), "")
    lock, settings = place.folder / "uv.lock", place.folder / "pyproject.toml"
    if place.package is None or not name or not lock.is_file() or not settings.is_file():
        return
    url = re.sub(r"//[^/@]*@", "//", os.environ[name])  # without a password
    if url in lock.read_text(encoding="utf-8") and url not in settings.read_text(encoding="utf-8"):
        command = place.project.command("update", "--data", f"package_index={url}")
        yield f"uv.lock names {url}, which only {name} of this machine knows", command


@check("Tasks run with other packages than everybody else's, or not at all.", safe=True)
def packages(place: Place) -> Found:
    """The environment holds what uv.lock names."""
    if not uses_uv(place) or not (place.folder / "uv.lock").exists():
        return
    if not place.project.python.exists():
        yield "there is no environment", "uv sync"
        return
    if not place.trusted:
        yield from as_far_as_read(place)
        return
    done = ask_uv(place, "sync", "--check", "--frozen")
    # The project itself is built anew by the next command where its files changed: no fault.
    own = place.folder.name if place.package is None else place.package.replace("_", "-")
    changed = sorted(set(re.findall(r"^ [-+~] ([\w.-]+)", done.errors, re.MULTILINE)) - {own})
    yield from differing(changed)


def differing(packages: list[str]) -> Found:
    """What to say of packages that are others than uv.lock names."""
    if packages:
        named = some(packages)
        yield f"the environment is not what uv.lock names: {named}", "uv sync"


def as_far_as_read(place: Place) -> Found:
    """What the names of the installed packages tell: their versions, and nothing of the environment runs."""
    import tomllib

    try:
        lock = tomllib.loads((place.folder / "uv.lock").read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        yield "uv.lock cannot be read", "uv lock"
        return
    locked: dict[str, set[str]] = {}
    for package in lock.get("package", ()):
        locked.setdefault(str(package.get("name")), set()).add(str(package.get("version")))
    folders = ("lib/python*/site-packages", "Lib/site-packages")
    found = (path for folder in folders for path in (place.folder / ".venv").glob(f"{folder}/*.dist-info"))
    here = (NAMED.fullmatch(path.name) for path in found)
    installed = {named["name"].lower().replace("_", "-"): named["version"] for named in here if named}
    yield from differing(sorted(name for name in installed.keys() & locked if installed[name] not in locked[name]))


def uses_uv(place: Place) -> bool:
    """Whether uv has anything to do with the project; one of another template may be locked by other means."""
    is_locked = place.package is not None or (place.folder / "uv.lock").is_file()
    return is_locked and (place.folder / "pyproject.toml").is_file()


def ask_uv(place: Place, *arguments: str) -> process.Finished:
    """What uv says, without the network. Raises Untrusted: uv asks the Python of .venv, and may build the project."""
    place.require_trust()
    env = {**place.variables, "UV_OFFLINE": "1", "NO_COLOR": "1"}
    return process.run([process.uv(), *arguments], cwd=place.folder, env=env)
