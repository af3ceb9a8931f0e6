"""From data to a served model: contract, prepare, train, evaluate, register, predict."""

import os
from pathlib import Path
from typing import Any

# Threads that are done with their share of a prediction or a fit sleep: by default they spin until the others are done
# too, and where other programs want the cores this makes the whole dozens of times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _find_root() -> Path:
    """The project's top folder: found from where the command runs, so that a DVC experiment works in its own copy."""
    here = Path.cwd()
    source = Path(__file__).resolve()
    for folder in (here, *here.parents, *source.parents):
        if (folder / "contract.yaml").is_file():
            return folder
    return here


ROOT = _find_root()


def params() -> dict[str, Any]:
    """What params.yaml says, as plain values."""
    import yaml

    return yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
