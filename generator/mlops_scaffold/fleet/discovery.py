"""`mlops fleet list --discover`: repositories of the fleet's hosts that the inventory does not have."""

from collections.abc import Iterator
from fnmatch import fnmatch

from mlops_scaffold.fleet.hosts import Desk, desks
from mlops_scaffold.fleet.inventory import Fleet, Host
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.project import ANSWERS_FILE

TEMPLATED, NOT_TEMPLATED, ARCHIVED = "templated", "not templated", "archived"


def discover(fleet: Fleet) -> Iterator[tuple[str, str]]:
    """Each repository beside those of the inventory, with what it is. Raises MlopsError where a host refuses."""
    hosts = {member.host.name: member.host for member in fleet.members if member.host}
    if not hosts:
        raise MlopsError("No repository of the inventory is at a host.", "Add hosts, and a repository of each group.")
    with desks([*hosts.values()], fleet.limits) as found:
        for name, desk in found.items():
            if isinstance(desk, MlopsError):
                raise desk
            yield from at_host(fleet, hosts[name], desk)


def at_host(fleet: Fleet, host: Host, desk: Desk) -> Iterator[tuple[str, str]]:
    """Those of one host: in each group that the inventory has a repository of."""
    listed = {member.name.lower() for member in fleet.members if member.host == host}
    for group in sorted({name.partition("/")[0] for name in listed}):
        for name, archived in desk.list(group):
            repo = f"{host.name}/{name}"
            if name.lower() in listed or any(fnmatch(repo, pattern) for pattern in fleet.ignore):
                continue
            state = ARCHIVED if archived else TEMPLATED if desk.has(name, ANSWERS_FILE) else NOT_TEMPLATED
            yield repo, state
