"""``foretold selftest``."""

from __future__ import annotations

import typer

import foretold

from . import options
from .console import Console
from .exits import Exit

__all__ = ["selftest"]


def selftest(quiet: options.Quiet = False) -> None:
    """Hash a reference trajectory on every instruction set at hand: do they all agree?"""
    console = Console(quiet=quiet)
    wrong = []
    for row in foretold.selftest():
        if not quiet:
            print(f"{row.instruction_set:<10}{row.digest}  {'ok' if row.agrees else 'DIFFERS'}", flush=True)
        if not row.agrees:
            wrong.append(row.instruction_set)
    if wrong:
        console.error(f"{', '.join(wrong)}: archives made here would not decode elsewhere; please report it")
        raise typer.Exit(Exit.FAILURE)
