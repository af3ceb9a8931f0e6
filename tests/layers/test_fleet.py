"""A fleet sees the layers of its projects: one that is behind makes its project behind."""

from pathlib import Path

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
    assert "Layer security: v1.0.0 -> v2.0.0" in line.notices
    assert mlops("fleet", "update", "--quiet", cwd=tmp_path).returncode == 11
    branch = git("show", f"mlops/template:{LAYER_FILE}", cwd=tmp_path / "bare.git")
    assert "_commit: v2.0.0" in branch
    assert [line.state for line in look(tmp_path, tmp_path / "bare.git", predict=False)] == ["conflicts"]
