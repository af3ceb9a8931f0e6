"""The stage `evaluate`: yours to change. The model is measured on the test part; metrics.json and plots/ say how.

params.yaml names the metrics. For one of your own, put a scorer into SCORERS of model.py and name it there.
"""

from mlops_kit.contract import load
from mlops_kit.data import test_part, train_part
from mlops_kit.models import trained_model
from mlops_kit.training import measure, stage, write_report


@stage
def evaluate() -> None:
    """Measure the model beside the baseline, and on slices."""
    contract, model, test = load(), trained_model(), test_part()
    report = measure(model, contract, train_part(contract), test)
    write_report(report, model, contract, test)


if __name__ == "__main__":
    evaluate()
