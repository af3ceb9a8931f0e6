"""What each project of a fleet needs: read from git objects, with nothing checked out and nothing written."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath

from mlops_scaffold.fleet import plans
from mlops_scaffold.fleet.bench import Bench, Benches, benches
from mlops_scaffold.fleet.clones import Clones, clones
from mlops_scaffold.fleet.inventory import Fleet, Member
from mlops_scaffold.fleet.line import BEHIND, CONFLICTS, CURRENT, ERROR, HELD, UNREACHABLE, UNTEMPLATED, Line
from mlops_scaffold.fleet.objects import Objects, Origin
from mlops_scaffold.fleet.plans import Place
from mlops_scaffold.fleet.renderings import Renderings
from mlops_scaffold.ground.errors import MlopsError, Unreachable, Untrusted
from mlops_scaffold.vcs.repository import Entries


@dataclass(frozen=True)
class Reader:
    """Reads repositories, one after the other."""

    fleet: Fleet
    clones: Clones
    benches: Benches
    renderings: Renderings

    @contextmanager
    def open(self, member: Member) -> Iterator["Opened"]:
        """A repository. Raises MlopsError where it cannot be read."""
        origin = self.clones.origin(member)
        bench = self.benches.for_names_like(origin.head)
        with bench.borrow(origin) as objects:
            yield Opened(self, member, origin, bench, objects, objects.entries(origin.head))


@dataclass(frozen=True)
class Opened:
    """A repository that is read: its files in the newest commit of its default branch."""

    reader: Reader
    member: Member
    origin: Origin
    bench: Bench
    objects: Objects
    files: Entries

    def find(self, line: Line) -> Place | None:
        """A project of it, with its versions in the line; None for one that needs no update, or that cannot have it.

        Raises MlopsError where that cannot be known.
        """
        name = PurePosixPath(self.member.address).name.removesuffix(".git")
        place = plans.find_project(self.objects, self.origin.head, self.files, line.path, name)
        if place is None:
            line.state = UNTEMPLATED
            return None
        line.older = place.project.version
        older, newer = self.reader.renderings.versions(place.project)
        line.older, line.newer = older.name, newer.name
        line.newest = self.reader.renderings.newest(place.project)
        line.notices = [*dict.fromkeys((*older.notices, *newer.notices))]
        line.state = CURRENT if older.commit == newer.commit else BEHIND
        return place

    def look(self, line: Line, predict: bool) -> None:
        """Fill in a line. What is wrong with a project is said in it."""
        try:
            place = self.find(line)
            if place is None:
                return
            renderings = self.reader.renderings
            older, newer = renderings.versions(place.project)
            try:
                both = predict and line.state == BEHIND
                base = (
                    renderings.both(place.project, older, newer)[0] if both else renderings.base(place.project, older)
                )
            except Untrusted as error:
                line.notices.append(f"{error.sentence} Its files were not compared: add --trust, if you know it.")
                return
            line.drifted = plans.drifted(self.objects, place, base, older)
            if both:
                self.predict(line, place)
            if self.member.is_held and line.state != CURRENT:
                line.state = HELD
        except MlopsError as error:
            fail(line, error)

    def predict(self, line: Line, place: Place) -> None:
        """Plan the update of a project."""
        renderings = self.reader.renderings
        with self.bench.scratch(self.objects, place.commit, place.files, place.prefix) as scratch:
            made = plans.plan_update(renderings, place, renderings.versions(place.project), scratch)
            line.files, line.conflicts = plans.files_of(made), plans.conflicts_of(made, scratch)
            line.lock = plans.lock_of(made, scratch)
        if line.conflicts:
            line.state = CONFLICTS


def fail(line: Line, error: MlopsError) -> None:
    """Say in a line that nothing could be done."""
    line.state = UNREACHABLE if isinstance(error, Unreachable) else ERROR
    line.error, line.retry = str(error), isinstance(error, Unreachable)


def lines_of(member: Member) -> list[Line]:
    """An empty line for each project of a repository."""
    return [Line(member.repo, path, member.ring) for path in member.paths]


@contextmanager
def reading(fleet: Fleet, renderings: Renderings, always: bool = False) -> Iterator[Reader]:
    """What reads the repositories of a fleet."""
    with clones(fleet, renderings.offline, always) as found, benches() as made:
        yield Reader(fleet, found, made, renderings)


def survey(fleet: Fleet, members: list[Member], renderings: Renderings, predict: bool = False) -> Iterator[Line]:
    """A line for each project, in the order of fleet.yml; with `predict`, its update is planned. Writes nothing."""
    with reading(fleet, renderings) as reader:
        reader.clones.start(members)
        for member in members:
            lines = lines_of(member)
            try:
                with reader.open(member) as opened:
                    for line in lines:
                        opened.look(line, predict)
            except MlopsError as error:
                for line in lines:
                    fail(line, error)
            yield from lines
