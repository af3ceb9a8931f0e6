"""What can be seen of the service from outside: one line of JSON a request in the log, and metrics for Prometheus.

https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from collections import Counter as Counts
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlops_kit.contract import Contract

log = logging.getLogger(__name__)
ACCEPTED_ID = re.compile(r"[\x21-\x7e]{1,128}")
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


# --- metrics ---------------------------------------------------------------------------------------------------------


class Metrics:
    """The metrics of one application."""

    def __init__(self, contract: Contract) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter("http_requests", "Requests.", ["path", "status"], registry=registry)
        self.latency = Histogram(
            "http_request_duration_seconds", "Time to answer.", ["path"], buckets=SECONDS, registry=registry
        )
        self.rows = Counter("predicted_rows", "Rows that were predicted.", registry=registry)
        self.model = Gauge("model_info", "The model that answers: 1 at its version.", ["version"], registry=registry)
        self.swaps = Counter("model_swaps", "How often a model took its place.", registry=registry)
        self.log_rows = Counter(
            "prediction_log_rows",
            "Rows for the prediction log: written, dropped (the disk is too slow), failed (it cannot be written).",
            ["outcome"],
            registry=registry,
        )
        for outcome in ("written", "dropped", "failed"):
            self.log_rows.labels(outcome)
        self.classes = self.values = None
        if contract.classes:
            self.classes = Counter("predictions", "Predictions by class.", ["prediction"], registry=registry)
            for label in contract.classes:
                self.classes.labels(str(label))
        else:
            self.values = Histogram("prediction", "Predicted values.", buckets=_buckets(contract), registry=registry)

    def predicted(self, predictions: list[Any]) -> None:
        """Count the answers to a batch."""
        self.rows.inc(len(predictions))
        if self.classes is not None:
            for label, count in Counts(predictions).items():
                self.classes.labels(str(label)).inc(count)
        elif self.values is not None:
            for value in predictions:
                self.values.observe(value)

    def served(self, version: str) -> None:
        """Another model answers now."""
        self.model.clear()
        self.model.labels(version).set(1)
        self.swaps.inc()


def _buckets(contract: Contract) -> list[float]:
    """Ten equal parts of the range that the target had."""
    target = contract.target_column
    low = float(target.minimum or 0)
    high = float(target.maximum if target.maximum is not None else low + 1)
    return [low + (high - low) * tenth / 10 for tenth in range(11)] if high > low else [low]


# --- requests --------------------------------------------------------------------------------------------------------


class Observed:
    """Gives every request an id, a line in the log and its place in the metrics.

    Plain ASGI rather than a `@app.middleware`: that one costs a task and a queue for each request.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        request = _request_id(next((value for name, value in scope["headers"] if name == b"x-request-id"), b""))
        scope.setdefault("state", {})["request"] = request
        status, failure = 0, ""

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request.encode())]
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except ClientDisconnect:
            status = status or scope["state"].get("refused", 499)
        except Exception as error:
            log.exception("request %s failed", request)
            failure = f"{type(error).__name__}: {error}"
            if not status:
                sorry = f"The service failed; its log says why, under {request}."
                await JSONResponse(error_body(scope["path"], sorry), 500)(scope, receive, sending)
        self._finish(scope, request, status, time.perf_counter() - started, failure)

    def _finish(self, scope: Scope, request: str, status: int, seconds: float, failure: str) -> None:
        # The route's pattern, not the path: what anybody types must not become a series.
        path = getattr(scope.get("route"), "path", "other")
        self.metrics.requests.labels(path, str(status)).inc()
        self.metrics.latency.labels(path).observe(seconds)
        told = dict(
            request=request, method=scope["method"], path=scope["path"], status=status, ms=round(seconds * 1e3, 2)
        )
        log.info("request", extra={"told": {**told, **({"error": failure} if failure else {})}})


def _request_id(given: bytes) -> str:
    """The caller's, if it can stand in a header and a log; else a new one."""
    text = given.decode("latin-1")
    return text if ACCEPTED_ID.fullmatch(text) else uuid.uuid4().hex


def error_body(path: str, sentence: str, detail: Any = None) -> dict[str, Any]:
    """An error as JSON: `detail` as FastAPI has it, and under /v2 `error`, as the Open Inference Protocol wants it."""
    body = dict(detail=sentence if detail is None else detail)
    return {"error": sentence, **body} if path.startswith("/v2") else body


# --- the log ---------------------------------------------------------------------------------------------------------


class JsonLines(logging.Formatter):
    """A record as one line of JSON. A request has its own fields, everything else a level and a message."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = dict(time=datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"))
        told = getattr(record, "told", None)
        line |= told if told else dict(level=record.levelname.lower(), logger=record.name, message=record.getMessage())
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def log_as_json() -> None:
    """All that this process logs goes to stderr, a line of JSON each."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
