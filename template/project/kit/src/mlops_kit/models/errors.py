"""What is wrong with models and where they are kept."""

from mlops_kit.frameworks import ModelError


class ChampionError(ModelError):
    """There is no champion, or it cannot be had: one sentence."""


class ServerError(ChampionError):
    """MLflow does not answer, or not as it should: one sentence with what to do next."""


class UnseenError(ChampionError):
    """The champion cannot be seen from this clone, which lacks history: one sentence with what to do next."""


class WithdrawnError(ChampionError):
    """Nothing is to be served any more: the champion is retired, or the registry has none."""
