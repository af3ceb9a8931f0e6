"""Rendering a plain template: see plain_template. Held to copier's result, byte for byte, by tests/render."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from jinja2 import TemplateError

from mlops_scaffold.ground.tree import Entry, Tree
from mlops_scaffold.rendering.asked import Asked, Rendered, copiers_matcher
from mlops_scaffold.rendering.plain_answers import answer
from mlops_scaffold.rendering.plain_template import NotPlain, PlainTemplate, Source, open_template
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
    if not root.is_relative_to(template.top):
        raise NotPlain("subdirectory")
    patterns = [template.text(pattern, context) for pattern in template.exclude]
    excluded = _matcher(tuple(line for pattern in patterns for line in pattern.splitlines()))
    found: dict[PurePosixPath, Entry] = {}
    sources: dict[PurePosixPath, str] = {}
    for source in template.sources(root):
        target = _target(template, root, source.path, context, answers_path)
        if target is None or excluded(str(target)):
            continue
        if target in found:
            raise NotPlain("two files of one name")
        found[target] = _entry(template, source, context)
        sources[target] = source.name
    return found, sources


@lru_cache(maxsize=64)
def _matcher(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Whether a path matches; the answers to it are kept, as most projects leave out the same."""
    return lru_cache(maxsize=4096)(copiers_matcher(patterns))


def _target(
    template: PlainTemplate, root: Path, source: PurePosixPath, context: Mapping[str, Any], answers_path: str
) -> PurePosixPath | None:
    """Where a file goes; None where its name, or another file, says that it does not."""
    suffix = template.suffix
    if not suffix and template.is_plain_text(str(source)) and answers_path not in source.parts:
        return source
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


def _entry(template: PlainTemplate, source: Source, context: Mapping[str, Any]) -> Entry:
    if not source.is_template:
        return source.entry
    return Entry(template.env.get_template(source.name).render(context).encode(), source.entry.executable)
