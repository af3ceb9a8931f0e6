"""Whatever comes from outside is read, or refused in one sentence: champion.yaml, tables, the bodies of requests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from mlops_kit.contract.infer import infer
from mlops_kit.ground import KitError, Project, using
from mlops_kit.models.champion import champion_file, read_champion
from mlops_kit.serving.app import create_app
from mlops_kit.serving.endpoints import interface

from tests.fuzzing import Check, corpus, try_new
from tests.kit.projects import copied

TARGETS = ("champion", "table", "predict", "v2")


@pytest.fixture
def check(
    request: pytest.FixtureRequest, project: Project, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Check:
    """What a kind of input must do to be right."""
    makers: dict[str, Callable[[], Check]] = {
        "champion": lambda: champion(request, project, tmp_path),
        "table": lambda: table(tmp_path),
        "predict": lambda: body(request, "predict", saved, monkeypatch),
        "v2": lambda: body(request, "v2", saved, monkeypatch),
    }
    return makers[request.getfixturevalue("name")]()


def champion(request: pytest.FixtureRequest, project: Project, folder: Path) -> Check:
    context = using(copied(project, folder))
    context.__enter__()
    request.addfinalizer(lambda: context.__exit__(None, None, None))

    def read(raw: bytes) -> None:
        champion_file().write_bytes(raw)
        try:
            found = read_champion()
        except KitError as refused:
            assert len(str(refused)) < 1000  # noqa: PT017  # most are refused
            return
        assert found is None or not {"/", "\\", ".."} & {found.model, *found.model}

    return read


def table(folder: Path) -> Check:
    def read(raw: bytes) -> None:
        path = folder / "data.csv"
        path.write_bytes(raw)
        try:
            contract, _ = infer(path, "y")
            contract.read(path)
        except KitError as refused:
            assert len(str(refused)) < 2000  # noqa: PT017  # most are refused

    return read


def body(request: pytest.FixtureRequest, name: str, saved: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    monkeypatch.setenv("MODEL_DIR", str(saved))
    path = interface().endpoints[name].path
    client = TestClient(create_app()).__enter__()
    request.addfinalizer(lambda: client.__exit__(None, None, None))

    def send(raw: bytes) -> None:
        reply = client.post(path, content=raw, headers={"content-type": "application/json"})
        assert reply.status_code < 500, reply.text[:500]
        reply.json()

    return send


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_once_is_found_again(name: str, check: Check) -> None:
    for raw in corpus(name):
        check(raw)
    try_new(name, check, 30, seeded=True)


@pytest.mark.soak
@pytest.mark.parametrize("name", TARGETS)
def test_nothing_new_is_found(name: str, check: Check) -> None:
    try_new(name, check, 5000)
