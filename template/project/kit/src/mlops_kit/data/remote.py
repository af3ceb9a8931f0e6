"""Where data and models are shared: DVC's remote."""

import os

from mlops_kit.ground import run


def has_remote() -> bool:
    """Whether a DVC remote is configured. A CI that may not read it, as a fork's, sets WITHOUT_REMOTE."""
    return not os.environ.get("WITHOUT_REMOTE") and bool(run("dvc", "remote", "list", quiet=True).stdout.strip())
