"""Where data and models are shared: DVC's remote."""

import os
from typing import Any

from mlops_kit.ground import KitError, project


def has_remote() -> bool:
    """Whether a DVC remote is configured. A CI that may not read it, as a fork's, sets WITHOUT_REMOTE."""
    return not os.environ.get("WITHOUT_REMOTE") and bool(remotes())


def dvc_config(level: str | None = None) -> dict[str, Any]:
    """DVC's configuration, by section; with `level` "repo", that of .dvc/config alone.

    It is read in this process: starting DVC takes half a second. Raises KitError if it cannot be read.
    """
    try:
        from dvc.config import Config, ConfigError
    except ModuleNotFoundError:
        raise KitError("DVC is not installed.", "Install it: uv sync") from None
    try:
        return dict(Config(str(project().root / ".dvc"), validate=False).read(level))
    except ConfigError as error:
        reason = str(error).rstrip(".")
        raise KitError(f"DVC's configuration cannot be read: {reason}.", "Find the fix: uv run poe doctor") from None


def remotes(level: str | None = None) -> dict[str, dict[str, Any]]:
    """The remotes of that configuration, by name."""
    found: dict[str, dict[str, Any]] = dvc_config(level).get("remote", {})
    return found


def default_remote(level: str | None = None) -> str:
    """The default remote of that configuration; empty if there is none."""
    return str(dvc_config(level).get("core", {}).get("remote", ""))
