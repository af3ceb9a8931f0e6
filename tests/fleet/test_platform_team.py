"""A platform team rolls releases of a template and of two layers out to forty repositories, and nobody loses a line."""

import contextlib
from collections import Counter
from pathlib import Path

import pytest
from mlops_scaffold.fleet.hosts.rest import Rest
from mlops_scaffold.ground.report import Report
from mlops_scaffold.updating.evolve import evolve
from mlops_scaffold.updating.request import Request
from mlops_scaffold.vcs.conflict_record import RECORD

from tests.conftest import git, mlops
from tests.fleet.standins import TOKEN, GitHubOfTests, GitLabOfTests, HostOfTests, running
from tests.fleet.test_rollout import BRANCH, LINES, Company
from tests.layers.company import released
from tests.update.world import ANSWERS, commit, forget_fetches, make_world

DIALECTS = ("github", "gitlab", "circleci", "jenkins")
RINGS = {"platform": range(4), "early": range(4, 14), "rest": range(14, 40)}
CONFLICTING, ARCHIVED, SIGNED, EDITED = 5, 20, 21, 6
# Owners of a project with layers: one moves to another CI, one has plain copier do so in the base alone, one deletes
# the scan that the company wants.
SWITCHED, SWITCHED_BY_COPIER, UNSCANNED = 15, 16, 17
MINE = LINES.replace("line 3\n", "line 3, mine\n")
CHANGED = LINES.replace("line 3\n", "line 3, changed\n")
COPIER_YML = "_subdirectory: files\n_answers_file: .copier-answers.{}.yml\n_mlops_after: [{}]\n{}"
ANSWERS_OF_LAYER = {f"files/{name}": text for name, text in ANSWERS.items()}
LAYERS = {
    "company": {
        "copier.yml": COPIER_YML.format("company", "base", "_mlops_managed: [/scan/]\nci: github\n"),
        "files/scan/{{ ci }}.yml.jinja": "scan {{ ci }}, 1\n",
        "files/licence.txt": LINES,
        **ANSWERS_OF_LAYER,
    },
    "division": {
        "copier.yml": COPIER_YML.format("division", "base, company", "ci: github\nowner: ml\n"),
        "files/division.txt.jinja": "{{ owner }} {{ ci }}, 1\n",
        **ANSWERS_OF_LAYER,
    },
}


def layers_of(number: int) -> tuple[str, ...]:
    """The layers over the template of a project: of five, two have both, and one has the company's alone."""
    return {0: ("company", "division"), 1: ("company", "division"), 2: ("company",)}.get(number % 5, ())


LAYERED = {number for number in range(40) if layers_of(number)}


def work_of(number: int, project: Path) -> dict[str, str | None]:
    """What makes the one project, of the template and both layers, another one: its CI, its layers and its own work."""
    dialect, has = DIALECTS[number % 4], layers_of(number)
    work: dict[str, str | None] = {"ci.txt": f"{dialect}\n", "own.txt": f"own work {number}\n"}
    if number == CONFLICTING:
        work |= {"a.txt": MINE, "licence.txt": MINE}
    for name in (".copier-answers.yml", *(f".copier-answers.{name}.yml" for name in LAYERS)):
        work[name] = (project / name).read_text().replace("ci: github", f"ci: {dialect}")
    work["division.txt"] = f"ml {dialect}, 1\n"
    if "company" in has:
        work |= {"scan/github.yml": None, f"scan/{dialect}.yml": f"scan {dialect}, 1\n"}
    else:
        work |= dict.fromkeys((".copier-answers.company.yml", "licence.txt", "scan/github.yml"))
    if "division" not in has:
        work |= dict.fromkeys((".copier-answers.division.yml", "division.txt"))
    return work


def make_company(folder: Path, hosts: dict[str, HostOfTests]) -> Company:
    """Forty repositories, each with work of its own; what hosts and hooks protect is protected."""
    before = {"ci.txt.jinja": "{{ ci }}\n", "a.txt": LINES, "b.txt": LINES}
    after = {"a.txt": CHANGED, "new.txt": "new\n"}
    (folder / "ml").mkdir(parents=True)
    company = Company(make_world(folder, before, after, questions="name: demo\nci: github\n"))
    project = company.world.project
    for name, files in LAYERS.items():
        added = str(released(folder / name, "v1.0.0", files))
        evolve(Request(project, defaults=True, same_version=True, adds=added), Report(quiet=True))
        commit(project, name)
    rows = []
    for ring, numbers in RINGS.items():
        for number in numbers:
            name, kind = f"ml/p{number:02}", ("github", "gitlab")[number % 2]
            mark = {ARCHIVED: "archived", SIGNED: "signed"}.get(number, "")
            company.add(name, work_of(number, project), mark)
            rows.append(f"{{repo: {kind}.example.com/{name}, ring: {ring}}}")
    for host in hosts.values():
        host.archived.add(f"ml/p{ARCHIVED}")
    kinds = "".join(
        f"  {kind}.example.com: {{kind: {kind}, token: env:FLEET_TOKEN, api: '{host.address}'}}\n"
        for kind, host in hosts.items()
    )
    templates = ", ".join(f"'{one}'" for one in (company.world.template, *(folder / name for name in LAYERS)))
    more = f"templates: [{templates}]\nrings: [platform, early, rest]\nhosts:\n{kinds}"
    company.inventory(*rows, more=f"{more}limits: {{fail_stop: 10%}}\n")
    return company


def merge_all(company: Company, hosts: dict[str, HostOfTests]) -> None:
    """Owners merge what is open and no draft."""
    for kind, host in hosts.items():
        for name, requests in host.requests.items():
            for one in requests:
                is_open = one["state"] in ("open", "opened")
                if is_open and not one["draft"] and company.tip(name):
                    git("update-ref", "refs/heads/main", company.tip(name), cwd=company.folder / f"{name}.git")
                    one.update(state="closed" if kind == "github" else "merged", merged_at="2026-11-26T12:00:00Z")


def settle(company: Company, hosts: dict[str, HostOfTests], path: str) -> None:
    """The owners of the project in conflict take both sides, by a tool of git's, and undraft the request."""
    name = f"ml/p{CONFLICTING:02}"
    clone = company.clone(name, BRANCH)
    assert mlops("update", "--resume", cwd=clone).returncode == 2
    git("config", "mergetool.both.cmd", 'cat "$LOCAL" "$REMOTE" > "$MERGED"', cwd=clone)
    git("config", "mergetool.both.trustExitCode", "true", cwd=clone)
    git("mergetool", "--no-prompt", "--tool=both", cwd=clone)
    git("commit", "--quiet", "--message", "both", cwd=clone)
    git("push", "--quiet", cwd=clone)
    hosts["gitlab"].requests[name][-1]["draft"] = False
    merge_all(company, hosts)
    assert "line 3, mine" in company.text(name, path, "main")
    assert "line 3, changed" in company.text(name, path, "main")
    assert RECORD not in git("ls-tree", "-r", "main", cwd=company.folder / f"{name}.git")


@pytest.mark.soak
def test_releases_of_a_template_and_its_layers_reach_forty_repositories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_TOKEN", TOKEN)
    monkeypatch.setattr(Rest, "sleep", staticmethod(lambda _: None))
    settings = tmp_path / "gitconfig"
    folders = "".join(f"  insteadOf = https://{kind}.example.com/\n" for kind in ("github", "gitlab"))
    settings.write_text(f'[user]\n  name = Bot\n  email = bot@example.com\n[url "file://{tmp_path}/"]\n{folders}')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    with contextlib.ExitStack() as stack:
        hosts = {
            "github": stack.enter_context(running(GitHubOfTests(tmp_path))),
            "gitlab": stack.enter_context(running(GitLabOfTests(tmp_path))),
        }
        company = make_company(tmp_path, hosts)
        roll_out(company, hosts, set(range(40)), "a.txt")
        owners_work(company)
        scan = {"files/scan/{{ ci }}.yml.jinja": "scan {{ ci }}, 2\n", "files/licence.txt": CHANGED}
        released(tmp_path / "company", "v2.0.0", scan)
        released(tmp_path / "division", "v2.0.0", {"files/division.txt.jinja": "{{ owner }} {{ ci }}, 2\n"})
        roll_out(company, hosts, LAYERED, "licence.txt")
        title = "chore: update the template to layer company v2.0.0, layer division v2.0.0"
        assert hosts["github"].requests["ml/p00"][-1]["title"] == title
        a_bad_release(company, hosts)
        for number in range(40):
            assert main_of(company, number) == wanted_on_main(number), "nobody's work is lost, and no scan"


def roll_out(company: Company, hosts: dict[str, HostOfTests], touched: set[int], path: str) -> None:
    """A release: ring after ring, with a conflict that is settled, and a repository that wants signatures."""
    first, second, third = (len(touched & {*numbers}) for numbers in RINGS.values())
    run = company.rollout()
    states = Counter(line.state for line in run.update(run.fleet.chosen(), ""))
    assert states == Counter(proposed=first, merged=4 - first)
    assert run.stopped.startswith("The ring after platform waits for")
    merge_all(company, hosts)
    states = Counter(line.state for line in company.update().values())
    assert states == Counter(proposed=second - 1, conflicts=1, merged=14 - second)
    settle(company, hosts, path)
    lines = company.update()
    assert Counter(line.state for line in lines.values()) == Counter(
        proposed=third - 2, archived=1, denied=1, merged=40 - third
    )
    assert lines[f"p{SIGNED}"].state == "denied"
    merge_all(company, hosts)


def owners_work(company: Company) -> None:
    """Two projects move to GitLab, one by `mlops` and one by plain copier; the scan is deleted in a third."""
    clone = company.clone(f"ml/p{SWITCHED}", "main")
    forget_fetches()
    evolve(Request(clone, defaults=True, same_version=True, data={"ci": "gitlab"}), Report(quiet=True))
    company.push(f"ml/p{SWITCHED}", clone)
    answers = company.text(f"ml/p{SWITCHED_BY_COPIER}", ".copier-answers.yml", "main")
    base: dict[str, str | None] = {
        ".copier-answers.yml": answers.replace("ci: github", "ci: gitlab"),
        "ci.txt": "gitlab\n",
    }
    company.work(f"ml/p{SWITCHED_BY_COPIER}", base)
    company.work(f"ml/p{UNSCANNED}", {"scan/gitlab.yml": None})


def a_bad_release(company: Company, hosts: dict[str, HostOfTests]) -> None:
    """The checks of a layer's release fail: the run stops at the limit; `abort` removes all but somebody's commit."""
    released(company.folder / "company", "v3.0.0", {"files/scan/{{ ci }}.yml.jinja": "broken\n"})
    everybody = tuple(f"*/p{number:02}" for number in RINGS["platform"])
    run = company.rollout(despite=everybody)
    list(run.update(run.fleet.chosen(), ""))
    company.work(f"ml/p{EDITED:02}", {"b.txt": "fixed by hand\n"}, BRANCH)
    edited = company.tip(f"ml/p{EDITED:02}")
    for host in hosts.values():
        for name, requests in host.requests.items():
            if requests and requests[-1]["state"] in ("open", "opened"):
                host.checks[company.tip(name)] = "failure"
    again = company.rollout(despite=everybody)
    lines = list(again.update(run.fleet.chosen(), ""))
    assert again.too_many
    assert again.stopped.startswith("Stopped: 5 of 40 repositories failed")
    assert len(lines) < 10
    left = {name: line for name, line in company.abort().items() if line.state != "merged"}
    assert Counter(line.state for line in left.values()) == Counter(behind=len(LAYERED) - 2, edited=1, archived=1)
    assert left[f"p{UNSCANNED}"].drifted == ["scan/gitlab.yml"]
    kept = {name for host in hosts.values() for name in host.requests if company.tip(name)}
    assert kept == {f"ml/p{EDITED:02}"}
    assert company.tip(f"ml/p{EDITED:02}") == edited


def main_of(company: Company, number: int) -> dict[str, str]:
    """What is on the default branch of a project."""
    bare = company.folder / f"ml/p{number:02}.git"
    names = git("ls-tree", "-r", "--name-only", "main", cwd=bare).splitlines()
    files = [name for name in names if not name.startswith(".copier") and name not in ("a.txt", "b.txt", "licence.txt")]
    return {name: company.text(f"ml/p{number:02}", name, "main") for name in files}


def wanted_on_main(number: int) -> dict[str, str]:
    """The owners' work, and what the releases bring: the scan and all else of the layers for the CI that they have."""
    dialect = "gitlab" if number in (SWITCHED, SWITCHED_BY_COPIER) else DIALECTS[number % 4]
    release = 1 if number in (ARCHIVED, SIGNED) else 2
    wanted = {"own.txt": f"own work {number}", "ci.txt": dialect}
    if release == 2:
        wanted["new.txt"] = "new"
    if number in LAYERED and number != UNSCANNED:
        wanted[f"scan/{dialect}.yml"] = f"scan {dialect}, {release}"
    if "division" in layers_of(number):
        wanted["division.txt"] = f"ml {dialect}, {release}"
    return wanted
