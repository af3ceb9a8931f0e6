"""Linked worktrees of git: one repository, several checkouts, which share what is in no commit."""

from __future__ import annotations

from pathlib import Path


def main_root(root: Path) -> Path:
    """The project in its repository's main worktree: `root` itself where that is the main one, or there is none.

    Read from git's files: an image has no git, and git refuses a repository of another owner.
    """
    top = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)
    try:
        named = (top / ".git").read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        ours = top / named
        common = (ours / (ours / "commondir").read_text(encoding="utf-8").strip()).resolve()
    except OSError:  # a folder: the main worktree; no commondir: a submodule
        return root
    main = common.parent / root.relative_to(top)
    return main if common.name == ".git" and (main / "contract.yaml").is_file() else root
