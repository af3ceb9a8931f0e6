"""The service: the champion behind a web API, its request model made from the contract, which is the signature.

    uv run poe serve            http://127.0.0.1:8000, documented under /docs

/predict takes rows, /v2 is the Open Inference Protocol; /health, /ready and /metrics are for whoever runs it.

    HOST, PORT             where it listens, as --host and --port
    MODEL_DIR              a model folder to serve instead of the champion of champion.yaml (in an image)
    MLFLOW_TRACKING_URI    an MLflow server: its champion is served, and a new one as soon as it is promoted
    RELOAD_SECONDS         how often it looks for a new champion: 30; 0 is never
    PREDICTION_LOG         a folder for a log of all rows and answers: none by default
    PREDICTION_LOG_DAYS    how many days of it are kept: all by default
    MODEL_MD5              the hash that the folder of MODEL_DIR must have
    MAX_BODY_BYTES, ...    the limits of limits.py
"""

import argparse
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, RedirectResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from mlops_kit.contract import Contract, load
from mlops_kit.ground import command, project
from mlops_kit.serving import limits, observe, prediction_log, protocol
from mlops_kit.serving.champion import Keeper, Served
from mlops_kit.serving.endpoint import Answers, rows_as_json
from mlops_kit.serving.guard import Guarded
from mlops_kit.serving.limits import Limits
from mlops_kit.serving.listen import add_address, bound
from mlops_kit.serving.predictor import Predictor
from mlops_kit.serving.rows import SMALL_BODY, Columns, RowReader, RowsError

__all__ = ["create_app", "serve"]

WORKERS = 2  # threads for large bodies: more would only wait for each other
SWITCH = 0.0005  # seconds after which a thread lets another one run, instead of 0.005: the one that answers /health
INTERFACE = "1.0"


class Answer(BaseModel):
    """The answers to a batch, in its order."""

    version: str
    predictions: list[Any]
    probabilities: list[dict[str, float]] | None = None


class Problem(BaseModel):
    """What is wrong: a sentence, or for rows a list of places with a sentence each."""

    detail: str | list[dict[str, Any]]
    error: str | None = None


ERRORS: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in (404, 408, 413, 422, 503)}


class Service:
    """What the routes share."""

    def __init__(self, contract: Contract, limits: Limits) -> None:
        self.contract, self.limits = contract, limits
        self.reader = RowReader(contract, limits)
        self.workers = CapacityLimiter(WORKERS)
        self.metrics = observe.Metrics(contract)
        self.keeper = Keeper(contract, swapped=lambda served: self.metrics.served(served.version))
        self.log = prediction_log.from_environment(contract, self.metrics)

    def ready(self) -> tuple[Served, Predictor]:
        """What is served; HTTP 503 with the reason where nothing is."""
        served = self.keeper.served
        if served.predictor is None:
            raise HTTPException(503, served.reason)
        return served, served.predictor

    def predict(self, body: bytes, request: str) -> bytes:
        """/predict: rows in JSON, answers in JSON."""
        served, predictor = self.ready()
        answers = self.answer(served, predictor, self.reader.read_body(body), request)
        found: dict[str, Any] = dict(version=served.version, predictions=answers.predictions)
        if answers.shares is not None:
            names = [str(label) for label in predictor.labels]
            found["probabilities"] = [dict(zip(names, shares, strict=True)) for shares in answers.shares]
        return to_json(found)

    def infer(self, body: bytes, request: str, version: str = "") -> bytes:
        """/v2/models/NAME/infer: tensors in JSON, tensors in JSON; by a version where one is asked for."""
        served, predictor = self.ready()
        check_version(served, version)
        asked = protocol.read(body, self.contract, self.limits)
        columns = self.reader.read_rows(protocol.rows(self.contract, asked, self.limits))
        answers = self.answer(served, predictor, columns, request)
        found = protocol.outputs(self.contract, predictor.labels, answers, asked)
        return to_json(
            dict(model_name=project().name, model_version=served.version, id=asked.id or request, outputs=found)
        )

    def answer(self, served: Served, predictor: Predictor, columns: Columns, request: str) -> Answers:
        """The answers to typed rows, counted and logged."""
        answers = predictor(columns)
        self.metrics.predicted(answers.predictions)
        self.log.offer(request, served.version, columns, answers.predictions)
        return answers

    async def answered(self, work: Callable[[bytes, str], bytes], request: Request) -> Response:
        """The answer to a request: to a small one at once; a large one is worked on in a thread beside the others."""
        body = await request.body()
        if len(body) <= SMALL_BODY:
            found = work(body, request.state.request)
        else:
            found = await to_thread.run_sync(work, body, request.state.request, limiter=self.workers)
        return Response(found, media_type="application/json")


def create_app() -> FastAPI:
    """The application; the model is loaded when it starts."""
    service = Service(load(), limits.from_environment())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(service.keeper.start)
        yield
        service.keeper.stop()
        await run_in_threadpool(service.log.close)

    app = FastAPI(title=project().name, version=INTERFACE, lifespan=lifespan)
    app.add_middleware(Guarded, limits=service.limits)
    app.add_middleware(observe.Observed, metrics=service.metrics)
    app.add_exception_handler(RowsError, refuse_rows)
    app.add_exception_handler(HTTPException, refuse)
    operations(app, service)
    predictions(app, service)
    open_inference_protocol(app, service)
    return app


def operations(app: FastAPI, service: Service) -> None:
    """The routes for whoever runs the service."""

    @app.get("/health")
    async def health() -> dict[str, str]:
        """Whether the process answers."""
        return {"status": "alive"}

    @app.get("/ready", responses={503: ERRORS[503]})
    async def ready() -> dict[str, str]:
        """Whether there is a model to answer with: 503 with the reason if not."""
        served, predictor = service.ready()
        notice = {"notice": served.notice} if served.notice else {}
        decision = {"decision": str(predictor.decision)} if predictor.decision else {}
        return {"status": "ready", "version": served.version, **decision, **notice}

    @app.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics() -> Response:
        """The metrics, as Prometheus reads them."""
        return Response(generate_latest(service.metrics.registry), headers={"content-type": CONTENT_TYPE_LATEST})


def predictions(app: FastAPI, service: Service) -> None:
    """The route for rows."""
    # The body is read by hand, so that it is parsed once, and by the contract: the documentation is told its form.
    row = {"rows": rows_as_json(service.contract, service.contract.sample(1))}
    content = {"application/json": {"schema": in_place(service.reader.schema()), "example": row}}

    @app.post("/predict", response_model=Answer, responses=ERRORS, openapi_extra=dict(requestBody=body_of(content)))
    async def predict(request: Request) -> Response:
        """Predict a batch of rows."""
        return await service.answered(service.predict, request)


def open_inference_protocol(app: FastAPI, service: Service) -> None:
    """The routes of the Open Inference Protocol: of the server, of the model, and of the version that is served."""
    content = {"application/json": {"schema": in_place(protocol.InferenceRequest.model_json_schema())}}
    body = dict(requestBody=body_of(content))
    server_routes(app, service)
    model_routes(app, service, body)
    version_routes(app, service, body)


def server_routes(app: FastAPI, service: Service) -> None:
    """What the server says of itself."""

    @app.get("/v2/health/live")
    async def live() -> dict[str, bool]:
        """Whether the process answers."""
        return {"live": True}

    @app.get("/v2/health/ready", responses={503: ERRORS[503]})
    async def server_ready() -> dict[str, bool]:
        """Whether there is a model to answer with."""
        service.ready()
        return {"ready": True}

    @app.get("/v2")
    async def server() -> dict[str, Any]:
        """What this server is."""
        return {"name": project().name, "version": INTERFACE, "extensions": []}


def model_routes(app: FastAPI, service: Service, body: dict[str, Any]) -> None:
    """The model, in whatever version is served."""

    @app.get("/v2/models/{name}", responses={404: ERRORS[404]})
    async def model(name: str) -> dict[str, Any]:
        """What the model takes and gives."""
        check_name(name)
        served = service.keeper.served
        return protocol.metadata(service.contract, name, served.version, served.decision)

    @app.get("/v2/models/{name}/ready", responses={404: ERRORS[404], 503: ERRORS[503]})
    async def model_ready(name: str) -> dict[str, Any]:
        """Whether the model can answer."""
        check_name(name)
        service.ready()
        return {"name": name, "ready": True}

    @app.post("/v2/models/{name}/infer", responses=ERRORS, openapi_extra=body)
    async def infer(name: str, request: Request) -> Response:
        """Predict a batch: a tensor for each column."""
        check_name(name)
        return await service.answered(service.infer, request)


def version_routes(app: FastAPI, service: Service, body: dict[str, Any]) -> None:
    """The same for a caller that wants one version, and 404 where another one is served."""

    @app.get("/v2/models/{name}/versions/{version}", responses={404: ERRORS[404]})
    async def version_of_model(name: str, version: str) -> dict[str, Any]:
        """What this version takes and gives."""
        check_name(name)
        served = service.keeper.served
        check_version(served, version)
        return protocol.metadata(service.contract, name, version, served.decision)

    @app.get("/v2/models/{name}/versions/{version}/ready", responses={404: ERRORS[404], 503: ERRORS[503]})
    async def version_ready(name: str, version: str) -> dict[str, Any]:
        """Whether this version can answer."""
        check_name(name)
        served, _ = service.ready()
        check_version(served, version)
        return {"name": name, "ready": True}

    @app.post("/v2/models/{name}/versions/{version}/infer", responses=ERRORS, openapi_extra=body)
    async def infer_by_version(name: str, version: str, request: Request) -> Response:
        """Predict a batch by this version, if it is the one that is served."""
        check_name(name)
        return await service.answered(partial(service.infer, version=version), request)


def check_name(name: str) -> None:
    """HTTP 404 for another model."""
    if name != project().name:
        raise HTTPException(404, f"There is no model {name!r}: this one is {project().name!r}.")


def check_version(served: Served, version: str) -> None:
    """HTTP 404 for another version than the one that is served; empty is any."""
    if version not in ("", served.version):
        raise HTTPException(404, f"The version {version!r} is not served: {served.version or 'none'} is.")


def in_place(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema without references to itself, which would lead nowhere in the middle of a larger document."""
    known = schema.get("$defs", {})

    def put(part: Any) -> Any:
        if isinstance(part, list):
            return [put(one) for one in part]
        if not isinstance(part, dict):
            return part
        if isinstance(part.get("$ref"), str):
            return put(known[part["$ref"].rpartition("/")[2]])
        return {key: put(value) for key, value in part.items() if key != "$defs"}

    found: dict[str, Any] = put(schema)
    return found


def body_of(content: dict[str, Any]) -> dict[str, Any]:
    """A request's body for the documentation."""
    return {"required": True, "content": content}


async def refuse_rows(request: Request, error: Exception) -> Response:
    """HTTP 422: each place that is not right."""
    assert isinstance(error, RowsError)
    return JSONResponse(observe.error_body(request.url.path, str(error), error.problems), 422)


async def refuse(request: Request, error: Exception) -> Response:
    """Another refusal, with its sentence."""
    assert isinstance(error, HTTPException)
    return JSONResponse(observe.error_body(request.url.path, str(error.detail)), error.status_code, error.headers)


def with_front_page(app: FastAPI) -> FastAPI:
    """`/` leads to the documentation; a route that the project has there comes first."""

    @app.get("/", include_in_schema=False)
    async def front_page() -> Response:
        return RedirectResponse("docs")

    return app


def serve(application: Callable[[], FastAPI] = create_app) -> None:
    """Serve an application until stopped, at --host and --port; requests in progress are answered first.

    Exits with one sentence for a wrong setting or a port that is taken.
    """
    command(lambda: _serve(application))()


def _serve(application: Callable[[], FastAPI]) -> None:
    from mlops_kit.serving import connections

    parser = argparse.ArgumentParser(prog="poe serve", description="Serve the champion.")
    add_address(parser)
    options = parser.parse_args()
    observe.log_as_json()
    # Threads of a model would wait for each other, and for this one, at each request.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.setswitchinterval(SWITCH)
    accepted = limits.from_environment()
    sockets = bound(options.host, options.port)
    connections.run(with_front_page(application()), sockets, accepted)
