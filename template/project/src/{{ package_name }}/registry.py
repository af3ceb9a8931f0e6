"""The model's life: candidate, challenger, champion, retired; and the moves between them.

Versions are in MLflow's registry; aliases say which one is challenger and champion, tags say the rest. Each move is
recorded on the version that it moved: who, when, why, and on which commit.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from . import ROOT, params
from . import tracking as t
from .contract import Contract, load, parquet_batches, row_hashes
from .data import TEST
from .evaluate import latency_ms, score, score_slices

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion


class RegistryError(Exception):
    """A move that is refused: one sentence."""


def gate() -> str:
    """Check the trained model against the gates. On generated rows there is nothing to be measured, and it says so."""
    if not (ROOT / load().source.path).exists():
        return "the data is not here: the gates are not checked on generated rows"
    check_gates(read_report())
    return "the model passes the gates"


# --- the record ------------------------------------------------------------------------------------------------------

MOVED = "moved."  # tags with this prefix are moves, by their time
A_SLICE_MAY_FALL_BY = 0.02  # where params.yaml says nothing
COMMIT_IT = ". Commit what was run before it is promoted: git commit --all"


@dataclass(frozen=True)
class Move:
    """One step in a version's life. `what` is register, promote, replaced, rollback or retire."""

    when: str
    version: str
    what: str
    who: str
    why: str
    commit: str


def record(client: MlflowClient, version: str, what: str, why: str) -> None:
    """Write a move down, on the version that it moved."""
    now = datetime.now(UTC)
    move = Move(now.isoformat(), str(version), what, who(), why, t.git_commit())
    client.set_model_version_tag(t.NAME, version, f"{MOVED}{now:%Y%m%dT%H%M%S.%f}", json.dumps(asdict(move)))


def record_once(client: MlflowClient, version: str, what: str, why: str) -> None:
    """The same, but for a move that is its last already: then a command that had stopped is run again."""
    written = moves_of(client.get_model_version(t.NAME, version))
    if not written or written[-1].what != what:
        record(client, version, what, why)


def who() -> str:
    """Who does it: whom the CI names, else git, else the machine."""
    names = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "CIRCLE_USERNAME", "BUILD_USER_ID")
    named = next((os.environ[name] for name in names if os.environ.get(name)), "")
    if named:
        return named
    asked = subprocess.run(["git", "config", "user.name"], cwd=ROOT, capture_output=True, text=True)
    return asked.stdout.strip() or getpass.getuser()


def moves() -> list[Move]:
    """Every move of every version, the oldest first."""
    versions = t.client().search_model_versions(f"name='{t.NAME}'")
    return sorted((move for version in versions for move in moves_of(version)), key=lambda move: move.when)


def moves_of(version: ModelVersion) -> list[Move]:
    """The moves of one version, the oldest first."""
    return [Move(**json.loads(text)) for key, text in sorted(version.tags.items()) if key.startswith(MOVED)]


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two moves at once on this machine go one after the other, so that aliases and champion.yaml agree."""
    from filelock import FileLock

    with FileLock(t.home() / ".registry.lock"):
        yield


# --- register --------------------------------------------------------------------------------------------------------


def register() -> str:
    """Register model/ as challenger, if it passes the gates. The same model is registered once."""
    report, model_md5 = read_report(), trained_md5()
    check_gates(report)
    client = t.client()
    version = find(client, model_md5)
    if version is not None:
        if version.tags.get("retired"):
            raise RegistryError(f"This model is version {version.version}, which is retired: {version.tags['retired']}")
        if "champion" not in version.aliases:
            client.set_registered_model_alias(t.NAME, "challenger", version.version)
        if not moves_of(version):  # a registration that had stopped
            record(client, version.version, "register", "it passes the gates")
        life = "champion" if "champion" in version.aliases else "challenger"
        return f"already registered as version {version.version}, the {life}{run_first()}"
    number = log_version(client, report, model_md5)
    client.set_registered_model_alias(t.NAME, "challenger", number)
    record(client, number, "register", "it passes the gates")
    return f"registered as version {number}, the challenger{'' if t.is_committed('dvc.lock') else COMMIT_IT}"


def run_first() -> str:
    """What to do before there can be another model, where something was edited since the pipeline ran."""
    changed = t.changed_since_run()
    return f". Since that run, {', '.join(changed)} changed: uv run poe repro comes first" if changed else ""


def trained_md5() -> str:
    """The hash of model/, which must be what the pipeline made."""
    md5 = t.locked_md5("train", "model")
    if not md5 or not (ROOT / "model").is_dir() or t.folder_md5(ROOT / "model") != md5:
        raise RegistryError("model/ is not what the pipeline made. Run: uv run poe repro")
    return md5


def read_report() -> dict[str, Any]:
    """metrics.json, as the stage evaluate wrote it."""
    path = ROOT / "metrics.json"
    if not path.exists():
        raise RegistryError("There is no metrics.json. Run: uv run poe repro")
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return report


def check_gates(report: dict[str, Any]) -> None:
    """Raise where the model is below a gate of params.yaml."""
    gates, primary = params()["gates"], params()["evaluate"]["primary"]
    gain = report["metrics"][primary] - report["baseline"][primary]
    if not gain >= gates["better_than_baseline_by"]:
        need = gates["better_than_baseline_by"]
        raise RegistryError(
            f"Not registered: {primary} is {gain:+.4f} against the baseline, the gate asks for {need:+} "
            "(gates.better_than_baseline_by in params.yaml)."
        )
    contract = load()
    took = latency_ms(t.load_model(ROOT / "model"), contract.coerce(contract.sample(50)))
    if took > gates["latency_ms"]:
        allowed = f"{gates['latency_ms']} ms (gates.latency_ms in params.yaml)"
        raise RegistryError(f"Not registered: one row takes {took:.0f} ms, the gate allows {allowed}.")


def log_version(client: MlflowClient, report: dict[str, Any], model_md5: str) -> str:
    """Log the folder as it is, never training again, and make a version of it. Gives back its number."""
    trained = (ROOT / "model/run_id").read_text(encoding="utf-8").strip()
    run = trained
    if t.if_known(client.get_run, run) is None:  # trained on another machine
        run = client.create_run(t.experiment_id(), run_name="register").info.run_id
        t.log_metrics(run, report["metrics"])
        client.set_terminated(run)
    tags = dict(
        run=trained,
        model_md5=model_md5,
        data_md5=t.data_md5(),
        git_commit=t.git_commit(),
        prediction_sha256=report["prediction_sha256"],
        metrics=json.dumps(report["metrics"]),
    )
    logged = client.create_logged_model(t.experiment_id(), name=t.NAME, source_run_id=run, tags=tags)
    client.log_model_artifacts(logged.model_id, str(ROOT / "model"))
    client.finalize_logged_model(logged.model_id, "READY")
    if not client.search_registered_models(f"name='{t.NAME}'"):
        client.create_registered_model(t.NAME)
    with t.as_default():
        version = client.create_model_version(
            t.NAME, source=f"models:/{logged.model_id}", run_id=run, tags=tags, model_id=logged.model_id
        )
    return str(version.version)


# --- promote, rollback, retire ---------------------------------------------------------------------------------------


def promote(why: str = "") -> str:
    """Make the challenger champion if it is not worse than the champion on the same data, overall and on each slice.

    Its alias is taken from it last: until then, the same command goes on where this one stopped.
    """
    client = t.client()
    challenger, before = by_alias(client, "challenger"), by_alias(client, "champion")
    if challenger is None:
        if before is not None:
            told = f"there is no challenger{run_first() or ': nothing to do'}"
            return f"{told}. A new model becomes one by: uv run poe register"
        raise RegistryError("There is no challenger. Run: uv run poe register")
    incumbent = t.read_champion()
    again = before is not None and before.version == challenger.version
    if again:
        verdict = "it is the champion already, and its promotion is finished now"
    elif incumbent is not None and incumbent.model == challenger.tags["model_md5"]:
        verdict = "it is the champion already"
    else:
        verdict = compare(challenger, incumbent)
    now = by_alias(client, "champion")
    if (now and now.version) != (before and before.version):
        raise RegistryError("Not promoted: another champion was promoted meanwhile. Run: uv run poe promote")
    if before is not None and not again:
        client.set_model_version_tag(t.NAME, challenger.version, "previous_champion", before.version)
    client.set_registered_model_alias(t.NAME, "champion", challenger.version)
    t.write_champion(as_champion(challenger))
    replaced = challenger.tags.get("previous_champion") if again else before and before.version
    write_down = record_once if again else record
    if replaced:
        write_down(client, replaced, "replaced", f"version {challenger.version} is champion")
    write_down(client, challenger.version, "promote", "; ".join(filter(None, (why, verdict))))
    client.delete_registered_model_alias(t.NAME, "challenger")
    return f"version {challenger.version} is champion: {verdict}"


def compare(challenger: ModelVersion, incumbent: t.Champion | None) -> str:
    """Both on the test part of today, as far as the champion has not learnt it.

    Raises RegistryError where the challenger is worse, overall or on a slice.
    """
    import pandas as pd

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
    test = pd.read_parquet(ROOT / TEST)
    try:
        folder = t.champion_folder()
    except t.ChampionError as error:
        raise RegistryError(f"Not promoted, since there is nothing to compare with. {error}") from None
    champion, model = t.load_model(folder), t.load_model(ROOT / "model")
    check_same_question(folder, champion, contract, incumbent)
    rows, test = len(test), unseen(contract, test, incumbent)
    new = score(model, contract, test, [primary])[primary]
    old = score(champion, contract, test, [primary])[primary]
    verdict = f"{primary} {new:.4f}, the champion's {old:.4f}"
    where = "" if len(test) == rows else f" on the {len(test)} of {rows} rows that the champion was not trained on"
    if new < old:
        raise RegistryError(f"Not promoted: {verdict} (version {incumbent.version}){where or ' on the same data'}.")
    verdict += where
    settings = params()["evaluate"]
    theirs = dict(score_slices(champion, contract, test, settings))
    falls = fallen(dict(score_slices(model, contract, test, settings)), theirs, primary)
    if falls:
        allowed = "than gates.a_slice_may_fall_by in params.yaml allows"
        raise RegistryError(f"Not promoted: {verdict}, but it is worse where {', '.join(falls)}, by more {allowed}.")
    return verdict


def check_same_question(folder: Path, champion: Any, contract: Contract, incumbent: t.Champion) -> None:
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


def unseen(contract: Contract, test: pd.DataFrame, champion: t.Champion) -> pd.DataFrame:
    """The rows of the test part that the champion was not trained on: of the others it knows the answer.

    Newer data is split anew, so some are. All rows, where its training part is not to be had or a class would be gone.
    """
    import numpy as np
    from pyarrow.parquet import read_schema

    folder = ROOT / ".champion/prepared"
    if champion.data == t.data_md5() or not t.of_run(champion, "data/prepared", folder):
        return test
    names = [column.name for column in contract.features]
    if not set(names) <= set(read_schema(folder / "train.parquet").names):
        return test
    parts = parquet_batches(folder / "train.parquet", names)
    learnt = np.concatenate([row_hashes(contract, part.to_pandas()) for part in parts])
    kept = test[~np.isin(row_hashes(contract, test), learnt)].reset_index(drop=True)
    whole = set(contract.classes) <= set(kept[contract.target]) if contract.classes else len(kept) > 1
    return kept if whole else test


def fallen(new: dict[str, Any], old: dict[str, Any], primary: str) -> list[str]:
    """The slices on which the primary metric falls by more than params.yaml allows."""
    allowed = params()["gates"].get("a_slice_may_fall_by", A_SLICE_MAY_FALL_BY)
    pairs = ((name, new[name]["rows"], new[name][primary], old[name][primary]) for name in new if name in old)
    return [
        f"{name} ({now:.4f}, was {before:.4f}, on {rows} rows)"
        for name, rows, now, before in pairs
        if before - now > allowed
    ]


def rollback(why: str = "") -> str:
    """Make the champion before champion again.

    The alias moves last: until then, the same command goes on where this one stopped, and never one version further.
    """
    client = t.client()
    current = by_alias(client, "champion")
    if current is None or "previous_champion" not in current.tags:
        raise RegistryError("There is no champion before this one.")
    previous = client.get_model_version(t.NAME, current.tags["previous_champion"])
    if previous.tags.get("retired"):
        raise RegistryError(f"Version {previous.version} is retired: {previous.tags['retired']}")
    t.write_champion(as_champion(previous))
    record_once(client, current.version, "replaced", f"rolled back to version {previous.version}")
    record_once(client, previous.version, "rollback", why or f"instead of version {current.version}")
    client.set_registered_model_alias(t.NAME, "champion", previous.version)
    return f"version {previous.version} is champion again, instead of {current.version}"


def retire(number: str, reason: str, even_champion: bool = False) -> str:
    """Mark a version as retired, for a reason; it loses its aliases and cannot come back, and nothing serves it."""
    client = t.client()
    version = t.if_known(client.get_model_version, t.NAME, number)
    if version is None:
        raise RegistryError(f"There is no version {number}. See: uv run poe status")
    if "champion" in version.aliases and not even_champion:
        raise RegistryError(
            f"Version {number} is the champion. Promote another one or roll back first; "
            "to stop serving at once, add --even-champion."
        )
    for alias in version.aliases:
        client.delete_registered_model_alias(t.NAME, alias)
    client.set_model_version_tag(t.NAME, number, "retired", reason)
    (record_once if version.tags.get("retired") == reason else record)(client, number, "retire", reason)
    champion = t.read_champion()
    if champion is not None and champion.model == version.tags["model_md5"]:
        t.write_champion(replace(champion, retired=reason))
    return f"version {number} is retired: {reason}"


@dataclass(frozen=True)
class Registered:
    """A version as it stands: where it is in its life, and what it was made of."""

    number: int
    life: str
    metrics: dict[str, float]
    data: str
    commit: str
    registered: datetime
    retired: str = ""
    model: str = ""
    run: str = ""  # of the training: what the service calls its version


def versions() -> list[Registered]:
    """All versions, the newest first."""
    client = t.client()
    found = client.search_model_versions(f"name='{t.NAME}'")
    return [
        Registered(
            number=int(version.version),
            life=life(client.get_model_version(t.NAME, version.version)),
            metrics=json.loads(version.tags["metrics"]),
            data=version.tags["data_md5"],
            commit=version.tags["git_commit"],
            registered=datetime.fromtimestamp(version.creation_timestamp / 1000, UTC),
            retired=version.tags.get("retired", ""),
            model=version.tags["model_md5"],
            run=version.tags.get("run") or version.run_id,
        )
        for version in sorted(found, key=lambda version: -int(version.version))
    ]


def life(version: ModelVersion) -> str:
    """Where a version stands in its life."""
    if version.tags.get("retired"):
        return "retired"
    return ", ".join(sorted(version.aliases)) or "candidate"


def status() -> str:
    """All versions, the newest first, then every move, the newest first. `run` is what the service's answers name."""
    primary = params()["evaluate"]["primary"]
    every = versions()
    if not every:
        return "no version is registered"
    lines = [f"{'version':8} {'is':12} {primary:>22}  run       data      commit"]
    for one in every:
        value, hashes = one.metrics.get(primary, float("nan")), (one.run, one.data, one.commit)
        lines.append(f"{one.number!s:8} {one.life:12} {value:22.4f}  {'  '.join(f'{text[:8]:8}' for text in hashes)}")
    lines += [*disagreement(every, t.read_champion()), ""]
    history = list(reversed(moves()))
    width = max((len(move.who) for move in history), default=0)
    lines.append(f"{'when':17} {'version':8} {'move':10} {'who':{width}} why")
    for move in history:
        when = move.when[:16].replace("T", " ")
        lines.append(f"{when:17} {move.version:8} {move.what:10} {move.who:{width}} {move.why}")
    return "\n".join(lines)


def disagreement(every: list[Registered], named: t.Champion | None) -> list[str]:
    """A sentence where champion.yaml names another model than the registry, and which of the two is served."""
    champion = next((one for one in every if "champion" in one.life), None)
    named = None if named and named.retired else named
    if (named.model if named else "") == (champion.model if champion else ""):
        return []
    theirs = f"version {named.version} (model {named.model[:8]})" if named else "no model"
    ours = f"version {champion.number}" if champion else "no version"
    served = "the registry's, by MLFLOW_TRACKING_URI" if os.environ.get("MLFLOW_TRACKING_URI") else "champion.yaml's"
    told = f"champion.yaml names {theirs}, in the registry {ours} is champion. Served is {served}."
    return ["", told if t.is_committed(t.CHAMPION_FILE.name) else f"{told} See: git diff champion.yaml"]


def find(client: MlflowClient, model_md5: str) -> ModelVersion | None:
    """The version of a model with this hash."""
    found = client.search_model_versions(f"name='{t.NAME}' and tags.model_md5='{model_md5}'")
    return client.get_model_version(t.NAME, found[0].version) if found else None


def by_alias(client: MlflowClient, alias: str) -> ModelVersion | None:
    """The version that has the alias."""
    return t.if_known(client.get_model_version_by_alias, t.NAME, alias)


def as_champion(version: ModelVersion) -> t.Champion:
    """What champion.yaml says of a version."""
    tags = version.tags
    return t.Champion(
        version=int(version.version),
        model=tags["model_md5"],
        data=tags["data_md5"],
        commit=tags["git_commit"],
        prediction_sha256=tags["prediction_sha256"],
        metrics=json.loads(tags["metrics"]),
    )


def main() -> None:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(prog="poe", description="The model's life.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("gate", help="check the trained model against the gates")
    registering = commands.add_parser("register", help="register model/ as challenger")
    registering.add_argument("--promote", action="store_true", help="and promote it")
    for name, what in (("promote", "make the challenger champion"), ("rollback", "back to the champion before")):
        commands.add_parser(name, help=what).add_argument("--reason", default="", help="why, for the record")
    retiring = commands.add_parser("retire", help="retire a version")
    retiring.add_argument("version")
    retiring.add_argument("--reason", required=True)
    retiring.add_argument("--even-champion", action="store_true", help="the champion too: nothing is served then")
    commands.add_parser("status", help="list the versions and their moves")
    options = parser.parse_args()
    try:
        with t.in_a_sentence(), one_at_a_time():
            print(act(options))
    except (RegistryError, t.ChampionError) as error:
        sys.exit(str(error))


def act(options: argparse.Namespace) -> str:
    """Do what the command line says. Gives back what to tell."""
    if options.command == "retire":
        return retire(options.version, options.reason, options.even_champion)
    if options.command == "promote":
        return promote(options.reason)
    if options.command == "rollback":
        return rollback(options.reason)
    if options.command == "register":
        return "\n".join([register(), *([promote()] if options.promote else [])])
    return dict(gate=gate, status=status)[options.command]()


if __name__ == "__main__":
    main()
