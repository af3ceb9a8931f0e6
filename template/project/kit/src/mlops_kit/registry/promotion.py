"""Promotion: the challenger becomes the champion, if it is not worse on rows that neither has learnt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mlops_kit import models
from mlops_kit.contract import Contract, load
from mlops_kit.data import test_part
from mlops_kit.ground import params, project
from mlops_kit.models import ModelError
from mlops_kit.registry.committed import made_by
from mlops_kit.registry.comparing import compared, unseen
from mlops_kit.registry.errors import RegistryError
from mlops_kit.registry.gates import trained_md5
from mlops_kit.registry.history import record, record_once
from mlops_kit.registry.registering import run_first
from mlops_kit.registry.versions import as_champion, by_alias
from mlops_kit.training import score_slices, slices

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities.model_registry import ModelVersion

A_SLICE_MAY_FALL_BY = 0.02  # where params.yaml says nothing


def promote(why: str = "") -> str:
    """Make the challenger champion if it is not worse than the champion on the same data, overall and on each slice.

    Its alias is taken from it last: until then, the same command goes on where this one stopped.
    """
    client = models.client()
    challenger, before = by_alias(client, "challenger"), by_alias(client, "champion")
    if challenger is None:
        if before is not None:
            told = f"there is no challenger{run_first() or ': nothing to do'}"
            return f"{told}. A new model becomes one by: uv run poe register"
        raise RegistryError("There is no challenger. Run: uv run poe register")
    incumbent = models.read_champion()
    again = before is not None and before.version == challenger.version
    if again:
        verdict = "it is the champion already, and its promotion is finished now"
    elif incumbent is not None and incumbent.model == challenger.tags["model_md5"]:
        verdict = "it is the champion already"
    else:
        commit = made_by(challenger.tags["model_md5"])
        verdict = compare(challenger, incumbent)
        if commit and commit != challenger.tags["git_commit"]:  # it was registered before it was committed
            client.set_model_version_tag(project().name, challenger.version, "git_commit", commit)
            challenger = client.get_model_version(project().name, challenger.version)
    now = by_alias(client, "champion")
    if (now and now.version) != (before and before.version):
        raise RegistryError("Not promoted: another champion was promoted meanwhile. Run: uv run poe promote")
    if before is not None and not again:
        client.set_model_version_tag(project().name, challenger.version, "previous_champion", before.version)
    client.set_registered_model_alias(project().name, "champion", challenger.version)
    models.write_champion(as_champion(challenger))
    replaced = challenger.tags.get("previous_champion") if again else before and before.version
    write_down = record_once if again else record
    if replaced:
        write_down(client, replaced, "replaced", f"version {challenger.version} is champion")
    write_down(client, challenger.version, "promote", "; ".join(filter(None, (why, verdict))))
    client.delete_registered_model_alias(project().name, "challenger")
    return f"version {challenger.version} is champion: {verdict}"


def compare(challenger: ModelVersion, incumbent: models.Champion | None) -> str:
    """Both on the test part of today, as far as the champion has not learnt it.

    Raises RegistryError where the challenger is worse, overall or on a slice.
    """
    primary = params()["evaluate"]["primary"]
    if incumbent is None:
        return "the first one, better than the baseline"
    if incumbent.retired:
        return "the champion before is retired; better than the baseline"
    trained = trained_md5()
    if trained == incumbent.model:
        raise RegistryError(
            f"Not promoted: model/ holds the champion, and the challenger (version {challenger.version}) is another "
            "model. Go back to the dvc.lock that it was made by, or make a new one: uv run poe repro"
        )
    if trained != challenger.tags["model_md5"]:
        raise RegistryError("The challenger is not the model in model/. Register that first: uv run poe register")
    contract = load()
    test = test_part()
    try:
        folder = models.champion_folder()
    except ModelError as error:
        raise RegistryError(f"Not promoted, since there is nothing to compare with. {error}") from None
    champion, model = models.champion_model(folder), models.load_model(project().root / "model")
    check_same_question(folder, champion, contract, incumbent)
    test, rule = unseen(contract, test, incumbent)
    found = compared(model, champion, contract, test, primary)
    verdict = f"{primary} {found} {rule}"
    if found.worse:
        raise RegistryError(f"Not promoted: {verdict} (the champion is version {incumbent.version}).")
    falls = list(fallen(model, champion, contract, test))
    if falls:
        allowed = "than gates.a_slice_may_fall_by in params.yaml allows"
        raise RegistryError(f"Not promoted: {verdict}, but it is worse where {', '.join(falls)}, by more {allowed}.")
    return verdict


def check_same_question(folder: Path, champion: Any, contract: Contract, incumbent: models.Champion) -> None:
    """Raise RegistryError where the champion cannot be asked about the data of today."""
    described = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
    target, known = described["metadata"]["target"], {column.name for column in contract.features}
    lost = [one["name"] for one in json.loads(described["signature"]["inputs"]) if one["name"] not in known]
    why = f"needs the column {lost[0]!r}" if lost else ""
    if contract.classes and {*map(str, getattr(champion, "classes_", []))} != {*map(str, contract.classes)}:
        why = f"knows other classes of {contract.target!r}"
    if target != contract.target:
        why = f"predicts {target!r}"
    if why:
        raise RegistryError(
            f"Not promoted: the champion (version {incumbent.version}) {why}, so the two cannot be compared on "
            f"the data of today. To do without its comparison, retire it first: uv run poe retire {incumbent.version} "
            '--reason "it is for other data" --even-champion'
        )


def fallen(model: Any, champion: Any, contract: Contract, test: pd.DataFrame) -> Iterator[str]:
    """The slices on which the primary metric falls by more than params.yaml allows, and by more than chance."""
    allowed = params()["gates"].get("a_slice_may_fall_by", A_SLICE_MAY_FALL_BY)
    settings = params()["evaluate"]
    old = dict(score_slices(champion, contract, test, settings))
    new = dict(score_slices(model, contract, test, settings))
    for name, part in slices(contract, test, settings):
        if old[name][settings["primary"]] - new[name][settings["primary"]] <= allowed:
            continue
        found = compared(model, champion, contract, part, settings["primary"])
        if found.worse:
            yield f"{name} ({found.new:.4f}, was {found.old:.4f}, on {len(part)} rows)"
