"""Fuzzing: inputs of tests/corpus are tried by every run, thousands of new ones by `make test-soak`.

What a soak run finds goes into the corpus, so that it is found at once from then on.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CORPUS = Path(__file__).parent / "corpus"
Check = Callable[[bytes], None]


def corpus(name: str) -> list[bytes]:
    """The kept inputs of a kind: JSON strings, a character for each byte."""
    return [text.encode("latin-1") for text in json.loads((CORPUS / f"{name}.json").read_text(encoding="utf-8"))]


def mixed(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Inputs that look like some known ones: cut, joined, repeated, with anything in between."""

    def cut(seed: bytes, begin: int, end: int) -> bytes:
        return seed[begin % (len(seed) + 1) :][: end % (len(seed) + 1)]

    pieces = st.builds(cut, st.sampled_from(seeds), st.integers(0, 10_000), st.integers(0, 10_000))
    repeated = st.builds(lambda piece, times: piece * times, st.binary(min_size=1, max_size=3), st.integers(1, 500))
    return st.lists(st.sampled_from(seeds) | pieces | st.binary(max_size=8) | repeated, max_size=5).map(b"".join)


def try_new(name: str, check: Check, examples: int, seeded: bool = False) -> None:
    """Have a check see inputs that are made from the corpus; the same ones each time where they are `seeded`."""
    run = settings(
        max_examples=examples, deadline=None, derandomize=seeded, database=None, suppress_health_check=list(HealthCheck)
    )
    run(given(raw=mixed(corpus(name)))(lambda raw: check(raw)))()
