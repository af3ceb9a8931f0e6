"""Names of before: a project that is older than the library imports from its own package what is here now.

`from .contract import Contract` in such a project's model.py finds the library's module of that name. Only what the
project does not have itself is looked up here, so a module of the person's own is always theirs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, spec_from_loader
from types import ModuleType
from typing import Any

# The module of before, and the modules of the library that have its names now.
NOW: dict[str, tuple[str, ...]] = {
    "alarm": ("platforms.alarm",),
    "asked": ("monitoring.asked",),
    "batches": ("data.batches",),
    "cards": ("registry.cards",),
    "contract": ("contract",),
    "data": ("data",),
    "docs": ("delivery.docs",),
    "doctor": ("workspace.doctor",),
    "drift": ("monitoring.drift",),
    "estimator": ("frameworks.tensorflow.estimator",),
    "image": ("delivery.image",),
    "infer": ("contract.infer",),
    "manifests": ("delivery.manifests",),
    "monitor": ("monitoring.monitor",),
    "predict": ("serving.predict",),
    "registry": ("registry",),
    "report": ("platforms.report",),
    "saved_model": ("frameworks.tensorflow.saved_model",),
    "share": ("platforms.share",),
    "tensorflow_quietly": ("frameworks.tensorflow.quietly",),
    "tracking": ("models", "frameworks"),
    "workspace": ("ground", "workspace.setup", "workspace.data"),
}
ROOMS = ("cloud", "search", "serving")  # packages of before, whose modules have kept their names


class _Alias(Loader):
    """Loads a module that has the names of some modules of the library."""

    def __init__(self, now: tuple[str, ...]) -> None:
        self.now = now

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        homes = [import_module(f"mlops_kit.{name}") for name in self.now]

        def __getattr__(name: str) -> Any:
            for home in homes:
                if hasattr(home, name):
                    return getattr(home, name)
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

        module.__dict__["__getattr__"] = __getattr__


class _Finder(MetaPathFinder):
    """Finds `PACKAGE.contract` and its like, where PACKAGE is the project's and has no such module."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, name = fullname.partition(".")
        room = name.partition(".")[0]
        if not (name in NOW or room in ROOMS) or not _is_ours(package):
            return None
        now = NOW.get(name) or (name,)
        if name not in NOW and find_spec(f"mlops_kit.{name}") is None:
            return None
        return spec_from_loader(fullname, _Alias(now), is_package=name in ROOMS)


def _is_ours(package: str) -> bool:
    """Whether a package is the project's that is worked for."""
    from mlops_kit.ground import KitError, project

    try:
        return project().package == package
    except KitError:
        return False


def install() -> None:
    """Let Python ask here last, after every place that it knows itself; once."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
