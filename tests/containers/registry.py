"""A stand-in for a container registry: what a push needs of the OCI distribution protocol, kept in memory.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

import hashlib
import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.web import Quiet, listening


@dataclass
class Registry:
    """Where it listens, and what was pushed: blobs by digest, manifests by name and tag."""

    address: str = ""
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)


class Handler(Quiet):
    """The requests of a push and of a pull."""

    protocol_version = "HTTP/1.1"
    registry: Registry
    uploads: dict[str, bytes]  # that have begun, by their path: shared by all requests

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def do_GET(self) -> None:
        if self.path == "/v2/":
            return self.answer(200)
        if blob := re.fullmatch(r"/v2/.+/blobs/(.+)", self.path):
            found = self.registry.blobs.get(blob[1])
            return self.answer(404) if found is None else self.answer(200, found)
        name = self.path.removeprefix("/v2/").replace("/manifests/", ":")
        found = self.registry.manifests.get(name) or self.registry.blobs.get(name.partition(":")[2])
        if found is None:
            return self.answer(404)
        kind, digest = json.loads(found)["mediaType"], f"sha256:{hashlib.sha256(found).hexdigest()}"
        return self.answer(200, found, Content_Type=kind, Docker_Content_Digest=digest)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        # A push has several uploads at a time: their number would be given twice after one of them has ended.
        upload = f"{self.path.partition('?')[0]}{uuid.uuid4().hex}"
        self.uploads[upload] = b""
        self.answer(202, Location=upload)

    def do_PATCH(self) -> None:
        self.uploads[self.path] += self.body()
        self.answer(202, Location=self.path, Range=f"0-{len(self.uploads[self.path]) - 1}")

    def do_PUT(self) -> None:
        content = self.body()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if "/manifests/" in self.path:
            self.registry.manifests[self.path.removeprefix("/v2/").replace("/manifests/", ":")] = content
            self.registry.blobs[digest] = content
        else:
            content = self.uploads.pop(self.path.partition("?")[0]) + content
            digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
            self.registry.blobs[digest] = content
        self.answer(201, Location=self.path, Docker_Content_Digest=digest)


@contextmanager
def running() -> Iterator[Registry]:
    """A registry that listens on this machine until the block ends."""
    registry = Registry()
    with listening(type("Its", (Handler,), {"registry": registry, "uploads": {}})) as address:
        registry.address = address.removeprefix("http://")
        yield registry
