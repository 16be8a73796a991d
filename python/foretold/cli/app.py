"""The commands, gathered."""

from __future__ import annotations

from typing import Annotated

import typer

from . import version_line
from .bench import bench
from .command import Command, PresetCommand
from .compress import compress
from .decompress import decompress
from .estimate import estimate
from .exits import EPILOG
from .info import info
from .prior import prior
from .resume import resume
from .selftest import selftest
from .test import test
from .train import train

__all__ = ["app"]

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


def _print_version(wanted: bool) -> None:
    if wanted:
        print(version_line())
        raise typer.Exit


@app.callback()
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


app.command(cls=PresetCommand)(compress)
app.command(cls=Command)(decompress)
app.command(cls=Command)(test)
app.command(cls=Command)(info)
app.command(cls=Command)(resume)
app.command(cls=PresetCommand)(estimate)
app.add_typer(prior)
app.add_typer(train)
app.command(cls=Command)(bench)
app.command(cls=Command)(selftest)
