def trusted_types() -> list[str]:
    """What a model file may hold besides numpy and scikit-learn's own: reviewed, and nothing else is ever loaded."""
    from .features import TRUSTED_TYPES as OF_FEATURES
    from .model import TRUSTED_TYPES as OF_MODELS

    return [*OF_FEATURES, *OF_MODELS]


def save_model(model: Any, contract: Contract, folder: Path, **described: Any) -> None:
    """Write a fitted pipeline, by skops rather than pickle; `described` is what MLflow notes of it."""
    import mlflow.sklearn

    mlflow.sklearn.save_model(
        model, str(folder), serialization_format="skops", skops_trusted_types=trusted_types(), **described
    )


def load_model(folder: Path) -> Any:
    """The pipeline in a model folder. It is read by skops and may only hold the trusted types: nothing is unpickled."""
    import skops.io

    try:
        return skops.io.load(folder / "model.skops", trusted=trusted_types())
    except FileNotFoundError:
        raise ChampionError(f"{folder} holds no model. Train one: uv run poe repro") from None
