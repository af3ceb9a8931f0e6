"""`mlops diff`: what a project has changed against its template."""

from collections.abc import Sequence

from mlops_scaffold.ground.project import Project
from mlops_scaffold.ground.tree import Entry
from mlops_scaffold.projects.library import MARK, tracked
from mlops_scaffold.rendering.recorded import render_base
from mlops_scaffold.sources.address import recorded_address
from mlops_scaffold.sources.source import reopen_version
from mlops_scaffold.vcs.files import read_entry
from mlops_scaffold.vcs.repository import Repository
from mlops_scaffold.vcs.scratch import scratch


def difference(
    layers: Sequence[Project],
    repository: Repository,
    with_seeds: bool = False,
    offline: bool = False,
    trust: bool = False,
) -> bytes:
    """A diff from the templates of a project as they were rendered to their files as they are on disk now."""
    shown: dict[str, Entry] = {}
    for project in layers:
        version = reopen_version(recorded_address(project.source), project.version, project.commit, offline)
        base = render_base(project, version, trust)
        rendered = {str(path): entry for path, entry in base.tree.files.items()}
        shown |= {path: entry for path, entry in rendered.items() if with_seeds or not base.is_seed(path)}
    here: dict[str, Entry] = {}
    library = tracked(repository) if str(MARK) in shown else {}  # with what a person put there
    for path in {**shown, **library}:
        entry = read_entry(repository, path, path in shown and shown[path].executable)
        if entry:
            here[path] = entry
    with scratch(repository) as place:
        return place.diff(place.tree(place.store(shown)), place.tree(place.store(here)))
