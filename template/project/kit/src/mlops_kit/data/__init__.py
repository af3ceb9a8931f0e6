"""The training and the test part: how they are made, and how they are read."""

from mlops_kit.data.batches import count_train_rows, is_large, prepare_in_batches, rows_in_memory, train_part
from mlops_kit.data.example import write_example
from mlops_kit.data.noticing import RARE
from mlops_kit.data.parts import TEST, TRAIN, checked_rows, has_data, test_part, write_parts
from mlops_kit.data.remote import default_remote, has_remote, remotes
from mlops_kit.data.rule import Rule, generated_rows
from mlops_kit.data.splitting import APART, folds_of, split

__all__ = [
    "APART",
    "RARE",
    "TEST",
    "TRAIN",
    "Rule",
    "checked_rows",
    "count_train_rows",
    "default_remote",
    "folds_of",
    "generated_rows",
    "has_data",
    "has_remote",
    "is_large",
    "prepare_in_batches",
    "remotes",
    "rows_in_memory",
    "split",
    "test_part",
    "train_part",
    "write_example",
    "write_parts",
]
