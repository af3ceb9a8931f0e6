"""What the hosts' published OpenAPI documents say of a call: github.json and gitlab.json, of tools/interfaces.py.

GitLab's document says of no field whether it may be null, or that it is always there: null is as if it were not there.
Neither document names the codes of EVERYWHERE at each call.
"""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator

EVERYWHERE = (401, 403, 404, 429)
PLAIN: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False, "array": []}


@dataclass(frozen=True)
class Document:
    """The interface of a host. What does not fit is an AssertionError."""

    kind: str

    @cached_property
    def content(self) -> dict[str, Any]:
        """The extract of the document."""
        return dict(json.loads((Path(__file__).parent / f"{self.kind}.json").read_text(encoding="utf-8")))

    def call(self, method: str, path: str) -> str:
        """The name of a call, by an address that is still quoted."""
        for name in self.content["calls"]:
            pattern = re.sub(r"\\\{(\w+)\\\}", "[^/]+", re.escape(name)).replace("contents/[^/]+", "contents/.+")
            if re.fullmatch(pattern, f"{method} {path}"):
                return str(name)
        raise AssertionError(f"{self.kind} documents no {method} {unquote(path)}")

    def request(self, name: str, query: dict[str, str], content: dict[str, Any]) -> None:
        """Hold a request against the document."""
        call = self.content["calls"][name]
        assert set(call["needed"]) <= set(query) <= set(call["query"]), f"{name}: the query {query}"
        for key, value in query.items():
            self.check(f"{name}: {key}", call["query"][key], typed(value, call["query"][key]))
        if call["content"] is None:
            assert not content, f"{name} has no content: {content}"
        else:
            self.check(name, call["content"], content)

    def answer(self, name: str, code: int, given: Any) -> Any:
        """An answer, with whatever else it must have; held against the document."""
        answers = self.content["calls"][name]["answers"]
        assert str(code) in answers or code in EVERYWHERE, f"{name} documents no answer {code}"
        schema = answers.get(str(code), {})
        whole = self.filled(schema, given)
        self.check(f"{name}: {code}", schema, without_null(whole) if self.kind == "gitlab" else whole)
        return whole

    def check(self, name: str, schema: dict[str, Any], content: Any) -> None:
        """Hold content against a schema."""
        faults = [f"{error.json_path}: {error.message[:200]}" for error in self._against(schema).iter_errors(content)]
        assert not faults, f"{name} is not as {self.kind} documents it: {faults}"

    def _against(self, schema: dict[str, Any]) -> Draft202012Validator:
        return Draft202012Validator({**schema, "schemas": self.content["schemas"]})

    def _named(self, schema: dict[str, Any]) -> dict[str, Any]:
        return self.content["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema

    def filled(self, schema: dict[str, Any], given: Any) -> Any:
        """What is given, with the plainest content for all else that a schema requires."""
        schema = self._named(schema)
        for one in schema.get("anyOf", []) + schema.get("oneOf", []):
            whole = self.filled(one, given)
            if self._against(one).is_valid(whole):
                return whole
        if isinstance(given, list):
            return [self.filled(schema.get("items", {}), one) for one in given]
        if not isinstance(given, dict):
            return given
        fields = schema.get("properties", {})
        whole = {key: self.plain(fields[key]) for key in schema.get("required", ())}
        return whole | {key: self.filled(fields.get(key, {}), value) for key, value in given.items()}

    def plain(self, schema: dict[str, Any]) -> Any:
        """The plainest content that a schema takes."""
        schema = self._named(schema)
        either = schema.get("anyOf", []) + schema.get("oneOf", [])
        if either:
            return None if {"type": "null"} in either else self.plain(either[0])
        if "enum" in schema:
            return schema["enum"][0]
        return self.filled(schema, {}) if schema["type"] == "object" else PLAIN[schema["type"]]


def typed(value: str, schema: dict[str, Any]) -> Any:
    """A value of a query, as its schema names its type."""
    if schema.get("type") == "integer" and value.isdecimal():
        return int(value)
    return {"true": True, "false": False}.get(value, value) if schema.get("type") == "boolean" else value


def without_null(content: Any) -> Any:
    """An answer without the fields that are null."""
    if isinstance(content, list):
        return [without_null(one) for one in content]
    if isinstance(content, dict):
        return {key: without_null(value) for key, value in content.items() if value is not None}
    return content
