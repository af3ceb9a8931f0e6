"""The stage `train`: yours to change. The model of model.py is fitted to the training part and kept in model/."""

from mlops_kit.contract import load
from mlops_kit.ground import params, project
from mlops_kit.training import fit, keep, stage


@stage
def train() -> None:
    """Build, fit, keep: a model folder, and one run in MLflow."""
    contract = load()
    model = project().model.build(contract, params()["model"])
    fit(model, contract)
    keep(model, contract)


if __name__ == "__main__":
    train()
