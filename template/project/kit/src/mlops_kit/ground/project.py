"""The project that the library works for: `[tool.mlops]` of its pyproject.toml, params.yaml, and its own modules."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, cast

from mlops_kit import __version__
from mlops_kit.ground.errors import KitError

if TYPE_CHECKING:
    from mlops_kit.contract import Contract

# Each is a package there; none is imported to know it.
FRAMEWORKS = tuple(sorted(file.parent.name for file in Path(__file__).parents[1].glob("frameworks/*/__init__.py")))
SECTIONS = ("split", "model", "evaluate", "gates")  # that each params.yaml has; a person may add others


class ProjectError(KitError):
    """A project that the library cannot work for."""


class Model(Protocol):
    """What `build` and `baseline` give back, in scikit-learn's vocabulary.

    A classifier also has `classes_` and `predict_proba`.
    """

    def fit(self, rows: Any, labels: Any) -> Any:
        """Fit to rows of shape (rows, features), as `Contract.coerce` returns them, and labels of shape (rows,)."""

    def predict(self, rows: Any) -> Any:
        """Predictions of shape (rows,)."""


class ModelModule(Protocol):
    """What a project's model.py has.

    It may also have SCORERS, functions of (model, rows, labels) by their metrics' names, and TRUSTED_TYPES, the full
    names of further types that a saved model may contain.
    """

    def build(self, contract: Contract, parameters: dict[str, Any]) -> Model:
        """An untrained model; `parameters` are what params.yaml has under `model`."""

    def baseline(self) -> Model:
        """An untrained model that the trained one must beat."""


@dataclass(frozen=True)
class Project:
    """A project: where it is, what it is called, and which parts of the library it uses.

    `framework`, `serving`, `cloud` and `compute` are the answers that were given when it was made; `library` is the
    version of the library that its template brings, empty where it does not say.
    """

    root: Path
    name: str
    package: str
    framework: str = "sklearn"
    serving: str = "none"
    cloud: str = "none"
    compute: str = "local"
    library: str = ""

    @classmethod
    def find(cls, start: Path | None = None) -> Project:
        """The project that a folder is in; a DVC experiment works in a copy of its own. Raises ProjectError."""
        here = (start or Path.cwd()).resolve()
        root = next((folder for folder in (here, *here.parents) if (folder / "contract.yaml").is_file()), None)
        if root is None:
            raise ProjectError(f"{here} is in no project: no folder above it has a contract.yaml.", "Go to one.")
        return cls.read(root)

    @classmethod
    def read(cls, root: Path) -> Project:
        """The project with this root folder. Raises ProjectError where its pyproject.toml does not describe it."""
        file = root / "pyproject.toml"
        try:
            told = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ProjectError(f"{file} is missing.", "Take it back: git checkout HEAD -- pyproject.toml") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ProjectError(f"{file} is not valid TOML: {error}.", "Correct it.") from None
        tools, of_project = told.get("tool"), told.get("project")
        ours = tools.get("mlops") if isinstance(tools, dict) else None
        if not isinstance(ours, dict) or "package" not in ours:
            raise ProjectError(
                f"{file} has no [tool.mlops] that names the package.", "Take it back from git's history."
            )
        known = ("package", "framework", "serving", "cloud", "compute", "library")
        name = of_project.get("name", root.name) if isinstance(of_project, dict) else root.name
        found = cls(root, name, **{key: str(ours[key]) for key in known if key in ours})
        if found.framework not in FRAMEWORKS:
            raise ProjectError(
                f"[tool.mlops] in {file} names the unknown framework {found.framework!r}.",
                f"There are: {', '.join(FRAMEWORKS)}.",
            )
        if found.library not in ("", __version__):
            raise found._of_another_version(file)
        return found

    def _of_another_version(self, file: Path) -> ProjectError:
        required = f"[tool.mlops] in {file} requires {self.library}."
        if is_package(self.root):
            return ProjectError(
                f"mlops-scaffold-kit {__version__} is installed, and {required}",
                "Run: uv sync. If that changes nothing, check both files out of one commit: "
                "git checkout COMMIT -- pyproject.toml uv.lock; `mlops check` says more.",
            )
        return ProjectError(
            f"kit/ is version {__version__} of the library, and {required}",
            "Check both out of one commit: git checkout COMMIT -- kit pyproject.toml; `mlops check` says more.",
        )

    def params(self) -> dict[str, Any]:
        """What params.yaml says, as plain values. Raises ProjectError where it cannot be read."""
        import yaml

        try:
            found = deepcopy(_parsed((self.root / "params.yaml").read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            reason = " ".join(str(error).split())
            raise ProjectError(f"params.yaml cannot be read: {reason}.", "Take it back from git's history.") from None
        for name in SECTIONS:
            if not isinstance(found, dict) or not isinstance(found.get(name), dict):
                raise ProjectError(
                    f"params.yaml has no section {name!r} with settings in it.", "Take it back from git's history."
                )
        return cast(dict[str, Any], found)

    def module(self, name: str) -> ModuleType:
        """A module of the project's own package, from this root even where another project has one of its name."""
        source = self.root / "src"
        if (source / self.package).is_dir():  # elsewhere, as on a Ray node, the package is installed
            loaded = sys.modules.get(self.package)
            if loaded is not None and not _is_below(loaded, source):
                for other in [one for one in sys.modules if one.partition(".")[0] == self.package]:
                    del sys.modules[other]
            if self.package not in sys.modules and sys.path[0] != str(source):
                sys.path.insert(0, str(source))
        return import_module(f"{self.package}.{name}")

    @property
    def model(self) -> ModelModule:
        """The project's model.py. Raises ProjectError where it lacks what every model.py has."""
        found = self.module("model")
        for name in ("build", "baseline"):
            if not isinstance(getattr(found, name, None), Callable):  # type: ignore[arg-type]
                raise ProjectError(
                    f"{found.__file__} has no function {name}.",
                    f"Write one: {name}({'contract, parameters' if name == 'build' else ''}) returns a model.",
                )
        return cast(ModelModule, found)

    @property
    def reports(self) -> Path:
        """The folder of the reports that tasks write for people and for CI; git ignores it."""
        return self.root / "report"

    @property
    def code(self) -> list[Path]:
        """The packages that a saved model is read with: the project's, and this library."""
        return [self.root / "src" / self.package, Path(__file__).parents[1]]


@lru_cache(maxsize=4)
def _parsed(text: str) -> Any:
    """What YAML says. It takes 10 ms to parse, and a stage asks for its parameters a hundred times."""
    import yaml

    return yaml.safe_load(text)


def is_package(root: Path) -> bool:
    """Whether a project uses the library as an installed package, not in its folder kit/."""
    library = Path(__file__).resolve()
    return "site-packages" in library.parts and not library.is_relative_to((root / "kit").resolve())


def _is_below(module: ModuleType, folder: Path) -> bool:
    """Whether a loaded package comes from this folder."""
    return any(Path(place).resolve().is_relative_to(folder.resolve()) for place in getattr(module, "__path__", []))


_chosen: list[Project] = []


def project() -> Project:
    """The project that this process works for: the one of `using`, else the one of the working folder.

    Raises ProjectError where that is in none.
    """
    return _chosen[-1] if _chosen else _found(Path.cwd())


@cache
def _found(folder: Path) -> Project:
    return Project.find(folder)


@contextmanager
def using(chosen: Project) -> Iterator[Project]:
    """Work for another project for a while: a test, or a program that handles several."""
    _chosen.append(chosen)
    try:
        yield chosen
    finally:
        _chosen.pop()


def params() -> dict[str, Any]:
    """The project's params.yaml as plain values. Raises ProjectError where it cannot be read or lacks a section."""
    return project().params()
