"""fleet.yml: which repositories there are, who hosts them, in which rings they are updated, and how fast."""

import datetime
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.safe_paths import fault
from mlops_scaffold.ground.settings import read_mapping
from mlops_scaffold.sources.catalog import suggest
from mlops_scaffold.vcs.git import checked_ref
from mlops_scaffold.vcs.giturl import is_path, parse

BRANCH = "mlops/template"
KEYS = ("version", "hosts", "branch", "rings", "limits", "templates", "projects", "ignore")
PROJECT_KEYS = ("repo", "path", "ring", "hold", "trusted")
LIMIT_KEYS = ("open", "per_minute", "fail_stop")
HOST_KEYS = {"gitlab": ("kind", "token", "api"), "github": ("kind", "token", "app", "key", "api")}


@dataclass(frozen=True)
class Host:
    """A GitHub or GitLab. `secrets` names the environment variable of each credential; none is kept here."""

    name: str
    kind: str
    secrets: Mapping[str, str] = field(default_factory=dict)
    api: str = ""


@dataclass(frozen=True)
class Limits:
    """Of each host: requests that may be open, writes in a minute. `fail_stop`: the share that may fail, 0 to 1."""

    open: int | None = None
    per_minute: int | None = None
    fail_stop: float | None = None


@dataclass(frozen=True)
class Hold:
    """A project that is left alone, until a day or for good."""

    why: str = ""
    until: datetime.date | None = None

    @property
    def holds(self) -> bool:
        """Whether it still does."""
        return self.until is None or datetime.date.today() < self.until


@dataclass(frozen=True)
class Member:
    """A repository, and the projects in it: a folder each."""

    repo: str
    address: str  # what git reads: an absolute path, or a URL
    paths: tuple[str, ...] = (".",)
    ring: str = ""
    hold: Hold | None = None
    trusted: bool = False
    host: Host | None = None
    name: str = ""  # at its host: GROUP/NAME

    @property
    def is_held(self) -> bool:
        """Whether it is left alone today."""
        return self.hold is not None and self.hold.holds


@dataclass(frozen=True)
class Fleet:
    """What fleet.yml says."""

    file: Path
    members: tuple[Member, ...]
    rings: tuple[str, ...] = ()
    branch: str = BRANCH
    limits: Limits = Limits()
    hosts: Mapping[str, Host] = field(default_factory=dict)
    templates: tuple[str, ...] = ()  # the addresses that projects may have been made from; any, where none is named

    ignore: tuple[str, ...] = ()  # repositories that are not to be found, by patterns

    def allows(self, template: str, member: Member) -> bool:
        """Whether a project may be updated from a template: one elsewhere gets nothing of this machine."""
        if self.templates:
            return template in self.templates
        here = is_path(template) or template.startswith("file:")
        return not here or parse(member.address).is_local

    def chosen(self, ring: str = "", only: str = "", shard: str = "") -> list[Member]:
        """The members of a ring, whose names match a pattern, in the i-th of n parts. Raises MlopsError."""
        if ring and ring not in self.rings:
            raise MlopsError(f"There is no ring {ring!r}.", suggest(ring, self.rings) if self.rings else "")
        found = [member for member in self.members if not ring or member.ring == ring]
        if only:
            found = [member for member in found if fnmatch(member.repo, only) or fnmatch(member.name, only)]
            if not found:
                raise MlopsError(f"No repository of {self.file.name} matches {only!r}.", "See: mlops fleet list")
        if not shard:
            return found
        part, _, parts = shard.partition("/")
        if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
            raise MlopsError(f"--shard is {shard!r}, which is no part of several.", "For example: 1/4")
        return found[int(part) - 1 :: int(parts)]


def read_fleet(path: Path) -> Fleet:
    """Read fleet.yml. Raises MlopsError that names the first thing wrong with it."""
    raw = read_mapping(path)
    where = path.name
    _known(raw, KEYS, where)
    if raw.get("version", 1) != 1:
        raise MlopsError(f"{where} is of version {raw['version']!r}.", "This mlops reads version 1.")
    rings = tuple(_texts(raw.get("rings", []), f"{where}: rings"))
    hosts = {name: _host(name, row, where) for name, row in _mapping(raw.get("hosts", {}), f"{where}: hosts").items()}
    rows = raw.get("projects")
    if not isinstance(rows, list) or not rows:
        raise MlopsError(f"{where} has no list of projects.", "projects: [{repo: PATH_OR_URL}]")
    members = tuple(_member(row, number, path, rings, hosts) for number, row in enumerate(rows, 1))
    _refuse_twice(members, where)
    empty = [ring for ring in rings if ring not in {member.ring for member in members}]
    if empty:
        raise MlopsError(f"{where}: no project is in the ring {empty[0]!r}.", "Remove it from rings, or add a project.")
    branch = raw.get("branch", BRANCH)
    if not isinstance(branch, str) or not _is_branch(branch):
        raise MlopsError(f"{where}: {branch!r} is no name of a branch.", f"For example: {BRANCH}")
    limits = _limits(raw.get("limits", {}), where)
    templates = tuple(_texts(raw.get("templates", []), f"{where}: templates"))
    ignore = tuple(_texts(raw.get("ignore", []), f"{where}: ignore"))
    return Fleet(path, members, rings, branch, limits, hosts, templates, ignore)


def _member(given: object, number: int, path: Path, rings: Collection[str], hosts: Mapping[str, Host]) -> Member:
    where = f"{path.name}: project {number}"
    row = {"repo": given} if isinstance(given, str) else _mapping(given, where)
    _known(row, PROJECT_KEYS, where)
    repo = row.get("repo")
    if not isinstance(repo, str) or not repo:
        raise MlopsError(f"{where} has no repo.", "It is a path, a URL, or HOST/GROUP/NAME of a host in hosts.")
    where = f"{path.name}: {repo}"
    ring = row.get("ring", next(reversed(list(rings)), ""))
    if ring != "" and ring not in rings:
        raise MlopsError(f"{where} is in the ring {ring!r}, which is not in rings.", suggest(str(ring), rings))
    named = row.get("path", ".")
    paths = tuple(_texts([named] if isinstance(named, str) else named, f"{where}: path"))
    if any(fault(one) for one in paths if one != ".") or len(set(paths)) != len(paths) or not paths:
        raise MlopsError(f"{where}: path names no folders of the repository.", "For example: path: [svc-a, svc-b]")
    trusted = row.get("trusted", False)
    if not isinstance(trusted, bool):
        raise MlopsError(f"{where}: trusted is neither true nor false.")
    name, host = _at_host(repo, hosts)
    address = f"https://{host.name}/{name}.git" if host else _address(repo, path.parent)
    hold = _hold(row["hold"], where) if "hold" in row else None
    folders = tuple(one.strip("/") or "." for one in paths)
    return Member(repo, address, folders, ring, hold, trusted, host, name)


def _at_host(repo: str, hosts: Mapping[str, Host]) -> tuple[str, Host | None]:
    """The name of a repository at one of the hosts, however it is written; no host for a path or another URL."""
    text = repo.removeprefix("https://").removesuffix(".git").strip("/")
    name, _, rest = text.partition("/")
    return (rest, hosts[name]) if name in hosts and rest else ("", None)


def _address(repo: str, folder: Path) -> str:
    """What git reads. Paths are relative to fleet.yml."""
    if not is_path(repo):
        return parse(repo).text
    path = (folder / os.path.expanduser(repo)).resolve()  # noqa: PTH111  # pathlib raises for no such user
    return parse(path.as_posix()).text


def _refuse_twice(members: Collection[Member], where: str) -> None:
    seen: dict[str, str] = {}
    for member in members:
        key = member.address.removesuffix("/").removesuffix(".git")
        if key in seen:
            step = "A repository has one row; several projects in it are one list: path: [svc-a, svc-b]"
            raise MlopsError(f"{where} names the repository {member.repo} twice.", step)
        seen[key] = member.repo


def _host(name: str, row: object, where: str) -> Host:
    where = f"{where}: host {name}"
    row = _mapping(row, where)
    kind = row.get("kind")
    if not isinstance(kind, str) or kind not in HOST_KEYS:
        raise MlopsError(f"{where} has the kind {kind!r}.", suggest(str(kind), HOST_KEYS))
    _known(row, HOST_KEYS[kind], where)
    secrets = {key: row[key] for key in ("token", "app", "key") if key in row}
    for key, value in secrets.items():
        if not isinstance(value, str) or not value.removeprefix("env:").isidentifier() or not value.startswith("env:"):
            raise MlopsError(f"{where}: {key} is no variable of the environment.", f"Write {key}: env:NAME")
    if set(secrets) not in ({"token"}, {"app", "key"}):
        raise MlopsError(f"{where} says no credentials.", "token: env:NAME" + (", or app and key" * (kind == "github")))
    api = row.get("api", "")
    if not isinstance(api, str) or (api and not api.startswith(("https://", "http://127.0.0.1:", "http://localhost:"))):
        raise MlopsError(f"{where}: api is no https address.", "A token is sent to it.")
    return Host(name, kind, {key: value.removeprefix("env:") for key, value in secrets.items()}, api.rstrip("/"))


def _limits(row: object, where: str) -> Limits:
    row = _mapping(row, f"{where}: limits")
    _known(row, LIMIT_KEYS, f"{where}: limits")
    for key in ("open", "per_minute"):
        value = row.get(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise MlopsError(f"{where}: limits: {key} is {value!r}.", "It is a whole number, 1 or more.")
    stop = row.get("fail_stop")
    share = None
    if stop is not None:
        digits = str(stop).removesuffix("%")
        share = int(digits) / 100 if str(stop).endswith("%") and digits.isdecimal() else -1
        if not 0 <= share <= 1:
            raise MlopsError(f"{where}: limits: fail_stop is {stop!r}.", "It is a share, for example 20%.")
    return Limits(row.get("open"), row.get("per_minute"), share)


def _hold(row: object, where: str) -> Hold:
    row = _mapping(row, f"{where}: hold")
    _known(row, ("until", "why"), f"{where}: hold")
    until = row.get("until")
    until = until.date() if isinstance(until, datetime.datetime) else until
    if until is not None and not isinstance(until, datetime.date):
        raise MlopsError(f"{where}: hold: until is no day.", "For example: until: 2027-01-15")
    return Hold(str(row.get("why", "")), until)


def _is_branch(name: str) -> bool:
    """Whether git takes a text for a branch: what `git check-ref-format` refuses, in one line."""
    bad = ("..", "@{", "//", "\\", " ", "~", "^", ":", "?", "*", "[")
    plain = name and not name.startswith(("/", ".", "-")) and not name.endswith(("/", ".", ".lock"))
    return bool(plain) and "/." not in name and not any(sign in name for sign in bad) and bool(checked_ref(name))


def _known(row: Mapping[str, Any], keys: Collection[str], where: str) -> None:
    """Raise for a key that has no meaning, with the nearest that has one."""
    for key in row:
        if key not in keys:
            raise MlopsError(f"{where} has the unknown key {key!r}.", suggest(str(key), keys))


def _mapping(row: object, where: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise MlopsError(f"{where} is no mapping.", "Write KEY: VALUE.")
    return row


def _texts(values: object, where: str) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise MlopsError(f"{where} is no list of names.", "For example: [early, rest]")
    return values
