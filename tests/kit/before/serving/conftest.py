"""What the tests of the service share."""

import json
import shutil
{% if serving == 'tensorflow-serving' %}
import sys
from collections.abc import Callable, Iterator
{% else %}
from collections.abc import Callable
{% endif %}
from pathlib import Path
from typing import Any

import pytest
import yaml

from {{ package_name }} import train
from {{ package_name }}.contract import Contract


@pytest.fixture(scope="session")
def saved(contract: Contract, model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tests' own model, saved as a champion would be."""
    root = tmp_path_factory.mktemp("saved")
    (root / "src").symlink_to(Path(train.__file__).parents[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "ROOT", root)
        train.save(model, contract)
    (root / "model/run_id").write_text("test\n", encoding="utf-8")
    return root / "model"


@pytest.fixture
def changed(saved: Path, tmp_path: Path) -> Callable[[str, Callable[[Any], Any]], Path]:
    """Makes of the same model one with another signature: of the inputs or the outputs something else."""

    def change(part: str, made: Callable[[Any], Any]) -> Path:
        folder = tmp_path / "of other data"
        shutil.copytree(saved, folder)
        described = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
        described["signature"][part] = json.dumps(made(json.loads(described["signature"][part])))
        (folder / "MLmodel").write_text(yaml.safe_dump(described), encoding="utf-8")
        return folder

    return change


@pytest.fixture
def of_other_data(changed: Callable[[str, Callable[[Any], Any]], Path]) -> Path:
    """The same model, as if the first of its columns had another name."""
    return changed("inputs", lambda columns: [{**columns[0], "name": "unheard of"}, *columns[1:]])
{% if serving == 'tensorflow-serving' %}


@pytest.fixture(scope="session", autouse=True)
def model_server() -> Iterator[None]:
    """TensorFlow Serving where it is installed; a stand-in with the same SavedModel where it is not."""
    with pytest.MonkeyPatch.context() as patch:
        if not shutil.which("tensorflow_model_server"):
            patch.setenv("MODEL_SERVER", f"{sys.executable} -m tests.serving.model_server")
        yield
{% endif %}
