"""What search.yaml says: the ranges of the parameters, and how the search goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from mlops_kit.ground import project
from mlops_kit.search import SearchError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

KEYS = ({"choices"}, {"from", "to"}, {"from", "to", "log"}, {"from", "to", "step"})


@dataclass(frozen=True)
class Settings:
    """search.yaml. `space` holds each parameter's range, `fixed` the parameters that stay as params.yaml has them."""

    seed: int
    batch: int
    folds: int
    metric: str
    space: dict[str, BaseDistribution]
    fixed: dict[str, Any]
    start: dict[str, Any]  # what params.yaml has now of the parameters in `space`


def read_settings(params: dict[str, Any]) -> Settings:
    """Read search.yaml beside params.yaml. Raises SearchError for what it cannot mean."""
    import yaml

    try:
        raw = yaml.safe_load((project().root / "search.yaml").read_text(encoding="utf-8"))
        seed, batch, folds = (int(raw[name]) for name in ("seed", "batch", "folds"))
        space = {name: distribution(name, row) for name, row in raw["model"].items()}
    except FileNotFoundError:
        raise SearchError("search.yaml is missing: it says where to look. Get it back with git.") from None
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise SearchError(f"search.yaml cannot be understood: {' '.join(str(error).split())}.") from None
    model = params["model"]
    unknown = sorted(set(space) - set(model))
    if unknown:
        raise SearchError(f"search.yaml: {unknown[0]!r} is not in params.yaml's section model.")
    if batch < 1 or folds < 2:
        raise SearchError("search.yaml: batch is 1 or more, folds 2 or more.")
    fixed = {name: value for name, value in model.items() if name not in space}
    start = {name: model[name] for name in space}
    return Settings(seed, batch, folds, params["evaluate"]["primary"], space, fixed, start)


def distribution(name: str, row: dict[str, Any]) -> BaseDistribution:
    """One parameter's range as Optuna knows it: whole numbers where both ends are."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if set(row) not in KEYS:
        raise SearchError(f"search.yaml: {name} needs from and to (and log: true, or step), or choices.")
    if "choices" in row:
        return CategoricalDistribution(row["choices"])
    low, high, log = row["from"], row["to"], bool(row.get("log"))
    if isinstance(low, int) and isinstance(high, int):
        return IntDistribution(low, high, log=log, step=row.get("step", 1))
    return FloatDistribution(float(low), float(high), log=log, step=row.get("step"))


def write_winner(values: dict[str, Any]) -> bool:
    """Put the values into params.yaml's section `model`: these change, and no other byte. Whether anything did."""
    import yaml

    path = project().root / "params.yaml"
    old = text = path.read_text(encoding="utf-8")
    sections = {key.value: node for key, node in cast("yaml.MappingNode", yaml.compose(text)).value}
    nodes = {key.value: node for key, node in sections["model"].value}
    # From the end, so that the places before stay where they are.
    for name in sorted(values, key=lambda name: -nodes[name].start_mark.index):
        if yaml.safe_load(text)["model"][name] != values[name]:
            written = yaml.safe_dump([values[name]], default_flow_style=True, width=1000).strip()[1:-1]
            text = text[: nodes[name].start_mark.index] + written + text[nodes[name].end_mark.index :]
    if text == old:
        return False
    fresh = path.with_suffix(".yaml.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
    return True
