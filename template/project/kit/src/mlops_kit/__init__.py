"""The library behind a project made by mlops: contract, pipeline, registry, service, monitoring.

A project's own files import what they call from the rooms: `mlops_kit.contract`, `mlops_kit.data`,
`mlops_kit.training`, `mlops_kit.serving`. Nothing here is yours to edit: `mlops update` replaces this folder.
"""

import os

from mlops_kit import before, missing

__version__ = "0.2.0"

# OpenMP threads that have finished their share of a fit or a prediction wait for the others: by default they spin for a
# long time, which beside other busy programs makes the whole many times slower. If they sleep at once, waking them up
# takes longer than the work of a small tree. So they spin for a moment, then sleep. It counts before numpy loads.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # GNU's, on Linux
    os.environ.setdefault("KMP_BLOCKTIME", "0")  # LLVM's, on macOS: it has no shorter moment than 1 ms

before.install()
missing.install()
