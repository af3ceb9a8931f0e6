"""The two commits of an adoption, and the move to their branch: the last step, which a kill leaves undone or done."""

from contextlib import suppress

from mlops_scaffold.adopting.planning import Adoption
from mlops_scaffold.adopting.request import BRANCH
from mlops_scaffold.applying import writing
from mlops_scaffold.applying.journal import Journal
from mlops_scaffold.ground.project import Project
from mlops_scaffold.planning.planned import Plan
from mlops_scaffold.vcs.git import GitError, git, signs
from mlops_scaffold.vcs.repository import Repository
from mlops_scaffold.vcs.scratch import Scratch

FIRST = "build: adopt the template {version}, level {level}: its files where the place was free"
SECOND = "build: what the template and this repository both have, and what is left to do"


def write(made: Adoption, place: Scratch, record: Journal) -> list[str]:
    """Make the commits, put the files into place, and switch to the branch. Gives back the commits.

    Raises MlopsError with everything as it was.
    """
    repository = place.repository
    trees = [place.tree(files) for files in (made.first, made.second)]
    place.keep()
    subject = FIRST.format(version=made.version.name, level=made.answers.get("level"))
    first = commit(repository, trees[0], made.head, subject)
    second = commit(repository, trees[1], first, SECOND)
    project = Project(repository.folder, made.answers)
    plan = Plan(project, repository, made.head, made.version, made.version, made.before, made.second)
    writing.apply(plan, place, record, finish=lambda: switch(repository, second))
    record.clear()  # it is in commits: git takes it back
    return [first, second]


def commit(repository: Repository, tree: str, parent: str, message: str) -> str:
    """A commit that no branch has yet, by the person; signed where git's own settings say so."""
    sign = ["-S"] if signs(repository.top) else []
    return git("commit-tree", tree, "-p", parent, "-m", message, *sign, cwd=repository.top)


def switch(repository: Repository, last: str) -> None:
    """Make the branch, and have HEAD on it."""
    name = f"refs/heads/{BRANCH}"
    git("update-ref", name, last, repository.no_oid, cwd=repository.top)
    try:
        git("symbolic-ref", "-m", "mlops adopt", "HEAD", name, cwd=repository.top)
    except BaseException:
        with suppress(GitError):
            git("update-ref", "-d", name, last, cwd=repository.top)
        raise


def remove_unused_branch(repository: Repository) -> None:
    """Remove the branch of an adoption that was killed before HEAD was on it; one with commits of a person stays."""
    name, ours = f"refs/heads/{BRANCH}", (SECOND, FIRST.partition("{")[0])
    with suppress(GitError):
        said = git("log", "--format=%H %s", name, "--not", "HEAD", "--", cwd=repository.top).splitlines()
        oids, subjects = [line.partition(" ")[0] for line in said], [line.partition(" ")[2] for line in said]
        if len(said) == 2 and all(subject.startswith(text) for subject, text in zip(subjects, ours, strict=True)):
            git("update-ref", "-d", name, oids[0], cwd=repository.top)
