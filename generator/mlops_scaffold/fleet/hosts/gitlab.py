"""GitLab, by https://docs.gitlab.com/api/rest (version 4)."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx

from mlops_scaffold.fleet.hosts.desk import CLOSED, FAILED, MERGED, OPEN, PASSED, PENDING, Facts, Request, git_access
from mlops_scaffold.fleet.hosts.rest import Rest, secret, understood
from mlops_scaffold.fleet.inventory import Host, Limits

DRAFT = "Draft: "
STATES = {"opened": OPEN, "locked": OPEN, "merged": MERGED, "closed": CLOSED}
CHECKS = {"success": PASSED, "failed": FAILED, "canceled": FAILED}  # any other is pending


class GitLab(Rest):
    """By a token of a group or a project."""

    def __init__(self, host: Host, limits: Limits) -> None:
        super().__init__(host, f"https://{host.name}/api/v4", limits)
        self.token = secret(host, "token")

    def headers(self, path: str) -> Mapping[str, str]:  # noqa: ARG002  # the same for all
        """The token."""
        return {"PRIVATE-TOKEN": self.token}

    def missing(self, answer: httpx.Response) -> str:
        """The scope that GitLab names; else what a request needs."""
        try:
            said = answer.json()
        except ValueError:
            return ""
        return str(said.get("scope") or "Developer, with the scope api") if isinstance(said, dict) else ""

    @understood
    def facts(self, name: str, branch: str) -> Facts:
        """Two to five calls: the project, the pipeline of its default branch, and the request with its own."""
        project = f"projects/{quote(name, safe='')}"
        found = self.get(project)
        default, archived = str(found.get("default_branch") or ""), bool(found["archived"])
        query: dict[str, str | int] = {"source_branch": branch, "state": "all", "order_by": "created_at"}
        listed = self.get(f"{project}/merge_requests", **query, per_page=1)
        request = self._request(project, listed[0]) if listed else None
        checks = None
        if default and not archived:
            commit = self.get(f"{project}/repository/commits/{quote(default, safe='')}")
            checks = of_pipeline(commit.get("status"))
        return Facts(str(found["path_with_namespace"]), default, archived, checks, request)

    def _request(self, project: str, one: Mapping[str, Any]) -> Request:
        state, checks, approved = STATES[one["state"]], None, False
        if state == OPEN:
            whole = self.get(f"{project}/merge_requests/{one['iid']}")
            checks = of_pipeline((whole.get("head_pipeline") or {}).get("status"))
            approved = bool(self.get(f"{project}/merge_requests/{one['iid']}/approvals").get("approved_by"))
        title, draft = str(one["title"]).removeprefix(DRAFT), bool(one.get("draft"))
        text = (title, str(one.get("description") or ""), str(one.get("sha") or ""))
        return Request(int(one["iid"]), str(one["web_url"]), state, *text, draft, checks, approved)

    @understood
    def list(self, group: str) -> Sequence[tuple[str, bool]]:
        """The repositories of a group and those in it, each with whether it is archived."""
        listed = self.pages(f"groups/{quote(group, safe='')}/projects", include_subgroups="true")
        return [(str(one["path_with_namespace"]), bool(one["archived"])) for one in listed]

    @understood
    def has(self, name: str, path: str) -> bool:
        """Whether a repository's default branch has a file."""
        return self.exists(f"projects/{quote(name, safe='')}/repository/files/{quote(path, safe='')}", ref="HEAD")

    @understood
    def open(self, name: str, branch: str, base: str, title: str, body: str, draft: bool) -> Request:
        """Open a merge request."""
        content = {"source_branch": branch, "target_branch": base, "title": DRAFT * draft + title}
        path = f"projects/{quote(name, safe='')}/merge_requests"
        made = self.write("POST", path, **content, description=body, remove_source_branch=True)
        return Request(int(made["iid"]), str(made["web_url"]), OPEN, title, body, draft=draft)

    def edit(self, name: str, request: Request, title: str, body: str, draft: bool) -> None:
        """Give it another title and description; its title says whether it is a draft."""
        path = f"projects/{quote(name, safe='')}/merge_requests/{request.number}"
        self.write("PUT", path, title=DRAFT * draft + title, description=body)

    def close(self, name: str, request: Request, title: str) -> None:
        """Close it."""
        path = f"projects/{quote(name, safe='')}/merge_requests/{request.number}"
        self.write("PUT", path, title=title, state_event="close")

    @understood
    def access(self, name: str) -> tuple[tuple[str, ...], dict[str, str]]:  # noqa: ARG002  # the same for all
        """How git gets in."""
        return git_access(self.host.name, "oauth2", self.token)


def of_pipeline(status: str | None) -> str | None:
    """How a pipeline is."""
    return CHECKS.get(status, PENDING) if status else None
