"""The project in a cloud: where it is (settings), who may (login), what stands there (terraform)."""

from importlib import import_module
from types import ModuleType

from mlops_kit.ground import project
from mlops_kit.ground.cloud_file import CloudError

__all__ = ["CloudError", "provider"]


def provider() -> ModuleType:
    """What is the cloud's own: one of the modules aws, gcp and azure. Raises CloudError for a project without one."""
    if project().cloud == "none":
        raise CloudError("This project is on no cloud.", "Put it on one: mlops add aws (or gcp, azure)")
    return import_module(f"mlops_kit.cloud.{project().cloud}")
