"""The data contract: what contract.yaml says, and what follows from it.

Reading, checking, comparing and generating data all go by the contract, so nothing else knows the columns' names.
A frame that comes out of `read` or `coerce` has three kinds of columns: float64 (numeric, boolean),
datetime64 (date) and str (categorical, text); missing values are NaN, NaT and None.
"""

from mlops_kit.contract.checks import check, check_file, compare, require, too_many_missing, typed_batches
from mlops_kit.contract.coercion import coerce, convert, row_hashes
from mlops_kit.contract.contract import Column, Contract, Source, load
from mlops_kit.contract.errors import ContractError
from mlops_kit.contract.files import parquet_batches, read_batches, read_table, reading
from mlops_kit.contract.missing import MISSING, numbers_for_missing, word_reader, words_for_missing
from mlops_kit.contract.numbers import to_numbers
from mlops_kit.contract.sampling import sample

__all__ = [
    "MISSING",
    "Column",
    "Contract",
    "ContractError",
    "Source",
    "check",
    "check_file",
    "coerce",
    "compare",
    "convert",
    "load",
    "numbers_for_missing",
    "parquet_batches",
    "read_batches",
    "read_table",
    "reading",
    "require",
    "row_hashes",
    "sample",
    "to_numbers",
    "too_many_missing",
    "typed_batches",
    "word_reader",
    "words_for_missing",
]
