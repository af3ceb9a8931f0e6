"""The service's endpoints for rows: /predict, and the Open Inference Protocol."""

from typing import Any

from mlops_kit.contract import Contract
from mlops_kit.serving import protocol
from mlops_kit.serving.endpoint import Answers, Endpoint, Row
from mlops_kit.serving.endpoints import Interface


def body(contract: Contract, rows: list[Row]) -> dict[str, Any]:
    """Rows as /predict takes them."""
    return {"rows": rows}


def answers(contract: Contract, found: dict[str, Any]) -> Answers:
    """The answers of /predict."""
    shares = found.get("probabilities")
    return Answers(found["predictions"], shares and [list(row.values()) for row in shares])


def interface() -> Interface:
    """Where the web service listens."""
    endpoints = {"predict": Endpoint("/predict", body, answers), "v2": protocol.endpoint()}
    return Interface(8000, ("PORT",), ready="/ready", unready=503, endpoints=endpoints)
