"""GitHub, and GitHub Enterprise Server, by https://docs.github.com/en/rest (version 2022-11-28)."""

import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx

from mlops_scaffold.fleet.hosts.desk import CLOSED, FAILED, MERGED, OPEN, PASSED, PENDING, Facts, Request, git_access
from mlops_scaffold.fleet.hosts.rest import Rest, secret, understood
from mlops_scaffold.fleet.inventory import Host, Limits
from mlops_scaffold.fleet.line import DENIED
from mlops_scaffold.fleet.refusals import Refused

RED = ("failure", "timed_out", "cancelled", "action_required", "startup_failure")
EARLY = 300  # seconds before its end that a token is renewed


class GitHub(Rest):
    """By a token, or as an app: then with a token of an hour for each owner."""

    def __init__(self, host: Host, limits: Limits) -> None:
        api = "https://api.github.com" if host.name == "github.com" else f"https://{host.name}/api/v3"
        super().__init__(host, api, limits)
        self.token = secret(host, "token") if "token" in host.secrets else ""
        self.app, self.key = ("", "") if self.token else (secret(host, "app"), secret(host, "key"))
        self._tokens: dict[str, tuple[str, float]] = {}

    def headers(self, path: str) -> Mapping[str, str]:
        """The token of the repository's owner, or for calls of the app itself the app's."""
        by_app = path.endswith("/installation") or path.startswith("app/")
        token = (
            self._app_token() if by_app else self._token(*path.split("/")[1 : 3 if path.startswith("repos/") else 2])
        )
        return {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }

    def _app_token(self) -> str:
        """What proves to be the app, for ten minutes."""
        import jwt

        now = int(time.time())
        try:
            return jwt.encode({"iat": now - 60, "exp": now + 540, "iss": self.app}, self.key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            step = "Set it to the file of the app's private key, with its line breaks."
            raise Refused(DENIED, f"{self.host.secrets['key']} is no private key.", step) from None

    def _token(self, owner: str, name: str = "") -> str:
        """The token for the repositories of an owner, of which this is one."""
        if self.token:
            return self.token
        token, ends = self._tokens.get(owner, ("", 0.0))
        if time.time() < ends - EARLY:
            return token
        found = self.get(f"repos/{owner}/{name}/installation" if name else f"users/{owner}/installation")
        made = self.write("POST", f"app/installations/{found['id']}/access_tokens")
        self._tokens[owner] = str(made["token"]), time.time() + 3600
        return str(made["token"])

    def missing(self, answer: httpx.Response) -> str:
        """As GitHub names the permissions, or a classic token's scopes."""
        for header in ("x-accepted-github-permissions", "x-accepted-oauth-scopes"):
            if answer.headers.get(header):
                return str(answer.headers[header])
        return ""

    @understood
    def facts(self, name: str, branch: str) -> Facts:
        """Four or five calls: the repository, the checks of its default branch, and the request with its own."""
        owner = name.partition("/")[0]
        found = self.get(f"repos/{name}")
        default = str(found["default_branch"])
        query: dict[str, str | int] = {"head": f"{owner}:{branch}", "state": "all", "sort": "created"}
        pulls = self.get(f"repos/{name}/pulls", **query, direction="desc", per_page=1)
        request = self._request(name, pulls[0]) if pulls else None
        archived = bool(found["archived"])
        checks = None if archived else self._checks(name, default)
        return Facts(str(found["full_name"]), default, archived, checks, request)

    def _request(self, name: str, pull: Mapping[str, Any]) -> Request:
        state = MERGED if pull.get("merged_at") else OPEN if pull["state"] == "open" else CLOSED
        checks, approved = None, False
        if state == OPEN:
            checks = self._checks(name, str(pull["head"]["sha"]))
            reviews = self.get(f"repos/{name}/pulls/{pull['number']}/reviews", per_page=100)
            approved = any(review["state"] == "APPROVED" for review in reviews)
        text = (str(pull["title"]), str(pull.get("body") or ""), str(pull["head"]["sha"]))
        return Request(
            int(pull["number"]), str(pull["html_url"]), state, *text, bool(pull.get("draft")), checks, approved
        )

    def _checks(self, name: str, ref: str) -> str | None:
        """The checks of a commit: its statuses, and its check runs where the token may read them."""
        commit = f"repos/{name}/commits/{quote(ref, safe='')}"
        try:
            runs = self.get(f"{commit}/check-runs", per_page=100)["check_runs"]
        except Refused as error:
            if error.state != DENIED:
                raise
            runs = []
        status = self.get(f"{commit}/status", per_page=1)
        if not runs and not status["total_count"]:
            return None
        results = [run["conclusion"] if run["status"] == "completed" else PENDING for run in runs]
        results += [status["state"]] if status["total_count"] else []
        if any(result in (*RED, "error") for result in results):
            return FAILED
        return PENDING if PENDING in results else PASSED

    @understood
    def list(self, group: str) -> Sequence[tuple[str, bool]]:
        """The repositories of an organisation or a person, each with whether it is archived."""
        kind = "orgs" if self.exists(f"orgs/{group}") else "users"
        return [(str(one["full_name"]), bool(one["archived"])) for one in self.pages(f"{kind}/{group}/repos")]

    @understood
    def has(self, name: str, path: str) -> bool:
        """Whether a repository's default branch has a file."""
        return self.exists(f"repos/{name}/contents/{path}")

    @understood
    def open(self, name: str, branch: str, base: str, title: str, body: str, draft: bool) -> Request:
        """Open a pull request."""
        made = self.write("POST", f"repos/{name}/pulls", title=title, head=branch, base=base, body=body, draft=draft)
        return Request(int(made["number"]), str(made["html_url"]), OPEN, title, body, draft=draft)

    def edit(self, name: str, request: Request, title: str, body: str, draft: bool) -> None:  # noqa: ARG002
        """Give it another title and body. The REST interface makes no draft of a request, nor the reverse."""
        self.write("PATCH", f"repos/{name}/pulls/{request.number}", title=title, body=body)

    def close(self, name: str, request: Request, title: str) -> None:
        """Close it."""
        self.write("PATCH", f"repos/{name}/pulls/{request.number}", title=title, state="closed")

    @understood
    def access(self, name: str) -> tuple[tuple[str, ...], dict[str, str]]:
        """How git gets in."""
        owner, _, repo = name.partition("/")
        return git_access(self.host.name, "x-access-token", self._token(owner, repo))
