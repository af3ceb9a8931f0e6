"""Workers on the Ray cluster that RAY_ADDRESS names: each trial is a task, and each node is looked at before the first.

A cluster that asks for a token gets it from RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH, as Ray's own commands do.
"""

from __future__ import annotations

import os
import platform
import socket
import time
from collections.abc import Iterator
from importlib import metadata
from types import ModuleType

from mlops_kit.ground import project
from mlops_kit.models import distributions
from mlops_kit.search import SearchError
from mlops_kit.search.objective import ONE_THREAD, Objective, Outcome, Task

# Ray would have each worker make an environment of its own by uv: the nodes have theirs, and it is compared with ours.
os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"
os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "error")
SECONDS_TO_ANSWER = 180  # a node that is busy starts a process in a minute or two; one that is lost is known sooner
SECONDS_BETWEEN_LOOKS = 10


class Cluster:
    """A connection to the cluster, with the objective in its object store."""

    def __init__(self, objective: Objective) -> None:
        try:
            import ray
        except ImportError:
            raise SearchError("RAY_ADDRESS is set, but Ray is not installed: uv sync --inexact --group ray") from None
        package = project().package
        # The nodes run our code as it is here, whatever their image has.
        environment = dict(py_modules=[str(path) for path in project().code], env_vars=ONE_THREAD)
        try:
            knock(os.environ["RAY_ADDRESS"])
            ray.init(runtime_env=environment, log_to_driver=False, logging_level="ERROR", namespace=package)
        except Exception as error:  # Ray has no class for it: what cannot be reached raises whatever was in the way
            raise SearchError(unreachable(error)) from None
        self.ray = ray
        try:
            compare_nodes(ray)
            self.objective = ray.put(objective)
        except BaseException:
            self.close()
            raise
        self.try_out = ray.remote(num_cpus=1, max_retries=2)(_try_out)
        self.faulty: frozenset[str] = frozenset()

    def run(self, tasks: list[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Try out some trials; each answer as it comes. Ray gives a lost node's trials to the others.

        A node on which trials failed by its machine's fault is free before all others: where there are others, it gets
        no more.
        """
        left_out = self.faulty if able(self.ray) - self.faulty else frozenset()
        elsewhere = {"ray.io/node-id": f"!in({','.join(left_out)})"} if left_out else {}
        try_out = self.try_out.options(label_selector=elsewhere)
        asked = {try_out.remote(self.objective, task): task for task in tasks}
        waiting = list(asked)
        while waiting:
            ready, waiting = self.ray.wait(waiting, timeout=SECONDS_BETWEEN_LOOKS)
            for answer in ready:
                yield asked[answer], self.outcome(answer)
            if not ready and left_out and not able(self.ray) - left_out:
                for task in waiting:
                    self.ray.cancel(task, force=True)
                yield from ((asked[task], Outcome(error="no other node is left", machine=True)) for task in waiting)
                return

    def outcome(self, answer: object) -> Outcome:
        """What became of a trial; a node whose machine was at fault is remembered."""
        try:
            found: tuple[str, Outcome] = self.ray.get(answer)
        except self.ray.exceptions.RayError as error:
            return Outcome(error=f"{type(error).__name__}: {first_line(error)}", machine=True)
        node, outcome = found
        if outcome.machine:
            self.faulty |= {node}
        return outcome

    def close(self) -> None:
        """Leave the cluster; what still runs of this search is stopped."""
        self.ray.shutdown()


def _try_out(objective: Objective, task: Task) -> tuple[str, Outcome]:
    import ray

    return ray.get_runtime_context().get_node_id(), objective.try_out(task)


def compare_nodes(ray: ModuleType) -> None:
    """Hold Python and packages of every node against ours. Raises SearchError that names the first that differs."""
    needed = distributions()
    mine = versions(needed)
    for node, theirs in versions_by_node(ray, needed):
        other = [
            f"{name} {theirs.get(name, 'missing')} (here {mine[name]})"
            for name in mine
            if theirs.get(name) != mine[name]
        ]
        if other:
            raise SearchError(
                f"The node {node} of the Ray cluster has {', '.join(other)}. "
                "Trials would not be the same there: give it the environment of uv.lock (kuberay/)."
            )


def versions_by_node(ray: ModuleType, needed: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """What each node has of these, all asked at once. Raises SearchError for one that is there and does not answer."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    look = ray.remote(num_cpus=0)(versions)

    def ask(node: str) -> object:
        return look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(needed)

    names = alive(ray)
    asked = {node: ask(node) for node in names}
    until = time.monotonic() + SECONDS_TO_ANSWER
    while asked:
        node, answer = asked.popitem()
        try:
            theirs = ray.get(answer, timeout=SECONDS_TO_ANSWER)
        except ray.exceptions.RayError as error:
            if node not in alive(ray):
                continue  # lost since we asked: no trial will run on it
            if not isinstance(error, ray.exceptions.TaskUnschedulableError) or time.monotonic() > until:
                told = f"The node {names[node]} of the Ray cluster does not answer: {first_line(error)}"
                raise SearchError(told) from None
            time.sleep(0.5)  # it is so new that the other nodes have not heard of it
            asked[node] = ask(node)
        else:
            yield names[node], theirs


def alive(ray: ModuleType) -> dict[str, str]:
    """The nodes that the cluster has now, by what they are called in a message."""
    nodes = [node for node in ray.nodes() if node["Alive"]]
    return {node["NodeID"]: node["NodeManagerAddress"] + " " + node["NodeID"][:6] for node in nodes}


def able(ray: ModuleType) -> frozenset[str]:
    """The nodes that can make a trial: a head often has no core for that."""
    return frozenset(node["NodeID"] for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1)


def versions(needed: list[str]) -> dict[str, str]:
    """The versions of Python and of these packages here, without those that are not installed."""
    found = {name: metadata.version(name) for name in needed if _is_installed(name)}
    return {"Python": ".".join(platform.python_version_tuple()[:2]), **found}


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def knock(address: str) -> None:
    """See at once whether anybody listens there: Ray would try for minutes. Raises OSError."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if port.isdecimal():
        socket.create_connection((host, int(port)), timeout=10).close()


def unreachable(error: Exception) -> str:
    """Why there is no connection, in one sentence."""
    address = os.environ["RAY_ADDRESS"]
    if "ersion mismatch" in str(error):
        told = " ".join(str(error).split())
        return f"The Ray cluster at {address} has another version of Python or Ray. {told}"
    told = first_line(error)
    return f"No Ray cluster answers at {address} (RAY_ADDRESS; RAY_AUTH_TOKEN_PATH if it asks for a token): {told}"


def first_line(error: Exception) -> str:
    """What an error says, short."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
