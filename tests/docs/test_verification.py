"""docs/verification.md is true: every component is in it, and every test that it names exists."""

import re

from mlops_scaffold.sources import catalog

from tests.conftest import ROOT

PAGE = (ROOT / "docs/verification.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([\w-]+) \| (L[1-4]) \| `([\w/.]+)::(\w+)` \|$", PAGE, re.MULTILINE)


def test_every_component_has_a_level() -> None:
    assert [row[0] for row in ROWS] == [component.name for component in catalog.components(ROOT)]


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`(tests/[^`:]+)::(\w+)`", PAGE)
    assert len(named) >= len(ROWS)
    for file, test in named:
        assert re.search(rf"^def {test}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), test


def test_every_link_of_the_documents_leads_somewhere() -> None:
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
            assert link.startswith("https://") or (path.parent / link).exists(), f"{path.name}: {link}"
