"""The template's versions: a mirror of its repository in the user's cache, and what is laid out of it.

A version of the template is laid out once, in a folder of the cache named by its commit; nothing is cloned twice.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_scaffold.ground.errors import MlopsError, Unreachable
from mlops_scaffold.ground.paths import cache_dir
from mlops_scaffold.sources.address import Address, mirror_of
from mlops_scaffold.vcs.git import (
    GitError,
    GitTimeout,
    checked_ref,
    git,
    git_bytes,
    git_remote,
    is_repository_root,
    network_limit,
    succeeds,
)
from mlops_scaffold.vcs.repository import refuse_programs
from mlops_scaffold.vcs.trust import is_trusted

if TYPE_CHECKING:
    from packaging.version import Version as Release

# Tags are not forced: a tag that moved is noticed.
REFSPECS = ("+refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*", "+HEAD:refs/mlops/HEAD")
NEWEST = "refs/mlops/HEAD"
MOVED = "mlops-moved-tags"
FETCH = ("fetch", "--quiet", "--prune", "--no-write-fetch-head")


@dataclass(frozen=True)
class Version:
    """One version of a template: laid out in `folder`, `name` as `git describe` says it."""

    source: str
    ref: str
    name: str
    commit: str
    folder: Path
    notices: tuple[str, ...] = ()


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
            make_mirror(mirror, "sha1")
        try:
            yield mirror
        except GitError as error:
            step = f"The cache may be damaged. Remove {mirror}, then run the command again."
            raise error if error.next_step else MlopsError(error.sentence, step) from None


def make_mirror(mirror: Path, hashes: str) -> None:
    """An empty mirror, whatever the user's own repositories are made with."""
    shutil.rmtree(mirror, ignore_errors=True)
    git("init", "--quiet", "--bare", f"--object-format={hashes}", str(mirror))


_refreshed: dict[Path, str] = {}  # one fetch an invocation
_known: dict[Path, dict[str, str]] = {}


def refresh(mirror: Path, address: Address, offline: bool) -> str:
    """Bring the mirror up to date, once. Gives back a notice where the cached state had to do.

    A tag that the mirror has keeps the commit that it was first seen with: see `check_moved`.
    """
    if mirror in _refreshed:
        return _refreshed[mirror]
    if offline and address.is_remote:
        if NEWEST in refs(mirror):
            return ""
        raise MlopsError(f"{address.recorded} is not in the cache.", "Run once without --offline.")
    (mirror / MOVED).unlink(missing_ok=True)
    _known.pop(mirror, None)
    notice = ""
    try:
        fetch(mirror, address)
    except GitError as error:
        moved = [] if isinstance(error, GitTimeout) else moved_by(mirror, address)
        if moved:
            (mirror / MOVED).write_text("\n".join(moved), encoding="utf-8")
        elif NEWEST in refs(mirror):
            notice = f"{address.recorded} cannot be reached: the cached template is used."
        else:
            raise Unreachable(f"The template {address.recorded} cannot be reached.", str(error)) from None
    if (mirror / "HEAD").read_text(encoding="utf-8").strip() != f"ref: {NEWEST}":
        git("symbolic-ref", "HEAD", NEWEST, cwd=mirror)
    _refreshed[mirror] = notice
    return notice


def fetch(mirror: Path, address: Address) -> None:
    """Fetch all that an address has. Longer hashes, and a mirror that was cleaned up in part, need a new mirror."""
    try:
        git_remote(*FETCH, url=address.fetched, refspecs=REFSPECS, cwd=mirror)
    except GitError as error:
        longer = "server sha256" in error.sentence
        if isinstance(error, GitTimeout) or not (longer or is_damaged(mirror)):
            raise
        make_mirror(mirror, "sha256" if longer else "sha1")
        git_remote(*FETCH, url=address.fetched, refspecs=REFSPECS, cwd=mirror)
        _known.pop(mirror, None)


def is_damaged(mirror: Path) -> bool:
    """Whether something that a mirror's branches and tags need is gone; one that has nothing yet is only empty."""
    try:
        return bool(refs(mirror)) and not succeeds("rev-list", "--objects", "--quiet", "--all", cwd=mirror)
    except GitError:
        return True


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
        listing = git_remote("ls-remote", "--tags", url=address.fetched, cwd=mirror)
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
            wanted = uncommitted(mirror, Path(address.fetched.text)) if address.is_local else NEWEST
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
    # Asked on stdin: no option can be made of it, in any version of git.
    asked = f"{checked_ref(ref)}^{{commit}}\n".encode(errors="surrogateescape")
    said = git_bytes("cat-file", "--batch-check=%(objectname)", cwd=mirror, given=asked).decode(errors="replace")
    if not re.fullmatch(r"[0-9a-f]{40,64}\n", said):
        raise MlopsError(f"The template has no version {ref!r}.", nearest_tags(mirror, ref))
    return said.strip()


def describe(mirror: Path, commit: str) -> str:
    """A commit's name, as copier records it."""
    tags = [name.removeprefix("refs/tags/") for name, there in refs(mirror).items() if there == commit]
    tags = [tag for tag in tags if not tag.startswith("refs/")]
    return checked_ref(tags[0] if len(tags) == 1 else git("describe", "--tags", "--always", commit, cwd=mirror))


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
    if is_repository_root(checkout) and not is_trusted(checkout):
        refuse_programs(checkout)
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
    """The template's files at a commit, in the cache: written beside and renamed, so that nobody sees half of them.

    Two at once, from two mirrors or while a shell completes, write the same: whoever is second takes what is there.
    What somebody has cleaned up in part, as some machines do with caches, is laid out again.
    """
    folder = cache_dir() / "templates" / commit
    index = cache_dir() / "indexes" / commit  # what was laid out, as git notes it
    for place in (folder, index):
        place.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
    try:
        if is_whole(mirror, commit, folder, index):
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        tree = fresh / "tree"
        tree.mkdir()
        where = (f"--git-dir={mirror}", f"--work-tree={tree}")
        env = {"GIT_INDEX_FILE": str(fresh / "index")}
        git(*where, "read-tree", commit, env=env)
        # A filter of the user's own, such as git-lfs, may fetch.
        checkout = (*where, "-c", "core.autocrlf=false", "checkout-index", "--all", "--index", "--quiet")
        git(*checkout, env=env, cwd=tree, limit=network_limit())
        (fresh / "index").replace(index)
        try:
            tree.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def is_whole(mirror: Path, commit: str, folder: Path, index: Path) -> bool:
    """Whether what was laid out is all there, nothing else, and as the commit has it."""
    if not folder.is_dir() or not index.is_file():
        return False
    where = (f"--git-dir={mirror}", f"--work-tree={folder}", "-c", "core.autocrlf=false")
    env = {"GIT_INDEX_FILE": str(index)}
    looks = (("ls-files", "--deleted", "--modified", "--others"), ("diff-index", "--cached", commit))
    return not any(git(*where, *look, cwd=folder, env=env) for look in looks)
