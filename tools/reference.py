"""Write docs/reference/ from the program itself: `python tools/reference.py`. A test holds that the two are equal."""

import importlib
import json
import sys
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import typer
from mlops_scaffold import doctor as doctor_checks
from mlops_scaffold.cli import app
from mlops_scaffold.creating.new import Plan, Request, plan
from mlops_scaffold.ground.report import Report
from mlops_scaffold.ground.settings import read_mapping
from mlops_scaffold.sources import catalog

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs/reference"
# What a project's own files call of the library: it keeps its names and its meaning from release to release.
SURFACE = {
    "contract": ("load", "Contract", "Column", "Source", "ContractError", "check_file", "row_hashes"),
    "features": (
        "columns",
        "numbers",
        "categories",
        "dates",
        "words",
        "date_parts",
        "texts",
        "TextScores",
        "target_means",
    ),
    "estimators": ("Encoded",),
    "blending": ("BlendClassifier", "BlendRegressor"),
    "ground": ("project", "params", "using", "command", "Project", "Model", "ModelModule", "KitError", "ProjectError"),
    "data": (
        "checked_rows",
        "split",
        "write_parts",
        "train_part",
        "test_part",
        "is_large",
        "prepare_in_batches",
        "has_data",
    ),
    "training": ("stage", "fit", "keep", "measure", "write_report", "score", "score_slices", "latency_ms"),
    "models": ("trained_model", "signature", "prediction_hash"),
    "serving.app": ("create_app", "serve"),
    "serving.endpoint": ("rows_as_json",),
    "serving.predict": ("predictions",),
    "testing.services": ("Service",),
    "frameworks.tensorflow.features": ("tensors", "inputs", "scaled", "turning", "category", "words", "side_by_side"),
    "frameworks.tensorflow.estimator": ("Classifier", "Regressor"),
}
WRITTEN = "<!-- Written by tools/reference.py from the program: edit that, not this. -->\n"


def pages() -> dict[str, str]:
    """The text of each page of the reference, by its file's name."""
    written = {
        "command-line.md": command_line(),
        "checks.md": checks(),
        "components.md": components(),
        "questions.md": questions_and_presets(),
        "environment.md": environment(),
        "library.md": library(),
    }
    return {name: WRITTEN + "\n".join(lines) + "\n" for name, lines in written.items()}


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """A table of Markdown without the columns that are empty, and with a blank line after it."""
    columns = [column for column in zip(head, ["---"] * len(head), *rows, strict=True) if any(column[2:])]
    cells = [list(row) for row in zip(*columns, strict=True)]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells] + [""]


def command_line() -> Iterator[str]:
    """Every command with its arguments and options, as `--help` has them."""
    group: Any = typer.main.get_command(app)
    yield from ["# The command line", "", group.help, ""]
    shown = dict(commands(group))
    rows = [[f"[`{name}`](#{anchor(name)})", command.help] for name, command in shown.items()]
    yield from table(["command", "does"], rows)
    yield from ["`mlops COMMAND --help` says the same, `mlops --version` which version this is.", ""]
    rows = [
        ["0", "done"],
        ["1", "an error, in one sentence with a next step; nothing was touched"],
        ["2", "completed; manual action required: conflicts, behind the template or drifted from it, something to fix"],
        ["64", "a usage error: an option or argument that the command does not have"],
    ]
    yield from table(["exit code", "means"], rows)
    for name, command in shown.items():
        parameters = [parameter for parameter in command.params if not parameter.hidden]
        words = [usage(one) for one in parameters if one.param_type_name == "argument"]
        yield from [f"## `{name}` {{ #{anchor(name)} }}", "", command.help, ""]
        yield from ["```text", " ".join(["mlops", name, "[OPTIONS]", *words]), "```", ""]
        rows = [[f"`{spelled(one)}`", one.help or ""] for one in parameters]
        if rows:
            yield from table(["argument or option", ""], rows)


def commands(group: Any, within: str = "") -> Iterator[tuple[str, Any]]:
    """Every command by its name; one that has commands of its own is these."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{within}{name} ")
        elif not command.hidden:
            yield within + name, command


def anchor(name: str) -> str:
    """The name of a command's section."""
    return name.replace(" ", "-")


def usage(argument: Any) -> str:
    """An argument as a line of usage has it."""
    word = argument.metavar or argument.name.upper()
    return word if argument.required or word.startswith("[") else f"[{word}]"


def spelled(parameter: Any) -> str:
    """A parameter as one writes it: its names, and a word for its value."""
    if parameter.param_type_name == "argument":
        return usage(parameter)
    names = ", ".join(sorted(parameter.opts, key=len))
    return names if parameter.is_flag else f"{names} {parameter.metavar or 'VALUE'}"


def checks() -> Iterator[str]:
    """What `mlops doctor` looks at: its own checks, then those that every project carries."""
    yield from ["# Checks", "", "What [`mlops doctor`](../doctor.md) looks at, in this order.", ""]
    yield from ["## Of the tool", "", "`mlops doctor` alone makes these.", ""]
    yield from table(*rows_of(doctor_checks.CHECKS))
    yield from ["## Of the project", "", "`uv run poe doctor` makes these too, with nothing but uv.", ""]
    yield from table(*rows_of(library_module("workspace.doctor").CHECKS))


def rows_of(registry: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """The table of a registry of checks."""
    rows = [[f"`{name}`", one.should, one.why, "yes" if one.safe else ""] for name, one in registry.items()]
    return ["check", "should be so", "since otherwise", "mended by `--fix`"], rows


def library() -> Iterator[str]:
    """What a project's own files call of the library; the site fills in the docstrings, read from the source."""
    yield from [
        "# The library",
        "",
        "What a project's own files call of `mlops_kit`. These names and their meaning stay",
    ]
    yield from ["from release to release; the rest of `kit/` may change with any. Frames are `pandas.DataFrame`.", ""]
    for module, names in SURFACE.items():
        yield from [f"## mlops_kit.{module}", "", f"::: mlops_kit.{module}", "    options:", "      members:"]
        yield from [*(f"        - {name}" for name in names), ""]


def environment() -> Iterator[str]:
    """The environment variables that a project's library reads."""
    yield from ["# Environment variables", "", "What the tasks and services of a project read. An empty value counts"]
    yield from ["as not set. [Limits of the service](../serving.md#limits) are set by variables too.", ""]
    for title, variables in library_module("ground.variables").TABLE.items():
        yield from [f"## {title}", ""]
        yield from table(["variable", "default", "meaning"], [[f"`{v.name}`", v.default, v.meaning] for v in variables])


def library_module(name: str) -> Any:
    """A module of the library that every project carries."""
    sys.path.insert(0, str(ROOT / "template/project/kit/src"))
    return importlib.import_module(f"mlops_kit.{name}")


def defaults(folder: Path) -> Plan:
    """A project with the defaults, planned."""
    request = Request(folder, str(ROOT), ref="HEAD", defaults=True, set_up=False)
    return plan(request, Report(quiet=True))


def components() -> Iterator[str]:
    """The components table of copier.yml."""
    yield from ["# Components", "", "What a project can have, by question. `mlops components` lists the same,"]
    yield from ["`mlops add NAME` and `mlops remove NAME` change it years later.", ""]
    for axis, rows in groupby(catalog.components(ROOT), key=lambda row: row.axis):
        yield from [f"## {axis}", ""]
        lines = []
        for row in rows:
            terms = [f"needs {' or '.join(row.needs)}"] * bool(row.needs)
            terms += [f"not with {', '.join(row.excludes)}"] * bool(row.excludes)
            owned = ", ".join(f"`{path}`" for path in row.owns)
            managed = ", ".join(f"`{path}`" for path in row.managed)
            lines.append([f"`{row.name}`", row.help, "; ".join(terms), owned, managed])
        yield from table(["name", "is", "terms", "its files", "of these managed"], lines)
    seeds = ", ".join(f"`{path}`" for path in read_mapping(ROOT / "copier.yml")["_skip_if_exists"])
    yield from [f"Seeds, rendered once and then the project's own: {seeds}.", ""]


def questions_and_presets() -> Iterator[str]:
    """The questions that are there for a person, and the answers files."""
    yield from ["# Questions and presets", ""]
    yield from [
        "Any question is answered on the command line by `--data KEY=VALUE`. What is not asked takes its default.",
        "",
    ]
    with tempfile.TemporaryDirectory() as folder:
        answers = defaults(Path(folder) / "churn").answers
    axes = {component.axis for component in catalog.components(ROOT)}
    rows = []
    for name, question in read_mapping(ROOT / "copier.yml").items():
        if name.startswith("_") or question.get("when") is False:
            continue
        how_many = "any" if question.get("multiselect") else "one"
        values = f"{how_many} of the [components](components.md#{name})" if name in axes else ""
        asked = "yes" if question.get("ask", True) else ""
        rows.append([f"`{name}`", question["help"], asked, values, f"`{json.dumps(answers[name])}`"])
    yield from table(["question", "means", "asked", "values", "default in a folder `churn`"], rows)
    yield from [
        "## Presets",
        "",
        "`mlops new churn --preset NAME` takes the answers of a preset; `--data` goes before them.",
        "",
    ]
    for preset in catalog.presets(ROOT):
        yield from [f"### {preset.name}", "", preset.help, ""]
        yield from table(["question", "answer"], [[f"`{k}`", f"`{json.dumps(v)}`"] for k, v in preset.answers.items()])


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
