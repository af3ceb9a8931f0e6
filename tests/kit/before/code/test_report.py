"""The report and the cards say what is so."""

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from {{ package_name }} import registry, report


class Platform(BaseHTTPRequestHandler):
    """A platform's comments, as GitHub and GitLab keep them."""

    comments: list[dict[str, object]]

    def _body(self) -> str:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]

    def _answer(self, found: object) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())

    def do_GET(self) -> None:
        self._answer(self.comments)

    def do_POST(self) -> None:
        self.comments.append(dict(id=len(self.comments) + 1, body=self._body()))
        self._answer(self.comments[-1])

    def do_PATCH(self) -> None:
        self.comments[int(self.path.rsplit("/", 1)[1]) - 1]["body"] = self._body()
        self._answer({})

    do_PUT = do_PATCH

    def log_message(self, *arguments: object) -> None:
        """Quiet: a test has its own output."""
        del arguments


@pytest.fixture
def platform() -> Iterator[str]:
    """The address of a platform with a comment of somebody else."""
    Platform.comments = [dict(id=1, body="Looks good!")]
    server = HTTPServer(("127.0.0.1", 0), Platform)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests may themselves run in a CI."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_ci")
def test_a_comment_on_github_is_updated_in_place(
    platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps(dict(pull_request=dict(number=7))), encoding="utf-8")
    settings = dict(
        GITHUB_ACTIONS="true",
        GITHUB_API_URL=platform,
        GITHUB_REPOSITORY="example/churn",
        GITHUB_EVENT_PATH=str(event),
        GITHUB_TOKEN="of-the-job",
        GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md"),
    )
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert report.post(report.MARK + "one") == "commented"
    assert report.post(report.MARK + "two") == "the comment is updated"
    assert [comment["body"] for comment in Platform.comments] == ["Looks good!", report.MARK + "two"]
    assert "one" in (tmp_path / "summary.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("no_ci")
def test_a_comment_on_gitlab_is_updated_in_place(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = dict(GITLAB_CI="true", CI_API_V4_URL=platform, CI_PROJECT_ID="3", CI_MERGE_REQUEST_IID="7")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert "no REPORT_TOKEN" in report.post("text")
    monkeypatch.setenv("REPORT_TOKEN", "of-the-project")
    assert report.post(report.MARK + "one") == "commented"
    assert report.post(report.MARK + "two") == "the comment is updated"
    assert len(Platform.comments) == 2


@pytest.mark.usefixtures("no_ci")
def test_a_platform_that_does_not_answer_fails_no_build(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = dict(GITLAB_CI="true", CI_API_V4_URL="http://127.0.0.1:9", CI_PROJECT_ID="3", CI_MERGE_REQUEST_IID="7")
    for name, value in {**settings, "REPORT_TOKEN": "of-the-project"}.items():
        monkeypatch.setenv(name, value)
    assert "not commented" in report.post("text")


def test_the_metrics_are_compared_with_the_base() -> None:
    before = dict(metrics={report.params()["evaluate"]["primary"]: 0.9})
    now = dict(metrics={report.params()["evaluate"]["primary"]: 0.8}, baseline={})
    assert "▼ -0.1000" in report.metrics_table(now, before)
    assert "| n/a" in report.metrics_table(now, {})


def test_the_slice_that_fell_most_comes_first() -> None:
    primary = report.params()["evaluate"]["primary"]
    before = {"a=1": {primary: 0.5}, "b=1": {primary: 0.9}}
    now = {"a=1": {primary: 0.6, "rows": 30}, "b=1": {primary: 0.7, "rows": 30}}
    shown = report.slices_table(now, before)
    assert shown.index("b=1") < shown.index("a=1")


def test_without_a_pipeline_run_it_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "ROOT", tmp_path)
    monkeypatch.setattr(report, "ROOT", tmp_path)
    monkeypatch.setattr("sys.argv", ["report"])
    for name in ("metrics.json", "plots/predictions.csv"):
        with pytest.raises(SystemExit, match=f"There is no {name}. Run: uv run poe repro"):
            report.main()
        (tmp_path / "metrics.json").write_text(
            '{"metrics": {}, "slices": {}, "prediction_sha256": ""}', encoding="utf-8"
        )


def test_the_change_of_the_contract_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "ROOT", tmp_path)
    who = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    (tmp_path / "contract.yaml").write_text("target: a\n", encoding="utf-8")
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one", "--no-verify"]):
        subprocess.run(["git", *who, *command], cwd=tmp_path, check=True)
    (tmp_path / "contract.yaml").write_text("target: b\n", encoding="utf-8")
    assert list(report.contract_section("HEAD")) == ["```diff\n-target: a\n+target: b\n```"]
    assert list(report.contract_section("")) == ["Unchanged."]
