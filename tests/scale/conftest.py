"""A project that searches, and what an undisturbed search finds: made once for all tests of this folder."""

from pathlib import Path

import pytest

from tests.conftest import git
from tests.project.running import first, with_answers
from tests.scale.searching import SPACE, TRIALS, forget, found, keep, search, trials

# What the tests make happen in a worker: it is slow, the disk of its machine is full, or it stands before a gate: four
# trials, of two folds each, go through, the others wait until it is opened.
TROUBLE = '''

def trouble() -> None:
    """What a test asks for."""
    import os
    import time
    from pathlib import Path

    time.sleep(float(os.environ.get("SLOW", 0)))
    if os.environ.get("TROUBLE") == "full":
        Path("/dev/full").write_text("x", encoding="utf-8")
    gate = Path(os.environ.get("GATE", "/nowhere"))
    if gate.is_dir():
        number = 0
        while not made(gate / str(number)):
            number += 1
        while number >= 4 * 2 and not (gate / "open").exists():
            time.sleep(0.05)


def made(folder: Any) -> bool:
    """Whether it was us who made it."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True
'''


@pytest.fixture(scope="session")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest project that can search, with a small space, and a model that has trouble where a test says so."""
    answers = ["-d", "ci=none", "-d", "serving=none", "-d", "extras=[]", "-d", "compute=ray"]
    folder = with_answers(first(template, tmp_path_factory), tmp_path_factory.mktemp("search") / "churn", *answers)
    (folder / "search.yaml").write_text(SPACE, encoding="utf-8")
    model = folder / "src/churn/model.py"
    text = model.read_text(encoding="utf-8")
    text = text.replace("    categories = categorical", "    trouble()\n    categories = categorical")
    text = text.replace("BlendClassifier(trees, categories))", "trees)")  # a linear model would settle every trial
    model.write_text(text + TROUBLE, encoding="utf-8")
    git("commit", "--quiet", "--no-verify", "--all", "--message", "a small space", cwd=folder)
    keep(folder)
    return folder


@pytest.fixture(scope="session")
def reference(project: Path) -> tuple[str, object]:
    """What an undisturbed search with one worker finds, and its trials."""
    best = found(search(project, TRIALS, "--workers", "1"))
    made = trials(project)
    assert len(made) == int(TRIALS)
    assert 1 in [len(scores) for _, scores in made.values()], "no trial was stopped after the first of its two folds"
    forget(project)
    return best, made
