"""Stand-ins for GitHub's and GitLab's interfaces: what a fleet asks of them, over bare repositories on this machine.

Every request and every answer is held against the host's published OpenAPI document (documents.py): one that does not
fit fails the test. An answer that is to come `instead`, as a host that is out of order gives it, is not.
"""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

import jwt

from tests.conftest import git
from tests.fleet.documents import Document

TOKEN = "a-token-of-the-tests"
NO_ANSWER = 0  # the code of an answer that does not come


@dataclass
class HostOfTests:
    """A host: its repositories in a folder, its requests, and answers that are to come `instead` of the right ones."""

    folder: Path
    kind: ClassVar[str] = ""
    address: str = ""
    requests: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    checks: dict[str, str] = field(default_factory=dict)  # success or failure, by commit
    archived: set[str] = field(default_factory=set)
    approved: set[str] = field(default_factory=set)
    moved: dict[str, str] = field(default_factory=dict)
    instead: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    writes_fail: int = 0  # so many times
    calls: list[tuple[str, str]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    faults: list[str] = field(default_factory=list)  # what is not as documented

    @cached_property
    def document(self) -> Document:
        """What is documented."""
        return Document(self.kind)

    def answered(self, method: str, url: str, content: dict[str, Any]) -> tuple[int, Any]:
        """Code and content of the answer to a request; both are as documented, or it is a fault."""
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query))
        try:
            name = self.document.call(method, parts.path)
            self.document.request(name, query, content)
            code, given = self.answer(method, parts.path, query, content)
            return code, self.document.answer(name, code, given)
        except AssertionError as error:
            self.faults.append(str(error))
            return 400, {"message": str(error)}

    def tip(self, name: str, ref: str) -> str:
        """The commit of a branch; nothing where there is none."""
        command = ["git", "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}"]
        done = subprocess.run(command, cwd=self.folder / f"{name}.git", capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def default(self, name: str) -> str:
        """The name of the default branch."""
        return git("symbolic-ref", "--short", "HEAD", cwd=self.folder / f"{name}.git")

    def names(self, group: str) -> list[str]:
        """The repositories of a group."""
        return sorted(f"{group}/{path.name.removesuffix('.git')}" for path in (self.folder / group).glob("*.git"))

    def has(self, name: str, path: str) -> bool:
        """Whether the default branch has a file."""
        return bool(git("ls-tree", "HEAD", "--", path, cwd=self.folder / f"{name}.git"))

    def answer(self, method: str, path: str, query: dict[str, str], content: dict[str, Any]) -> tuple[int, Any]:
        """Code and content of an answer."""
        raise NotImplementedError

    def is_known(self, headers: Any, path: str) -> bool:
        """Whether the credentials are right for a call."""
        raise NotImplementedError


class GitHubOfTests(HostOfTests):
    """GitHub's interface, for a token or for the app 77."""

    kind = "github"
    app_key = ""  # its public key

    def is_known(self, headers: Any, path: str) -> bool:
        given = str(headers["Authorization"]).removeprefix("Bearer ")
        if not (path.endswith("/installation") or path.startswith("/app/")):
            return given == TOKEN
        claims = jwt.decode(given, self.app_key, algorithms=["RS256"], options={"require": ["exp", "iat", "iss"]})
        return bool(claims["iss"] == "77" and claims["exp"] - claims["iat"] <= 600)

    def answer(self, method: str, path: str, query: dict[str, str], content: dict[str, Any]) -> tuple[int, Any]:
        if path.startswith("/app/"):
            return 201, {"token": TOKEN, "expires_at": "2026-11-26T12:00:00Z"}
        if path.startswith(("/orgs/", "/users/")):
            return self._listed(path, query)
        _, owner, repo, *rest = path.strip("/").split("/")
        name = f"{owner}/{repo}"
        if rest == ["installation"]:
            return 200, {"id": 7}
        if not (self.folder / f"{name}.git").is_dir():
            return 404, {"message": "Not Found"}
        pulls = self.requests.setdefault(name, [])
        if not rest:
            full = self.moved.get(name, name)
            return 200, {"full_name": full, "default_branch": self.default(name), "archived": name in self.archived}
        if rest[0] == "contents":
            found = self.tip(name, "HEAD") and self.has(name, "/".join(rest[1:]))
            return (200, {"type": "file"}) if found else (404, {"message": "Not Found"})
        if rest[0] == "commits":
            return self._checks(name, rest)
        if method == "GET" and len(rest) == 1:
            branch = query["head"].partition(":")[2]
            return 200, [pull for pull in reversed(pulls) if pull["head"]["ref"] == branch][: int(query["per_page"])]
        if method == "POST":
            return self._open(name, content, pulls)
        pull = pulls[int(rest[1]) - 1]
        if method == "PATCH":
            pull.update(content)
            return 200, pull
        return 200, [{"state": "APPROVED"}] if name in self.approved else []

    def _listed(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        kind, owner, *rest = path.strip("/").split("/")
        if kind == "orgs":
            return 404, {"message": "Not Found"}
        names = self.names(owner)[: int(query["per_page"])] if query["page"] == "1" and rest == ["repos"] else []
        return 200, [{"full_name": name, "archived": name in self.archived} for name in names]

    def _open(self, name: str, content: dict[str, Any], pulls: list[dict[str, Any]]) -> tuple[int, Any]:
        sha = self.tip(name, content["head"])
        doubled = any(pull["state"] == "open" and pull["head"]["ref"] == content["head"] for pull in pulls)
        if not sha or doubled:
            return 422, {"message": "Validation Failed"}
        number = len(pulls) + 1
        shared = {key: content[key] for key in ("title", "body", "draft")}
        head = {"ref": content["head"], "sha": sha}
        url = f"https://github.example.com/{name}/pull/{number}"
        pulls.append({**shared, "number": number, "state": "open", "merged_at": None, "head": head, "html_url": url})
        return 201, pulls[-1]

    def _checks(self, name: str, rest: list[str]) -> tuple[int, Any]:
        found = self.checks.get(self.tip(name, unquote(rest[1])))
        if rest[2] == "status":
            return 200, {"state": "pending", "total_count": 0, "statuses": []}
        return 200, {"check_runs": [{"status": "completed", "conclusion": found}] if found else []}


class GitLabOfTests(HostOfTests):
    """GitLab's interface."""

    kind = "gitlab"

    def is_known(self, headers: Any, path: str) -> bool:  # noqa: ARG002
        return bool(headers["PRIVATE-TOKEN"] == TOKEN)

    def answer(self, method: str, path: str, query: dict[str, str], content: dict[str, Any]) -> tuple[int, Any]:
        kind, quoted, *rest = path.strip("/").split("/")
        if kind == "groups":
            names = self.names(quoted) if query["page"] == "1" else []
            return 200, [{"path_with_namespace": name, "archived": name in self.archived} for name in names]
        name = unquote(quoted)
        if not (self.folder / f"{name}.git").is_dir():
            return 404, {"message": "404 Project Not Found"}
        requests = self.requests.setdefault(name, [])
        if not rest:
            full = self.moved.get(name, name)
            facts = {"default_branch": self.default(name), "archived": name in self.archived}
            return 200, {"path_with_namespace": full, **facts}
        if rest[:2] == ["repository", "files"]:
            return (200, {}) if self.has(name, unquote(rest[2])) else (404, {"message": "404 File Not Found"})
        if rest[0] == "repository":
            tip = self.tip(name, unquote(rest[2]))
            found = {"success": "success", "failure": "failed"}.get(self.checks.get(tip, ""))
            return 200, {"id": tip, "status": found}
        if method == "GET" and len(rest) == 1:
            found_ones = [one for one in reversed(requests) if one["source_branch"] == query["source_branch"]]
            return 200, found_ones[: int(query["per_page"])]
        if method == "POST":
            doubled = any(one["state"] == "opened" for one in requests)
            if doubled or not self.tip(name, content["source_branch"]):
                return 409, {"message": ["Another open merge request already exists for this source branch"]}
            number = len(requests) + 1
            url = f"https://gitlab.example.com/{name}/-/merge_requests/{number}"
            sha = self.tip(name, content["source_branch"])
            kept = {key: value for key, value in content.items() if key != "remove_source_branch"}
            requests.append({**kept, "iid": number, "state": "opened", "web_url": url, "sha": sha})
            requests[-1]["draft"] = content["title"].startswith("Draft: ")
            return 201, requests[-1]
        one = requests[int(rest[1]) - 1]
        if method == "PUT":
            one["state"] = "closed" if content.pop("state_event", "") == "close" else one["state"]
            one.update(content, draft=content["title"].startswith("Draft: "))
            return 200, one
        if rest[2:] == ["approvals"]:
            return 200, {"approved_by": [{}] if name in self.approved else []}
        found = {"success": "success", "failure": "failed"}.get(
            self.checks.get(self.tip(name, one["source_branch"]), "")
        )
        return 200, {**one, "head_pipeline": {"status": found} if found else None}


@contextmanager
def running(host: HostOfTests) -> Iterator[HostOfTests]:
    """A host that listens on this machine until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def answer(self) -> None:
            parts = urlsplit(self.path)
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            host.calls.append((self.command, parts.path))
            more: dict[str, str] = {"Content-Type": "application/json"}
            if host.instead:
                code, headers, text = host.instead.pop(0)
                body = text.encode()
                more |= headers
                if code == NO_ANSWER:
                    host.ended.wait()
                    return
            elif host.writes_fail and self.command != "GET":
                host.writes_fail -= 1
                code, body = 502, b"{}"
            elif not host.is_known(self.headers, parts.path):
                code, body = 401, b'{"message": "Bad credentials"}'
            else:
                code, content = host.answered(self.command, self.path, json.loads(raw or b"{}"))
                body = json.dumps(content).encode()
            self.send_response(code)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_PUT = answer  # as the server calls them

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        host.address = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield host
        finally:
            host.ended.set()
            server.shutdown()
            thread.join()
    assert not host.faults, host.faults
