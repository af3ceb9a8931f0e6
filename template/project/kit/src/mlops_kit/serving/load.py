"""A load test: asks a running service with rows generated from the contract, and prints what the callers waited.

    uv run poe load --seconds 10 --concurrency 16 --rows 1
    uv run poe load --once      one request, shown with its answer
    uv run poe load --body      the body of a request, for a caller of your own; nothing is asked

--endpoint says which of the service's endpoints is asked; with --path and --key any other that takes rows in JSON.
It starts nothing: HOST and PORT, or --host and --port, say where the service is. Each caller has one connection and
asks again when it is answered, so the rate is what the service manages, not what is thrown at it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from mlops_kit.contract import Contract, ContractError, load
from mlops_kit.ground import KitError, command
from mlops_kit.serving.endpoint import Row, rows_as_json
from mlops_kit.serving.endpoints import interface
from mlops_kit.serving.listen import add_address

PATIENCE = 30  # seconds for one answer


def requests(
    contract: Contract, rows: int, path: str, host: str, body_of: Callable[[Contract, list[Row]], Any], count: int = 50
) -> list[bytes]:
    """Whole HTTP requests, each with other rows, in the body that `body_of` makes of them."""
    values = rows_as_json(contract, contract.sample(rows * count))
    made = []
    for first in range(0, len(values), rows):
        body = json.dumps(body_of(contract, values[first : first + rows])).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        )
        made.append(f"{head}\r\n".encode() + body)
    return made


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    """Send a request and read the answer whole; gives back its status."""
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1])


async def caller(
    host: str, port: int, work: list[bytes], until: float, waits: list[float], failures: list[str]
) -> None:
    """Ask until the time is up; a connection that breaks is a failure, and is opened again."""
    number = 0
    writer = None
    while time.perf_counter() < until:
        start = time.perf_counter()
        try:
            if writer is None:
                reader, writer = await asyncio.open_connection(host, port)
            status = await asyncio.wait_for(ask(reader, writer, work[number % len(work)]), PATIENCE)
            waits.append(time.perf_counter() - start)
            if status != 200:
                failures.append(f"status {status}")
        except (TimeoutError, OSError, EOFError) as error:
            failures.append(type(error).__name__)
            writer = None
            await asyncio.sleep(0.05)
        number += 1
    if writer is not None:
        writer.close()


async def measure(host: str, port: int, work: list[bytes], seconds: float, concurrency: int) -> dict[str, Any]:
    """Requests a second, and the waits in milliseconds."""
    waits: list[float] = []
    failures: list[str] = []
    start = time.perf_counter()
    await asyncio.gather(
        *(caller(host, port, work[one:] + work[:one], start + seconds, waits, failures) for one in range(concurrency))
    )
    taken = time.perf_counter() - start
    waits.sort()
    at = {f"p{share}": round(waits[min(len(waits) - 1, len(waits) * share // 100)] * 1e3, 2) for share in (50, 95, 99)}
    return dict(
        requests=len(waits),
        failed=len(failures),
        failures=sorted(set(failures)),
        per_second=round(len(waits) / taken, 1),
        **at,
        longest=round(waits[-1] * 1e3, 2),
    )


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line, or the words that are given."""
    known = interface().endpoints
    parser = argparse.ArgumentParser(prog="poe load", description="Ask a running service, and say how long it takes.")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--concurrency", type=int, default=16, help="callers at once")
    parser.add_argument("--rows", type=int, default=1, help="rows a request")
    parser.add_argument("--endpoint", choices=known, default=next(iter(known)))
    parser.add_argument("--path", help="of another endpoint, which takes rows in JSON")
    parser.add_argument("--key", default="rows", help="that endpoint's name for the rows")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--once", action="store_true", help="ask once: print the request and the answer")
    parser.add_argument("--body", action="store_true", help="print the body of a request, and ask nothing")
    add_address(parser)
    return parser.parse_args(given)


@command
def main() -> None:
    """Parse the command line, ask, print."""
    options = arguments()
    try:
        told = asked(options)
    except (OSError, EOFError) as error:
        address = f"http://{options.host}:{options.port}"
        raise KitError(f"Nothing answers at {address} ({error}).", "Start the service with: uv run poe serve") from None
    print(told, flush=True)


def asked(options: argparse.Namespace) -> str:
    """Ask as the command line says; gives back what to print."""
    host, port = options.host, options.port
    endpoint = interface().endpoints[options.endpoint]
    path, body_of = endpoint.path, endpoint.body
    if options.path:
        path, body_of = options.path, lambda _, rows: {options.key: rows}
    work = requests(load(), options.rows, path, host, body_of)
    body = work[0].partition(b"\r\n\r\n")[2]
    if options.body:
        return indented(body)
    asyncio.run(_first(host, port, work[0]))
    if options.once:
        return once(f"http://{host}:{port}{path}", body)
    found = asyncio.run(measure(host, port, work, options.seconds, options.concurrency))
    if options.json:
        return json.dumps(found)
    return "\n".join(
        [
            f"{found['requests']} requests, {found['per_second']} a second, {found['failed']} failed",
            *found["failures"],
            f"ms: median {found['p50']}, 95% {found['p95']}, 99% {found['p99']}, longest {found['longest']}",
        ]
    )


def once(url: str, body: bytes) -> str:
    """Ask once: what was sent, and what came back."""
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return f"POST {url}\n{indented(body)}\n{indented(answer.read())}"


def indented(body: bytes) -> str:
    """JSON as people read it."""
    return json.dumps(json.loads(body), indent=2)


async def _first(host: str, port: int, request: bytes) -> None:
    """One request, before it is measured: is there a service, and does it take these rows?"""
    reader, writer = await asyncio.open_connection(host, port)
    status = await asyncio.wait_for(ask(reader, writer, request), PATIENCE)
    writer.close()
    if status != 200:
        raise ContractError(
            f"The service at http://{host}:{port} answers {status}.", f"Its log and {interface().ready} say why."
        )


if __name__ == "__main__":
    main()
