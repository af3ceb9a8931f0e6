"""Where the repositories of a fleet are read: on this machine as they are, any other from a bare clone in the cache."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from mlops_scaffold.fleet.inventory import Fleet, Member
from mlops_scaffold.fleet.objects import Origin, origin_of
from mlops_scaffold.fleet.refusals import of_access
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.paths import cache_dir
from mlops_scaffold.vcs.git import GitError, git, git_remote
from mlops_scaffold.vcs.giturl import parse

AT_ONCE = 8  # fetches
Access = Callable[[Member], tuple[tuple[str, ...], dict[str, str]]]  # git's settings and environment for a repository
DEFAULT, OURS = "refs/fleet/default", "refs/fleet/branch"


@dataclass
class Clones:
    """The clones of a fleet. Each is fetched once, no more than AT_ONCE at a time, and its newest commit alone."""

    fleet: Fleet
    access: Access
    offline: bool = False
    always: bool = False  # also of a repository on this machine: what is written is written in a clone
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE))
    _fetched: dict[str, "Future[Origin]"] = field(default_factory=dict)

    def folder(self, member: Member) -> Path:
        """The clone of a repository; it ends in .git, as it is one."""
        return cache_dir() / "fleet" / f"{sha256(member.address.encode()).hexdigest()[:16]}.git"

    def start(self, members: list[Member]) -> None:
        """Begin to fetch."""
        for member in members:
            if self.always or not parse(member.address).is_local or member.address.startswith("file:"):
                self._fetched[member.repo] = self._pool.submit(self.fetch, member)

    def origin(self, member: Member) -> Origin:
        """The objects of a repository, and its commits. Raises MlopsError; Unreachable where a retry may help."""
        if member.repo in self._fetched:
            return self._fetched.pop(member.repo).result()
        return origin_of(Path(member.address), "HEAD", f"refs/heads/{self.fleet.branch}")

    def fetch(self, member: Member) -> Origin:
        """Bring the clone up to date, while no other process does. Raises MlopsError."""
        from filelock import FileLock

        clone = self.folder(member)
        clone.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{clone}.lock"):
            return self._fetch(member, clone)

    def _fetch(self, member: Member, clone: Path) -> Origin:
        """The default branch's newest commit, and ours with the one before it."""
        if not (clone / "HEAD").exists():
            if self.offline:
                raise MlopsError(f"{member.repo} is not in the cache.", "Run once without --offline.")
            git("init", "--quiet", "--bare", str(clone))
        if not self.offline:
            wanted = (f"+HEAD:{DEFAULT}", f"+refs/heads/{self.fleet.branch}*:{OURS}*")
            options = ("--quiet", "--no-tags", "--prune", "--no-write-fetch-head", "--depth=2", "--update-shallow")
            try:
                settings, env = self.access(member)
                url = parse(member.address)
                git_remote("fetch", *options, url=url, refspecs=wanted, cwd=clone, config=settings, env=env)
            except GitError as error:
                raise of_access(error) from None
        return origin_of(clone, DEFAULT, OURS)


@contextmanager
def clones(fleet: Fleet, access: Access, offline: bool = False, always: bool = False) -> Iterator[Clones]:
    """The clones of a fleet; what is still being fetched at the end is waited for."""
    found = Clones(fleet, access, offline, always)
    try:
        yield found
    finally:
        found._pool.shutdown(cancel_futures=True)
