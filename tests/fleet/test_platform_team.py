"""A platform team rolls two releases out to forty repositories at two hosts, and nobody loses a line."""

import contextlib
from collections import Counter
from pathlib import Path

import pytest
from mlops_scaffold.fleet.hosts.rest import Rest
from mlops_scaffold.vcs.conflict_record import RECORD

from tests.conftest import git, mlops
from tests.fleet.standins import TOKEN, GitHubOfTests, GitLabOfTests, HostOfTests, running
from tests.fleet.test_rollout import BRANCH, LINES, Company
from tests.update.world import commit, make_world, write

DIALECTS = ("github", "gitlab", "circleci", "jenkins")
RINGS = {"platform": range(4), "early": range(4, 14), "rest": range(14, 40)}
CONFLICTING, ARCHIVED, SIGNED, EDITED = 5, 20, 21, 6


def make_company(folder: Path, hosts: dict[str, HostOfTests]) -> Company:
    """Forty repositories, each with work of its own; what hosts and hooks protect is protected."""
    before = {"ci.txt.jinja": "{{ ci }}\n", "a.txt": LINES, "b.txt": LINES}
    after = {"a.txt": LINES.replace("line 3\n", "line 3, changed\n"), "new.txt": "new\n"}
    (folder / "ml").mkdir(parents=True)
    company = Company(make_world(folder, before, after, questions="name: demo\nci: github\n"))
    rows = []
    for ring, numbers in RINGS.items():
        for number in numbers:
            name, kind = f"ml/p{number:02}", ("github", "gitlab")[number % 2]
            answers = (company.world.project / ".copier-answers.yml").read_text()
            dialect = DIALECTS[number % 4]
            mine = LINES.replace("line 3\n", "line 3, mine\n") if number == CONFLICTING else LINES
            work: dict[str, str | None] = {
                ".copier-answers.yml": answers.replace("ci: github", f"ci: {dialect}"),
                "ci.txt": f"{dialect}\n",
                "a.txt": mine,
                "own.txt": f"own work {number}\n",
            }
            company.add(name, work, mark={ARCHIVED: "archived", SIGNED: "signed"}.get(number, ""))
            rows.append(f"{{repo: {kind}.example.com/{name}, ring: {ring}}}")
    for host in hosts.values():
        host.archived.add(f"ml/p{ARCHIVED}")
    kinds = "".join(
        f"  {kind}.example.com: {{kind: {kind}, token: env:FLEET_TOKEN, api: '{host.address}'}}\n"
        for kind, host in hosts.items()
    )
    more = f"templates: ['{company.world.template}']\nrings: [platform, early, rest]\nhosts:\n{kinds}"
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


@pytest.mark.soak
def test_two_releases_reach_forty_repositories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
        roll_out(company, hosts)
        a_bad_release(company, hosts)
        for number in range(40):
            name = f"ml/p{number:02}"
            assert company.text(name, "own.txt", "main") == f"own work {number}", "nobody's work is lost"
            assert company.text(name, "ci.txt", "main") == DIALECTS[number % 4]


def roll_out(company: Company, hosts: dict[str, HostOfTests]) -> None:
    """The first release: ring after ring, with a conflict that is settled, and a repository that wants signatures."""
    run = company.rollout()
    assert [line.state for line in run.update(run.fleet.chosen(), "")] == ["proposed"] * 4
    assert run.stopped.startswith("The ring after platform waits for")
    merge_all(company, hosts)
    states = {line.repo[-3:]: line.state for line in company.rollout().update(run.fleet.chosen(), "")}
    assert Counter(states.values()) == {"merged": 4, "proposed": 9, "conflicts": 1}
    clone = company.clone(f"ml/p{CONFLICTING:02}", BRANCH)
    assert mlops("update", "--resume", cwd=clone).returncode == 2
    git("config", "mergetool.both.cmd", 'cat "$LOCAL" "$REMOTE" > "$MERGED"', cwd=clone)
    git("config", "mergetool.both.trustExitCode", "true", cwd=clone)
    git("mergetool", "--no-prompt", "--tool=both", cwd=clone)
    git("commit", "--quiet", "--message", "both", cwd=clone)
    git("push", "--quiet", cwd=clone)
    hosts["gitlab"].requests[f"ml/p{CONFLICTING:02}"][-1]["draft"] = False
    merge_all(company, hosts)
    assert "line 3, mine" in company.text(f"ml/p{CONFLICTING:02}", "a.txt", "main")
    assert RECORD not in git("ls-tree", "-r", "main", cwd=company.folder / f"ml/p{CONFLICTING:02}.git")
    states = {line.repo[-3:]: line.state for line in company.rollout().update(run.fleet.chosen(), "")}
    assert Counter(states.values()) == {"merged": 14, "proposed": 24, "archived": 1, "denied": 1}
    assert states[f"p{SIGNED}"] == "denied"
    merge_all(company, hosts)
    assert Counter(line.state for line in company.update().values()) == {"merged": 38, "archived": 1, "denied": 1}


def a_bad_release(company: Company, hosts: dict[str, HostOfTests]) -> None:
    """Its checks fail: the run stops at the limit, and all of it is taken back. Somebody's commit stays."""
    write(company.world.template, {"a.txt": "broken\n"})
    commit(company.world.template, "three")
    git("tag", "v3.0.0", cwd=company.world.template)
    everybody = tuple(f"*/p{number:02}" for number in RINGS["platform"])
    run = company.rollout(despite=everybody)
    list(run.update(run.fleet.chosen(), ""))
    company.work(f"ml/p{EDITED:02}", {"b.txt": "fixed by hand\n"}, BRANCH)
    edited = company.tip(f"ml/p{EDITED:02}")
    for host in hosts.values():
        for name in host.requests:
            if company.tip(name):
                host.checks[company.tip(name)] = "failure"
    again = company.rollout(despite=everybody)
    lines = list(again.update(run.fleet.chosen(), ""))
    assert again.too_many
    assert again.stopped.startswith("Stopped: 5 of 40 repositories failed")
    assert len(lines) < 10
    company.abort()
    left = {name for host in hosts.values() for name in host.requests if company.tip(name)}
    assert left == {f"ml/p{EDITED:02}"}
    assert company.tip(f"ml/p{EDITED:02}") == edited
