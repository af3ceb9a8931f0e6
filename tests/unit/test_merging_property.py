"""Whatever two sides make of a file: a merge that is let through has every entry of both, once.

Every value is a word of its own. So the text of the result tells what was lost or doubled, without any parser.
"""

import re
import tempfile
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mlops_scaffold.merging.resolve import Resolution, Texts, resolve
from mlops_scaffold.merging.settle import merge_file

Section = dict[str, "str | list[str]"]
Data = dict[str, Section]
Writer = Callable[[Data], str]

SECTIONS, KEYS = ("alpha", "beta", "gamma", "delta"), ("one", "two", "three", "four", "five")


def git_merge(sides: Texts) -> str:
    """What `git merge-file` makes of three texts."""
    with tempfile.TemporaryDirectory() as folder:
        return merge_file(Path(folder), sides)


# --- files, and how they are edited ----------------------------------------------------------------------------------


@st.composite
def documents(draw: st.DrawFn) -> Data:
    """Some sections with values and lists, each with a word of its own."""
    data: Data = {}
    for section in draw(st.lists(st.sampled_from(SECTIONS), min_size=1, max_size=3, unique=True)):
        data[section] = {}
        for key in draw(st.lists(st.sampled_from(KEYS), min_size=1, unique=True)):
            word = f"{section}_{key}"
            size = draw(st.integers(0, 4))
            data[section][key] = word if size < 2 else [f"{word}_{number}" for number in range(size)]
    return data


@st.composite
def edited(draw: st.DrawFn, base: Data, side: str) -> Data:
    """A file after some edits: entries changed, added, removed and moved."""
    data = deepcopy(base)
    for number in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(("change", "add", "add", "remove", "item", "item", "move", "section")))
        edit(draw, data, kind, draw(st.sampled_from((f"{side}{number}", f"same{number}"))))
    return data


def edit(draw: st.DrawFn, data: Data, kind: str, word: str) -> None:
    """One edit, where the file has something to make it on."""
    sections = sorted(name for name in data if data[name])
    if kind == "section" or not sections:
        name = draw(st.sampled_from(SECTIONS))
        data.pop(name) if name in data else data.update({name: {"one": f"{word}_{name}"}})
        return
    name = draw(st.sampled_from(sections))
    section, word = data[name], f"{word}_{name}"
    key = draw(st.sampled_from(sorted(section)))
    value = section[key]
    if kind == "add":
        new = draw(st.sampled_from(KEYS))
        section.setdefault(new, f"{word}_{new}")
    elif kind == "remove":
        del section[key]
    elif kind == "move":
        section[key] = section.pop(key)
    elif kind == "item" and isinstance(value, list):
        at = draw(st.integers(0, len(value)))
        value.insert(at, f"{word}_{key}") if at % 2 or not value else value.pop(at - 1)
    else:
        section[key] = f"{word}_{key}"


# --- how each format has it ------------------------------------------------------------------------------------------


def toml(data: Data) -> str:
    """A table a section."""
    lines = []
    for name, section in data.items():
        lines += [f"[{name}]"]
        for key, value in section.items():
            lines += (
                [f'{key} = ["' + '", "'.join(value) + '"]' if value else f"{key} = []"]
                if isinstance(value, list)
                else [f'{key} = "{value}"']
            )
        lines.append("")
    return "\n".join(lines)


def yaml(data: Data) -> str:
    """A mapping a section."""
    lines = []
    for name, section in data.items():
        lines.append(f"{name}:" if section else f"{name}: {{}}")
        for key, value in section.items():
            if isinstance(value, list) and value:
                lines += [f"  {key}:", *(f"    - {item}" for item in value)]
            else:
                lines.append(f"  {key}: {value}")
    return "\n".join(lines) + "\n"


def python(data: Data) -> str:
    """A class a section; a value is an attribute, a list a method with a statement an item."""
    lines = ["import os", ""]
    for name, section in data.items():
        lines += ["", f"class {name}:", f'    """{name.upper()}."""']
        for key, value in section.items():
            if isinstance(value, list):
                lines += ["", f"    def {key}(self):", f'        """{key.upper()}."""']
                lines += [f"        {item}()" for item in value]
            else:
                lines.append(f'    {key} = "{value}"')
        lines.append("")
    return "\n".join(lines)


# --- what must hold --------------------------------------------------------------------------------------------------


def words(data: Data) -> set[str]:
    """Every value, and every entry of a list."""
    values = (value for section in data.values() for value in section.values())
    return {word for value in values for word in (value if isinstance(value, list) else [value])}


def wanted(base: Data, ours: Data, theirs: Data) -> dict[str, int]:
    """How often each word must be in the merge."""
    sides = [words(data) for data in (base, ours, theirs)]
    counts = {}
    for word in set.union(*sides):
        before, mine, other = (word in side for side in sides)
        counts[word] = int(mine if mine == other or other == before else other)
    return counts


def contradict(base: Data, ours: Data, theirs: Data) -> bool:
    """Whether one side gave a value something new, and the other something else, or took it away."""
    for section in {*base, *ours, *theirs}:
        for key in KEYS:
            values = [data.get(section, {}).get(key) for data in (base, ours, theirs)]
            if values[1] == values[2] or values[0] in values[1:] or all(isinstance(one, list) for one in values):
                continue
            before, mine, other = ({one} if isinstance(one, str) else set(one or ()) for one in values)
            if (mine - before and (other - before or not other)) or (other - before and not mine):
                return True
    return False


def check(file: str, write: Writer, base: Data, ours: Data, theirs: Data) -> Resolution | None:
    """Merge, and look at what was let through."""
    texts = write(base), write(ours), write(theirs)
    found = resolve(file, texts, git_merge)
    if found is None or not found.settled:
        return None
    for word, count in wanted(base, ours, theirs).items():
        times = len(re.findall(rf"\b{word}\b", found.text))
        assert times == count, f"{word}: {times} times, not {count}\n{found.rule}\n" + "\n---\n".join(
            (*texts, found.text)
        )
    assert not contradict(base, ours, theirs), "\n---\n".join((*texts, found.text))
    return found


FORMATS = {"a.toml": toml, "a.yaml": yaml, "a.py": python}


def run(file: str, pairs: int) -> int:
    """Try so many pairs of edits. Gives back how many merges were let through."""
    let_through = 0

    @settings(
        max_examples=pairs,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def pair(data: st.DataObject) -> None:
        nonlocal let_through
        base = data.draw(documents())
        ours, theirs = data.draw(edited(base, "ours")), data.draw(edited(base, "theirs"))
        let_through += check(file, FORMATS[file], base, ours, theirs) is not None

    pair()
    return let_through


@pytest.mark.parametrize("file", FORMATS)
def test_no_merge_that_is_let_through_has_lost_or_doubled_an_entry(file: str) -> None:
    assert run(file, 60) > 10, "the test says nothing where hardly anything is merged"


@pytest.mark.soak
@pytest.mark.parametrize("file", FORMATS)
def test_nor_does_any_of_ten_thousand(file: str) -> None:
    assert run(file, 3_400) > 1_000
