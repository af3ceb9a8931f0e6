"""The documentation site: your pages in docs/, and beside them what the project says of itself, built into site/.

    uv run poe docs                   writes docs/project/ anew and builds the site; a dead link ends it
    uv run poe docs-serve             and shows it on http://127.0.0.1:8090; a change in docs/ shows at once

Nothing is fetched, and nothing of the package is run for it: the code is read, as are champion.yaml and its history.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from mlops_kit.contract import Contract, load
from mlops_kit.ground import KitError, command, output_of, params, project, run
from mlops_kit.models import read_champion
from mlops_kit.registry.cards import NO_CHAMPION, data_card, model_card
from mlops_kit.registry.evidence import table

COPIED = ("README.md", "ONBOARDING.md", "CONTRIBUTING.md", "SECURITY.md")
SHORT = 8  # characters of a hash that are shown


def folder() -> Path:
    """Where the pages are written; git ignores it."""
    return project().root / "docs/project"


def pages() -> dict[str, str]:
    """Every page that is written anew, by its name. Raises ContractError."""
    contract = load()
    copied = {
        name: (project().root / name).read_text(encoding="utf-8") for name in COPIED if (project().root / name).exists()
    }
    made = {"MODEL_CARD.md": model_page(contract), "DATA_CARD.md": data_card(contract), "CHAMPIONS.md": champions()}
    return {
        **{name: moved(text) for name, text in copied.items()},
        **{name: "\n\n".join(parts) + "\n" for name, parts in made.items()},
    }


def moved(text: str) -> str:
    """A page of the project's root as it is in docs/project/: links to pages lead there, other files are only named."""

    def link(found: re.Match[str]) -> str:
        picture, words, path, rest = found.groups()
        if path.startswith("docs/"):
            return f"{picture}[{words}](../{path.removeprefix('docs/')}{rest})"
        return found[0] if path in COPIED else words

    return re.sub(r"(!?)\[([^\]]*)\]\((?!\w+:|#|/)(?:\./)?([^)#\s]+)([^)]*)\)", link, text)


def model_page(contract: Contract) -> Iterator[str]:
    """The card of the champion; a sentence where there is none."""
    champion = read_champion()
    yield from model_card(champion, contract) if champion else (f"# Model card: {project().name}", NO_CHAMPION)


def champions() -> Iterator[str]:
    """Every champion that was committed, the newest first: the history of champion.yaml, which every clone has."""
    primary = params()["evaluate"]["primary"]
    yield f"# Champions of {project().name}"
    rows = []
    for line in output_of("git", "log", "--format=%H %cs %s", "--", "champion.yaml").splitlines():
        commit, day, subject = line.split(" ", 2)
        one = yaml.safe_load(output_of("git", "show", f"{commit}:./champion.yaml"))
        if one:
            value, why = one["metrics"].get(primary), one.get("retired", "")
            said = f"{subject} (retired: {why})" if why else subject
            shown = "n/a" if value is None else f"{value:.4f}"
            hashes = [f"`{one[name][:SHORT] or 'none'}`" for name in ("data", "commit")]
            rows.append([day, str(one["version"]), shown, *hashes, html.escape(said)])
    if rows:
        yield "As they were committed; `uv run poe status` has every version and every move."
        yield table(["day", "version", primary, "data", "code", "what was said"], rows)
    else:
        yield "No champion was committed yet."


@command
def main() -> None:
    """Write the pages and build the site; one sentence where that cannot be."""
    written = pages()
    folder().mkdir(parents=True, exist_ok=True)
    for name, text in written.items():
        (folder() / name).write_text(text, encoding="utf-8")
    # https://zensical.org: below what it finds wrong is its own traceback, which says nothing more.
    done = run(sys.executable, "-m", "zensical", "build", "--clean", "--strict", check=False)
    if done.returncode:
        found, _, traceback = done.stderr.partition("Traceback (most recent call last)")
        raise KitError(f"{found or traceback}The site is not built: fix that, then run it again.")
    print("site/index.html is written")


if __name__ == "__main__":
    main()
