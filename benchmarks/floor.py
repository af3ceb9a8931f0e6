"""The floor: one process that imports the same libraries, reads the rows, trains, and logs the same model.

python benchmarks/floor.py PROJECT    in the project's environment; the database is floor.db of the working directory
"""

import sys
from pathlib import Path

import mlflow
import mlflow.sklearn
import pandas as pd
import skops.io
from mlops_kit.contract import load
from mlops_kit.ground import Project, params, using
from mlops_kit.models import requirements, signature

with using(Project.read(Path(sys.argv[1]))) as project:
    contract, parameters = load(), params()["model"]
    source = project.root / contract.source.path
    frame = pd.read_parquet(source) if source.suffix == ".parquet" else pd.read_csv(source)
    train = frame.sample(frac=1 - params()["split"]["test"], random_state=0).reset_index(drop=True)
    model = project.model.build(contract, parameters).fit(contract.coerce(train), contract.labels(train))
    mlflow.set_tracking_uri(f"sqlite:///{Path.cwd() / 'floor.db'}")
    with mlflow.start_run():
        mlflow.log_params(parameters)
        mlflow.sklearn.log_model(
            model,
            name="model",
            serialization_format="skops",
            skops_trusted_types=skops.io.get_untrusted_types(data=skops.io.dumps(model)),
            signature=signature(contract),
            pip_requirements=list(requirements()),
        )
