"""The pages of the site that the project writes itself say what is so."""

import subprocess
from pathlib import Path

import pytest

from {{ package_name }} import docs, tracking

CHAMPION = """\
version: {version}
model: 0a1b2c3d4e5f.dir
data: 1122334455667788.dir
commit: 99aabbccddeeff00
prediction_sha256: 5e6f
metrics:
  {metric}: 0.9{version}
"""


def test_every_page_is_written() -> None:
    written = docs.pages()
    assert {"README.md", "MODEL_CARD.md", "DATA_CARD.md", "CHAMPIONS.md"} <= set(written)
    for column in docs.load().columns:
        assert f"| `{column.name}` |" in written["DATA_CARD.md"]


def test_without_a_champion_the_card_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "CHAMPION_FILE", tmp_path / "champion.yaml")
    assert "There is no champion yet: uv run poe repro" in docs.pages()["MODEL_CARD.md"]


def test_every_champion_that_was_committed_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metric = docs.params()["evaluate"]["primary"]
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    monkeypatch.setattr(docs, "params", lambda: dict(evaluate=dict(primary=metric)))
    assert "No champion was committed yet." in list(docs.champions())
    who = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    for version, why in ((1, "the first"), (2, "less <noise>")):
        text = CHAMPION.format(version=version, metric=metric) + ("retired: unfair\n" if version == 2 else "")
        (tmp_path / "champion.yaml").write_text(text, encoding="utf-8")
        subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
        subprocess.run(["git", *who, "commit", "-q", "--no-verify", "-m", why], cwd=tmp_path, check=True)
    newest, first = list(docs.champions())[-1].splitlines()[2:]
    assert "| 2 | 0.9200 | `11223344` | `99aabbcc` | less &lt;noise&gt; (retired: unfair) |" in newest
    assert "| 1 | 0.9100 |" in first


@pytest.mark.parametrize(
    ("link", "becomes"),
    [
        ("[first day](ONBOARDING.md#the-first-change)", "[first day](ONBOARDING.md#the-first-change)"),
        ("[why](docs/why.md#costs)", "[why](../why.md#costs)"),
        ("![a picture](./docs/picture.png)", "![a picture](../picture.png)"),
        ("[the gates](params.yaml)", "the gates"),
        ("[uv](https://docs.astral.sh/uv/)", "[uv](https://docs.astral.sh/uv/)"),
        ("[below](#start)", "[below](#start)"),
    ],
)
def test_a_link_leads_where_it_led(link: str, becomes: str) -> None:
    assert docs.moved(f"See {link}.") == f"See {becomes}."
