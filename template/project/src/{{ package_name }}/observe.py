"""What can be seen of the running service: a log line and a number for each request, and a log of its predictions.

PREDICTION_LOG names a folder for the prediction log: one JSON line a row, which `poe drift` reads. Without it there is
none: rows may be private. A log that cannot be written fails no request; what was lost is counted in /metrics.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

MOST_BYTES = 16 * 2**20  # of a request
MOST_WAITING = 1000  # requests that the prediction log may be behind
LONGEST_ID = 128

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Metrics:
    """Numbers for Prometheus. Each app has its own, so that two apps in one process do not count together."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        where = dict(registry=self.registry)
        self.requests = Counter("service_requests", "Requests that were answered.", ["path", "status"], **where)
        self.seconds = Histogram("service_request_seconds", "How long an answer took.", ["path"], **where)
        self.rows = Counter("service_rows", "Rows that were predicted.", **where)
        self.predictions = Counter("service_predictions", "Predictions of each class.", ["prediction"], **where)
        self.lost = Counter("service_log_lost_rows", "Rows that the prediction log has not.", **where)
        self.model = Gauge("service_model_info", "The model that answers.", ["version"], **where)

    def page(self) -> bytes:
        """What GET /metrics answers."""
        return generate_latest(self.registry)


# --- the prediction log ----------------------------------------------------------------------------------------------


class PredictionLog:
    """Writes rows and their predictions to files, in a thread of its own, so that no request waits for a disk."""

    def __init__(self, folder: Path, metrics: Metrics) -> None:
        self._folder, self._metrics = folder, metrics
        self._waiting: queue.Queue[list[dict[str, Any]] | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._write, name="prediction log", daemon=True)
        self._thread.start()

    def put(self, request: str, version: str, rows: Sequence[Any], predictions: Sequence[Any]) -> None:
        """Take the rows of one request; where the log is too far behind, they are counted as lost."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        told = dict(time=now, request=request, version=version)
        lines = [told | dict(row=row, prediction=found) for row, found in zip(rows, predictions, strict=True)]
        try:
            self._waiting.put_nowait(lines)
        except queue.Full:
            self._metrics.lost.inc(len(lines))

    def close(self) -> None:
        """Write what is waiting, then end."""
        self._waiting.put(None)
        self._thread.join(10)

    def _write(self) -> None:
        while (lines := self._waiting.get()) is not None:
            try:
                with self._file() as file:
                    file.writelines(json.dumps(line, ensure_ascii=False, default=str) + "\n" for line in lines)
            except OSError as error:
                self._metrics.lost.inc(len(lines))
                print(f"the prediction log cannot be written: {error}", file=sys.stderr)

    def _file(self) -> TextIO:
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"predictions-{datetime.now(UTC):%Y%m%d}-{os.getpid()}.jsonl"
        return (self._folder / name).open("a", encoding="utf-8")


# --- requests --------------------------------------------------------------------------------------------------------


class Observed:
    """Around the app: an id for each request, a limit for its size, a log line and numbers for its answer."""

    def __init__(self, app: App, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        request = (
            given if given.isascii() and given.isprintable() and 0 < len(given) <= LONGEST_ID else uuid.uuid4().hex
        )
        scope.setdefault("state", {})["request"] = request
        start, status, size = time.perf_counter(), 500, 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MOST_BYTES:
                raise TooLargeError
            return message

        async def answered(message: Message) -> None:
            nonlocal status
            if size > MOST_BYTES:
                return  # what the app makes of a body that was cut off
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request.encode())]
            await send(message)

        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > MOST_BYTES:
            size = int(declared)
        else:
            try:
                await self._app(scope, counted, answered)
            except TooLargeError:
                size = MOST_BYTES + 1
        if size > MOST_BYTES:
            status = 413
            await refuse(send, request)
        self._tell(scope, request, status, time.perf_counter() - start)

    def _tell(self, scope: Message, request: str, status: int, seconds: float) -> None:
        # An address that nobody made is not a label: there would be no end of them.
        path = getattr(scope.get("route"), "path", "(none)")
        self._metrics.requests.labels(path, str(status)).inc()
        self._metrics.seconds.labels(path).observe(seconds)
        told = dict(
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            request=request,
            method=scope["method"],
            path=scope["path"],
            status=status,
            ms=round(seconds * 1000, 2),
        )
        print(json.dumps(told), flush=True)


class TooLargeError(Exception):
    """A body that goes over the limit while it is read."""


async def refuse(send: Send, request: str) -> None:
    """HTTP 413, whatever of the body is still to come."""
    said = json.dumps(dict(detail=f"A request may have {MOST_BYTES // 2**20} MB. Send the rows in several.")).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close"), (b"x-request-id", request.encode())]
    await send(dict(type="http.response.start", status=413, headers=headers))
    await send(dict(type="http.response.body", body=said))
