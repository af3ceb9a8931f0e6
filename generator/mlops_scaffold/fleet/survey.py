"""What each project of a fleet needs: read from git objects, with nothing checked out and nothing written."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePosixPath

from mlops_scaffold.fleet import plans
from mlops_scaffold.fleet.bench import Bench, Benches, benches
from mlops_scaffold.fleet.branches import Branch, Touched, read_branch
from mlops_scaffold.fleet.clones import Clones, clones
from mlops_scaffold.fleet.hosts import Facts, desks
from mlops_scaffold.fleet.hosts.desk import MERGED
from mlops_scaffold.fleet.inventory import Fleet, Member
from mlops_scaffold.fleet.line import BEHIND, CONFLICTS, CURRENT, EDITED, HELD, PROPOSED, UNTEMPLATED, Line
from mlops_scaffold.fleet.locking import resolve_lock
from mlops_scaffold.fleet.objects import Objects, Origin, write_object
from mlops_scaffold.fleet.plans import Place
from mlops_scaffold.fleet.refusals import TROUBLE, fail
from mlops_scaffold.fleet.renderings import Renderings
from mlops_scaffold.fleet.requests import Requests, apply
from mlops_scaffold.ground.errors import MlopsError, Untrusted
from mlops_scaffold.ground.project import BASE
from mlops_scaffold.projects.check import changelog
from mlops_scaffold.rendering.layers import Layer, outdated
from mlops_scaffold.sources.address import recorded_address
from mlops_scaffold.vcs.repository import Entries


@dataclass(frozen=True)
class Reader:
    """Reads repositories, one after the other."""

    fleet: Fleet
    clones: Clones
    benches: Benches
    renderings: Renderings
    requests: Requests

    def start(self, members: list[Member]) -> None:
        """Begin to fetch, and to ask the hosts."""
        self.clones.start(members)
        self.requests.start(members)

    @contextmanager
    def open(self, member: Member) -> Iterator["Opened"]:
        """A repository. Raises MlopsError where it cannot be read."""
        facts = self.requests.facts(member)
        origin = self.clones.origin(member)
        bench = self.benches.for_names_like(origin.head)
        with bench.borrow(origin) as objects:
            yield Opened(self, member, facts, origin, bench, objects, objects.entries(origin.head))


@dataclass(frozen=True)
class Opened:
    """A repository that is read: its files in the newest commit of its default branch."""

    reader: Reader
    member: Member
    facts: Facts | None
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
        for source in (one.source for one in (place.project, *place.over)):
            if not self.reader.fleet.allows(source, self.member):
                step = "If you trust it, add it to templates in fleet.yml."
                raise MlopsError(f"Its template {source} is not one of this fleet.", step)
        layers = self.reader.renderings.layers(place.project, place.over)
        base, *over = layers
        line.older, line.newer = base.older.name, base.newer.name
        line.newest = self.reader.renderings.newest(place.project)
        told = [text for one in layers for text in (*one.older.notices, *one.newer.notices)]
        line.layers = [{"name": one.name, "from": one.older.name, "to": one.newer.name} for one in over]
        line.notices = [*dict.fromkeys(told)]
        is_newest = all(one.stays_same for one in layers) and not outdated(layers)
        line.state = CURRENT if is_newest else BEHIND
        return place

    @cached_property
    def branch(self) -> Branch | None:
        """Our branch there; None where there is none. One that was merged is ours again."""
        if not self.origin.branch:
            return None
        found = read_branch(self.objects, self.origin.branch)
        return replace(found, is_ours=True) if self.is_merged(found.commit) else found

    def is_merged(self, commit: str) -> bool:
        """Whether the default branch has a commit: as its last one, as a parent of that, or as the host says."""
        request = self.facts.request if self.facts else None
        if request and request.state == MERGED and request.head == commit:
            return True
        found = self.objects.find(self.origin.head)
        head = found[2].partition(b"\n\n")[0] if found else b""
        return commit == self.origin.head or f"parent {commit}".encode() in head.splitlines()

    def look(self, line: Line, predict: bool) -> Touched:
        """Fill in a line; with `predict`, plan the update and give back what it changes.

        What is wrong with a project is said in its line.
        """
        try:
            place = self.find(line)
            if place is None:
                return {}
            self.find_drift(line, place)
            line.conflicts = plans.open_conflicts(self.objects, place)
            if line.conflicts:
                line.state = CONFLICTS
                line.notices.append(
                    "Conflicts of an earlier update are on the default branch: settle them there first."
                )
                return {}
            if line.state != CURRENT and self.member.is_held:
                line.state = HELD
            if line.state != CURRENT and not predict:
                self.find_branch(line, place)
            if self.facts:
                apply(line, self.member, self.facts)
            if predict and line.state == BEHIND:
                return self.plan(line, place)
        except TROUBLE as error:
            fail(line, error)
        return {}

    def find_drift(self, line: Line, place: Place) -> None:
        """The files of the template that the project has changed, where it can be rendered."""
        for one in (place.project, *place.over):
            older = self.reader.renderings.versions(one)[0]
            try:
                base = self.reader.renderings.base(one, older)
            except Untrusted as error:
                line.notices.append(f"{error.sentence} Its files were not compared: add --trust, if you know it.")
                continue
            line.drifted += plans.drifted(self.objects, place, base, older)

    def find_branch(self, line: Line, place: Place) -> None:
        """What our branch has for a project that is behind."""
        there = self.branch
        if there is None or line.state == HELD or self.is_merged(there.commit):
            return
        line.branch = self.reader.fleet.branch
        name = PurePosixPath(self.member.address).name
        proposed = plans.find_project(self.objects, there.commit, there.files, line.path, name)
        layers = self.reader.renderings.layers(place.project, place.over)
        wanted = {one.project.answers_file: one.newer.name for one in layers}
        if not there.is_ours:
            line.state = EDITED
        elif proposed and proposed.versions == wanted:
            line.conflicts = there.conflicts(self.objects, line.path)
            line.state = CONFLICTS if line.conflicts else PROPOSED

    def plan(self, line: Line, place: Place) -> Touched:
        """Plan the update of a project. What it makes is kept where the repository is a clone of ours."""
        renderings = self.reader.renderings
        layers = renderings.layers(place.project, place.over)
        with self.bench.scratch(self.objects, place.commit, place.files, place.prefix) as scratch:
            made, stale_lock = plans.plan_update(renderings, place, layers, scratch)
            line.files, line.conflicts = plans.files_of(made), plans.conflicts_of(made, scratch)
            line.lock = "stale" if stale_lock else None
            line.state = CONFLICTS if line.conflicts else BEHIND
            if not self.reader.clones.always:
                return {}
            line.releases = releases(layers)
            if stale_lock and self.member.trusted:
                locked = resolve_lock(made, scratch, self.reader.fleet)
                line.lock = "resolved" if locked else "stale"
            touched = plans.touched_by(made, line.conflicts, scratch)
            for blob in filter(None, touched.values()):
                write_object(self.origin.objects, b"blob", scratch.read(blob.oid), scratch.longer)
            return {place.prefix + path: blob for path, blob in touched.items()}


def releases(layers: Sequence[Layer]) -> dict[str, list[str]]:
    """The releases that an update brings, of the template and of layers, each with its lines in the changelog."""
    found: dict[str, list[str]] = {}
    for one in layers:
        if not one.stays_same:
            name = "" if one.name == BASE else f"Layer {one.name} "
            told = changelog(recorded_address(one.project.source), one.older, one.newer)
            found |= {f"{name}{version}": text for version, text in told.items()}
    return found


def lines_of(member: Member) -> list[Line]:
    """An empty line for each project of a repository."""
    return [Line(member.repo, path, member.ring) for path in member.paths]


@contextmanager
def reading(fleet: Fleet, renderings: Renderings, always: bool = False) -> Iterator[Reader]:
    """What reads the repositories of a fleet. Raises MlopsError where any template at all would be trusted."""
    if renderings.trust and not fleet.templates:
        sentence = "--trust would run the code of whatever template a project names."
        raise MlopsError(sentence, f"Name those that you trust in {fleet.file.name}: templates: [ADDRESS]")
    hosts = (
        []
        if renderings.offline
        else [*{member.host.name: member.host for member in fleet.members if member.host}.values()]
    )
    with desks(hosts, fleet.limits) as known, benches() as made:
        requests = Requests(fleet, known)
        with clones(fleet, requests.access, renderings.offline, always) as found:
            try:
                yield Reader(fleet, found, made, renderings, requests)
            finally:
                requests.shut()


def survey(fleet: Fleet, members: list[Member], renderings: Renderings, predict: bool = False) -> Iterator[Line]:
    """A line for each project, in the order of fleet.yml; with `predict`, its update is planned. Writes nothing."""
    with reading(fleet, renderings) as reader:
        reader.start(members)
        for member in members:
            lines = lines_of(member)
            try:
                with reader.open(member) as opened:
                    for line in lines:
                        opened.look(line, predict)
            except TROUBLE as error:
                for line in lines:
                    fail(line, error)
            yield from lines
