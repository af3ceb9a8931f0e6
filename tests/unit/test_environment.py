"""What uv and other tools read of the folders and variables around a project."""

import ast
import base64
import io
import json
import os
import re
import shutil
import subprocess
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlops_scaffold.creating.environment import fault, outer_workspace
from mlops_scaffold.ground import process
from mlops_scaffold.ground.errors import Untrusted
from mlops_scaffold.ground.project import Project
from mlops_scaffold.vcs.repository import refuse_programs

from tests.conftest import ROOT, git, mlops
from tests.web import Quiet, listening

TABLE = '[project]\nname = "{name}"\nversion = "0"\nrequires-python = ">=3.11"\n'
MEMBERS = {
    "a member": ('members = ["packages/*"]', "packages/churn"),
    "a member of any depth": ('members = ["packages/**/churn"]', "packages/ml/churn"),
    "a member by its name": ('members = ["./churn/"]', "churn"),
    "deeper than the pattern": ('members = ["packages/*"]', "packages/ml/churn"),
    "left out": ('members = ["packages/*"]\nexclude = ["packages/churn"]', "packages/churn"),
    "of no pattern": ('members = ["libs/*"]', "packages/churn"),
    "of a workspace of one": ("members = []", "churn"),
}


def uv(folder: Path, *arguments: str, offline: str = "1") -> str:
    env = {**process.project_environment(), "UV_OFFLINE": offline}
    done = subprocess.run([process.uv(), *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def write(folder: Path, name: str, more: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(TABLE.format(name=name) + more, encoding="utf-8")
    return folder


# --- the folder above is a uv workspace ------------------------------------------------------------------------------


@pytest.mark.parametrize("case", MEMBERS)
def test_a_member_of_a_workspace_is_what_uv_takes_for_one(case: str, tmp_path: Path) -> None:
    settings, path = MEMBERS[case]
    write(tmp_path, "platform", f"[tool.uv.workspace]\n{settings}\n")
    project = write(tmp_path / path, "churn")
    found = outer_workspace(project)
    assert (found is not None) == case.startswith("a member")
    uv(project, "lock")
    assert (tmp_path / "uv.lock").exists() == (found is not None)
    assert (project / "uv.lock").exists() == (found is None)


def test_a_project_in_a_workspace_is_refused_and_the_named_command_lets_it_in(template: Path, tmp_path: Path) -> None:
    write(tmp_path, "platform", '[tool.uv.workspace]\nmembers = ["packages/*"]\n')
    command = ["new", "packages/churn", "--defaults", "--no-setup", "--preset", "minimal", "--template", str(template)]
    refused = mlops(*command, cwd=tmp_path)
    assert refused.returncode == 1
    sentence, _, fix = refused.stderr.partition("Exclude it: ")
    assert f"packages/churn would be a member of the uv workspace of {tmp_path / 'pyproject.toml'}." in sentence
    assert not (tmp_path / "packages").exists()
    subprocess.run(["bash", "-c", fix], check=True)
    made = mlops(*command, cwd=tmp_path)
    assert made.returncode == 0, made.stderr


def test_doctor_finds_a_project_that_was_moved_into_a_workspace(template: Path, tmp_path: Path) -> None:
    options = ["--defaults", "--no-setup", "--preset", "minimal", "--template", str(template)]
    assert mlops("new", "packages/churn", *options, cwd=tmp_path).returncode == 0
    write(tmp_path, "platform", '[tool.uv.workspace]\nmembers = ["packages/*"]\nexclude = []\n')
    found = mlops("doctor", "packages/churn", "--only", "workspace", cwd=tmp_path)
    assert found.returncode == 2
    assert 'pyproject.toml # in [tool.uv.workspace]: exclude = ["packages/churn"]' in found.stderr


# --- the environment -------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with the template's setting, by which an environment can be moved."""
    setting = re.search(r"(?m)^preview-features = .*", (ROOT / "template/project/pyproject.toml").read_text("utf-8"))
    assert setting
    folder = write(tmp_path / "churn", "churn", f"[tool.uv]\n{setting[0]}\n")
    uv(folder, "sync", "--quiet")
    return Project(folder, {})


def test_an_environment_can_be_moved(project: Project) -> None:
    assert fault(project, trusted=True) is None
    assert "relocatable = true" in (project.folder / ".venv/pyvenv.cfg").read_text(encoding="utf-8")
    moved = Project(project.folder.rename(project.folder.with_name("renamed")), {})
    assert fault(moved, trusted=True) is None
    assert uv(moved.folder, "run", "python", "-c", "print(1)").strip() == "1"


@pytest.mark.parametrize(
    ("place", "head"),
    [
        ("/gone/churn", "#!/gone/churn/.venv/bin/python\n"),
        ("/gone/our churn", "#!/bin/sh\n'''exec' '/gone/our churn/.venv/bin/python' \"$0\" \"$@\"\n' '''\n"),
    ],
)
def test_an_environment_of_another_folder_is_named(place: str, head: str, project: Project) -> None:
    project.python.with_name("poe").write_text(head, encoding="utf-8")
    found = fault(project, trusted=True)
    assert found == (f"the environment was made for another folder, {place}", "uv sync --reinstall")


def test_an_environment_of_another_machine_is_made_again_by_its_command(project: Project) -> None:
    project.python.unlink()
    project.python.write_bytes(b"\x7fELF of another processor")
    project.python.chmod(0o755)
    found = fault(project, trusted=True)
    assert found is not None
    assert found[0] == "the environment's Python does not run here: it was made on another machine"
    for command in found[1].split(" && "):
        uv(project.folder, *command.split()[1:])
    assert fault(project, trusted=True) is None


# --- what git does not show ------------------------------------------------------------------------------------------


def test_doctor_gives_gits_reason_and_command_for_a_folder_of_another_user(template: Path, tmp_path: Path) -> None:
    options = ["-l", "--no-setup", "--preset", "minimal", "--template", str(template)]
    assert mlops("new", "churn", *options, cwd=tmp_path).returncode == 0
    git("init", "--quiet", cwd=tmp_path / "churn")
    other = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1", "GIT_CONFIG_GLOBAL": str(tmp_path / "config")}
    command = ["doctor", "--only", "repository", "--only", "identity", "--json"]
    (found,) = json.loads(mlops(*command, cwd=tmp_path / "churn", **other).stdout)["findings"]
    assert found["what"].startswith("git: detected dubious ownership in repository at ")
    assert found["mend"].startswith("git config --global --add safe.directory ")
    subprocess.run(["bash", "-c", found["mend"]], env={**os.environ, **other}, check=True)
    after = json.loads(mlops(*command, cwd=tmp_path / "churn", **other).stdout)["findings"]
    assert [one["what"] for one in after if one["check"] == "repository"] == ["the project is in no commit yet"]


def test_the_drivers_that_a_set_up_installs_are_no_programs_of_somebody_else(tmp_path: Path) -> None:
    source = (ROOT / "template/project/kit/src/mlops_kit/workspace/setup.py").read_text(encoding="utf-8")
    (assigned,) = (
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DRIVERS"
    )
    git("init", "--quiet", cwd=tmp_path)
    for name, driver in ast.literal_eval(assigned).items():
        git("config", f"merge.{name}.driver", driver, cwd=tmp_path)
    refuse_programs(tmp_path)
    git("config", "merge.mlops-run.driver", "touch owned", cwd=tmp_path)
    with pytest.raises(Untrusted, match=r"merge\.mlops-run\.driver"):
        refuse_programs(tmp_path)


# --- variables -------------------------------------------------------------------------------------------------------


def test_which_project_uv_works_on_is_ours_and_where_packages_come_from_the_persons(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = write(tmp_path / "elsewhere", "elsewhere")
    for name, value in {
        "UV_PROJECT": str(elsewhere),
        "UV_PROJECT_ENVIRONMENT": str(elsewhere / "env"),
        "UV_WORKING_DIR": str(elsewhere),
        "UV_FROZEN": "1",
        "UV_NO_SYNC": "1",
        "UV_NO_DEV": "1",
        "UV_RESOLUTION": "lowest",
    }.items():
        monkeypatch.setenv(name, value)
    kept = {"UV_DEFAULT_INDEX": "https://packages.example.com/simple", "UV_CACHE_DIR": str(tmp_path / "cache")}
    for name, value in kept.items():
        monkeypatch.setenv(name, value)
    shutil.rmtree(project.folder / ".venv")
    uv(project.folder, "sync")
    assert project.python.exists()
    assert [path.name for path in elsewhere.iterdir()] == ["pyproject.toml"]
    found = process.project_environment()
    assert {name: found[name] for name in kept} == kept


# --- a package index of one's own ------------------------------------------------------------------------------------


@pytest.mark.parametrize("ci", ["github", "gitlab", "circleci", "jenkins"])
def test_lock_ci_and_image_name_the_same_index(ci: str, template: Path, tmp_path: Path) -> None:
    url = "https://packages.example.com/simple"
    command = ["new", "churn", "-l", "--no-setup", "--template", str(template), "--data", f"ci={ci}"]
    made = mlops(*command, "--data", f"package_index={url}", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    root = tmp_path / "churn"
    paths = [path for path in root.rglob("*") if path.is_file() and "kit" not in path.relative_to(root).parts]
    read = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    settings = tomllib.loads(read["pyproject.toml"])["tool"]
    assert settings["uv"]["index"] == [{"name": "packages", "url": url, "default": True}]
    assert read["Dockerfile"].count("--mount=type=secret,id=netrc,target=/root/.netrc uv sync --locked") == 2
    for line in (line for text in read.values() for line in text.splitlines() if "pip install" in line):
        assert line.endswith(f"pip install --quiet uv==0.13.9 --index-url {url}") or "matchStrings" in line


@pytest.mark.parametrize(
    "url", ["packages.example.com", "https://me:secret@packages.example.com/simple", 'https://a"b']
)
def test_an_index_is_an_address_without_a_password(url: str, template: Path, tmp_path: Path) -> None:
    command = ["new", "churn", "-l", "--no-setup", "--template", str(template), "--data", f"package_index={url}"]
    refused = mlops(*command, cwd=tmp_path)
    assert refused.returncode == 1
    assert "a package index is an address such as https://packages.example.com/simple" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_index_that_only_this_machine_knows_is_found(template: Path, tmp_path: Path) -> None:
    url = "https://packages.example.com/simple"
    options = ["-l", "--no-setup", "--preset", "minimal", "--template", str(template)]
    assert mlops("new", "churn", *options, cwd=tmp_path).returncode == 0
    folder = tmp_path / "churn"
    (folder / "uv.lock").write_text(f'source = {{ registry = "{url}" }}\n', encoding="utf-8")
    for arguments in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "first")):
        git(*arguments, cwd=folder)
    here = {"UV_DEFAULT_INDEX": "https://me:secret@packages.example.com/simple"}
    found = mlops("doctor", "--only", "package-index", cwd=folder, **here)
    assert found.returncode == 2
    command = f"mlops update --data package_index={url}"
    assert command in found.stderr
    assert "secret" not in found.stderr
    updated = mlops(*command.split()[1:], "--defaults", cwd=folder)
    assert updated.returncode == 0, updated.stderr
    assert mlops("doctor", "--only", "package-index", cwd=folder, **here).returncode == 0


class Mirror(Quiet):
    """An index with one package, for who has the password."""

    wheel = b""

    def do_GET(self) -> None:
        let_in = self.headers["authorization"] == "Basic " + base64.b64encode(b"ci:secret").decode()
        if not let_in:
            self.send_response(401)
            self.send_header("www-authenticate", "Basic")
            body = b""
        else:
            self.send_response(200)
            page = b'<a href="/tiny-1-py3-none-any.whl">tiny-1-py3-none-any.whl</a>'
            body = self.wheel if self.path.endswith(".whl") else page
            self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET


@pytest.fixture
def mirror() -> Iterator[str]:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as wheel:
        wheel.writestr("tiny.py", "")
        wheel.writestr("tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n")
        wheel.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny-1.dist-info/RECORD", "")
    handler = type("OfOne", (Mirror,), {"wheel": held.getvalue()})
    with listening(handler) as address:
        yield f"{address}/simple"


def test_behind_a_mirror_ci_installs_what_was_locked(
    mirror: str, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--preset", "minimal", "--template", str(template), "--data", f"package_index={mirror}"]
    made = mlops("new", "churn", "-l", "--no-setup", *options, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    settings = tomllib.loads((tmp_path / "churn/pyproject.toml").read_text(encoding="utf-8"))["tool"]["uv"]
    (index,) = settings["index"]
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in index.items())
    project = write(tmp_path / "here", "churn", f'dependencies = ["tiny"]\n[[tool.uv.index]]\n{lines}\n')
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_INDEX_PACKAGES_USERNAME", "ci")
    monkeypatch.setenv("UV_INDEX_PACKAGES_PASSWORD", "secret")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    uv(project, "lock", offline="0")
    locked = (project / "uv.lock").read_text(encoding="utf-8")
    assert mirror in locked
    assert "secret" not in locked
    ci = tmp_path / "ci"
    ci.mkdir()
    for name in ("pyproject.toml", "uv.lock"):
        shutil.copy(project / name, ci / name)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "another cache"))
    uv(ci, "sync", "--locked", offline="0")
    assert list((ci / ".venv").rglob("tiny.py"))
