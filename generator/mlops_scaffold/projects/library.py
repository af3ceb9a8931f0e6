"""The library of a project, its folder kit/: the same bytes in every project of a version.

Its digest is the name that git has for the folder, so files that git does not track and line ends do not matter, and
git alone can tell it: `git rev-parse HEAD:kit` in a project, `git rev-parse TAG:template/project/kit` in the template.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlops_scaffold.ground import package
from mlops_scaffold.ground.errors import MlopsError, some
from mlops_scaffold.ground.package import Package
from mlops_scaffold.ground.project import KIT, Project, is_packaged
from mlops_scaffold.rendering import Rendered
from mlops_scaffold.sources.address import recorded_address
from mlops_scaffold.sources.source import Version, mirror_path
from mlops_scaffold.vcs.git import git, git_bytes, paths_in, succeeds
from mlops_scaffold.vcs.repository import Blob, Repository, parse_tree

FOLDER = KIT.parts[0]
HOME = f"template/project/{FOLDER}"
SETTINGS = "pyproject.toml"
MARK = KIT / "__init__.py"  # tells the library from a folder kit/ of another template
VERSION = re.compile(r'^version = "(?P<version>[^"]+)"', re.MULTILINE)
BACK = f"mlops diff | git apply --reverse --include='{FOLDER}/*'"


@dataclass(frozen=True)
class Library:
    """kit/ beside the template's, which has the version `expected` and the digest.

    `version` is what kit/ says itself, empty where it does not; git keeps the `ignored` files out of clones.
    `back` is the command that restores it.
    """

    version: str
    expected: str
    digest: str
    edited: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    surplus: list[str] = field(default_factory=list)
    back: str = ""

    @property
    def faults(self) -> list[str]:
        """All files that are not as the template has them."""
        return sorted({*self.edited, *self.missing, *self.ignored, *self.surplus})

    @property
    def sentence(self) -> str:
        """What is wrong; empty where it is as the template has it."""
        if not self.version:
            return f"{FOLDER}/ is missing" if self.missing else ""
        if self.version != self.expected:
            return f"{FOLDER}/ is version {self.version} of the library, and the template has {self.expected}"
        kinds = {
            "edited": self.edited,
            "missing": self.missing,
            "ignored by git": self.ignored,
            "not of the template": self.surplus,
        }
        told = "; ".join(f"{kind}: {some(paths)}" for kind, paths in kinds.items() if paths)
        return f"{FOLDER}/ differs from the template's library: {told}" if told else ""

    @property
    def mend(self) -> str:
        """The command that mends it; git keeps what a person wrote."""
        if self.ignored and self.faults == self.ignored:
            return f"git add --force {FOLDER}"
        return self.back

    @property
    def todo(self) -> str:
        """What a person does about it."""
        return f"see it: mlops diff; restore it: {self.mend}"


def inspect(project: Project, repository: Repository, version: Version) -> Library | Package | None:
    """Compare a project's library with that of a version of its template; None where it is to have none."""
    mirror, place = mirror_path(recorded_address(project.source)), f"{version.commit}:{HOME}"
    if not succeeds("rev-parse", "--verify", "--quiet", place, cwd=mirror):
        return None
    expected = version_in(git("show", f"{place}/{SETTINGS}", cwd=mirror))
    if is_packaged(project.answers):
        return package.inspect(project, expected, [path for path in tracked(repository) if path.startswith(f"{KIT}/")])
    if project.last.get("kit") != "vendored":
        return None
    digest = git("rev-parse", place, cwd=mirror)
    listing = parse_tree(git_bytes("ls-tree", "-r", "-z", "--full-tree", digest, cwd=mirror))
    template = {f"{FOLDER}/{path}": blob for path, blob in listing.items()}
    ours = tracked(repository)
    if any(len(blob.oid) != len(digest) for blob in ours.values()):
        return None  # a repository of longer hashes: its files are compared as the others are
    here = on_disk(repository, ours, template.keys() | ours.keys())
    return Library(
        version=version_of(repository.folder / FOLDER / SETTINGS),
        expected=expected,
        digest=digest,
        edited=sorted(path for path in here.keys() & template.keys() if here[path] != template[path]),
        missing=sorted(template.keys() - here.keys()),
        ignored=sorted(repository.ignored(here.keys() - ours.keys())),
        surplus=sorted(here.keys() - template.keys()),
        back=way_back(repository.folder, digest),
    )


def tracked(repository: Repository) -> dict[str, Blob]:
    """The files of kit/ that git tracks."""
    found = {}
    for line in paths_in(git_bytes("ls-files", "--stage", "-z", "--", FOLDER, cwd=repository.folder)):
        head, path = line.split("\t", 1)
        mode, oid, _ = head.split()
        found[path] = Blob(mode, oid)
    return found


def on_disk(repository: Repository, known: Mapping[str, Blob], paths: Collection[str]) -> dict[str, Blob]:
    """Those of some files of kit/ that are here, as git would keep them: with its line ends, not those of the disk."""
    folder = repository.folder
    found = {path: known.get(path, Blob("100644", "")) for path in paths if (folder / path).is_file()}
    changed = paths_in(git_bytes("diff", "--name-only", "--relative", "-z", "--", FOLDER, cwd=folder))
    asked = sorted(path for path in found if path not in known or path in changed)
    if asked:
        hashes = git_bytes("hash-object", "--stdin-paths", cwd=folder, given="\n".join(asked).encode()).split()
        found |= {path: Blob(found[path].mode, oid.decode()) for path, oid in zip(asked, hashes, strict=True)}
    return found


def committed(folder: Path) -> str:
    """The digest of a project's kit/ in its last commit; empty where there is none."""
    name = f"HEAD:./{FOLDER}"
    return git("rev-parse", name, cwd=folder) if succeeds("rev-parse", "--verify", "--quiet", name, cwd=folder) else ""


def way_back(folder: Path, digest: str = "") -> str:
    """The command that restores kit/: from the last commit where that has it, else from the template.

    With a digest, the last commit must have that one to count. git keeps what a person wrote in kit/.
    """
    last, kit = committed(folder), folder / FOLDER
    if last and not any(path.is_file() for path in kit.rglob("*")):
        return f"git checkout HEAD -- {FOLDER}"
    return f"git stash push -- {FOLDER}" if last and digest in ("", last) else BACK


def is_missing(project: Project) -> bool:
    """Whether a project that is to have its library in kit/ has none."""
    return project.last.get("kit") == "vendored" and not (project.folder / FOLDER / SETTINGS).is_file()


def require_whole(project: Project) -> None:
    """Raise where kit/ is missing: no command of the project can run."""
    if is_missing(project):
        raise MlopsError(
            f"{FOLDER}/, the library of the project, is missing.", f"Restore it: {way_back(project.folder)}"
        )


def version_of(file: Path) -> str:
    """The version that the library's pyproject.toml says; empty where there is none."""
    return version_in(file.read_text(encoding="utf-8", errors="replace")) if file.is_file() else ""


def version_in(text: str) -> str:
    """The version in a pyproject.toml; empty where it has none."""
    found = VERSION.search(text)
    return found["version"] if found else ""


def comes(base: Rendered, theirs: Rendered) -> bool:
    """Whether an update brings the library to a project that had none."""
    return MARK in theirs.tree.files and MARK not in base.tree.files


def refuse_own_folder(project: Project, base: Rendered, theirs: Rendered) -> None:
    """Raise MlopsError where a person has a folder kit/ of their own, in the place of the library."""
    there = project.folder / FOLDER
    inside = (path for path in there.rglob("*") if path.suffix != ".pyc" and (path.is_symlink() or not path.is_dir()))
    if comes(base, theirs) and (there.is_symlink() or there.is_file() or any(inside)):
        raise MlopsError(
            f"{FOLDER}/ is a folder of yours, and the template puts its library there.",
            f"Rename yours (git mv {FOLDER} NAME), commit it, then run the command again.",
        )
