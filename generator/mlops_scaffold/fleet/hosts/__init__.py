"""GitHub and GitLab: what is known of a repository there, and its request."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from mlops_scaffold.fleet.hosts.desk import Desk, Facts, Request
from mlops_scaffold.fleet.inventory import Host, Limits
from mlops_scaffold.ground.errors import MlopsError


@contextmanager
def desks(hosts: list[Host], limits: Limits) -> Iterator[dict[str, Desk | MlopsError]]:
    """A desk for each host, by its name, or why there is none: a credential is not in the environment.

    Raises MlopsError where the packages for it are not installed.
    """
    if not hosts:
        yield {}
        return
    try:
        from mlops_scaffold.fleet.hosts.github import GitHub
        from mlops_scaffold.fleet.hosts.gitlab import GitLab
    except ModuleNotFoundError as error:
        step = "Install it: uv tool install 'mlops-scaffold[fleet]'"
        raise MlopsError(f"Hosts need the package {error.name}, which is not installed.", step) from None
    found: dict[str, Desk | MlopsError] = {}
    with ExitStack() as stack:
        for host in hosts:
            try:
                desk: GitHub | GitLab = GitHub(host, limits) if host.kind == "github" else GitLab(host, limits)
                stack.callback(desk.client.close)
                found[host.name] = desk
            except MlopsError as error:
                found[host.name] = error
        yield found


__all__ = ["Desk", "Facts", "Request", "desks"]
