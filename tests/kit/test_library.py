"""The library as a whole: all of it can be imported, each room stands on those below it, and images need no more."""

import ast
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mlops_kit
import pytest
from mlops_kit.ground import variables

from tests.kit.projects import ROOT

KIT = ROOT / "template/project/kit"
EVERY = sorted(module.name for module in pkgutil.walk_packages(mlops_kit.__path__, "mlops_kit."))
CACHES = {"__pycache__", ".mypy_cache", ".ruff_cache"}  # that git ignores
# Packages that are not in this environment: they want other versions, or take too long to install.
ELSEWHERE = {"mlops_kit.serving.mlserver_model": "mlserver", "mlops_kit.search.cluster": "ray"}
OF_TENSORFLOW = (
    "mlops_kit.frameworks.tensorflow.",
    "mlops_kit.testing.model_server",
    "mlops_kit.testing.saved_models",
)
# What a service's image does without.
NOT_IN_AN_IMAGE = ("dvc", "mlflow", "pandera", "pyarrow")
ALONE = """
import importlib.abc, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
{work}
"""


def python(work: str, *absent: str, cwd: Path) -> str:
    """What a fresh Python prints that has none of these packages."""
    code = ALONE.format(absent=absent, work=work)
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_module_can_be_imported(tmp_path: Path) -> None:
    here = [name for name in EVERY if name not in ELSEWHERE and not name.endswith("__main__")]
    names = [name for name in here if not name.startswith(OF_TENSORFLOW)]  # test_tensorflow.py imports these
    work = f"import importlib\nfor name in {names!r}: importlib.import_module(name)\nprint('done')"
    assert python(work, "tensorflow", "keras", cwd=tmp_path) == "done\n", "and none needs TensorFlow"


@pytest.mark.parametrize(("module", "package"), ELSEWHERE.items())
def test_a_module_of_another_environment_can_be_read(module: str, package: str) -> None:
    pytest.importorskip(package, reason=f"{package} is not in this environment: {module} is tried in rendered projects")
    __import__(module)


def test_what_a_services_image_runs_needs_none_of_the_packages_of_training(tmp_path: Path) -> None:
    names = ("serving.app", "serving.predictor", "serving.champion", "frameworks.sklearn", "delivery.image")
    work = "".join(f"import mlops_kit.{name}\n" for name in names) + "print(mlops_kit.serving.app.create_app.__name__)"
    assert python(work, *NOT_IN_AN_IMAGE, "pytest", "tensorflow", "lightgbm", cwd=tmp_path) == "create_app\n"


def test_each_room_imports_only_from_those_below_it(tmp_path: Path) -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    command = [str(lint), str(Path(__file__).with_name("importlinter.ini")), "--no-cache"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_readme_has_the_rooms_in_their_order() -> None:
    lines = Path(__file__).with_name("importlinter.ini").read_text(encoding="utf-8").partition("layers =\n")[2]
    rooms = [line.strip() for line in lines.partition("ignore_imports")[0].splitlines()]
    told = [
        line.split("`")[1]
        for line in (KIT / "README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    assert [*told, "testing"] == rooms[::-1]


def test_nothing_in_the_library_means_anything_to_the_template() -> None:
    """copier renders kit/ as all else: it comes out as it is."""
    marked = [
        (path.relative_to(KIT).as_posix(), mark)
        for path in KIT.rglob("*")
        if path.is_file() and not CACHES & set(path.parts)
        for mark in (b"{{", b"{%", b"{#")
        if mark in path.read_bytes()
    ]
    assert marked == []


def read_variables(file: Path) -> Iterator[str]:
    """The names that a file looks up in os.environ."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        key: ast.expr | None = None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            key = node.args[0] if ast.unparse(node.func.value) in ("os.environ", "env") else None
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) in ("os.environ", "env"):
            key = node.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value


def test_the_table_of_environment_variables_is_what_the_library_reads() -> None:
    files = [file for file in (KIT / "src").rglob("*.py") if "testing" not in file.parts]
    read = {name for file in files for name in read_variables(file)} - {"PATH"}
    told = [one.name for several in variables.TABLE.values() for one in several]
    assert len(told) == len(set(told))
    assert read <= set(told), "name it in mlops_kit.ground.variables"
    sources = "".join(file.read_text(encoding="utf-8") for file in files if file.name != "variables.py")
    assert [name for name in told if name not in sources] == [], "nothing reads these"


@pytest.mark.parametrize(("policy", "spins"), [(None, "1000"), ("active", None)])
def test_threads_that_wait_sleep_soon_unless_the_surroundings_say_how(policy: str | None, spins: str | None) -> None:
    code = "import os, mlops_kit; print(os.environ.get('GOMP_SPINCOUNT'))"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GOMP", "KMP", "OMP"))}
    env |= {"OMP_WAIT_POLICY": policy} if policy else {}
    done = subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == str(spins)
