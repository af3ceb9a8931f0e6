"""Which commit made a model: one whose files are the ones that the pipeline read, by dvc.lock."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import yaml

from mlops_kit.ground import git, is_shallow, project
from mlops_kit.registry.errors import RegistryError

STAGES = ("prepare", "train")


def made_by(model_md5: str) -> str:
    """The commit that made a model, or that can; empty outside git. Raises RegistryError where there is none."""
    try:
        head = git("rev-parse", "HEAD")
    except FileNotFoundError:  # no git, as in an image
        return ""
    if head.returncode:
        return ""
    now, lock = head.stdout.strip(), project().root / "dvc.lock"
    ran = lock.read_text(encoding="utf-8") if lock.exists() else ""
    named = git("log", "--reverse", "--format=%H", f"-S{model_md5}", "--", "dvc.lock").stdout.split()
    # A release in CI commits dvc.lock after the promotion: what counts is that the commit has all that was read.
    locks = {commit: _content(commit, "dvc.lock") for commit in [*named[:1], now]} | ({} if named else {now: ran})
    missing = ["dvc.lock"]
    for commit, text in locks.items():
        if model_md5 in text:
            missing = list(changed(commit, yaml.safe_load(text)))
            if not missing:
                return commit
    if is_shallow():
        raise RegistryError(
            "Not promoted: this clone is shallow, and the commit that made this model may lie before its history.",
            "Fetch the rest: git fetch --unshallow",
        )
    raise RegistryError(
        f"Not promoted: no commit can make this model. Not committed as the pipeline read it: {', '.join(missing)}.",
        'Commit what was run: git add --all && git commit --message "model: what changed"',
    )


def changed(commit: str, lock: dict[str, Any]) -> Iterator[str]:
    """The files that a commit has otherwise than its dvc.lock says that they were read."""
    for name in STAGES:
        stage = lock.get("stages", {}).get(name, {})
        for one in stage.get("deps", []):
            if one["path"].startswith("data/"):
                continue  # DVC keeps it, by this very hash
            if not _is_as_read(commit, one["path"], str(one.get("md5"))):
                yield one["path"]
        for path, values in stage.get("params", {}).items():
            if path.endswith((".yaml", ".yml")):
                told = yaml.safe_load(_content(commit, path) or "{}")
                if {key: _at(told, key) for key in values} != values:
                    yield path


def _content(commit: str, path: str) -> str:
    """A text file of a commit; empty where it has none."""
    found = git("show", f"{commit}:./{path}")
    return found.stdout if found.returncode == 0 else ""


def _is_as_read(commit: str, path: str, md5: str) -> bool:
    """Whether a commit's file has this hash, with the line ends of any system."""
    found = git("show", f"{commit}:./{path}")
    if found.returncode:
        return False
    if "\ufffd" not in found.stdout:
        ends = (found.stdout, found.stdout.replace("\n", "\r\n"))
        return md5 in {hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for text in ends}
    file = project().root / path  # no text: it is compared where it lies
    same = file.is_file() and hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest() == md5
    return same and git("diff", "--quiet", commit, "--", path).returncode == 0


def _at(told: Any, key: str) -> Any:
    for part in key.split("."):
        told = told.get(part) if isinstance(told, dict) else None
    return told
