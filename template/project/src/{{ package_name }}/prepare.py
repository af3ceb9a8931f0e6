"""The stage `prepare`: yours to change. The raw data becomes a training and a test part in data/prepared/.

params.yaml says how: at random, by time or by group. Drop rows between `checked_rows` and `split`; new
columns belong in the raw file and contract.yaml, since the service needs them too. For a split of your own, give any
two frames to `write_parts`.
"""

from mlops_kit.contract import load
{% if compute == 'ray' %}
from mlops_kit.data import checked_rows, is_large, prepare_in_batches, split, write_parts
{% else %}
from mlops_kit.data import checked_rows, split, write_parts
{% endif %}
from mlops_kit.training import stage


@stage
def prepare() -> None:
    """Read the rows that contract.yaml describes, check them, split them."""
    contract = load()
{% if compute == 'ray' %}
    if is_large(contract):  # more rows than `rows_in_memory` in params.yaml
        prepare_in_batches(contract)
        return
{% endif %}
    rows = checked_rows(contract)
    train, test = split(contract, rows)
    write_parts(train, test)


if __name__ == "__main__":
    prepare()
