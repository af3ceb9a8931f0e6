"""What the tests of containers share: a really made project, stand-ins for its base images, podman's settings."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlops_scaffold.ground import process

from tests.conftest import made_once
from tests.containers.standins import BaseImages, in_folder, make_base_images, missing, podman_settings, run
from tests.project.running import with_champion


@pytest.fixture(scope="session")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default project with a champion."""
    return with_champion(tmp_path_factory.mktemp("containers") / "churn", template, tmp_path_factory)


@pytest.fixture(scope="session")
def base_images(tmp_path_factory: pytest.TempPathFactory) -> BaseImages:
    """The stand-ins, made once."""
    reason = missing("mmdebstrap")
    if reason:
        pytest.skip(reason)
    return in_folder(made_once(tmp_path_factory, "base-images", make_base_images))


@pytest.fixture(scope="session")
def podman(
    project: Path, base_images: BaseImages, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The environment of a user who has podman and buildah, with the base images in their storage."""
    reason = missing("buildah", "podman", "runc")
    if reason:
        pytest.skip(reason)
    env = {**user_environment(), **podman_settings(tmp_path_factory.mktemp("podman")), "CONTAINER_ENGINE": "buildah"}
    base_images.load(project / "Dockerfile", ["podman"], env)
    yield env
    run(["podman", "rm", "--all", "--force"], env)
    run(["podman", "rmi", "--all", "--force"], env)


def user_environment() -> dict[str, str]:
    """As a user's shell: uv on PATH, nothing of the test's own environment."""
    env = process.project_environment()
    env.pop("UV_PYTHON")
    return env
