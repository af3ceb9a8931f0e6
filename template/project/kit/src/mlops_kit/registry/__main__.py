"""The commands of a model's life: poe gate, register, promote, rollback, retire, status."""

import argparse
from contextlib import nullcontext

from mlops_kit import models
from mlops_kit.ground import command, output_of
from mlops_kit.registry import gate, one_at_a_time, promote, register, retire, rollback, status
from mlops_kit.registry.gates import check_latency

MOVES = ("promote", "rollback", "retire")  # what may write champion.yaml


@command
def main() -> None:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(prog="poe", description="The model's life.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("gate", help="check the trained model against the gates")
    commands.add_parser("latency", help="check the latency gate alone; `register` runs this while it loads MLflow")
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
    with models.in_a_sentence(), nullcontext() if options.command == "latency" else one_at_a_time():
        print(act(options))
    if options.command in MOVES and output_of("git", "status", "--porcelain", "--", "champion.yaml"):
        print("Next, commit champion.yaml: every clone, CI and the service read the champion from it.")


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
    return dict(gate=gate, latency=check_latency, status=status)[options.command]()


if __name__ == "__main__":
    main()
