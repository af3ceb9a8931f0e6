"""Model files that are zip archives: one that unpacks to far more than its size is refused before it is read."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile, ZipFile

from mlops_kit.frameworks.errors import ModelError

HARMLESS = 64 * 2**20  # bytes that a small file may unpack to
MOST_TIMES = 20  # times its size that a larger one may: both frameworks store numbers as they are


def check_archive(file: Path) -> None:
    """Raise ModelError for a file that is no archive, or a bomb. A missing file is left to its reader."""
    if not file.is_file():
        return
    try:
        with ZipFile(file) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
    except (BadZipFile, ValueError, NotImplementedError):
        raise ModelError(
            f"{file} is not a model file: it is damaged. Get it again, or train: uv run poe repro"
        ) from None
    if unpacked > max(HARMLESS, MOST_TIMES * file.stat().st_size):
        raise ModelError(f"{file} is refused: it would unpack to {unpacked // 2**20} MB, far more than a model's file.")
