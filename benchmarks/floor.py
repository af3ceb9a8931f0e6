"""The floor: one process that imports the same libraries, trains, and logs the same model to a fresh database."""

import sys
from pathlib import Path

import mlflow
import mlflow.sklearn
import pandas as pd

project, package = Path(sys.argv[1]), sys.argv[2]
sys.path.insert(0, str(project / "src"))
model_module = __import__(f"{package}.model", fromlist=["build"])
tracking = __import__(f"{package}.tracking", fromlist=["trusted_types"])
contract_module = __import__(f"{package}.contract", fromlist=["load"])
train_module = __import__(f"{package}.train", fromlist=["signature"])
parameters = __import__(package).params()["model"]

contract = contract_module.load(project / "contract.yaml")
frame = pd.read_parquet(project / "data/prepared/train.parquet")
model = model_module.build(contract, parameters).fit(contract.coerce(frame), contract.labels(frame))
mlflow.set_tracking_uri(f"sqlite:///{Path.cwd() / 'floor.db'}")
with mlflow.start_run():
    mlflow.log_params(parameters)
    mlflow.sklearn.log_model(
        model,
        name="model",
        serialization_format="skops",
        skops_trusted_types=tracking.trusted_types(),
        signature=train_module.signature(contract),
        pip_requirements=list(train_module.requirements()),
    )
