"""The record of a project's conflicts, which is committed with an update: a commit of everything hides them from git.

`mlops check` and the project's own `poe check` read it, and `mlops update --resume` makes conflicts of git's own of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.safe_paths import fault
from mlops_scaffold.ground.settings import load_yaml
from mlops_scaffold.vcs.repository import Blob

RECORD = ".mlops/conflicts.yml"
HEADER = """\
# Conflicts between this project and its template{versions}. Each file below is as the project had it.
# Settle them: mlops update --resume, then git mergetool or an editor. Or write another version of a file, or delete it.
# To keep a file as it is, remove its entry. When all are settled: git rm {record}
"""
STAGES = ("base", "ours", "theirs")  # git's stages 1 to 3; ours is the project's, theirs the template's


@dataclass(frozen=True)
class Recorded:
    """A conflict: its kind, and the object of each side; empty for a side without the file."""

    path: str
    kind: str
    base: str = ""
    ours: str = ""
    theirs: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for what no update has written: the record comes with a repository."""
        for name in ("path", "kind", *STAGES):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"{name} is no text")
        if fault(self.path) or not set(self.base + self.ours + self.theirs) <= set("0123456789abcdef"):
            raise ValueError("no path or no object")

    @property
    def stages(self) -> dict[int, str]:
        """The object of each side that has the file, by git's number of the stage."""
        return {number: oid for number, name in enumerate(STAGES, 1) if (oid := getattr(self, name))}


@dataclass(frozen=True)
class Record:
    """The conflicts, and the answers that their base was rendered from; those of each layer by its answers file."""

    conflicts: tuple[Recorded, ...]
    answers: dict[str, Any]
    layers: dict[str, dict[str, Any]] = field(default_factory=dict)


def recorded(path: str, stages: Mapping[int, Blob], kind: str = "") -> Recorded:
    """A conflict by the stages that git has for it: 1 base, 2 ours, 3 theirs; its kind by these where none is given."""
    oids = {name: stages[number].oid for number, name in enumerate(STAGES, 1) if number in stages}
    kinds = {blob.mode[:3] for blob in stages.values()}
    found = "type" if len(kinds) > 1 else "content" if 1 in stages else "both added"
    return Recorded(path, kind or (found if {2, 3} <= stages.keys() else "modify/delete"), **oids)


def dump(
    conflicts: Iterable[Recorded],
    versions: tuple[str, str],
    answers: Mapping[str, Any],
    layers: Mapping[str, Mapping[str, Any]],
) -> bytes:
    """The record as a file: also from which version to which, and the answers that the base was rendered from."""
    import yaml

    entries = [{key: value for key, value in asdict(one).items() if value} for one in conflicts]
    content: dict[str, Any] = {"from": versions[0], "to": versions[1], "conflicts": entries, "answers": dict(answers)}
    if layers:
        content["layers"] = {name: dict(one) for name, one in layers.items()}
    span = (
        f", from {versions[0]} to {versions[1]}" if versions[0] != versions[1] else ""
    )  # of a layer: its version alone
    header = HEADER.format(versions=span, record=RECORD)
    body = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
    return (header + body).encode(errors="surrogateescape")


def parse(text: bytes) -> Record:
    """A record as it is in a file. Raises MlopsError for a file that is none."""
    import yaml

    try:
        raw = load_yaml(text.decode())
        conflicts, answers = tuple(Recorded(**one) for one in raw["conflicts"]), raw.get("answers", {})
        layers = raw.get("layers", {})
        if not all(isinstance(one, dict) for one in (answers, layers, *layers.values())) or any(map(fault, layers)):
            raise ValueError("no answers")
    except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        step = f"Take it back from git's history, or settle the conflicts and run: git rm {RECORD}"
        raise MlopsError(f"{RECORD} cannot be read.", step) from None
    return Record(conflicts, answers, layers)


def is_open(conflict: Recorded, now: Blob | None) -> bool:
    """Whether a file is still as the update has left it."""
    return (now.oid if now else "") == conflict.ours
