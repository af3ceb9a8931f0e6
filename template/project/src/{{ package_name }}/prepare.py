"""The stage `prepare`: yours to change. The raw data becomes a training and a test part in data/prepared/.

params.yaml says how: at random, by time or by group. A step of your own goes between reading and splitting: rows to
drop, a table to join. Your own split is two frames for `write_parts`.
"""

from mlops_kit.contract import load
from mlops_kit.data import checked_rows, is_large, prepare_in_batches, split, write_parts
from mlops_kit.training import stage


@stage
def prepare() -> None:
    """Read the rows that contract.yaml describes, check them, split them."""
    contract = load()
    if is_large(contract):
        prepare_in_batches(contract)
        return
    rows = checked_rows(contract)
    train, test = split(contract, rows)
    write_parts(train, test)


if __name__ == "__main__":
    prepare()
