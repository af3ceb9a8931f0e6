"""The template's contract: the components table is the single source of truth, and it is consistent."""

import re
import sys
from pathlib import Path

import pytest
import yaml
from mlops_scaffold.rendering import Asked, questions, render
from mlops_scaffold.sources import catalog
from mlops_scaffold.sources.address import named_address
from mlops_scaffold.sources.source import open_version
from pathspec import PathSpec

from tests.conftest import ROOT, git

CONFIG = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))


def template_paths() -> list[str]:
    """Every file under template/project, its package named pkg."""
    root = ROOT / "template/project"
    paths = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    return sorted(path.replace("{{ package_name }}", "pkg") for path in paths if "__pycache__" not in path)


def test_every_path_has_at_most_one_owner_or_several_of_one_axis() -> None:
    for path in template_paths():
        owners = [
            row for row in catalog.components(ROOT) if PathSpec.from_lines("gitignore", row.owns).match_file(path)
        ]
        axes = {row.axis for row in owners}
        assert len(owners) <= 1 or len(axes - {catalog.SEVERAL}) == len(axes) == 1, f"{path} is owned by {owners}"


def test_every_owner_owns_something() -> None:
    for row in catalog.components(ROOT):
        for pattern in row.owns:
            assert any(PathSpec.from_lines("gitignore", [pattern]).match_file(path) for path in template_paths()), (
                pattern
            )


def test_every_seed_is_there() -> None:
    for pattern in CONFIG["_skip_if_exists"]:
        assert any(PathSpec.from_lines("gitignore", [pattern]).match_file(path) for path in template_paths()), pattern


def test_no_trust_is_needed() -> None:
    assert not {"_tasks", "_migrations", "_jinja_extensions"} & set(CONFIG)


def test_the_default_path_asks_at_most_five_questions() -> None:
    asked = [
        name
        for name, question in CONFIG.items()
        if not name.startswith("_") and question.get("when", True) is not False and question.get("ask", True)
    ]
    assert len(asked) <= 5, asked


def test_every_question_has_a_default_and_a_help() -> None:
    for name, question in CONFIG.items():
        if not name.startswith("_"):
            assert "default" in question, name
            assert "help" in question or question["when"] is False, name


def test_no_package_can_shadow_a_standard_module() -> None:
    names = {name for name in sys.stdlib_module_names if name == name.lower() and not name.startswith("_")}
    assert names <= set(CONFIG["reserved_names"]["default"])


def test_the_commands_in_a_modules_docstring_are_a_block_of_their_own_on_the_page_of_the_code() -> None:
    for path in sorted((ROOT / "template").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        docstring = text.split('"""')[1] if text.startswith('"""') else ""
        assert "\nuv run " not in docstring, f"{path}: a command that is not indented runs into the next one"


@pytest.mark.parametrize("preset", catalog.presets(ROOT), ids=lambda preset: preset.name)
def test_a_preset_answers_questions_that_are_asked(preset: catalog.Preset) -> None:
    catalog.check_keys(preset.answers, {name: row for name, row in CONFIG.items() if not name.startswith("_")})


@pytest.mark.parametrize(("preset", "files"), [("minimal", 20), ("standard", 40)])
def test_a_project_can_be_read_in_ten_minutes(preset: str, files: int, template: Path, tmp_path: Path) -> None:
    version = open_version(named_address(str(template)), None)
    answers = catalog.preset(version.folder, preset).answers
    made = render(version, tmp_path / "churn", Asked(data=answers, defaults=True))
    own = {path: entry for path, entry in made.tree.files.items() if path.parts[0] != "kit"}
    assert len(own) <= files
    assert sum(entry.content.count(b"\n") for path, entry in own.items() if path.suffix == ".py") <= 350
    assert "framework" in questions(version)


def test_the_library_is_no_template() -> None:
    for name in git("ls-files", "template/project/kit", cwd=ROOT).splitlines():
        path = ROOT / name
        if path.exists():
            assert not re.search(r"\{\{|\{%|\{#", path.read_text(encoding="utf-8")), path
