"""Requests at GitHub and GitLab: one for a repository, refreshed and never doubled; what a host refuses is said."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlops_scaffold.fleet.hosts import rest
from mlops_scaffold.fleet.hosts.github import GitHub
from mlops_scaffold.fleet.hosts.rest import Rest
from mlops_scaffold.fleet.inventory import Host, Limits
from mlops_scaffold.fleet.refusals import Refused

from tests.conftest import git, mlops
from tests.fleet.standins import NO_ANSWER, TOKEN, GitHubOfTests, GitLabOfTests, HostOfTests, running
from tests.fleet.test_rollout import BRANCH, LINES, Company, release
from tests.update.world import commit, make_world, write

KINDS = {"github": GitHubOfTests, "gitlab": GitLabOfTests}
MINE = LINES.replace("line 3\n", "line 3, mine\n")


class HostedCompany(Company):
    """A company whose repositories are at a host, in the group ml."""

    host: HostOfTests
    kind: str
    waited: list[float]

    @property
    def name(self) -> str:
        return f"{self.kind}.example.com"

    def hosted(self, *names: str, limits: str = "") -> None:
        """fleet.yml with repositories at the host."""
        row = f"{{kind: {self.kind}, token: env:FLEET_TOKEN, api: '{self.host.address}'}}"
        self.inventory(
            *(f"{self.name}/ml/{name}" for name in names),
            more=f"templates: ['{self.world.template}']\nhosts:\n  {self.name}: {row}\n{limits}",
        )

    def request(self, name: str) -> dict[str, Any]:
        """The newest request of a repository."""
        return self.host.requests[f"ml/{name}"][-1]

    def merge(self, name: str) -> None:
        """The owners merge the request."""
        git("update-ref", "refs/heads/main", self.tip(f"ml/{name}"), cwd=self.folder / f"ml/{name}.git")
        self.request(name).update(
            state="closed" if self.kind == "github" else "merged", merged_at="2026-11-26T12:00:00Z"
        )


@pytest.fixture(params=KINDS)
def company(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostedCompany]:
    """Its hosts' https addresses are folders of this machine for git."""
    (tmp_path / "ml").mkdir()
    after = {"a.txt": LINES.replace("line 3\n", "line 3, changed\n"), "new.txt": "new\n"}
    made = HostedCompany(make_world(tmp_path, {"a.txt": LINES}, after))
    made.kind, made.waited = request.param, []
    settings = tmp_path / "gitconfig"
    person = "[user]\n  name = Bot\n  email = bot@example.com\n"
    settings.write_text(f'{person}[url "file://{tmp_path}/"]\n  insteadOf = https://{made.name}/\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("FLEET_TOKEN", TOKEN)
    monkeypatch.setattr(Rest, "sleep", staticmethod(made.waited.append))
    with running(KINDS[made.kind](tmp_path)) as made.host:
        yield made


def test_one_request_a_repository_refreshed_and_never_doubled(company: HostedCompany) -> None:
    company.add("ml/plain")
    company.add("ml/edited", {"a.txt": MINE})
    company.add("ml/closed")
    company.host.archived.add("ml/closed")
    company.hosted("plain", "edited", "closed")
    lines = company.update()
    assert {name: line.state for name, line in lines.items()} == {
        "plain": "proposed",
        "edited": "conflicts",
        "closed": "archived",
    }
    plain, edited = company.request("plain"), company.request("edited")
    assert plain["title"] == "chore: update the template to v2.0.0"
    assert (plain["draft"], edited["draft"]) == (False, True)
    text = str(edited.get("body") or edited.get("description"))
    assert "`a.txt` (content)" in text
    assert "mlops update --resume" in text
    assert lines["plain"].request
    assert lines["plain"].request["url"] == plain.get("html_url", plain.get("web_url"))
    company.update()
    assert [len(company.host.requests[f"ml/{name}"]) for name in ("plain", "edited")] == [1, 1]
    written = [method for method, _ in company.host.calls if method != "GET"]
    assert written == ["POST", "POST"], "the second run writes nothing"
    release(company.world.template, "v3.0.0")
    company.update()
    assert len(company.host.requests["ml/plain"]) == 1
    assert company.request("plain")["title"] == "chore: update the template to v3.0.0"
    company.merge("plain")
    assert company.update()["plain"].state == "merged"
    assert len(company.host.requests["ml/plain"]) == 1


def test_what_people_do_with_a_request_is_respected(company: HostedCompany) -> None:
    for name in ("closed", "renamed", "red"):
        company.add(f"ml/{name}", {"own.txt": name})  # so that no two have one commit
    company.hosted("closed", "renamed", "red")
    company.update()
    company.request("closed")["state"] = "closed"
    words = {"github": "body", "gitlab": "description"}[company.kind]
    company.request("renamed").update({"title": "Ours now", words: "Our words."})
    company.host.checks[company.tip("ml/red")] = "failure"
    company.host.approved.add("ml/renamed")
    lines = company.update()
    assert {name: line.state for name, line in lines.items()} == {
        "closed": "held",
        "renamed": "proposed",
        "red": "red",
    }
    assert [(line.request or {})["approved"] for line in lines.values()] == [False, True, False]
    release(company.world.template, "v3.0.0")
    assert company.update()["closed"].state == "proposed"
    assert [one["title"] for one in company.host.requests["ml/closed"]][1:] == ["chore: update the template to v3.0.0"]
    renamed = company.request("renamed")
    assert (renamed["title"], renamed[words]) == ("Ours now", "Our words.")
    aborted = company.abort()
    assert {name: line.state for name, line in aborted.items()} == dict.fromkeys(aborted, "behind")
    assert company.request("red")["state"] == "closed"
    assert company.tip("ml/red", BRANCH) == ""
    assert company.update()["red"].state == "proposed", "what was taken back can be proposed again"


def test_the_checks_of_a_default_branch_of_any_name_are_asked_for(company: HostedCompany) -> None:
    name = "release/1#2%"
    bare = company.add("ml/one")
    git("branch", "--move", "main", name, cwd=bare)
    company.hosted("one")
    company.update()
    git("update-ref", f"refs/heads/{name}", company.tip("ml/one"), cwd=bare)
    company.host.checks[company.tip("ml/one")] = "failure"
    line = company.update()["one"]
    assert line.state == "red"
    assert "The checks of the default branch fail." in line.notices


def test_limits_of_a_host(company: HostedCompany) -> None:
    for name in ("one", "two", "three"):
        company.add(f"ml/{name}")
    company.hosted("one", "two", "three", limits="limits: {open: 2, per_minute: 1}\n")
    lines = company.update()
    assert [line.state for line in lines.values()] == ["proposed", "proposed", "behind"]
    assert lines["three"].notices == [f"It waits: 2 requests are open at {company.name}."]
    assert company.tip("ml/three") == ""
    assert [wait > 50 for wait in company.waited] == [True]
    company.merge("one")
    assert company.update()["three"].state == "proposed"


HTML = "<html>Sign in</html>"
# What a host answers to the first call; the state that the repository has then, what is said, and whether to retry.
ANSWERS: dict[str, tuple[list[tuple[int, dict[str, str], str]], str, str, bool]] = {
    "a token that is expired": ([(401, {}, '{"message": "Bad credentials"}')], "denied", "in FLEET_TOKEN", False),
    "a right that is missing": (
        [(403, {"X-Accepted-GitHub-Permissions": "pull_requests=write"}, '{"scope": "pull_requests=write"}')],
        "denied",
        "the right pull_requests=write is missing",
        False,
    ),
    "a page of HTML": ([(200, {"Content-Type": "text/html"}, HTML)], "unreachable", "does not answer as its", True),
    "broken JSON": ([(200, {}, "{")], "unreachable", "broken JSON", True),
    "a redirection to another host": (
        [(302, {"Location": "https://example.com/"}, "{}")],
        "denied",
        "example.com",
        False,
    ),
    "an error of its own, for good": ([(503, {}, "{}")] * 4, "unreachable", "is away: it answers 503", True),
    "another shape": ([(200, {}, '{"name": "one"}')], "unreachable", "does not answer as its interface does", True),
    "nesting without an end": ([(200, {}, "[" * 100_000)], "unreachable", "broken JSON", True),
    "a wait in words": ([(429, {"Retry-After": "soon"}, "{}")] * 4, "unreachable", "it answers 429", True),
    "redirections in a circle": ([(302, {"Location": "/"}, "{}")] * 4, "unreachable", "it sends calls on and on", True),
    "a right that it does not name": ([(403, {}, "{}")], "denied", "Check the rights of the credentials in", False),
    "no answer in time": ([(NO_ANSWER, {}, "")] * 4, "unreachable", "is away: ReadTimeout", True),
    "a wait of an hour": ([(429, {"Retry-After": "3600"}, "{}")], "unreachable", "asks for 3600 seconds", True),
}


@pytest.mark.parametrize(
    ("name", "company"),
    [*((name, "github") for name in ANSWERS), ("a right that is missing", "gitlab")],
    indirect=["company"],
)
def test_what_a_host_refuses_is_one_line_and_the_rest_goes_on(
    name: str, company: HostedCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, state, said, retry = ANSWERS[name]
    if answers[0][0] == NO_ANSWER:
        monkeypatch.setattr(rest, "TIMEOUT", 0.2)
    company.add("ml/one")
    company.add("own")
    company.hosted("one")
    with (company.folder / "fleet.yml").open("a") as file:
        file.write("  - own.git\n")
    company.host.instead += answers
    lines = company.update()
    assert (lines["one"].state, lines["one"].retry) == (state, retry)
    assert said in str(lines["one"].error)
    assert lines["own"].state == "proposed"
    assert TOKEN not in str([line.to_json() for line in lines.values()])


def test_a_busy_host_is_waited_for(company: HostedCompany) -> None:
    company.add("ml/one")
    company.hosted("one")
    company.host.instead += [(429, {"Retry-After": "7"}, "{}"), (502, {}, "{}")]
    assert company.update()["one"].state == "proposed"
    assert company.waited == [7.0, 2.0]


@pytest.mark.parametrize(("token", "said"), [("", "is not set: the token for "), ("\u2026", "is no token")])
def test_a_token_that_cannot_be_one_is_named(
    token: str, said: str, company: HostedCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_TOKEN", token)
    company.add("ml/one")
    company.hosted("one")
    line = company.update()["one"]
    assert line.state == "denied"
    assert str(line.error).startswith(f"FLEET_TOKEN {said}")


def test_a_host_that_is_away_is_one_line(company: HostedCompany) -> None:
    company.add("ml/one")
    company.add("own")
    company.host.address = "http://127.0.0.1:1"
    company.hosted("one")
    with (company.folder / "fleet.yml").open("a") as file:
        file.write("  - own.git\n")
    lines = company.update()
    assert (lines["one"].state, lines["one"].retry) == ("unreachable", True)
    assert lines["one"].error == f"{company.name} is away: ConnectError. Run the command again later."
    assert lines["own"].state == "proposed"


def test_a_repository_that_has_moved_is_told(company: HostedCompany) -> None:
    company.add("ml/one")
    company.hosted("one")
    company.host.moved["ml/one"] = "platform/one"
    assert "It has moved to platform/one: correct fleet.yml." in company.update()["one"].notices


def test_a_run_that_ended_after_its_push_is_run_again(company: HostedCompany) -> None:
    company.add("ml/one")
    company.hosted("one")
    company.host.writes_fail = 4
    first = company.update()["one"]
    assert (first.state, first.retry) == ("unreachable", True)
    tip = company.tip("ml/one")
    assert tip
    assert company.update()["one"].state == "proposed"
    assert (company.tip("ml/one"), len(company.host.requests["ml/one"])) == (tip, 1)


def test_a_github_app_signs_in_for_each_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    public = key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    monkeypatch.setenv("APP", "77")
    monkeypatch.setenv("KEY", private.decode())
    for name in ("one", "two"):
        git("init", "--quiet", "--bare", str(tmp_path / f"ml/{name}.git"), cwd=tmp_path)
    with running(GitHubOfTests(tmp_path)) as standin:
        assert isinstance(standin, GitHubOfTests)
        standin.app_key = public.decode()
        host = Host("github.example.com", "github", {"app": "APP", "key": "KEY"}, standin.address)
        desk = GitHub(host, Limits())
        assert [desk.facts(f"ml/{name}", BRANCH).name for name in ("one", "two")] == ["ml/one", "ml/two"]
        settings, env = desk.access("ml/one")
        desk.client.close()
        assert TOKEN not in str(settings)
        assert env == {"MLOPS_FLEET_TOKEN": TOKEN}
        assert [path for method, path in standin.calls if method == "POST"] == ["/app/installations/7/access_tokens"]


def test_a_key_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP", "77")
    monkeypatch.setenv("KEY", "-----BEGIN PRIVATE KEY----- one line")
    desk = GitHub(Host("github.example.com", "github", {"app": "APP", "key": "KEY"}), Limits())
    with pytest.raises(Refused, match=r"KEY is no private key\. Set it to"):
        desk.facts("ml/one", BRANCH)
    desk.client.close()


def test_a_branch_that_somebody_works_on_is_told_of_a_newer_version_once(company: HostedCompany) -> None:
    company.add("ml/one")
    company.hosted("one")
    company.update()
    company.work("ml/one", {"own.txt": "own\n"}, BRANCH)
    tip = company.tip("ml/one")
    for tag in ("v3.0.0", "v4.0.0"):
        release(company.world.template, tag)
        assert [company.update()["one"].state for _ in range(2)] == ["edited", "edited"]
        text = str(company.request("one").get("body") or company.request("one").get("description"))
        assert (text.count("is out."), text.count(f"{tag} is out.")) == (1, 1)
    assert company.tip("ml/one") == tip
    assert [method for method, _ in company.host.calls if method not in ("GET", "POST")] in (["PATCH"] * 2, ["PUT"] * 2)


def test_discover_lists_what_the_inventory_does_not_have(company: HostedCompany) -> None:
    for name in ("one", "two", "old", "sandbox"):
        company.add(f"ml/{name}")
    git("init", "--quiet", "--bare", str(company.folder / "ml/other.git"), cwd=company.folder)
    write(company.folder / "plain", {"a.txt": "a\n"})
    git("init", "--quiet", "--initial-branch=main", cwd=company.folder / "plain")
    commit(company.folder / "plain")
    git("push", "--quiet", str(company.folder / "ml/other.git"), "HEAD:refs/heads/main", cwd=company.folder / "plain")
    git("symbolic-ref", "HEAD", "refs/heads/main", cwd=company.folder / "ml/other.git")
    company.host.archived.add("ml/old")
    company.hosted("one", limits=f"ignore: ['{company.name}/ml/sand*']\n")
    said = mlops("fleet", "list", "--discover", cwd=company.folder)
    assert said.stdout.splitlines() == [
        f"  # {company.name}/ml/old: archived",
        f"  # {company.name}/ml/other: not templated",
        f"  - {{repo: {company.name}/ml/two}}",
    ], said.stderr
