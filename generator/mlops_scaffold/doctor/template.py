"""Checks of a project against its template: those of `mlops check`, with the commands that fix what they find."""

import shlex

from mlops_scaffold.doctor.registry import Found, Place, check
from mlops_scaffold.projects.check import open_versions
from mlops_scaffold.projects.library import FOLDER, is_missing, way_back


@check("The project lacks what the template has fixed since.")
def behind(place: Place) -> Found:
    """The project is of the newest version of its template, and of each layer over it."""
    if place.is_versioned and place.versions.behind:
        newest, here = place.versions.newer.name, place.versions.older.name
        yield f"the template is at {newest}, the project at {here}", place.project.command("update")
    for layer in place.over:
        versions = open_versions(layer, place.offline)
        if versions.behind:
            newest, here = versions.newer.name, versions.older.name
            yield f"the layer {layer.layer} is at {newest}, the project at {here}", place.project.command("update")


@check("All commands of the project are in it, and an edit is in the way of the next update.")
def library(place: Place) -> Found:
    """The library is that of the project's template version: kit/ complete and unedited, or the package."""
    if place.project.last.get("kit") not in ("vendored", "package"):  # another template's
        return
    if is_missing(place.project):
        yield f"{FOLDER}/ is missing: no command of the project runs", way_back(place.folder)
    elif place.is_versioned and place.standing.library and place.standing.library.sentence:
        yield place.standing.library.sentence, place.standing.library.mend


@check("These files are the template's alone: what is written in them by hand is in the way of the next update.")
def drifted(place: Place) -> Found:
    """No managed file was edited."""
    if place.package is None or not place.is_versioned:  # other templates have no such files
        return
    diff = place.project.command("diff")
    for path in place.standing.drifted:
        name = shlex.quote(path)
        yield f"{path} was edited (see: {diff})", f"{diff} | git apply --reverse --include={name}"
