"""``foretold test``."""

from __future__ import annotations

import sys
from typing import Any

import typer

import foretold

from . import options
from .console import Console, printable
from .decompress import content_length, content_pieces
from .exits import Exit
from .jobs import SUFFIX, Job, plan, run
from .streams import is_terminal, open_source

__all__ = ["test"]


def test(
    files: options.Files = None,
    threads: options.Threads = 1,
    recursive: options.Recursive = False,
    prior: options.Priors = None,
    max_memory: options.MaxMemory = None,
    max_output: options.MaxOutput = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Decode each archive and keep nothing: is it whole?"""
    console = Console(quiet=quiet, verbose=verbose)
    limits: dict[str, Any] = {
        "max_memory": max_memory,
        "max_output": max_output,
        "threads": options.worker_count(threads),
        "prior": [options.read_prior(path) for path in prior or []],
    }
    jobs = plan(
        files or [],
        name=None,
        recursive=recursive,
        wanted=lambda path: path.name.endswith(SUFFIX),
    )
    if any(job.source is None for job in jobs) and is_terminal(sys.stdin):
        raise typer.BadParameter("name a FILE, or give an archive on standard input")

    def work(job: Job) -> Exit | None:
        if job.source is not None and job.source.is_file():
            with console.progress(job.name, content_length(job.source)) as progress:
                content_bytes = foretold.test_file(job.source, **limits, progress=progress).content_bytes
        else:
            content_bytes = 0
            with console.progress(job.name, None) as progress, open_source(job.source) as source:
                for piece in content_pieces(source, limits):
                    content_bytes += len(piece)
                    if progress:
                        progress(content_bytes)
        console.result(f"{printable(job.name)}: whole, {content_bytes:,} bytes")
        return None

    run(jobs, work, console)
