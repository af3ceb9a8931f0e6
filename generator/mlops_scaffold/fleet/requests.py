"""The requests of a fleet: known beforehand, opened or refreshed once the branch is there, and never doubled."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from mlops_scaffold.fleet.branches import full
from mlops_scaffold.fleet.hosts import Desk, Facts, Request
from mlops_scaffold.fleet.hosts.desk import CLOSED, FAILED, MERGED, OPEN
from mlops_scaffold.fleet.inventory import Fleet, Host, Member
from mlops_scaffold.fleet.line import ARCHIVED, BEHIND, CONFLICTS, CURRENT, DENIED, HELD, PROPOSED, RED, Line
from mlops_scaffold.fleet.line import MERGED as IS_MERGED
from mlops_scaffold.fleet.refusals import Refused
from mlops_scaffold.ground.errors import MlopsError

SUBJECT = "chore: update the template to"
ABORTED = " (taken back)"
BEGIN, END = "<!-- mlops fleet: begin -->", "<!-- mlops fleet: end -->"
NOTE = "**Template"
AT_ONCE = 8  # calls that only read
MOST = 40  # lines of a changelog that a request repeats


@dataclass
class Requests:
    """What the hosts know of the repositories; nothing for one that has no host."""

    fleet: Fleet
    desks: dict[str, Desk | MlopsError]
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE))
    _facts: dict[str, "Future[Facts]"] = field(default_factory=dict)
    _opened: dict[str, int] = field(default_factory=dict)

    def desk(self, member: Member) -> Desk | None:
        """The host of a repository. Raises Refused where its credentials are missing."""
        if member.host is None or not self.desks:
            return None
        found = self.desks[member.host.name]
        if isinstance(found, MlopsError):
            raise Refused(DENIED, found.sentence, found.next_step)
        return found

    def access(self, member: Member) -> tuple[tuple[str, ...], dict[str, str]]:
        """Settings and environment by which git reaches a repository. Raises Refused."""
        desk = self.desk(member)
        return desk.access(member.name) if desk else ((), {})

    def start(self, members: list[Member]) -> None:
        """Begin to ask, no more than AT_ONCE at a time."""
        for member in members:
            if member.host and member.repo not in self._facts and isinstance(self.desks.get(member.host.name), Desk):
                self._facts[member.repo] = self._pool.submit(self._ask, member)

    def _ask(self, member: Member) -> Facts:
        desk = self.desk(member)
        assert desk is not None  # noqa: S101  # see start
        return desk.facts(member.name, self.fleet.branch)

    def facts(self, member: Member) -> Facts | None:
        """What the host knows of a repository. Raises Refused."""
        if self.desk(member) is None:
            return None
        self.start([member])
        return self._facts[member.repo].result()

    def may_open(self, host: Host) -> bool:
        """Whether one more request may be open at a host."""
        most = self.fleet.limits.open
        if most is None:
            return True
        if host.name not in self._opened:
            members = [member for member in self.fleet.members if member.host == host]
            self.start(members)
            self._opened[host.name] = sum(self._is_open(member) for member in members)
        return self._opened[host.name] < most

    def _is_open(self, member: Member) -> bool:
        try:
            facts = self.facts(member)
        except MlopsError:
            return False
        return bool(facts and facts.request and facts.request.state == OPEN)

    def bring(self, member: Member, facts: Facts, lines: list[Line]) -> Request | None:
        """Open the request of a branch, or bring the one that is open up to date."""
        desk = self.desk(member)
        if desk is None:
            return None
        title, body, draft = title_of(lines), body_of(lines), any(line.conflicts for line in lines)
        request = facts.request
        if request is None or request.state != OPEN:
            desk.pause()
            request = desk.open(member.name, self.fleet.branch, facts.default, title, body, draft)
            if member.host and member.host.name in self._opened:
                self._opened[member.host.name] += 1
            return request
        title, body = refreshed(request, title, body)
        if (title, body) != (request.title, request.body):
            desk.pause()
            desk.edit(member.name, request, title, body, draft)
        return request

    def note(self, member: Member, facts: Facts, lines: list[Line]) -> None:
        """Say in an open request that a newer version is out, which its branch does not get: somebody works on it."""
        desk, request = self.desk(member), facts.request
        if desk is None or request is None or request.state != OPEN or request.title == title_of(lines):
            return
        body = with_note(request.body, targets_of(lines))
        if body != request.body:
            desk.pause()
            desk.edit(member.name, request, request.title, body, request.draft)

    def close(self, member: Member, request: Request) -> None:
        """Close a request, so that the next run may open another one."""
        desk = self.desk(member)
        if desk and request.state == OPEN:
            desk.pause()
            desk.close(member.name, request, request.title.removesuffix(ABORTED) + ABORTED)

    def shut(self) -> None:
        """Ask no more."""
        self._pool.shutdown(cancel_futures=True)


def apply(line: Line, member: Member, facts: Facts) -> None:
    """Fill in a line what the host knows."""
    request = facts.request
    line.request = request.to_json() if request else None
    if facts.name.lower() != member.name.lower():
        line.notices.append(f"It has moved to {facts.name}: correct fleet.yml.")
    if facts.archived:
        line.state = ARCHIVED
    elif line.state == CURRENT and facts.checks == FAILED:
        line.state = RED
        line.notices.append("The checks of the default branch fail.")
    elif line.state == CURRENT and request and request.state == MERGED:
        line.state = IS_MERGED
    elif line.state in (BEHIND, PROPOSED, CONFLICTS) and was_closed(request, line):
        line.state = HELD
        line.notices.append("Its request was closed by somebody: the next version is proposed again.")
    elif line.state == PROPOSED and request and request.state == OPEN and request.checks == FAILED:
        line.state = RED


def was_closed(request: Request | None, line: Line) -> bool:
    """Whether somebody has closed the request for these very versions. It may be for other projects too."""
    if request is None or request.state != CLOSED or request.title.endswith(ABORTED):
        return False
    return {*line.targets} <= {*request.title.removeprefix(f"{SUBJECT} ").split(", ")}


def title_of(lines: list[Line]) -> str:
    """The title of a request, and the subject of its commit."""
    return f"{SUBJECT} {targets_of(lines)}"


def targets_of(lines: list[Line]) -> str:
    """The versions that the projects of a repository get: of templates, then of layers."""
    return ", ".join(sorted({one for line in lines for one in line.targets}, key=lambda one: (" " in one, one)))


def refreshed(request: Request, title: str, body: str) -> tuple[str, str]:
    """Title and body of a request as they shall be: what a person has written of them stays."""
    kept = request.title if not request.title.startswith(SUBJECT) else title
    before, begin, rest = request.body.replace("\r\n", "\n").partition(BEGIN)
    _, end, after = rest.partition(END)
    return kept, before + body + after if begin and end else request.body


def with_note(body: str, newer: str) -> str:
    """A request's text with one note of the version that is out; unchanged where a person has replaced the text."""
    before, begin, rest = body.replace("\r\n", "\n").partition(BEGIN)
    if not begin:
        return body
    kept = "\n".join(line for line in rest.split("\n") if not line.startswith(NOTE))
    said = f"{NOTE} {newer} is out.** This branch has commits of others, so it is left alone: merge it, or close it."
    return f"{before}{begin}\n{said}{kept}"


def body_of(lines: list[Line]) -> str:
    """What a request says: the versions, the changes, and what is left to a person."""
    return "\n".join([BEGIN, *(text for line in lines for text in project_text(line)), END])


def project_text(line: Line) -> list[str]:
    """The part of one project."""
    parts = [f"## {line.path}", ""] if line.path != "." else []
    parts += [f"Template {line.versions}; {len(line.files or [])} files.", ""]
    if line.conflicts:
        parts += ["**Conflicts.** This branch has the project's side of these files:", ""]
        parts += [f"- `{full(line, one['path'])}` ({one['kind']})" for one in line.conflicts]
        parts += [
            "",
            "Check the branch out, then: `mlops update --resume`, `git mergetool`, `git commit`, `git push`.",
            "",
        ]
    if line.lock:
        parts += ["`uv.lock` is out of date: check the branch out, run `uv lock`, and commit it.", ""]
    if line.drifted:
        parts += [
            "Edited here, although the template maintains it: "
            + ", ".join(f"`{full(line, path)}`" for path in line.drifted),
            "",
        ]
    for name, changes in line.releases.items():
        parts += [f"### {name}", "", *changes[:MOST], ""]
    return parts
