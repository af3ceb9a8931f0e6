"""The Open Inference Protocol (v2), which MLServer, Seldon and KServe speak too: named tensors, one for each column.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, ConfigDict

from . import tracking
from .contract import Contract

DATATYPES = {"numeric": "FP64", "boolean": "BOOL", "categorical": "BYTES", "date": "BYTES", "text": "BYTES"}
CLASSES = {str: "BYTES", bool: "BOOL", int: "INT64"}
Predict = Callable[[list[dict[str, Any]], Request], Any]


class Tensor(BaseModel):
    """One column of a batch: its values in the order of the rows, as a list or as a list of lists of one."""

    model_config = ConfigDict(extra="ignore")
    name: str
    shape: list[int]
    datatype: str
    data: list[Any]


class InferenceRequest(BaseModel):
    """A batch, column by column."""

    model_config = ConfigDict(extra="ignore")
    inputs: list[Tensor]
    id: str | None = None


def router(contract: Contract, version: Callable[[], str], predict: Predict) -> APIRouter:
    """The protocol's paths. `version` raises HTTP 503 where there is no model; `predict` answers rows."""
    made = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])

    @made.get("")
    def server() -> dict[str, Any]:
        """The server."""
        return dict(name=tracking.NAME, version=version(), extensions=[])

    @made.get("/health/live")
    def live() -> dict[str, bool]:
        """Whether the process answers."""
        return dict(live=True)

    @made.get("/health/ready")
    def ready() -> dict[str, bool]:
        """Whether there is a model to answer with."""
        version()
        return dict(ready=True)

    @made.get("/models/{name}/ready")
    def model_ready(name: str) -> dict[str, Any]:
        """The same, for the model by its name."""
        known(name)
        version()
        return dict(name=name, ready=True)

    @made.get("/models/{name}")
    def metadata(name: str) -> dict[str, Any]:
        """What goes in and what comes out."""
        known(name)
        inputs = [dict(name=one.name, datatype=DATATYPES[one.type], shape=[-1]) for one in contract.features]
        return dict(name=name, versions=[version()], platform="sklearn", inputs=inputs, outputs=outputs(contract))

    @made.post("/models/{name}/infer")
    def infer(name: str, body: InferenceRequest, request: Request) -> dict[str, Any]:
        """Predict a batch."""
        known(name)
        found = predict(rows(body.inputs), request)
        count = len(found.predictions)
        told = [dict(one, shape=[count], data=found.predictions) for one in outputs(contract)[:1]]
        if found.probabilities is not None:
            shares = [share for row in found.probabilities for share in row.values()]
            told.append(dict(outputs(contract)[1], shape=[count, len(contract.classes)], data=shares))
        identity = dict(id=body.id) if body.id else {}
        return dict(model_name=name, model_version=found.version, outputs=told, **identity)

    return made


def known(name: str) -> None:
    """HTTP 404 for another model than ours."""
    if name != tracking.NAME:
        raise HTTPException(404, f"There is no model {name!r}: it is called {tracking.NAME!r}.")


def outputs(contract: Contract) -> list[dict[str, Any]]:
    """The tensors of an answer: the prediction, and for classes the probability of each."""
    if not contract.classes:
        return [dict(name="prediction", datatype="FP64", shape=[-1])]
    kind = CLASSES[type(contract.classes[0])]
    count = len(contract.classes)
    return [
        dict(name="prediction", datatype=kind, shape=[-1]),
        dict(name="probability", datatype="FP64", shape=[-1, count]),
    ]


def rows(tensors: list[Tensor]) -> list[dict[str, Any]]:
    """The batch row by row, so that the same rules hold for it as for any other. HTTP 422 for another shape."""
    columns = {}
    for tensor in tensors:
        values = [value[0] if isinstance(value, list) and len(value) == 1 else value for value in tensor.data]
        if tensor.shape not in ([len(values)], [len(values), 1]):
            raise HTTPException(422, f"{tensor.name!r}: {len(values)} values are not of the shape {tensor.shape}.")
        columns[tensor.name] = values
    if len({len(values) for values in columns.values()}) > 1:
        raise HTTPException(422, "The inputs have different numbers of rows.")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
