"""The four dialects, parsed back into the stages that they were rendered from."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

TASK = re.compile(r"^uv run --locked (?:--only-group lint )?poe (.+)$")
PUSH, MAIN, MANUAL, SCHEDULE = "push", "main", "manual", "schedule"


@dataclass(frozen=True)
class Stage:
    """A stage: when it runs, after which others, how long at most, and what it runs."""

    name: str
    on: str
    after: frozenset[str]
    minutes: int
    tasks: tuple[str, ...]


def tasks_in(commands: list[str]) -> tuple[str, ...]:
    """The tasks among some commands, in order."""
    return tuple(found[1] for command in commands if (found := TASK.match(command.strip())))


def neutral(text: str) -> list[Stage]:
    """The list that all dialects are rendered from."""
    return [
        Stage(row["name"], row["on"], frozenset(row["after"]), row["minutes"], (*row.get("first", ()), *row["tasks"]))
        for row in yaml.safe_load(text)
    ]


# --- GitHub Actions --------------------------------------------------------------------------------------------------

GITHUB_CONDITIONS = {
    "github.event_name == 'push' || github.event_name == 'pull_request'": PUSH,
    "github.event_name == 'push' && github.ref == 'refs/heads/main'": MAIN,
    "github.event_name == 'push' && github.ref == 'refs/heads/main' && needs.checks.outputs.image == 'true'": MAIN,
    "github.event_name == 'workflow_dispatch' && github.ref == 'refs/heads/main'": MANUAL,
    "github.event_name == 'workflow_dispatch' && github.ref == 'refs/heads/main' && inputs.stage == 'NAME'": MANUAL,
    "github.event_name == 'schedule'": SCHEDULE,
}


def github(project: Path) -> list[Stage]:
    """.github/workflows/ci.yml."""
    workflow = yaml.safe_load((project / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert set(workflow[True]) == {"push", "pull_request", "schedule", "workflow_dispatch"}
    return [
        Stage(
            name,
            GITHUB_CONDITIONS[job["if"].replace(f"'{name}'", "'NAME'")],
            frozenset(job.get("needs", [])),
            job["timeout-minutes"],
            tasks_in([step["run"] for step in job["steps"] if "run" in step]),
        )
        for name, job in workflow["jobs"].items()
    ]


# --- GitLab CI -------------------------------------------------------------------------------------------------------


def gitlab(project: Path) -> list[Stage]:
    """.gitlab-ci.yml."""
    config = yaml.safe_load((project / ".gitlab-ci.yml").read_text(encoding="utf-8"))
    jobs = {name: job for name, job in config.items() if isinstance(job, dict) and "script" in job}
    return [
        Stage(
            name,
            gitlab_condition(job["rules"]),
            frozenset(job.get("needs", [])),
            int(job["timeout"].split()[0]),
            tasks_in(job["script"]),
        )
        for name, job in jobs.items()
    ]


def gitlab_condition(rules: list[dict[str, Any]]) -> str:
    (rule,) = rules
    if rule["if"] == '$CI_PIPELINE_SOURCE == "schedule"':
        return SCHEDULE
    if "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH" in rule["if"]:
        return MANUAL if rule.get("when") == "manual" else MAIN
    assert rule["if"] == '$CI_PIPELINE_SOURCE == "merge_request_event" || $CI_PIPELINE_SOURCE == "push"'
    return PUSH


# --- CircleCI --------------------------------------------------------------------------------------------------------


def circleci(project: Path) -> list[Stage]:
    """.circleci/config.yml."""
    config = yaml.safe_load((project / ".circleci/config.yml").read_text(encoding="utf-8"))
    return [circleci_stage(config, name, job) for name, job in config["jobs"].items()]


def circleci_stage(config: dict[str, Any], name: str, job: dict[str, Any]) -> Stage:
    runs = [step["run"] for step in job["steps"] if isinstance(step, dict) and "run" in step]
    limits = {int(run["no_output_timeout"].removesuffix("m")) for run in runs}
    on, after = circleci_condition(config["workflows"], name)
    return Stage(name, on, after, limits.pop(), tasks_in([run["command"] for run in runs]))


def circleci_condition(workflows: dict[str, Any], name: str) -> tuple[str, frozenset[str]]:
    scheduled = {"equal": ["scheduled_pipeline", "<< pipeline.trigger_source >>"]}
    assert workflows["checks"]["when"] == {"not": scheduled}
    assert workflows["weekly"]["when"] == scheduled
    if name in workflows["weekly"]["jobs"]:
        return SCHEDULE, frozenset()
    listed = workflows["checks"]["jobs"]
    if name in listed:
        return PUSH, frozenset()
    details = {key: row for entry in listed if isinstance(entry, dict) for key, row in entry.items()}
    needed = details[name]["requires"]
    assert details[name]["filters"] == {"branches": {"only": "main"}}
    if any(details.get(other, {}).get("type") == "approval" for other in needed):
        return MANUAL, frozenset()
    return MAIN, frozenset(needed)


# --- Jenkins ---------------------------------------------------------------------------------------------------------


def jenkins_condition(when: str, name: str, by_hand: str) -> str:
    ordinary = f"not {{ triggeredBy 'TimerTrigger' }}; not {{ expression {{ {by_hand} }} }}"
    when, _, _ = when.partition("; expression { // what the image is made of")
    return {
        f"beforeAgent true; {ordinary}": PUSH,
        f"beforeAgent true; branch 'main'; {ordinary}": MAIN,
        f"beforeAgent true; branch 'main'; expression {{ params.{name.upper()} }}": MANUAL,
        "beforeAgent true; triggeredBy 'TimerTrigger'": SCHEDULE,
    }[when]


def jenkins(project: Path) -> list[Stage]:
    """Jenkinsfile. Its stages run one after the other, so that those for main come after the checks."""
    text = (project / "Jenkinsfile").read_text(encoding="utf-8")
    found: list[Stage] = []
    by_hand = " || ".join(f"params.{name}" for name in re.findall(r"booleanParam\(name: '(\w+)'", text))
    for name, body in blocks(text, r"stage\('([\w-]+)'\)"):
        ((_, condition),) = blocks(body, "(when)")
        on = jenkins_condition("; ".join(line.strip() for line in condition.strip().splitlines()), name, by_hand)
        ((_, steps),) = blocks(body, "(steps)")
        limit = re.search(r"timeout\(time: (\d+), unit: 'MINUTES'\)", body)
        assert limit
        after = frozenset(stage.name for stage in found if stage.on == PUSH) if on == MAIN else frozenset()
        found.append(Stage(name, on, after, int(limit[1]), tasks_in(re.findall(r"sh '([^']+)'", steps))))
    return found


def blocks(text: str, head: str) -> Iterator[tuple[str, str]]:
    """Each block `head { ... }`: what the head's group caught, and what is between its braces."""
    for start in re.finditer(head + r"\s*\{", text):
        depth, end = 1, start.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        yield start[1], text[start.end() : end - 1]


DIALECTS: dict[str, Callable[[Path], list[Stage]]] = {
    "github": github,
    "gitlab": gitlab,
    "circleci": circleci,
    "jenkins": jenkins,
}
