"""``foretold estimate``."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

import foretold

from . import options
from .console import Console, printable
from .jobs import Job, plan, run
from .quantities import human_bytes, human_seconds, preset_number, size_bytes
from .streams import is_terminal, open_source, seekable

if TYPE_CHECKING:
    from .exits import Exit

__all__ = ["carried_on", "estimate", "preset_list"]


def preset_list(text: str) -> list[Any]:
    """Presets from a list such as ``1,5,max`` or ``1-9``.

    >>> preset_list("1,5-7,max")
    [1, 5, 6, 7, 'max']
    """
    presets: list[Any] = []
    for part in filter(None, text.replace(" ", "").split(",")):
        first, dash, last = part.partition("-")
        if dash and "max" in (first, last):
            raise ValueError(f"{part!r} is no range of presets; write 1-9,max")
        if dash:
            presets += range(int(preset_number(first)), int(preset_number(last)) + 1)
        else:
            presets.append(preset_number(part))
    return list(dict.fromkeys(presets))


def estimate(
    files: options.Files = None,
    preset: Annotated[
        str,
        typer.Option(
            "--preset",
            "-p",
            metavar="N",
            help="One preset or several (1,5,max or 1-9); also written -1 ... -9, --max.",
            show_default="1-9",
        ),
    ] = "1-9",
    threads: options.Threads = 1,
    block_size: options.BlockSize = None,
    transform: options.Transform = options.TransformName.AUTO,
    no_knowledge: options.NoKnowledge = False,
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
    """Foretell time, memory and archive size of FILE for each preset chosen, before a long run.

    Codes samples from all over the file on this machine: a small one and a larger one, to see how
    fast the model learns, and carries that on to the whole. Times hold for either direction.
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
            content = seekable(source)
            rows = []
            with console.status() as say:
                for number in presets:
                    say(f"{job.name}: preset {number}")
                    wanted = {
                        "threads": options.worker_count(threads),
                        "block_size": block_size,
                        "transform": transform.value,
                        "knowledge": "none" if no_knowledge else "auto",
                    }
                    small = foretold.estimate(content, number, sample_bytes=max(sample // 4, 1), **wanted)
                    large = foretold.estimate(content, number, sample_bytes=sample, **wanted)
                    size = carried_on(small, large, sample, _block_bytes(number, block_size))
                    rows.append((number, dataclasses.replace(large, archive_bytes=size)))
        if as_json:
            print(json.dumps({"file": job.name, "presets": [_plain(*row) for row in rows]}), flush=True)
        else:
            print(_described(job.name, rows), flush=True)
        return None

    run(jobs, work, console)


# How much of the gain of one doubling the next one brings.
_LEARNING_FADES = 0.82


def carried_on(
    small: foretold.Estimate, large: foretold.Estimate, sample_bytes: int, block_bytes: int | None
) -> int:
    """The archive's size, from those that a quarter of the sample and the whole of it suggest.

    Bits per byte fall by some share with each doubling of what a model has seen, by a smaller one
    each time. The share is measured between the two samples, and spent on the doublings from the
    sample to a block, where the model starts afresh.
    """
    seen = min(large.content_bytes, block_bytes or large.content_bytes)
    if seen <= sample_bytes or not small.archive_bytes or not large.archive_bytes:
        return large.archive_bytes
    doublings = math.log2(seen / sample_bytes)
    # Two doublings lie between the samples; the middle of them is one and a half before the next.
    gain = max(math.log(small.archive_bytes / large.archive_bytes) / 2, 0.0) * _LEARNING_FADES**1.5
    fading = (1 - _LEARNING_FADES**doublings) / (1 - _LEARNING_FADES)
    return round(large.archive_bytes * math.exp(-gain * fading))


def _block_bytes(preset: Any, block_size: int | None) -> int | None:
    return block_size or next(row.block_bytes for row in foretold.PRESETS if row.number == preset)


def _plain(number: foretold.Preset, seen: foretold.Estimate) -> dict[str, Any]:
    return {
        "preset": number,
        "content_bytes": seen.content_bytes,
        "archive_bytes": seen.archive_bytes,
        "seconds": round(seen.seconds, 3),
        "memory_bytes": seen.memory_bytes,
        "threads": seen.threads,
    }


def _described(name: str, rows: list[tuple[foretold.Preset, foretold.Estimate]]) -> str:
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
