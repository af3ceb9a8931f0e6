"""The library behind a project made by mlops: contract, pipeline, registry, service, monitoring.

A project's own files import what they call from the rooms: `mlops_kit.contract`, `mlops_kit.data`,
`mlops_kit.training`, `mlops_kit.serving`. Nothing here is yours to edit: `mlops update` replaces this folder.
"""

import os

from mlops_kit import before, missing

__version__ = "0.2.0"

# An OpenMP thread that has finished its share of a fit or a prediction waits for the others. By default it spins for a
# long time, which is many times slower if other programs need the cores. If it sleeps at once, waking it up takes
# longer than the work on a small tree. So it spins for a moment, then sleeps. It counts before numpy is imported.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # GNU's, on Linux
    os.environ.setdefault("KMP_BLOCKTIME", "0")  # LLVM's, on macOS, whose shortest spin is 1 ms

before.install()
missing.install()
