"""What a push costs in CI: jobs, billed minutes and network of the default project, as its CI files say.

    python benchmarks/ci_cost.py [COMMIT]

Renders the project (scikit-learn, FastAPI, container, monitoring, no cloud) for each CI system from COMMIT (by default
the template before its checks became one job) and from this checkout, and counts both from the rendered files: which
jobs a push starts, what each of them runs and which packages it needs. Nothing is run: seconds and megabytes are the
constants below, the same for both sides, but for the project's tests, most of which went to the library.
"""

import math
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from mlops_scaffold.rendering import Asked, render  # noqa: E402
from mlops_scaffold.sources.address import named_address  # noqa: E402
from mlops_scaffold.sources.source import open_version  # noqa: E402

from tests.ci.dialects import DIALECTS, Stage  # noqa: E402

BEFORE = "65cb19471a40735b46e8187cceaeae218befb989"
ANSWERS = {"serving": "fastapi", "extras": ["container", "monitoring"]}
FILES = {
    "github": ".github/workflows/ci.yml",
    "gitlab": ".gitlab-ci.yml",
    "circleci": ".circleci/config.yml",
    "jenkins": "Jenkinsfile",
}

# Seconds. Assumed: that a job starts in ten (machine, checkout), and the rate of the network. Measured once on two
# cores, on 2026-11-25, with the packages in uv's cache: the tasks.
START, MB_A_SECOND = 10, 10
TASKS = {"lint": 0.3, "check": 0.3, "setup": 13, "repro": 28, "gate": 6, "report": 0.4}
TESTS = {"before": 62, "now": 9}  # 219 tests, then 14: the others are the library's

# Megabytes. Measured: the wheels of uv.lock for CPython 3.12 on x86-64 of the groups `dev` and `train`, the same at
# both commits, and of `lint`; GitLab's and CircleCI's archive of uv's cache with the wheels in it. Images that jobs run
# in are not counted.
PACKAGES, LINT, ARCHIVE = 230, 12, 250


@dataclass(frozen=True)
class Image:
    """What it takes to build or pull an image, to try it and to push it, without the time that the network takes."""

    seconds: float
    megabytes: float


# By what has changed. Measured on 2026-11-27, CPU seconds of buildah and podman on a very busy machine: a build (46, or
# 12 if the packages' layer is there), the test (4), the push (11). Measured: the wheels (85 MB), and the layers above
# the base (97 MB compressed). Assumed: the push of the code's layers alone (1), and the base images, 45 MB of Python
# and 20 of uv.
IMAGES = {
    "packages": Image(46 + 4 + 11, 45 + 20 + 85 + 97),
    "code": Image(12 + 4 + 1, 45 + 97),
    "champion": Image(12 + 4 + 1, 45 + 97),  # the image of the release is pulled: no more than that
}

PUSHES_A_DAY = {"request": 22, "main": 8}


@dataclass(frozen=True)
class Push:
    """A push to a request or to main, and what it changes."""

    name: str
    to: str
    code: bool = True
    image: str = ""  # what changes in it, of IMAGES


PUSHES = (
    Push("request: code", "request", image="code"),
    Push("request: documentation", "request", code=False),
    Push("main: code, and so the image", "main", image="code"),
    Push("main: uv.lock, and so the image's packages", "main", image="packages"),
    Push("main: the champion.yaml of a release", "main", image="champion"),
    Push("main: code that the image has not", "main"),
    Push("main: documentation", "main", code=False),
)


@dataclass(frozen=True)
class Cost:
    """What a push costs. GitHub bills whole minutes of each job, GitLab and CircleCI the seconds, Jenkins nothing."""

    jobs: int = 0
    minutes: float = 0
    seconds: float = 0
    megabytes: float = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(*(getattr(self, name) + getattr(other, name) for name in Cost.__annotations__))

    def __mul__(self, times: int) -> "Cost":
        return Cost(*(getattr(self, name) * times for name in Cost.__annotations__))


@dataclass(frozen=True)
class Rendered:
    """The CI file of one version, as far as it decides what a push costs."""

    ci: str
    version: str
    stages: list[Stage]
    text: str

    @property
    def skips_documentation(self) -> bool:
        """Whether a change of documentation alone is neither tested nor trained."""
        return ":(exclude)docs" in self.text

    @property
    def skips_image(self) -> bool:
        """Whether the image is built only where what it is made of has changed."""
        return ".dockerignore" in self.text

    def image(self, push: Push) -> Image:
        """What the image costs after a push that changes it."""
        return IMAGES[push.image if "image --reuse" in self.text else "packages"]

    def tasks(self, stage: Stage, push: Push) -> tuple[str, ...]:
        """What a stage runs after a push; nothing where its job is not started."""
        if stage.on == "main" and (push.to != "main" or (self.skips_image and not push.image)):
            return ()
        if stage.on not in ("push", "main"):
            return ()
        first = ("lint", "check")
        whole = push.code or not self.skips_documentation
        return stage.tasks if whole else tuple(task for task in stage.tasks if task in first)

    def cost(self, push: Push) -> Cost:
        """The sum of the jobs that a push starts."""
        return sum(self.jobs(push), Cost())

    def jobs(self, push: Push) -> Iterator[Cost]:
        """A stage is a job; Jenkins runs those on one agent together, and the image on another."""
        agent: tuple[str, ...] = ()
        for stage in self.stages:
            tasks = self.tasks(stage, push)
            if self.ci == "jenkins" and "image-push" not in tasks:
                agent += tasks
            elif tasks:
                yield self.job(tasks, push)
            elif self.ci == "circleci" and stage.on == push.to == "main":
                yield Cost(1, START / 60, START, 0)  # it begins, and ends itself
        if agent:
            yield self.job(agent, push)

    def job(self, tasks: tuple[str, ...], push: Push) -> Cost:
        """One job."""
        image = self.image(push) if "image-push" in tasks else Image(0, 0)
        megabytes = self.megabytes(tasks, image.megabytes)
        work = sum(self.seconds(task.split()[0]) for task in tasks) + image.seconds
        seconds = START + megabytes / MB_A_SECOND + work
        return Cost(1, math.ceil(seconds / 60) if self.ci == "github" else seconds / 60, seconds, megabytes)

    def seconds(self, task: str) -> float:
        """What a task takes; what is done with an image is one figure, and not here."""
        return TESTS[self.version] if task == "test" else 0 if task.startswith("image") else TASKS[task]

    def megabytes(self, tasks: tuple[str, ...], image: float) -> float:
        """What a job fetches and sends. Jenkins keeps the packages in its workspace."""
        if self.ci == "jenkins":
            return image
        if self.version == "before" and self.ci != "github" and not image:
            # The wheels come with the cache. GitLab sends it back where training has added to it: it is one archive.
            return ARCHIVE * (2 if self.ci == "gitlab" and "repro" in tasks else 1)
        small = "--only-group lint" in self.text and set(tasks) <= {"lint", "check"}
        return (LINT if small else PACKAGES) + image


def rendered(ci: str, version: str, ref: str, folder: Path) -> Rendered:
    """The CI file of a version, parsed."""
    project = folder / version / ci / "churn"
    template = open_version(named_address(str(ROOT)), ref)
    render(template, project, Asked(data={**ANSWERS, "ci": ci}, defaults=True)).tree.write_new(project)
    return Rendered(ci, version, DIALECTS[ci](project), (project / FILES[ci]).read_text(encoding="utf-8"))


def a_day(one: Rendered) -> Cost:
    """Pushes of code alone, each of which changes the image: what saves least."""
    return sum((one.cost(push) * PUSHES_A_DAY[push.to] for push in PUSHES if push.image == "code"), Cost())


def row(ci: str, name: str, before: Cost, now: Cost) -> None:
    """One line of the table."""
    cells = [f"| {ci} | {name} | {before.jobs} → {now.jobs}"]
    for unit in ("minutes", "seconds", "megabytes"):
        old, new = getattr(before, unit), getattr(now, unit)
        digits = 0 if unit != "minutes" or ci == "github" else 1
        cells.append(f"{old:,.{digits}f} → {new:,.{digits}f}" + (f" ({new / old:.0%})" if old else ""))
    print(" | ".join(cells) + " |")


def main() -> None:
    """Render, count, print."""
    ref = sys.argv[1] if len(sys.argv) > 1 else BEFORE
    print("| CI | push | jobs | billed minutes | seconds | MB |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for ci in DIALECTS:
            before, now = (
                rendered(ci, version, commit, Path(folder)) for version, commit in (("before", ref), ("now", "HEAD"))
            )
            for push in PUSHES:
                row(ci, push.name, before.cost(push), now.cost(push))
            row(ci, "a day: 22 to requests, 8 to main", a_day(before), a_day(now))


if __name__ == "__main__":
    main()
