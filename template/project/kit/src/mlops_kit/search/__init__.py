"""Hyper-parameter search: which values of params.yaml's `model` section are best, on the training part alone.

The same seed gives the same trials, the same winner and the same metrics, with any number of workers, in processes of
this machine or on a Ray cluster: trials are chosen a batch at a time, and what a batch is chosen by is finished before.
"""

from mlops_kit.ground import KitError


class SearchError(KitError):
    """A search that cannot begin or go on: one sentence, and what to do next."""
