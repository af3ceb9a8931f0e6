"""Files of one entry a line: requirements, and what is ignored."""

import re

from mlops_scaffold.merging.formats import entries
from mlops_scaffold.merging.formats.facts import Facts, comments, numbered
from mlops_scaffold.merging.pieces import Span, Spans, Unfit

ORDERED = False
rest = comments
LINE = re.compile(r"^[^\S\n]*([^#\s][^\n]*)$", re.MULTILINE)


def spans(text: str) -> Spans:
    """The lines that are no comments. Raises Unfit where their order says something."""
    found = list(LINE.finditer(text))
    if any(line[1].startswith("!") or line[1].endswith("\\") for line in found):
        raise Unfit("a line that depends on others")
    return tuple(Span(_key(line[1]), line.start(1), line.start(1) + len(line[1].rstrip())) for line in found)


def facts(text: str) -> Facts:
    """The lines, by what they are about."""
    return numbered(((_key(line[1]),), line[1].strip()) for line in LINE.finditer(text))


def _key(line: str) -> str:
    return entries.key(re.sub(r"\s+#.*", "", line).strip())
