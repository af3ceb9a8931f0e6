"""What `mlops` says of a project with a layer, and what plain copier does with it."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from mlops_scaffold.cli import completing

from tests.conftest import ROOT, git, mlops
from tests.fleet.test_survey import look
from tests.layers.company import LAYER_FILE, Company, make_company
from tests.update.world import commit, snapshot


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return make_company(tmp_path)


def told(company: Company, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """A command that ends as it is to end."""
    done = mlops(*arguments, cwd=company.project)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_a_layer_comes_is_known_and_goes(company: Company) -> None:
    before = snapshot(company.project)
    assert "security v1.0.0 -> (none): 3 files changed" in told(company, "layer", "remove", "security").stderr
    commit(company.project)
    added = told(company, "layer", "add", str(company.folder / "layer"), "--defaults", "--vcs-ref", "v1.0.0").stderr
    assert "template v1.0.0, security (none) -> v1.0.0: 3 files changed, 0 conflicts" in added
    assert snapshot(company.project) == before
    told(company, "update", "--abort")
    assert not company.has(LAYER_FILE)


def test_a_shell_proposes_the_layers_of_a_project(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(company.project)
    assert completing.layers(None) == ["security"]  # type: ignore[arg-type]


def test_check_names_each_layer_and_one_that_is_behind(company: Company) -> None:
    assert "template v1.0.0, security v1.0.0: up to date, not drifted" in told(company, "check").stderr
    changelog = "## 2.0.0\n\n- A licence for all files.\n"
    company.release("layer", "v2.0.0", {"project/REUSE.toml": "version = 2\n", "CHANGELOG.md": changelog})
    said = told(company, "check", code=2).stderr
    assert "behind: layer security v1.0.0, the newest is v2.0.0" in said
    assert "A licence for all files." in said
    assert "files of this project that would change: REUSE.toml" in said
    found = json.loads(told(company, "check", "--json", code=2).stdout)
    assert (found["behind"], found["incoming"]) == (False, ["REUSE.toml"])
    assert found["layers"][0] | {"releases": {}} == {
        "name": "security",
        "version": "v1.0.0",
        "newest": "v2.0.0",
        "behind": True,
        "answers": {},
        "releases": {},
    }
    assert "+version = 2" in told(company, "diff", "--incoming").stdout
    told(company, "check", "--answers-file", ".copier-answers.yml")
    doctor = told(company, "doctor", "--only", "behind", code=2)
    assert "the layer security is at v2.0.0, the project at v1.0.0" in doctor.stdout + doctor.stderr


def test_check_names_an_answer_that_the_layer_does_not_have_yet(company: Company) -> None:
    company.edit({".copier-answers.yml": company.text(".copier-answers.yml").replace("github", "gitlab")})
    said = told(company, "check", code=2).stderr
    assert "layer security does not have the project's ci: gitlab" in said


def test_an_edit_of_what_the_layer_manages_is_drift(company: Company) -> None:
    scan = ".github/workflows/security.yml"
    company.edit({scan: "run: true\n", "REUSE.toml": "version = 1\nMINE = 2\n"})
    assert f"drifted: {scan}\n" in told(company, "check", "--strict", code=2).stderr
    assert "managed: nobody edits it by hand" in told(company, "explain", scan).stdout
    (line,) = look(company.folder, company.project)
    assert line.drifted == [scan]


def test_diff_and_explain_know_both(company: Company) -> None:
    company.edit({"main.py": "print(1)\nMINE = 1\n", "REUSE.toml": "version = 1\nMINE = 2\n"})
    assert {"+MINE = 1", "+MINE = 2"} <= set(told(company, "diff").stdout.splitlines())
    assert "+MINE = 1" not in told(company, "diff", "--answers-file", LAYER_FILE).stdout
    said = told(company, "explain", "REUSE.toml").stdout
    assert f"layer      security, from {company.folder / 'layer'}" in said
    assert "project/REUSE.toml, since v1.0.0" in said
    assert "layer" not in told(company, "explain", "main.py").stdout.replace(str(company.folder), "")


@pytest.mark.long
def test_plain_copier_updates_each_and_has_nothing_to_do_after_us(company: Company) -> None:
    company.release("base", "v1.1.0", {"project/main.py": "print(2)\n"})
    company.release("layer", "v2.0.0", {"project/REUSE.toml": "version = 2\n"})
    by_copier = company.folder / "copier"
    git("clone", "--quiet", str(company.project), str(by_copier), cwd=company.folder)
    for name in (".copier-answers.yml", LAYER_FILE):
        copier(by_copier, name)
        commit(by_copier, name)
    told(company, "update", "--defaults")
    assert snapshot(company.project) == snapshot(by_copier)
    commit(company.project, "updated")
    for name in (".copier-answers.yml", LAYER_FILE):
        copier(company.project, name)
    assert git("status", "--porcelain", cwd=company.project) == ""


@pytest.mark.long
def test_the_task_outdated_of_a_project_names_the_template_and_the_layer_that_is_behind(company: Company) -> None:
    part = (ROOT / "template/parts/outdated.toml").read_text(encoding="utf-8")
    task = tomllib.loads(part.replace("{{ _copier_conf.answers_file }}", ".copier-answers.yml"))["outdated"]["shell"]
    ours = task.replace("uv run --isolated --locked --only-group template copier", f"{sys.executable} -m copier")
    assert ours != task

    def outdated() -> tuple[int, list[str]]:
        done = subprocess.run([sys.executable, "-c", ours], cwd=company.project, capture_output=True, text=True)
        return done.returncode, done.stdout.splitlines()

    assert outdated() == (0, [".copier-answers.yml: 1.0.0, up-to-date", f"{LAYER_FILE}: 1.0.0, up-to-date"])
    company.release("layer", "v2.0.0", {"project/REUSE.toml": "version = 2\n"})
    code, said = outdated()
    assert (code, said[1]) == (2, f"{LAYER_FILE}: 1.0.0, the newest is 2.0.0")
    company.edit({LAYER_FILE: "_commit: v1.0.0\n_src_path: nowhere\n"})
    assert outdated()[0] == 1, "a template that cannot be read is a failure, and not up-to-date"


def copier(project: Path, answers_file: str) -> None:
    """`copier update -a FILE`."""
    command = [sys.executable, "-m", "copier", "update", "--quiet", "--defaults", "-a", answers_file, str(project)]
    subprocess.run(command, check=True, capture_output=True)


def test_copiers_own_update_takes_one_template(company: Company) -> None:
    company.release("base", "v1.1.0", {"project/main.py": "print(2)\n"})
    said = told(company, "update", "--defaults", "--engine", "copier", code=1).stderr
    assert f"Name one by --answers-file: .copier-answers.yml, {LAYER_FILE}." in said
    told(company, "update", "--defaults", "--engine", "copier", "--answers-file", ".copier-answers.yml")
    assert company.text("main.py") == "print(2)\n"


def test_a_conflict_of_the_layer_that_shows_no_markers_is_settled_by_resume(company: Company) -> None:
    picture = b"\0\1\2"
    company.release("layer", "v2.0.0", {"project/logo.png": picture})
    told(company, "update", "--defaults")
    commit(company.project, "updated")
    company.release("layer", "v3.0.0", {"project/logo.png": picture + b"theirs"})
    company.edit({"logo.png": picture + b"mine"})
    told(company, "update", "--defaults", code=2)
    commit(company.project, "too early")
    assert "in conflict: logo.png" in told(company, "check", code=2).stderr
    told(company, "update", "--resume", code=2)
    unmerged = git("ls-files", "--unmerged", cwd=company.project).splitlines()
    assert [line.split()[2] for line in unmerged] == ["1", "2", "3"]


def test_a_layer_runs_nothing_before_its_own_address_is_trusted(company: Company, strangers: Path) -> None:
    strangers.parent.mkdir(exist_ok=True)
    strangers.write_text(f"{company.folder / 'base'}\n{company.project}\n", encoding="utf-8")
    settings = (company.folder / "layer/copier.yml").read_text(encoding="utf-8")
    made = company.folder / "made"
    company.release("layer", "v2.0.0", {"copier.yml": f"{settings}_tasks: ['touch {made}']\n"})
    refused = told(company, "update", "--defaults", code=1).stderr
    assert "If you trust the template, say so once: --trust" in refused
    assert not made.exists()
    told(company, "update", "--defaults", "--trust")
    assert made.exists()
