"""Sharing: what was trained here is at the DVC remote, or it is said why not."""

from pathlib import Path

import pytest

from {{ package_name }} import share, workspace


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose model is in DVC's cache alone, and the folder that is its remote as soon as it is there."""
    project, remote = tmp_path / "project", tmp_path / "team/store"
    (project / "model").mkdir(parents=True)
    Path(project, "model/weights").write_text("1 2 3", encoding="utf-8")
    monkeypatch.setattr(workspace, "ROOT", project)
    monkeypatch.delenv("WITHOUT_REMOTE", raising=False)
    Path(project, ".dvc").mkdir()
    config = f"[core]\n    no_scm = true\n    remote = team\n['remote \"team\"']\n    url = {remote}\n"
    Path(project, ".dvc/config").write_text(config, encoding="utf-8")
    workspace.run("dvc", "add", "--quiet", "model", quiet=True)
    return remote


def test_what_was_trained_is_at_the_remote(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WITHOUT_REMOTE", "1")
    assert "nothing is pushed" in share.share()
    assert not trained.exists()
    monkeypatch.delenv("WITHOUT_REMOTE")
    assert "at the DVC remote" in share.share()
    assert "1 2 3" in [path.read_text(encoding="utf-8") for path in trained.rglob("*") if path.is_file()]


def test_a_remote_that_does_not_take_it_is_a_sentence(trained: Path) -> None:
    trained.parent.write_text("a file where the store's folder would be", encoding="utf-8")
    with pytest.raises(workspace.WorkspaceError, match="a login that may write"):
        share.share()
