"""``foretold resume``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import foretold

from . import options
from .compress import tell_of_checkpoint
from .console import Console, printable

__all__ = ["resume"]


def resume(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="What --checkpoint named.")],
    prior: options.Priors = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Continue a run that was stopped, from its last checkpoint.

    What was read and written so far is verified first. The result is the same, byte for byte, as
    that of a run that was never stopped.
    """
    console = Console(quiet=quiet, verbose=verbose)
    priors = [options.read_prior(path) for path in prior or []]
    with console.progress(checkpoint, None, resumed=True) as progress:
        try:
            report = foretold.resume_file(checkpoint, prior=priors, progress=progress)
        except (KeyboardInterrupt, OSError):
            tell_of_checkpoint(console, checkpoint)
            raise
    console.coded(printable(checkpoint), report.content_bytes, report.archive_bytes, report.seconds)
