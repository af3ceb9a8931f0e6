"""What a template renders for a project, as hashes: enough to compare, and kept in the cache."""

import json
import re
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from hashlib import sha1, sha256
from pathlib import Path

from mlops_scaffold import __version__
from mlops_scaffold.ground.paths import cache_dir
from mlops_scaffold.ground.project import Project
from mlops_scaffold.ground.settings import load_settings
from mlops_scaffold.ground.tree import Entry
from mlops_scaffold.sources.source import Version
from mlops_scaffold.vcs.files import read_entry
from mlops_scaffold.vcs.repository import Repository

# A version behind @, == or the colon of an image, with its digest, and with the version in a comment behind a digest.
PIN = re.compile(
    rb"(?:@|==|(?<=\w):(?=v?\d[\w.-]*[.-]|[\w.-]+@sha256:))v?[\w.+-]*\d[\w.+-]*(?:@sha256:[0-9a-f]{64})?"
    rb"|@sha256:[0-9a-f]{64}"
    rb"|(?<=[0-9a-f]{40})[ \t]+#[ \t]*v?\d[\w.]*"
)


@dataclass(frozen=True)
class Manifest:
    """Hash of each file by its path; which of them are seeds; the answers file's path.

    `managed` are the managed files, each with its hash without the versions that are pinned in it.
    """

    files: dict[str, str]
    seeds: list[str]
    managed: dict[str, str]
    answers_path: str


def fingerprint(entry: Entry) -> str:
    """A file's kind and content; line ends do not count, as git may change them on the way to a disk."""
    kind = "link" if entry.symlink else "program" if entry.executable else "file"
    return f"{kind} {sha1(entry.content.replace(bytes([13, 10]), bytes([10])), usedforsecurity=False).hexdigest()}"


def matches(repository: Repository, path: str, expected: str) -> bool:
    """Whether a project's file has a fingerprint."""
    entry = read_entry(repository, path, executable=expected.startswith("program"))
    return entry is not None and fingerprint(entry) == expected


def is_repinned(repository: Repository, path: str, base: Manifest) -> bool:
    """Whether nothing but pinned versions differs in a managed file: bots raise them, as renovate.json asks for."""
    entry = read_entry(repository, path, executable=base.files[path].startswith("program"))
    return entry is not None and fingerprint(without_pins(entry)) == base.managed[path]


def without_pins(entry: Entry) -> Entry:
    """A file without the versions and digests of actions, images and programs in it."""
    return replace(entry, content=PIN.sub(b"", entry.content))


def manifest(project: Project, version: Version, older: Version, trust: bool = False) -> Manifest:
    """What a version renders for a project that was made from `older`. Rendered once, then read from the cache."""
    key = [__version__, version.source, version.name, version.commit, older.commit, project.answers_file]
    answers = [project.folder.name, project.last, load_settings().defaults]
    text = json.dumps([*key, *answers], sort_keys=True, default=str)
    path = cache_dir() / "renders" / f"{sha256(text.encode()).hexdigest()[:32]}.json"
    if path.is_file():
        with suppress(ValueError, TypeError):  # cut off by a full disk: it is rendered again
            return Manifest(**json.loads(path.read_text(encoding="utf-8")))
    found = _render(project, version, older, trust)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        json.dump(asdict(found), file)
    Path(file.name).replace(path)
    return found


def _render(project: Project, version: Version, older: Version, trust: bool) -> Manifest:
    from mlops_scaffold.rendering.asked import matcher
    from mlops_scaffold.rendering.recorded import render_base, render_newer
    from mlops_scaffold.sources.catalog import managed as managed_by

    if version.commit == older.commit:
        made = render_base(project, version, trust)
    else:
        made = render_newer(project, version, {}, defaults=True, trust=trust)
    files = {str(path): fingerprint(entry) for path, entry in made.tree.files.items()}
    is_managed = matcher(managed_by(version.folder))
    managed = {
        str(path): fingerprint(without_pins(entry)) for path, entry in made.tree.files.items() if is_managed(str(path))
    }
    return Manifest(files, sorted(filter(made.is_seed, files)), managed, made.answers_path.as_posix())
