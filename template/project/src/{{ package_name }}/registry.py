"""The model's life: gate, register (challenger), promote (champion), rollback, retire, status.

Versions are in MLflow's registry; aliases say which one is challenger and champion, tags say the rest.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from . import ROOT, params
from . import tracking as t
from .contract import load
from .evaluate import latency_ms, score

if TYPE_CHECKING:
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
        return f"already registered as version {version.version}"
    number = log_version(client, report, model_md5)
    client.set_registered_model_alias(t.NAME, "challenger", number)
    return f"registered as version {number}, the challenger"


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
            f"Not registered: {primary} is {gain:+.4f} against the baseline, the gate asks for {need:+}."
        )
    contract = load()
    took = latency_ms(t.load_model(ROOT / "model"), contract.coerce(contract.sample(50)))
    if took > gates["latency_ms"]:
        raise RegistryError(f"Not registered: one row takes {took:.0f} ms, the gate allows {gates['latency_ms']} ms.")


def log_version(client: MlflowClient, report: dict[str, Any], model_md5: str) -> str:
    """Log the folder as it is, never training again, and make a version of it. Gives back its number."""
    from mlflow.exceptions import MlflowException

    run: str | None = (ROOT / "model/run_id").read_text(encoding="utf-8").strip()
    try:
        client.get_run(run)
    except MlflowException:  # trained on another machine
        run = client.create_run(t.experiment_id(), run_name="register").info.run_id
        t.log_metrics(run, report["metrics"])
        client.set_terminated(run)
    tags = dict(
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
    version = client.create_model_version(
        t.NAME, source=f"models:/{logged.model_id}", run_id=run, tags=tags, model_id=logged.model_id
    )
    return str(version.version)


# --- promote, rollback, retire ---------------------------------------------------------------------------------------


def promote() -> str:
    """Make the challenger champion if it is not worse than the champion on the same data."""
    client = t.client()
    challenger = by_alias(client, "challenger")
    if challenger is None:
        if by_alias(client, "champion") is not None:
            return "there is no challenger: nothing to do"
        raise RegistryError("There is no challenger. Run: uv run poe register")
    incumbent = t.read_champion()
    if incumbent is not None and incumbent.model == challenger.tags["model_md5"]:
        verdict = "it is the champion already"
    else:
        verdict = compare(challenger, incumbent)
    before = by_alias(client, "champion")
    if before is not None and before.version != challenger.version:
        client.set_model_version_tag(t.NAME, challenger.version, "previous_champion", before.version)
    client.set_registered_model_alias(t.NAME, "champion", challenger.version)
    client.delete_registered_model_alias(t.NAME, "challenger")
    t.write_champion(as_champion(challenger))
    return f"version {challenger.version} is champion: {verdict}"


def compare(challenger: ModelVersion, incumbent: t.Champion | None) -> str:
    """The primary metric of both on the test part of today. Raises RegistryError where the challenger is worse."""
    import pandas as pd

    primary = params()["evaluate"]["primary"]
    if incumbent is None:
        return "the first one, better than the baseline"
    contract = load()
    test = pd.read_parquet(ROOT / "data/prepared/test.parquet")
    if trained_md5() != challenger.tags["model_md5"]:
        raise RegistryError("The challenger is not the model in model/. Register that first: uv run poe register")
    try:
        champion = t.load_model(t.champion_folder())
    except t.ChampionError as error:
        raise RegistryError(f"Not promoted, since there is nothing to compare with. {error}") from None
    new = score(t.load_model(ROOT / "model"), contract, test, [primary])[primary]
    old = score(champion, contract, test, [primary])[primary]
    verdict = f"{primary} {new:.4f}, the champion's {old:.4f}"
    if new < old:
        raise RegistryError(f"Not promoted: {verdict} (version {incumbent.version}) on the same data.")
    return verdict


def rollback() -> str:
    """Make the champion before champion again."""
    client = t.client()
    current = by_alias(client, "champion")
    if current is None or "previous_champion" not in current.tags:
        raise RegistryError("There is no champion before this one.")
    previous = client.get_model_version(t.NAME, current.tags["previous_champion"])
    if previous.tags.get("retired"):
        raise RegistryError(f"Version {previous.version} is retired: {previous.tags['retired']}")
    client.set_registered_model_alias(t.NAME, "champion", previous.version)
    t.write_champion(as_champion(previous))
    return f"version {previous.version} is champion again, instead of {current.version}"


def retire(number: str, reason: str) -> str:
    """Mark a version as retired, for a reason; it loses its aliases and cannot come back."""
    from mlflow.exceptions import MlflowException

    client = t.client()
    try:
        version = client.get_model_version(t.NAME, number)
    except MlflowException:
        raise RegistryError(f"There is no version {number}. See: uv run poe status") from None
    if "champion" in version.aliases:
        raise RegistryError(f"Version {number} is the champion. Promote another one or roll back first.")
    for alias in version.aliases:
        client.delete_registered_model_alias(t.NAME, alias)
    client.set_model_version_tag(t.NAME, number, "retired", reason)
    return f"version {number} is retired: {reason}"


def status() -> str:
    """All versions, the newest first."""
    primary = params()["evaluate"]["primary"]
    versions = t.client().search_model_versions(f"name='{t.NAME}'")
    lines = [f"{'version':8} {'is':12} {primary:>22}  data      commit"]
    for version in sorted(versions, key=lambda version: -int(version.version)):
        aliases = t.client().get_model_version(t.NAME, version.version).aliases
        tags = version.tags
        life = "retired" if tags.get("retired") else ", ".join(aliases) or "candidate"
        value = json.loads(tags["metrics"])[primary]
        lines.append(f"{version.version:8} {life:12} {value:22.4f}  {tags['data_md5'][:8]:8}  {tags['git_commit'][:8]}")
    return "\n".join(lines) if versions else "no version is registered"


def find(client: MlflowClient, model_md5: str) -> ModelVersion | None:
    """The version of a model with this hash."""
    found = client.search_model_versions(f"name='{t.NAME}' and tags.model_md5='{model_md5}'")
    return client.get_model_version(t.NAME, found[0].version) if found else None


def by_alias(client: MlflowClient, alias: str) -> ModelVersion | None:
    """The version that has the alias."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(t.NAME, alias)
    except MlflowException:
        return None


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
    registering = commands.add_parser("register", help="register model/ as challenger")
    registering.add_argument("--promote", action="store_true", help="and promote it")
    commands.add_parser("gate", help="check the trained model against the gates")
    commands.add_parser("promote", help="make the challenger champion")
    commands.add_parser("rollback", help="back to the champion before")
    retiring = commands.add_parser("retire", help="retire a version")
    retiring.add_argument("version")
    retiring.add_argument("--reason", required=True)
    commands.add_parser("status", help="list the versions")
    options = parser.parse_args()
    try:
        if options.command == "retire":
            print(retire(options.version, options.reason))
        else:
            print(
                dict(gate=gate, register=register, promote=promote, rollback=rollback, status=status)[options.command]()
            )
        if options.command == "register" and options.promote:
            print(promote())
    except (RegistryError, t.ChampionError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
