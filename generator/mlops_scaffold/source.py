"""Where the template comes from: an address that everyone can clone, a mirror of it in the user's cache.

A version of the template is laid out once, in a folder of the cache named by its commit; nothing is cloned twice.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from mlops_scaffold.errors import MlopsError
from mlops_scaffold.git import GitError, git, is_repository_root, succeeds
from mlops_scaffold.paths import cache_dir
from mlops_scaffold.settings import load_settings

if TYPE_CHECKING:
    from packaging.version import Version as Release

# Tags are not forced: a tag that moved is noticed.
REFSPECS = ("+refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*", "+HEAD:refs/mlops/HEAD")
NEWEST = "refs/mlops/HEAD"
MOVED = "mlops-moved-tags"
# Nothing is cleaned up while somebody waits.
FETCH = ("-c", "maintenance.auto=false", "-c", "gc.auto=0", "fetch", "--quiet", "--prune", "--no-write-fetch-head")


@dataclass(frozen=True)
class Address:
    """A template's address. `recorded` goes into the answers file; `fetched` is read instead of it, without network."""

    recorded: str
    fetched: str
    is_local: bool = False
    notice: str = ""


@dataclass(frozen=True)
class Version:
    """One version of a template: laid out in `folder`, `name` as `git describe` says it."""

    source: str
    ref: str
    name: str
    commit: str
    folder: Path
    notices: tuple[str, ...] = ()


# --- the address -----------------------------------------------------------------------------------------------------


def find_address(template: str | None = None) -> Address:
    """By --template, MLOPS_TEMPLATE, the user's settings, or what the installation knows, in this order."""
    named = template or os.environ.get("MLOPS_TEMPLATE") or load_settings().template
    if named:
        return named_address(named)
    return installed_address()


def named_address(named: str) -> Address:
    """The address of a template that was named: a URL as copier understands it, or a path made absolute."""
    path = Path(named).expanduser()
    if path.exists():
        if not is_repository_root(path) and not (path / "HEAD").exists() and not path.is_file():
            raise MlopsError(
                f"{named} is not a git repository.", "A template is versioned: run git init and commit it."
            )
        absolute = path.resolve().as_posix()
        # copier takes a path for a checkout: a bare repository is one to clone, by its URL.
        bare = (path / "HEAD").exists()
        return Address(f"file://{absolute}" if bare else absolute, absolute, is_local=True)
    expanded = re.sub(r"^gl:/?(.*?)(\.git)?$", r"https://gitlab.com/\1.git", named)
    expanded = re.sub(r"^gh:/?(.*?)(\.git)?$", r"https://github.com/\1.git", expanded)
    if not re.match(r"^(git\+|git@|[a-z+]+://)", expanded):
        raise MlopsError(f"There is no template at {named}.", "Name a path that exists, or a git URL.")
    return Address(clonable(named), expanded.removeprefix("git+"))


def recorded_address(recorded: str) -> Address:
    """The address in a project's answers file; it may be gone, as long as the cache has it. Raises MlopsError."""
    if recorded == f"file://{mirror_of('bundle').as_posix()}":
        with suppress(MlopsError):
            return replace(installed_address(), recorded=recorded, notice="")
    expanded = re.match(r"^(git\+|git@|gh:|gl:|[a-z+]+://)", recorded)
    if not expanded and not Path(recorded).expanduser().is_absolute():
        raise MlopsError(
            f"The project's template is recorded as {recorded!r}, a relative path: nobody else can find it.",
            "Write its address into _src_path of the answers file, and commit that.",
        )
    if expanded or Path(recorded).expanduser().exists():
        return replace(named_address(recorded), recorded=recorded, notice="")
    if not (mirror_of(recorded) / "HEAD").exists():
        raise MlopsError(
            f"The project's template {recorded} is gone, and not in the cache.",
            "Write its new address into _src_path of the answers file, and commit that.",
        )
    return Address(recorded, recorded)


def clonable(address: str) -> str:
    """An address in the form that copier takes for a repository: a URL without .git says git+."""
    known = ("/", "git@", "git+", "gh:", "gl:", "https://github.com/", "https://gitlab.com/")
    return address if address.endswith(".git") or address.startswith(known) else f"git+{address}"


def installed_address() -> Address:
    """What the installation knows: the address that it was installed from, or the bundle in the package."""
    direct = _direct_url()
    if "vcs_info" in direct:
        return named_address("git+" + direct["url"])
    checkout = Path(unquote(direct.get("url", "").removeprefix("file://")))
    if direct and is_repository_root(checkout) and (checkout / "copier.yml").exists():
        return checkout_address(checkout)
    bundle = resources.files("mlops_scaffold") / "template.bundle"
    if not bundle.is_file():
        raise MlopsError("This installation carries no template.", "Name one: --template ADDRESS, or MLOPS_TEMPLATE.")
    path = mirror_of("bundle")
    notice = f"The template's address is {path}, on this machine only. For a team, name a shared one by --template."
    return Address(f"file://{path.as_posix()}", str(bundle), notice=notice)


def checkout_address(checkout: Path) -> Address:
    """The checkout that this program runs from: its origin is recorded, its own commits are read."""
    try:
        origin = git("remote", "get-url", "origin", cwd=checkout)
    except GitError:
        notice = f"The template's address is {checkout}, on this machine only: its repository has no origin."
        return Address(checkout.as_posix(), checkout.as_posix(), notice=notice)
    if Path(origin).exists():
        origin = Path(origin).resolve().as_posix()
    return Address(clonable(origin), checkout.as_posix())


def _direct_url() -> dict[str, str]:
    """PEP 610's record of where this distribution came from; empty for one from an index."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        text = distribution("mlops-scaffold").read_text("direct_url.json")
    except PackageNotFoundError:
        return {}
    found: dict[str, str] = json.loads(text) if text else {}
    return found


# --- the mirror ------------------------------------------------------------------------------------------------------


def mirror_of(recorded: str) -> Path:
    """Where the mirror of an address is. It ends in .git, so that copier takes it for a repository."""
    return cache_dir() / "mirrors" / f"{sha256(recorded.encode()).hexdigest()[:16]}.git"


def mirror_path(address: Address) -> Path:
    """The mirror of an address; the installation's own bundle is its own address."""
    bundled = mirror_of("bundle")
    return bundled if address.recorded == f"file://{bundled.as_posix()}" else mirror_of(address.recorded)


@contextmanager
def locked_mirror(address: Address) -> Iterator[Path]:
    """The mirror of an address, while no other process changes it."""
    from filelock import FileLock

    mirror = mirror_path(address)
    mirror.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{mirror}.lock"):
        if not (mirror / "HEAD").exists():
            shutil.rmtree(mirror, ignore_errors=True)
            git("init", "--quiet", "--bare", str(mirror))
        yield mirror


_refreshed: dict[Path, str] = {}  # one fetch an invocation
_known: dict[Path, dict[str, str]] = {}


def refresh(mirror: Path, address: Address, offline: bool) -> str:
    """Bring the mirror up to date, once. Gives back a notice where the cached state had to do.

    A tag that the mirror has keeps the commit that it was first seen with: see `check_moved`.
    """
    if mirror in _refreshed:
        return _refreshed[mirror]
    remote = address.fetched == address.recorded.removeprefix("git+") and not address.is_local
    if offline and remote:
        if NEWEST in refs(mirror):
            return ""
        raise MlopsError(f"{address.recorded} is not in the cache.", "Run once without --offline.")
    (mirror / MOVED).unlink(missing_ok=True)
    _known.pop(mirror, None)
    notice = ""
    try:
        git(*FETCH, address.fetched, *REFSPECS, cwd=mirror)
    except GitError as error:
        moved = moved_by(mirror, address)
        if moved:
            (mirror / MOVED).write_text("\n".join(moved), encoding="utf-8")
        elif NEWEST in refs(mirror):
            notice = f"{address.recorded} cannot be reached: the cached template is used."
        else:
            raise MlopsError(f"The template {address.recorded} cannot be reached.", error.sentence) from None
    if (mirror / "HEAD").read_text(encoding="utf-8").strip() != f"ref: {NEWEST}":
        git("symbolic-ref", "HEAD", NEWEST, cwd=mirror)
    _refreshed[mirror] = notice
    return notice


def refs(mirror: Path) -> dict[str, str]:
    """The commit of each branch and tag, by full name; read once an invocation."""
    if mirror not in _known:
        listing = git("for-each-ref", "--format=%(refname) %(*objectname) %(objectname)", cwd=mirror)
        words = (line.split() for line in listing.splitlines())
        _known[mirror] = {name: commits[0] for name, *commits in words}
    return _known[mirror]


def moved_by(mirror: Path, address: Address) -> list[str]:
    """The tags that an address has at another commit than the mirror; empty where it cannot be asked."""
    known = refs(mirror)
    try:
        listing = git("ls-remote", "--tags", address.fetched, cwd=mirror)
    except GitError:
        return []
    # An annotated tag is listed twice: the second line, with ^{}, names its commit.
    there = {name.removesuffix("^{}"): commit for commit, name in map(str.split, listing.splitlines())}
    return [name.removeprefix("refs/tags/") for name, commit in there.items() if known.get(name, commit) != commit]


def check_moved(mirror: Path, name: str) -> None:
    """Raise where a version is a tag that was moved: what was rendered from it is not what it is now."""
    path = mirror / MOVED
    if path.exists() and name in path.read_text(encoding="utf-8").splitlines():
        raise MlopsError(
            f"The template's tag {name} was moved: it is another commit than when it was first used here.",
            f"Ask who maintains the template. To accept it, remove {mirror} and run the command again.",
        )


def open_version(address: Address, ref: str | None, prereleases: bool = False, offline: bool = False) -> Version:
    """Find a version (the newest by default) and lay it out. Raises MlopsError for one that is not there."""
    with locked_mirror(address) as mirror:
        notice = refresh(mirror, address, offline)
        wanted = ref or newest_tag(mirror, prereleases) or NEWEST
        if wanted in ("HEAD", NEWEST):
            wanted = uncommitted(mirror, Path(address.fetched)) if address.is_local else NEWEST
        check_moved(mirror, wanted)
        commit = find_commit(mirror, wanted)
        name = describe(mirror, commit)
        folder = lay_out(mirror, commit)
    notices = tuple(text for text in (address.notice, notice) if text)
    return Version(address.recorded, ref or wanted, name, commit, folder, notices)


def reopen_version(address: Address, name: str, commit: str, offline: bool = False) -> Version:
    """The version that a project was made from: `name` and, where it is recorded, `commit`. Raises MlopsError."""
    with locked_mirror(address) as mirror:
        notice = refresh(mirror, address, offline)
        check_moved(mirror, name)
        try:
            found = find_commit(mirror, name)
        except MlopsError:
            if not commit:
                raise
            found = find_commit(mirror, commit)  # the tag is gone, its commit is not
        if commit and found != commit:
            raise MlopsError(
                f"The template's {name} was moved: the project was made from {commit[:10]}, now it is {found[:10]}.",
                "Ask who maintains the template.",
            )
        folder = lay_out(mirror, found)
    return Version(address.recorded, name, name, found, folder, tuple(text for text in (notice,) if text))


def find_commit(mirror: Path, ref: str) -> str:
    """The commit that a version names. Raises MlopsError that names the nearest ones."""
    if f"refs/tags/{ref}" in refs(mirror):
        return refs(mirror)[f"refs/tags/{ref}"]
    if ref == NEWEST and ref in refs(mirror):
        return refs(mirror)[ref]
    try:
        return git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", cwd=mirror)
    except GitError:
        raise MlopsError(f"The template has no version {ref!r}.", nearest_tags(mirror, ref)) from None


def describe(mirror: Path, commit: str) -> str:
    """A commit's name, as copier records it."""
    tags = [name.removeprefix("refs/tags/") for name, there in refs(mirror).items() if there == commit]
    tags = [tag for tag in tags if not tag.startswith("refs/")]
    return tags[0] if len(tags) == 1 else git("describe", "--tags", "--always", commit, cwd=mirror)


def is_older(address: Address, version: Version, than: Version) -> bool:
    """Whether a version comes before another one: by their releases, else by the history."""
    from packaging.version import InvalidVersion
    from packaging.version import Version as Release

    if version.commit == than.commit:
        return False
    try:
        return Release(version.name) < Release(than.name)
    except InvalidVersion:
        mirror = mirror_path(address)
        return succeeds("merge-base", "--is-ancestor", version.commit, than.commit, cwd=mirror)


def releases_between(address: Address, older: Version, newer: Version) -> list[str]:
    """The released versions after one version up to another one, the oldest first."""
    mirror = mirror_path(address)
    merged = git("tag", "--merged", newer.commit, "--no-merged", older.commit, cwd=mirror).splitlines()
    return [tag for _, tag in sorted(_versions(mirror)) if tag in merged]


def uncommitted(mirror: Path, checkout: Path) -> str:
    """A checkout that was named is taken as it stands, as copier does: its changes become a commit in the mirror."""
    if not is_repository_root(checkout) or not git("status", "--porcelain", cwd=checkout):
        return NEWEST
    where = (f"--git-dir={mirror}", f"--work-tree={checkout}")
    who = ("-c", "user.name=mlops", "-c", "user.email=mlops@localhost")
    with tempfile.TemporaryDirectory(dir=mirror) as folder:
        env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git(*where, "read-tree", NEWEST, env=env)
        git(*where, "add", "--all", env=env, cwd=checkout)
        tree = git(*where, "write-tree", env=env)
    message = "The template as it stands in its checkout."
    return git(f"--git-dir={mirror}", *who, "commit-tree", tree, "-p", NEWEST, "-m", message)


def newest_tag(mirror: Path, prereleases: bool) -> str | None:
    """The newest tag by PEP 440, as copier takes it; None where there is none."""
    versions = [pair for pair in _versions(mirror) if prereleases or not pair[0].is_prerelease]
    return max(versions)[1] if versions else None


def _versions(mirror: Path) -> "list[tuple[Release, str]]":
    """The tags that are versions by PEP 440."""
    return _releases([name.removeprefix("refs/tags/") for name in refs(mirror) if name.startswith("refs/tags/")])


def _releases(tags: list[str]) -> "list[tuple[Release, str]]":
    from packaging.version import InvalidVersion
    from packaging.version import Version as Release

    found = []
    for tag in tags:
        with suppress(InvalidVersion):
            found.append((Release(tag), tag))
    return found


def sort_releases(tags: list[str]) -> list[str]:
    """The tags that are versions, the oldest first."""
    return [tag for _, tag in sorted(_releases(tags))]


def nearest_tags(mirror: Path, ref: str) -> str:
    """A next step that names the versions nearest to one that is not there."""
    import difflib

    tags = [tag for _, tag in sorted(_versions(mirror), reverse=True)]
    near = difflib.get_close_matches(ref, tags, 3, 0.0)
    return f"There are: {', '.join(near)}." if near else "It has no released version yet: leave --vcs-ref out."


def lay_out(mirror: Path, commit: str) -> Path:
    """The template's files at a commit, in the cache: written beside and renamed, so that nobody sees half of them."""
    folder = cache_dir() / "templates" / commit
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
    try:
        tree = fresh / "tree"
        tree.mkdir()
        where = (f"--git-dir={mirror}", f"--work-tree={tree}")
        env = {"GIT_INDEX_FILE": str(fresh / "index")}
        git(*where, "read-tree", commit, env=env)
        git(*where, "-c", "core.autocrlf=false", "checkout-index", "--all", "--quiet", env=env, cwd=tree)
        tree.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder
