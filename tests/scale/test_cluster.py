"""The search on a Ray cluster of two nodes on this machine, token and all (L3)."""

import os
import platform
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uv

from tests.project.running import environment, free_port
from tests.scale.searching import TRIALS, forget, found, kill, search, trials

pytestmark = pytest.mark.long
ANOTHER_PYTHON = 'import platform\nplatform.python_version_tuple = lambda: ("3", "99", "0")\n'


@dataclass
class Cluster:
    """Raylets on the loopback, each with one core; whoever connects needs the token."""

    project: Path
    folder: Path
    port: int = field(default_factory=free_port)
    nodes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def gate(self) -> Path:
        """Where some trials wait, once it is there: see conftest.py."""
        return self.folder / "gate"

    @property
    def env(self) -> dict[str, str]:
        """How to reach it."""
        token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(self.folder / "token")}
        return {"RAY_ADDRESS": f"127.0.0.1:{self.port}", **token}

    def start(self, *options: str, **env: str) -> None:
        """Start one more node, the first one as head, and wait until the cluster has it."""
        place = ["--head", f"--port={self.port}", "--include-dashboard=false", f"--temp-dir={self.folder}"]
        command = [
            str(self.project / ".venv/bin/ray"), "start", "--block", "--node-ip-address=127.0.0.1", "--num-cpus=1",
            "--object-store-memory=80000000", *(place if not self.nodes else [f"--address=127.0.0.1:{self.port}"]),
        ]  # fmt: skip
        surroundings = {
            **environment(),
            **self.env,
            "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
            "RAY_USAGE_STATS_ENABLED": "0",
            **env,
        }
        surroundings.pop("RAY_ADDRESS")
        if self.nodes:
            self.settle()  # or a node that was lost just now would be counted for the new one
        with (self.folder / "log").open("ab") as log:
            self.nodes.append(subprocess.Popen([*command, *options], env=surroundings, stdout=log, stderr=log))
        self.settle()

    def settle(self) -> None:
        """Wait until the cluster knows which nodes there are: a lost one is missed after some seconds only."""
        for _ in range(120):
            if self.size() == len([node for node in self.nodes if node.poll() is None]):
                return
            time.sleep(0.5)
        raise AssertionError((self.folder / "log").read_text())

    def size(self) -> int:
        """How many nodes are alive. Ray writes its own news, as of a lost node, beside the answer."""
        count = "import ray; ray.init(log_to_driver=False); print('alive:', sum(n['Alive'] for n in ray.nodes()))"
        python = str(self.project / ".venv/bin/python")
        env = {**environment(), **self.env}
        done = subprocess.run([python, "-c", count], env=env, capture_output=True, text=True, check=False)
        alive = re.search(r"^alive: (\d+)$", done.stdout, re.MULTILINE)
        return int(alive[1]) if alive else 0

    def lose(self, number: int) -> None:
        """Kill a node with all that runs on it."""
        kill(self.nodes[number].pid)
        self.nodes[number].wait()


@pytest.fixture(scope="module")
def cluster(project: Path) -> Iterator[Cluster]:
    """Two nodes, on which a fit takes a while."""
    install = [uv.find_uv_bin(), "sync", "--quiet", "--inexact", "--group", "search", "--group", "ray"]
    subprocess.run(install, cwd=project, env=environment(), check=True)
    with nodes(project, {}, {}) as made:
        yield made


@contextmanager
def nodes(project: Path, *trouble: dict[str, str]) -> Iterator[Cluster]:
    """A cluster with a node for each trouble, on which a fit takes a while; gone at the end."""
    # Ray's sockets are in it, whose paths must be short.
    made = Cluster(project, Path(tempfile.mkdtemp(prefix="ray-")))
    (made.folder / "token").write_text(secrets.token_hex(16))
    try:
        for env in trouble:
            made.start(SLOW="0.3", GATE=str(made.gate), **env)
        yield made
    finally:
        for number in range(len(made.nodes)):
            made.lose(number)
        shutil.rmtree(made.folder, ignore_errors=True)


def test_what_only_a_search_needs_can_be_imported(cluster: Cluster) -> None:
    python = str(cluster.project / ".venv/bin/python")
    subprocess.run([python, "-c", "import optuna, ray, mlops_kit.search.cluster"], cwd=cluster.project, check=True)


def test_two_nodes_find_what_one_machine_finds(cluster: Cluster, project: Path, reference: tuple[str, object]) -> None:
    forget(project)
    assert found(search(project, **cluster.env)) == reference[0]
    assert trials(project) == reference[1]


def test_a_lost_node_loses_no_finished_trial(cluster: Cluster, project: Path, reference: tuple[str, object]) -> None:
    forget(project)
    assert found(losing(cluster, 1, project)) == reference[0]
    assert trials(project) == reference[1]


def losing(cluster: Cluster, number: int, project: Path) -> subprocess.CompletedProcess[str]:
    """A search that loses a node after some of its trials, and keeps these whatever happens."""
    cluster.gate.mkdir()
    command = ["uv", "run", "poe", "search", "--trials", TRIALS]
    env = {**environment(), **cluster.env}
    under_way = subprocess.Popen(
        command, cwd=project, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert under_way.stdout
    said, finished = [], {}
    for line in under_way.stdout:
        said.append(line)
        if line.startswith("trial 2"):
            finished = trials(project)
            cluster.lose(number)
            (cluster.gate / "open").touch()
    assert 2 <= len(finished) < int(TRIALS), "".join(said)
    assert finished.items() <= trials(project).items()
    return subprocess.CompletedProcess(command, under_way.wait(), "".join(said), "")


@pytest.mark.soak
def test_a_node_that_was_lost_a_moment_ago_is_left_out(
    cluster: Cluster, project: Path, reference: tuple[str, object]
) -> None:
    forget(project)
    cluster.settle()
    cluster.start(SLOW="0.3")
    cluster.lose(-1)
    assert found(search(project, **cluster.env)) == reference[0]
    cluster.settle()


@pytest.mark.soak
def test_a_node_with_a_full_disk_is_left_out_while_there_is_another(
    cluster: Cluster, project: Path, reference: tuple[str, object]
) -> None:
    # The head is nearest to the search: whenever it is free, Ray gives it the next trial.
    with nodes(project, {"TROUBLE": "full"}, {}) as other:
        forget(project)
        assert found(search(project, **other.env)) == reference[0]
        assert trials(project) == reference[1]
        forget(project)
        done = losing(other, 1, project)
    assert done.returncode == 1
    assert "could not be made in 3 attempts: OSError: [Errno 28] No space left on device" in done.stdout
    assert "Traceback" not in done.stdout
    assert len(trials(project)) >= 3


def test_a_node_with_another_python_or_package_is_said_before_any_trial(
    cluster: Cluster, project: Path, tmp_path: Path
) -> None:
    forget(project)
    older = [uv.find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--target", str(tmp_path), "skops==0.13.0"]
    subprocess.run(older, env=os.environ, check=True)
    # There need not be a second Python on this machine: the one that is there says on that node that it is another.
    (tmp_path / "sitecustomize.py").write_text(ANOTHER_PYTHON, encoding="utf-8")
    cluster.start(PYTHONPATH=str(tmp_path))
    done = search(project, **cluster.env)
    cluster.lose(-1)
    assert done.returncode == 1
    here = ".".join(platform.python_version_tuple()[:2])
    assert f"has Python 3.99 (here {here}), skops 0.13.0 (here " in done.stderr
    assert "Traceback" not in done.stderr
    assert not trials(project)


@pytest.mark.soak  # tests/kit/test_cluster.py has both sentences, without a cluster
def test_a_cluster_that_is_not_there_or_refuses_us_is_a_sentence(cluster: Cluster, project: Path) -> None:
    forget(project)
    away = search(project, RAY_ADDRESS=f"127.0.0.1:{free_port()}")
    stranger = search(project, **{**cluster.env, "RAY_AUTH_MODE": "disabled"})
    for done in (away, stranger):
        assert done.returncode == 1
        assert "No Ray cluster answers at 127.0.0.1" in done.stderr
        assert "Traceback" not in done.stderr
    assert not trials(project)


@pytest.mark.soak  # as above
def test_a_cluster_of_another_python_is_a_sentence(cluster: Cluster, project: Path, tmp_path: Path) -> None:
    forget(project)
    # It is this side that says it is another: Ray compares the two.
    (tmp_path / "sitecustomize.py").write_text(
        "import ray._private.utils as its\nits.compute_version_info = lambda: (its.ray.__version__, '3.99.0')\n"
    )
    done = search(project, **cluster.env, PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert f"The Ray cluster at 127.0.0.1:{cluster.port} has another version of Python or Ray." in done.stderr
    assert "3.99.0" in done.stderr
    assert "Traceback" not in done.stderr
    assert not trials(project)
