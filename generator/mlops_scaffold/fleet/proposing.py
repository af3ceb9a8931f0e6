"""`mlops fleet update` and `abort`: what is planned becomes a commit on our branch, pushed by name and nothing else."""

from dataclasses import dataclass

from mlops_scaffold.fleet.branches import Touched, make_commit
from mlops_scaffold.fleet.hosts.desk import FAILED, OPEN
from mlops_scaffold.fleet.inventory import Member
from mlops_scaffold.fleet.line import BEHIND, CONFLICTS, EDITED, HELD, PROPOSED, RED, Line
from mlops_scaffold.fleet.refusals import TROUBLE, fail, of_push
from mlops_scaffold.fleet.requests import title_of
from mlops_scaffold.fleet.survey import Opened, Reader, lines_of
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.vcs.git import GitError, git_remote, signs
from mlops_scaffold.vcs.giturl import parse
from mlops_scaffold.vcs.repository import Blob

NO_HOST = "Pushed. No request was opened: fleet.yml names no host for this repository."


@dataclass(frozen=True)
class Proposer:
    """Makes, refreshes and removes our branch in each repository."""

    reader: Reader

    def propose(self, member: Member) -> list[Line]:
        """Bring our branch of a repository to the version. A line for each project in it."""
        lines = lines_of(member)
        try:
            with self.reader.open(member) as opened:
                touched: dict[str, Blob | None] = {}
                for line in lines:
                    touched |= opened.look(line, predict=True)
                wanted = [line for line in lines if line.files is not None and not line.failed]
                if wanted:
                    self.bring(opened, touched, wanted)
        except TROUBLE as error:
            for line in lines:
                if not line.failed:
                    fail(line, error)
        return lines

    def bring(self, opened: Opened, touched: Touched, lines: list[Line]) -> None:
        """Push the branch, unless it is there as it is to be, or somebody has worked on it."""
        there, member, facts = opened.branch, opened.member, opened.facts
        if there and not there.is_ours:
            for line in lines:
                line.state = EDITED
                line.notices.append("Somebody has committed to the branch: it is left alone.")
                line.request = facts.request.to_json() if facts and facts.request else None
            if facts:
                self.reader.requests.note(member, facts, lines)
            return
        is_open = facts is not None and facts.request is not None and facts.request.state == OPEN
        if member.host and facts and not is_open and not self.reader.requests.may_open(member.host):
            for line in lines:
                line.notices.append(
                    f"It waits: {self.reader.fleet.limits.open} requests are open at {member.host.name}."
                )
            return
        if there and there.commit == opened.origin.head:
            self.require_other_branch(member)
        is_new = there is None or dict(there.touched) != dict(touched)
        if is_new:
            clone = self.reader.clones.folder(member)
            subject = title_of(lines)
            commit = make_commit(clone, opened.origin.head, opened.files, touched, subject, lines)
            self.push(member, commit, there.commit if there else "")
        request = self.reader.requests.bring(member, facts, lines) if facts else None
        for line in lines:
            is_red = request is not None and request.checks == FAILED and not is_new
            line.state = CONFLICTS if line.conflicts else RED if is_red else PROPOSED
            line.branch = self.reader.fleet.branch
            line.request = request.to_json() if request else None
            if member.host is None:
                line.notices.append(NO_HOST)

    def push(self, member: Member, commit: str, expected: str) -> None:
        """Set our branch (or remove it, without a commit) where it still is as we read it. Raises Refused."""
        name = f"refs/heads/{self.reader.fleet.branch}"
        options = ("--quiet", "--porcelain", f"--force-with-lease={name}:{expected}")
        clone = self.reader.clones.folder(member)
        try:
            settings, env = self.reader.requests.access(member)
            url, pushed = parse(member.address), (f"{commit}:{name}",)
            git_remote("push", *options, url=url, refspecs=pushed, cwd=clone, config=settings, env=env)
        except GitError as error:
            raise of_push(error, signs(clone)) from None

    def require_other_branch(self, member: Member) -> None:
        """Raise where our branch is the default one: nothing is ever pushed there."""
        clone, name = self.reader.clones.folder(member), self.reader.fleet.branch
        settings, env = self.reader.requests.access(member)
        url, head = parse(member.address), ("HEAD",)
        said = git_remote("ls-remote", "--symref", url=url, refspecs=head, cwd=clone, config=settings, env=env)
        if f"ref: refs/heads/{name}\tHEAD" in said.splitlines():
            raise MlopsError(f"{name} is the default branch there.", "Name another one in fleet.yml: branch")

    def abort(self, member: Member) -> list[Line]:
        """Remove our branch where nobody else has committed to it."""
        lines = lines_of(member)
        try:
            with self.reader.open(member) as opened:
                for line in lines:
                    opened.look(line, predict=False)
                there = opened.branch
                if there is None:
                    return lines
                if there.is_ours:
                    if opened.facts and opened.facts.request:
                        self.reader.requests.close(member, opened.facts.request)
                    self.push(member, "", there.commit)
                for line in lines:
                    if line.branch and line.state != HELD:  # only then the branch is for this version
                        line.state = BEHIND if there.is_ours else EDITED
                    line.branch, line.conflicts = "", []
                    kept = "Somebody has committed to the branch: it is kept."
                    line.notices = [*line.notices, "The branch is removed." if there.is_ours else kept]
        except TROUBLE as error:
            for line in lines:
                fail(line, error)
        return lines
