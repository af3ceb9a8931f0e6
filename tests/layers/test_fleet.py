"""A fleet sees the layers of its projects: one that is behind makes its project behind."""

from pathlib import Path
from typing import Any

from mlops_scaffold.fleet.hosts.desk import CLOSED, Request
from mlops_scaffold.fleet.line import BEHIND, Line
from mlops_scaffold.fleet.requests import ABORTED, body_of, title_of, was_closed

from tests.conftest import git, mlops
from tests.fleet.test_survey import look
from tests.layers.company import LAYER_FILE, make_company


def test_a_layer_that_is_behind_is_updated_on_the_branch_with_its_project(tmp_path: Path) -> None:
    company = make_company(tmp_path)
    assert [line.state for line in look(tmp_path, company.project)] == ["current"]
    company.release("base", "v1.1.0", {"project/main.py": "print(2)\n"})
    company.release("layer", "v2.0.0", {"project/REUSE.toml": "version = 2\n"})
    company.edit({"REUSE.toml": "version = 3\n"})
    git("clone", "--quiet", "--bare", str(company.project), str(tmp_path / "bare.git"), cwd=tmp_path)

    (line,) = look(tmp_path, tmp_path / "bare.git")

    outcome = company.update(dry_run=True)
    assert [(one["path"], one["status"]) for one in line.files or []] == [
        (change.path, change.status) for change in outcome.changes
    ]
    assert line.conflicts == [{"path": "REUSE.toml", "kind": "content"}]
    assert line.versions == "v1.0.0 -> v1.1.0, security v1.0.0 -> v2.0.0"
    assert mlops("fleet", "update", "--quiet", cwd=tmp_path).returncode == 11
    branch = git("show", f"mlops/template:{LAYER_FILE}", cwd=tmp_path / "bare.git")
    assert "_commit: v2.0.0" in branch
    assert [line.state for line in look(tmp_path, tmp_path / "bare.git", predict=False)] == ["conflicts"]


def test_a_layer_without_the_projects_answer_is_behind_though_a_branch_of_its_version_was_merged(
    tmp_path: Path,
) -> None:
    company = make_company(tmp_path)
    company.edit({".copier-answers.yml": company.text(".copier-answers.yml").replace("github", "gitlab")})
    git("branch", "mlops/template", "HEAD~", cwd=company.project)
    assert [line.state for line in look(tmp_path, company.project, predict=False)] == ["behind"]


def line_of(base: str, security: str, **more: Any) -> Line:
    """A project of v1.0.0 of both, with the versions that it is to get."""
    layers = [{"name": "security", "from": "v1.0.0", "to": security}]
    return Line("ml/a", state=BEHIND, older="v1.0.0", newer=base, layers=layers, files=[], **more)


def test_a_request_names_the_versions_of_the_template_and_of_layers() -> None:
    both, layer = line_of("v2.0.0", "v1.1.0"), line_of("v1.0.0", "v1.1.0")
    assert title_of([line_of("v2.0.0", "v1.0.0")]) == "chore: update the template to v2.0.0"
    assert title_of([both]) == "chore: update the template to v2.0.0, layer security v1.1.0"
    assert title_of([layer, both]) == title_of([both])
    assert title_of([layer]) == "chore: update the template to layer security v1.1.0"
    assert "Template v1.0.0, security v1.0.0 -> v1.1.0; 0 files." in body_of([layer])
    assert layer.to_json()["layers"] == [{"name": "security", "from": "v1.0.0", "to": "v1.1.0"}]


def test_a_request_that_somebody_closed_does_not_hold_the_next_release_of_a_layer() -> None:
    first, other = line_of("v1.0.0", "v1.1.0"), line_of("v2.0.0", "v1.0.0")
    closed = Request(1, "", CLOSED, title_of([first, other]))
    assert was_closed(closed, first)
    assert was_closed(closed, other)
    assert not was_closed(closed, line_of("v1.0.0", "v1.2.0"))
    assert not was_closed(Request(1, "", CLOSED, closed.title + ABORTED), other), "our own abort closed it"
