"""Where a service listens: --host and --port, else HOST and PORT; and a sentence where that is taken."""

from __future__ import annotations

import argparse
import errno
import os
import socket

from mlops_kit.ground import KitError
from mlops_kit.serving.endpoints import interface


class AddressError(KitError):
    """Nothing can listen there: one sentence, and what to do next."""


def add_address(parser: argparse.ArgumentParser, host: bool = True) -> None:
    """The options --host and --port; what is not given is as HOST and PORT say."""
    if host:
        usual = os.environ.get("HOST") or "127.0.0.1"
        parser.add_argument("--host", default=usual, help="the address: HOST, else 127.0.0.1")
    port = str(interface().port)
    parser.add_argument("--port", type=int, default=os.environ.get("PORT") or port, help=f"PORT, else {port}")


def check_free(host: str, port: int, otherwise: str = "uv run poe serve --port {free}") -> None:
    """Raise AddressError where nothing can listen there; `otherwise` is the command that takes a free port."""
    try:
        _listen(host, port)
    except (OSError, OverflowError) as error:
        if getattr(error, "errno", None) != errno.EADDRINUSE:
            raise AddressError(f"Nothing can listen on port {port} of {host!r}: {error}") from None
        command = otherwise.format(free=_listen("127.0.0.1", 0))
        raise AddressError(f"Port {port} is taken. Stop what listens there, or take another one: {command}") from None


def _listen(host: str, port: int) -> int:
    """Listen for a moment; gives back the port, which the system chooses where it is 0."""
    family = socket.getaddrinfo(host, port)[0][0]
    with socket.create_server((host, port), family=family) as tried:
        found: int = tried.getsockname()[1]
        return found
