"""The pages of the site that the project writes itself say what is so, and so do the cards."""

from pathlib import Path

import pytest
from mlops_kit.contract import Contract
from mlops_kit.delivery import docs
from mlops_kit.ground import Project, params, using
from mlops_kit.models import Champion, write_champion
from mlops_kit.registry import cards

from tests.conftest import git
from tests.kit.kinds import kinds
from tests.kit.projects import copied, write

CHAMPION = """\
version: {version}
model: 0a1b2c3d4e5f.dir
data: 1122334455667788.dir
commit: 99aabbccddeeff00
prediction_sha256: 5e6f
metrics:
  {metric}: 0.9{version}
"""


@kinds("grades", "prices", "quoted")
def test_every_page_is_written(project: Project, contract: Contract, tmp_path: Path) -> None:
    here = copied(project, tmp_path, "contract.yaml", "params.yaml")
    write(here.root / "README.md", "See [why](docs/why.md).\n")
    with using(here):
        written = docs.pages()
    assert written.keys() == {"README.md", "MODEL_CARD.md", "DATA_CARD.md", "CHAMPIONS.md"}
    assert written["README.md"] == "See [why](../why.md).\n"
    for column in contract.columns:
        assert f"| `{column.name}` |".replace("\n", " ") in written["DATA_CARD.md"]


def test_where_the_site_cannot_be_built_its_pages_are_written_and_the_reason_is_told(
    project: Project, tmp_path: Path
) -> None:
    here = copied(project, tmp_path, "contract.yaml", "params.yaml")  # and no zensical.toml
    with (
        using(here),
        pytest.raises(SystemExit, match=r"zensical.*\nThe site is not built: fix that, then run it again\."),
    ):
        docs.main()
    assert (here.root / "docs/project/MODEL_CARD.md").read_text(encoding="utf-8").startswith("# Model card: plain\n")


def test_without_a_champion_the_card_says_what_to_run(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "There is no champion yet: uv run poe repro" in docs.pages()["MODEL_CARD.md"]
    monkeypatch.setattr("sys.argv", ["cards"])
    with pytest.raises(SystemExit, match=r"^There is no champion yet: uv run poe repro"):
        cards.main()


def test_the_card_of_a_champion_says_where_it_comes_from(project: Project, contract: Contract, tmp_path: Path) -> None:
    with using(copied(project, tmp_path, "contract.yaml", "params.yaml")):
        champion = Champion(3, "m.dir", "d.dir", "c" * 40, "", {"accuracy": 0.75}, retired="unfair")
        write_champion(champion)
        card = docs.pages()["MODEL_CARD.md"]
    for words in ("Version 3 predicts `side`", "nothing may use it: unfair", "c" * 12, "| accuracy | 0.7500 | n/a |"):
        assert words in card


def test_every_champion_that_was_committed_is_shown(project: Project, tmp_path: Path) -> None:
    metric = params()["evaluate"]["primary"]
    with using(copied(project, tmp_path, "params.yaml")):
        assert "No champion was committed yet." in list(docs.champions())
        git("init", "--quiet", cwd=tmp_path)
        for version, why in ((1, "the first"), (2, "less <noise>")):
            text = CHAMPION.format(version=version, metric=metric) + ("retired: unfair\n" if version == 2 else "")
            write(tmp_path / "champion.yaml", text)
            git("add", ".", cwd=tmp_path)
            git("commit", "--quiet", "--message", why, cwd=tmp_path)
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
