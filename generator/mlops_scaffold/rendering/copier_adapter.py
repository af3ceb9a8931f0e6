"""The one module that touches copier's private parts, pinned in pyproject.toml and held by a test.

copier asks the questions and defines what a template means; we give it a template that is laid out already, and
take the rendered files in memory instead of on disk.
"""

import os
import re
import stat
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path, PurePosixPath
from traceback import walk_tb
from typing import Any, Literal

from copier import errors as copier_errors
from copier._main import Worker, _operation
from copier._template import Task, Template
from copier._tools import scantree
from copier._types import Phase
from copier._user_data import Question
from jinja2 import TemplateError
from packaging.version import InvalidVersion
from packaging.version import Version as Release

from mlops_scaffold.ground.errors import MlopsError, Untrusted
from mlops_scaffold.ground.project import ANSWERS_FILE
from mlops_scaffold.ground.safe_paths import checked, is_below_link
from mlops_scaffold.ground.tree import Entry, Tree
from mlops_scaffold.rendering.asked import Asked, Rendered
from mlops_scaffold.rendering.bounded import bounded
from mlops_scaffold.rendering.plain_template import OF_MACHINE
from mlops_scaffold.sources.address import is_trusted
from mlops_scaffold.sources.source import Version

TRUST = "If you trust the template, say so once: --trust"


def make_worker(version: Version, project: Path, asked: Asked) -> Worker:
    """A copier worker for a project, with the template that is laid out in the cache."""
    template = Template(url=version.source, ref=version.ref)
    prepared = {
        "local_abspath": version.folder,
        "commit": version.name,
        "commit_hash": version.commit,
        "git_index_modes": {},
        "vcs": "git",
        "version": _release(version.name),
    }
    template.__dict__.update(prepared)  # cached properties: copier would clone to find these
    worker = Worker(
        src_path=version.source,
        dst_path=project,
        answers_file=Path(asked.answers_file) if asked.answers_file else None,
        data=dict(asked.data),
        user_defaults=dict(asked.user_defaults),
        defaults=asked.defaults,
        quiet=True,
        unsafe=is_trusted(version.source, asked.trust),
        skip_tasks=asked.skip_tasks,
        skip_answered=asked.skip_answered,
    )
    worker.__dict__["template"] = template
    worker.subproject.__dict__["last_answers"] = dict(asked.last)
    return worker


def _release(name: str) -> Release | None:
    """A version by its name, or by its last tag as `git describe` says it; copier compares migrations with it."""
    described = re.fullmatch(r"(.+)-(\d+)-g([0-9a-f]+)", name)
    try:
        return Release("{}.post{}.dev0+{}".format(*described.groups()) if described else name)
    except InvalidVersion:
        return None


def questions(version: Version) -> dict[str, Any]:
    """The template's questions, hidden ones too, as copier.yml has them."""
    with _translated():
        found: dict[str, Any] = _laid_out(version).questions_data
        return found


def raw_config(version: Version) -> dict[str, Any]:
    """copier.yml as copier reads it, with its includes."""
    with _translated():
        found: dict[str, Any] = _laid_out(version)._raw_config
        return found


def _laid_out(version: Version) -> Template:
    template = Template(url=version.source)
    template.__dict__.update({"local_abspath": version.folder, "vcs": "git"})
    return template


def ask(worker: Worker) -> dict[str, Any]:
    """Have copier ask its questions; gives back all answers, hidden ones too. Raises MlopsError for a wrong answer."""
    with _translated(), Phase.use(Phase.PROMPT):
        _close(worker, "copy")
        worker._ask()
    return dict(worker.answers.combined)


def _close(worker: Worker, operation: Literal["copy", "update"]) -> None:
    """Refuse what runs code of the template, or reads this machine, before it is trusted. Raises Untrusted."""
    worker._check_unsafe(operation)

    def refused(name: str) -> Callable[..., Any]:
        def act(*_: object, **__: object) -> Any:
            raise Untrusted(f"The template reads this machine, by its filter {name}.", TRUST)

        return act

    if not worker.unsafe:
        worker.jinja_env.filters.update({name: refused(name) for name in OF_MACHINE})


def render(version: Version, destination: Path, asked: Asked) -> Rendered:
    """All answers and files; a person is asked where need be. Raises MlopsError where the template does not render."""
    operation = _operation.set("update" if asked.operation == "update" else "copy")
    try:
        worker = make_worker(version, destination, asked)
        with _translated():  # copier asserts it
            checked(Path(worker.template.config_data.get("answers_file", ANSWERS_FILE)))
        # A person may take their time, and so may what was trusted.
        with nullcontext() if worker.unsafe or not asked.defaults else bounded():
            answers = ask(worker)
        with nullcontext() if worker.unsafe else bounded():
            tree, sources = render_tree(worker)
        with _translated():
            seeds = tuple(worker._render_string(pattern) for pattern in worker.all_skip_if_exists)
            return Rendered(answers, tree, worker.answers_relpath, seeds, sources)
    finally:
        _operation.reset(operation)


def render_tree(worker: Worker) -> tuple[Tree, dict[PurePosixPath, str]]:
    """Every file of the project, in memory, and the template's file behind each. Raises MlopsError."""
    sources: dict[PurePosixPath, str] = {}
    tree: dict[PurePosixPath, Entry] = {}
    root = worker.template_copy_root
    follow = not worker.template.preserve_symlinks
    with _translated(), Phase.use(Phase.RENDER):
        for item in scantree(str(root), follow):
            source = Path(item.path)
            if item.is_dir(follow_symlinks=follow):
                continue
            _refuse_outside(source, worker)
            for target, context in _targets(worker, source.relative_to(root)):
                if not worker.match_exclude(target):
                    path = PurePosixPath(target.as_posix())
                    tree[path] = _entry(worker, source, context or {})
                    sources[path] = source.relative_to(worker.template.local_abspath.resolve()).as_posix()
    return Tree(tree), sources


def tasks_of(
    older: Version, newer: Version, folder: Path, answers: Mapping[str, Any], answers_file: str, trust: bool
) -> Worker:
    """A worker that can run what a template runs at an update, in a folder. Raises MlopsError before it is trusted."""
    given = {key: value for key, value in answers.items() if not key.startswith("_")}
    asked = Asked(data=given, defaults=True, answers_file=answers_file, trust=trust, operation="update")
    worker = make_worker(newer, folder, asked)
    worker.subproject.__dict__["template"] = make_worker(older, folder, asked).template
    with _translated(), Phase.use(Phase.PROMPT):
        _close(worker, "update")
        worker._ask()
    return worker


def commands(worker: Worker, stage: str) -> list[Task]:
    """What a template runs before the merge or after it."""
    with _translated():
        migrations = worker.template.migration_tasks(stage, worker.subproject.template)  # type: ignore[arg-type]
        return [*(worker.template.tasks if stage == "after" else ()), *migrations]


def execute(worker: Worker, tasks: Sequence[Task]) -> None:
    """Run tasks in the worker's folder; what they print goes to stderr. Raises MlopsError where one fails."""
    operation, printed = _operation.set("update"), os.dup(1)
    try:
        os.dup2(2, 1)
        with _translated(), Phase.use(Phase.TASKS):
            worker._execute_tasks(tasks)
    except copier_errors.TaskError as error:
        step = "Nothing was changed. To update without the tasks: --skip-tasks"
        raise MlopsError(f"A task of the template failed ({error.returncode}): {error.cmd}", step) from None
    finally:
        os.dup2(printed, 1)
        os.close(printed)
        _operation.reset(operation)


def _refuse_outside(source: Path, worker: Worker) -> None:
    """Raise for a symlink that would copy a file of this machine into the project, as copier does."""
    if worker.template.preserve_symlinks or source.resolve().is_relative_to(worker.template.local_abspath.resolve()):
        return
    raise MlopsError(f"The template reads outside of itself: {source.name} is a symlink.", "Do not use it.")


def guard() -> None:
    """Hold copier's own writing in this process to the rule of `Tree`: what it renders is checked first."""
    write = Worker._render_template

    def guarded(self: Worker) -> None:
        try:
            tree, _ = render_tree(self)
        except MlopsError as error:
            raise copier_errors.UserMessageError(str(error)) from None
        for path in tree.files:
            if is_below_link(self.subproject.local_abspath, path):
                raise copier_errors.UserMessageError(f"The template would write {str(path)!r} through a symlink.")
        write(self)

    Worker._render_template = guarded  # type: ignore[method-assign]


def _targets(worker: Worker, path: Path) -> list[tuple[Path, dict[str, Any] | None]]:
    """Where a template's file goes: a name without braces needs no rendering."""
    suffix = worker.template.templates_suffix
    if not suffix and "{" not in str(path):
        return [(path, None)]
    return list(worker._render_path(path))


def _entry(worker: Worker, source: Path, context: dict[str, Any]) -> Entry:
    """One file's content, rendered as copier does."""
    if source.is_symlink() and worker.template.preserve_symlinks:
        target = str(source.readlink())
        suffixed = source.name.endswith(worker.template.templates_suffix)
        return Entry((worker._render_string(target) if suffixed else target).encode(), symlink=True)
    raw = source.read_bytes()
    executable = bool(source.stat().st_mode & stat.S_IXUSR)
    if not source.name.endswith(worker.template.templates_suffix) or _is_plain(worker, raw):
        return Entry(raw, executable)
    name = source.relative_to(worker.template.local_abspath).as_posix()
    try:
        text = worker.jinja_env.get_template(name).render(**worker._render_context(), **context)
    except UnicodeDecodeError:
        return Entry(raw, executable)
    return Entry(text.encode(), executable)


def _is_plain(worker: Worker, raw: bytes) -> bool:
    """Whether Jinja would give the same bytes back: no delimiter in it, no line ending that it would change."""
    env = worker.jinja_env
    marks = (env.block_start_string, env.variable_start_string, env.comment_start_string)
    lines = env.line_statement_prefix or env.line_comment_prefix
    return b"\r" not in raw and not lines and not any(mark.encode() in raw for mark in marks)


@contextmanager
def _translated() -> Iterator[None]:
    """Copier's errors as ours, and its warnings kept quiet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except (copier_errors.CopierAnswersInterrupt, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        except copier_errors.UnsafeTemplateError as error:
            raise Untrusted(_first_line(error), TRUST) from None
        except copier_errors.InteractiveSessionError:
            raise MlopsError(
                "The questions need a terminal.", "Take the defaults of those that are left: --defaults"
            ) from None
        except copier_errors.TaskError:
            raise
        except (copier_errors.UserMessageError, copier_errors.CopierError, TemplateError) as error:
            raise MlopsError(f"The template does not render: {_first_line(error)}.") from None
        except (ValueError, TypeError, AttributeError) as error:
            question = _question_of(error)
            raise MlopsError((f"{question}: " if question else "") + _first_line(error)) from None


def _question_of(error: BaseException) -> str:
    """The question that was being answered, where the error itself does not name one."""
    if str(error).startswith("Validation error for question"):
        return ""
    locals_of_frames = (frame.f_locals.get("self") for frame, _ in walk_tb(error.__traceback__))
    return next((found.var_name for found in locals_of_frames if isinstance(found, Question)), "")


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return text.removeprefix("Validation error for question ").rstrip(".") + ("" if text.endswith(":") else ".")
