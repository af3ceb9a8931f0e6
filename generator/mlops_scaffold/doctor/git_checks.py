"""Checks of git, and of what an update or a set-up has left in the repository."""

import shlex

from mlops_scaffold.applying.journal import APPLYING, Journal
from mlops_scaffold.creating.bootstrap import is_unfinished
from mlops_scaffold.doctor.registry import Found, Place, check
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.vcs.git import GitError, git, git_bytes, paths_in, succeeds
from mlops_scaffold.vcs.repository import OLDEST_GIT, can_merge_trees, open_repository

OF_A_RUN = ("dvc.lock", "metrics.json")  # what the pipeline of our template writes, and git keeps


@check("Updates are merged by git, and every change is kept in it.")
def git_version(_: Place) -> Found:
    """Git is here, and new enough to merge trees."""
    try:
        new_enough = can_merge_trees()
    except MlopsError:
        yield "git is not installed", "sudo apt-get install --yes git"
        return
    if not new_enough:
        oldest = ".".join(map(str, OLDEST_GIT))
        yield f"git is older than {oldest}: mlops update falls back to copier's", "sudo apt-get install --yes git"


@check("Without history nothing can be taken back.")
def repository(place: Place) -> Found:
    """The project is in a git repository, and in a commit."""
    if (refused := refusal(place)) is not None:
        yield refused
    elif not in_repository(place):
        yield "the project is in no git repository", "git init --quiet && git add --all && git commit --message first"
    elif not succeeds("rev-parse", "--verify", "HEAD", cwd=place.folder):
        yield "the project is in no commit yet", "git add --all && git commit --message first"


def refusal(place: Place) -> tuple[str, str] | None:
    """Why git does not read a repository that is there, and the command after which it does; None where it reads it."""
    link = place.folder / ".git"
    try:
        git("rev-parse", "--git-dir", cwd=place.folder)
    except GitError as error:
        if "safe.directory" in error.next_step:
            return error.sentence.rstrip("."), error.next_step.partition("run: ")[2]
        if link.is_file():
            command = f"git -C FOLDER_OF_THE_REPOSITORY worktree repair {shlex.quote(str(place.folder))}"
            return f"the repository of this worktree is gone or was moved: {error.said.strip()}", command
    return None


def in_repository(place: Place) -> bool:
    """Whether the project is in a git repository: without one, the other checks have nothing to look at."""
    return succeeds("rev-parse", "--git-dir", cwd=place.folder)


@check("Nothing can be committed without a name.")
def identity(place: Place) -> Found:
    """Git knows who you are."""
    if refusal(place) is None and not succeeds("var", "GIT_COMMITTER_IDENT", cwd=place.folder):
        yield (
            "git does not know who you are",
            'git config user.name "YOUR NAME" && git config user.email you@example.com',
        )


@check("Until it is taken back, some files are of the new version and some of the old.", safe=True)
def unfinished_update(place: Place) -> Found:
    """No update was cut off."""
    if not in_repository(place):
        return
    found = Journal(open_repository(place.folder))
    if found.state == APPLYING:  # every command takes it back first: here that failed, and this one says why
        yield "an update is going on, or was cut off and could not be taken back", "mlops update --abort"


@check("The project has no data, no hooks or no first commit yet.")
def unfinished_setup(place: Place) -> Found:
    """The set-up of a new project came to its end."""
    if is_unfinished(place.project):
        yield "the set-up has not come to its end", place.project.command("setup")


@check("Files with the marks of a conflict work for nobody.")
def conflicts(place: Place) -> Found:
    """No merge waits for a person."""
    if not in_repository(place):
        return
    unmerged = paths_in(git_bytes("diff", "--name-only", "--diff-filter=U", "-z", cwd=place.folder))
    if not unmerged:
        return
    found = open_repository(place.folder)
    if place.package is not None and (ran := [path for path in unmerged if path in OF_A_RUN]):
        both = (
            f"in conflict: {', '.join(ran)}, which the pipeline of both branches wrote (settle the other files first)"
        )
        files = " ".join(OF_A_RUN)  # both: one that git merged by its lines is of no run
        yield both, f"git checkout HEAD -- {files} && uv run poe repro && git add {files}"
        unmerged = [path for path in unmerged if path not in ran]
        if not unmerged:
            return
    merging = (found.git_dir / "MERGE_HEAD").exists()
    rebasing = (found.git_dir / "rebase-merge").exists()
    backs = "git merge --abort" if merging else "git rebase --abort" if rebasing else "mlops update --abort"
    yield f"in conflict: {', '.join(unmerged)} (settle them by `git mergetool`, or take it all back)", backs


@check("Its template, its version and the answers are read from it.")
def answers(place: Place) -> Found:
    """The answers file names the template and its version, where that has any."""
    name = place.project.answers_file
    for key in ("_src_path", "_commit"):
        if not isinstance(place.project.answers.get(key), str) and (commit := last_whole(place, name, key)):
            yield f"{name} has no {key}", f"git checkout {commit} -- {name}"
            return


def last_whole(place: Place, name: str, key: str) -> str:
    """The newest commit in which the answers file has a line for a key; empty where there is none."""
    if not succeeds("rev-parse", "--verify", "HEAD", cwd=place.folder):
        return ""
    for commit in git("log", "--format=%h", "--", name, cwd=place.folder).split():
        if succeeds("cat-file", "-e", f"{commit}:./{name}", cwd=place.folder) and f"{key}:" in git(
            "show", f"{commit}:./{name}", cwd=place.folder
        ):
            return commit
    return ""
