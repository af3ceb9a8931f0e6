"""Where the tool keeps its caches and finds the user's settings."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """The folder of mirrors and templates; `MLOPS_CACHE_DIR` names another."""
    return _folder("MLOPS_CACHE_DIR", "user_cache_path")


def config_dir() -> Path:
    """The folder of settings.yml; `MLOPS_CONFIG_DIR` names another."""
    return _folder("MLOPS_CONFIG_DIR", "user_config_path")


def _folder(variable: str, function: str) -> Path:
    if os.environ.get(variable):
        return Path(os.environ[variable]).absolute()
    import platformdirs

    found: Path = getattr(platformdirs, function)("mlops-scaffold", appauthor=False)
    return found
