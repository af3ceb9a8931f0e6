"""Rendering a plain template: see plain_template. Held to copier's result, byte for byte, by tests/render."""

import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from jinja2 import TemplateError

from mlops_scaffold.ground.tree import Entry, Tree
from mlops_scaffold.rendering.asked import Asked, Rendered, copiers_matcher
from mlops_scaffold.rendering.plain_answers import answer
from mlops_scaffold.rendering.plain_template import NotPlain, PlainTemplate, open_template
from mlops_scaffold.sources.source import Version


def render(version: Version, destination: Path, asked: Asked) -> Rendered:
    """All answers and files. Raises NotPlain for whatever copier has to do, or to complain of."""
    try:
        template = open_template(version)
        if template.config.get("tasks") and not (asked.skip_tasks or asked.trust):
            raise NotPlain("tasks")
        answers = answer(template, destination.absolute().name, asked)
        bare = answers.context("")
        answers_path = template.text(str(asked.answers_file or _answers_file(template)), bare)
        context = answers.context(answers_path)
        seeds = tuple(template.text(pattern, context) for pattern in template.config.get("skip_if_exists", ()))
        files, sources = _files(template, context, answers_path)
        return Rendered(answers.combined, Tree(files), Path(answers_path), seeds, sources)
    except (TemplateError, yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        raise NotPlain(str(error)) from error


def _answers_file(template: PlainTemplate) -> str:
    return str(template.config.get("answers_file", ".copier-answers.yml"))


def _files(
    template: PlainTemplate, context: Mapping[str, Any], answers_path: str
) -> tuple[dict[PurePosixPath, Entry], dict[PurePosixPath, str]]:
    """The project's files, and the template's file behind each."""
    root = (template.version.folder / template.text(str(template.config.get("subdirectory", "")), context)).resolve()
    if not root.is_relative_to(template.version.folder.resolve()):
        raise NotPlain("subdirectory")
    patterns = [template.text(pattern, context) for pattern in template.exclude]
    excluded = copiers_matcher(line for pattern in patterns for line in pattern.splitlines())
    found: dict[PurePosixPath, Entry] = {}
    sources: dict[PurePosixPath, str] = {}
    for source in template.walk(root):
        target = _target(template, root, source, context, answers_path)
        if target is None or excluded(str(target)):
            continue
        if target in found:
            raise NotPlain("two files of one name")
        found[target] = _entry(template, root / source, context)
        sources[target] = (root / source).relative_to(template.version.folder.resolve()).as_posix()
    return found, sources


def _target(
    template: PlainTemplate, root: Path, source: PurePosixPath, context: Mapping[str, Any], answers_path: str
) -> PurePosixPath | None:
    """Where a file goes; None where its name, or another file, says that it does not."""
    suffix = template.suffix
    if suffix and (root / f"{source}{suffix}").exists():
        return None
    is_template = source.name.endswith(suffix)
    if suffix and is_template:
        source = source.with_suffix("")
    parts: list[str] = []
    for part in source.parts:
        rendered = template.text(part, context)
        if not rendered:
            return None
        if rendered == answers_path:
            return PurePosixPath(answers_path)
        parts.append(rendered)
    target = PurePosixPath(*parts)
    if not is_template and (template.version.folder / f"{target}{suffix}").exists():
        return None
    return target


def _entry(template: PlainTemplate, source: Path, context: Mapping[str, Any]) -> Entry:
    raw = source.read_bytes()
    executable = bool(source.stat().st_mode & stat.S_IXUSR)
    if not source.name.endswith(template.suffix):
        return Entry(raw, executable)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        if template.suffix:
            raise
        return Entry(raw, executable)
    if template.is_plain_text(text):
        return Entry(raw, executable)
    name = source.relative_to(template.version.folder.resolve()).as_posix()
    return Entry(template.env.get_template(name).render(context).encode(), executable)
