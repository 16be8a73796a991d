"""The commands, gathered: all of them, or the one that is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer

from . import version_line
from .command import Command, PresetCommand
from .exits import EPILOG

__all__ = ["COMMANDS", "gather"]

COMMANDS: dict[str, type[Command] | None] = {
    "compress": PresetCommand,
    "decompress": Command,
    "test": Command,
    "info": Command,
    "resume": Command,
    "estimate": PresetCommand,
    "prior": None,
    "train": None,
    "bench": Command,
    "selftest": Command,
}
"""By its name, which is its module's, what a command is made as; of those that have commands below
them nothing. In the order in which help lists them."""


def _print_version(wanted: bool) -> None:
    if wanted:
        print(version_line())
        raise typer.Exit


def _foretold(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            "-V",
            callback=_print_version,
            is_eager=True,
            help="Print release and format generation.",
        ),
    ] = False,
) -> None:
    """Lossless compression of text by context mixing: what is well foretold needs few bits."""


def gather(only: str | None = None) -> typer.Typer:
    """The application with all commands, or with one.

    To import the others and work out their options is a fifth of a short call.

    Parameters
    ----------
    only : str, optional
        The command that is going to be run. If there is none of this name, all are gathered.
    """
    app = typer.Typer(
        name="foretold",
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        # Plain help comes quicker, and looks the same everywhere.
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog=EPILOG,
    )
    app.callback()(_foretold)
    for name in [only] if only in COMMANDS else COMMANDS:
        command = getattr(import_module(f".{name}", __package__), name)
        made_as = COMMANDS[name]
        if made_as is None:
            app.add_typer(command)
        else:
            app.command(cls=made_as)(command)
    return app
