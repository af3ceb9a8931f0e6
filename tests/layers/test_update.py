"""A project of a template and a company's layer over it: one update takes both, with nothing lost of either."""

from pathlib import Path

import pytest
from mlops_scaffold.applying import taking_back
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.settings import read_mapping
from mlops_scaffold.vcs.repository import open_repository

from tests.conftest import git
from tests.layers.company import LAYER, LAYER_FILE, Company, make_company
from tests.update.world import commit, snapshot


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return make_company(tmp_path)


def test_a_layer_is_added_to_a_project_with_an_answers_file_of_its_own(company: Company) -> None:
    assert company.text(".github/workflows/security.yml") == "run: scan .\n"
    recorded = read_mapping(company.project / LAYER_FILE)
    assert recorded["_src_path"] == str(company.folder / "layer")
    assert (recorded["_commit"], recorded["ci"], recorded["scanner"]) == ("v1.0.0", "github", "scan")
    assert company.update().changes == []


def test_one_update_takes_the_base_and_the_layer_and_is_taken_back_as_one(company: Company) -> None:
    company.edit({"main.py": "print(3)\n", "REUSE.toml": "version = 1\nMINE = 1\n"})
    company.release("base", "v1.1.0", {"project/main.py": "print(2)\n", "project/NEW.md": "new\n"})
    company.release("layer", "v2.0.0", {"project/REUSE.toml": "NEW = 1\nversion = 1\n"})
    before = snapshot(company.project)

    outcome = company.update()

    assert {change.path: change.status for change in outcome.changes} == {
        ".copier-answers.yml": "updated",
        LAYER_FILE: "updated",
        "NEW.md": "added",
        "REUSE.toml": "updated",
        "main.py": "conflict",
    }
    assert [(one.name, one.older, one.newer) for one in outcome.layers] == [("security", "v1.0.0", "v2.0.0")]
    assert company.text("REUSE.toml") == "NEW = 1\nversion = 1\nMINE = 1\n"
    taking_back.abort(open_repository(company.project))
    assert snapshot(company.project) == before
    assert git("status", "--porcelain", cwd=company.project) == ""


def test_the_layers_scan_goes_to_the_ci_that_the_base_changes_to(company: Company) -> None:
    company.edit({".github/workflows/security.yml": "# MINE\nrun: scan .\n"})

    company.change(ci="gitlab")

    assert company.text(".gitlab/ci/security.yml") == "script: scan .\n"
    assert read_mapping(company.project / LAYER_FILE)["ci"] == "gitlab"
    assert company.text(".github/workflows/security.yml") == "# MINE\nrun: scan .\n"  # edited: it stays, and is named


def test_a_layer_that_plain_copier_left_behind_an_answer_is_brought_up_to_it(company: Company) -> None:
    answers = company.text(".copier-answers.yml").replace("ci: github", "ci: gitlab")
    company.edit({".copier-answers.yml": answers})
    company.update()
    assert company.has(".gitlab/ci/security.yml")
    assert not company.has(".github/workflows/security.yml")


def test_two_templates_that_write_one_path_are_refused_before_anything_is_written(company: Company) -> None:
    company.release("layer", "v2.0.0", {"project/README.md": "ours\n"})
    before = snapshot(company.project)
    with pytest.raises(MlopsError, match=r"Two templates write README\.md: base and security\. Nothing was changed"):
        company.update()
    assert snapshot(company.project) == before


@pytest.mark.parametrize("path", ["readme.MD", "README.md/inside", "main.py/x"])
def test_so_are_paths_that_one_disk_cannot_hold_both_of(company: Company, path: str) -> None:
    company.release("layer", "v2.0.0", {f"project/{path}": "ours\n"})
    with pytest.raises(MlopsError, match="Two templates write"):
        company.update()


def test_a_file_that_goes_from_the_base_to_the_layer_is_merged_there(company: Company) -> None:
    company.edit({"main.py": "print(1)\n\n\nMINE = 1\n"})
    company.release("base", "v1.1.0", {"project/main.py": None})
    company.release("layer", "v2.0.0", {"project/main.py": "print(2)\n"})
    outcome = company.update()
    assert outcome.conflicts == 0
    assert company.text("main.py") == "print(2)\n\n\nMINE = 1\n"


def test_an_answers_file_that_is_named_is_updated_alone(company: Company) -> None:
    company.release("base", "v1.1.0", {"project/main.py": "print(2)\n"})
    company.release("layer", "v2.0.0", {"project/REUSE.toml": "version = 2\n"})
    company.update(answers_file=LAYER_FILE)
    assert (company.text("main.py"), company.text("REUSE.toml")) == ("print(1)\n", "version = 2\n")
    commit(company.project)
    company.update(answers_file=".copier-answers.yml")
    assert company.text("main.py") == "print(2)\n"


def test_a_version_that_is_named_is_the_bases_and_the_layer_stays(company: Company) -> None:
    company.release("base", "v1.1.0", {"project/main.py": "print(2)\n"})
    company.release("base", "v1.2.0", {"project/main.py": "print(3)\n"})
    company.release("layer", "v2.0.0", {"project/REUSE.toml": "version = 2\n"})
    company.update(ref="v1.1.0")
    assert (company.text("main.py"), company.text("REUSE.toml")) == ("print(2)\n", "version = 1\n")


def test_an_answer_goes_to_the_layer_that_asks_for_it(company: Company) -> None:
    company.update(data={"scanner": "audit"})
    assert company.text(".github/workflows/security.yml") == "run: audit .\n"
    with pytest.raises(MlopsError, match="no question 'scaner'"):
        company.update(data={"scaner": "audit"}, dirty=True)


def test_an_answer_that_comes_with_a_layer_is_that_layers(company: Company) -> None:
    company.update(same_version=True, removes="security")
    commit(company.project)
    layer = str(company.folder / "layer")
    company.update(same_version=True, adds=layer, data={"scanner": "audit", "ci": "gitlab"})
    assert company.text(".github/workflows/security.yml") == "run: audit .\n"
    assert read_mapping(company.project / ".copier-answers.yml")["ci"] == "github"


def test_an_answer_of_the_base_that_the_layer_does_not_take_names_the_layer(tmp_path: Path) -> None:
    asked = str(LAYER["copier.yml"]).replace("ci: github", "ci:\n  type: str\n  choices: [github, gitlab]\n")
    company = make_company(tmp_path, {**LAYER, "copier.yml": asked})
    before = snapshot(company.project)
    with pytest.raises(MlopsError, match="Layer security: "):
        company.update(data={"ci": "jenkins"})
    assert snapshot(company.project) == before


def test_a_layer_is_removed_with_what_nobody_edited(company: Company) -> None:
    company.edit({"REUSE.toml": "version = 1\nMINE = 1\n"})
    with pytest.raises(MlopsError, match=r"edited what would be removed: REUSE\.toml"):
        company.update(same_version=True, removes="security", remove_edited=False)
    company.update(same_version=True, removes="security", remove_edited=True)
    assert sorted(snapshot(company.project)) == [".copier-answers.yml", "README.md", "main.py"]
    assert "MINE" in git("show", "HEAD:REUSE.toml", cwd=company.project)


def test_layers_are_merged_in_their_order_and_a_circle_is_refused(company: Company) -> None:
    third = {
        "copier.yml": "_subdirectory: project\n_answers_file: .copier-answers.a.yml\n_mlops_after: [security]\n"
        "scanner: x\n",
        "project/{{ _copier_conf.answers_file }}.jinja": LAYER["project/{{ _copier_conf.answers_file }}.jinja"],
        "project/a.txt.jinja": "{{ scanner }}\n",
    }
    company.update(same_version=True, adds=str(company.release("a", "v1.0.0", third)))
    assert company.text("a.txt") == "scan\n"
    commit(company.project)
    assert [one.name for one in company.update(data={"scanner": "audit"}).layers] == ["security", "a"]
    assert company.text("a.txt") == "audit\n"
    commit(company.project)
    turned = str(LAYER["copier.yml"]).replace("[base]", "[a]")
    company.release("layer", "v2.0.0", {"copier.yml": turned})
    with pytest.raises(MlopsError, match="Each of these layers comes after another: "):
        company.update()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("", r"is no layer: it keeps its answers in \.copier-answers\.yml"),
        (f"_answers_file: {LAYER_FILE}\n", "has a layer security already"),
        ("_answers_file: .copier-answers.b.yml\n_mlops_after: base\n", "is no list of names"),
    ],
)
def test_what_cannot_be_a_layer_is_said_in_one_sentence(company: Company, settings: str, said: str) -> None:
    template = company.release("other", "v1.0.0", {**LAYER, "copier.yml": f"_subdirectory: project\n{settings}"})
    with pytest.raises(MlopsError, match=said):
        company.update(same_version=True, adds=str(template))


def test_a_layer_in_no_commit_and_one_that_is_not_there_are_named(company: Company) -> None:
    with pytest.raises(MlopsError, match=r"no layer 'safety'\. There are: security"):
        company.update(same_version=True, removes="safety")
    git("rm", "--quiet", "--cached", LAYER_FILE, cwd=company.project)
    git("commit", "--quiet", "--message", "out", cwd=company.project)
    company.release("base", "v1.1.0", {"project/main.py": "print(2)\n"})
    with pytest.raises(MlopsError, match=r"\.copier-answers\.security\.yml is in no commit"):
        company.update()
