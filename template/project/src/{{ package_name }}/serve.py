"""The service: the champion behind a web API, its request model made from the contract, which is the signature.

    uv run poe serve            http://127.0.0.1:8000, documented under /docs

It speaks a plain /predict and the Open Inference Protocol (/v2); /metrics is for Prometheus.
HOST and PORT say where it listens; MODEL_DIR names a model folder to serve instead of the champion (in an image);
PREDICTION_LOG names a folder for a log of rows and predictions, which `poe drift` reads.
"""

import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    NaiveDatetime,
    ValidationError,
    create_model,
)

from . import inference, tracking
from .contract import Contract, ContractError, load
from .observe import Metrics, Observed, PredictionLog

MOST_ROWS = 10_000
TYPES = {"double": FiniteFloat, "datetime": AwareDatetime | NaiveDatetime, "string": str}


@dataclass(frozen=True)
class Served:
    """The model that answers, or the reason why there is none."""

    model: Any = None
    version: str = ""
    reason: str = ""


def row_model(contract: Contract) -> type[BaseModel]:
    """A row of a request by the contract: every column by its name, optional where values may be missing."""
    kinds = {"numeric": "double", "boolean": "double", "date": "datetime"}
    fields: dict[str, Any] = {}
    for number, column in enumerate(contract.features):
        kind = TYPES[kinds.get(column.type, "string")]
        # Columns may have names that Python cannot have: the field is numbered, its alias is the column.
        default = Field(default=None, alias=column.name) if column.nulls else Field(alias=column.name)
        fields[f"column_{number}"] = (kind | None if column.nulls else kind, default)
    return create_model("Row", __config__=ConfigDict(extra="forbid"), **fields)


class Answer(BaseModel):
    """The answers to a batch, in its order."""

    version: str
    predictions: list[Any]
    probabilities: list[dict[str, float]] | None = None


def load_served() -> Served:
    """The champion (or MODEL_DIR), loaded; the reason where there is none, so that the service can say it."""
    baked = os.environ.get("MODEL_DIR")
    try:
        folder = Path(baked) if baked else tracking.champion_folder()
        return Served(tracking.load_model(folder), version=(folder / "run_id").read_text(encoding="utf-8").strip())
    except (tracking.ChampionError, FileNotFoundError) as error:
        return Served(reason=str(error))


def create_app() -> FastAPI:
    """The application; the model is loaded when it starts."""
    contract, metrics = load(), Metrics()
    row = row_model(contract)
    service = Service(contract, metrics)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        service.stop()

    app = FastAPI(title=tracking.NAME, lifespan=lifespan)
    app.add_middleware(Observed, metrics=metrics)
    body_model = create_model("Rows", rows=(Annotated[list[row], Field(min_length=1, max_length=MOST_ROWS)], ...))

    @app.get("/health")
    def health() -> dict[str, str]:
        """Whether the process answers."""
        return {"status": "alive"}

    @app.get("/ready")
    def ready() -> dict[str, str]:
        """Whether there is a model to answer with: 503 with the reason if not."""
        return {"status": "ready", "version": service.version()}

    @app.get("/metrics", include_in_schema=False)
    def numbers() -> Response:
        """For Prometheus."""
        return Response(metrics.page(), media_type="text/plain; version=0.0.4")

    @app.post("/predict")
    def predict(body: body_model, request: Request) -> Answer:  # type: ignore[valid-type]
        """Predict a batch of rows."""
        return service.predict([item.model_dump(by_alias=True) for item in body.rows], request)

    def predict_checked(rows: list[dict[str, Any]], request: Request) -> Answer:
        try:
            checked = body_model(rows=rows)
        except ValidationError as error:
            raise RequestValidationError(error.errors(include_url=False)) from None
        return predict(checked, request)

    app.include_router(inference.router(contract, service.version, predict_checked))
    return app


class Service:
    """The model while it is served, with what is counted and kept of its answers."""

    def __init__(self, contract: Contract, metrics: Metrics) -> None:
        self._contract, self._metrics = contract, metrics
        self._served = Served(reason="The model is not loaded yet.")
        self._log: PredictionLog | None = None

    def start(self) -> None:
        """Load the model, open the log."""
        self._served = load_served()
        folder = os.environ.get("PREDICTION_LOG")
        self._log = PredictionLog(Path(folder), self._metrics) if folder else None
        if self._served.model is not None:
            self._metrics.model.labels(self._served.version).set(1)

    def stop(self) -> None:
        """Write what the log has waiting."""
        if self._log:
            self._log.close()

    def version(self) -> str:
        """The version that answers; HTTP 503 with the reason where there is none."""
        return model_or_503(self._served).version

    def predict(self, rows: list[dict[str, Any]], request: Request) -> Answer:
        """The answers to rows, counted and logged."""
        served = model_or_503(self._served)
        try:
            found = answer(served, self._contract, self._contract.coerce(pd.DataFrame(rows)))
        except ContractError as error:
            raise HTTPException(422, str(error)) from None
        self._metrics.rows.inc(len(rows))
        if self._contract.classes:
            for label, count in Counter(map(str, found.predictions)).items():
                self._metrics.predictions.labels(label).inc(count)
        if self._log:
            self._log.put(request.state.request, found.version, rows, found.predictions)
        return found


def model_or_503(served: Served) -> Served:
    """What is served; HTTP 503 with the reason where nothing is."""
    if served.model is None:
        raise HTTPException(503, served.reason)
    return served


def answer(served: Served, contract: Contract, rows: pd.DataFrame) -> Answer:
    """The model's answers to typed rows."""
    if not contract.classes:
        return Answer(version=served.version, predictions=served.model.predict(rows).tolist())
    shares = served.model.predict_proba(rows)
    labels = served.model.classes_
    return Answer(
        version=served.version,
        predictions=labels[shares.argmax(axis=1)].tolist(),
        probabilities=[dict(zip(map(str, labels), share, strict=True)) for share in shares.round(6).tolist()],
    )


def main() -> None:
    """Serve until stopped; requests under way are answered first."""
    import uvicorn

    host, port = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8000"))
    # The service writes a log of its own, a line a request.
    uvicorn.run(create_app(), host=host, port=port, timeout_graceful_shutdown=30, access_log=False)


if __name__ == "__main__":
    main()
