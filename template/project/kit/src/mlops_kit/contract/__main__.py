"""Say whether contract.yaml can be understood (a git hook)."""

from mlops_kit.contract import load
from mlops_kit.ground import command


@command
def main() -> None:
    """Read it; a sentence where it makes no sense."""
    contract = load()
    print(f"{contract.problem} of {contract.target!r} from {len(contract.features)} columns")


if __name__ == "__main__":
    main()
