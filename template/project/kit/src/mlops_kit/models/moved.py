"""MLflow stores absolute paths. When a project was moved or copied, its records follow it."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from functools import cache
from pathlib import Path

ARTIFACTS = "mlartifacts"
PLACES = (  # where MLflow's schema keeps the address of files
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


@cache
def follow(database: Path, experiment: str) -> None:
    """Let records that name the files of `experiment` in another folder name them beside the database, in one step.

    A database that cannot be read or written stays as it is: who uses it next says why.
    """
    place = (database.parent / ARTIFACTS).as_uri()
    with suppress(sqlite3.Error), closing(sqlite3.connect(database)) as connection:
        found = connection.execute("SELECT artifact_location FROM experiments WHERE name = ?", [experiment]).fetchone()
        before = str(found[0]) if found else place
        if before == place or not before.startswith("file://") or not before.endswith(f"/{ARTIFACTS}"):
            return
        with connection:
            for table, column in PLACES:
                connection.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608  # names of ours
                    f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                    [place, len(before) + 1, before, len(before) + 1, f"{before}/"],
                )
