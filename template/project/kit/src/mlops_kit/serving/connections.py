"""Connections of the service: uvicorn's, with limits that it does not have, and a stop that loses no request.

uvicorn limits neither the bytes nor the seconds of a request's headers with httptools, nor the seconds of its body. At
SIGTERM it closes idle connections at once, which loses the request that a client is just sending.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import socket
from http import HTTPStatus
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mlops_kit.serving.guard import BUSY, DISCARDED, OVERLOADED, RETRY
from mlops_kit.serving.limits import Limits
from mlops_kit.serving.listen import AddressError

log = logging.getLogger(__name__)
GRACE = 1  # second in which a client may still send on an idle connection when the service stops
FRAMING = 8  # a body in chunks may have an eighth of its bytes more for their sizes, and as much as headers may have
LATE = "The request did not arrive in time."


class Connection(HttpToolsProtocol):
    """A connection within limits."""

    limits = Limits()
    draining = False

    def connection_made(self, transport: Any) -> None:
        """Watch for the first request; refuse the connection if there are too many."""
        super().connection_made(transport)
        self._in_head, self._spent, self._body = False, 0, 0  # `_spent` are bytes that are not of a body
        self._watched = ""
        self._timer: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        if len(self.connections) > self.limits.max_connections:
            self._refuse(503, BUSY)
        else:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Watch no more."""
        for timer in (self._timer, self._unread):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    @property
    def busy(self) -> bool:
        """Whether a request is in progress."""
        return self.cycle is not None and not self.cycle.response_complete

    # --- bytes ---

    def data_received(self, data: bytes) -> None:
        """Count what is not of a body, and refuse too much of it."""
        if self.transport.is_closing():
            return
        self._spent += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        framing = 0 if self._in_head else self._body // FRAMING
        if self._spent > self.limits.max_header_bytes + framing:
            self._refuse(431, f"The headers are larger than {self.limits.max_header_bytes} bytes.")
        elif self._body > DISCARDED * self.limits.max_body_bytes:
            self.transport.close()
        else:
            self._watch()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head, self._spent, self._body = True, 0, 0

    def on_headers_complete(self) -> None:
        """Begin to answer, or refuse."""
        self._in_head, self._spent = False, 0
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self.limits.max_header_bytes:
            self._refuse(431, f"The headers are larger than {self.limits.max_header_bytes} bytes.")
        if self.transport.is_closing():
            return
        if len(self.tasks) >= self.limits.max_requests and self.parser.get_method() not in (b"GET", b"HEAD"):
            self.scope["state"][OVERLOADED] = True
        super().on_headers_complete()
        if self.draining:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Count."""
        self._spent -= len(body)
        self._body += len(body)
        if self.cycle is not None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is here as a whole, or was refused."""
        if self.cycle is not None:
            super().on_message_complete()

    # --- seconds ---

    def _watch(self) -> None:
        """Start the timer of what is awaited, unless it runs; most requests arrive as a whole and need none."""
        awaited = "head" if self._in_head or not self.busy else "body" if self.cycle.more_body else ""
        if awaited == self._watched:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._watched, self._timer = awaited, None
        if awaited:
            seconds = self.limits.header_seconds if awaited == "head" else self.limits.body_seconds
            self._timer = self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        if self._in_head or self.busy:
            self._refuse(408, LATE)
        else:
            self.transport.close()

    def pause_writing(self) -> None:
        """The client does not read its answer: it has as long as for a body."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.limits.body_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It does."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection; the rest of an answer that nobody reads is dropped."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def _refuse(self, status: int, sentence: str) -> None:
        """Answer without a route, and close."""
        if self.busy:
            self.cycle.scope["state"]["refused"] = status
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if not (self.busy and self.cycle.response_started):
            body = json.dumps({"detail": sentence, "error": sentence}).encode()
            retry = f"retry-after: {RETRY['retry-after']}\r\n" if status == 503 else ""
            head = (
                f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n{retry}"
                f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
        self.transport.close()

    # --- stopping ---

    def shutdown(self) -> None:
        """Answer what is in progress and what is just being sent, then close."""
        self.draining = True
        if self.busy:
            for cycle in (self.cycle, *(waiting for waiting, _ in self.pipeline)):
                cycle.keep_alive = False
        else:
            self.loop.call_later(GRACE, self._close_if_idle)

    def _close_if_idle(self) -> None:
        if not (self.busy or self._in_head):
            self.transport.close()


class Server(uvicorn.Server):
    """uvicorn, with such connections."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start; what was loaded stays, so a garbage collection need not look at it while a request waits."""
        try:
            await super().startup(sockets)
        except OSError as error:  # another service took the port while the model was loaded
            raise AddressError(f"Nothing can listen there: {error.strerror}. Start the service again.") from None
        gc.collect()
        gc.freeze()
        for host, port in (each.getsockname()[:2] for each in sockets or []):
            log.info("listening on http://%s:%d", f"[{host}]" if ":" in host else host, port)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take the connections that wait to be accepted, and let all finish."""
        loop = asyncio.get_running_loop()
        for listening in sockets or []:
            while (waiting := _accepted(listening)) is not None:
                await loop.connect_accepted_socket(self._connection, waiting)
        await super().shutdown(sockets)

    def _connection(self) -> asyncio.Protocol:
        kind: Any = self.config.http_protocol_class
        made: asyncio.Protocol = kind(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
        return made


def _accepted(listening: socket.socket) -> socket.socket | None:
    try:
        found, _ = listening.accept()
    except OSError:
        return None
    found.setblocking(False)
    return found


def run(application: Any, sockets: list[socket.socket], limits: Limits) -> None:
    """Serve on listening sockets until stopped."""
    # uvicorn's own line for each request is left out: ours has the id and the time.
    config = uvicorn.Config(
        application,
        workers=1,  # more would be processes of uvicorn's own; without it, WEB_CONCURRENCY is read
        http=type("Connection", (Connection,), {"limits": limits}),
        log_config=None,
        access_log=False,
        timeout_keep_alive=limits.idle_seconds,
        timeout_graceful_shutdown=limits.drain_seconds,
    )
    for each in sockets:
        each.setblocking(False)
    Server(config).run(sockets=sockets)
