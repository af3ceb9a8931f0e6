"""The service's endpoints for rows: /predict, and the Open Inference Protocol."""

from typing import Any

from ..contract import Contract
from . import protocol
from .endpoint import Answers, Endpoint, Row

PORT = 8000
PORTS = ("PORT",)  # the variables that say where it listens
READY = "/ready"  # 200, or 503 with the reason
UNREADY = 503


def body(contract: Contract, rows: list[Row]) -> dict[str, Any]:
    """Rows as /predict takes them."""
    return {"rows": rows}


def answers(contract: Contract, found: dict[str, Any]) -> Answers:
    """The answers of /predict."""
    shares = found.get("probabilities")
    return Answers(found["predictions"], shares and [list(row.values()) for row in shares])


ENDPOINTS = {"predict": Endpoint("/predict", body, answers), "v2": protocol.ENDPOINT}
