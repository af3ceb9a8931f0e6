"""The session of docs/adopt.md is real. `MLOPS_WRITE_SESSIONS=1 pytest tests/adopt/test_page.py` writes it anew."""

import os
import shutil
from pathlib import Path

import pytest

from tests.adopt.world import make_repository
from tests.conftest import ROOT, git
from tests.docs.test_sessions import BLOCK, Place, commands

FILES = {
    ".gitignore": "data/\n*.pkl\n",
    ".github/workflows/tests.yml": "name: tests\non: push\njobs: {}\n",
    ".pre-commit-config.yaml": "repos: []\n",
    "requirements.txt": "pandas==2.2.0\nscikit-learn==1.5.0\n-e .\n",
    "train.py": "print('trained')\n",
}


def test_the_session_is_what_happens(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released = tmp_path / "template"
    shutil.copytree(template, released)
    git("tag", "v1.0.0", cwd=released)
    monkeypatch.setenv("MLOPS_TEMPLATE", str(released))
    make_repository(tmp_path / "churn", FILES)
    place, path = Place(tmp_path), ROOT / "docs/adopt.md"
    text = path.read_text(encoding="utf-8")
    (session,) = BLOCK.findall(text)
    happened = "".join(f"$ {command}\n{place.run(command)}" for command, _ in commands(session))
    if os.environ.get("MLOPS_WRITE_SESSIONS"):
        path.write_text(text.replace(session, happened), encoding="utf-8")
    assert happened in path.read_text(encoding="utf-8")
