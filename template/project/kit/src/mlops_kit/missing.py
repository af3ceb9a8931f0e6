"""What is said where a module of the library is not here: a sentence and a next step, not a traceback.

It happens where a line of somebody's .gitignore, such as `data/`, has kept a folder of kit/ out of a commit, or where
files of the installed package were deleted.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, TracebackType

LIBRARY = Path(__file__).parent
# Of the folder kit/, and of the package.
RESTORE = "git checkout HEAD -- kit; if the last commit lacks it too, `mlops check` names the command."
REINSTALL = "uv sync --reinstall-package mlops-scaffold-kit"


class MissingError(ModuleNotFoundError):
    """A module of the library is not here."""


class _Finder(MetaPathFinder):
    """Asked last, so a module of the library that it is asked for is nowhere."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith("mlops_kit."):
            return None
        raise MissingError(
            f"The library is incomplete: {LIBRARY} has no module {fullname}. Restore it: "
            + (REINSTALL if "site-packages" in LIBRARY.parts else RESTORE),
            name=fullname,
        )


def install() -> None:
    """Say so from now on; once."""
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    sys.meta_path.append(_Finder())
    usual = sys.excepthook

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, MissingError):
            print(error, file=sys.stderr)
        else:
            usual(kind, error, trace)

    sys.excepthook = tell
