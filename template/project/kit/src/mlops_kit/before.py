"""Names of before: a project that is older than the library imports from its own package what is here now.

`from .contract import Contract` in such a project's model.py finds the library's module of that name. Only what the
project does not have itself is looked up here, so a module of the person's own is always theirs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from pkgutil import iter_modules
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlops_kit.ground import Project

# A module of before, and the rooms or modules of the library that have its names now.
NOW: dict[str, tuple[str, ...]] = {
    "alarm": ("platforms.alarm",),
    "asked": ("monitoring.asked",),
    "batches": ("data.batches",),
    "cards": ("registry.cards",),
    "cloud": ("cloud",),
    "cloud.deploy": ("delivery.deploy",),
    "cloud.login": ("cloud.login",),
    "cloud.provider": ("cloud.{cloud}",),
    "cloud.settings": ("cloud.settings",),
    "cloud.terraform": ("cloud.terraform",),
    "contract": ("contract",),
    "data": ("data",),
    "docs": ("delivery.docs",),
    "doctor": ("workspace.doctor",),
    "drift": ("monitoring.drift",),
    "drift_page": ("monitoring.drift_page",),
    "estimator": ("frameworks.tensorflow.estimator",),
    "image": ("delivery.image",),
    "infer": ("contract.infer",),
    "manifests": ("delivery.manifests",),
    "monitor": ("monitoring.monitor",),
    "pages": ("monitoring.pages",),
    "predict": ("serving.predict",),
    "registry": ("registry",),
    "rehearse": ("monitoring.rehearse",),
    "report": ("platforms.report",),
    "saved_model": ("frameworks.tensorflow.saved_model",),
    "search": ("search",),
    "serving": ("serving",),
    "shadow": ("monitoring.shadow",),
    "shadow_page": ("monitoring.shadow_page",),
    "share": ("platforms.share",),
    "status_page": ("monitoring.status_page",),
    "tensorflow_quietly": ("frameworks.tensorflow.quietly",),
    "textfile": ("monitoring.textfile",),
    "tracking": ("models", "frameworks.{framework}"),
    "train_batches": ("frameworks.{framework}",),
    "workspace": ("workspace", "ground"),
}
PACKAGES = ("cloud", "search", "serving")  # of before; the modules in them have kept their names, but for those above
# What was a value at import, and depends on the project now.
SETTINGS = {
    "ROOT": "project().root",
    "NAME": "project().name",
    "CHAMPION_FILE": 'project().root / "champion.yaml"',
    "params": "params",
}


def homes(name: str) -> tuple[str, ...]:
    """The rooms or modules of the library that have the names of a module of before; none for another module."""
    room, _, inner = name.partition(".")
    if name in NOW:
        return NOW[name]
    return (name,) if room in PACKAGES and (Path(__file__).parent / room / f"{inner}.py").is_file() else ()


def setting(name: str) -> Any:
    """The value that a project's package had under a name of SETTINGS."""
    from mlops_kit.ground import params, project

    values = {"ROOT": project().root, "NAME": project().name, "CHAMPION_FILE": project().root / "champion.yaml"}
    return values.get(name, params)


class _Alias(Loader):
    """Loads a module that has the names of some modules of the library."""

    def __init__(self, now: tuple[str, ...]) -> None:
        self.now = now

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        def __getattr__(name: str) -> Any:
            if not name.startswith("__"):
                if name in SETTINGS:
                    return setting(name)
                for home in self._modules():
                    if name in vars(home):
                        return vars(home)[name]
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

        module.__dict__["__getattr__"] = __getattr__

    def get_code(self, fullname: str) -> CodeType:
        """What `python -m` runs under a name of before: the module that has its names now, or the first of them."""
        run = f"from runpy import run_module\nrun_module({self._names()[0]!r}, run_name='__main__', alter_sys=True)"
        return compile(run, fullname, "exec")

    def _names(self) -> list[str]:
        from mlops_kit.ground import project

        its = project()
        return [f"mlops_kit.{name.format(framework=its.framework, cloud=its.cloud)}" for name in self.now]

    def _modules(self) -> Iterator[ModuleType]:
        """The modules, each imported when its turn comes: a room, then what is in it."""
        for name, of_now in zip(self.now, self._names(), strict=True):
            home = import_module(of_now)
            yield home
            for inner in iter_modules(() if name in PACKAGES else getattr(home, "__path__", ())):
                if inner.name != "__main__":
                    yield import_module(f"{home.__name__}.{inner.name}")


class _Finder(MetaPathFinder):
    """Finds `PACKAGE.contract` and its like, where PACKAGE is the project's and has no such module."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, name = fullname.partition(".")
        if name in SETTINGS and _ours(package):
            setattr(sys.modules[package], name, setting(name))  # `from . import ROOT` looks for it once more
            return None
        now = homes(name)
        if not now or not _ours(package):
            return None
        return spec_from_loader(fullname, _Alias(now), is_package=name in PACKAGES)


def _ours(package: str) -> Project | None:
    """The project that is worked for, where this is its package."""
    from mlops_kit.ground import KitError, project

    try:
        return project() if project().package == package else None
    except KitError:
        return None


def install() -> None:
    """Let Python ask here last, after every place that it knows itself; once."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
