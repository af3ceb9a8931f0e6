"""Web servers of a test's own, on this machine."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def listening(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server that answers by a handler until the block ends."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


class Quiet(BaseHTTPRequestHandler):
    """A handler that logs nothing: a test has its own output."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Files(Quiet, SimpleHTTPRequestHandler):
    """Folders and files, as any web server gives them."""


class Guarded(Quiet):
    """An empty store that lets in who has a password."""

    def do_GET(self) -> None:
        self.send_response(404 if self.headers["authorization"] else 403)
        self.send_header("content-length", "0")
        self.end_headers()

    do_HEAD = do_GET
