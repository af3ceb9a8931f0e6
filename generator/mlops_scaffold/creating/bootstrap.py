"""The steps that make a written project ready: shared by `mlops new` and `mlops setup`, each safe to run again."""

import json
import os
import shlex
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from mlops_scaffold.creating.dataset import Dataset, handed_over
from mlops_scaffold.creating.environment import fault, require_own_environment
from mlops_scaffold.ground import process
from mlops_scaffold.ground.errors import MlopsError, StepFailed
from mlops_scaffold.ground.package import why
from mlops_scaffold.ground.project import Project
from mlops_scaffold.ground.report import Report
from mlops_scaffold.vcs.git import QUIET, git, is_repository_root, succeeds
from mlops_scaffold.vcs.repository import refuse_programs
from mlops_scaffold.vcs.trust import is_trusted

# How the lines begin that a person should read of what the stages print.
PROPOSALS = ("think of ", "warning: ", "positive class: ", "decision threshold: ")
# In git's own folder:
STATE = "mlops-setup.json"  # what a set-up that was interrupted has still to do
LOG = "mlops-setup.log"


@dataclass(frozen=True)
class Wishes:
    """What the set-up of a new project is to do besides; kept in .git until it is done."""

    dataset: str | None = None
    target: str | None = None
    in_git: bool = False
    run: bool = False

    @property
    def options(self) -> list[str]:
        """The options by which `mlops setup` wishes the same."""
        named = {"--dataset": self.dataset, "--target": self.target}
        flags = {"--data-in-git": self.in_git, "--run": self.run}
        words = [word for option, value in named.items() if value is not None for word in (option, value)]
        return words + [flag for flag, wished in flags.items() if wished]

    def with_more(self, more: "Wishes") -> "Wishes":
        """These wishes and some more. Raises MlopsError for data that cannot be brought in so."""
        if more.target is not None and more.dataset is None:
            raise without_data("--target")
        if more.dataset is not None and more.target is None:
            raise MlopsError("--dataset needs --target.", "Name the column to predict: --target COLUMN")
        if more.dataset is not None and not Path(more.dataset).is_file():
            raise MlopsError(f"There is no file {more.dataset}.", "Check the path that follows --dataset.")
        dataset, target = (more.dataset, more.target) if more.dataset is not None else (self.dataset, self.target)
        if more.in_git and dataset is None:
            raise without_data("--data-in-git")
        return Wishes(dataset, target, self.in_git or more.in_git, self.run or more.run)


def without_data(option: str) -> MlopsError:
    """What an option says that means nothing without a data file."""
    return MlopsError(f"{option} needs --dataset.", "Name the data file: --dataset FILE")


@dataclass(frozen=True)
class Step:
    """A named step; `act` raises MlopsError where it fails."""

    name: str
    act: Callable[[], object]


@dataclass(frozen=True)
class Setup:
    """The set-up of one project."""

    project: Project
    wishes: Wishes
    told: list[str] = field(default_factory=list)  # by the project's own tasks
    watch: Callable[[str], None] | None = None  # is given what a step prints while it runs
    dataset: Dataset | None = None  # what was found in the data, where this process has looked at it

    def steps(self, fresh: bool) -> list[Step]:
        """All steps in order. A clone (not `fresh`) has its history already: it gets no commits, and is tried out.

        Of another template's project nothing is known but that it is to be in git.
        """
        if not self.project.has_workspace:
            message = "feat: project from a template"
            commit = Step("first commit", lambda: self.commit(message))
            return [Step("git repository", self.init), commit] if fresh else []
        if not fresh:
            task = Step("hooks, data, registry, champion, smoke test", lambda: self.task("setup"))
            return [Step("environment", self.sync), task]
        prepare = Step("hooks and data", lambda: self.module("workspace", "setup"))
        steps = [Step("git repository", self.init), Step("environment", self.sync)]
        if self.wishes.dataset:
            steps.append(Step("your data and its contract", self.bring_data))
        steps.append(prepare)
        if self.wishes.run:
            steps.append(Step("pipeline: prepare, train, evaluate", self.pipeline))
        steps.append(Step("first commit", lambda: self.commit("feat: project from the mlops template")))
        if self.wishes.run:
            steps.append(
                Step("model registered and promoted", lambda: self.module("registry", "register", "--promote"))
            )
            steps.append(Step("champion committed", lambda: self.commit("feat: the first champion")))
        return steps

    def init(self) -> None:
        """A repository, where a larger one does not take the folder already; what is to be done is remembered in it."""
        if not is_versioned(self.project.folder):
            git("init", "--quiet", "--initial-branch=main", cwd=self.project.folder)
        remember(self.project, self.wishes)

    def sync(self) -> None:
        """The locked environment, for the Python that runs this; one that was made elsewhere is made again."""
        require_own_environment(self.project.folder)
        if not (self.project.folder / "uv.lock").exists():
            self.run(process.uv(), "lock", "--quiet")
        found = fault(self.project, trusted=True)  # a set-up is only of what is trusted
        if found is not None and "venv" in found[1]:
            self.run(process.uv(), "venv", "--quiet", "--clear")
        again = ["--reinstall"] if found is not None else []
        self.run(process.uv(), "sync", "--quiet", "--locked", *again)

    def bring_data(self) -> None:
        """The user's file: copied, versioned, its contract inferred, unless it was before."""
        options = ["--in-git"] if self.wishes.in_git else []
        file, target = str(self.wishes.dataset), str(self.wishes.target)
        problem = str(self.project.answers["problem"])
        options += [f"--target={target}", "--problem", problem, "--no-commit"]
        with handed_over(self.dataset, problem) as contract:
            self.module("workspace", "data", file, *options, *contract)

    def commit(self, message: str) -> None:
        """Commit all that is there; nothing to commit is fine. Hooks that fix files refuse them: then once more.

        Of a larger repository, the project's folder alone.
        """
        folder = self.project.folder
        here = () if is_repository_root(folder) else ("--", ".")
        self.git("add", "--all", *here)
        if succeeds("diff", "--cached", "--quiet", *here, cwd=folder):
            return
        command = ("commit", "--quiet", "--message", message, *here)
        try:
            self.git(*command)
        except StepFailed:
            if succeeds("diff", "--quiet", *here, cwd=folder):
                raise
            self.git("add", "--all", *here)
            self.git(*command)

    def git(self, *command: str) -> None:
        """Git as the person has it; without hooks and filters for a project that nobody has trusted."""
        if is_trusted(self.project.folder):
            self.run("git", *command)
            return
        refuse_programs(self.project.folder)
        self.run("git", *QUIET, *command)

    def module(self, name: str, *arguments: str) -> str:
        """Run a module of the project's library. Gives back what it printed."""
        return self.run(str(self.project.python), "-m", f"{self.project.library}.{name}", *arguments)

    def pipeline(self) -> None:
        """A first model; what the stages propose or warn of is for the person."""
        said = self.module("workspace", "repro").splitlines()
        self.told.extend(line for line in said if line.startswith(PROPOSALS))

    def task(self, name: str) -> None:
        """Run a task of the project, as `uv run poe` does; what it prints is for the person."""
        self.told.append(self.run(str(self.project.python.with_name("poe")), name))

    def run(self, *command: str) -> str:
        """Run a program in the project; what it prints is kept in a log. Raises StepFailed with its last lines."""
        env = process.project_environment()
        env["PATH"] = os.pathsep.join([str(self.project.python.parent), env["PATH"]])
        done = process.run(command, cwd=self.project.folder, env=env, alone=True, watch=self.watch)
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(command)}\n{done.said}\n")
        if done.code:
            if reason := why(self.project, done.said):
                raise StepFailed(reason.sentence, reason.next_step)
            last = "\n  ".join(done.said.splitlines()[-8:])
            raise StepFailed(f"`{' '.join(command)}` failed:\n  {last}\n(the whole output is in {self.log})")
        return done.output.strip()

    @cached_property
    def log(self) -> Path:
        """Where the output of all steps is kept."""
        return git_folder(self.project) / LOG


def git_folder(project: Project) -> Path:
    """Where git keeps what is in no commit: elsewhere for a linked work tree, or a folder of a larger repository.

    Raises MlopsError for a project in no repository.
    """
    folder = Path(git("rev-parse", "--absolute-git-dir", cwd=project.folder))
    if link := next((path for path in folder.glob("mlops-setup*") if path.is_symlink()), None):
        raise MlopsError(f"{link} is a symlink: what the set-up notes would be written elsewhere.", "Remove it.")
    return folder


def is_versioned(folder: Path) -> bool:
    """Whether a folder is the top of a repository, or in a larger one that does not ignore it."""
    if is_repository_root(folder):
        return True
    is_inside = succeeds("rev-parse", "--is-inside-work-tree", cwd=folder)
    return is_inside and not succeeds("check-ignore", "--quiet", ".", cwd=folder)


def is_part(folder: Path) -> bool:
    """Whether a folder is part of a larger repository."""
    return is_versioned(folder) and not is_repository_root(folder)


def state_file(project: Project) -> Path:
    """Where a new project's wishes are kept until they are done: a larger repository may have several projects."""
    prefix = "" if is_repository_root(project.folder) else git("rev-parse", "--show-prefix", cwd=project.folder)
    name = f"mlops-setup-{sha256(prefix.encode()).hexdigest()[:16]}.json" if prefix else STATE
    return git_folder(project) / name


def is_unfinished(project: Project) -> bool:
    """Whether a set-up was begun that has not come to its end."""
    return is_versioned(project.folder) and state_file(project).is_file()


def remember(project: Project, wishes: Wishes) -> None:
    """Keep the wishes until they are done: a kill leaves the file whole, or none."""
    path = state_file(project)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(wishes)), encoding="utf-8")
    fresh.replace(path)


def pending(project: Project) -> Wishes | None:
    """What is still to do for a new project; None for a clone. Raises MlopsError where that cannot be read."""
    if is_unfinished(project):
        return recall(state_file(project))
    # A folder of a larger repository that tracks it has its history there.
    tracked = ("ls-files", "--error-unmatch", "--", project.answers_file)
    if is_repository_root(project.folder) or succeeds(*tracked, cwd=project.folder):
        return None
    return Wishes()


def recall(path: Path) -> Wishes:
    """The wishes that were kept. Raises MlopsError where they cannot be read."""
    try:
        return Wishes(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise MlopsError(
            f"{path} is broken: what was wished of the set-up is not known.",
            f"To go on without data and training: echo '{{}}' > {shlex.quote(str(path))}",
        ) from None


def set_up(
    project: Project, wishes: Wishes | None, report: Report, dataset: Dataset | None = None
) -> list[dict[str, object]]:
    """Run the steps. Gives back each step's name and seconds. Raises StepFailed that names the step."""
    left = wishes if wishes is not None else pending(project)
    setup = Setup(project, left or Wishes(), watch=report.detailed, dataset=dataset)
    again = project.command("setup", str(project.folder))
    taken: list[dict[str, object]] = []
    for step in setup.steps(fresh=left is not None):
        start = time.monotonic()
        try:
            with report.step(step.name):
                step.act()
        except KeyboardInterrupt:
            raise StepFailed(f"Stopped at: {step.name}.", f"Go on with: {again}") from None
        except (MlopsError, OSError) as error:
            sentence, fix = (error.sentence, error.next_step) if isinstance(error, MlopsError) else (str(error), "")
            go_on = f"{fix} Then go on with: {again}" if fix else f"Fix it, then go on with: {again}"
            raise StepFailed(f"{step.name}: {sentence}", go_on) from None
        taken.append({"step": step.name, "seconds": round(time.monotonic() - start, 2)})
    for text in setup.told:
        report.say(text)
    if left is not None:
        state_file(project).unlink(missing_ok=True)
    return taken


def next_steps(project: Project) -> list[str]:
    """What the project itself proposes to try next, a line each; none for a project that does not say."""
    if not project.has_workspace:
        return []
    try:
        return Setup(project, Wishes()).module("workspace", "next").splitlines()[1:]
    except StepFailed:
        return []
