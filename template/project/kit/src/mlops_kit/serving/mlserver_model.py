"""The champion as MLServer serves it, by the Open Inference Protocol: https://mlserver.readthedocs.io

    uv run poe serve            http://127.0.0.1:8000/v2, gRPC on 8081, metrics for Prometheus on 8082

deploy/mlserver/ has the settings: settings.json of the server, model-settings.json which names this class. MLServer has
versions of packages that training does not want, so it runs in an environment of its own, .venv-serve: the dependency
group `serve`, locked in uv.lock as all others. It works in one process (parallel_workers: 0), so that all requests see
the same champion.

    HOST, PORT, GRPC_PORT, METRICS_PORT            where it listens; the first two as --host and --port
    MODEL_DIR, MLFLOW_TRACKING_URI, RELOAD_SECONDS which model it serves: see champion.py
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
from pathlib import Path
from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse
from mlserver import MLModel, ModelSettings
from mlserver.errors import MLServerError
from mlserver.handlers import custom_handler
from mlserver.types import InferenceRequest, InferenceResponse, MetadataModelResponse
from mlserver.utils import get_model_uri

from mlops_kit.contract import load
from mlops_kit.ground import command, project
from mlops_kit.serving import limits, protocol
from mlops_kit.serving.champion import Keeper, Served
from mlops_kit.serving.listen import add_address, check_free
from mlops_kit.serving.rows import RowReader, RowsError

LISTENS = {"HOST": "127.0.0.1", "PORT": "8000", "GRPC_PORT": "8081", "METRICS_PORT": "8082"}
log = logging.getLogger("mlserver")
SMALL_BATCH = 100  # rows; a larger one is answered in a thread, so that the server goes on answering others


class ChampionModel(MLModel):
    """Rows are read by the contract, and answered by the champion as it is when they come."""

    def __init__(self, settings: ModelSettings) -> None:
        self.contract = load()
        self.limits = limits.from_environment()
        self.reader = RowReader(self.contract, self.limits)
        self.keeper = Keeper(self.contract, swapped=self._swapped)
        super().__init__(settings)

    @property
    def ready(self) -> bool:
        """Whether there is a champion to answer with."""
        return self.keeper.served.predictor is not None

    @ready.setter
    def ready(self, value: bool) -> None:
        """MLServer notes here what load() gave back; what counts is the champion."""
        log.debug("load() gave back %s", value)

    async def load(self) -> bool:
        """Take the champion; then look for another one from time to time."""
        beside = await get_model_uri(self.settings)
        if Path(beside, "MLmodel").exists():  # Seldon Core 2 puts the settings beside the model's files
            self.keeper.baked = beside
        await asyncio.to_thread(self.keeper.start)
        if not self.ready:
            log.warning(self.keeper.served.reason)
        return self.ready

    async def unload(self) -> bool:
        """Look no more."""
        self.keeper.stop()
        return True

    async def metadata(self) -> MetadataModelResponse:
        """What the model takes and gives. It names no version: MLServer would answer to none of ours in a path."""
        return MetadataModelResponse(**protocol.metadata(self.contract, self.name, "", self.keeper.served.decision))

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """The answers to a request. Raises MLServerError with what is wrong with it, for HTTP 422."""
        try:
            if max((size for tensor in payload.inputs[:1] for size in tensor.shape), default=0) <= SMALL_BATCH:
                return self._answer(payload)
            return await asyncio.to_thread(self._answer, payload)
        except RowsError as error:
            raise MLServerError(str(error), 422) from None

    @custom_handler(rest_path="/ready", rest_method="GET")
    async def say_ready(self) -> Response:
        """Whether there is a champion: 503 with the reason if not. /v2/health/ready says it without a reason."""
        served = self.keeper.served
        if served.predictor is None:
            return JSONResponse(dict(detail=served.reason), 503)
        return JSONResponse(dict(status="ready", version=served.version, notice=served.notice))

    def _answer(self, payload: InferenceRequest) -> InferenceResponse:
        served = self.keeper.served
        if served.predictor is None:
            raise MLServerError(served.reason, 503)
        asked = protocol.request_of(payload.model_dump(exclude_none=False), self.limits)
        for tensor in asked.inputs:  # gRPC has bytes where JSON has strings
            tensor.data = [value.decode() if isinstance(value, bytes) else value for value in tensor.data]
        answers = served.predictor(self.reader.read_rows(protocol.rows(self.contract, asked, self.limits)))
        outputs: list[dict[str, Any]] = protocol.outputs(self.contract, served.predictor.labels, answers, asked)
        return InferenceResponse(model_name=self.name, model_version=served.version, outputs=outputs)

    def _swapped(self, served: Served) -> None:
        log.info("the model of run %s is served", served.version)


@command
def main() -> None:
    """Start MLServer with the settings of deploy/mlserver/, until it is stopped."""
    from mlserver.cli.main import root
    from mlserver.utils import install_uvloop_event_loop

    parser = argparse.ArgumentParser(prog="poe serve", description="Serve the champion by MLServer.")
    add_address(parser)
    options = parser.parse_args()
    os.environ |= {"HOST": options.host, "PORT": str(options.port)}
    check_free(options.host, options.port)
    for name in ("GRPC_PORT", "METRICS_PORT"):
        check_free(options.host, int(os.environ.get(name) or LISTENS[name]), name + "={free} uv run poe serve")
    for name, usual in LISTENS.items():
        theirs = "MLSERVER_HTTP_PORT" if name == "PORT" else f"MLSERVER_{name}"
        os.environ.setdefault(theirs, os.environ.get(name) or usual)
    install_uvloop_event_loop()
    root(["start", str(project().root / "deploy/mlserver")])


if __name__ == "__main__":
    main()
