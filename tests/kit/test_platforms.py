"""What CI tells people: the report and its comment, the one open report of drift, and what it shares."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlops_kit import registry
from mlops_kit.contract import Contract
from mlops_kit.ground import KitError, Project, params, run, using
from mlops_kit.platforms import alarm, report, share

from tests.conftest import git
from tests.kit.kinds import kinds
from tests.kit.projects import copied, write
from tests.web import Quiet, listening

NOBODY = "http://127.0.0.1:9"  # nobody listens there
OF_GITHUB = dict(
    GITHUB_ACTIONS="true",
    GITHUB_TOKEN="of-the-job",
    GITHUB_REPOSITORY="example/churn",
    GITHUB_SERVER_URL="https://github.example.com",
    GITHUB_RUN_ID="42",
)
OF_GITLAB = dict(GITLAB_CI="true", REPORT_TOKEN="of-the-project", CI_PROJECT_ID="3", CI_JOB_URL="https://x.example.com")
SETTINGS = {"github": OF_GITHUB, "gitlab": OF_GITLAB}
ADDRESSES = {"github": "GITHUB_API_URL", "gitlab": "CI_API_V4_URL"}
OTHERS = ("CI", "JENKINS_URL", "CI_MERGE_REQUEST_IID", "GITHUB_EVENT_PATH", "GITHUB_STEP_SUMMARY")


class Platform(Quiet):
    """A platform's comments or issues, as GitHub and GitLab keep them."""

    entries: list[dict[str, Any]]

    def body(self) -> dict[str, Any]:
        """What was sent, by somebody who may."""
        assert self.headers["Authorization"] == "Bearer of-the-job" or self.headers["PRIVATE-TOKEN"] == "of-the-project"
        found: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return found

    def answer(self, found: object) -> None:
        """Send it as JSON."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())

    def do_GET(self) -> None:
        """All of them."""
        self.answer(self.entries)

    def do_POST(self) -> None:
        """A new one."""
        number = len(self.entries) + 1
        self.entries.append({"id": number, "number": number, "iid": number, **self.body()})
        self.answer(self.entries[-1])

    def do_PATCH(self) -> None:
        """Another text."""
        self.entries[int(self.path.rsplit("/", 1)[1]) - 1] |= self.body()
        self.answer({})

    do_PUT = do_PATCH


class Issues(Platform):
    """Issues, of which the open ones alone are asked for, and their comments."""

    comments: list[str]

    def do_GET(self) -> None:
        """The open ones."""
        assert "state=open" in self.path
        super().do_GET()

    def do_POST(self) -> None:
        """A new one, or a comment."""
        if self.path.endswith(("/comments", "/notes")):
            self.comments.append(self.body()["body"])
            self.answer({})
        else:
            super().do_POST()


@pytest.fixture(autouse=True)
def here(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A copy of the project that no CI runs: these tests may themselves run in one."""
    for name in {*OF_GITHUB, *OF_GITLAB, *ADDRESSES.values(), *OTHERS}:
        monkeypatch.delenv(name, raising=False)
    with using(copied(project, tmp_path / "here", "contract.yaml", "params.yaml")) as chosen:
        yield chosen


def runs_on(monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    """Variables as a CI sets them."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


# --- the report of a change ------------------------------------------------------------------------------------------


@pytest.fixture
def comments() -> Iterator[str]:
    """The address of a platform with a comment of somebody else."""
    Platform.entries = [dict(id=1, body="Looks good!")]
    with listening(Platform) as address:
        yield address


def test_a_comment_on_github_is_updated_in_place(
    comments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "event.json", json.dumps(dict(pull_request=dict(number=7))))
    files = dict(GITHUB_EVENT_PATH=str(tmp_path / "event.json"), GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md"))
    runs_on(monkeypatch, **OF_GITHUB, **files, GITHUB_API_URL=comments)
    assert report.post(report.MARK + "one") == "commented"
    assert report.post(report.MARK + "two") == "the comment is updated"
    assert [comment["body"] for comment in Platform.entries] == ["Looks good!", report.MARK + "two"]
    assert "one" in (tmp_path / "summary.md").read_text(encoding="utf-8")


def test_a_comment_on_gitlab_is_updated_in_place(comments: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runs_on(monkeypatch, **OF_GITLAB, CI_API_V4_URL=comments, CI_MERGE_REQUEST_IID="7")
    monkeypatch.delenv("REPORT_TOKEN")
    assert "no REPORT_TOKEN" in report.post("text")
    monkeypatch.setenv("REPORT_TOKEN", "of-the-project")
    assert report.post(report.MARK + "one") == "commented"
    assert report.post(report.MARK + "two") == "the comment is updated"
    assert len(Platform.entries) == 2


def test_a_platform_that_does_not_answer_fails_no_build(monkeypatch: pytest.MonkeyPatch) -> None:
    runs_on(monkeypatch, **OF_GITLAB, CI_API_V4_URL=NOBODY, CI_MERGE_REQUEST_IID="7")
    assert "not commented" in report.post("text")


def test_the_metrics_are_compared_with_the_base() -> None:
    before = dict(metrics={params()["evaluate"]["primary"]: 0.9})
    now = dict(metrics={params()["evaluate"]["primary"]: 0.8}, baseline={})
    assert "▼ -0.1000" in report.metrics_table(now, before)
    assert "| n/a" in report.metrics_table(now, {})


def test_the_slice_that_fell_most_comes_first() -> None:
    primary = params()["evaluate"]["primary"]
    before = {"a=1": {primary: 0.5}, "b=1": {primary: 0.9}}
    now = {"a=1": {primary: 0.6, "rows": 30}, "b=1": {primary: 0.7, "rows": 30}}
    shown = report.slices_table(now, before)
    assert shown.index("b=1") < shown.index("a=1")


def test_without_a_pipeline_run_it_says_what_to_run(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["report"])
    for name in ("metrics.json", "plots/predictions.csv"):
        with pytest.raises(SystemExit, match=f"There is no {name}. Run: uv run poe repro"):
            report.main()
        write(here.root / "metrics.json", '{"metrics": {}, "slices": {}, "prediction_sha256": ""}')


def test_the_change_of_the_contract_is_shown(here: Project) -> None:
    write(here.root / "contract.yaml", "target: a\n")
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "one"]):
        git(*command, cwd=here.root)
    write(here.root / "contract.yaml", "target: b\n")
    assert list(report.contract_section("HEAD")) == ["```diff\n-target: a\n+target: b\n```"]
    assert list(report.contract_section("")) == ["Unchanged."]


@kinds("grades", "prices")
def test_the_answers_are_shown_as_the_problem_has_them(here: Project, contract: Contract) -> None:
    labels = contract.classes[:2] or [1, 2]
    rows = [f"{actual},{predicted}" for actual in labels for predicted in labels for _ in range(5)]
    write(here.root / "plots/predictions.csv", "\n".join(["actual,predicted", *rows]) + "\n")
    shown = report.answers_section()
    if contract.classes:
        assert f"| {labels[0]} | 5 | 5 |" in shown
    else:
        assert shown.count("\n| 1 to") + shown.count("\n| 2 to") == 5


# --- the report of drift ---------------------------------------------------------------------------------------------


@pytest.fixture(params=SETTINGS)
def platform(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A platform that has an issue of somebody else; the key of its issues' text."""
    text = "body" if request.param == "github" else "description"
    Issues.entries, Issues.comments = [{"number": 1, "iid": 1, text: None}], []
    with listening(Issues) as address:
        runs_on(monkeypatch, **SETTINGS[request.param], **{ADDRESSES[request.param]: address})
        yield text


def look(*sentences: str) -> None:
    """A look at drift that found this."""
    found = [dict(column="age", kind="shares", found=True, sentence=one) for one in sentences]
    write(alarm.found_file(), json.dumps([*found, dict(column="b", kind="shares", found=False, sentence="b: no")]))


def registers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the model that was trained pass the gates."""
    monkeypatch.setattr(alarm, "registered", lambda: "registered as version 7, the challenger")


def test_there_is_one_open_report_and_it_is_kept_up_to_date(platform: str) -> None:
    assert alarm.open_report() == "nothing was looked at: no report"
    look()
    assert alarm.open_report() == "no drift: no report"
    look("age: its median is 40, it was 30")
    assert alarm.open_report() == "a report is opened"
    look("age: its median is 50, it was 30", "region: new: 'east'")
    assert alarm.open_report() == "the open report is up to date"
    assert len(Issues.entries) == 2
    assert "2 findings of drift" in Issues.entries[1]["title"]
    assert "its median is 50" in Issues.entries[1][platform]
    assert "its median is 40" not in Issues.entries[1][platform]
    assert "b: no" not in Issues.entries[1][platform]
    look()
    assert "no drift any more" in alarm.open_report()
    assert "no drift any more" in Issues.comments[0]
    assert "://" in Issues.comments[0]


def test_what_callers_send_means_nothing_in_the_report(platform: str) -> None:
    look("region: new: '```\n# @everyone <img src=x>'")
    alarm.open_report()
    text = Issues.entries[1][platform]
    assert text.count("```") == 2
    assert "# @everyone" in text.split("```")[1]
    assert "\n# @everyone" not in text


@pytest.mark.usefixtures("platform")
def test_what_was_trained_is_told_in_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    registers(monkeypatch)
    assert alarm.challenge() == 0
    assert Issues.comments == []
    look("age: its median is 40, it was 30")
    assert alarm.challenge() == 2
    alarm.open_report()
    assert alarm.challenge() == 0
    assert "version 7, the challenger" in Issues.comments[0]


def test_without_issues_the_build_is_marked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    registers(monkeypatch)
    look("age: its median is 40, it was 30")
    assert "no issues here" in alarm.open_report()
    assert alarm.challenge() == 2
    assert "version 7" in capsys.readouterr().out


def test_a_platform_that_does_not_answer_stops_no_training_but_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    runs_on(monkeypatch, **OF_GITHUB, GITHUB_API_URL=NOBODY)
    registers(monkeypatch)
    look("age: its median is 40, it was 30")
    for command, code in (("open", 0), ("challenge", 2)):
        monkeypatch.setattr("sys.argv", ["alarm", command])
        with pytest.raises(SystemExit) as ended:
            alarm.main()
        assert ended.value.code == code


def test_a_registry_that_ends_with_the_build_is_not_used(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "generated rows" in alarm.registered()
    write(here.root / "data/raw/rows.csv", "")
    monkeypatch.setenv("CI", "true")
    assert "MLFLOW_TRACKING_URI is not set" in alarm.registered()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    monkeypatch.setattr(registry, "register", lambda: "registered")
    assert alarm.registered() == "registered"


# --- what is shared --------------------------------------------------------------------------------------------------


@pytest.fixture
def remote(here: Project, tmp_path: Path) -> Path:
    """A model that is in DVC's cache alone, and the folder that is its remote as soon as it is there."""
    folder = tmp_path / "team/store"
    write(here.root / "model/weights", "1 2 3")
    config = f"[core]\n    no_scm = true\n    remote = team\n['remote \"team\"']\n    url = {folder}\n"
    write(here.root / ".dvc/config", config)
    run("dvc", "add", "--quiet", "model", quiet=True)
    return folder


def test_what_was_trained_is_at_the_remote(remote: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WITHOUT_REMOTE", "1")
    assert "nothing is pushed" in share.share()
    assert not remote.exists()
    monkeypatch.delenv("WITHOUT_REMOTE")
    assert "at the DVC remote" in share.share()
    assert "1 2 3" in [path.read_text(encoding="utf-8") for path in remote.rglob("*") if path.is_file()]


def test_a_remote_that_does_not_take_it_is_a_sentence(remote: Path) -> None:
    write(remote.parent, "a file where the store's folder would be")
    with pytest.raises(KitError, match="a login that may write"):
        share.share()
