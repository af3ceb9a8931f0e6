"""What a push costs in each dialect: one job, and nothing for documentation but lint."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from mlops_scaffold.rendering import Asked, render
from mlops_scaffold.sources.address import named_address
from mlops_scaffold.sources.source import open_version

from benchmarks.ci_cost import ANSWERS, FILES, PUSHES, Rendered
from tests.ci.dialects import DIALECTS
from tests.conftest import git


@pytest.fixture(scope="module")
def rendered(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The default project with each CI, committed."""
    version = open_version(named_address(str(template)), None)
    found = {}
    for ci in DIALECTS:
        found[ci] = folder = tmp_path_factory.mktemp(ci) / "churn"
        render(version, folder, Asked(data={**ANSWERS, "ci": ci}, defaults=True)).tree.write_new(folder)
        git("init", "--quiet", cwd=folder)
    return found


def test_a_push_costs_one_job_and_one_environment(rendered: dict[str, Path]) -> None:
    """As the benchmark counts, against what it counts for the template whose checks were three jobs."""
    before = {  # minutes and megabytes: a request, a push to main that changes the image
        "github": ((5, 690), (8, 1167)),
        "gitlab": ((4.0, 1000), (6.2, 1477)),
        "circleci": ((3.6, 750), (5.8, 1227)),
        "jenkins": ((2.0, 0), (3.8, 247)),
    }
    for ci, parse in DIALECTS.items():
        project = rendered[ci]
        one = Rendered(ci, "now", parse(project), (project / FILES[ci]).read_text(encoding="utf-8"))
        cost = {push.name: one.cost(push) for push in PUSHES}
        request, main = before[ci]
        assert cost["request: code"].jobs == 1, ci
        assert cost["main: code, and so the image"].jobs == 2, ci
        for name, (minutes, megabytes) in {
            "request: code": request,
            "main: code, and so the image": main,
            "main: the champion.yaml of a release": main,
            "main: code that the image has not": main,
        }.items():
            assert cost[name].minutes <= 0.6 * minutes, (ci, name)
            assert cost[name].megabytes <= 0.6 * megabytes, (ci, name)
        assert cost["request: documentation"].megabytes < 20, ci
        assert cost["main: documentation"].megabytes < 20, ci


def test_documentation_alone_trains_nothing_and_builds_no_image(rendered: dict[str, Path], tmp_path: Path) -> None:
    """Each dialect's own lines, run as its runner does, for a request and on main."""
    changes = {
        "README.md": (False, False),
        "docs/index.md": (False, False),
        "tests/test_model.py": (True, False),
        "src/churn/notes.md": (True, True),
        "params.yaml": (True, True),
        "kit/src/mlops_kit/__init__.py": (True, True),
        "Dockerfile": (True, True),
    }
    for ci in DIALECTS:
        folder = tmp_path / ci
        shutil.copytree(rendered[ci], folder)
        git("add", "--all", cwd=folder)
        git("commit", "--quiet", "--message", "before", cwd=folder)
        before = git("rev-parse", "HEAD", cwd=folder)
        git("update-ref", "refs/remotes/origin/main", before, cwd=folder)
        for changed, expected in changes.items():
            git("reset", "--quiet", "--hard", before, cwd=folder)
            (folder / changed).parent.mkdir(parents=True, exist_ok=True)
            (folder / changed).open("a").write("# changed\n")
            git("add", "--all", cwd=folder)
            git("commit", "--quiet", "--message", "a change", cwd=folder)
            assert decided(ci, folder, before, "main") == expected, (ci, changed)
            assert decided(ci, folder, before, "topic")[0] == expected[0], (ci, changed)
        git("reset", "--quiet", "--hard", before, cwd=folder)
        unknown = "" if ci in ("circleci", "jenkins") else "0" * 40
        assert decided(ci, folder, unknown, "main") == (True, True), ci


def decided(ci: str, folder: Path, base: str, branch: str) -> tuple[bool, bool]:
    """Whether a CI tests and trains after a change since `base`, and whether it then builds the image on main."""
    text = (folder / FILES[ci]).read_text(encoding="utf-8")
    if ci == "jenkins":
        scripts = [script for _, script in re.findall(r"(script: '''(.*?)''')", text, re.DOTALL)]
        env = {"BRANCH_NAME": branch, "GIT_PREVIOUS_SUCCESSFUL_COMMIT": base}
        return tuple(shell("sh", script, folder, env).returncode != 0 for script in scripts)  # type: ignore[return-value]
    config = yaml.safe_load(text)
    if ci == "github":
        (step,) = [step for step in config["jobs"]["checks"]["steps"] if step.get("id") == "changed"]
        output = folder.parent / "github-output"
        output.write_text("", encoding="utf-8")
        shell("bash", step["run"], folder, {"BASE": base, "GITHUB_OUTPUT": str(output)}, must=True)
        return "code=true" in output.read_text(), "image=true" in output.read_text()
    if ci == "gitlab":
        lines = [line for line in config["checks"]["script"] if not line.startswith("uv ") and "DVC" not in line]
        name = "CI_COMMIT_BEFORE_SHA" if branch == "main" else "CI_MERGE_REQUEST_DIFF_BASE_SHA"
        goes_on = "\n".join([*lines, "echo goes on"])
        trains = "goes on" in shell("bash", goes_on, folder, {name: base}, must=True).stdout
        (rule,) = config["container"]["rules"]
        paths = " ".join(f"':(glob){path}'" for path in rule["changes"])  # git reads such a pattern as GitLab does
        return trains, shell("bash", f"git diff --quiet {base} HEAD -- {paths}", folder, {}).returncode != 0
    halts = []
    for stage in ("checks", "container"):
        runs = [step["run"] for step in config["jobs"][stage]["steps"] if isinstance(step, dict) and "run" in step]
        (script,) = [run["command"] for run in runs if "step halt" in run["command"]]
        script = script.replace("<< pipeline.git.base_revision >>", base).replace(
            "circleci-agent step halt", "echo halt"
        )
        halts.append("halt" in shell("bash", script, folder, {"CIRCLE_BRANCH": branch}, must=True).stdout)
    return not halts[0], not halts[1]


def shell(
    program: str, script: str, folder: Path, env: dict[str, str], must: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a script as a CI does: it ends at the first command that fails."""
    options = ["-eo", "pipefail", "-c"] if program == "bash" else ["-xe", "-c"]
    given = {"PATH": os.environ["PATH"], **env}
    done = subprocess.run(
        [program, *options, script], cwd=folder, env=given, capture_output=True, text=True, check=False
    )
    assert not must or done.returncode == 0, done.stderr
    return done
