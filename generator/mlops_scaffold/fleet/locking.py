"""uv.lock of a project that fleet.yml trusts: resolving it may run the build backend of a package."""

import subprocess
import tempfile
from pathlib import Path

from mlops_scaffold.fleet.bench import BorrowingScratch
from mlops_scaffold.fleet.inventory import Fleet
from mlops_scaffold.ground import process
from mlops_scaffold.planning.lock_file import LOCK
from mlops_scaffold.planning.planned import Plan
from mlops_scaffold.vcs.repository import Blob

LIMIT = 600  # seconds


def resolve_lock(made: Plan, scratch: BorrowingScratch, fleet: Fleet) -> bool:
    """Put uv.lock into a plan as uv resolves it for the project as it will be. Whether it could be resolved."""
    secrets = {variable for host in fleet.hosts.values() for variable in host.secrets.values()}
    env = {key: value for key, value in process.project_environment().items() if key not in secrets}
    with tempfile.TemporaryDirectory(prefix="mlops-lock-") as name:
        folder = Path(name) / "project"
        scratch.lay_out(made.result, folder)
        try:
            done = process.run([process.uv(), "lock", "--quiet"], cwd=folder, env=env, alone=True, limit=LIMIT)
        except subprocess.TimeoutExpired:
            return False
        if done.code:
            return False
        content = (folder / LOCK).read_bytes()
    made.result[LOCK] = Blob(made.result[LOCK].mode, scratch.hash(content))
    return True
