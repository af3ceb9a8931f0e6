"""The web service keeps the contract of serving, in this process and as `poe serve` starts it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlops_kit.contract import Contract
from mlops_kit.ground import KitError, Project, using
from mlops_kit.serving.endpoint import rows_as_json
from mlops_kit.serving.endpoints import interface
from mlops_kit.serving.predict import predictions
from mlops_kit.testing.services import Service, ask, server, started

from tests.kit.kinds import kinds
from tests.kit.service_contract import ServiceContract


@pytest.fixture(scope="module")
def services(kept: Callable[[Project], Path]) -> Iterator[Callable[[Project], Service]]:
    """Gives the application of a project with its model behind it, started once."""
    running: dict[Project, Service] = {}
    with ExitStack() as stack:

        def start(project: Project) -> Service:
            if project not in running:
                running[project] = stack.enter_context(started(kept(project), Path("log of a server")))
            return running[project]

        yield start


@kinds("grades", "prices", "quoted", "one")
class TestInThisProcess(ServiceContract):
    """The application of serve.py."""

    @pytest.fixture
    def service(self, project: Project, services: Callable[[Project], Service]) -> Service:
        """The service of the kind."""
        return services(project)


@pytest.mark.usefixtures("installed")
def test_poe_serve_starts_it(contract: Contract, model: Any, saved: Path, tmp_path: Path) -> None:
    rows = contract.sample(20)
    with server(tmp_path / "log", MODEL_DIR=str(saved)) as address:
        service = Service(contract, lambda path, body: ask(address + path, body))
        assert service.predict(rows) == predictions(model, contract, rows)["prediction"].tolist()


@pytest.mark.usefixtures("installed")
def test_without_a_champion_it_is_not_ready_and_says_why(contract: Contract, tmp_path: Path) -> None:
    rows = rows_as_json(contract, contract.sample(3))
    with server(tmp_path / "log", says="holds no model", MODEL_DIR=str(tmp_path / "nothing")) as address:
        service = Service(contract, lambda path, body: ask(address + path, body))
        assert service.send(interface().ready, None).status == interface().unready
        assert service.ask(rows).status >= 400


def test_a_project_without_a_service_says_how_to_have_one(project: Project) -> None:
    with using(replace(project, serving="none")), pytest.raises(KitError, match="Add one: mlops add fastapi"):
        interface()
