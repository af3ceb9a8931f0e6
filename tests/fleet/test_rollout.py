"""`mlops fleet update` over bare repositories with hooks: a branch each, and nobody's commit lost or written over."""

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mlops_scaffold.fleet import branches, proposing
from mlops_scaffold.fleet.branches import make_commit
from mlops_scaffold.fleet.inventory import read_fleet
from mlops_scaffold.fleet.line import Line
from mlops_scaffold.fleet.objects import write_object
from mlops_scaffold.fleet.renderings import Renderings
from mlops_scaffold.fleet.rollout import Rollout, alone
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.vcs.conflict_record import RECORD

from tests.conftest import git, mlops, wait_until
from tests.update.world import World, commit, forget_fetches, make_world, write

BRANCH = "mlops/template"
LINES = "".join(f"line {number}\n" for number in range(12))
# As a host protects a repository: nothing is pushed to main; some are archived, or want a signature.
HOOK = """#!/bin/sh
while read old new name; do
  test "$name" != refs/heads/main || { echo "main is protected"; exit 1; }
  test ! -e archived || { echo "This repository was archived so it is read-only."; exit 1; }
  test ! -e signed || test "$new" = 0000000000000000000000000000000000000000 ||
    git cat-file commit "$new" | grep -q ^gpgsig || { echo "Commits must have verified signatures."; exit 1; }
done
"""


@dataclass
class Company:
    """A template with two versions, and bare repositories of projects of the first, each with work of its own."""

    world: World

    @property
    def folder(self) -> Path:
        return self.world.folder

    def add(self, name: str, edit: dict[str, str | None] | None = None, mark: str = "") -> Path:
        """A repository, as a host has it."""
        bare, project = self.folder / f"{name}.git", self.world.project
        if edit:
            write(project, edit)
            commit(project, "work")
        git("clone", "--quiet", "--bare", str(project), str(bare), cwd=self.folder)
        if edit:
            git("reset", "--quiet", "--hard", "HEAD~", cwd=project)
        write(bare, {"hooks/pre-receive*": HOOK, **({mark: ""} if mark else {})})
        return bare

    def work(self, name: str, edit: dict[str, str | None], branch: str = "main") -> None:
        """Somebody's commit, pushed to a branch."""
        clone = self.clone(name, branch)
        write(clone, edit)
        self.push(name, clone, branch)

    def push(self, name: str, clone: Path, branch: str = "main") -> None:
        """Commit what is in a clone, and push it; as a host's merge does, to main too."""
        commit(clone, "work")
        hook = self.folder / f"{name}.git/hooks/pre-receive"
        held = hook.read_bytes() if hook.exists() else None
        hook.unlink(missing_ok=True)
        git("push", "--quiet", "origin", f"HEAD:{branch}", cwd=clone)
        if held:
            write(hook.parent, {"pre-receive*": held})

    def clone(self, name: str, branch: str) -> Path:
        """A clone of somebody's."""
        clone = Path(tempfile.mkdtemp(dir=self.folder))
        git("clone", "--quiet", "--branch", branch, f"file://{self.folder}/{name}.git", str(clone), cwd=self.folder)
        return clone

    def inventory(self, *rows: str, more: str = "") -> None:
        """fleet.yml."""
        text = "".join(f"  - {row}\n" for row in rows)
        (self.folder / "fleet.yml").write_text(f"{more}projects:\n{text}", encoding="utf-8")

    def rollout(self, to: str | None = None, despite: tuple[str, ...] = ()) -> Rollout:
        """A run of its own."""
        forget_fetches()
        return Rollout(read_fleet(self.folder / "fleet.yml"), Renderings(to), despite)

    def update(self, ring: str = "", **more: object) -> dict[str, Line]:
        """`mlops fleet update`, by the repositories' names."""
        run = self.rollout(**more)  # type: ignore[arg-type]
        return named(run.update(run.fleet.chosen(ring), ring))

    def abort(self) -> dict[str, Line]:
        """`mlops fleet abort`."""
        run = self.rollout()
        return named(run.abort(run.fleet.chosen()))

    def tip(self, name: str, branch: str = BRANCH) -> str:
        """The commit of a branch; nothing where there is none."""
        command = ["git", "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}"]
        return subprocess.run(command, cwd=self.folder / f"{name}.git", capture_output=True, text=True).stdout.strip()

    def text(self, name: str, path: str, branch: str = BRANCH) -> str:
        """A file on a branch."""
        return git("show", f"{branch}:{path}", cwd=self.folder / f"{name}.git")


def named(lines: Iterator[Line]) -> dict[str, Line]:
    """Lines by the names of their repositories."""
    return {Path(line.repo).name.removesuffix(".git"): line for line in lines}


@pytest.fixture
def company(tmp_path: Path) -> Company:
    before = {"a.txt": LINES, "b.txt": "b\n", ".gitignore": "*.local\n"}
    after = {"a.txt": LINES.replace("line 3\n", "line 3, changed\n"), "new.txt": "new\n"}
    return Company(make_world(tmp_path, before, after))


def test_each_repository_gets_one_branch_and_a_second_run_pushes_nothing(company: Company) -> None:
    company.add("plain", {"own.txt": "mine\n"})
    company.add("edited", {"a.txt": LINES.replace("line 3\n", "line 3, mine\n")})
    company.add("closed", mark="archived")
    company.add("strict", mark="signed")
    company.inventory("plain.git", f"'file://{company.folder}/edited.git'", "closed.git", "strict.git")
    mains = {name: company.tip(name, "main") for name in ("plain", "edited", "closed", "strict")}
    lines = company.update()
    states = {name: (line.state, line.retry) for name, line in lines.items()}
    assert states["plain"] == ("proposed", False)
    assert "No request was opened" in lines["plain"].notices[0]
    assert company.text("plain", "a.txt") == LINES.replace("line 3\n", "line 3, changed\n").strip()
    assert company.text("plain", "own.txt") == "mine"
    assert company.text("plain", ".copier-answers.yml").count("v2.0.0") == 1
    assert states["edited"] == ("conflicts", False)
    assert company.text("edited", "a.txt") == LINES.replace("line 3\n", "line 3, mine\n").strip(), "no markers"
    assert lines["edited"].conflicts == [{"path": "a.txt", "kind": "content"}]
    assert "a.txt" in company.text("edited", RECORD)
    assert states["closed"] == ("archived", False)
    assert states["strict"] == ("denied", False)
    assert "Set git's commit.gpgsign" in str(lines["strict"].error)
    assert {name: company.tip(name, "main") for name in mains} == mains
    tips = {name: company.tip(name) for name in mains}
    again = company.update()
    assert {name: (line.state, line.retry) for name, line in again.items()} == states
    assert {name: company.tip(name) for name in mains} == tips


def test_a_newer_version_refreshes_the_branch_and_somebodys_commit_is_left_alone(company: Company) -> None:
    company.add("plain")
    company.add("touched")
    company.inventory("plain.git", "touched.git")
    company.update()
    first = company.tip("plain")
    company.work("touched", {"b.txt": "theirs\n"}, BRANCH)
    somebodys = company.tip("touched")
    release(company.world.template, "v3.0.0")
    lines = company.update()
    assert (lines["plain"].state, lines["plain"].newer) == ("proposed", "v3.0.0")
    assert company.tip("plain") != first
    assert git("rev-parse", f"{BRANCH}~1", cwd=company.folder / "plain.git") == company.tip("plain", "main")
    assert (lines["touched"].state, company.tip("touched")) == ("edited", somebodys)
    aborted = company.abort()
    assert (aborted["plain"].state, company.tip("plain")) == ("behind", "")
    assert (aborted["touched"].state, company.tip("touched")) == ("edited", somebodys)


def test_conflicts_of_a_branch_are_settled_with_gits_own_tools(company: Company) -> None:
    mine = LINES.replace("line 3\n", "line 3, mine\n")
    company.add("edited", {"a.txt": mine})
    company.inventory("edited.git")
    company.update()
    clone = company.clone("edited", BRANCH)
    said = mlops("update", "--resume", cwd=clone)
    assert said.returncode == 2, said.stderr
    assert "git mergetool" in said.stderr
    assert not (clone / RECORD).exists()
    assert "<<<<<<< project\nline 3, mine\n=======\nline 3, changed\n>>>>>>> template" in (clone / "a.txt").read_text()
    stages = git("ls-files", "--unmerged", cwd=clone).splitlines()
    assert [line.split()[2] for line in stages] == ["1", "2", "3"]
    assert mlops("update", "--abort", cwd=clone).returncode == 0
    assert git("status", "--porcelain", cwd=clone) == ""
    assert (clone / RECORD).exists()
    mlops("update", "--resume", cwd=clone)
    git("config", "mergetool.theirs.cmd", 'cp "$REMOTE" "$MERGED"', cwd=clone)
    git("config", "mergetool.theirs.trustExitCode", "true", cwd=clone)
    git("mergetool", "--no-prompt", "--tool=theirs", cwd=clone)
    git("commit", "--quiet", "--message", "settled", cwd=clone)
    git("push", "--quiet", cwd=clone)
    assert company.text("edited", "a.txt") == LINES.replace("line 3\n", "line 3, changed\n").strip()
    assert company.update()["edited"].state == "edited"
    merge(company, "edited")
    release(company.world.template, "v3.0.0")
    assert company.update()["edited"].state == "proposed", "what was merged is nobody's work alone"


def test_a_monorepo_gets_one_branch_for_all_its_projects(company: Company) -> None:
    bare = company.folder / "mono.git"
    git("init", "--quiet", "--bare", "--initial-branch=main", str(bare), cwd=company.folder)
    mono = company.folder / "mono"
    for name in ("svc-a", "svc-b"):
        files = git("ls-files", cwd=company.world.project).splitlines()
        write(mono / name, {file: (company.world.project / file).read_bytes() for file in files})
    git("init", "--quiet", "--initial-branch=main", cwd=mono)
    write(mono / "svc-b", {"a.txt": LINES.replace("line 3\n", "line 3, mine\n")})
    commit(mono)
    git("push", "--quiet", str(bare), "main", cwd=mono)
    company.inventory("{repo: mono.git, path: [svc-a, svc-b]}")
    run = company.rollout()
    first, second = run.update(run.fleet.chosen(), "")
    assert (first.path, first.state) == ("svc-a", "proposed")
    assert (second.path, second.state) == ("svc-b", "conflicts")
    assert company.text("mono", "svc-a/new.txt") == "new"
    assert "a.txt" in company.text("mono", f"svc-b/{RECORD}")


def test_a_ring_waits_for_the_one_before_it(company: Company) -> None:
    for name in ("one", "two"):
        company.add(name)
    rows = ("{repo: one.git, ring: early}", "{repo: two.git, ring: rest}")
    company.inventory(*rows, more="rings: [early, rest]\n")
    run = company.rollout()
    assert list(named(run.update(run.fleet.chosen(), ""))) == ["one"]
    assert run.stopped == "The ring after early waits for one.git."
    with pytest.raises(MlopsError, match=r"rings before rest are not done: one.git \(proposed\).*--despite one.git"):
        company.update("rest")
    assert company.tip("two") == ""
    merge(company, "one")
    assert {name: line.state for name, line in company.update().items()} == {"one": "current", "two": "proposed"}


def release(template: Path, tag: str) -> None:
    """Another version of the template."""
    write(template, {f"{tag}.txt": "more\n"})
    commit(template, tag)
    git("tag", tag, cwd=template)


def merge(company: Company, name: str) -> None:
    """Its owners merge the branch."""
    git("update-ref", "refs/heads/main", company.tip(name), cwd=company.folder / f"{name}.git")


def test_a_run_stops_where_too_many_fail_and_goes_on_when_it_is_run_again(company: Company) -> None:
    names = ["one", "two", "three", "four"]
    for name in names:
        company.add(name, mark="signed" if name in ("one", "two") else "")
    company.inventory(*(f"{name}.git" for name in names), more="limits: {fail_stop: 25%}\n")
    run = company.rollout()
    assert [line.state for line in run.update(run.fleet.chosen(), "")] == ["denied", "denied"]
    assert run.too_many
    assert run.stopped == "Stopped: 2 of 4 repositories failed (one.git, two.git)."
    for name in ("one", "two"):
        (company.folder / f"{name}.git/signed").unlink()
    assert [line.state for line in company.update().values()] == ["proposed"] * 4


def test_two_runs_at_once_are_refused(company: Company) -> None:
    company.add("plain")
    company.inventory("plain.git")
    with alone(read_fleet(company.folder / "fleet.yml")):
        said = mlops("fleet", "update", cwd=company.folder)
    assert said.returncode == 1
    assert said.stderr == "mlops: Another run over fleet.yml is going on. Wait until it has ended.\n"


def test_the_command_line_says_what_is_left(company: Company) -> None:
    company.add("plain")
    company.add("edited", {"a.txt": LINES.replace("line 3\n", "line 3, mine\n")})
    company.inventory("plain.git", "edited.git")
    said = mlops("fleet", "update", "--json", cwd=company.folder)
    assert said.returncode == 11, said.stderr
    rows = [json.loads(line) for line in said.stdout.splitlines()]
    assert [(row["repo"], row["state"], row["from"], row["to"]) for row in rows] == [
        ("plain.git", "proposed", "v1.0.0", "v2.0.0"),
        ("edited.git", "conflicts", "v1.0.0", "v2.0.0"),
    ]
    merge(company, "plain")
    shown = mlops("fleet", "status", "--only", "plain.git", cwd=company.folder)
    assert (shown.returncode, shown.stdout.splitlines()[0]) == (0, "plain.git  v2.0.0  current")


def test_a_lock_file_is_resolved_for_trusted_projects_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.{}"\n'
    company = Company(make_world(tmp_path, {"pyproject.toml": text.format(9)}, {"pyproject.toml": text.format(11)}))
    company.world.edit({"uv.lock": 'version = 1\nrequires-python = ">=3.9"\n'})
    for name in ("plain", "trusted"):
        company.add(name)
    company.inventory("plain.git", "{repo: trusted.git, trusted: true}")
    monkeypatch.setenv("UV_OFFLINE", "1")
    lines = company.update()
    assert {name: line.lock for name, line in lines.items()} == {"plain": "stale", "trusted": "resolved"}
    assert 'requires-python = ">=3.9"' in company.text("plain", "uv.lock")
    assert 'requires-python = ">=3.11"' in company.text("trusted", "uv.lock")


def test_commits_are_signed_where_git_is_told_so(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    company.add("strict", mark="signed")
    company.inventory("strict.git")
    key = company.folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    settings = company.folder / "gitconfig"
    person = "[user]\n  name = Bot\n  email = bot@example.com\n"
    settings.write_text(f"{person}  signingkey = {key}\n[gpg]\n  format = ssh\n[commit]\n  gpgsign = true\n")
    with settings.open("a") as file:
        file.write("[safe]\n  bareRepository = explicit\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    assert company.update()["strict"].state == "proposed"
    assert "gpgsig" in git("--git-dir=strict.git", "cat-file", "commit", BRANCH, cwd=company.folder)


def test_conflicts_that_were_merged_unsettled_come_first(company: Company) -> None:
    company.add("edited", {"a.txt": LINES.replace("line 3\n", "line 3, mine\n")})
    company.inventory("edited.git")
    company.update()
    merge(company, "edited")
    line = company.update()["edited"]
    assert (line.state, line.older, line.conflicts) == ("conflicts", "v2.0.0", [{"path": "a.txt", "kind": "content"}])


def test_work_on_the_default_branch_in_between_is_kept_and_planned_with(company: Company) -> None:
    company.add("plain")
    company.inventory("plain.git")
    assert company.update()["plain"].state == "proposed"
    company.work("plain", {"a.txt": LINES.replace("line 3\n", "line 3, mine\n"), "own.txt": "own\n"})
    tip = company.tip("plain", "main")
    assert company.update()["plain"].state == "conflicts"
    assert company.tip("plain", "main") == tip
    assert git("rev-parse", f"{BRANCH}~1", cwd=company.folder / "plain.git") == tip
    assert company.text("plain", "own.txt") == "own"


def test_a_default_branch_of_another_name_is_the_base_from_then_on(company: Company) -> None:
    bare = company.add("plain")
    company.inventory("plain.git")
    company.update()
    git("branch", "--move", "main", "trunk", cwd=bare)
    company.work("plain", {"own.txt": "own\n"}, "trunk")
    release(company.world.template, "v3.0.0")
    assert company.update()["plain"].state == "proposed"
    assert git("rev-parse", f"{BRANCH}~1", cwd=bare) == company.tip("plain", "trunk")


def test_a_push_at_the_same_moment_is_not_written_over(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    company.add("plain")
    company.inventory("plain.git")
    company.update()
    release(company.world.template, "v3.0.0")
    with monkeypatch.context() as patch:

        def late(*given: Any) -> str:
            company.work("plain", {"own.txt": "own\n"}, BRANCH)
            return make_commit(*given)

        patch.setattr(proposing, "make_commit", late)
        line = company.update()["plain"]
    assert (line.state, line.error) == ("error", "The branch has changed a moment ago. Run the command again.")
    assert line.retry
    assert company.text("plain", "own.txt") == "own"
    assert company.update()["plain"].state == "edited"


def test_a_full_disk_is_one_line_and_the_rest_goes_on(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        company.add(name)
    company.inventory("one.git", "two.git")
    full = [True]

    def write(*given: Any) -> str:
        if full and full.pop():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "objects/12")
        return write_object(*given)

    monkeypatch.setattr(branches, "write_object", write)
    lines = company.update()
    assert {name: (line.state, line.retry) for name, line in lines.items()} == {
        "one": ("error", True),
        "two": ("proposed", False),
    }
    assert lines["one"].error == "objects/12: No space left on device. Run the command again."
    assert company.update()["one"].state == "proposed"


def test_a_run_that_was_killed_is_run_again(company: Company) -> None:
    """While a repository has our push: it takes it, and nobody is left to know of it."""
    for name in ("one", "two", "three"):
        company.add(name)
    company.inventory("one.git", "two.git", "three.git")
    killer = "#!/bin/sh\nwhile test ! -s ../run; do sleep 0.1; done\nkill -9 $(cat ../run)\n"
    write(company.folder / "two.git", {"hooks/pre-receive*": killer})
    command = [sys.executable, "-m", "mlops_scaffold", "fleet", "update"]
    with subprocess.Popen(command, cwd=company.folder, stdout=subprocess.DEVNULL) as run:
        (company.folder / "run").write_text(str(run.pid))
    assert run.returncode == -signal.SIGKILL
    wait_until(lambda: bool(company.tip("two")))
    assert (bool(company.tip("one")), company.tip("three")) == (True, "")
    write(company.folder / "two.git", {"hooks/pre-receive*": HOOK})
    tips = [company.tip(name) for name in ("one", "two")]
    assert [line.state for line in company.update().values()] == ["proposed"] * 3
    assert [company.tip(name) for name in ("one", "two")] == tips


def test_a_template_with_tasks_needs_a_checkout(tmp_path: Path) -> None:
    tasks = "name: demo\n_tasks: ['true']\n"
    company = Company(make_world(tmp_path, {"a.txt": LINES}, {"a.txt": LINES + "more\n"}, late=tasks))
    company.add("plain")
    company.inventory("plain.git")
    line = company.update()["plain"]
    assert line.error == ("The update needs a checkout: the template runs tasks. Update this project by mlops update.")
    assert company.tip("plain") == ""


def test_the_name_of_a_file_adds_nothing_to_the_commit(tmp_path: Path) -> None:
    name = "a\nMlops-Fleet: tree=0 parent=0\nb\x1b.txt"
    company = Company(make_world(tmp_path, {name: "one\n"}, {name: "two\n"}))
    company.add("plain", {name: "mine\n"})
    company.inventory("plain.git")
    assert company.update()["plain"].state == "conflicts"
    message = git("log", "-1", "--format=%B", BRANCH, cwd=company.folder / "plain.git")
    assert "kept: a\\nMlops-Fleet: tree=0 parent=0\\nb\\u001b.txt" in message
    assert company.update()["plain"].state == "conflicts", "it is still ours"
