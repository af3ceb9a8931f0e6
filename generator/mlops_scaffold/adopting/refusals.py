"""Repositories that are not adopted as they are: each reason in one sentence, with the next step."""

from pathlib import Path

from mlops_scaffold.adopting.request import BRANCH
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import ANSWERS_FILE, check_answers_file
from mlops_scaffold.vcs.files import present
from mlops_scaffold.vcs.git import GitError, git, git_bytes, paths_in, require_identity, succeeds
from mlops_scaffold.vcs.repository import GITLINK, Entries, Repository, can_merge_trees

POINTER = b"version https://git-lfs.github.com/spec/"
SECOND_ANSWERS = ".mlops-answers.yml"


def require_adoptable(repository: Repository, answers_file: str | None, dry_run: bool) -> str:
    """Raise MlopsError for a repository that cannot be adopted now. Gives back the branch that it is on."""
    if repository.prefix:
        raise MlopsError(f"{repository.folder} is a folder of a repository.", f"Adopt all of it: {repository.top}")
    refuse_answers(repository.folder, answers_file)
    branch = require_default_branch(repository.top)
    if succeeds("rev-parse", "--verify", "--quiet", f"refs/heads/{BRANCH}", cwd=repository.top):
        raise MlopsError(
            f"The branch {BRANCH} is there already.",
            f"Go on with it: git switch {BRANCH}. To begin again: git branch -D {BRANCH}",
        )
    files = repository.entries_of(repository.head())
    modules = [path for path, blob in files.items() if blob.mode == GITLINK]
    if modules:
        raise MlopsError(
            f"The repository has a submodule, {modules[0]}, which an adoption cannot carry.",
            "Make it a dependency or a folder of its own first.",
        )
    repository.require_clean()
    refuse_pointers(repository, files)
    if not can_merge_trees():
        raise MlopsError("This git is older than 2.38.", "Install a newer one.")
    if not dry_run:
        require_identity()
    return branch


def refuse_answers(folder: Path, answers_file: str | None) -> None:
    """Raise where the repository is a project of a template already, of ours or another one."""
    name = answers_file or ANSWERS_FILE
    check_answers_file(name)
    if present(folder / name):
        raise MlopsError(
            f"{name} is there already: the repository has a template.",
            "If it is this one: mlops update --data level=LEVEL. If it is another one, both can stay: "
            f"mlops adopt --answers-file {SECOND_ANSWERS}",
        )


def require_default_branch(top: Path) -> str:
    """The branch. Raises where HEAD is detached, or on another branch than the default one."""
    try:
        branch = git("symbolic-ref", "--quiet", "--short", "HEAD", cwd=top)
    except GitError:
        raise MlopsError("HEAD is on no branch.", "Switch to the default branch: git switch main") from None
    default = default_branch(top) or branch
    if branch != default:
        raise MlopsError(f"This is the branch {branch}, not {default}.", f"Switch to it: git switch {default}")
    return branch


def default_branch(top: Path) -> str:
    """The default branch, as the remote or the usual names say; empty where neither does."""
    try:
        return git("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD", cwd=top).removeprefix("origin/")
    except GitError:
        local = git("for-each-ref", "--format=%(refname:short)", "refs/heads", cwd=top).splitlines()
        return next((name for name in ("main", "master") if name in local), "")


def refuse_pointers(repository: Repository, files: Entries) -> None:
    """Raise where git-lfs keeps files that are not here."""
    given = b"".join(f"{path}\0".encode(errors="surrogateescape") for path in files)
    said = paths_in(git_bytes("check-attr", "-z", "--stdin", "filter", cwd=repository.top, given=given))
    for path, value in zip(said[::3], said[2::3], strict=True):
        here = repository.folder / path
        if value == "lfs" and here.is_file() and not here.is_symlink():
            with here.open("rb") as file:
                if file.read(len(POINTER)) == POINTER:
                    raise MlopsError(f"git-lfs has not fetched {path}.", "Fetch it: git lfs pull")
