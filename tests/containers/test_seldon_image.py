"""The image of the other service that has one, MLServer: built, run without rights, its answers compared (L3)."""

from pathlib import Path

import pytest

from tests.containers.standins import run
from tests.project.running import copied
from tests.serving.loyalty import loyalty

# tests/serving/test_kinds.py runs the same MLServer, and test_image.py builds from the same Dockerfile.
pytestmark = [pytest.mark.long, pytest.mark.soak, pytest.mark.xdist_group("containers/more")]


@pytest.fixture(scope="module")
def seldon(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project on customers: its LightGBM needs OpenMP, and the base image has none."""
    return copied(loyalty(template, tmp_path_factory), tmp_path_factory.mktemp("seldon") / "loyalty")


def test_mlservers_image_answers_as_the_champion_does(seldon: Path, podman: dict[str, str]) -> None:
    assert "the image loyalty is built" in run(["uv", "run", "poe", "image"], podman, seldon)
    assert "answers 10 generated rows as the champion does" in run(["uv", "run", "poe", "image-test"], podman, seldon)
    assert run(["podman", "ps", "--all", "--quiet"], podman) == ""
