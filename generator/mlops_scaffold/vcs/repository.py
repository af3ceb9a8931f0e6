"""The git repository that a project is in: the project may be all of it, or a folder of it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mlops_scaffold.ground.errors import MlopsError, Untrusted, some
from mlops_scaffold.ground.safe_paths import is_below_link
from mlops_scaffold.vcs.git import GitError, git, git_bytes, paths_in, settings
from mlops_scaffold.vcs.trust import is_trusted

OLDEST_GIT = (2, 38)  # merge-tree --write-tree
GITLINK = "160000"
# A repository's own settings by which git would run a program, beside those that are switched off for every command;
# and, where objects are fetched when they are asked for, those by which it would fetch.
PROGRAMS = re.compile(r"(filter|merge|diff|gpg)\..*?(clean|smudge|process|driver|command|textconv|external|program)")
FETCHING = re.compile(r"(core|remote|credential)\..*?(sshcommand|gitproxy|askpass|uploadpack|vcs|helper)")
PARTIAL = re.compile(r"extensions\.partialclone|remote\..*\.promisor")
LFS = re.compile(r"git-lfs (clean|smudge|filter-process)( --skip)?( -- %f)?")  # what `git lfs install --local` sets

# The merge drivers that the template's own set-up writes, word for word: they print a line, or leave a conflict.
OURS = {
    "merge.mlops-run.driver": 'echo %P": both branches ran the pipeline. Run it again: uv run poe repro" >&2',
    "merge.mlops-champion.driver": (
        "if grep -qs ^retired: %A %B; then git merge-file %A %O %B; exit 1; fi; "
        'echo %P": both branches promoted a model, and the champion of this branch stays. After uv run poe repro, '
        'compare: uv run poe register --promote" >&2'
    ),
}


@dataclass(frozen=True)
class Blob:
    """A file as git keeps it."""

    mode: str
    oid: str


Entries = Mapping[str, Blob]  # by path, relative to the project


@dataclass(frozen=True)
class Repository:
    """A work tree (the main one or a linked one), and the folder of it that the project is in."""

    top: Path
    git_dir: Path
    objects: Path
    prefix: str  # of the project: "" or "folder/"

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self.top / self.prefix

    @cached_property
    def no_oid(self) -> str:
        """The name of an object that is not there: zeros, as many as this repository's names are long."""
        return "0" * len(git("rev-parse", "HEAD", cwd=self.top))

    @cached_property
    def _settings(self) -> dict[str, str]:
        found = settings(r"^core\.(filemode|sharedrepository)$", self.top)
        return {name: value.lower() for name, value in found}

    @property
    def keeps_modes(self) -> bool:
        """Whether the disk tells which files are executable; on Windows and some mounted disks it does not."""
        return self._settings.get("core.filemode", "true") not in ("false", "0", "no", "off")

    @property
    def is_shared(self) -> bool:
        """Whether others write to this repository too, by its group."""
        return self._settings.get("core.sharedrepository", "umask") not in ("umask", "false", "0", "no", "off")

    @property
    def lock_mode(self) -> int:
        """The rights of a lock file."""
        return 0o660 if self.is_shared else 0o644

    def share(self, folder: Path) -> None:
        """Give the group its rights to a folder in the repository's own, where the repository is shared."""
        if self.is_shared:
            for path in (folder, *folder.rglob("*")):
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode | (0o2070 if path.is_dir() else 0o060))

    def head(self) -> str:
        """The last commit. Raises MlopsError where there is none."""
        try:
            return git("rev-parse", "--verify", "--quiet", "HEAD^{commit}", cwd=self.top)
        except GitError:
            raise MlopsError("The project is in no commit yet.", "Commit it, then run the command again.") from None

    def entries_of(self, commit: str) -> dict[str, Blob]:
        """The project's files in a commit. Raises MlopsError where it is not in it."""
        try:
            tree = f"{commit}:{self.prefix.rstrip('/')}"
            return parse_tree(git_bytes("ls-tree", "-r", "-z", "--full-tree", tree, cwd=self.top))
        except GitError:
            raise MlopsError("The project is in no commit yet.", "Commit it, then run the command again.") from None

    def require_clean(self) -> None:
        """Raise where the project has changes that are in no commit, or a merge is going on; names the files."""
        status = git_bytes(
            *("status", "--porcelain=v1", "-z", "--untracked-files=no", "--ignore-submodules=dirty", "--no-renames"),
            *("--", f"./{self.prefix}"),
            cwd=self.top,
        )
        changed = [name[3:] for name in paths_in(status)]
        if changed:
            raise MlopsError(f"There are changes in no commit: {some(changed, 5)}.", "Commit or stash them first.")
        hidden = self.hidden_changes()
        if hidden:
            raise MlopsError(
                f"git was told not to look at {hidden[0]}, which has changes.",
                f"Let it look: git update-index --no-skip-worktree --no-assume-unchanged {hidden[0]}",
            )
        for name in ("MERGE_HEAD", "rebase-merge", "rebase-apply", "CHERRY_PICK_HEAD"):
            if (self.git_dir / name).exists():
                raise MlopsError("A merge or rebase is going on in this repository.", "End it first.")

    def hidden_changes(self) -> list[str]:
        """Changed files that git status does not show: assume-unchanged or skip-worktree is set on them."""
        names = (self.prefix + path for path in self.flags())
        return [name for name in names if (self.top / name).is_file() and self._differs(name)]

    def flags(self) -> dict[str, str]:
        """The project's files that git was told not to look at, with the letter that it has for that."""
        listing = paths_in(git_bytes("ls-files", "-v", "-z", "--full-name", "--", f"./{self.prefix}", cwd=self.top))
        return {line[2:].removeprefix(self.prefix): line[0] for line in listing if line[0] == "S" or line[0].islower()}

    def _differs(self, name: str) -> bool:
        known = git_bytes("rev-parse", f":{name}", cwd=self.top)
        return git_bytes("hash-object", "--", name, cwd=self.top) != known

    def ignored(self, paths: Iterable[str]) -> set[str]:
        """Those of some paths that git ignores and does not track."""
        here = [path for path in paths if not is_below_link(self.folder, path)]
        given = b"\0".join(f"{self.prefix}{path}".encode(errors="surrogateescape") for path in here)
        if not given:
            return set()
        found = git_bytes("check-ignore", "-z", "--stdin", cwd=self.top, given=given, fine=1)
        return {path.removeprefix(self.prefix) for path in paths_in(found)}


def open_repository(folder: Path) -> Repository:
    """The repository of a project. Raises MlopsError where there is none, or its own settings would run programs."""
    if not folder.is_dir():
        raise MlopsError(f"There is no folder {folder}.", "Check the path.")
    if not is_trusted(folder):
        refuse_programs(folder)
    try:
        said = git(
            *("rev-parse", "--path-format=absolute", "--show-toplevel", "--absolute-git-dir"),
            *("--git-path", "objects", "--show-prefix"),
            cwd=folder,
        )
    except GitError as error:
        if "not a git repository" not in error.sentence:
            raise
        raise MlopsError(f"{folder} is in no git repository.", "Run: git init, and commit what is there.") from None
    top, git_dir, objects, *prefix = said.split("\n")
    found = Repository(Path(top), Path(git_dir), Path(objects), prefix[0] if prefix else "")
    if found.folder.resolve() != folder.resolve():
        raise MlopsError(f"Git looks for the files of {folder} in {top}.", "Look at core.worktree in its .git/config.")
    return found


def refuse_programs(folder: Path) -> None:
    """Raise Untrusted for a repository whose own settings name a program that git would run."""
    said = paths_in(git_bytes("config", "--show-scope", "-z", "--list", cwd=folder, fine=129))
    scoped = zip(said[::2], (line.partition("\n") for line in said[1::2]), strict=False)
    own = [(name, value) for scope, (name, _, value) in scoped if scope in ("local", "worktree")]
    partial = any(PARTIAL.fullmatch(name) for name, _ in own)
    for name, value in own:
        runs = PROGRAMS.fullmatch(name) or (partial and FETCHING.fullmatch(name))
        if runs and value not in ("", OURS.get(name)) and not LFS.fullmatch(value):
            sentence = f"The git settings of {folder.resolve()} would run a program ({name})."
            raise Untrusted(sentence, "If you trust it, say so once: --trust")


def can_merge_trees() -> bool:
    """Whether this git has merge-tree --write-tree."""
    words = git("--version").split()
    return tuple(int(part) for part in words[2].split(".")[:2]) >= OLDEST_GIT


def parse_tree(listing: bytes) -> dict[str, Blob]:
    """What `git ls-tree -r -z` printed."""
    found = {}
    for line in paths_in(listing):
        head, path = line.split("\t", 1)
        mode, _, oid = head.split()
        found[path] = Blob(mode, oid)
    return found
