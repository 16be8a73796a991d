"""``foretold decompress``."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import typer

import foretold

from . import options
from .compress import check_checkpoint, remove_source, tell_of_checkpoint
from .console import Console
from .exits import Exit
from .jobs import SUFFIX, Job, content_name, plan, run
from .quantities import human_bytes
from .streams import PIECE_BYTES, is_terminal, open_sink, open_source

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["content_length", "content_pieces", "decompress"]


def decompress(
    files: options.Files = None,
    threads: options.Threads = 1,
    output: options.Output = None,
    stdout: options.Stdout = False,
    force: options.Force = False,
    recursive: options.Recursive = False,
    content_range: options.Range = None,
    recover: options.Recover = False,
    remove: options.RemoveSource = False,
    prior: options.Priors = None,
    max_memory: options.MaxMemory = None,
    max_output: options.MaxOutput = None,
    checkpoint: options.Checkpoint = None,
    checkpoint_every: options.CheckpointEvery = "10m",
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Decompress each FILE.ftd into FILE.

    The file has the archive's mode and time; the archive stays. Output is checked as it is
    decoded, and appears under its name only when it is complete. Standard input becomes standard
    output.
    """
    console = Console(quiet=quiet, verbose=verbose)
    limits = {
        "max_memory": max_memory,
        "max_output": max_output,
        "threads": options.worker_count(threads),
        "prior": [options.read_prior(path) for path in prior or []],
    }
    jobs = plan(
        files or [],
        name=content_name,
        output=output,
        stdout=stdout,
        recursive=recursive,
        wanted=lambda path: path.name.endswith(SUFFIX),
    )
    if any(job.source is None for job in jobs) and is_terminal(sys.stdin):
        raise typer.BadParameter("name a FILE, or give an archive on standard input")
    to_stdout = any(job.target is None and job.problem is None for job in jobs)
    if remove and (to_stdout or recover or content_range is not None):
        raise typer.BadParameter("--rm needs whole outputs that are files, without --recover and --range")
    if recover and content_range is not None:
        raise typer.BadParameter("--recover and --range exclude each other")
    if checkpoint is not None:
        if recover or content_range is not None:
            raise typer.BadParameter("--checkpoint works without --recover and --range")
        check_checkpoint(checkpoint, jobs)

    def work(job: Job) -> Exit | None:
        if recover:
            return _recover(job, limits, console, overwrite=force)
        if not job.regular:
            _decompress_stream(job, limits, console, overwrite=force, content_range=content_range)
            return None
        return _decompress_file(
            job,
            limits,
            console,
            overwrite=force,
            content_range=content_range,
            remove=remove,
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_every,
        )

    run(jobs, work, console)


def _archive_length(source: BinaryIO | Path) -> int | None:
    """Length of a file that has one; None for pipes and the like."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        if isinstance(source, Path):
            return source.stat().st_size if source.is_file() else None
        return os.fstat(source.fileno()).st_size or None
    return None


def content_length(source: Path) -> int | None:
    """What the archive says; None if it does not, for whatever reason (decoding will tell which)."""
    with contextlib.suppress(foretold.ForetoldError, OSError):
        return int(foretold.info(source).content_bytes)
    return None


def _decompress_file(
    job: Job,
    limits: dict[str, Any],
    console: Console,
    *,
    overwrite: bool,
    content_range: tuple[int, int | None] | None,
    remove: bool,
    checkpoint: Path | None,
    checkpoint_every: float,
) -> Exit | None:
    assert job.source is not None
    assert job.target is not None
    before = job.source.stat()
    if remove and not all(member.checksum for member in foretold.info(job.source).members):
        console.error("has no checks of its content, so that --rm cannot verify; nothing was done", job.name)
        return Exit.FAILURE
    job.make_folders()
    content_bytes = content_length(job.source)
    share = before.st_size / content_bytes if content_bytes else 0
    if content_bytes is not None and content_range is not None:
        start, stop = content_range
        content_bytes = max(min(content_bytes, content_bytes if stop is None else stop) - start, 0)
    with console.progress(
        job.name, content_bytes, archive_bytes=lambda done_bytes: done_bytes * share
    ) as progress:
        try:
            report = foretold.decompress_file(
                job.source,
                job.target,
                **limits,
                overwrite=overwrite,
                range=content_range,
                checkpoint=checkpoint,
                checkpoint_every=checkpoint_every,
                progress=progress,
            )
        except BaseException:
            tell_of_checkpoint(console, checkpoint)
            raise
    console.coded(job.name, report.content_bytes, report.archive_bytes, report.seconds)
    return remove_source(job, before, console) if remove else None


def _decompress_stream(
    job: Job,
    limits: dict[str, Any],
    console: Console,
    *,
    overwrite: bool,
    content_range: tuple[int, int | None] | None,
) -> None:
    started = time.monotonic()
    size = None if job.source is None else content_length(job.source)
    with (
        open_source(job.source) as source,
        console.progress(job.name, size) as progress,
        open_sink(job.target, overwrite=overwrite) as sink,
    ):
        written = 0
        for piece in content_pieces(source, limits, content_range):
            sink.write(piece)
            # Who waits at the other end gets at once what is decoded.
            sink.flush()
            written += len(piece)
            if progress:
                progress(written)
        archive_bytes = _archive_length(source) or 0
    if archive_bytes and content_range is None:
        console.coded(job.name, written, archive_bytes, time.monotonic() - started)
    else:
        console.result(f"{job.name}: {written:,} bytes")


def content_pieces(
    archive: BinaryIO, limits: dict[str, Any], content_range: tuple[int, int | None] | None = None
) -> Iterator[bytes]:
    """The content of all members, or a range of it, as it is decoded."""
    start, stop = content_range or (0, None)
    allowed = limits["max_output"]
    done = 0
    reading = {name: limits[name] for name in ("max_memory", "threads", "prior")}
    with foretold.open(archive, "rb", **reading) as content:
        _go_to(content, start)
        while True:
            wanted = PIECE_BYTES if stop is None else min(PIECE_BYTES, stop - start - done)
            piece = content.read1(wanted)
            if not piece:
                return
            done += len(piece)
            if allowed is not None and done > allowed:
                message = f"the content is longer than the {allowed} bytes allowed"
                raise foretold.OutputLimitError(message, allowed)
            yield piece


def _go_to(content: foretold.File, start: int) -> None:
    """Moves to a position: decoding only its block if the archive can seek, everything if not."""
    if start == 0:
        return
    if content.seekable():
        position = content.seek(start)
    else:
        position = 0
        while position < start and (skipped := content.read1(min(PIECE_BYTES, start - position))):
            position += len(skipped)
    if position < start:
        raise foretold.ParameterError(f"the range starts at {start}, the content has {position} bytes")


def _recover(job: Job, limits: dict[str, Any], console: Console, *, overwrite: bool) -> Exit | None:
    """Saves what can be saved. Recovery needs files, so streams go through temporary ones."""
    with tempfile.TemporaryDirectory(prefix="foretold-") as folder:
        source, target = job.source, job.target
        if source is None or not source.is_file():
            source = Path(folder, "archive.ftd")
            with open_source(job.source) as stream, source.open("wb") as file:
                shutil.copyfileobj(stream, file, PIECE_BYTES)
        direct = target is not None and (target.is_file() or not target.exists())
        scratch = target if direct and target is not None else Path(folder, "content")
        with console.progress(job.name, content_length(source)) as progress:
            report = foretold.recover_file(source, scratch, **limits, overwrite=overwrite, progress=progress)
        if not direct:
            with scratch.open("rb") as file, open_sink(target, overwrite=overwrite) as sink:
                shutil.copyfileobj(file, sink, PIECE_BYTES)
    for lost in report.lost:
        if lost.length is None:
            console.error(f"lost from byte {lost.offset:,} on, how much is unknown: {lost.reason}", job.name)
        else:
            console.error(
                f"lost {lost.length:,} bytes from byte {lost.offset:,} on, now zeros: {lost.reason}", job.name
            )
    if not report.lost:
        console.result(f"{job.name}: nothing was lost, {human_bytes(report.bytes_written)} written")
        return None
    console.error(f"{report.bytes_written:,} bytes written", job.name)
    return Exit.CORRUPT
