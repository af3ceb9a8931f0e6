"""Bring in a new version of the data: compared with the contract, versioned, committed.

    uv run poe data FILE

Safe to run again.
"""

import re
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from mlops_kit.contract import Contract, ContractError, check_file, load, words_for_missing
from mlops_kit.ground import KitError, project, reporting, run, say
from mlops_kit.ground.compiling import FIRST_MODEL, compiling
from mlops_kit.workspace.setup import RAW


def bring_in(
    file: Path, target: str | None, problem: str | None, in_git: bool, commit: bool, inferred: Path | None = None
) -> None:
    """Make `file` the project's data: check it against the contract (or infer one), version it, commit.

    `inferred` is a contract that was inferred of the file before there was a project, which is then set up.
    """
    if not file.is_file():
        raise KitError(f"{file} is not a file. Name a CSV or Parquet file.")
    if inferred is not None:
        with compiling(*FIRST_MODEL):
            use(load(inferred), file, in_git)
        return
    from mlops_kit.contract.infer import infer  # loads pandas, which `poe setup` does without

    old = load()
    first = target is not None or bool(old.source.example)
    words = None if first else words_for_missing(old.source, old.target_column)
    with reporting("data"):
        new, findings = infer(file, target or old.target, problem or old.problem, missing=words)
    for finding in findings:
        say(finding.level, finding.text)
    if not first:
        differences, old, rows = compare_file(old, new, file)
        for difference in differences:
            say("differs", difference)
        if differences:
            raise KitError("The file does not fit the contract. Edit contract.yaml, or infer it again with --target.")
        if rows < old.rows:
            say("rows", f"{rows}, and {old.rows} before: the file takes the place of all data, old rows included")
    use(new if first else replace(old, rows=rows), file, in_git, edited=not first)
    if commit:
        commit_data(file.name, (str(RAW),) if in_git else ("data/raw.dvc", "data/.gitignore"))


def use(contract: Contract, file: Path, in_git: bool, edited: bool = False) -> None:
    """Make `file` the raw data, and write its contract: of one that may be `edited`, the lines that differ alone."""
    contract = contract.with_path((RAW / file.name).as_posix())
    text = with_file(contract) if edited else contract.dump()
    replace_raw(file)
    (project().root / "contract.yaml").write_text(text, encoding="utf-8")
    version_raw(in_git)


def with_file(contract: Contract) -> str:
    """contract.yaml with other lines `source` and `rows` and nothing else changed: what somebody wrote in it stays."""
    text = (project().root / "contract.yaml").read_text(encoding="utf-8")
    for key in ("source", "rows"):
        line = next(line for line in contract.dump().splitlines() if line.startswith(f"{key}: "))
        replacement = line.replace("\\", r"\\")
        text, found = re.subn(rf"^{key}: .*$", replacement, text, count=1, flags=re.MULTILINE)
        if not found:
            raise KitError(f"contract.yaml has no line `{key}: ...` to change. Write it as: {line}")
    return text


def commit_data(name: str, versioned: tuple[str, ...]) -> None:
    """Commit the contract and what stands for the data, and nothing else that may be staged."""
    paths = ("contract.yaml", *versioned)
    run("git", "add", *paths, quiet=True)
    if run("git", "diff", "--cached", "--quiet", "--", *paths, quiet=True, check=False).returncode == 0:
        say("data", f"{name} is the data already, nothing to commit")
        return
    run("git", "commit", "--quiet", "--message", f"data: {name}", "--", *paths, quiet=True)
    say("data", f"{name} is versioned and committed. Train on it: uv run poe repro")


def compare_file(old: Contract, new: Contract, file: Path) -> tuple[list[str], Contract, int]:
    """How a file differs from what the contract accepts, the contract as it reads the file, and the rows.

    A file that is written in another way (separator, encoding) is accepted; other columns, types and values are not.
    Which words mean "no value" stays as the contract says.
    """
    found, rows = old.compare(new), 0
    rewritten = replace(new.source, missing=old.source.missing)
    for contract in () if found else (old, replace(old, source=rewritten)):
        try:
            rows, found = check_file(contract, file)
        except ContractError as error:
            found = [str(error)]
        if not found:
            return [], contract, rows
    return found, old, rows


def replace_raw(file: Path) -> None:
    """Put the file, alone, into data/raw: copied whole beside it first, so that a failure leaves the old one."""
    raw = project().root / RAW
    raw.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".raw-", dir=raw.parent))
    try:
        shutil.copyfile(file, fresh / file.name)
        if raw.exists():
            shutil.rmtree(raw)
        fresh.chmod(0o755)
        fresh.rename(raw)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def version_raw(in_git: bool) -> None:
    """Version data/raw: by DVC, or in git where that was asked for."""
    if in_git:
        run("git", "add", "--force", str(RAW), quiet=True)
    else:
        run("dvc", "add", "--quiet", str(RAW), quiet=True)
