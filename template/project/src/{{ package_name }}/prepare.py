"""The stage `prepare`: yours to change. The raw data becomes a training and a test part in data/prepared/.

params.yaml says how: at random, by time or by group. Drop rows between `checked_rows` and `split`; new
columns belong in the raw file and contract.yaml, since the service needs them too. For a split of your own, give any
two frames to `write_parts`.
"""

from mlops_kit.contract import load
from mlops_kit.data import checked_rows, is_large, prepare_in_batches, split, write_parts
from mlops_kit.training import stage


@stage
def prepare() -> None:
    """Read the rows that contract.yaml describes, check them, split them."""
    contract = load()
    if is_large(contract):  # more rows than `rows_in_memory`, with `compute: ray`
        prepare_in_batches(contract)
        return
    rows = checked_rows(contract)
    train, test = split(contract, rows)
    write_parts(train, test)


if __name__ == "__main__":
    prepare()
