"""The service: the champion behind a web API, its request model made from the contract, which is the signature.

    uv run poe serve            http://127.0.0.1:8000, documented under /docs

HOST and PORT say where it listens; MODEL_DIR names a model folder to serve instead of the champion (in an image).
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from fastapi import FastAPI, HTTPException
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat, NaiveDatetime, create_model

from . import tracking
from .contract import Contract, ContractError, load

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
    contract = load()
    row = row_model(contract)
    state = {"served": Served(reason="The model is not loaded yet.")}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        state["served"] = load_served()
        yield

    app = FastAPI(title=tracking.NAME, lifespan=lifespan)
    request = create_model("Request", rows=(Annotated[list[row], Field(min_length=1, max_length=MOST_ROWS)], ...))

    @app.get("/health")
    def health() -> dict[str, str]:
        """Whether the process answers."""
        return {"status": "alive"}

    @app.get("/ready")
    def ready() -> dict[str, str]:
        """Whether there is a model to answer with: 503 with the reason if not."""
        return {"status": "ready", "version": model_or_503(state["served"]).version}

    @app.post("/predict")
    def predict(body: request) -> Answer:  # type: ignore[valid-type]
        """Predict a batch of rows."""
        served = model_or_503(state["served"])
        rows = pd.DataFrame([item.model_dump(by_alias=True) for item in body.rows])
        try:
            return answer(served, contract, contract.coerce(rows))
        except ContractError as error:
            raise HTTPException(422, str(error)) from None

    return app


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
    uvicorn.run(create_app(), host=host, port=port, timeout_graceful_shutdown=30)


if __name__ == "__main__":
    main()
