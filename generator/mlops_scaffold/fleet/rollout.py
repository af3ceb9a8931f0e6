"""A version on its way through a fleet: ring after ring, and not on where too many projects fail."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from hashlib import sha256

from mlops_scaffold.fleet.inventory import Fleet, Member
from mlops_scaffold.fleet.line import ARCHIVED, CURRENT, HELD, MERGED, RED, UNTEMPLATED, Line
from mlops_scaffold.fleet.proposing import Proposer
from mlops_scaffold.fleet.renderings import Renderings
from mlops_scaffold.fleet.survey import reading, survey
from mlops_scaffold.ground.errors import MlopsError, some
from mlops_scaffold.ground.paths import cache_dir

DONE = (CURRENT, MERGED, HELD, ARCHIVED, UNTEMPLATED)


@dataclass
class Rollout:
    """One run over a fleet. `stopped` says why it did not go on, where it did not."""

    fleet: Fleet
    renderings: Renderings
    despite: tuple[str, ...] = ()
    stopped: str = ""
    too_many: bool = False
    _failed: set[str] = field(default_factory=set)

    def update(self, members: list[Member], ring: str) -> Iterator[Line]:
        """Propose the version: to one ring, or to the first that is not done. Raises MlopsError."""
        if ring:
            self.require_done(ring)
        with reading(self.fleet, self.renderings, always=True) as reader:
            proposer = Proposer(reader)
            for now in [ring] if ring else self.fleet.rings or [""]:
                wanted = [member for member in members if not now or member.ring == now]
                reader.start(wanted)
                waits = []
                for member in wanted:
                    lines = proposer.propose(member)
                    yield from lines
                    waits += [line.repo for line in lines if not self.is_done(line)]
                    if self.is_enough(lines, len(members)):
                        return
                if waits and self.has_next(now, members):
                    self.stopped = f"The ring after {now} waits for {some(waits, 5)}."
                    return

    def abort(self, members: list[Member]) -> Iterator[Line]:
        """Take back what was proposed and nobody has worked on."""
        with reading(self.fleet, self.renderings, always=True) as reader:
            proposer = Proposer(reader)
            reader.start(members)
            for member in members:
                yield from proposer.abort(member)

    def has_next(self, ring: str, members: list[Member]) -> bool:
        """Whether a ring comes after this one."""
        later = self.fleet.rings[self.fleet.rings.index(ring) + 1 :] if ring else ()
        return any(member.ring in later for member in members)

    def is_done(self, line: Line) -> bool:
        """Whether the next ring need not wait for a project."""
        return line.state in DONE or any(fnmatch(line.repo, name) for name in self.despite)

    def is_enough(self, lines: list[Line], number: int) -> bool:
        """Whether more than the share that may fail has failed."""
        self._failed |= {line.repo for line in lines if line.failed or line.state == RED}
        share = self.fleet.limits.fail_stop
        if share is None or len(self._failed) <= share * number:
            return False
        self.too_many = True
        self.stopped = (
            f"Stopped: {len(self._failed)} of {number} repositories failed ({some(sorted(self._failed), 5)})."
        )
        return True

    def require_done(self, ring: str) -> None:
        """Raise where a project of an earlier ring is not done."""
        earlier = self.fleet.rings[: self.fleet.rings.index(ring)]
        members = [member for member in self.fleet.members if member.ring in earlier]
        waits = [line for line in survey(self.fleet, members, self.renderings) if not self.is_done(line)]
        if waits:
            names = dict.fromkeys(line.repo for line in waits)
            step = "Settle them, or: " + " ".join(f"--despite {name}" for name in names)
            states = dict.fromkeys(f"{line.repo} ({line.state})" for line in waits)
            raise MlopsError(f"The rings before {ring} are not done: {some(states, 5)}.", step)


@contextmanager
def alone(fleet: Fleet) -> Iterator[None]:
    """While no other run of the same inventory writes. Raises MlopsError where one does."""
    from filelock import FileLock, Timeout

    folder = cache_dir() / "fleet"
    folder.mkdir(parents=True, exist_ok=True)
    name = sha256(str(fleet.file.resolve()).encode()).hexdigest()[:16]
    try:
        with FileLock(folder / f"{name}.run.lock", timeout=0):
            yield
    except Timeout:
        raise MlopsError(f"Another run over {fleet.file.name} is going on.", "Wait until it has ended.") from None
