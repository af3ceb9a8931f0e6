"""A template that needs nothing of copier's own: its configuration, its Jinja environment.

Importing copier and its questionnaire takes longer than all that we do with most templates. So what is plain is done
here, by the same rules; whatever is not plain raises NotPlain, and copier does it.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined, Template, Undefined
from jinja2.loaders import FileSystemLoader
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.settings import load_yaml
from mlops_scaffold.ground.tree import Entry
from mlops_scaffold.sources.source import Version

COPIER = (9, 19)  # the version whose rules are followed here
# copier's own, for templates without a subdirectory
DEFAULT_EXCLUDE = ("copier.yaml", "copier.yml", "~*", "*.py[co]", "__pycache__", ".git", ".DS_Store", ".svn")
FOREIGN = ("_copier_python", "_copier_phase", "_copier_operation", "_external_data", "now", "make_secret")
MARKS = ("{{", "{%", "{#", "\r")
# Filters that bring something of this machine into a rendering: its variables, folders and files.
OF_MACHINE = ("expanduser", "expandvars", "fileglob", "realpath")
# What only copier can do, or must refuse.
CONFIG_OF_COPIER = {"jinja_extensions", "external_data", "preserve_symlinks", "secret_questions"}


class NotPlain(Exception):
    """Something in the template, or wrong with it, that is copier's to handle."""


class _Context(Context):
    """Names that only copier knows are no names here."""

    def resolve_or_missing(self, key: str) -> Any:
        found = super().resolve_or_missing(key)
        if key in FOREIGN and key not in self.parent and key not in self.vars:
            raise NotPlain(key)
        return found


class _Environment(SandboxedEnvironment):
    """Nothing of a path is handed out: copier decides what is safe of it."""

    context_class = _Context

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, PurePath):
            raise NotPlain(attr)
        return super().is_safe_attribute(obj, attr, value)


class _Loader(FileSystemLoader):
    """What a template includes is in the template, wherever its symlinks lead."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """A file of the template. Raises MlopsError for one that is elsewhere."""
        found = super().get_source(environment, template)
        if not Path(found[1]).resolve().is_relative_to(self.searchpath[0]):
            raise MlopsError(f"The template reads outside of itself: {template} is a symlink.", "Do not use it.")
        return found


class Conf(dict[str, Any]):
    """`_copier_conf`: what most templates read of it."""

    def __missing__(self, key: str) -> Any:
        raise NotPlain(key)


@dataclass(frozen=True)
class PlainTemplate:
    """One version of a template, compiled once for all its renderings."""

    version: Version

    @cached_property
    def raw(self) -> dict[str, Any]:
        """copier.yml. Raises NotPlain for several documents, includes, or none at all."""
        found = self.version.folder.glob("copier.*")
        paths = [path for path in found if path.is_file() and re.match(r"\.ya?ml", path.suffix, re.IGNORECASE)]
        if len(paths) != 1:
            raise NotPlain("copier.yml")
        if not paths[0].resolve().is_relative_to(self.version.folder.resolve()):
            raise MlopsError(f"The template reads outside of itself: {paths[0].name} is a symlink.", "Do not use it.")
        try:
            loaded = load_yaml(paths[0].read_text(encoding="utf-8"))
        except (yaml.scanner.ScannerError, yaml.parser.ParserError) as error:
            where = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
            sentence = f"The template's {paths[0].name} is no YAML: {error.problem}{where}."
            raise MlopsError(sentence, "Ask who maintains the template.") from None
        except yaml.YAMLError as error:
            raise NotPlain("copier.yml") from error
        except (ValueError, LookupError, AttributeError) as error:  # see parse_mapping
            sentence = f"The template's {paths[0].name} cannot be read: {error}."
            raise MlopsError(sentence, "Ask who maintains the template.") from None
        if not isinstance(loaded, dict) or not all(isinstance(key, str) for key in loaded):
            raise NotPlain("copier.yml")
        return loaded

    @cached_property
    def config(self) -> dict[str, Any]:
        """The settings, without their underscore."""
        found = {key[1:]: value for key, value in self.raw.items() if key.startswith("_")}
        needed = str(found.get("min_copier_version", "0"))
        if CONFIG_OF_COPIER & set(found) or not re.fullmatch(r"[0-9.]+", needed):
            raise NotPlain("settings")
        if tuple(int(part) for part in needed.split(".")[:2]) > COPIER or Path(copier_settings()).is_file():
            raise NotPlain("settings")
        return found

    @cached_property
    def questions(self) -> dict[str, dict[str, Any]]:
        """The questions, each as a mapping of its details."""
        found = {key: value for key, value in self.raw.items() if not key.startswith("_")}
        return {key: value if isinstance(value, dict) else {"default": value} for key, value in found.items()}

    @property
    def suffix(self) -> str:
        """What the names of templates end in."""
        return str(self.config.get("templates_suffix", ".jinja"))

    @property
    def exclude(self) -> tuple[str, ...]:
        """Patterns to leave out, not rendered yet."""
        subdirectory = Path(self.config.get("subdirectory", ""))
        return tuple(self.config.get("exclude", DEFAULT_EXCLUDE if subdirectory == Path() else ()))

    @cached_property
    def env(self) -> SandboxedEnvironment:
        """Jinja as the template wants it."""
        from jinja2_ansible_filters import AnsibleCoreFiltersExtension

        options = {"keep_trailing_newline": True, **self.config.get("envops", {})}
        kinds = {"jinja2.Undefined": Undefined, "jinja2.StrictUndefined": StrictUndefined}
        if "undefined" in options:
            options["undefined"] = kinds.get(options["undefined"]) or _not_plain("undefined")
        loader = _Loader(str(self.version.folder.resolve()))
        env = _Environment(loader=loader, extensions=[AnsibleCoreFiltersExtension], auto_reload=False, **options)
        env.globals["pathjoin"] = _pathjoin
        env.filters |= dict.fromkeys(OF_MACHINE, _of_machine)
        return env

    @cached_property
    def marks(self) -> tuple[str, ...]:
        """A text without any of these is what Jinja gives back as it is; the empty one is in every text."""
        options = {"keep_trailing_newline": True, **self.config.get("envops", {})}
        usual = {"undefined", "keep_trailing_newline", "trim_blocks", "lstrip_blocks"}
        return MARKS if options["keep_trailing_newline"] and not set(options) - usual else ("",)

    def is_plain_text(self, text: str) -> bool:
        """Whether Jinja would give a text back as it is."""
        return not any(mark in text for mark in self.marks)

    @cached_property
    def _compiled(self) -> dict[str, Template]:
        return {}

    def text(self, source: str, context: Mapping[str, Any]) -> str:
        """A string, rendered."""
        if self.is_plain_text(source):
            return source
        if source not in self._compiled:
            self._compiled[source] = self.env.from_string(source)
        return self._compiled[source].render(context)

    def value(self, source: Any, context: Mapping[str, Any]) -> Any:
        """A value of copier.yml, rendered where it is a string or a list of them."""
        if isinstance(source, str):
            return self.text(source, context)
        return [self.value(item, context) for item in source] if isinstance(source, list) else source

    @cached_property
    def top(self) -> Path:
        """The folder of the version, without links."""
        return self.version.folder.resolve()

    @cached_property
    def _read(self) -> dict[Path, "list[Source]"]:
        return {}

    def sources(self, root: Path) -> "list[Source]":
        """The template's files in a folder, read once. Raises NotPlain for a symlink: copier knows which to follow."""
        if root not in self._read:
            self._read[root] = [Source(self, root, path) for path in self.walk(root)]
        return self._read[root]

    def walk(self, root: Path) -> Iterator[PurePosixPath]:
        """The paths of the template's files in a folder."""
        for folder, folders, names in os.walk(root):
            for name in (*folders, *names):
                if Path(folder, name).is_symlink():
                    raise NotPlain("symlink")
            for name in names:
                yield PurePosixPath(Path(folder, name).relative_to(root).as_posix())


@dataclass(frozen=True)
class Source:
    """A file of a template."""

    template: PlainTemplate
    root: Path
    path: PurePosixPath

    @cached_property
    def name(self) -> str:
        """Its path in the template's repository."""
        return (self.root / self.path).relative_to(self.template.top).as_posix()

    @cached_property
    def entry(self) -> Entry:
        """What it holds."""
        file = self.root / self.path
        return Entry(file.read_bytes(), bool(file.stat().st_mode & stat.S_IXUSR))

    @cached_property
    def is_template(self) -> bool:
        """Whether Jinja makes anything else of it. Raises UnicodeDecodeError where it is to, and it is no text."""
        suffix = self.template.suffix
        if not self.path.name.endswith(suffix):
            return False
        try:
            return not self.template.is_plain_text(self.entry.content.decode())
        except UnicodeDecodeError:
            if suffix:
                raise
            return False


@lru_cache(maxsize=32)
def open_template(version: Version) -> PlainTemplate:
    """A version's template; the same object for the same version, as it keeps what it compiled."""
    return PlainTemplate(version)


def copier_settings() -> str:
    """The user's settings for copier: where there are any, copier reads them."""
    import platformdirs

    return os.environ.get("COPIER_SETTINGS_PATH") or str(
        platformdirs.user_config_path("copier", appauthor=False) / "settings.yml"
    )


def _pathjoin(*path: str, mode: str = "posix") -> str:
    return str(PurePosixPath(*path)) if mode == "posix" else _not_plain(mode)


def _of_machine(*_: object, **__: object) -> Any:
    raise NotPlain("a filter that reads this machine")


def _not_plain(what: object) -> Any:
    raise NotPlain(str(what))
