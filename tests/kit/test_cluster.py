"""Trials on a Ray cluster: nodes are compared first, one whose machine is at fault gets no more, a lost one costs none.

The cluster is a stand-in of Ray's own functions, whose nodes are in this process; tests/scale runs a real one.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from mlops_kit.ground import Project
from mlops_kit.search import SearchError
from mlops_kit.search.cluster import Cluster, versions
from mlops_kit.search.objective import Outcome, Task

GOOD, FULL = Outcome((0.5, 0.7)), Outcome(error="no space left", machine=True)
TASKS = [Task(number, {}, ()) for number in range(4)]


class RayError(Exception):
    """Ray's."""


class TaskUnschedulableError(RayError):
    """Ray's, for a node of which the others have not heard."""


@dataclass
class Node:
    """A node: how its environment differs from ours, and what happens to a trial, or to any task, on it."""

    name: str
    has: dict[str, str] = field(default_factory=dict)
    outcome: Outcome = GOOD
    errors: list[Exception] = field(default_factory=list)  # what Ray raises for the next tasks that are sent there
    alive: bool = True
    cores: int = 1
    leaves: bool = False  # with the next task


@dataclass(frozen=True)
class Affinity:
    """NodeAffinitySchedulingStrategy."""

    node: str
    soft: bool


@dataclass(eq=False)
class Sent:
    """A task that was sent, and where it runs; `node` is None while there is none for it."""

    call: Callable[[], Any]
    node: Node | None


class Ray(ModuleType):
    """Ray, as far as the search uses it: a task runs on the first node that it may run on."""

    def __init__(self, *nodes: Node) -> None:
        super().__init__("ray")
        self.there, self.began, self.cancelled, self.at = nodes, dict[str, Any](), list[Sent](), nodes[0].name
        self.exceptions = SimpleNamespace(RayError=RayError, TaskUnschedulableError=TaskUnschedulableError)

    def init(self, **settings: Any) -> None:
        """Connect."""
        self.began = settings

    def shutdown(self) -> None:
        """Leave."""
        self.began = {}

    def nodes(self) -> list[dict[str, Any]]:
        """All of them."""
        return [
            dict(NodeID=one.name, NodeManagerAddress="10.0.0.1", Alive=one.alive, Resources={"CPU": one.cores})
            for one in self.there
        ]

    def put(self, found: Any) -> Any:
        """Into the object store."""
        return found

    def remote(self, **_: Any) -> Callable[[Callable[..., Any]], _Function]:
        """A function as one of the cluster."""
        return lambda function: _Function(self, function)

    def get_runtime_context(self) -> Any:
        """Where a task is."""
        return self

    def get_node_id(self) -> str:
        """Which node it is."""
        return self.at

    def wait(self, waiting: list[Sent], timeout: float) -> tuple[list[Sent], list[Sent]]:
        """The first one that is ready, and the rest."""
        assert timeout > 0
        ready = [one for one in waiting if one.node][:1]
        return ready, [one for one in waiting if one not in ready]

    def get(self, sent: Sent, timeout: float = 1) -> Any:
        """What came of it."""
        assert sent.node
        assert timeout > 0
        if sent.node.errors:
            sent.node.alive = not sent.node.leaves
            raise sent.node.errors.pop(0)
        self.at = sent.node.name
        found = sent.call()
        return found | sent.node.has if isinstance(found, dict) else found

    def cancel(self, sent: Sent, force: bool) -> None:
        """Take it back."""
        assert force
        self.cancelled.append(sent)


@dataclass(frozen=True)
class _Function:
    ray: Ray
    function: Callable[..., Any]
    not_on: tuple[str, ...] = ()
    on: str = ""

    def options(
        self, label_selector: dict[str, str] | None = None, scheduling_strategy: Affinity | None = None
    ) -> _Function:
        not_on = (label_selector or {}).get("ray.io/node-id", "!in()").removeprefix("!in(").removesuffix(")")
        assert scheduling_strategy is None or not scheduling_strategy.soft
        on = scheduling_strategy.node if scheduling_strategy else ""
        return _Function(self.ray, self.function, tuple(not_on.split(",")), on)

    def remote(self, *arguments: Any) -> Sent:
        able = [node for node in self.ray.there if node.name not in self.not_on and self.on in ("", node.name)]
        there = [node for node in able if self.on or (node.alive and node.cores)]
        if there and there[0].leaves and not there[0].errors:
            there.pop(0).alive = False
        return Sent(lambda: self.function(*arguments), there[0] if there else None)


class Tries:
    """An objective that gives the outcome of the node that it is on."""

    def __init__(self, ray: Ray) -> None:
        self.ray = ray

    def try_out(self, _: Task) -> Outcome:
        """Of that node."""
        return next(node.outcome for node in self.ray.there if node.name == self.ray.at)


Connect = Callable[..., tuple[Ray, Cluster]]


@pytest.fixture
def connect(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Connects to a cluster of such nodes."""
    with socket.create_server(("127.0.0.1", 0)) as head:

        def connected(*nodes: Node) -> tuple[Ray, Cluster]:
            ray = Ray(*nodes)
            strategies = ModuleType("ray.util.scheduling_strategies")
            strategies.NodeAffinitySchedulingStrategy = Affinity  # type: ignore[attr-defined]
            for name, module in {
                "ray": ray,
                "ray.util": ModuleType("ray.util"),
                strategies.__name__: strategies,
            }.items():
                monkeypatch.setitem(sys.modules, name, module)
            tries: Any = Tries(ray)
            return ray, Cluster(tries)

        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{head.getsockname()[1]}")
        monkeypatch.setattr("time.sleep", lambda _: None)
        yield connected


def test_trials_run_with_our_code_and_one_thread_each(connect: Connect, project: Project) -> None:
    ray, crew = connect(Node("a"))
    assert ray.began["runtime_env"]["py_modules"] == [str(path) for path in project.code]
    assert ray.began["runtime_env"]["env_vars"]["OMP_NUM_THREADS"] == "1"
    assert list(crew.run(TASKS)) == [(task, GOOD) for task in TASKS]
    crew.close()
    assert not ray.began


def test_a_node_whose_machine_is_at_fault_gets_no_more_while_there_is_another(connect: Connect) -> None:
    full, other = Node("full", outcome=FULL), Node("other")
    ray, crew = connect(full, other, Node("head", cores=0))
    assert {outcome for _, outcome in crew.run(TASKS)} == {FULL}
    assert {outcome for _, outcome in crew.run(TASKS)} == {GOOD}
    other.leaves = True  # while trials are under way
    assert {outcome for _, outcome in crew.run(TASKS)} == {Outcome(error="no other node is left", machine=True)}
    assert len(ray.cancelled) == len(TASKS)
    full.outcome = GOOD
    assert {outcome for _, outcome in crew.run(TASKS)} == {GOOD}, "the only one is not left out"


def test_a_trial_whose_node_is_lost_is_the_machines_fault(connect: Connect) -> None:
    node = Node("a")
    ray, crew = connect(node)
    node.errors.append(ray.exceptions.RayError("The node died.\nIts log is elsewhere."))
    assert [outcome for _, outcome in crew.run(TASKS)] == [
        Outcome(error="RayError: The node died.", machine=True), *[GOOD] * 3
    ]  # fmt: skip


def test_a_node_with_another_environment_is_named_and_the_cluster_left(connect: Connect) -> None:
    with pytest.raises(SearchError, match=r"node 10\.0\.0\.1 older of .* has Python 3\.99 \(here 3\.\d+\)\. Trials"):
        connect(Node("a"), Node("older", has={"Python": "3.99"}))
    assert not sys.modules["ray"].began
    assert versions(["numpy", "no-such-package"]).keys() == {"Python", "numpy"}


def test_a_node_that_does_not_answer_is_named_and_one_that_has_gone_is_left_out(connect: Connect) -> None:
    lost = RayError("GetTimeoutError: after 180 s")
    with pytest.raises(SearchError, match=r"node 10\.0\.0\.1 silent of .* does not answer: GetTimeoutError: after 180"):
        connect(Node("silent", errors=[lost]))
    connect(Node("a"), Node("gone", errors=[lost], leaves=True))
    new = Node("new", errors=[TaskUnschedulableError("the others have not heard of it")])
    connect(new)
    assert not new.errors, "it was asked again"


def test_a_cluster_that_cannot_be_had_is_a_sentence(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as other:
        other.setattr(Ray, "init", mock.Mock(side_effect=RuntimeError("Version mismatch:\n  theirs is 3.99")))
        with pytest.raises(SearchError, match=r"another version of Python or Ray\. Version mismatch: theirs is 3\.99"):
            connect(Node("a"))
    with socket.create_server(("127.0.0.1", 0)) as gone:
        monkeypatch.setenv("RAY_ADDRESS", f"ray://127.0.0.1:{gone.getsockname()[1]}")
    with pytest.raises(SearchError, match=r"No Ray cluster answers at ray://127\.0\.0\.1:\d+ \(RAY_ADDRESS; .*refused"):
        connect(Node("a"))
    monkeypatch.setitem(sys.modules, "ray", None)
    nothing: Any = None
    with pytest.raises(SearchError, match="Ray is not installed: uv sync --inexact --group ray"):
        Cluster(nothing)
