"""Reading a model folder."""

from pathlib import Path
from typing import Any

from mlops_kit.frameworks import framework
from mlops_kit.ground import project


def load_model(folder: Path) -> Any:
    """The model in a folder; none of its code is run and nothing is unpickled. Raises ModelError."""
    return framework().load_model(folder)


def champion_model(folder: Path) -> Any:
    """The champion's model, in a folder whose hash champion.yaml names: it may hold what its own code has trusted.

    So a model.py that no longer has those types can take its place.
    """
    from mlops_kit.models.champion import read_champion
    from mlops_kit.models.hashes import folder_md5

    incumbent = read_champion()
    if incumbent is None or folder_md5(folder) != incumbent.model:
        return load_model(folder)
    return framework().load_model(folder, also=framework().types_of(folder))


def trained_model() -> Any:
    """The model that the stage `train` saved in model/. Raises ModelError where there is none."""
    return load_model(project().root / "model")
