"""What an adoption is made of: requirements, ignore files, and the template's files of each level."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlops_scaffold.adopting.ignoring import union
from mlops_scaffold.adopting.looking import free_package, project_name
from mlops_scaffold.adopting.requirements import Legacy, read_requirements, with_legacy
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import Project
from mlops_scaffold.projects.components import adding
from mlops_scaffold.rendering import Asked, copier_adapter, plain
from mlops_scaffold.sources.address import named_address
from mlops_scaffold.sources.source import open_version

from tests.ci.test_dialects import SCHEMAS, run
from tests.conftest import git

FILES = {
    "requirements.txt": b"""\
# what we need
-r more/base.txt
--index-url=https://packages.example.com/simple
--extra-index-url https://more.example.com/simple
numpy==1.26.4 ; python_version < "3.12"  # pinned
scikit-learn==1.5.0 \\
    --hash=sha256:aaaa \\
    --hash=sha256:bbbb
git+https://example.com/lib.git@v1#egg=lib
-e .
./local
tool @ file:///home/x/tool.whl
private @ https://me:secret@example.com/p.whl
pandas = 2
--no-binary :all:
""",
    "more/base.txt": "requests>=2\n-r ../requirements.txt\n".encode("utf-16"),
}


def test_requirements_are_taken_over_as_they_are() -> None:
    found = read_requirements(FILES.get)
    assert found.packages == [
        "requests>=2",
        'numpy==1.26.4 ; python_version < "3.12"',
        "scikit-learn==1.5.0",
        "lib @ git+https://example.com/lib.git@v1",
    ]
    assert (found.index, found.more) == ("https://packages.example.com/simple", ["https://more.example.com/simple"])
    assert found.left == [
        "requirements.txt, line 10: an editable install of a folder",
        "requirements.txt, line 11: not a package and its version",
        "requirements.txt, line 12: a file of one machine",
        "requirements.txt, line 13: there is a login in its address",
        "requirements.txt, line 14: not a package and its version",
        "requirements.txt, line 15: the option --no-binary",
    ]


def test_the_packages_are_a_group_of_their_own() -> None:
    legacy = Legacy(['a==1 ; python_version < "3"'], more=["https://more.example.com/simple"])
    read = tomllib.loads(with_legacy("[dependency-groups]\nlegacy = []\n", legacy))
    assert read["dependency-groups"]["legacy"] == legacy.packages
    assert [index["url"] for index in read["tool"]["uv"]["index"]] == legacy.more


def test_the_union_of_ignore_files_ignores_all_that_was_ignored(tmp_path: Path) -> None:
    text, left = union(b"*.csv\nraw/", b"# Data\n/data/?*\n!/data/raw/\n*.csv\n\n!x.csv\n")
    assert text == b"*.csv\nraw/\n\n# Of the template.\n/data/?*\n"
    assert left == ["!/data/raw/", "!x.csv"]
    assert union(b"a\r\nb\r\n", b"a\nb\n") == (b"a\r\nb\r\n", [])
    assert union(b"a\r\n", b"b\n")[0] == b"a\r\n\r\n# Of the template.\r\nb\r\n"


def test_names_are_free() -> None:
    asked = {"reserved_names": {"default": ["data"]}}
    assert project_name("Churn Model_2", asked) == "churn-model-2"
    assert project_name("data", asked) == "data-ml"
    assert project_name("2021", asked) == "ml-project"
    assert free_package("churn", ["src/churn/a.py"]) == "churn_ml"
    assert free_package("churn", ["churn.py", "churn_ml/a.py"]) == "churn_ml_package"
    assert free_package("churn", ["train.py"]) == "churn"


COMMANDS = {"ci": ["uvx ruff@"], "package": ["uv run --locked poe lint", "uv run --locked poe test"]}
FILE = {
    "github": ".github/workflows/ci.yml",
    "gitlab": ".gitlab-ci.yml",
    "circleci": ".circleci/config.yml",
    "jenkins": "Jenkinsfile",
}


def test_a_component_needs_its_level(template: Path, tmp_path: Path) -> None:
    version = open_version(named_address(str(template)), None)
    project = Project(tmp_path, {"level": "ci", "ci": "github"})
    assert adding(project, version, "gitlab") == {"ci": "gitlab"}
    with pytest.raises(MlopsError, match="mlops update --data level=pipeline"):
        adding(project, version, "notebooks")


@pytest.mark.parametrize("ci", [*FILE, "none"])
@pytest.mark.parametrize("level", COMMANDS)
def test_each_level_renders_its_files_alone(level: str, ci: str, template: Path, tmp_path: Path) -> None:
    version = open_version(named_address(str(template)), None)
    folder = tmp_path / "churn"
    asked = Asked(data={"level": level, "ci": ci}, defaults=True)
    made = plain.render(version, folder, asked)
    assert made.tree == copier_adapter.render(version, folder, asked).tree
    wanted = {".copier-answers.yml", ".pre-commit-config.yaml"}
    wanted |= {FILE[ci], "renovate.json"} if ci != "none" else set()
    wanted |= {".gitignore", "pyproject.toml"} if level == "package" else set()
    assert set(made.tree.paths) == wanted
    texts = {str(path): entry.content.decode() for path, entry in made.tree.files.items()}
    for name, text in texts.items():
        parse(name, text)
        assert not re.search(r"(?<!\$)\{\{|\{%|\n\n\n|[ \t]\n|\n\n$", text), name
    commands = [line.strip().removeprefix("- ") for line in texts.get(FILE.get(ci, ""), "").splitlines()]
    for command in COMMANDS[level] if ci != "none" else ():
        assert any(command in line for line in commands), command


def parse(name: str, text: str) -> Any:
    """A file by its format."""
    if name.endswith(("yml", "yaml")):
        return yaml.safe_load(text)
    if name.endswith("json"):
        return json.loads(text)
    return tomllib.loads(text) if name.endswith("toml") else None


@pytest.mark.parametrize("ci", SCHEMAS)
@pytest.mark.parametrize("level", COMMANDS)
def test_the_linters_of_each_system_accept_it(level: str, ci: str, template: Path, tmp_path: Path) -> None:
    version, folder = open_version(named_address(str(template)), None), tmp_path / "churn"
    answers = {"level": level, "ci": ci, "package_index": "https://packages.example.com/simple"}
    plain.render(version, folder, Asked(data=answers, defaults=True)).tree.write_new(folder)
    schema, path = SCHEMAS[ci]
    run("check-jsonschema", "--builtin-schema", schema, path, cwd=folder)
    run("check-jsonschema", "--builtin-schema", "vendor.renovate", "renovate.json", cwd=folder)
    if ci == "github":
        git("init", "--quiet", cwd=folder)
        run("zizmor", "--offline", "--persona=auditor", "--quiet", ".", cwd=folder)
        run("jactionlint", cwd=folder)
