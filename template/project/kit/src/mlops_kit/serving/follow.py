"""What every kind of serving asks of a model: how often to look for it, whether it is retired, and whether it fits."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

from mlops_kit import models
from mlops_kit.ground import KitError

log = logging.getLogger(__name__)


def reload_seconds() -> float:
    """RELOAD_SECONDS, or 30; 0 is never. Raises KitError for what is no number of seconds."""
    named = os.environ.get("RELOAD_SECONDS") or "30"
    try:
        seconds = float(named)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < threading.TIMEOUT_MAX:
        raise KitError(f"RELOAD_SECONDS is {named!r}: give a number of seconds, or 0 to never look for a new model.")
    return seconds


def check_not_retired(folder: Path) -> None:
    """Raise WithdrawnError where champion.yaml says that the model of MODEL_DIR is retired.

    An image may hold a reproduced champion, whose bytes are others: CHAMPION_MD5 says which one it stands for.
    """
    champion = models.read_champion()
    if champion is None or not champion.retired:
        return
    if champion.model in (os.environ.get("CHAMPION_MD5"), models.folder_md5(folder)):
        raise models.WithdrawnError(f"The model in {folder} is retired: {champion.retired}")


def check_hash(folder: Path) -> None:
    """Raise ChampionError where the model of MODEL_DIR is not the one that MODEL_MD5 names, if it names one."""
    named = os.environ.get("MODEL_MD5")
    if named and folder.is_dir() and models.folder_md5(folder) != named:
        raise models.ChampionError(
            f"The model in {folder} is not the one that MODEL_MD5 names: it was changed. Build the image again: "
            "uv run poe image"
        )
    if not named:
        log.warning("MODEL_MD5 is not set: the model in %s is served without a check of its hash", folder)
