"""The library behind a project made by mlops: contract, pipeline, registry, service, monitoring.

A project's own files import what they call from the rooms: `mlops_kit.contract`, `mlops_kit.data`,
`mlops_kit.training`, `mlops_kit.serving`. Nothing here is yours to edit: `mlops update` replaces this folder.
"""

import os

from mlops_kit import before, missing

__version__ = "0.2.0"

# By default, OpenMP threads that have finished their share of a fit or a prediction spin until the others finish too.
# Beside other busy programs that makes the whole dozens of times slower, so they sleep. It counts before numpy loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

before.install()
missing.install()
