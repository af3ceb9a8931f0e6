"""Drift that acts, in CI: one open report of it, and a newly trained model as challenger.

    uv run poe alarm          after `poe drift`: opens an issue on GitHub or GitLab, or brings the open one up to date
    uv run poe challenge      after `poe repro` and `poe gate`: registers the model, and tells it in the issue

There is never more than one open issue; closing it is for a person who has understood. So is the promotion. CircleCI
and Jenkins keep no issues: there `challenge` ends with exit code 2, so that the build is marked and somebody looks.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_kit import models, registry
from mlops_kit.contract import load
from mlops_kit.ground import command, project
from mlops_kit.monitoring.monitor import DRIFT
from mlops_kit.platforms.report import call

MARK = "<!-- the report of drift: this issue is kept up to date while it is open -->"
MOST_FINDINGS = 50


def found_file() -> Path:
    """What the last look at drift has found."""
    return project().root / "report/drift.json"


@dataclass(frozen=True)
class Tracker:
    """Where a platform keeps its issues: their address, what it calls their text and number, and how they change."""

    address: str
    open_only: str
    text: str
    number: str
    change: str
    comments: str
    headers: dict[str, str]

    def find(self) -> str:
        """The address of the open report; empty where there is none."""
        for page in range(1, 100):
            found = call("GET", f"{self.address}?{self.open_only}&per_page=100&page={page}", self.headers)
            for issue in found:
                if (issue[self.text] or "").startswith(MARK):
                    return f"{self.address}/{issue[self.number]}"
            if len(found) < 100:
                break
        return ""

    def write(self, one: str, title: str, text: str) -> None:
        """Change an issue; make one where `one` is empty."""
        method, address = (self.change, one) if one else ("POST", self.address)
        call(method, address, self.headers, {"title": title, self.text: text})

    def comment(self, one: str, text: str) -> None:
        """Add a comment."""
        call("POST", f"{one}/{self.comments}", self.headers, dict(body=text))


def tracker() -> Tracker | None:
    """The issues of the platform that this runs on; None where it has none, or gave no token."""
    env = os.environ
    if env.get("GITHUB_ACTIONS") and env.get("GITHUB_TOKEN"):
        headers = {"Authorization": f"Bearer {env['GITHUB_TOKEN']}", "Accept": "application/vnd.github+json"}
        address = f"{env['GITHUB_API_URL']}/repos/{env['GITHUB_REPOSITORY']}/issues"
        return Tracker(address, "state=open", "body", "number", "PATCH", "comments", headers)
    if env.get("GITLAB_CI") and env.get("REPORT_TOKEN"):
        address = f"{env['CI_API_V4_URL']}/projects/{env['CI_PROJECT_ID']}/issues"
        headers = {"PRIVATE-TOKEN": env["REPORT_TOKEN"]}
        return Tracker(address, "state=opened", "description", "iid", "PUT", "notes", headers)
    return None


def drifted() -> list[dict[str, Any]]:
    """What `poe drift` found; nothing where it has not looked."""
    told: list[dict[str, Any]] = json.loads(found_file().read_text(encoding="utf-8")) if found_file().exists() else []
    return [one for one in told if one["found"]]


# --- the report ------------------------------------------------------------------------------------------------------


def open_report() -> str:
    """Open a report where there is drift, or bring the open one up to date. Gives back what came of it."""
    if not found_file().exists():
        return "nothing was looked at: no report"
    found, issues = drifted(), tracker()
    if issues is None:
        return f"{len(found)} findings of drift: no issues here, or no token; see report/drift.html"
    one = issues.find()
    if not found and not one:
        return "no drift: no report"
    if found:
        issues.write(one, f"{project().name}: {len(found)} findings of drift", "\n\n".join(said(found)) + "\n")
        return "the open report is up to date" if one else "a report is opened"
    issues.comment(one, f"The latest look found no drift any more.{build()} Close this when it is understood.")
    return "no drift any more: told in the open report"


def said(found: list[dict[str, Any]]) -> Iterator[str]:
    """The report. Values come from whoever asks the service: in a block of text they mean nothing to the platform."""
    yield MARK
    yield f"The rows that {project().name} is asked about have moved since it was trained.{build()}"
    sentences = [" ".join(one["sentence"].split()).replace("`", "'")[:500] for one in found[:MOST_FINDINGS]]
    sentences += [f"and {len(found) - MOST_FINDINGS} more"] if len(found) > MOST_FINDINGS else []
    yield "\n".join(["```text", *sentences, "```"])
    yield (
        "`report/drift.html`, kept with the build, has the pictures. The same build trains on the newest data: a model "
        "that passes the gates becomes challenger, and a comment says so here; one that does not turns the build red. "
        "Promoting it is for a person: `uv run poe shadow` compares it with the champion on what was asked, "
        "`uv run poe promote` on the test data. If the data is wrong rather than new, fix it where it comes from."
    )


def build() -> str:
    """Where this build is, as the end of a sentence."""
    env = os.environ
    address = env.get("CI_JOB_URL", "")
    if env.get("GITHUB_RUN_ID"):
        address = f"{env['GITHUB_SERVER_URL']}/{env['GITHUB_REPOSITORY']}/actions/runs/{env['GITHUB_RUN_ID']}"
    return f" The build: {address}" if address else ""


# --- the challenger --------------------------------------------------------------------------------------------------


def challenge() -> int:
    """After drift: register the model that was just trained, and tell it. The exit code: 2 where nobody would hear."""
    if not drifted():
        print("no drift: nothing to do")
        return 0
    outcome, issues = registered(), tracker()
    print(outcome)
    one = issues.find() if issues else ""
    if issues is None or not one:
        print("There is drift and no open report of it: the build is marked, look at report/drift.html")
        return DRIFT
    issues.comment(one, f"Trained on the newest data, the model passes the gates: {outcome}.{build()}")
    return 0


def registered() -> str:
    """Register the model in model/ through the gates. Raises RegistryError where it does not pass."""
    if not (project().root / load().source.path).exists():
        return "not registered: the data is not to be had here, so it was trained on generated rows"
    in_ci = os.environ.get("CI") or os.environ.get("JENKINS_URL")
    if in_ci and not os.environ.get("MLFLOW_TRACKING_URI"):
        return "not registered: MLFLOW_TRACKING_URI is not set, and a registry of this build's own would end with it"
    with models.in_a_sentence(), registry.one_at_a_time():
        return registry.register()


@command
def main() -> None:
    """Do one of the two; a sentence on failure."""
    parser = argparse.ArgumentParser(prog="alarm", description="Drift that acts, in CI.")
    parser.add_argument("command", choices=["open", "challenge"])
    options = parser.parse_args()
    try:
        if options.command == "challenge":
            sys.exit(challenge())
        print(open_report())
    except (urllib.error.URLError, TimeoutError) as error:
        # The training that follows is worth having without a report; that nobody was told is marked at the end.
        print(f"not told: {error}")
        sys.exit(DRIFT if options.command == "challenge" else 0)


if __name__ == "__main__":
    main()
