"""``foretold info``."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import Annotated

import typer

import foretold

from . import options
from .console import Console, printable
from .exits import Exit
from .jobs import SUFFIX, Job, plan, run
from .quantities import human_bytes
from .streams import is_terminal, open_source, seekable

__all__ = ["info"]


def info(
    files: options.Files = None,
    recursive: options.Recursive = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object per file.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List the blocks too.")] = False,
) -> None:
    """Say what each archive holds, without decoding it."""
    console = Console()
    jobs = plan(
        files or [],
        name=None,
        recursive=recursive,
        wanted=lambda path: path.name.endswith(SUFFIX),
    )
    if any(job.source is None for job in jobs) and is_terminal(sys.stdin):
        raise typer.BadParameter("name a FILE, or give an archive on standard input")

    def work(job: Job) -> Exit | None:
        with open_source(job.source) as source:
            archive = foretold.info(seekable(source))
        if as_json:
            print(json.dumps({"file": job.name, **dataclasses.asdict(archive)}), flush=True)
        else:
            print(_described(job.name, archive, blocks=verbose), flush=True)
        return None

    run(jobs, work, console)


def _described(name: str, archive: foretold.ArchiveInfo, *, blocks: bool) -> str:
    """Several lines for people."""
    lines = [f"{printable(name)}:"]

    def say(what: str, value: str) -> None:
        lines.append(f"  {what:<18}{value}")

    say("archive", f"{archive.archive_bytes:,} bytes")
    say("content", f"{archive.content_bytes:,} bytes")
    if archive.content_bytes:
        share = archive.archive_bytes / archive.content_bytes
        say("ratio", f"{100 * share:.2f} %, {8 * share:.3f} bits per byte")
    say("memory to decode", f"{human_bytes(archive.memory_bytes)}, one thread")
    for number, member in enumerate(archive.members):
        if len(archive.members) > 1:
            say(f"member {number}", f"at byte {member.offset:,}, {member.archive_bytes:,} bytes")
            say("  content", f"{member.content_bytes:,} bytes from {member.content_offset:,} on")
        say("preset", f"{member.preset}, size class {member.size_class}, generation {member.generation}")
        if member.prior is not None:
            shipped = (foretold.Prior.english(frozen=frozen) for frozen in (False, True))
            names = (prior.name for prior in shipped if prior.digest.startswith(member.prior))
            known = next((f"{name}, in the package" for name in names), "to be given")
            say("needs prior", f"{member.prior[:8]} ({known})")
        else:
            say("needs prior", "none")
        if member.network_bytes:
            say("fitted network", f"{member.network_bytes:,} bytes, in the archive")
        if member.compact:
            say("form", "compact")
        block = "" if member.block_bytes is None else f" of {human_bytes(member.block_bytes)} content"
        say("blocks", f"{len(member.blocks)}{block}{', seek index' if member.seek_index else ''}")
        say(
            "checks",
            f"yes, digest {member.digest}" if member.digest else "yes" if member.checksum else "none",
        )
        if blocks:
            for index, row in enumerate(member.blocks):
                say(
                    f"  block {index}",
                    f"content {row.content_offset:,} + {row.content_bytes:,}, "
                    f"archive {row.offset:,} + {row.archive_bytes:,}",
                )
    return "\n".join(lines)
