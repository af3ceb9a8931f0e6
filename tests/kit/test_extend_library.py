"""What docs/architecture.md says of extending the library works as it is written."""

import json
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import mlflow.pyfunc
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from mlops_kit.contract import Column, Contract, ContractError, checks, load
from mlops_kit.ground import Project, command, using
from mlops_kit.models import ModelError, load_model
from mlops_kit.monitoring import pages
from mlops_kit.serving import app
from mlops_kit.training import save

from tests.kit.projects import ROOT, copied

PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
SHOWN = dict(re.findall(r"^\*\*(.+?)\.\*\*.*?```python\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE))


def test_a_rule_of_the_contract(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    field, _, row = SHOWN["A rule of the contract"].partition("\n")
    names = {"dataclass": dataclass, "Column": Column}
    exec(f"@dataclass(frozen=True)\nclass Longer(Column):\n    {field}", names)
    rule = eval(row.strip().partition("  #")[0], {"Rule": checks.Rule})
    monkeypatch.setattr(checks, "RULES", (*checks.RULES, rule))
    monkeypatch.setattr("mlops_kit.contract.contract.RULES", checks.RULES)
    longer: Any = names["Longer"]
    code = longer.from_dict("code", {"type": "text", "nulls": 0.5, "matches": "[A-Z][0-9]+"})
    assert code.to_dict() == {"type": "text", "matches": "[A-Z][0-9]+", "nulls": 0.5}
    ruled = replace(contract, columns=(*contract.columns, code))
    rows = contract.sample(3)
    kept: list[Any] = ["A1", "B22", None]
    assert ruled.check(rows.assign(code=kept)) == []
    found = ruled.check(rows.assign(code=["A1", "B22 and more", "C3"]))
    assert found == ["'code': 1 values not like '[A-Z][0-9]+', such as 'B22 and more'"]
    with pytest.raises(ContractError, match="the setting 'matches' is not for numeric columns"):
        longer.from_dict("code", {"type": "numeric", "matches": "1"})


def test_a_page(project: Project, contract: Contract, tmp_path: Path) -> None:
    with using(copied(project, tmp_path, "contract.yaml")) as here:
        names = dict(Contract=Contract, load=load, pages=pages, project=lambda: here, command=command)
        exec(SHOWN["A page"], names)
        names["main"]()  # type: ignore[operator]
        written = (here.reports / "columns.html").read_text(encoding="utf-8")
    assert all(f"<td>{column.name}</td>" in written for column in contract.columns)


def test_a_route_of_the_service(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    operations = app.operations

    def longer(application: Any, service: app.Service) -> None:
        operations(application, service)
        exec(SHOWN["A route of the service"], dict(app=application, service=service))

    monkeypatch.setattr(app, "operations", longer)
    monkeypatch.setenv("MODEL_DIR", str(saved))
    with TestClient(app.create_app()) as client:
        assert client.get("/version").json() == {"version": "test"}
        assert 'http_requests_total{path="/version",status="200"} 1.0' in client.get("/metrics").text


class Constant:
    """Always answers the same."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    def predict(self, rows: pd.DataFrame) -> list[str]:
        """Shape (rows,)."""
        return [self.answer] * len(rows)


def test_a_framework(project: Project, contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = ModuleType("mlops_kit.frameworks.constant")
    needed = dict(json=json, Path=Path, Any=Any, Iterable=Iterable, Contract=Contract, ModelError=ModelError)
    vars(made).update(needed, Constant=Constant, REQUIREMENTS=(), decision_of=lambda _: None)
    exec(SHOWN["A framework"], vars(made))
    monkeypatch.setitem(sys.modules, made.__name__, made)
    rows = contract.coerce(contract.sample(3))
    with using(replace(project, framework="constant")):
        save(Constant("in"), contract, tmp_path / "model")
        assert load_model(tmp_path / "model").predict(rows) == ["in"] * 3
        assert list(mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(rows)) == ["in"] * 3
        with pytest.raises(ModelError, match="holds no model"):
            load_model(tmp_path)
