"""What is refused before a route sees it: bodies that are too large, and requests beyond what can be answered in time.

Plain ASGI, as in observe.py.
"""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlops_kit.serving.limits import Limits
from mlops_kit.serving.observe import error_body
from mlops_kit.serving.rows import SMALL_BODY

OVERLOADED = "overloaded"  # set in a request's state by connections.py: too many are in progress
BUSY = "The service is busy: try again later."
RETRY = {"retry-after": "1"}  # seconds
DISCARDED = 16  # times the largest body: whoever sends more is cut off


class Guarded:
    """Limits what is in progress, and the bytes of each body."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits = app, limits
        self.batches = 0  # in progress, or waiting for one of these slots
        self.slots = asyncio.Semaphore(limits.max_batches)
        self.too_large = f"The body is larger than {_size(limits.max_body_bytes)}: send the rows in several requests."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope.get("state", {}).get(OVERLOADED):
            await JSONResponse(error_body(scope["path"], BUSY), 503, RETRY)(scope, receive, send)
        elif self._announces_too_much(scope):
            await discard(receive, DISCARDED * self.limits.max_body_bytes)
            refusal = JSONResponse(error_body(scope["path"], self.too_large), 413, {"connection": "close"})
            await refusal(scope, receive, send)
        else:
            await self._limited(scope, receive, send)

    def _announces_too_much(self, scope: Scope) -> bool:
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        return announced.isdigit() and int(announced) > self.limits.max_body_bytes

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken, is_batch, has_slot = 0, False, False

        async def receiving() -> Message:
            nonlocal taken, is_batch, has_slot
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.limits.max_body_bytes:  # what was sent so far is let go, the rest is never kept
                if message.get("more_body"):
                    await discard(receive, DISCARDED * self.limits.max_body_bytes)
                raise HTTPException(413, self.too_large, {"connection": "close"})
            if taken > SMALL_BODY and not is_batch:
                if self.batches >= 2 * self.limits.max_batches:
                    raise HTTPException(503, BUSY, RETRY)
                self.batches += 1
                is_batch = True
                has_slot = await self.slots.acquire()  # the rest of the body is not read before
            return message

        try:
            await self.app(scope, receiving, send)
        finally:
            self.batches -= is_batch
            if has_slot:
                self.slots.release()


async def discard(receive: Receive, most: int) -> None:
    """Read what is still to come of a body and keep none: a caller who is cut off while sending sees no answer."""
    taken = 0
    while taken < most:
        message = await receive()
        taken += len(message.get("body", b""))
        if not message.get("more_body"):
            return


def _size(count: int) -> str:
    return f"{count // 2**20} MB" if count >= 2**20 else f"{count} bytes"
