"""An update of a project that is not checked out, planned by the engine of `mlops update`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml

from mlops_scaffold.fleet.bench import BorrowingScratch
from mlops_scaffold.fleet.objects import Objects, mode_of, oid_of
from mlops_scaffold.fleet.renderings import Renderings, managed_in
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import ANSWERS_FILE, LAYER_FILE, Project
from mlops_scaffold.ground.settings import load_settings, parse_mapping
from mlops_scaffold.ground.tree import Entry
from mlops_scaffold.planning.lock_file import LOCK, needs_lock
from mlops_scaffold.planning.planned import KEPT, Plan
from mlops_scaffold.planning.update import plan
from mlops_scaffold.projects.library import FOLDER, MARK, comes
from mlops_scaffold.projects.manifest import PIN
from mlops_scaffold.rendering import Rendered, settings
from mlops_scaffold.rendering.layers import Layer
from mlops_scaffold.sources.source import Version
from mlops_scaffold.updating.evolve import refuse_impossible
from mlops_scaffold.vcs.conflict_record import RECORD, dump, is_open, parse, recorded
from mlops_scaffold.vcs.git import git_bytes
from mlops_scaffold.vcs.repository import Blob, Entries

NOWHERE = Path("/nowhere")  # the folder of a project that is not checked out
BY_GIT = re.compile(rb"^[^#\n]*\s(filter|ident|working-tree-encoding)\b", re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """A project in a commit of a repository: the repository's files, and the folder that the project is in.

    `over` are the layers over its template.
    """

    project: Project
    commit: str
    files: Entries
    prefix: str
    over: tuple[Project, ...] = ()

    @property
    def versions(self) -> dict[str, str]:
        """The recorded version of each template, by its answers file."""
        return {one.answers_file: one.version for one in (self.project, *self.over)}

    @property
    def own(self) -> dict[str, Blob]:
        """The project's files, by their paths in it."""
        found = self.files.items()
        return {path.removeprefix(self.prefix): blob for path, blob in found if path.startswith(self.prefix)}


def find_project(objects: Objects, commit: str, files: Entries, path: str, name: str) -> Place | None:
    """The project in a folder of a commit; None where no answers say what it was made from. Raises MlopsError."""
    prefix = "" if path == "." else f"{path}/"
    folder = NOWHERE / (name if path == "." else PurePosixPath(path).name)
    project = read_project(objects, files, prefix, ANSWERS_FILE, folder)
    if project is None:
        return None
    here = (file.removeprefix(prefix) for file in files if file.startswith(f"{prefix}.copier-answers."))
    found = (read_project(objects, files, prefix, file, folder) for file in sorted(here) if LAYER_FILE.fullmatch(file))
    return Place(project, commit, files, prefix, tuple(filter(None, found)))


def read_project(objects: Objects, files: Entries, prefix: str, answers_file: str, folder: Path) -> Project | None:
    """What an answers file of a commit says; None where it is no file. Raises MlopsError."""
    name = prefix + answers_file
    blob = files.get(name)
    if blob is None or not blob.mode.startswith("100"):
        return None
    text = objects.blob(blob.oid)
    if b"*" in text and any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text.decode())):
        raise MlopsError(f"{name} has aliases of YAML, which no answers have.", "Write them out.")
    return Project(folder, parse_mapping(text, Path(name)), answers_file)


def open_conflicts(objects: Objects, place: Place) -> list[dict[str, str]]:
    """The conflicts of an earlier update that were merged before somebody settled them."""
    ours = place.own
    if RECORD not in ours:
        return []
    found = parse(objects.blob(ours[RECORD].oid)).conflicts
    return [{"path": one.path, "kind": one.kind} for one in found if is_open(one, ours.get(one.path))]


def drifted(objects: Objects, place: Place, base: Rendered, version: Version) -> list[str]:
    """The files that the template maintains and the project has changed, deleted, or put among them."""
    managed, ours, longer = managed_in(version.folder), place.own, len(place.commit) == 64
    rendered = {str(path): entry for path, entry in base.tree.files.items()}
    found = [
        path
        for path, entry in rendered.items()
        if managed(path) and not base.is_seed(path) and not is_same(objects, path, entry, ours.get(path), longer)
    ]
    if str(MARK) in rendered:
        found += [path for path in ours if path.startswith(f"{FOLDER}/") and path not in rendered]
    return sorted(found)


def is_same(objects: Objects, path: str, entry: Entry, blob: Blob | None, longer: bool) -> bool:
    """Whether a file is as it is rendered; line ends do not count, nor do versions that bots raise."""
    if blob is None or blob.mode != mode_of(entry):
        return False
    if blob.oid == oid_of(entry, longer):
        return True
    both = [unix(content) for content in (entry.content, objects.blob(blob.oid))]
    if not path.startswith(f"{FOLDER}/"):
        both = [PIN.sub(b"", content) for content in both]
    return both[0] == both[1]


def unix(content: bytes) -> bytes:
    """The same lines, ended as Unix does."""
    return content.replace(b"\r\n", b"\n")


def plan_update(
    renderings: Renderings, place: Place, layers: Sequence[Layer], scratch: BorrowingScratch
) -> tuple[Plan, bool]:
    """Merge what the versions render into a project's commit; and whether uv.lock has to be resolved again.

    Raises MlopsError where that needs a checkout.
    """
    made = renderings.of_layers(layers)
    if any(comes(one.base, one.theirs) for one in made) and any(
        path.startswith(f"{FOLDER}/") or path == FOLDER for path in scratch.repository.entries_of("")
    ):
        raise MlopsError(
            f"{FOLDER}/ is a folder of the project's own, and the template puts its library there.",
            f"Rename it in the project (git mv {FOLDER} NAME), and commit that.",
        )
    for one in made:
        refuse_impossible(one.layer.older, one.layer.newer)
        why = needs_checkout(one.layer.newer, (one.base, one.theirs), place.files, scratch)
        if why:
            raise MlopsError(f"The update needs a checkout: {why}.", "Update this project by mlops update.")
    planned = plan(made, scratch, how=load_settings().merge)
    stale = needs_lock(planned, scratch)
    if stale and LOCK in planned.conflicts:  # uv resolves it again, no person
        del planned.conflicts[LOCK]
        planned.changes = [change for change in planned.changes if change.path != LOCK]
    return planned, stale


def needs_checkout(newer: Version, both: tuple[Rendered, Rendered], files: Entries, scratch: BorrowingScratch) -> str:
    """Why a project cannot be updated without one; empty where it can."""
    wanted = settings(newer)
    if wanted.get("tasks") or wanted.get("migrations"):
        return "the template runs tasks"
    attributes = [blob.oid for path, blob in files.items() if path.rpartition("/")[2] == ".gitattributes"]
    texts = [scratch.read(oid) for oid in attributes]
    texts += [
        entry.content for made in both for path, entry in made.tree.files.items() if path.name == ".gitattributes"
    ]
    if any(BY_GIT.search(text) for text in texts) and filtered(both, scratch):
        return "its .gitattributes have the template's files changed on their way into git"
    if any(b"text" in text for text in texts) and any(has_foreign_ends(made) for made in both):
        return "its .gitattributes change line ends of the template's files"
    return ""


def filtered(both: tuple[Rendered, Rendered], scratch: BorrowingScratch) -> bool:
    """Whether a rendered file is one that git changes when it is added, by git-lfs say."""
    repository = scratch.repository
    names = {f"{repository.prefix}{path}\0".encode() for made in both for path in made.tree.files}
    asked = ("check-attr", "-z", "--stdin", "filter", "ident", "working-tree-encoding")
    said = git_bytes(*asked, cwd=repository.top, given=b"".join(sorted(names)))
    return any(value not in (b"unspecified", b"unset") for value in said.split(b"\0")[2::3])


def has_foreign_ends(made: Rendered) -> bool:
    """Whether a rendered text has the line ends of Windows."""
    return any(b"\r\n" in entry.content and b"\0" not in entry.content for entry in made.tree.files.values())


def files_of(made: Plan) -> list[dict[str, str]]:
    """Every file that a plan changes, with its status."""
    return [{"path": one.path, "status": one.status} for one in made.changes if one.status != KEPT]


def conflicts_of(made: Plan, scratch: BorrowingScratch) -> list[dict[str, str]]:
    """Every conflict of a plan that is for a person, with its kind."""
    return [{"path": path, "kind": kind_of(stages, scratch)} for path, stages in sorted(made.conflicts.items())]


def kind_of(stages: Mapping[int, Blob], scratch: BorrowingScratch) -> str:
    """content, binary, mode, add/add; or modify/delete, delete/modify: what the project did, and the template."""
    if 3 not in stages:
        return "modify/delete"
    if 2 not in stages:
        return "delete/modify"
    if len({blob.mode for blob in stages.values()}) > 1:
        return "mode"
    if any(b"\0" in scratch.read(blob.oid) for blob in stages.values()):
        return "binary"
    return "content" if 1 in stages else "add/add"


def touched_by(made: Plan, conflicts: list[dict[str, str]], scratch: BorrowingScratch) -> dict[str, Blob | None]:
    """What the update changes in the project's commit: of a conflict, the project's side stays, and a file names it."""
    after = {path: blob for path, blob in made.result.items() if path not in made.local or path in made.before}
    for path, stages in made.conflicts.items():
        after.pop(path, None)
        if 2 in stages:
            after[path] = stages[2]
    if conflicts:
        entries = [recorded(one["path"], made.conflicts[one["path"]], one["kind"]) for one in conflicts]
        text = dump(entries, (made.older.name, made.newer.name), made.project.answers, made.layer_answers)
        after[RECORD] = Blob("100644", scratch.hash(text))
    paths = made.before.keys() | after.keys()
    return {path: after.get(path) for path in paths if made.before.get(path) != after.get(path)}
