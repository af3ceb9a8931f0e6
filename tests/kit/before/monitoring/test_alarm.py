"""Drift opens one report on the platform, and what was trained after it is told there."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from {{ package_name }} import alarm, registry

SETTINGS = {
    "github": dict(
        GITHUB_ACTIONS="true",
        GITHUB_TOKEN="of-the-job",
        GITHUB_REPOSITORY="example/churn",
        GITHUB_SERVER_URL="https://github.example.com",
        GITHUB_RUN_ID="42",
    ),
    "gitlab": dict(
        GITLAB_CI="true", REPORT_TOKEN="of-the-project", CI_PROJECT_ID="3", CI_JOB_URL="https://x.example.com"
    ),
}
ADDRESSES = {"github": "GITHUB_API_URL", "gitlab": "CI_API_V4_URL"}


class Platform(BaseHTTPRequestHandler):
    """A platform's issues, as GitHub and GitLab keep them; `issues` are the open ones."""

    issues: list[dict[str, Any]]
    comments: list[str]

    def _body(self) -> dict[str, Any]:
        assert self.headers["Authorization"] == "Bearer of-the-job" or self.headers["PRIVATE-TOKEN"] == "of-the-project"
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, found: object) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())

    def do_GET(self) -> None:
        assert "state=open" in self.path
        self._answer(self.issues)

    def do_POST(self) -> None:
        if self.path.endswith(("/comments", "/notes")):
            self.comments.append(self._body()["body"])
            self._answer({})
            return
        number = len(self.issues) + 1
        self.issues.append({"number": number, "iid": number, **self._body()})
        self._answer(self.issues[-1])

    def do_PATCH(self) -> None:
        self.issues[int(self.path.rsplit("/", 1)[1]) - 1] |= self._body()
        self._answer({})

    do_PUT = do_PATCH

    def log_message(self, *arguments: object) -> None:
        """Quiet: a test has its own output."""
        del arguments


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests may themselves run in a CI, and beside a real look at drift."""
    for name in {"CI", "JENKINS_URL", "MLFLOW_TRACKING_URI", *SETTINGS["github"], *SETTINGS["gitlab"]}:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(alarm, "FOUND", tmp_path / "drift.json")


@pytest.fixture(params=SETTINGS)
def platform(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A platform that has an issue of somebody else; the key of its issues' text."""
    text = "body" if request.param == "github" else "description"
    Platform.issues, Platform.comments = [{"number": 1, "iid": 1, text: None}], []
    server = HTTPServer(("127.0.0.1", 0), Platform)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    address = {ADDRESSES[request.param]: f"http://127.0.0.1:{server.server_port}"}
    for name, value in {**SETTINGS[request.param], **address}.items():
        monkeypatch.setenv(name, value)
    yield text
    server.shutdown()
    server.server_close()


def look(*sentences: str) -> None:
    """A look at drift that found this."""
    found = [dict(column="age", kind="shares", found=True, sentence=one) for one in sentences]
    alarm.FOUND.write_text(json.dumps([*found, dict(column="b", kind="shares", found=False, sentence="b: no")]))


def test_there_is_one_open_report_and_it_is_kept_up_to_date(platform: str) -> None:
    look()
    assert alarm.open_report() == "no drift: no report"
    look("age: its median is 40, it was 30")
    assert alarm.open_report() == "a report is opened"
    look("age: its median is 50, it was 30", "region: new: 'east'")
    assert alarm.open_report() == "the open report is up to date"
    assert len(Platform.issues) == 2
    assert "2 findings of drift" in Platform.issues[1]["title"]
    assert "its median is 50" in Platform.issues[1][platform]
    assert "its median is 40" not in Platform.issues[1][platform]
    assert "b: no" not in Platform.issues[1][platform]
    look()
    assert "no drift any more" in alarm.open_report()
    assert "no drift any more" in Platform.comments[0]
    assert "://" in Platform.comments[0]


def test_what_callers_send_means_nothing_in_the_report(platform: str) -> None:
    look("region: new: '```\n# @everyone <img src=x>'")
    alarm.open_report()
    text = Platform.issues[1][platform]
    assert text.count("```") == 2
    assert "# @everyone" in text.split("```")[1]
    assert "\n# @everyone" not in text


@pytest.mark.usefixtures("platform")
def test_what_was_trained_is_told_in_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm, "registered", lambda: "registered as version 7, the challenger")
    assert alarm.challenge() == 0
    assert Platform.comments == []
    look("age: its median is 40, it was 30")
    assert alarm.challenge() == 2
    alarm.open_report()
    assert alarm.challenge() == 0
    assert "version 7, the challenger" in Platform.comments[0]


def test_without_issues_the_build_is_marked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(alarm, "registered", lambda: "registered as version 7, the challenger")
    look("age: its median is 40, it was 30")
    assert "no issues here" in alarm.open_report()
    assert alarm.challenge() == 2
    assert "version 7" in capsys.readouterr().out


def test_a_platform_that_does_not_answer_stops_no_training_but_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**SETTINGS["github"], "GITHUB_API_URL": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(alarm, "registered", lambda: "registered as version 7, the challenger")
    look("age: its median is 40, it was 30")
    for command, code in (("open", 0), ("challenge", 2)):
        monkeypatch.setattr("sys.argv", ["alarm", command])
        with pytest.raises(SystemExit) as ended:
            alarm.main()
        assert ended.value.code == code


def test_a_registry_that_ends_with_the_build_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm, "ROOT", tmp_path)
    assert "generated rows" in alarm.registered()
    monkeypatch.setattr(alarm, "load", lambda: type("Its", (), dict(source=type("Source", (), dict(path="here")))))
    (tmp_path / "here").touch()
    monkeypatch.setenv("CI", "true")
    assert "MLFLOW_TRACKING_URI is not set" in alarm.registered()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setattr(registry, "register", lambda: "registered")
    assert alarm.registered() == "registered"
