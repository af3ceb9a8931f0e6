"""`mlops new`: plan everything that can fail, then write once."""

import keyword
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlops_scaffold.creating import dataset
from mlops_scaffold.creating.bootstrap import without_data
from mlops_scaffold.creating.environment import require_own_environment
from mlops_scaffold.creating.layering import lay_over, open_layers
from mlops_scaffold.ground.errors import MlopsError, Untrusted
from mlops_scaffold.ground.project import ANSWERS_FILE, Project, check_answers_file, library
from mlops_scaffold.ground.report import Report
from mlops_scaffold.ground.settings import load_settings, read_mapping
from mlops_scaffold.ground.tree import Tree
from mlops_scaffold.rendering import Asked, Rendered, questions, render, settings
from mlops_scaffold.rendering.layers import Layer
from mlops_scaffold.sources import catalog
from mlops_scaffold.sources.address import find_address, is_trusted
from mlops_scaffold.sources.source import Version, open_version
from mlops_scaffold.vcs.git import require_identity

TRUST = "If you trust the template, say so once: --trust"


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    destination: Path
    template: str | None = None
    ref: str | None = None
    prereleases: bool = False
    offline: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)
    data_file: Path | None = None
    preset: str | None = None
    defaults: bool = False
    answers_file: str | None = None
    trust: bool = False
    skip_tasks: bool = False
    dataset: Path | None = None
    target: str | None = None
    data_in_git: bool = False
    run: bool = False
    set_up: bool = True
    layers: tuple[str, ...] = ()  # ADDRESS[@VERSION] of each


@dataclass(frozen=True)
class Plan:
    """A project that can be made: nothing is written yet."""

    destination: Path
    version: Version
    answers: dict[str, Any]
    tree: Tree
    dataset: dataset.Dataset | None
    answers_file: str = ANSWERS_FILE
    trusted: bool = False
    layers: tuple[Layer, ...] = ()

    @property
    def project(self) -> Project:
        """The project, as it is once it is written."""
        return Project(self.destination.resolve(), self.answers, self.answers_file)


def plan(request: Request, report: Report) -> Plan:
    """Check and render. Raises MlopsError for whatever can be known to fail, with nothing written."""
    check_destination(request.destination, request.answers_file)
    if request.set_up:
        require_identity()
    refuse_options(request)
    address = find_address(request.template)
    version = open_version(address, request.ref, request.prereleases, request.offline)
    over = open_layers(request.layers, request.destination, request.prereleases, request.offline)
    versions = [version, *(one.newer for one in over)]
    for notice in dict.fromkeys(text for one in versions for text in one.notices):
        report.warn(notice)
    for one in versions:
        refuse_tasks(request, one)
    answers = given_answers(versions, request.data, request.data_file, request.preset)
    data = {key: value for key, value in answers.items() if key in questions(version)} if over else answers
    trusts = [is_trusted(one.source, request.trust) for one in versions]  # all are asked, and remembered
    trusted = all(trusts)
    found = None
    if request.dataset is not None:
        if not trusted:
            raise Untrusted("--dataset has the template's code look at your data.", TRUST)
        with report.step(f"look at {request.dataset.name}"):
            problem = data.get("problem")
            found = dataset.inspect(version.folder, request.dataset, request.target, problem, report.detailed)
        for level, text in found.findings:
            (report.warn if level == "warning" else report.say)(text)
        data.setdefault("problem", found.problem)
    asked = Asked(
        data=data,
        user_defaults=load_settings().defaults,
        defaults=request.defaults,
        answers_file=request.answers_file,
        trust=trusted,
        skip_tasks=request.skip_tasks,
    )
    made = render(version, request.destination, asked)
    tree = lay_over(made, version, over, answers, request.defaults, request.trust) if over else made.tree
    if can_be_set_up(made):
        require_own_environment(request.destination)
    if request.run and not can_be_set_up(made):
        raise MlopsError("--run is for projects of the mlops template: this one has another.", "Leave --run out.")
    if request.set_up and can_be_set_up(made) and not trusted:
        sentence = "The set-up of the project runs code of the template: its packages, hooks and tasks."
        raise Untrusted(sentence, f"{TRUST}. To write the files alone: --no-setup")
    where = made.answers_path.as_posix()
    return Plan(request.destination.absolute(), version, made.answers, tree, found, where, trusted, tuple(over))


def refuse_options(request: Request) -> None:
    """Raise for options that mean nothing without another one, or with it."""
    if request.target is not None and request.dataset is None:
        raise without_data("--target")
    if request.data_in_git and request.dataset is None:
        raise without_data("--data-in-git")
    if request.layers and request.answers_file not in (None, ANSWERS_FILE):
        raise MlopsError(f"A project with layers has its answers in {ANSWERS_FILE}.", "Leave out --answers-file.")


def check_destination(destination: Path, answers_file: str | None = None) -> None:
    """Raise where something is in the way."""
    if destination.is_symlink() or (destination.exists() and not destination.is_dir()):
        raise MlopsError(f"{destination} exists and is no folder.", "Choose another name.")
    name = answers_file or ANSWERS_FILE
    check_answers_file(name)
    if (destination / name).is_file():
        command = Project(destination, {}, name).command("setup", str(destination))
        raise MlopsError(f"{destination} is a project already.", f"Go on with its set-up: {command}")
    if destination.is_dir() and any(destination.iterdir()):
        raise MlopsError(f"{destination} exists and is not empty.", "Choose another name, or empty it.")


def refuse_tasks(request: Request, version: Version) -> None:
    """Raise for a template whose projects are not whole without its tasks: nothing of a template is run here."""
    if request.skip_tasks or not settings(version).get("tasks"):
        return
    copier = shlex.join(["uvx", "copier", "copy", "--trust", version.source, str(request.destination)])
    raise MlopsError(
        "The template has tasks, and mlops new runs none.",
        f"Make the project without them: --skip-tasks. Or by copier, if you trust the template: {copier}",
    )


def can_be_set_up(made: Rendered) -> bool:
    """Whether a project will have what the set-up calls."""
    return library(made.answers, made.tree.files.__contains__) is not None


def given_answers(
    versions: Sequence[Version], data: Mapping[str, Any], data_file: Path | None = None, preset: str | None = None
) -> dict[str, Any]:
    """The answers that were given: --data over --data-file over the preset. Raises for one that nobody asks.

    `versions` are of the template, and of the layers over it.
    """
    template = versions[0].folder
    given: list[Mapping[str, Any]] = []
    if preset:
        given.append(catalog.preset(template, preset).answers)
    if data_file:
        given.append({key: value for key, value in read_mapping(data_file).items() if not key.startswith("_")})
    given.append(data)
    merged = {key: value for one in given for key, value in one.items()}
    catalog.check_keys(merged, {key: asked for one in reversed(versions) for key, asked in questions(one).items()})
    catalog.check_values(merged, template)
    return merged


def parse_data(pairs: list[str]) -> dict[str, Any]:
    """KEY=VALUE pairs as a mapping. Raises MlopsError for a pair that is none."""
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.isidentifier() or keyword.iskeyword(key):
            raise MlopsError(f"--data {pair!r} is not KEY=VALUE.", "For example: --data framework=lightgbm")
        found[key] = value
    return found
