"""``foretold compress --fit``: two archives of a file, with a network fitted to it and without."""

from __future__ import annotations

import contextlib
import mmap
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

import foretold
from foretold.errors import ForetoldError

from .console import printable
from .quantities import human_seconds
from .streams import open_sink, open_source, rename_to_new

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .console import Console
    from .jobs import Job

__all__ = ["check_fit", "compress_fitted"]

# Shorter contents are not worth the training.
_LEAST_BYTES = 1024


def check_fit(preset: foretold.Preset, checkpoint: Path | None) -> None:
    """Refuses what ``--fit`` cannot be combined with, and says what it needs."""
    if preset != "max":
        raise typer.BadParameter("it needs --max, whose model has a network", param_hint="--fit")
    if checkpoint is not None:
        raise typer.BadParameter("it excludes --checkpoint", param_hint="--fit")
    try:
        import foretold.train  # noqa: F401
    except ImportError as error:
        raise ForetoldError(str(error)) from None


def compress_fitted(
    job: Job,
    coding: dict[str, Any],
    console: Console,
    fitting: dict[str, Any],
    *,
    overwrite: bool,
    verify: bool,
) -> None:
    """Trains a network on a job's content, and keeps the smaller of the archives with and without it.

    Standard input is kept in a file meanwhile.
    """
    if job.regular and job.target is not None and job.target.exists() and not overwrite:
        raise FileExistsError(f"{job.target} exists (-f overwrites it)")
    job.make_folders()
    with _regular_file(job) as source, _scratch(job) as scratch:
        size = source.stat().st_size
        networks: dict[str, bytes | None] = {"unfitted": None}
        if size >= _LEAST_BYTES:
            networks["fitted"] = _fitted(source, job, coding, console, fitting)
        else:
            console.warning(f"{size} bytes are too few to fit a network to", job.name)
        reports = {}
        passes = (2 if verify else 1) * len(networks)
        with console.progress(job.name, size, passes=passes) as progress:
            for number, (name, network) in enumerate(networks.items()):
                before = number * size * passes // len(networks)
                reports[name] = foretold.compress_file(
                    source,
                    scratch / name,
                    **coding,
                    network=network,
                    verify=verify,
                    keep_metadata=job.regular,
                    progress=_later(progress, before),
                )
        kept = min(reports, key=lambda name: reports[name].archive_bytes)
        if len(reports) > 1:
            sizes = ", ".join(f"{name} {report.archive_bytes:,} bytes" for name, report in reports.items())
            console.result(f"{printable(job.name)}: {sizes}; kept: {kept}")
        _deliver(scratch / kept, job, overwrite=overwrite)
    report = reports[kept]
    seconds = sum(one.seconds for one in reports.values())
    console.coded(job.name, report.content_bytes, report.archive_bytes, seconds)


def _fitted(
    source: Path, job: Job, coding: dict[str, Any], console: Console, fitting: dict[str, Any]
) -> bytes:
    from foretold.train.fit import fit

    start = {name: coding[name] for name in ("block_size", "transform", "knowledge", "prior")}
    with console.status() as say:

        def tell(line: dict[str, Any]) -> None:
            say(f"{job.name}: fitting, update {line['update']:,}, {line['bits']:.4f} bits")

        with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            found = fit(content, **start, **fitting, progress=tell)
    console.result(
        f"{printable(job.name)}: {found.layers} x {found.hidden} units fitted in "
        f"{human_seconds(found.seconds)}, {found.train_bits:.4f} bits per coded byte, "
        f"{found.packed_bytes:,} bytes of weights"
    )
    return found.file


def _later(progress: Callable[[int], None] | None, before: int) -> Callable[[int], None] | None:
    """`progress` of work that begins when so much is done."""
    return None if progress is None else lambda done_bytes: progress(before + done_bytes)


@contextlib.contextmanager
def _regular_file(job: Job) -> Iterator[Path]:
    """The content as a file that can be read several times."""
    if job.source is not None and job.source.is_file():
        yield job.source
        return
    with tempfile.TemporaryDirectory() as folder, open_source(job.source) as source:
        copy = Path(folder, "content")
        with copy.open("wb") as file:
            shutil.copyfileobj(source, file)
        yield copy


@contextlib.contextmanager
def _scratch(job: Job) -> Iterator[Path]:
    """A folder for both archives: beside the target, so that one of them only gets its name."""
    beside = job.target.parent if job.target is not None and job.regular else None
    with tempfile.TemporaryDirectory(prefix=".foretold-fit-", dir=beside) as folder:
        yield Path(folder)


def _deliver(archive: Path, job: Job, *, overwrite: bool) -> None:
    if job.target is None or not job.regular:
        with archive.open("rb") as file, open_sink(job.target, overwrite=overwrite) as sink:
            shutil.copyfileobj(file, sink)
    elif overwrite:
        archive.replace(job.target)
    else:
        rename_to_new(archive, job.target)
