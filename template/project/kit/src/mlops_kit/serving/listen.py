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


OTHERWISE = "uv run poe serve --port {free}"


def check_free(host: str, port: int, otherwise: str = OTHERWISE) -> None:
    """Raise AddressError where nothing can listen there; `otherwise` is the command that takes a free port."""
    for each in bound(host, port, otherwise):
        each.close()


def bound(host: str, port: int, otherwise: str = OTHERWISE) -> list[socket.socket]:
    """Sockets for each address of a host, which do not listen yet. Raises AddressError where a port is taken."""
    found: list[socket.socket] = []
    try:
        # A name may have an address of a kind that this machine does not have: one that can be had is enough.
        addresses = dict.fromkeys(
            (one[0], one[4][0]) for one in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        )
        for family, address in addresses:
            try:
                found.append(_bound(family, str(address), port))
            except OSError as error:
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT) or len(addresses) == 1:
                    raise
        if not found:
            raise OSError("this machine has no such address")
    except (OSError, OverflowError) as error:
        for each in found:
            each.close()
        if getattr(error, "errno", None) != errno.EADDRINUSE:
            raise AddressError(f"Nothing can listen on port {port} of {host!r}: {error}") from None
        (free,) = bound("127.0.0.1", 0)
        with free:
            command = otherwise.format(free=free.getsockname()[1])
        raise AddressError(f"Port {port} is taken. Stop what listens there, or take another one: {command}") from None
    return found


def _bound(family: int, address: str, port: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # a service that just stopped does not keep its port
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((address, port))
    except BaseException:
        made.close()
        raise
    return made
