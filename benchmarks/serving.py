"""How fast the rendered service answers, against its peers in the same run; a swap under load; a million rows.

    python benchmarks/serving.py

One process each, single-row requests by 16 callers in a process of their own (`poe load`'s module). Ratios count.
"""

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlops_scaffold.ground import process

HERE = Path(__file__).parent
SECONDS = "6"
server_of: dict[int, int] = {}  # processes by their port
# The smallest service that answers: no validation, no log, one array to the estimator.
BARE = """
import numpy as np, sys, uvicorn
from pathlib import Path
from fastapi import FastAPI, Request
from mlops_kit import models
model = models.load_model(Path("model"))[-1]
app = FastAPI()
row = np.random.default_rng(0).random((1, model.n_features_in_))
@app.get("/ready")
async def ready(): return {}
@app.post("/predict")
async def predict(): return {"predictions": model.predict_proba(row).tolist()}
uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning")
"""


def environment() -> dict[str, str]:
    """One thread for the model, whoever serves it."""
    env = process.project_environment() | {"OMP_NUM_THREADS": "1"}
    env.pop("MLFLOW_TRACKING_URI", None)
    return env


@contextmanager
def running(project: Path, *command: str, ready: str, **settings: str) -> Iterator[int]:
    """A server of the project's environment, by its port; PORT in the command stands for it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    filled = [word.replace("PORT", str(port)) for word in command]
    env = {**environment(), "PORT": str(port), "PATH": f"{project / '.venv/bin'}:{os.environ['PATH']}", **settings}
    with (project.parent / "server.log").open("wb") as log:
        server = subprocess.Popen(filled, cwd=project, env=env, stdout=log, stderr=log, start_new_session=True)
    server_of[port] = server.pid
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{ready}", timeout=2).close()
                break
            except OSError:
                time.sleep(0.25)
        yield port
    finally:
        os.killpg(server.pid, 15)
        server.wait(60)


def load(project: Path, port: int, *options: str) -> dict:
    """What the callers measured."""
    command = [
        str(project / ".venv/bin/python"),
        "-m",
        "mlops_kit.serving.load",
        "--json",
        "--seconds",
        SECONDS,
        *options,
    ]
    done = subprocess.run(
        command, cwd=project, env={**environment(), "PORT": str(port)}, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"the load test failed: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def line(name: str, found: dict, ours: float) -> None:
    """One line of the table."""
    rate = found["per_second"]
    print(f"{name:36} {rate:8.0f} req/s  p50 {found['p50']:7.2f}  p99 {found['p99']:7.2f} ms  ours {ours / rate:6.2f}x")


def speeds(project: Path) -> None:
    """Requests a second, the service against MLflow's and against a bare one."""
    python = str(project / ".venv/bin/python")
    with running(project, python, "-m", "churn.serve", ready="/ready") as port:
        ours, infer = load(project, port), load(project, port, "--rows", "100")
    with running(project, python, "-c", BARE, "PORT", ready="/ready") as port:
        bare = load(project, port)
    mlflow = [
        python,
        "-m",
        "mlflow",
        "models",
        "serve",
        "-m",
        "model",
        "--env-manager",
        "local",
        "-p",
        "PORT",
        "-w",
        "1",
    ]
    with running(project, *mlflow, ready="/ping") as port:
        theirs = load(project, port, "--path", "/invocations", "--key", "dataframe_records")
    rate = ours["per_second"]
    line("the service", ours, rate)
    line("bare FastAPI and numpy (>= 0.5x)", bare, rate)
    line("mlflow models serve (>= 5x)", theirs, rate)
    print(f"{'the service, 100 rows a request':36} {infer['per_second'] * 100:8.0f} rows/s")


def swap(project: Path) -> None:
    """A promotion while 16 callers ask: how many requests fail."""
    with running(
        project, str(project / ".venv/bin/python"), "-m", "churn.serve", ready="/ready", RELOAD_SECONDS="0.5"
    ) as port:
        before = version(port)
        command = [str(project / ".venv/bin/python"), "-m", "mlops_kit.serving.load", "--json", "--seconds", "40"]
        env = {**environment(), "PORT": str(port)}
        callers = subprocess.Popen(command, cwd=project, env=env, stdout=subprocess.PIPE, text=True)
        parameters = project / "params.yaml"
        text = parameters.read_text(encoding="utf-8")
        parameters.write_text(text.replace("max_iter: 150", "max_iter: 151"), encoding="utf-8")
        for task in ("repro", "register", "promote"):
            subprocess.run(["uv", "run", "poe", task], cwd=project, env=env, check=True, capture_output=True)
        found = json.loads(callers.communicate()[0].splitlines()[-1])
        swapped = version(port) != before
        print(f"a swap under load: {found['requests']} requests, {found['failed']} dropped, swapped: {swapped}")


def fairness(project: Path, port: int) -> None:
    """64 callers of single rows: the waits of the last are at most 4 times the median, and the rate is not lower."""
    few, many = load(project, port), load(project, port, "--concurrency", "64")
    share, rate = many["p99"] / many["p50"], many["per_second"] / few["per_second"]
    print(f"64 callers: p99 {share:.1f}x the median (<= 4x), {rate:.2f}x the rate of 16 (>= 1x), {many['failures']}")


def overload(project: Path, port: int, server: int) -> None:
    """Ten times the callers of batches that are answered at once: 200 or 503, in time, in bounded memory."""
    full = load(project, port, "--concurrency", "4", "--rows", "2000")
    before = resident(server)
    more = load(project, port, "--concurrency", "40", "--rows", "2000")
    after = load(project, port, "--concurrency", "4", "--rows", "2000")
    print(
        f"10x the load: {more['failures']} (status 503 alone), "
        f"p99 {more['p99'] / full['p99']:.1f}x full load's (<= 5x), "
        f"{resident(server) - before:+.0f} MB (< 100), then {after['per_second'] / full['per_second']:.2f}x its rate"
    )


def hostile(port: int, server: int) -> None:
    """Bodies of 16 MB that are refused: their cost, and what /health takes beside them."""
    idle = statistics.median(health(port) for _ in range(200))
    keys = b",".join(b'"k%06d":1' % number for number in range(900))
    for name, unit in {"empty rows": b"{},", "unknown keys": b"{%b}," % keys, "blanks": b" "}.items():
        body = b'{"rows":[' + (unit * ((2**24 - 64) // len(unit))).rstrip(b",") + b"]}"
        before, start = resident(server), cpu(server)
        sender = threading.Thread(target=send, args=(port, body))
        sender.start()
        waits = []
        while sender.is_alive():
            waits.append(health(port))
        took, grown = cpu(server) - start, resident(server) - before
        print(
            f"16 MB of {name}: {took:.2f} s of CPU (<= 1.5), {grown:+.0f} MB (<= 300), "
            f"/health {statistics.median(waits) / idle:.1f}x its idle median (<= 5x)"
        )


def health(port: int) -> float:
    """Seconds until /health answers."""
    start = time.perf_counter()
    urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=60).close()
    return time.perf_counter() - start


def send(port: int, body: bytes) -> None:
    """Post a body that is refused."""
    with suppress(urllib.error.HTTPError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/predict", body, timeout=60).close()


def resident(process: int) -> float:
    """Memory of a process in MB (Linux)."""
    text = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


def cpu(process: int) -> float:
    """Seconds of CPU of a process (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def limits(project: Path) -> None:
    """What the service does beyond its limits."""
    with running(project, str(project / ".venv/bin/python"), "-m", "churn.serve", ready="/ready") as port:
        fairness(project, port)
        overload(project, port, server_of[port])
        hostile(port, server_of[port])


ROW = """
import json
from mlops_kit import contract
from mlops_kit.serving.endpoint import rows_as_json
known = contract.load()
print(json.dumps({"rows": rows_as_json(known, known.sample(1))}))
"""


def stop(project: Path) -> None:
    """SIGTERM under the load of 16 clients that keep their connections: what is lost, and how long it takes."""
    python = str(project / ".venv/bin/python")
    done = subprocess.run([python, "-c", ROW], cwd=project, env=environment(), capture_output=True, check=True)
    counts = {"answered": 0, "lost": 0}
    with running(project, python, "-m", "churn.serve", ready="/ready") as port:
        clients = [threading.Thread(target=ask_until_closed, args=(port, done.stdout, counts)) for _ in range(16)]
        for client in clients:
            client.start()
        time.sleep(5)
        start = time.perf_counter()
        os.kill(server_of[port], 15)
        for client in clients:
            client.join()
        taken = time.perf_counter() - start
    print(f"SIGTERM under load: {counts['answered']} answered, {counts['lost']} lost (0), {taken:.1f} s (<= 20)")


def ask_until_closed(port: int, body: bytes, counts: dict[str, int]) -> None:
    """Post on one connection until an answer says that it was the last one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while True:
        try:
            connection.request("POST", "/predict", body)
            answer = connection.getresponse()
            answer.read()
        except OSError:
            counts["lost"] += 1
            return
        counts["answered"] += answer.status == 200
        if answer.will_close:
            return


def version(port: int) -> str:
    """The model that answers."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5) as response:
        return str(json.load(response)["version"])


def memory(project: Path) -> None:
    """Peak memory of `poe predict` for a tenth of a million rows and for a million: it must not grow with them."""
    measure = "import resource, runpy, sys\nsys.argv[0] = 'predict'\n"
    measure += "runpy.run_module('mlops_kit.serving.predict', run_name='__main__')\n"
    measure += "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    rows = project.parent / "rows.csv"
    subprocess.run(
        ["uv", "run", "poe", "sample", "--rows", "100000", "--output", str(rows)],
        cwd=project,
        check=True,
        env=environment(),
        capture_output=True,
    )
    for times in (1, 10):
        many = project.parent / "many.csv"
        head, *lines = rows.read_text(encoding="utf-8").splitlines(keepends=True)
        with many.open("w", encoding="utf-8") as file:
            file.write(head)
            for _ in range(times):
                file.writelines(lines)
        start = time.perf_counter()
        command = [str(project / ".venv/bin/python"), "-c", measure, str(many), "--output", str(many) + ".answers"]
        done = subprocess.run(command, cwd=project, env=environment(), check=True, capture_output=True, text=True)
        taken = time.perf_counter() - start
        print(
            f"poe predict, {len(lines) * times:8} rows: {done.stdout.split()[-1]} MB at most, {taken:.0f} s", flush=True
        )


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="mlops-bench-") as work:
        project = Path(work) / "churn"
        command = [
            sys.executable,
            "-m",
            "mlops_scaffold",
            "new",
            str(project),
            "-l",
            "--run",
            "--template",
            str(HERE.parent),
        ]
        subprocess.run(command, check=True, capture_output=True)
        speeds(project)
        limits(project)
        stop(project)
        swap(project)
        memory(project)


if __name__ == "__main__":
    main()
