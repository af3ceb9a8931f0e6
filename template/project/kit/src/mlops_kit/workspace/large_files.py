"""A git hook: large files belong to DVC rather than to git."""

from pathlib import Path

from mlops_kit.ground import KitError

LARGEST_FILE_MB = 5


def check_large_files(files: list[str]) -> None:
    """Refuse files that belong to DVC rather than to git."""
    large = [name for name in files if Path(name).is_file() and Path(name).stat().st_size > LARGEST_FILE_MB * 2**20]
    if large:
        raise KitError(f"Over {LARGEST_FILE_MB} MB: {', '.join(large)}. Let DVC keep it: uv run dvc add FILE")
