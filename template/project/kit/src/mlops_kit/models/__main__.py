"""Make mlflow.db where it is missing."""

from mlops_kit.ground import command
from mlops_kit.models.runs import initialise

if __name__ == "__main__":
    command(initialise)()
