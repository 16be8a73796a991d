"""``foretold compress``."""

from __future__ import annotations

import contextlib
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

import foretold
from foretold.errors import VerificationError

from . import options
from .console import Console, partial_size, printable
from .exits import Exit
from .fitting import check_fit, compress_fitted
from .jobs import SUFFIX, Job, Skip, archive_name, plan, run
from .streams import ContentDigest, is_terminal, open_sink, open_source, pieces

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["check_checkpoint", "compress", "remove_source", "tell_of_checkpoint"]

# Smaller than a chunk, so that a slow preset shows that it moves.
_STREAM_PIECE_BYTES = 1 << 16


def compress(
    files: options.Files = None,
    preset: options.PresetChoice = 5,
    threads: options.Threads = 1,
    output: options.Output = None,
    stdout: options.Stdout = False,
    force: options.Force = False,
    recursive: options.Recursive = False,
    verify: options.Verify = False,
    remove: options.RemoveSource = False,
    block_size: options.BlockSize = None,
    transform: options.Transform = options.TransformName.AUTO,
    no_knowledge: options.NoKnowledge = False,
    frozen: options.Frozen = False,
    prior: options.Prior = None,
    fit: options.Fit = False,
    fit_size: options.FitSize = None,
    fit_epochs: options.FitEpochs = 4.0,
    no_checksum: options.NoChecksum = False,
    checkpoint: options.Checkpoint = None,
    checkpoint_every: options.CheckpointEvery = "10m",
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Compress each FILE into FILE.ftd.

    The archive has the file's mode and time; the file stays. An archive appears under its name
    only when it is complete. Standard input becomes standard output.
    """
    console = Console(quiet=quiet, verbose=verbose)
    coding = {
        "preset": preset,
        "threads": options.worker_count(threads),
        "checksum": not no_checksum,
        "block_size": block_size,
        "transform": transform.value,
        "knowledge": "none" if no_knowledge else "frozen" if frozen else "auto",
        "prior": None if prior is None else options.read_prior(prior),
    }
    if frozen and (no_knowledge or fit):
        raise typer.BadParameter("it excludes --no-knowledge and --fit", param_hint="--frozen")
    if fit:
        check_fit(preset, checkpoint)
    # Wrong options are refused before any file is touched.
    foretold.Compressor(**coding)
    jobs = plan(
        files or [],
        name=partial(_target, force=force),
        output=output,
        stdout=stdout,
        recursive=recursive,
        wanted=lambda path: not path.name.endswith(SUFFIX),
    )
    if any(job.target is None and job.problem is None for job in jobs):
        if is_terminal(sys.stdout):
            raise typer.BadParameter("an archive is not written to a terminal (-o names a file)")
        if remove:
            raise typer.BadParameter("--rm needs outputs that are files")
        if is_terminal(sys.stdin) and any(job.source is None for job in jobs):
            raise typer.BadParameter("name a FILE, or give content on standard input")
    if checkpoint is not None:
        check_checkpoint(checkpoint, jobs)

    def work(job: Job) -> Exit | None:
        if fit:
            before = job.source.stat() if remove and job.source is not None else None
            fitting = {"size": fit_size, "epochs": fit_epochs}
            compress_fitted(job, coding, console, fitting, overwrite=force, verify=verify or remove)
            return None if before is None else remove_source(job, before, console)
        if not job.regular:
            _compress_stream(job, coding, console, overwrite=force, verify=verify)
            return None
        return _compress_file(
            job,
            coding,
            console,
            overwrite=force,
            verify=verify,
            remove=remove,
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_every,
        )

    run(jobs, work, console)


def _target(source: Path, *, force: bool) -> Path:
    if source.name.endswith(SUFFIX) and not force:
        raise Skip(f"the name ends in {SUFFIX} already (-f compresses it again)")
    return archive_name(source)


def _compress_file(
    job: Job,
    coding: dict[str, Any],
    console: Console,
    *,
    overwrite: bool,
    verify: bool,
    remove: bool,
    checkpoint: Path | None,
    checkpoint_every: float,
) -> Exit | None:
    assert job.source is not None
    assert job.target is not None
    before = job.source.stat()
    verify = verify or remove
    job.make_folders()
    with console.progress(
        job.name,
        before.st_size,
        passes=2 if verify else 1,
        archive_bytes=partial_size(job.target),
    ) as progress:
        try:
            report = foretold.compress_file(
                job.source,
                job.target,
                **coding,
                overwrite=overwrite,
                verify=verify,
                checkpoint=checkpoint,
                checkpoint_every=checkpoint_every,
                progress=progress,
            )
        except BaseException:
            tell_of_checkpoint(console, checkpoint)
            raise
    console.coded(job.name, report.content_bytes, report.archive_bytes, report.seconds)
    return remove_source(job, before, console) if remove else None


def check_checkpoint(checkpoint: Path, jobs: list[Job]) -> None:
    """Refuses what a checkpoint cannot be kept for, and one that is there already."""
    if len(jobs) != 1 or not (jobs[0].problem or jobs[0].regular):
        raise typer.BadParameter("--checkpoint needs one regular file, and a file to write")
    if os.path.lexists(checkpoint):
        # Never overwritten: it may hold days of work.
        name = printable(checkpoint)
        raise typer.BadParameter(f"{name} exists: continue with `foretold resume {name}`, or remove it")


def tell_of_checkpoint(console: Console, checkpoint: Path | None) -> None:
    """Says how a run that was stopped goes on."""
    if checkpoint is not None and checkpoint.exists():
        console.warning(f"what was done is kept; continue with: foretold resume {printable(checkpoint)}")


def remove_source(job: Job, before: os.stat_result, console: Console) -> Exit | None:
    """Removes a source whose output is verified and on the disk, unless it changed meanwhile."""
    assert job.source is not None
    after = job.source.stat()
    if any(
        getattr(before, field) != getattr(after, field)
        for field in ("st_dev", "st_ino", "st_size", "st_mtime_ns")
    ):
        console.error("changed while it was read; it is kept", job.name)
        return Exit.FAILURE
    job.source.unlink()
    return None


def _compress_stream(
    job: Job, coding: dict[str, Any], console: Console, *, overwrite: bool, verify: bool
) -> None:
    import time

    started = time.monotonic()
    content, written = ContentDigest(), 0
    size: int | None = None
    if job.source is not None and job.source.is_file():
        size = job.source.stat().st_size
    elif job.source is None:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            # A redirected file has a size, a pipe has 0.
            size = os.fstat(sys.stdin.fileno()).st_size or None
    with (
        open_source(job.source) as source,
        console.progress(job.name, size, archive_bytes=lambda done_bytes: written) as progress,
        open_sink(job.target, overwrite=overwrite) as sink,
    ):
        compressor = foretold.Compressor(**coding)
        check = _check() if verify else None

        def deliver(archive: bytes) -> None:
            nonlocal written
            if check is not None:
                check(archive)
            sink.write(archive)
            written += len(archive)

        for piece in pieces(source, _STREAM_PIECE_BYTES):
            deliver(compressor.compress(piece))
            content.update(piece)
            if progress:
                progress(content.bytes)
        deliver(compressor.flush())
        if check is not None and check(b"") != content:
            raise VerificationError("the archive does not decode to what was read")
    console.coded(job.name, content.bytes, written, time.monotonic() - started)


def _check() -> Callable[[bytes], ContentDigest]:
    """Decodes what it is given as it comes, and tells what the content is so far."""
    decompressor = foretold.Decompressor()
    decoded = ContentDigest()

    def take(archive: bytes) -> ContentDigest:
        if archive:
            decoded.update(decompressor.decompress(archive))
        return decoded

    return take
