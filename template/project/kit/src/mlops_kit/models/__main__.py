"""Make mlflow.db where it is missing; with `ui`, show it by MLflow; with `record`, record what a stage has measured."""

import os
import sys

from mlops_kit.ground import command, run_openly
from mlops_kit.models.recording import record_what_comes
from mlops_kit.models.runs import database_uri, initialise


@command
def main() -> None:
    """Make the database; hand further arguments to `mlflow ui`, which reads MLFLOW_PORT and its like."""
    initialise()
    if sys.argv[1:] == ["record"]:
        record_what_comes()
    if sys.argv[1:2] == ["ui"]:
        # No workers for MLflow's scoring of language models: they would take 1.3 GB of memory.
        os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
        store = ("--backend-store-uri", database_uri())
        sys.exit(run_openly("mlflow", "ui", *store, "--host", "127.0.0.1", *sys.argv[2:]))


if __name__ == "__main__":
    main()
