"""What `mlops fleet status` and `update --dry-run` say of repositories that they only read."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from mlops_scaffold.fleet import objects
from mlops_scaffold.fleet.inventory import read_fleet
from mlops_scaffold.fleet.line import Line
from mlops_scaffold.fleet.renderings import Renderings
from mlops_scaffold.fleet.survey import survey
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.planning.planned import CONFLICT, KEPT
from mlops_scaffold.rendering import recorded
from mlops_scaffold.vcs.git import git_bytes

from tests.conftest import git
from tests.update.test_nothing_lost import CASES
from tests.update.world import commit, forget_fetches, make_world, new_project, snapshot, write

LINES = "".join(f"line {number}\n" for number in range(12))
MANAGED = (
    "components:\n  type: yaml\n  when: false\n  default:\n    ci:\n      axis: ci\n      title: CI\n      help: CI\n"
    "      owns: [/ci.yml]\n      managed: [/ci.yml]\nname: demo\n"
)


def look(folder: Path, *repos: object, predict: bool = True, **more: Any) -> list[Line]:
    """The lines of a fleet of some repositories."""
    forget_fetches()
    rows = "".join(f"  - {{repo: '{one}'}}\n" for one in repos)
    (folder / "fleet.yml").write_text(f"projects:\n{rows}", encoding="utf-8")
    fleet = read_fleet(folder / "fleet.yml")
    return list(survey(fleet, fleet.chosen(), Renderings(**more), predict))


@pytest.mark.long
def test_a_dry_run_predicts_what_an_update_does(tmp_path: Path) -> None:
    """On every case of tests/update/test_nothing_lost.py, from a bare repository."""
    worlds = {}
    for number, (name, case) in enumerate(CASES.items()):
        world = make_world(tmp_path / str(number), case.before, case.after)
        world.edit(case.edit)
        git("clone", "--quiet", "--bare", str(world.project), str(tmp_path / f"{number}.git"), cwd=tmp_path)
        worlds[name] = world
    lines = look(tmp_path, *(tmp_path / f"{number}.git" for number in range(len(CASES))))
    for (name, world), line in zip(worlds.items(), lines, strict=True):
        if line.error and "needs a checkout" in line.error:
            continue
        outcome = world.update(dry_run=True)
        changes = [(change.path, change.status) for change in outcome.changes if change.status != KEPT]
        assert [(one["path"], one["status"]) for one in line.files or []] == changes, name
        conflicts = [path for path, status in changes if status == CONFLICT]
        assert [one["path"] for one in line.conflicts] == conflicts, name
        assert line.state == ("conflicts" if conflicts else "behind"), name
    assert sum(line.error is not None for line in lines) <= 2


def test_status_names_versions_and_drift_and_touches_nothing(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"ci.yml": "one\n", "a.txt": LINES}, {"ci.yml": "uses: two@v1\n"}, questions=MANAGED)
    world.edit({"ci.yml": "one\nmine\n", "a.txt": "mine\n"})
    write(world.project, {"a.txt": "not committed\n"})
    fresh = new_project(world.template, tmp_path / "fresh")
    write(fresh, {"ci.yml": "uses: two@v2\n"})  # as a bot raises it
    commit(fresh)
    mono = tmp_path / "mono"
    for name in ("svc-a", "svc-b"):
        shutil.copytree(world.project, mono / name, ignore=shutil.ignore_patterns(".git"))
    git("init", "--quiet", cwd=mono)
    commit(mono)
    write(tmp_path / "plain", {"a.txt": "a\n"})
    git("init", "--quiet", cwd=tmp_path / "plain")
    commit(tmp_path / "plain")
    before = snapshot(tmp_path)
    (tmp_path / "fleet.yml").write_text(
        "projects: [project, fresh, {repo: mono, path: [svc-a, svc-b]}, plain, gone, 'file:///nowhere/at/all']\n"
    )
    before = snapshot(tmp_path)
    forget_fetches()
    fleet = read_fleet(tmp_path / "fleet.yml")
    lines = list(survey(fleet, fleet.chosen(), Renderings()))
    told = [(line.repo, line.path, line.state, line.older, line.newest, line.drifted) for line in lines]
    assert told[:5] == [
        ("project", ".", "behind", "v1.0.0", "v2.0.0", ["ci.yml"]),
        ("fresh", ".", "current", "v2.0.0", "v2.0.0", []),
        ("mono", "svc-a", "behind", "v1.0.0", "v2.0.0", ["ci.yml"]),
        ("mono", "svc-b", "behind", "v1.0.0", "v2.0.0", ["ci.yml"]),
        ("plain", ".", "untemplated", None, None, []),
    ]
    gone, away = lines[5:]
    assert (gone.state, gone.retry) == ("error", False)
    assert "There is no folder" in str(gone.error)
    assert (away.state, away.retry) == ("unreachable", True)
    assert snapshot(tmp_path) == before
    assert fresh.is_dir()


def test_equal_answers_are_rendered_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(tmp_path, {"a.txt": LINES}, {"a.txt": LINES + "more\n"})
    for name in ("b", "c"):
        git("clone", "--quiet", str(world.project), str(tmp_path / name), cwd=tmp_path)
    other = new_project(world.template, tmp_path / "other", ["name=other"])
    count: list[object] = []
    newer = recorded.render_newer

    def counted(*arguments: Any, **more: Any) -> Any:
        count.append(arguments)
        return newer(*arguments, **more)

    monkeypatch.setattr("mlops_scaffold.fleet.renderings.render_newer", counted)
    assert [line.state for line in look(tmp_path, world.project, "b", "c", other)] == [*["behind"] * 3, "current"]
    assert len(count) == 1


def test_a_rendering_with_the_folders_name_is_not_shared(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.txt.jinja": "{{ _folder_name }}\n"}, {"a.txt.jinja": "{{ _folder_name }}\nmore\n"})
    git("clone", "--quiet", str(world.project), str(tmp_path / "b"), cwd=tmp_path)
    first, second = look(tmp_path, world.project, "b")
    assert first.conflicts == []
    assert second.conflicts == [{"path": "a.txt", "kind": "content"}], "copier renders it for a folder of another name"


def test_another_machines_repository_gets_nothing_of_a_folder_of_this_one(tmp_path: Path) -> None:
    """Its answers may name any path as the template: that of somebody's private repository, say."""
    world = make_world(tmp_path, {"a.txt": LINES}, {"a.txt": LINES + "more\n"})
    settings = tmp_path / "gitconfig"
    settings.write_text(f'[url "file://{tmp_path}/"]\n  insteadOf = https://git.example.com/\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", str(settings))
        (line,) = look(tmp_path, "https://git.example.com/project")
    assert line.state == "error"
    assert (
        line.error
        == f"Its template {world.template} is not one of this fleet. If you trust it, add it to templates in fleet.yml."
    )


def test_trust_is_for_templates_that_the_inventory_names(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.txt": LINES}, {"a.txt": LINES + "more\n"})
    with pytest.raises(MlopsError, match="Name those that you trust"):
        look(tmp_path, world.project, trust=True)


@pytest.mark.parametrize("kind", ["multiplied", "cut", "short"])
def test_a_tree_that_nobody_can_check_out_is_one_line(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "MOST_FILES", 10_000)
    world = make_world(tmp_path, {"a.txt": LINES}, {"a.txt": LINES + "more\n"})
    hostile = tmp_path / "hostile"
    git("clone", "--quiet", str(world.project), str(hostile), cwd=tmp_path)
    if kind == "multiplied":
        tree = git("rev-parse", "HEAD^{tree}", cwd=hostile)
        for _ in range(10):
            rows = "".join(f"040000 tree {tree}\t{number}\n" for number in range(10))
            tree = git_bytes("mktree", cwd=hostile, given=rows.encode()).decode().strip()
    else:
        raw = {"cut": b"100644 a.txt", "short": b"100644 a.txt\0abc"}[kind]
        options = ("-t", "tree", "--literally", "-w", "--stdin")
        tree = git_bytes("hash-object", *options, cwd=hostile, given=raw).decode().strip()
    git("update-ref", "HEAD", git("commit-tree", tree, "-m", "hostile", cwd=hostile), cwd=hostile)
    lines = look(tmp_path, hostile, world.project)
    assert [line.state for line in lines] == ["error", "behind"]
    said = "more than 10,000 files" if kind == "multiplied" else "has a tree that is no tree"
    assert said in str(lines[0].error)


def test_nothing_of_a_repositorys_settings_is_run(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"a.txt": LINES}, {"a.txt": LINES + "more\n"})
    world.edit({"a.txt": "mine\n" + LINES, ".gitattributes": "a.txt filter=evil merge=evil diff=evil\n"})
    made = tmp_path / "made"
    for name in ("core.fsmonitor", "filter.evil.clean", "filter.evil.smudge", "merge.evil.driver", "core.sshCommand"):
        git("config", name, f"touch {made}", cwd=world.project)
    git("config", "extensions.partialClone", "origin", cwd=world.project)
    git("config", "core.repositoryFormatVersion", "1", cwd=world.project)
    git("config", "remote.origin.url", str(tmp_path / "gone"), cwd=world.project)
    git("config", "remote.origin.promisor", "true", cwd=world.project)
    git("config", "remote.origin.uploadpack", f"touch {made};", cwd=world.project)
    look(tmp_path, world.project)
    look(tmp_path, world.project, predict=False)
    assert not made.exists()
