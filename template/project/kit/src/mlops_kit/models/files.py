"""Reading a model folder."""

from pathlib import Path
from typing import Any

from mlops_kit.frameworks import framework
from mlops_kit.ground import project


def load_model(folder: Path) -> Any:
    """The model in a folder; none of its code is run and nothing is unpickled. Raises ModelError."""
    return framework().load_model(folder)


def trained_model() -> Any:
    """The model that the stage train has kept."""
    return load_model(project().root / "model")
