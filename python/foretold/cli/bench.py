"""``foretold bench``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import foretold

from . import options
from .console import Console, printable
from .estimate import preset_list
from .exits import Exit
from .quantities import duration_seconds

__all__ = ["bench"]


def bench(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Files to measure with.")],
    preset: Annotated[
        str, typer.Option("--presets", "-p", metavar="LIST", help="Our presets: 1,5,max or 1-9 or none.")
    ] = "1,5,9",
    peers: Annotated[
        str,
        typer.Option(
            "--peers", metavar="LIST", help="Peers by name (xz,zpaq,...), all that are installed, or none."
        ),
    ] = "all",
    repeat: Annotated[
        int, typer.Option("--repeat", min=1, help="Runs of each; engines alternate, medians count.")
    ] = 1,
    threads: options.Threads = 1,
    save: Annotated[
        list[Path] | None,
        typer.Option(
            "--save",
            "-s",
            help="Save the table as .csv or .json; may be given twice.",
            show_default="foretold-bench-<time>.json",
        ),
    ] = None,
    no_save: Annotated[bool, typer.Option("--no-save", help="Only print the table.")] = False,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw ratio over speed into this .png, .svg or .pdf.")
    ] = None,
    no_knowledge: options.NoKnowledge = False,
    timeout: Annotated[
        Any,
        typer.Option(
            "--timeout",
            parser=options.parsed(duration_seconds),
            metavar="TIME",
            help="Give up on an engine after so much time in one direction.",
            show_default="never",
        ),
    ] = None,
    cpu_time: Annotated[
        bool,
        typer.Option(
            "--cpu-time", help="Count speeds by processor time, which a busy machine disturbs less."
        ),
    ] = False,
    list_only: Annotated[bool, typer.Option("--list", help="Only say which engines there are.")] = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Compare sizes, speeds and memory on FILE with every peer that is installed.

    Each engine runs in a process of its own, with the file in memory where it is a module. What it
    compressed is decompressed and compared, outside the timed part. Speeds are in 10^6 bytes of
    content a second; memory is the process's peak, interpreter and buffers included. Where a file
    is English, ours start from what comes with the package, unless --no-knowledge is given.
    """
    # Only here, for they take a while to load and no other command needs them.
    import datetime

    from . import engines, measuring

    console = Console(quiet=quiet, verbose=verbose)
    workers = options.worker_count(threads)
    try:
        numbers = [] if preset == "none" else preset_list(preset)
        knowledge = "none" if no_knowledge else "auto"
        chosen = engines.presets(numbers, workers, knowledge) + engines.installed(peers)
        absent = engines.missing(peers)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    for number in numbers:
        # Refused before anything is measured.
        foretold.Compressor(number)
    if list_only:
        for engine in [*chosen, *absent]:
            print(f"{engine.name:<16}{'' if engine in chosen else 'not installed: '}{engine.described}")
        return
    if plot is not None:
        from .plot import require_matplotlib

        require_matplotlib()
    for path in save or []:
        if path.suffix not in (".csv", ".json"):
            raise typer.BadParameter(f"{path} ends in neither .csv nor .json")
    if absent and console.says_results:
        modules = any(isinstance(engine, engines.Module) for engine in absent)
        hint = " (pip install 'foretold[peers]')" if modules else ""
        console.result(f"not installed: {', '.join(engine.name for engine in absent)}{hint}")

    if numbers and not no_knowledge and console.says_results:
        english = foretold.Prior.english()
        console.result(
            f"foretold starts English from a prior of {english.file_bytes:,} bytes in the package"
            " (--no-knowledge: from nothing)"
        )

    rows: list[measuring.Measurement] = []
    failed = False
    for file in files:
        try:
            with console.status() as say:
                found = measuring.measure(
                    file,
                    chosen,
                    repeat=repeat,
                    threads=workers,
                    timeout=timeout,
                    clock="cpu" if cpu_time else "wall",
                    say=say,
                )
        except OSError as error:
            console.error(error, file)
            failed = True
            continue
        rows += found
        print(measuring.table(found), flush=True)
        for row in found:
            if row.error:
                console.error(row.error, f"{row.engine} on {row.file}")
                failed = True
    if rows and not no_save:
        for path in save or [Path(f"foretold-bench-{datetime.datetime.now():%Y%m%d-%H%M%S}.json")]:
            measuring.save(path, rows, workers, repeat)
            console.result(f"saved to {printable(path)}")
    if rows and plot is not None:
        from .plot import draw

        draw([row.row() for row in rows], plot)
        console.result(f"drawn to {printable(plot)}")
    if failed:
        raise typer.Exit(Exit.FAILURE)
