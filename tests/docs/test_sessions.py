"""The sessions that the documentation shows are real: each command is run, and what it prints is what the page says.

After a change of what is printed, `MLOPS_WRITE_SESSIONS=1 pytest tests/docs/test_sessions.py` writes the pages anew.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from mlops_scaffold.creating.new import Request, plan
from mlops_scaffold.ground.report import Report

from tests.conftest import ROOT, git
from tests.update.world import commit, forget_fetches

pytestmark = pytest.mark.long
BLOCK = re.compile(r"(?ms)^```console\n(.*?)^```$")


@dataclass(frozen=True)
class Place:
    """A folder with a project `churn` of version 1.0.0, and its template, which is at 1.1.0."""

    folder: Path

    @property
    def project(self) -> Path:
        return self.folder / "churn"

    def run(self, command: str) -> str:
        """What a command prints, in the project."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        env = {**os.environ, "PATH": path, "GIT_PAGER": "cat"}
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.project, env=env, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return steady(done.stdout.replace(str(self.folder), "~"))


def steady(said: str) -> str:
    """Without the hashes, which are others with each run."""
    said = re.sub(r"\b[0-9a-f]{40}\b", "0123456…", said)
    return re.sub(r"(?m)^index [0-9a-f.,]+", "index 0123456..789abcd", said)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place of its own for each test."""
    return make_place(tmp_path)


def make_place(folder: Path) -> Place:
    """Version 1.1.0 changes the width of lines, adds a file, and says so in its changelog."""
    template = folder / "template"
    template.mkdir(parents=True)
    shutil.copy(ROOT / "copier.yml", template)
    shutil.copytree(ROOT / "template", template / "template")
    git("init", "--quiet", "--initial-branch=main", cwd=template)
    commit(template, "one")
    git("tag", "v1.0.0", cwd=template)
    forget_fetches()
    request = Request(folder / "churn", str(template), defaults=True, set_up=False)
    plan(request, Report(quiet=True)).tree.write_new(folder / "churn")
    project = template / "template/project/pyproject.toml"
    project.write_text(project.read_text().replace("line-length = 120", "line-length = 100"))
    (template / "template/project/.editorconfig").write_text("root = true\n\n[*]\nmax_line_length = 100\n")
    (template / "CHANGELOG.md").write_text("# Changelog\n\n## 1.1.0\n\n- Lines are at most 100 characters long.\n")
    commit(template, "two")
    git("tag", "v1.1.0", cwd=template)
    place = Place(folder)
    git("init", "--quiet", "--initial-branch=main", cwd=place.project)
    commit(place.project, "first")
    ours = place.project / "pyproject.toml"
    ours.write_text(ours.read_text().replace("line-length = 120", "line-length = 88"))
    readme = place.project / "README.md"
    readme.write_text(readme.read_text() + "\nAsk the churn team.\n")
    commit(place.project, "our width")
    return place


def commands(session: str) -> Iterator[tuple[str, str]]:
    """Each command of a session, with what it prints."""
    for part in re.split(r"(?m)^\$ ", session)[1:]:
        command, _, said = part.partition("\n")
        yield command, said


@pytest.mark.parametrize("page", ["update.md", "platform-teams.md"])
def test_a_session_is_what_happens(page: str, place: Place) -> None:
    check_sessions(page, place)


def test_a_layer_is_made_from_nothing(place: Place) -> None:
    """docs/template-source.md, as it writes it, over a project that is up to date."""
    git("reset", "--quiet", "--hard", "HEAD~1", cwd=place.project)
    place.run("mlops update --defaults --quiet && git commit --quiet --all --message current")
    text = (ROOT / "docs/template-source.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"(?ms)^```sh\n(.*?)^```$", text)
    assert place.run(f"set -e; cd ..\n{script}") == ""
    check_sessions("template-source.md", place)
    assert place.run("git commit --quiet --message 'Scanner 3.2'; mlops layer remove security --quiet") == ""
    assert not (place.project / ".gitlab/ci").exists()


def check_sessions(page: str, place: Place) -> None:
    """Run the sessions of a page one after the other; each is what happens."""
    path = ROOT / "docs" / page
    text = path.read_text(encoding="utf-8")
    sessions = BLOCK.findall(text)
    assert sessions
    for session in sessions:
        happened = "".join(f"$ {command}\n{place.run(command)}" for command, _ in commands(session))
        text = text.replace(session, happened)
    if os.environ.get("MLOPS_WRITE_SESSIONS"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def test_an_update_can_be_proposed_by_ci(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands that docs/platform-teams.md gives to a CI, as it writes them, in a clone where git knows nobody."""
    text = (ROOT / "docs/platform-teams.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"(?ms)^```sh\n(.*?)^```$", text)
    origin = place.folder / "origin.git"
    git("clone", "--quiet", "--bare", str(place.project), str(origin), cwd=place.folder)
    git("remote", "add", "origin", str(origin), cwd=place.project)
    git("switch", "--quiet", "--create", "unpublished", cwd=place.project)
    (place.project / "secret.txt").write_text("not yet\n", encoding="utf-8")
    commit(place.project, "work that nobody is to see yet")
    for name in [name for name in os.environ if name.startswith(("GIT_AUTHOR", "GIT_COMMITTER"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)

    def propose() -> str:
        said = place.run(f"set -e\n{script}")
        assert "fatal" not in said
        return git("log", "-1", "--format=%H %s", "template-update", cwd=origin)

    proposed = propose()
    assert proposed.endswith(" Take the template's changes in")
    assert "secret.txt" not in git("ls-tree", "--name-only", "template-update", cwd=origin)
    assert place.run("mlops check --strict >/dev/null 2>&1; echo $?") == "2\n", "it has a conflict"
    assert propose() == proposed, "the second run has nothing new"
    git("reset", "--quiet", "--hard", "origin/template-update", cwd=place.project)
    person = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    git(*person, "commit", "--quiet", "--allow-empty", "--message", "settled", cwd=place.project)
    git("push", "--quiet", "origin", "template-update", cwd=place.project)
    assert propose().endswith(" settled"), "what a person has committed stays"
    git("branch", "--force", "main", "template-update", cwd=origin)
    git("branch", "--delete", "--force", "template-update", cwd=origin)
    place.run(f"set -e\n{script}")
    assert git("branch", "--list", "template-update", cwd=origin) == "", "there is nothing to propose"


@pytest.mark.parametrize("schema", ["github-workflows", "gitlab-ci"])
def test_the_ci_files_of_the_pages_are_valid(schema: str, tmp_path: Path) -> None:
    pages = [(ROOT / "docs" / page).read_text(encoding="utf-8") for page in ("platform-teams.md", "ci.md")]
    found = [text for page in pages for text in re.findall(r"(?ms)^```yaml\n(.*?)^```$", page)]
    found = [text for text in found if "projects:" not in text]  # the inventory of a fleet: tests/fleet
    files = [text for text in found if ("jobs:" in text) == (schema == "github-workflows")]
    assert files
    for number, text in enumerate(files):
        (tmp_path / f"{number}.yml").write_text(text, encoding="utf-8")
        parsed = yaml.safe_load(text)
        stages = [job["stage"] for job in parsed.values() if isinstance(job, dict) and "stage" in job]
        assert set(stages) <= set(parsed.get("stages", []))
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    done = subprocess.run([*command, *map(str, tmp_path.iterdir())], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
