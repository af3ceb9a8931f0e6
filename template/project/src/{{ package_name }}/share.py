"""Bring data and models to the DVC remote, where there is one: so a clone without the MLflow server has the champion.

    uv run poe share

A release trains on a machine of its own. The model that it registers is in its cache alone, until it is pushed.
"""

import sys

from .workspace import WorkspaceError, has_remote, run, say


def share() -> str:
    """Push what is not there yet. Raises WorkspaceError where the remote does not take it."""
    if not has_remote():
        return "no DVC remote is used here, so nothing is pushed: the registry alone has the model"
    try:
        run("dvc", "push", quiet=True)
    except WorkspaceError as error:
        raise WorkspaceError(f"{error}\nGive this machine a login that may write to the DVC remote.") from None
    return "data and models are at the DVC remote"


def main() -> None:
    """Do it; a sentence on failure."""
    try:
        say("share", share())
    except WorkspaceError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
