"""``foretold estimate``."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

import foretold

from . import options
from .console import Console, printable
from .jobs import Job, plan, run
from .quantities import human_bytes, human_seconds, preset_number, size_bytes
from .streams import is_terminal, open_source

if TYPE_CHECKING:
    from .exits import Exit

__all__ = ["estimate", "preset_list"]


def preset_list(text: str) -> list[Any]:
    """Presets from a list such as ``1,5,9`` or ``1-9``.

    >>> preset_list("1,5-7")
    [1, 5, 6, 7]
    """
    presets: list[Any] = []
    for part in filter(None, text.replace(" ", "").split(",")):
        first, dash, last = part.partition("-")
        if dash:
            presets += range(int(preset_number(first)), int(preset_number(last)) + 1)
        else:
            presets.append(preset_number(part))
    return list(dict.fromkeys(presets))


def estimate(
    files: options.Files = None,
    preset: Annotated[
        Any,
        typer.Option(
            "--preset",
            "-p",
            metavar="N",
            help="One preset or several (1,5,9 or 1-9); also written -1 ... -9.",
            show_default="all",
        ),
    ] = "1-9",
    threads: options.Threads = 1,
    block_size: options.BlockSize = None,
    sample: Annotated[
        Any,
        typer.Option(
            "--sample",
            parser=options.parsed(size_bytes),
            metavar="SIZE",
            help="How much of each file to code, per preset.",
        ),
    ] = "256K",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object per file.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Foretell time, memory and archive size of FILE for each preset, before a long run.

    Codes samples from all over the file on this machine. The times hold for either direction; the
    sizes are rather too large, for a sample teaches a model less than the whole does.
    """
    try:
        presets = preset_list(preset)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    console = Console(quiet=quiet)
    jobs = plan(files or [], name=None)
    if any(job.source is None for job in jobs) and is_terminal(sys.stdin):
        raise typer.BadParameter("name a FILE, or give content on standard input")

    def work(job: Job) -> Exit | None:
        with open_source(job.source) as source:
            content = source if source.seekable() else io.BytesIO(source.read())
            rows = []
            with console.progress(job.name, None):
                for number in presets:
                    seen = foretold.estimate(
                        content,
                        number,
                        threads=options.worker_count(threads),
                        block_size=block_size,
                        sample_bytes=sample,
                    )
                    rows.append((number, seen))
        if as_json:
            print(json.dumps({"file": job.name, "presets": [_plain(*row) for row in rows]}), flush=True)
        else:
            print(_described(job.name, rows), flush=True)
        return None

    run(jobs, work, console)


def _plain(number: int, seen: foretold.Estimate) -> dict[str, Any]:
    return {
        "preset": number,
        "content_bytes": seen.content_bytes,
        "archive_bytes": seen.archive_bytes,
        "seconds": round(seen.seconds, 3),
        "memory_bytes": seen.memory_bytes,
        "threads": seen.threads,
    }


def _described(name: str, rows: list[tuple[int, foretold.Estimate]]) -> str:
    content_bytes = rows[0][1].content_bytes if rows else 0
    lines = [
        f"{printable(name)}: {content_bytes:,} bytes",
        f"{'preset':>6}  {'time':>12}  {'memory':>9}  {'archive about':>15}  {'of content':>10}  threads",
    ]
    for number, seen in rows:
        share = 100 * seen.archive_bytes / max(content_bytes, 1)
        lines.append(
            f"{number:>6}  {human_seconds(seen.seconds):>12}  {human_bytes(seen.memory_bytes):>9}  "
            f"{seen.archive_bytes:>15,}  {share:>8.1f} %  {seen.threads:>7}"
        )
    return "\n".join(lines)
