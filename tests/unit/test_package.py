"""`kit: package`: the library from a team's index, and what is said where that index does not give it."""

import hashlib
import io
import json
import subprocess
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest
from mlops_scaffold import __version__
from mlops_scaffold.creating.bootstrap import Wishes, set_up
from mlops_scaffold.doctor import examine
from mlops_scaffold.doctor.registry import Place
from mlops_scaffold.ground import process
from mlops_scaffold.ground.errors import StepFailed
from mlops_scaffold.ground.project import Project, open_project
from mlops_scaffold.ground.report import Report
from mlops_scaffold.projects.check import check
from mlops_scaffold.updating.evolve import evolve
from mlops_scaffold.updating.request import Outcome, Request
from mlops_scaffold.vcs.repository import open_repository

from tests.conftest import ROOT, mlops
from tests.update.world import commit, forget_fetches, new_project, snapshot
from tests.web import Quiet, listening

NAME = "mlops-scaffold-kit"
INDEX = "https://packages.example.com/simple"
PACKAGE = {"kit": "package", "kit_index": INDEX}


def update(project: Path, **answers: str) -> Outcome:
    """`mlops update --data ...`, committed."""
    forget_fetches()
    outcome = evolve(Request(project, defaults=True, data=answers), Report(quiet=True))
    commit(project, "updated")
    return outcome


# --- there and back --------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_there_and_back_is_what_a_fresh_project_has(template: Path, tmp_path: Path) -> None:
    fresh = new_project(template, tmp_path / "fresh/churn", [f"{key}={value}" for key, value in PACKAGE.items()])
    project = new_project(template, tmp_path / "churn")
    before = snapshot(project)
    compiled = project / "kit/src/mlops_kit/__pycache__/before.cpython-311.pyc"
    compiled.parent.mkdir()
    compiled.write_bytes(b"x")
    update(project, **PACKAGE)
    compiled.unlink()
    assert snapshot(project) == snapshot(fresh)
    assert check(open_project(project), open_repository(project)).as_it_should_be
    compiled.write_bytes(b"x")  # is left by Python, and in nobody's way
    update(project, kit="vendored")
    compiled.unlink()
    assert snapshot(project) == before


def test_an_edit_in_the_folder_is_kept_and_named_until_it_is_removed(template: Path, tmp_path: Path) -> None:
    project = new_project(template, tmp_path / "churn")
    edited, mine = project / "kit/src/mlops_kit/before.py", project / "kit/src/mlops_kit/mine.py"
    edited.write_text("EDITED = 1\n", encoding="utf-8")
    mine.write_text("MINE = 1\n", encoding="utf-8")
    commit(project, "edits in the library")
    outcome = update(project, **PACKAGE)
    assert "kit/src/mlops_kit/before.py" in [change.path for change in outcome.changes if change.note]
    assert (edited.read_text(encoding="utf-8"), mine.read_text(encoding="utf-8")) == ("EDITED = 1\n", "MINE = 1\n")
    done = mlops("check", cwd=project)
    assert done.returncode == 2
    assert f"both kit/src/mlops_kit and the package {NAME}, and only the package is used" in done.stderr
    ((what, mend),) = findings(project)
    assert what in done.stderr
    subprocess.run(mend, shell=True, cwd=project, check=True, capture_output=True)
    assert findings(project) == []


def findings(project: Path) -> list[tuple[str, str]]:
    """What doctor finds of its library, and the command that mends it."""
    forget_fetches()
    return [(one.what, one.mend) for one in examine(Place(open_project(project)), ["library"]).findings]


LOCKS = {
    "older": ("0.0.1", INDEX, f"uv.lock has version 0.0.1 of {NAME}, and the template has {__version__}"),
    "newer": ("9.9.9", INDEX, f"uv.lock has version 9.9.9 of {NAME}, and the template has {__version__}"),
    "of another index": (
        __version__,
        "https://pypi.example.org/simple",
        f"uv.lock takes {NAME} from https://pypi.example.org/simple, and the project's index for it is {INDEX}",
    ),
    "as it should be": (__version__, f"{INDEX}/", ""),
}


@pytest.mark.parametrize("case", LOCKS)
def test_the_lock_file_has_the_templates_version_from_the_projects_index(
    case: str, template: Path, tmp_path: Path
) -> None:
    version, index, sentence = LOCKS[case]
    project = new_project(template, tmp_path / "churn", [f"{key}={value}" for key, value in PACKAGE.items()])
    entry = f'[[package]]\nname = "{NAME}"\nversion = "{version}"\nsource = {{ registry = "{index}" }}\n'
    (project / "uv.lock").write_text(entry, encoding="utf-8")
    assert [what for what, _ in findings(project)] == ([sentence] if sentence else [])


@pytest.mark.parametrize("answer", [[], ["kit_index=packages"], ["kit_index=https://me:secret@packages.example.com"]])
def test_a_package_needs_the_address_of_its_index(answer: list[str], template: Path, tmp_path: Path) -> None:
    options = [word for one in ("kit=package", *answer) for word in ("--data", one)]
    refused = mlops("new", "churn", "-l", "--no-setup", "--template", str(template), *options, cwd=tmp_path)
    assert refused.returncode == 1
    assert "kit=package needs the address of the index that has the library" in refused.stderr
    assert "--data kit_index=https://packages.example.com/simple" in refused.stderr
    assert list(tmp_path.iterdir()) == []


# --- an index that does not give it -----------------------------------------------------------------------------------


def wheel(version: str, code: str = "") -> bytes:
    """A wheel of the library's name, with nothing that it needs."""
    held, stem = io.BytesIO(), f"mlops_scaffold_kit-{version}"
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(zipfile.ZipInfo("mlops_kit/__init__.py"), code)
        metadata = f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {version}\nProvides-Extra: sklearn\n"
        archive.writestr(zipfile.ZipInfo(f"{stem}.dist-info/METADATA"), metadata)
        tag = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(zipfile.ZipInfo(f"{stem}.dist-info/WHEEL"), tag)
        archive.writestr(zipfile.ZipInfo(f"{stem}.dist-info/RECORD"), "")
    return held.getvalue()


class Index(Quiet):
    """A package index as PEP 503 has it: a page with the wheels and their hashes."""

    wheels: ClassVar[dict[str, bytes]] = {}
    status = 200

    def do_GET(self) -> None:
        """A page, a wheel, or what the index says instead."""
        name, wheels = self.path.rpartition("/")[2], self.wheels.items()
        links = (f'<a href="/{one}#sha256={hashlib.sha256(raw).hexdigest()}">{one}</a>' for one, raw in wheels)
        page = "".join(links).encode() if NAME in self.path else b""
        body = (self.wheels.get(name, b"") if name else page) if self.status == 200 else b""
        self.send_response(self.status if body or self.status != 200 else 404)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if self.command == "GET" else b"")

    do_HEAD = do_GET


@contextmanager
def index(*versions: str) -> Iterator[tuple[str, type[Index]]]:
    """An index with some versions of the library; its address, and what it holds."""
    wheels = {f"mlops_scaffold_kit-{version}-py3-none-any.whl": wheel(version) for version in versions}
    holds = type("Holds", (Index,), {"wheels": wheels})
    with listening(holds) as address:
        yield f"{address}/simple", holds


@pytest.fixture
def small(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Project]:
    """A project with uv's settings as they are rendered, and no package but the library."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def make(url: str, **answers: str) -> Project:
        given = {"kit": "package", "kit_index": url, **answers}
        folder = new_project(template, tmp_path / "churn", [f"{key}={value}" for key, value in given.items()])
        told = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        (source,) = told["tool"]["uv"]["sources"].items()
        lines = ['[project]\nname = "churn"\nversion = "0"\nrequires-python = ">=3.11"']
        lines += [f"dependencies = {json.dumps(told['project']['dependencies'])}"]
        lines += [f'[tool.uv.sources]\n{source[0]} = {{ index = "{source[1]["index"]}" }}']
        for one in told["tool"]["uv"]["index"]:
            lines += ["[[tool.uv.index]]", *(f"{key} = {json.dumps(value)}" for key, value in one.items())]
        (folder / "pyproject.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return open_project(folder)

    return make


def said(project: Project) -> str:
    """What `mlops setup` says where the environment cannot be made."""
    with pytest.raises(StepFailed, match=r"^environment: ") as refused:
        set_up(project, Wishes(), Report(quiet=True))
    assert "go on with: mlops setup" in refused.value.next_step
    return str(refused.value)


def test_an_index_without_the_version_or_the_package(small: Callable[..., Project]) -> None:
    with index("0.0.1", "9.9.9") as (url, holds):
        project = small(url)
        sentence = f"{url} does not have the version of {NAME} that pyproject.toml names. Publish it there."
        assert sentence in said(project)
        holds.wheels = {}
        assert sentence in said(project)


def test_an_index_that_is_away_or_wants_a_login(small: Callable[..., Project]) -> None:
    with index(__version__) as (url, holds):
        project = small(url)
        holds.status = 401
        assert f"{url} refuses to give {NAME} without a login. Set UV_INDEX_LIBRARY_USERNAME" in said(project)
        holds.status = 500
        assert f"{url} does not answer: {NAME} cannot be installed. Check the address" in said(project)
    assert f"{url} does not answer: {NAME} cannot be installed. Check the address" in said(project)


def test_an_index_with_another_build_than_was_locked(
    small: Callable[..., Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with index(__version__) as (url, holds):
        project = small(url)
        subprocess.run([process.uv(), "lock", "--quiet"], cwd=project.folder, check=True)
        (name,) = holds.wheels
        holds.wheels = {name: wheel(__version__, "x = 1\n")}
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "of somebody else"))
        sentence = said(project)
        assert f"{url} offers another build of {NAME} than the one in uv.lock." in sentence
        accept = sentence.split("accept it: ")[1].partition(" Then")[0]
        subprocess.run([process.uv(), "--quiet", *accept.split()[1:]], cwd=project.folder, check=True)
        subprocess.run([process.uv(), "sync", "--quiet", "--locked"], cwd=project.folder, check=True)


def test_no_other_index_can_slip_another_library_in(small: Callable[..., Project]) -> None:
    with index(__version__) as (ours, holds), index(__version__, "9.9.9") as (public, _):
        project = small(ours, package_index=public)
        subprocess.run([process.uv(), "lock", "--quiet"], cwd=project.folder, check=True)
        assert f'source = {{ registry = "{ours}" }}' in (project.folder / "uv.lock").read_text(encoding="utf-8")
        (project.folder / "uv.lock").unlink()
        holds.wheels = {}
        assert f"{ours} does not have the version of {NAME}" in said(project)


# --- the wheel -------------------------------------------------------------------------------------------------------


def test_the_wheel_of_a_project_and_of_the_template_are_the_same(template: Path, tmp_path: Path) -> None:
    project = new_project(template, tmp_path / "churn")
    built = []
    for number, source in enumerate((project / "kit", ROOT / "template/project/kit")):
        out = tmp_path / str(number)
        command = [process.uv(), "build", "--quiet", "--wheel", "--out-dir", str(out), str(source)]
        subprocess.run(command, cwd=tmp_path, env={**process.project_environment(), "UV_OFFLINE": "1"}, check=True)
        (file,) = out.glob("*.whl")
        assert file.name == f"mlops_scaffold_kit-{__version__}-py3-none-any.whl"
        built.append(file.read_bytes())
    assert built[0] == built[1]
