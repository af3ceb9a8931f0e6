"""Every rendering is whole, clean, and accepted by the linters of what is in it (L1 and L2)."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from mlops_scaffold.rendering import Asked, copier_adapter, plain
from mlops_scaffold.sources import catalog
from mlops_scaffold.sources.address import named_address
from mlops_scaffold.sources.source import open_version

from tests.conftest import ROOT
from tests.docs.test_site import in_navigation
from tests.render.matrix import Answers, all_pairs

BIN = Path(sys.executable).parent
MADE = {"__pycache__", ".ruff_cache"}  # what Python compiled and ruff remembers
MATRIX = [
    *all_pairs(ROOT),
    *(preset.answers for preset in catalog.presets(ROOT)),
    {"project_name": "a"},
    {"project_name": "a-very-long-name-that-nobody-would-really-give-to-a-project", "framework": "lightgbm"},
]
IDS = ["-".join(str(value) for value in answers.values()) or "defaults" for answers in MATRIX]


@pytest.fixture(scope="session")
def renderings(template: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """All projects of the matrix, written down; each a git repository, as ruff and zizmor expect."""
    version = open_version(named_address(str(template)), None)
    folders = []
    for answers in MATRIX:
        folder = tmp_path_factory.mktemp("renderings") / "churn"
        plain.render(version, folder, Asked(data=answers, defaults=True)).tree.write_new(folder)
        folders.append(folder)
    return folders


@pytest.fixture(params=range(len(MATRIX)), ids=IDS)
def project(request: pytest.FixtureRequest, renderings: list[Path]) -> Path:
    """One rendering after another."""
    number: int = request.param
    return renderings[number]


@pytest.fixture(params=range(len(MATRIX) + 1), ids=[*IDS, "the library"])
def folder(request: pytest.FixtureRequest, renderings: list[Path]) -> Path:
    """One rendering after another, and the library, which is the same in all of them."""
    number: int = request.param
    return [*renderings, renderings[0] / "kit"][number]


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Every file of a project but the library's, or of the library, with its text."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and folder / "kit" not in path.parents and not MADE & set(path.parts):
            yield path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8")


@pytest.mark.long
@pytest.mark.parametrize("answers", MATRIX, ids=IDS)
def test_copier_writes_the_same(answers: Answers, template: Path, tmp_path: Path) -> None:
    version, asked = open_version(named_address(str(template)), None), Asked(data=answers, defaults=True)
    ours, theirs = (engine.render(version, tmp_path, asked) for engine in (plain, copier_adapter))
    assert ours.tree == theirs.tree
    assert ours.seeds == theirs.seeds


def test_every_file_is_clean(folder: Path) -> None:
    for name, text in texts(folder):
        # CircleCI, Prometheus and Grafana have braces of their own.
        text = re.sub(r"\{\{ (?:arch|\.Branch|checksum [^}]+|\$labels\.\w+) \}\}", "", text)
        text = re.sub(r"\{\{\w+\}\}", "", text) if name.endswith("dashboard.json") else text
        assert not re.search(r"(?<!\$)\{\{|\{%|\{#", text), f"a brace is left in {name}"
        assert not re.search(r"\b(TODO|FIXME|XXX)\b", text), name
        assert text.endswith("\n"), f"{name} has no newline at its end"
        assert not text.endswith("\n\n"), f"{name} has empty lines at its end"
        assert not re.search(r"[ \t]+$", text, re.MULTILINE), f"{name} has blanks at a line's end"
        assert "\n\n\n\n" not in text, f"{name} has a hole"


def test_the_library_is_the_same_in_every_project_that_has_it(renderings: list[Path], template: Path) -> None:
    ours = contents(template / "template/project/kit")
    for project, answers in zip(renderings, MATRIX, strict=True):
        assert contents(project / "kit") == ({} if answers.get("kit") == "package" else ours)


def test_the_library_as_a_package_comes_from_its_index_alone_in_its_version(project: Path) -> None:
    if (project / "kit").exists():
        return
    settings = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    uv = settings["tool"]["uv"]
    assert uv["sources"] == {"mlops-scaffold-kit": {"index": "library"}}
    assert uv["index"] == [{"name": "library", "url": "https://packages.example.com/simple", "explicit": True}]
    required = [settings["project"]["dependencies"], *settings["dependency-groups"].values()]
    named = [line for lines in required for line in lines if isinstance(line, str)]
    pins = [line for line in named if line.startswith("mlops-scaffold-kit")]
    assert pins
    assert all(line.endswith(f"=={settings['tool']['mlops']['library']}") for line in pins)
    naming = [name for name, text in texts(project) if re.search(r"(?<![\w-])kit\b(?!:)", text)]
    assert naming == [], "these name the folder kit/"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file's bytes, but for what Python compiled and ruff remembers."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not MADE & set(path.parts))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_every_file_parses(folder: Path) -> None:
    for name, text in texts(folder):
        if name.endswith((".yaml", ".yml")):
            yaml.safe_load(text)
        elif name.endswith(".toml"):
            tomllib.loads(text)
        elif name.endswith((".ipynb", ".json")):
            json.loads(text)
        elif name.endswith(".py"):
            ast.parse(text)


def described(tree: ast.AST) -> set[ast.AST]:
    """What a protocol only describes."""
    classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    return {node for one in classes if any(ast.unparse(base) == "Protocol" for base in one.bases) for node in one.body}


def test_no_function_is_empty(folder: Path) -> None:
    for name, text in texts(folder):
        tree = ast.parse(text) if name.endswith(".py") else ast.Module([], [])
        for node in set(ast.walk(tree)) - described(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = [
                    line
                    for line in node.body
                    if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
                ]
                assert body, f"{name}: {node.name} is empty"
                assert not all(isinstance(line, ast.Pass) for line in body), f"{name}: {node.name} is empty"


def test_its_own_linters_change_nothing(project: Path) -> None:
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run([BIN / "ruff", *command, "--no-cache", "."], cwd=project, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_the_linters_of_each_system_accept_it(project: Path) -> None:
    if (project / "Dockerfile").exists():
        run("hadolint", "Dockerfile", cwd=project)
        run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml", cwd=project)
        run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.tracking.yaml", cwd=project)
    if (project / ".devcontainer").exists():
        run("hadolint", ".devcontainer/Dockerfile", cwd=project)


def run(program: str, *arguments: str, cwd: Path) -> None:
    """Run a linter of this environment; what it says is the failure."""
    done = subprocess.run([BIN / program, *arguments], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_stages_depend_on_files_that_exist(project: Path) -> None:
    stages = yaml.safe_load((project / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    made = {"data/raw", "data/prepared", "model"}
    for stage in stages.values():
        for path in stage["deps"]:
            assert path in made or (project / path).is_file(), path


def test_its_pages_name_tasks_and_files_that_exist(project: Path) -> None:
    tasks = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["poe"]["tasks"]
    for page in (path for path in project.rglob("*.md") if project / "kit" not in path.parents):
        text = page.read_text(encoding="utf-8")
        assert set(re.findall(r"\buv run poe ([a-z][a-z-]*)", text)) <= set(tasks), page.name
        for link in re.findall(r"\]\(([^)#]+)\)", text):
            assert "://" in link or (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_sites_navigation_names_pages_that_are_there(project: Path) -> None:
    if not (project / "zensical.toml").exists():
        return
    config = tomllib.loads((project / "zensical.toml").read_text(encoding="utf-8"))["project"]
    pages = set(in_navigation(config["nav"]))
    copied = {f"project/{path.name}" for path in project.glob("*.md")}
    written = {f"project/{name}.md" for name in ("MODEL_CARD", "DATA_CARD", "CHAMPIONS")}
    assert pages == copied | written | {path.name for path in (project / "docs").iterdir()}
