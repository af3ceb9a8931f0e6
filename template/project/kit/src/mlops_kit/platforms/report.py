"""What a change does to data and model, where people look: report/report.md, and a comment that is updated in place.

    uv run poe report                 compares with the main branch and writes report/report.md and report/model.html
    uv run poe report --post          in CI: and comments it on the pull or merge request, where the platform lets it

Without --post, nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from mlops_kit.contract import load
from mlops_kit.ground import command, output_of, params, project
from mlops_kit.ground.variables import first_set
from mlops_kit.monitoring import pages
from mlops_kit.platforms import model_page
from mlops_kit.registry import RegistryError, read_report
from mlops_kit.registry.evidence import answers_table, table
from mlops_kit.training import plot_file

MARK = "<!-- the report of metrics: this comment is updated in place -->"
LONGEST_DIFF = 60  # lines


# --- what has changed ------------------------------------------------------------------------------------------------


def write_report() -> str:
    """report/report.md, and its text."""
    base = find_base()
    parts = [MARK, "## Metrics", *metrics_section(base)]
    parts += ["## Answers on the test part", answers_section()]
    parts += ["## Contract", *contract_section(base)]
    parts += ["## Size", size_section(base)]
    text = "\n\n".join(parts) + "\n"
    project().reports.mkdir(exist_ok=True)
    (project().reports / "report.md").write_text(text, encoding="utf-8")
    return text


def find_base() -> str:
    """The commit to compare with: where the request left the branch that it goes to, on that branch the one before."""
    names = ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "CHANGE_TARGET", "CI_DEFAULT_BRANCH")
    branch = first_set(*names, default="main")
    for ref in (f"origin/{branch}", branch):
        found = output_of("git", "merge-base", "HEAD", ref)
        if found:
            return (
                found
                if found != output_of("git", "rev-parse", "HEAD")
                else output_of("git", "rev-parse", "--verify", "HEAD~1")
            )
    return ""


def metrics_section(base: str) -> Iterator[str]:
    """A table of the metrics beside the base's and the baseline's, then the slices."""
    report = read_report()
    before: dict[str, Any] = json.loads(output_of("git", "show", f"{base}:metrics.json") or "{}") if base else {}
    if not (project().root / load().source.path).exists():
        yield "The data is not to be had here: these are the metrics of **generated rows**, not to be compared."
        before = {}
    elif not before:
        yield "There is nothing to compare with: the base has no metrics.json."
    elif before.get("prediction_sha256") == report["prediction_sha256"]:
        yield f"The model predicts as it does at the base, {base[:7]}."
    else:
        yield f"Against the base, {base[:7]}. Greater is better."
    yield metrics_table(report, before)
    yield slices_table(report["slices"], before.get("slices", {}))


def metrics_table(report: dict[str, Any], before: dict[str, Any]) -> str:
    """One row a metric; the primary one, which the gates look at, is bold."""
    primary = params()["evaluate"]["primary"]
    rows = []
    for name, value in report["metrics"].items():
        old = before.get("metrics", {}).get(name)
        label = f"**{name}**" if name == primary else name
        rows.append([label, number(old), number(value), change(old, value), number(report["baseline"].get(name))])
    return table(["metric", "base", "here", "change", "baseline"], rows)


def slices_table(slices: dict[str, Any], before: dict[str, Any]) -> str:
    """One row a slice, by the primary metric, the largest fall first."""
    primary = params()["evaluate"]["primary"]
    rows = []
    for name, values in slices.items():
        old = before.get(name, {}).get(primary)
        rows.append((values[primary] - (old if old is not None else values[primary]), name, old, values))
    lines = [
        [name, str(values["rows"]), number(old), number(values[primary]), change(old, values[primary])]
        for _, name, old, values in sorted(rows, key=lambda row: row[:2])
    ]
    return table([f"slice ({primary})", "rows", "base", "here", "change"], lines) if lines else "No slices."


def answers_section() -> str:
    """For classes, how often which was taken for which; for numbers, the error in each fifth of the actual values."""
    if not plot_file("predictions").exists():
        raise RegistryError("There is no plots/predictions.csv. Run: uv run poe repro")
    return answers_table()


def contract_section(base: str) -> Iterator[str]:
    """The lines of contract.yaml that changed."""
    changed = (
        output_of("git", "diff", "--unified=0", "--no-color", base, "--", "contract.yaml").splitlines()[4:]
        if base
        else []
    )
    lines = [line for line in changed if line.startswith(("+", "-"))]
    if not lines:
        yield "Unchanged."
        return
    shown = lines[:LONGEST_DIFF]
    yield "\n".join(["```diff", *shown, "```"])
    if len(lines) > len(shown):
        yield f"and {len(lines) - len(shown)} lines more."


def size_section(base: str) -> str:
    """The size of the model's folder, beside the base's as dvc.lock has it."""
    here = sum(path.stat().st_size for path in (project().root / "model").rglob("*") if path.is_file())
    lock = yaml.safe_load(output_of("git", "show", f"{base}:dvc.lock") or "{}") if base else {}
    outs = lock.get("stages", {}).get("train", {}).get("outs", [])
    before = next((out["size"] for out in outs if out["path"] == "model"), None)
    return f"The model takes {here / 1e6:.2f} MB" + (f", {before / 1e6:.2f} MB at the base." if before else ".")


def number(value: float | None) -> str:
    """A metric; n/a where there is none."""
    return "n/a" if value is None else f"{value:.4f}"


def change(old: float | None, new: float) -> str:
    """The difference, with its direction."""
    if old is None or old == new:
        return "n/a" if old is None else "="
    return f"{'▲' if new > old else '▼'} {new - old:+.4f}"


# --- the comment -----------------------------------------------------------------------------------------------------


def post(text: str) -> str:
    """Comment the report on the request that this CI runs for. Gives back what came of it: no build fails for it."""
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(text)
    try:
        if os.environ.get("GITHUB_ACTIONS"):
            return post_to_github(text)
        if os.environ.get("GITLAB_CI"):
            return post_to_gitlab(text)
    except (urllib.error.URLError, TimeoutError) as error:
        return f"not commented: {error}"
    return "not commented: this CI has no comments; it keeps report/ with the build"


def post_to_github(text: str) -> str:
    """A comment on the pull request, by the job's own token."""
    event = Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8")
    request = json.loads(event).get("pull_request")
    token = os.environ.get("GITHUB_TOKEN")
    if not request or not token:
        return "not commented: no pull request, or no GITHUB_TOKEN"
    api = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/issues"
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    comments = f"{api}/{request['number']}/comments"
    return upsert(comments, f"{api}/comments", "PATCH", text, headers)


def post_to_gitlab(text: str) -> str:
    """A note on the merge request, by REPORT_TOKEN: the job's own token may not write notes."""
    number, token = os.environ.get("CI_MERGE_REQUEST_IID"), os.environ.get("REPORT_TOKEN")
    if not number or not token:
        return "not commented: no merge request, or no REPORT_TOKEN"
    api = f"{os.environ['CI_API_V4_URL']}/projects/{os.environ['CI_PROJECT_ID']}/merge_requests/{number}/notes"
    return upsert(api, api, "PUT", text, {"PRIVATE-TOKEN": token})


def upsert(listed: str, one: str, method: str, text: str, headers: dict[str, str]) -> str:
    """Change the comment that has our mark, or make one."""
    for page in range(1, 100):
        found = call("GET", f"{listed}?per_page=100&page={page}", headers)
        for comment in found:
            if comment["body"].startswith(MARK):
                call(method, f"{one}/{comment['id']}", headers, dict(body=text))
                return "the comment is updated"
        if len(found) < 100:
            break
    call("POST", listed, headers, dict(body=text))
    return "commented"


def call(method: str, url: str, headers: dict[str, str], body: dict[str, str] | None = None) -> Any:
    """One request to the platform's API."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {**headers, "Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


@command
def main() -> None:
    """Write the report; comment it where that is asked for."""
    parser = argparse.ArgumentParser(prog="poe report", description="What a change does to data and model.")
    parser.add_argument("--post", action="store_true", help="comment it on the pull or merge request")
    options = parser.parse_args()
    text = write_report()
    print(text)
    pages.write("model.html", model_page.page(read_report()))
    print("report/model.html is written: curves, errors, slices and the columns that matter")
    if options.post:
        print(post(text))


if __name__ == "__main__":
    main()
