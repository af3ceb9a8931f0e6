"""The commands of the workspace: poe setup, data, repro, and the hook for large files."""

import argparse
import sys
from pathlib import Path

from mlops_kit.ground import command, say
from mlops_kit.workspace.data import bring_in
from mlops_kit.workspace.large_files import check_large_files
from mlops_kit.workspace.repro import repro
from mlops_kit.workspace.setup import install_hooks, next_steps, setup


@command
def main() -> None:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(prog="poe", description="The workspace of one person.")
    commands = parser.add_subparsers(dest="command", required=True)
    ready = commands.add_parser("setup", help="make a clone ready")
    ready.add_argument("--smoke-test", action="store_true", help="try it out, and say what to do next")
    commands.add_parser("hooks", help="install the git hooks and merge drivers")
    commands.add_parser("next", help="say what to try next")
    data = commands.add_parser("data", help="bring in a new version of the data")
    data.add_argument("file", type=Path, help="CSV or Parquet, with all rows: it replaces the data")
    data.add_argument("--target", help="the column to predict: infers the contract anew")
    data.add_argument("--problem", choices=["classification", "regression"])
    data.add_argument("--contract", type=Path, help="what was inferred of the file: with it, it is not looked at again")
    data.add_argument("--in-git", action="store_true", help="keep the file in git, not in DVC")
    data.add_argument("--no-commit", action="store_true", help="leave the commit to you")
    commands.add_parser("repro", help="run the pipeline; options go to dvc repro").add_argument("options", nargs="*")
    large = commands.add_parser("large-files", help="refuse large files (a git hook)")
    large.add_argument("files", nargs="*")
    options, more = parser.parse_known_args()
    if more and options.command != "repro":
        parser.error(f"unknown: {' '.join(more)}")
    if options.command == "setup":
        setup(options.smoke_test)
    elif options.command == "hooks":
        say("hooks", install_hooks())
    elif options.command == "next":
        print(next_steps())
    elif options.command == "repro":
        sys.exit(repro([*more, *options.options]))
    elif options.command == "data":
        file, commit = options.file.resolve(), not options.no_commit
        bring_in(file, options.target, options.problem, options.in_git, commit, options.contract)
    else:
        check_large_files(options.files)


if __name__ == "__main__":
    main()
