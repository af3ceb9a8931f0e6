"""The answers to a template's questions where nobody has to be asked, by copier's rules."""

import json
from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from mlops_scaffold.ground.settings import load_yaml
from mlops_scaffold.rendering.asked import Asked
from mlops_scaffold.rendering.plain_template import Conf, NotPlain, PlainTemplate

MISSING = object()
DETAILS = {"type", "help", "default", "choices", "multiselect", "validator", "when", "ask", "placeholder", "qmark"}
KEPT = (dict, list, str, int, float, bool, type(None))  # the types that an answers file keeps


@dataclass
class Answers:
    """Answers by where they come from; the first of them counts."""

    template: PlainTemplate
    folder_name: str
    asked: Asked
    last: dict[str, Any]
    user: dict[str, Any] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)

    @property
    def combined(self) -> dict[str, Any]:
        """Every answer that is known so far."""
        version = self.template.version
        metadata = {"_src_path": version.source, "_commit": version.name}
        return dict(ChainMap(self.user, {**self.asked.data}, metadata, self.last, {**self.asked.user_defaults}))

    @property
    def remembered(self) -> dict[str, Any]:
        """What the answers file keeps."""
        version = self.template.version
        kept = {
            key: value
            for key, value in self.combined.items()
            if not key.startswith("_") and key not in self.hidden and key in self.template.questions
        }
        if not all(isinstance(value, KEPT) for value in kept.values()):
            raise NotPlain("answers")
        return {"_commit": version.name, "_src_path": version.source, **kept}

    def context(self, answers_path: str | None = None) -> dict[str, Any]:
        """What the template's files can see."""
        conf = Conf(vcs_ref_hash=self.template.version.commit, sep="/")
        if answers_path is not None:
            conf["answers_file"] = answers_path
        return {
            **self.combined,
            "_copier_answers": self.remembered,
            "_copier_conf": conf,
            "_folder_name": self.folder_name,
        }


def answer(template: PlainTemplate, folder_name: str, asked: Asked) -> Answers:
    """Answer all questions. Raises NotPlain where somebody must be asked, or an answer is wrong."""
    answers = Answers(template, folder_name, asked, dict(asked.last))
    for name, details in template.questions.items():
        if set(details) - DETAILS:
            raise NotPlain(name)
        _answer_one(Question(name, details, answers, answers.context()))
    return answers


def _answer_one(question: "Question") -> None:
    answers, name = question.answers, question.name
    if name in answers.last and not question.accepts(answers.last[name]):
        del answers.last[name]
    visible = question.flag("when")
    if not visible:
        answers.hidden.add(name)
        answers.last.pop(name, None)
        if question.default() is MISSING:
            return
    if name in answers.asked.data:
        answers.user[name] = question.checked(answers.asked.data[name])
        return
    ask = question.flag("ask")
    if name in answers.last and (answers.asked.skip_answered or not ask):
        return
    if visible and ask and not answers.asked.defaults:
        raise NotPlain(name)
    found = question.default()
    if found is not MISSING:
        answers.user[name] = found
    elif ask:
        raise NotPlain(name)


@dataclass
class Question:
    """One question, while it is answered."""

    name: str
    details: Mapping[str, Any]
    answers: Answers
    context: dict[str, Any]

    def render(self, value: Any, **more: Any) -> Any:
        """A detail, rendered."""
        return self.answers.template.value(value, {**self.context, **more})

    def flag(self, detail: str) -> bool:
        """A yes or no among the details."""
        return to_bool(self.render(self.details.get(detail, True)))

    def default(self) -> Any:
        """The answer that was given or stands in for one; MISSING where there is none."""
        layers = (self.answers.asked.data, self.answers.last, self.answers.asked.user_defaults)
        for layer in layers:
            if self.name in layer:
                return self.parse(layer[self.name]) if not self.flag("when") else self.checked(layer[self.name])
        if "default" not in self.details:
            return MISSING
        if "UNSET" in str(self.details["default"]):
            raise NotPlain(self.name)
        found = self.render(self.details["default"])
        return self.checked(found) if self.flag("when") else self.parse(found)

    def accepts(self, value: Any) -> bool:
        """Whether a value could be the answer."""
        try:
            self.checked(value)
        except (ValueError, TypeError):
            return False
        return True

    def checked(self, value: Any) -> Any:
        """A value as the question's type, held against its choices and its validator."""
        parsed = self.parse(value)
        if str(self.render(self.details.get("validator", ""), **{self.name: parsed})).strip():
            raise ValueError(self.name)
        return parsed

    def parse(self, value: Any) -> Any:
        """A value as the question's type, one of its choices."""
        if not self.details.get("multiselect"):
            return self._parse_one(value)
        items = yaml_items(value) if isinstance(value, str) else value
        chosen = [self._parse_one(item) for item in items]
        return [choice for choice, _ in self.choices() if choice in chosen]

    def _parse_one(self, value: Any) -> Any:
        found = self.cast(value)
        choices = self.choices()
        if choices and not any(found == choice and not disabled for choice, disabled in choices):
            raise ValueError(self.name)
        return found

    def choices(self) -> list[tuple[Any, str]]:
        """What can be chosen, and why it cannot be."""
        choices = self.details.get("choices", [])
        if isinstance(choices, str):
            choices = load_yaml(self.render(choices))
        return [self._choice(choice) for choice in (choices.items() if isinstance(choices, dict) else choices)]

    def _choice(self, choice: Any) -> tuple[Any, str]:
        value, disabled = choice, ""
        if isinstance(choice, tuple | list):
            _, value = choice
            if isinstance(value, dict):
                disabled = str(self.render(value.get("validator", "")))
                value = value["value"]
        return self.cast(self.render(value)), disabled

    def cast(self, value: Any) -> Any:
        """A value as the question's type."""
        kind = self.kind()
        if kind in ("json", "yaml") and not isinstance(value, str):
            return value
        if value is None:
            raise ValueError(self.name)
        return CASTS[kind](value)

    def kind(self) -> str:
        """The name of the type; by default the default's own, and YAML for what has no name of its own."""
        named = str(self.render(self.details.get("type", "")))
        if named:
            return named if named in CASTS else _unknown(named)
        implied = type(self.details.get("default", MISSING)).__name__
        return implied if implied in CASTS else "yaml"


def _unknown(kind: str) -> str:
    raise NotPlain(kind)


def yaml_items(text: str) -> list[str]:
    """The items of a list in YAML, as raw strings. Raises TypeError where it is none."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.SequenceNode):
        raise TypeError(text)
    items = []
    for item in node.value:
        raw = text[item.start_mark.index : item.end_mark.index].strip()
        quoted = isinstance(item, yaml.ScalarNode) and item.tag == "tag:yaml.org,2002:str"
        items.append(raw[1:-1] if quoted and raw[:1] in "\"'" and raw[:1] == raw[-1:] else raw)
    return items


def to_bool(value: Any) -> bool:
    """Yes or no as copier reads it: numbers first, then YAML's words."""
    try:
        return bool(float(value))
    except (TypeError, ValueError):
        pass
    if not isinstance(value, str):
        return bool(value)
    word = value.strip().lower()
    return word not in {"", "n", "no", "f", "false", "off", "~", "null", "none"}


def to_str(value: Any) -> str:
    """Text, or a number as text. Raises ValueError for anything else."""
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError(value)


CASTS: dict[str, Callable[[Any], Any]] = {
    "bool": to_bool,
    "float": float,
    "int": int,
    "json": json.loads,
    "path": str,
    "str": to_str,
    "yaml": load_yaml,
}
