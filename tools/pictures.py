"""Write docs/images/ from real runs: `python tools/pictures.py [new] [update] [doctor] [drift] [mlflow]`, or all.

Terminals become SVG; pages become PNG by a headless Chromium (Debian: chromium). They are looked at, and committed.
"""

import csv
import os
import pty
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from mlops_scaffold.ground import process  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.terminal_theme import MONOKAI  # noqa: E402
from rich.text import Text  # noqa: E402

IMAGES = ROOT / "docs/images"
TABLE = ROOT / "docs/data/churn.csv"
WIDTH = 92


def environment() -> dict[str, str]:
    """A user's shell, with `mlops` and uv on PATH."""
    env = process.project_environment()
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    return {**env, "TERM": "xterm-256color", "COLUMNS": str(WIDTH), "GIT_PAGER": "cat"}


def typed(command: str, folder: Path) -> str:
    """What a terminal shows after a command: its output with colours, without the lines that were overwritten."""
    leader, follower = pty.openpty()
    running = subprocess.Popen(
        ["bash", "-c", command], cwd=folder, env=environment(), stdin=follower, stdout=follower, stderr=follower
    )
    os.close(follower)
    said = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # the terminal is closed
            break
        if not part:
            break
        said += part
    running.wait()
    os.close(leader)
    text = said.decode().replace("\r\n", "\n").replace(str(folder), "~")
    return re.sub(r"[^\n]*\r\x1b\[K", "", text)


def draw(name: str, title: str, session: list[tuple[str, str]]) -> None:
    """A session, as commands and what they said, in a picture of a terminal."""
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"), color_system="truecolor")  # noqa: SIM115, PTH123
    for command, said in session:
        console.print(Text("$ ", style="bold green") + Text(command, style="bold"), soft_wrap=False)
        console.print(Text.from_ansi(said.rstrip("\n")))
    svg = console.export_svg(title=title, theme=MONOKAI)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # nothing is fetched from elsewhere
    (IMAGES / f"{name}.svg").write_text(re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE), encoding="utf-8")


def photograph(name: str, url: str, size: str) -> None:
    """A page as a browser shows it."""
    browser = shutil.which("chromium") or sys.exit("chromium is not installed")
    switches = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars"]
    command = [browser, *switches, f"--window-size={size}", "--virtual-time-budget=20000"]
    subprocess.run([*command, f"--screenshot={IMAGES / f'{name}.png'}", url], check=True, capture_output=True)


def new(folder: Path) -> None:
    """From a table to a committed project with a champion."""
    command = "mlops new churn --dataset churn.csv --target churned --defaults --run"
    draw("new", "mlops new", [(command, typed(command, folder))])


def update(folder: Path) -> None:
    """A new version of the template, taken in."""
    from tests.docs.test_sessions import make_place

    place = make_place(folder / "update")
    session = [(command, typed(command, place.project)) for command in ("mlops check", "mlops update --defaults")]
    draw("update", "mlops update", [(command, said.replace(str(place.folder), "~")) for command, said in session])


def doctor(folder: Path) -> None:
    """Something is wrong, and what mends it."""
    shutil.rmtree(folder / "churn/.git/hooks", ignore_errors=True)
    draw("doctor", "mlops doctor", [("mlops doctor", typed("mlops doctor", folder / "churn"))])


def drift(folder: Path) -> None:
    """Newer rows that have moved: another currency, and a source that has holes."""
    rows = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines()))
    for number, row in enumerate(rows):
        if row["monthly_charge"]:
            row["monthly_charge"] = f"{float(row['monthly_charge']) * 10:.2f}"
        if number % 3 == 0:
            row["plan"] = ""
    with (folder / "newer.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows[:200])
    subprocess.run(["uv", "run", "poe", "drift", "../newer.csv"], cwd=folder / "churn", env=environment(), check=False)
    photograph("drift", (folder / "churn/report/drift.html").as_uri(), "960,640")


def mlflow(folder: Path) -> None:
    """The runs of a project; two, to have something to compare."""
    project = folder / "churn"
    params = project / "params.yaml"
    params.write_text(params.read_text(encoding="utf-8").replace("max_iter: 150", "max_iter: 60"), encoding="utf-8")
    subprocess.run(["uv", "run", "poe", "repro"], cwd=project, env=environment(), check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = shlex.split(f"uv run mlflow ui --backend-store-uri sqlite:///mlflow.db --host 127.0.0.1 --port {port}")
    server = subprocess.Popen(command, cwd=project, env=environment(), start_new_session=True)
    try:
        wait(f"http://127.0.0.1:{port}/health")
        photograph("mlflow", f"http://127.0.0.1:{port}/#/experiments/1/runs?workflowType=machine_learning", "1280,560")
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)


def wait(url: str) -> None:
    """Until a server answers, for two minutes at most."""
    for _ in range(240):
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            time.sleep(0.5)
    sys.exit(f"{url} does not answer")


PICTURES: dict[str, Callable[[Path], None]] = {f.__name__: f for f in (new, update, doctor, drift, mlflow)}


def main() -> None:
    """Draw what is named, in the order above; a project is made once, by `new`."""
    wanted = sys.argv[1:] or list(PICTURES)
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(TABLE, folder)
        if set(wanted) & {"new", "doctor", "drift", "mlflow"}:
            new(folder)
        for picture in wanted:
            if picture != "new":
                PICTURES[picture](folder)


if __name__ == "__main__":
    main()
