"""Whatever a template changes and whatever a person edits: no line of the person's is ever lost."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mlops_scaffold.applying import taking_back
from mlops_scaffold.vcs.repository import open_repository

from tests.conftest import git
from tests.update.world import commit, make_world, write

NAMES = ("a.txt", "b.txt", "src/c.py", "src/d.py", "e.yml")
OTHERS = ("f.txt", "src/g.py", "a.txt/h", "src", "e.yml~")
ENDS = ("\n", "\r\n")
# Equal lines and equal blocks are what a textual diff gets wrong.
WORDS = ("run: install", "run: test", "", "}", "pass", "x = 1", "line")


@dataclass(frozen=True)
class Text:
    """A file: its lines, how they end, and whether the last one does."""

    lines: tuple[str, ...]
    end: str = "\n"
    closed: bool = True
    executable: bool = False

    def raw(self) -> bytes:
        joined = self.end.join(self.lines)
        return (joined + (self.end if self.closed and self.lines else "")).encode("latin-1")


Tree = dict[str, Text]

words = st.sampled_from(WORDS) | st.integers(0, 30).map("line {}".format) | st.just("caf\xe9")
texts = st.builds(
    Text,
    st.lists(words, max_size=14).map(tuple),
    st.sampled_from(ENDS),
    st.booleans(),
    st.sampled_from([False] * 4 + [True]),
)
trees = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, texts)).filter(bool)


@st.composite
def changed(draw: st.DrawFn, tree: Tree, token: str) -> Tree:
    """A tree after some changes: lines put in, replaced and taken out; files added, renamed, removed, swapped."""
    after, number = dict(tree), 0
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(
            st.sampled_from(["insert", "replace", "delete", "insert", "replace", "add", "remove", "rename", "mode"])
        )
        if kind == "add" or not after:
            name = draw(st.sampled_from((*NAMES, *OTHERS)))
            after[name] = Text((f"{token}{number}", *draw(texts).lines))
            number += 1
            continue
        name = draw(st.sampled_from(sorted(after)))
        file = after[name]
        at = draw(st.integers(0, len(file.lines)))
        if kind == "insert":
            lines = (*file.lines[:at], f"{token}{number}", *file.lines[at:])
        elif kind == "replace":
            lines = (*file.lines[:at], f"{token}{number}", *file.lines[at + draw(st.integers(1, 3)) :])
        else:
            lines = (*file.lines[:at], *file.lines[at + draw(st.integers(1, 4)) :])
        number += 1
        if kind in ("insert", "replace", "delete"):
            after[name] = Text(lines, file.end, file.closed, file.executable)
        elif kind == "mode":
            after[name] = Text(file.lines, file.end, not file.closed, not file.executable)
        elif kind == "remove":
            del after[name]
        else:
            after[draw(st.sampled_from((*NAMES, *OTHERS)))] = after.pop(name)
    return {
        name: file
        for name, file in after.items()
        # A name cannot be a file's and a folder's.
        if not any(other.startswith(f"{name}/") for other in after)
    }


def on_disk(tree: Tree, before: Tree) -> dict[str, bytes | None]:
    """What to write to come from one tree to another: what goes first, so that a folder can take a file's place."""
    gone: dict[str, bytes | None] = {name: None for name in before if name not in tree}
    return gone | {name + ("*" if file.executable else ""): file.raw() for name, file in tree.items()}


def own_lines(tree: Tree) -> set[bytes]:
    """The lines that a person wrote."""
    return {line.encode() for file in tree.values() for line in file.lines if line.startswith("MINE-")}


GENERATED = settings(
    max_examples=1000,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.soak
@GENERATED
@given(data=st.data())
def test_no_line_is_ever_lost(data: st.DataObject) -> None:
    nothing_is_lost(data)


@pytest.mark.long
@settings(GENERATED, max_examples=40)
@given(data=st.data())
def test_no_line_is_lost_in_forty(data: st.DataObject) -> None:
    nothing_is_lost(data)


def nothing_is_lost(data: st.DataObject) -> None:
    """Update a generated project with a generated edit to a generated version."""
    before = data.draw(trees, "template")
    after = data.draw(changed(before, "THEIRS-"), "template's change")
    edited = data.draw(changed(before, "MINE-"), "user's edit")
    with tempfile.TemporaryDirectory() as folder:
        world = make_world(Path(folder), on_disk(before, {}), on_disk(after, before))
        write(world.project, on_disk(edited, before))
        commit(world.project, "work")
        was = world.snapshot(), git("ls-files", "--stage", cwd=world.project)
        outcome = world.update()
        left = b"\n".join([*(content for content, _, _ in world.snapshot().values()), *world.stages().values()])
        lines = set(left.replace(b"\r\n", b"\n").split(b"\n"))
        assert own_lines(edited) <= lines
        unmerged = {path for path, _ in world.stages()}
        assert unmerged == {change.path for change in outcome.changes if change.status == "conflict"}
        for name in set(edited) & set(before) & set(after):
            if edited[name] == before[name] and name not in unmerged:
                assert world.snapshot()[name][0] == after[name].raw(), "what nobody edited is what the template has"
        taking_back.abort(open_repository(world.project))
        assert (world.snapshot(), git("ls-files", "--stage", cwd=world.project)) == was
