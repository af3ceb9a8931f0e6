"""poe check: what an update has left for a person, in a project that was committed too early."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlops_kit.ground import KitError, Project, run, using
from mlops_kit.workspace.check import RECORD, findings, main

from tests.conftest import git
from tests.kit.projects import copied

CI = ".github/workflows/ci.yml"
PINNED = "- uses: a/b@{} # {}\n- run: more\n"


@pytest.fixture
def committed(made: object, tmp_path: Path) -> Iterator[Project]:
    """A project in a commit, with a file of CI and an answers file."""
    folder = tmp_path / "all/churn"
    project = copied(made("plain"), folder, "pyproject.toml", "params.yaml", "contract.yaml")  # type: ignore[operator]
    write(project, {CI: PINNED.format("0" * 40, "v1"), ".copier-answers.yml": "_commit: v1.0.0\n"})
    git("init", "--quiet", "--initial-branch=main", cwd=tmp_path / "all")
    commit(project)
    with using(project):
        yield project


def write(project: Project, files: dict[str, str]) -> None:
    """Write files of the project."""
    for name, text in files.items():
        (project.root / name).parent.mkdir(parents=True, exist_ok=True)
        (project.root / name).write_text(text, encoding="utf-8")


def commit(project: Project) -> None:
    """Commit all."""
    git("add", "--all", cwd=project.root)
    git("commit", "--quiet", "--message", "commit", cwd=project.root)


def test_nothing_is_found_in_a_sound_project(committed: Project) -> None:
    assert list(findings()) == []


def test_poe_check_prints_what_is_found_with_what_to_do(
    committed: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["check"])
    main()
    assert capsys.readouterr().out == "no open conflicts, no managed file edited\n"
    write(committed, {"dvc.lock.rej": "", "notes.md": "<<<<<<< project\na\n=======\nb\n>>>>>>> template\n"})
    commit(committed)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    marked, left_over, advice = capsys.readouterr().out.splitlines()
    assert marked == "in conflict: notes.md (conflict markers)"
    assert left_over == "in conflict: dvc.lock.rej (left over by copier update)"
    assert advice.startswith("Settle it, then commit.")


def test_a_merge_that_waits_and_a_project_in_no_commit(committed: Project, tmp_path: Path) -> None:
    for branch in ("theirs", "ours"):
        git("switch", "--quiet", "--force-create", branch, "main", cwd=committed.root)
        write(committed, {"notes.md": branch})
        commit(committed)
    run("git", "merge", "--quiet", "theirs", quiet=True, check=False)
    assert next(findings()) == "in conflict: notes.md (git has it as unmerged)"
    git("init", "--quiet", cwd=tmp_path)
    new = copied(committed, tmp_path / "new", "pyproject.toml", "contract.yaml")
    with using(new), pytest.raises(KitError, match=r"^The project is in no commit\. Run: git add --all && git commit$"):
        list(findings())


def test_markers_in_a_commit(committed: Project) -> None:
    write(committed, {"notes.md": "<<<<<<< project\na\n=======\nb\n>>>>>>> template\n"})
    commit(committed)
    assert list(findings()) == ["in conflict: notes.md (conflict markers)"]
    write(committed, {".gitattributes": "notes.md conflict-marker-size=32\n"})
    assert list(findings()) == []


def test_a_conflict_without_markers_is_open_until_the_file_is_another(committed: Project) -> None:
    write(committed, {"logo": "mine"})
    mine = git("hash-object", "logo", cwd=committed.root)
    write(
        committed,
        {RECORD: f"conflicts:\n- path: logo\n  kind: content\n  ours: {mine}\n- path: gone\n  ours: {mine}\n"},
    )
    commit(committed)
    assert list(findings()) == [f"in conflict: logo (content, in {RECORD})"]
    write(committed, {"logo": "theirs"})
    commit(committed)
    assert list(findings()) == []
    write(committed, {RECORD: "conflicts: 5\n"})
    with pytest.raises(KitError, match=r"git rm \.mlops/conflicts\.yml"):
        list(findings())


def test_edits_of_managed_files_since_the_last_update(committed: Project) -> None:
    write(committed, {CI: PINNED.format("1" * 40, "v2")})
    commit(committed)
    assert list(findings()) == [], "a bot has raised a version"
    write(committed, {CI: PINNED.format("1" * 40, "v2") + "- run: mine\n", "src/model.py": "mine = 1\n"})
    commit(committed)
    (found,) = findings()
    assert found.startswith(f"drifted: {CI} ")
    write(committed, {".copier-answers.yml": "_commit: v2.0.0\n"})
    commit(committed)
    assert list(findings()) == [], "an update has brought it"
    scan = ".github/workflows/security.yml"
    write(committed, {scan: "- run: scan\n", ".copier-answers.security.yml": "_commit: v1.0.0\n"})
    commit(committed)
    assert list(findings()) == [], "a layer over the template has brought it"
    write(committed, {scan: "- run: true\n"})
    commit(committed)
    assert [found.split()[1] for found in findings()] == [scan]


def test_a_project_without_managed_files_has_no_edits_of_them(committed: Project) -> None:
    settings = (committed.root / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    lines = ["managed = []" if line.startswith("managed = ") else line for line in settings]
    write(committed, {"pyproject.toml": "\n".join(lines) + "\n", "champion.yaml": "version: 2\n"})
    commit(committed)
    assert list(findings()) == []


def test_a_file_of_a_persons_own_beside_managed_ones_is_no_edit(committed: Project) -> None:
    mine = ".github/workflows/mine.yml"
    write(committed, {mine: "- run: mine\n"})
    assert list(findings()) == []
    commit(committed)
    assert list(findings()) == []
    write(committed, {".copier-answers.yml": "_commit: v2.0.0\n"})
    commit(committed)
    write(committed, {mine: "- run: another\n"})
    assert list(findings()) == [], "it is theirs after an update, too"
    write(committed, {"kit/mine.py": "mine = 1\n"})
    git("add", "--all", cwd=committed.root)
    assert [found.split()[1] for found in findings()] == ["kit/mine.py"]


def test_a_shallow_clone_says_that_it_cannot_look(committed: Project, tmp_path: Path, capsys: object) -> None:
    git("clone", "--quiet", "--depth=1", f"file://{tmp_path / 'all'}", str(tmp_path / "clone"), cwd=tmp_path)
    with using(Project.read(tmp_path / "clone/churn")):
        assert list(findings()) == []
    assert "a shallow clone" in capsys.readouterr().err  # type: ignore[attr-defined]
