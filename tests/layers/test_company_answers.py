"""What a company can answer for all of its projects, so that no layer has to write a file of ours."""

import tomllib
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from mlops_scaffold.creating.new import Request, plan
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.report import Report

from tests.conftest import ROOT


def rendered(template: Path, folder: Path, **data: Any) -> dict[str, str]:
    """The files of a new project, by the answers."""
    request = Request(folder / "churn", str(template), defaults=True, data=data, set_up=False)
    files = plan(request, Report(quiet=True)).tree.files
    return {str(path): entry.content.decode() for path, entry in files.items() if path != PurePosixPath("uv.lock")}


def test_the_settings_of_the_page_reach_the_project(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs/template-source.md").read_text(encoding="utf-8")
    settings = page.partition("```yaml\n")[2].partition("```")[0].partition("\n")[2]  # all but the template's address
    monkeypatch.setenv("MLOPS_CONFIG_DIR", str(tmp_path))
    (tmp_path / "settings.yml").write_text(settings, encoding="utf-8")
    (tmp_path / "trusted").write_text("/\n", encoding="utf-8")

    files = rendered(template, tmp_path, extras=["container", "devcontainer"])

    assert "ARG PYTHON_IMAGE=registry.example.com/library/python:3.12.12-slim-bookworm\n" in files["Dockerfile"]
    assert "ARG UV_IMAGE=registry.example.com/astral-sh/uv:0.13.9\n" in files[".devcontainer/Dockerfile"]
    assert "  image: registry.example.com/astral-sh/uv:0.13.9-python3.12-bookworm\n" in files[".gitlab-ci.yml"]
    assert "example-logging>=2" in tomllib.loads(files["pyproject.toml"])["project"]["dependencies"]


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("images", "{pyton: registry.example.com/python:3.12}"),
        ("images", "[registry.example.com/python:3.12]"),
        ("images", '{ci: "a b"}'),
        ("dependencies", "example-logging"),
        ("dependencies", '["a\\"b"]'),
    ],
)
def test_an_answer_of_another_form_is_refused_with_an_example(
    question: str, value: str, template: Path, tmp_path: Path
) -> None:
    with pytest.raises(MlopsError, match=r"example"):
        rendered(template, tmp_path, **{question: value})
