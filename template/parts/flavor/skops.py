def trusted_types() -> list[str]:
    """What a model file may hold besides numpy and scikit-learn's own: reviewed, and nothing else is ever loaded."""
    from .features import TRUSTED_TYPES as OF_FEATURES
    from .model import TRUSTED_TYPES as OF_MODELS

    return [*OF_FEATURES, *OF_MODELS]


def save_model(model: Any, contract: Contract, folder: Path, **described: Any) -> None:
    """Write a fitted pipeline, by skops rather than pickle; `described` is what MLflow notes of it.

    Raises ChampionError where it could not be read again.
    """
    import mlflow.sklearn
    from mlflow.exceptions import MlflowException
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        mlflow.sklearn.save_model(
            model, str(folder), serialization_format="skops", skops_trusted_types=trusted_types(), **described
        )
    except MlflowException as error:
        if isinstance(error.__context__, UntrustedTypesFoundException):
            raise untrusted(folder, error.__context__) from None
        raise


def load_model(folder: Path) -> Any:
    """The pipeline in a model folder. It is read by skops and may only hold the trusted types: nothing is unpickled.

    Raises ChampionError.
    """
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        return skops.io.load(folder / "model.skops", trusted=trusted_types())
    except FileNotFoundError:
        raise ChampionError(f"{folder} holds no model. Train one: uv run poe repro") from None
    except UntrustedTypesFoundException as error:
        raise untrusted(folder, error) from None


def untrusted(folder: Path, error: Exception) -> ChampionError:
    """What is said of a model that holds more than the trusted types; skops names them in its first line."""
    return ChampionError(
        f"{folder}: {str(error).splitlines()[0]} Read what they do, then name them in TRUSTED_TYPES of model.py; what "
        "the champion holds stays there until another one is promoted."
    )
