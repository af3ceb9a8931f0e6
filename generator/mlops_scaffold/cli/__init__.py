"""The command line: one thin module a command, which parses, calls and prints."""

import atexit
import gc
import sys
from pathlib import Path
from typing import NoReturn

import typer

from mlops_scaffold.cli.add import add, remove
from mlops_scaffold.cli.adopt import adopt
from mlops_scaffold.cli.check import check, diff, explain
from mlops_scaffold.cli.components import components
from mlops_scaffold.cli.doctor import doctor
from mlops_scaffold.cli.fleet import fleet
from mlops_scaffold.cli.layer import layer
from mlops_scaffold.cli.light import LightCommand, LightGroup
from mlops_scaffold.cli.mergetool import mergetool
from mlops_scaffold.cli.new import new
from mlops_scaffold.cli.presets import presets
from mlops_scaffold.cli.setup import setup
from mlops_scaffold.cli.update import update
from mlops_scaffold.ground.errors import MlopsError, shown

# A usage error is never taken for exit code 2, which says that a person is needed: 64, EX_USAGE of sysexits.h.
typer.BadParameter.__mro__[1].exit_code = 64  # type: ignore[attr-defined]  # UsageError, which Typer does not export

app = typer.Typer(
    name="mlops",
    cls=LightGroup,
    help="Make an ML repository that works at once, and keep it current for years.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command(cls=LightCommand)(new)
app.command(cls=LightCommand)(update)
app.command(cls=LightCommand)(check)
app.command(cls=LightCommand)(diff)
app.command(cls=LightCommand)(add)
app.command(cls=LightCommand)(remove)
app.command(cls=LightCommand)(explain)
app.command(cls=LightCommand)(setup)
app.command(cls=LightCommand)(doctor)
app.add_typer(layer)
app.command(cls=LightCommand)(adopt)
app.add_typer(fleet)
app.command(cls=LightCommand)(components)
app.command(cls=LightCommand)(presets)
app.command(cls=LightCommand)(mergetool)


@app.callback()
def options(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", "-V", help="Print the version."),  # noqa: ARG001  # see __main__
) -> None:
    """Make an ML repository that works at once, and keep it current for years."""
    if context.invoked_subcommand != "update":  # which does it for each of its projects, and tells of it
        from mlops_scaffold.applying.session import recover_around
        from mlops_scaffold.ground.report import Report

        recover_around(Path(), Report())


def run() -> None:
    """Run a command. An error is one sentence and a next step, and exit code 1."""
    gc.set_threshold(50_000)  # a command is short: most of what the collector would look at lives until its end
    atexit.register(gc.freeze)  # at exit, too, Python would scan all that was loaded
    try:
        app()
    except MlopsError as error:
        fail(str(error))
    except SystemExit as ended:
        if ended.code == 130:  # Typer's silent answer to Ctrl-C
            raise KeyboardInterrupt from None
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        fail(f"{where}{error.strerror or error}.")


def fail(sentence: str) -> NoReturn:
    """End with an error, for a machine too where one reads."""
    print(f"mlops: {shown(sentence)}", file=sys.stderr)
    if "--json" in sys.argv:
        import json

        print(json.dumps({"error": sentence}))
    sys.exit(1)
