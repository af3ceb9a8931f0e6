"""Reports: the same lines for people, safe to open, whatever a project is called."""

import pytest
from mlops_scaffold.fleet.line import Line
from mlops_scaffold.fleet.reporting import text_in
from mlops_scaffold.ground.errors import MlopsError

LINES = [
    Line("ml/a", state="proposed", older="v1", newer="v2", request={"url": "https://git.example.com/1", "number": 1}),
    Line("ml/<b>|", path="svc", state="error", error="<script>alert(1)</script>"),
    Line("ml/c", request={"url": "javascript:alert(1)", "number": 3}),
]


def test_markdown_and_html_say_what_status_says() -> None:
    page = text_in("html", LINES)
    assert '<a href="https://git.example.com/1">#1</a>' in page
    assert "3 projects: 1 current, 1 error, 1 proposed." in page
    assert "<script" not in page
    assert "javascript:" not in page
    table = text_in("md", LINES)
    assert "| ml/a | v1 -> v2 | proposed | [#1](https://git.example.com/1) |" in table
    assert "ml/\\<b>\\|: svc" in table
    assert "\\<script>" in table
    assert len(text_in("json", LINES).splitlines()) == 3


def test_a_format_that_there_is_not_is_named() -> None:
    with pytest.raises(MlopsError, match="There is no format 'pdf'"):
        text_in("pdf", LINES)
