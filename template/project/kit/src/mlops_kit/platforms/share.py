"""Bring data and models to the DVC remote, where there is one: so a clone without the MLflow server has the champion.

    uv run poe share

A release trains on a machine of its own. The model that it registers is in its cache alone, until it is pushed.
"""

from mlops_kit.data import has_remote
from mlops_kit.ground import KitError, command, run, say


def share() -> str:
    """Push what is not there yet. Raises KitError where the remote does not take it."""
    if not has_remote():
        return "no DVC remote is used here, so nothing is pushed: the registry alone has the model"
    try:
        run("dvc", "push", quiet=True)
    except KitError as error:
        raise KitError(f"{error}\nGive this machine a login that may write to the DVC remote.") from None
    return "data and models are at the DVC remote"


@command
def main() -> None:
    """Do it; a sentence on failure."""
    say("share", share())


if __name__ == "__main__":
    main()
