"""The stand-ins of the hosts take and give what GitHub and GitLab document, and nothing else."""

from collections.abc import Callable, Mapping

import pytest

from tests.fleet.documents import Document

GITHUB, GITLAB = Document("github"), Document("gitlab")
PULLS, REPOSITORY = "/repos/ml/one/pulls", "/repos/ml/one"
REQUESTS, PROJECT = "/projects/ml%2Fone/merge_requests", "/projects/ml%2Fone"
NEW = {"title": "t", "head": "b", "base": "main"}


def asked(document: Document, method: str, path: str, query: dict[str, str], content: Mapping[str, object]) -> None:
    """A request."""
    document.request(document.call(method, path), query, dict(content))


def answered(document: Document, method: str, path: str, code: int, content: object) -> object:
    """An answer."""
    return document.answer(document.call(method, path), code, content)


WRONG: dict[str, Callable[[], object]] = {
    "an unknown call": lambda: GITHUB.call("DELETE", PULLS),
    "an unknown address": lambda: GITLAB.call("GET", "/projects/ml%2Fone/pulls"),
    "an unknown query": lambda: asked(GITHUB, "GET", PULLS, {"branch": "b"}, {}),
    "a query that is no number": lambda: asked(GITHUB, "GET", PULLS, {"per_page": "all"}, {}),
    "a query of another value": lambda: asked(GITLAB, "GET", REQUESTS, {"state": "open"}, {}),
    "a query that is missing": lambda: asked(GITLAB, "GET", f"{PROJECT}/repository/files/a.txt", {}, {}),
    "an unknown field": lambda: asked(GITHUB, "POST", PULLS, {}, NEW | {"reviewers": ["x"]}),
    "a field of another type": lambda: asked(GITLAB, "PUT", f"{REQUESTS}/1", {}, {"title": 3}),
    "a field of another value": lambda: asked(GITLAB, "PUT", f"{REQUESTS}/1", {}, {"state_event": "closed"}),
    "a field that is missing": lambda: asked(GITHUB, "POST", PULLS, {}, {"title": "t", "head": "b"}),
    "content where there is none": lambda: asked(GITHUB, "GET", PULLS, {}, NEW),
    "an answer with an unknown field": lambda: answered(GITHUB, "GET", REPOSITORY, 200, {"path_with_namespace": "x"}),
    "an answer of another type": lambda: answered(GITLAB, "GET", PROJECT, 200, {"archived": "no"}),
    "an answer that is no list": lambda: answered(GITLAB, "GET", REQUESTS, 200, {"iid": 1}),
    "an undocumented code": lambda: answered(GITHUB, "POST", PULLS, 202, {}),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_documented_is_a_fault(name: str) -> None:
    with pytest.raises(AssertionError):
        WRONG[name]()


def test_an_answer_has_all_that_is_required() -> None:
    pull = answered(GITHUB, "POST", PULLS, 201, {"number": 7, "head": {"ref": "b", "sha": "1"}})
    assert isinstance(pull, dict)
    assert (pull["number"], pull["head"]["ref"], pull["head"]["repo"]["owner"]["login"]) == (7, "b", "")
