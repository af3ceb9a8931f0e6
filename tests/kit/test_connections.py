"""Connections: slow, large and too many requests are refused, and a service that stops loses no request."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import uvicorn
from mlops_kit.serving.connections import Connection, Server
from mlops_kit.serving.guard import Guarded
from mlops_kit.serving.limits import Limits
from mlops_kit.serving.listen import bound

SOON = 0.05  # seconds
GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


class Application:
    """Answers with the body's size; a POST to /held once `let_go` is set."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.held = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer."""
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            size += len(message["body"])
            more = message["more_body"]
        if scope["path"] == "/held":
            self.held.set()
            await self.let_go.wait()
        text = str(size).encode()
        headers = [(b"content-length", str(len(text)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": text})


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, sent: bytes) -> tuple[int, str]:
        """Send, and read an answer: its status and headers."""
        self.writer.write(sent)
        return await self.answer()

    async def answer(self) -> tuple[int, str]:
        """The next answer; its body is read too."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        await self.reader.readexactly(int(head.partition("content-length:")[2].split("\r\n", 1)[0]))
        return int(head.split(" ", 2)[1]), head

    async def is_closed(self) -> bool:
        """Whether the service closes it."""
        return await self.reader.read() == b""


Connect = Callable[[], Awaitable[Client]]


@asynccontextmanager
async def running(**changed: Any) -> AsyncIterator[tuple[Application, Server, Connect]]:
    """A service with limits of its own."""
    limits, application, sockets = replace(Limits(), **changed), Application(), bound("127.0.0.1", 0)
    config = uvicorn.Config(
        Guarded(application, limits),
        http=type("Its", (Connection,), {"limits": limits}),
        log_config=None,
        timeout_keep_alive=int(limits.idle_seconds),
        timeout_graceful_shutdown=int(limits.drain_seconds),
    )
    server = Server(config)
    sockets[0].setblocking(False)
    port = sockets[0].getsockname()[1]
    serving = asyncio.create_task(server.serve(sockets))
    while not server.started:
        await asyncio.sleep(0.01)

    async def connect() -> Client:
        return Client(*await asyncio.open_connection("127.0.0.1", port))

    yield application, server, connect
    application.let_go.set()
    server.should_exit = True
    await asyncio.wait_for(serving, 20)


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Run a test within a minute."""
    asyncio.run(asyncio.wait_for(test(), 60))


def post(path: str, body: bytes = b"", **headers: str) -> bytes:
    """A request."""
    lines = [f"POST {path} HTTP/1.1", "host: x", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_headers_above_the_limit_are_refused_whole_or_in_parts() -> None:
    async def test() -> None:
        async with running(max_header_bytes=1000) as (_, _, connect):
            assert (await (await connect()).ask(post("/", name="x" * 800)))[0] == 200
            for sent in (post("/", name="x" * 1000), b"GET / HTTP/1.1\r\nname: ", b"GET /"):
                client = await connect()
                client.writer.write(sent)
                if not sent.endswith(b"\r\n\r\n"):
                    await asyncio.sleep(0.1)  # what came with the first part may be of the request before
                    client.writer.write(b"x" * 1500)
                assert (await client.answer())[0] == 431
                assert await client.is_closed()

    run(test)


def test_a_body_in_tiny_chunks_or_with_endless_trailers_is_refused() -> None:
    async def test() -> None:
        async with running(max_header_bytes=1000) as (_, _, connect):
            head = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
            honest = b"".join(b"64\r\n%b\r\n" % (b"x" * 100) for _ in range(1000)) + b"0\r\n\r\n"
            assert (await (await connect()).ask(head + honest))[0] == 200
            for hostile in (b"1\r\nx\r\n" * 300, b"0\r\n" + b"name: value\r\n" * 100):
                client = await connect()
                client.writer.write(head)
                await asyncio.sleep(0.1)  # what came with the first part may be of the request before
                assert (await client.ask(hostile))[0] == 431

    run(test)


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\n", b"\r\n", GET + b"GET"])
def test_headers_that_do_not_come_end_the_connection(sent: bytes) -> None:
    async def test() -> None:
        async with running(header_seconds=SOON, idle_seconds=30) as (_, _, connect):
            silent, slow = await connect(), await connect()
            slow.writer.write(sent)
            assert await silent.is_closed()
            assert b"HTTP/1.1 408" in await slow.reader.read() or sent == b"\r\n"

    run(test)


def test_a_body_that_does_not_come_is_a_timeout() -> None:
    async def test() -> None:
        async with running(body_seconds=SOON) as (_, server, connect):
            client = await connect()
            status, head = await client.ask(post("/", b"x" * 100)[:-50])
            assert status == 408
            assert "connection: close" in head
            assert await client.is_closed()
            assert not server.server_state.tasks

    run(test)


def test_an_answer_that_is_not_read_ends_the_connection() -> None:
    async def test() -> None:
        async with running(body_seconds=SOON) as (_, server, connect):
            await connect()
            while not server.server_state.connections:
                await asyncio.sleep(0.01)
            (connection,) = server.server_state.connections
            connection.pause_writing()
            while server.server_state.connections:
                await asyncio.sleep(0.01)

    run(test)


def test_connections_above_the_limit_are_told_to_come_back() -> None:
    async def test() -> None:
        async with running(max_connections=2) as (_, _, connect):
            first, second = await connect(), await connect()
            assert (await first.ask(GET))[0] == (await second.ask(GET))[0] == 200
            status, head = await (await connect()).answer()
            assert (status, "retry-after: 1" in head) == (503, True)
            assert (await first.ask(GET))[0] == 200

    run(test)


def test_requests_above_the_limit_are_told_to_come_back_and_health_is_answered() -> None:
    async def test() -> None:
        async with running(max_requests=2) as (application, _, connect):
            held = [await connect() for _ in range(2)]
            for client in held:
                client.writer.write(post("/held"))
                await application.held.wait()
                application.held.clear()
            other = await connect()
            status, head = await other.ask(post("/"))
            assert (status, "retry-after: 1" in head) == (503, True)
            assert (await other.ask(GET))[0] == 200
            application.let_go.set()
            assert [(await client.answer())[0] for client in held] == [200, 200]
            assert (await other.ask(post("/")))[0] == 200

    run(test)


def test_a_stop_finishes_what_is_in_progress_and_what_is_just_being_sent() -> None:
    async def test() -> None:
        async with running() as (application, server, connect):
            idle, busy, silent = await connect(), await connect(), await connect()
            assert (await idle.ask(GET))[0] == 200
            busy.writer.write(post("/held"))
            await application.held.wait()
            server.should_exit = True
            while not all(getattr(each, "draining", False) for each in server.server_state.connections):
                await asyncio.sleep(0.01)
            status, head = await idle.ask(GET)
            assert (status, "connection: close" in head) == (200, True)
            application.let_go.set()
            status, head = await busy.answer()
            assert (status, "connection: close" in head) == (200, True)
            assert await silent.is_closed()

    run(test)


def test_a_connection_that_waits_to_be_accepted_is_answered_although_the_service_stops() -> None:
    async def test() -> None:
        async with running() as (_, server, connect):
            client = await connect()  # the kernel has it; the service perhaps not yet
            client.writer.write(GET)
            server.should_exit = True
            assert (await client.answer())[0] == 200

    run(test)


def test_a_refusal_is_json_with_a_sentence() -> None:
    async def test() -> None:
        async with running(max_header_bytes=100) as (_, _, connect):
            client = await connect()
            client.writer.write(post("/", name="x" * 200))
            body = (await client.reader.read()).partition(b"\r\n\r\n")[2]
            assert json.loads(body)["detail"] == "The headers are larger than 100 bytes."

    run(test)
