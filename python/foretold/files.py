"""Whole files by their paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from foretold import _core
from foretold._arguments import (
    DEFAULT_PRESET,
    Knowledge,
    Preset,
    Progress,
    Transform,
    as_priors,
    coding_arguments,
    decoding_arguments,
    integer,
)
from foretold.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from _typeshed import StrPath

    from foretold._arguments import PriorLike, WeightsLike

__all__ = [
    "CheckpointInfo",
    "FileReport",
    "LostRange",
    "RecoveryReport",
    "checkpoint_info",
    "compress_file",
    "decompress_file",
    "recover_file",
    "resume_file",
    "test_file",
]

# The end of a range that has none: no content is longer.
_END = 2**63 - 1


@dataclass(frozen=True, slots=True)
class FileReport:
    """What was done with a file."""

    content_bytes: int
    """Length of the content compressed or decompressed."""
    archive_bytes: int
    """Length of the archive."""
    seconds: float
    """Time it took; over all runs where one was resumed."""


@dataclass(frozen=True, slots=True)
class LostRange:
    """Content that a damaged archive no longer gives."""

    offset: int
    """First lost byte, counted in what was written."""
    length: int | None
    """How many, written as zeros; None if the archive no longer says: none were written."""
    reason: str
    """What is damaged."""


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """What was saved of a damaged archive."""

    bytes_written: int
    """Length of the output, zeros for lost content included."""
    lost: tuple[LostRange, ...]
    """What is lost, in order; empty if the archive is whole."""


@dataclass(frozen=True, slots=True)
class CheckpointInfo:
    """A run that was stopped, as its checkpoint has it."""

    source: Path
    """What it reads."""
    target: Path
    """What it makes."""
    compresses: bool
    """Whether it compresses; otherwise it decompresses."""
    done_bytes: int
    """What the progress of :func:`resume_file` is told first."""
    total_bytes: int | None
    """What it is told last, where that is known."""
    seconds: float
    """Time spent so far."""


def compress_file(
    source: StrPath,
    target: StrPath,
    preset: Preset = DEFAULT_PRESET,
    *,
    threads: int = 1,
    checksum: bool = True,
    block_size: int | None = None,
    transform: Transform = "auto",
    knowledge: Knowledge = "auto",
    prior: PriorLike | None = None,
    network: WeightsLike | None = None,
    overwrite: bool = False,
    verify: bool = False,
    checkpoint: StrPath | None = None,
    checkpoint_every: float = 600.0,
    keep_metadata: bool = True,
    progress: Progress = None,
) -> FileReport:
    """Compress a regular file; the target appears when it is complete.

    Parameters
    ----------
    source, target : path
        What to read and what to write. Whatever stops the work leaves no target behind.
    preset, threads, checksum, block_size, transform, knowledge, prior, network, progress
        As in :func:`compress`.
    overwrite : bool
        Whether an existing target may be replaced.
    verify : bool
        Whether to decompress the archive and compare before it appears; `progress` then counts
        the content twice.
    checkpoint : path, optional
        File to keep a checkpoint in, from which :func:`resume_file` continues a run that was
        killed. It disappears when the target is complete.
    checkpoint_every : float
        Seconds between two checkpoints.
    keep_metadata : bool
        Whether the target gets the source's mode and time of change.

    Returns
    -------
    FileReport
        Lengths and time.

    Raises
    ------
    FileExistsError
        If the target exists and `overwrite` is false.
    OSError
        If a file cannot be read or written.
    ParameterError
        If an argument is out of range.
    VerificationError
        If the archive does not decode to what was read.

    Examples
    --------
    >>> import foretold, pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     text = pathlib.Path(folder, "text")
    ...     _ = text.write_bytes(b"What is well foretold needs few bits. " * 100)
    ...     report = foretold.compress_file(text, text.with_suffix(".ftd"), verify=True)
    >>> report.content_bytes
    3800
    """
    return FileReport(
        *_core.compress_file(
            source,
            target,
            *coding_arguments(preset, threads, checksum, block_size, transform, knowledge, prior, network),
            bool(overwrite),
            bool(verify),
            bool(keep_metadata),
            _checkpoint(checkpoint, checkpoint_every),
            progress,
        )
    )


def decompress_file(
    source: StrPath,
    target: StrPath,
    *,
    max_output: int | None = None,
    max_memory: int | None = None,
    threads: int = 1,
    prior: PriorLike | Sequence[PriorLike] | None = None,
    range: tuple[int, int | None] | None = None,
    overwrite: bool = False,
    checkpoint: StrPath | None = None,
    checkpoint_every: float = 600.0,
    keep_metadata: bool = True,
    progress: Progress = None,
) -> FileReport:
    """Decompress an archive in a regular file; the target appears when it is complete.

    Parameters
    ----------
    source, target : path
        What to read and what to write. Whatever stops the work leaves no target behind.
    max_output, max_memory, threads, prior, progress
        As in :func:`decompress`.
    range : pair of int, optional
        ``(start, stop)`` writes only the content's bytes from `start` up to before `stop`, or to
        the end if that is None, and decodes only the blocks they lie in. Excludes a checkpoint.
    overwrite, checkpoint, checkpoint_every, keep_metadata
        As in :func:`compress_file`.

    Returns
    -------
    FileReport
        Lengths and time.

    Raises
    ------
    ForetoldError
        As in :func:`decompress`.
    FileExistsError
        If the target exists and `overwrite` is false.
    OSError
        If a file cannot be read or written.
    """
    limits = decoding_arguments(max_output, max_memory, threads, prior)
    part = None
    if range is not None:
        start, stop = range
        start = integer("start of range", start, 0)
        part = start, _END if stop is None else integer("stop of range", stop, start)
    saved = _checkpoint(checkpoint, checkpoint_every)
    return FileReport(
        *_core.decompress_file(
            source, target, *limits, part, bool(overwrite), bool(keep_metadata), saved, progress
        )
    )


def recover_file(
    source: StrPath,
    target: StrPath,
    *,
    max_output: int | None = None,
    max_memory: int | None = None,
    threads: int = 1,
    prior: PriorLike | Sequence[PriorLike] | None = None,
    overwrite: bool = False,
    keep_metadata: bool = True,
    progress: Progress = None,
) -> RecoveryReport:
    """Save what a damaged archive still gives, with zeros for what is lost.

    Parameters
    ----------
    source, target : path
        What to read and what to write.
    max_output, max_memory, threads, prior, progress
        As in :func:`decompress`.
    overwrite, keep_metadata
        As in :func:`compress_file`.

    Returns
    -------
    RecoveryReport
        What was written and what is lost.
    """
    limits = decoding_arguments(max_output, max_memory, threads, prior)
    written, lost = _core.recover_file(
        source, target, *limits, bool(overwrite), bool(keep_metadata), progress
    )
    return RecoveryReport(written, tuple(LostRange(*row) for row in lost))


def test_file(
    source: StrPath,
    *,
    max_output: int | None = None,
    max_memory: int | None = None,
    threads: int = 1,
    prior: PriorLike | Sequence[PriorLike] | None = None,
    progress: Progress = None,
) -> FileReport:
    """Decode an archive and keep nothing, to see whether it is whole.

    Parameters
    ----------
    source : path
        The archive.
    max_output, max_memory, threads, prior, progress
        As in :func:`decompress`.

    Returns
    -------
    FileReport
        Lengths and time.

    Raises
    ------
    ForetoldError
        As in :func:`decompress`.
    """
    return FileReport(
        *_core.test_file(source, *decoding_arguments(max_output, max_memory, threads, prior), progress)
    )


# Its name is not meant for pytest.
test_file.__test__ = False  # type: ignore[attr-defined]


def checkpoint_info(checkpoint: StrPath) -> CheckpointInfo:
    """Tell what run a checkpoint belongs to, without making sure that it can be resumed.

    Parameters
    ----------
    checkpoint : path
        The checkpoint's file.

    Returns
    -------
    CheckpointInfo
        The run's files, and how far it had come.

    Raises
    ------
    CheckpointError
        If it is no checkpoint, or one of another release.
    """
    return CheckpointInfo(*_core.checkpoint_info(checkpoint))


def resume_file(
    checkpoint: StrPath,
    *,
    prior: PriorLike | Sequence[PriorLike] | None = None,
    progress: Progress = None,
) -> FileReport:
    """Continue a run of :func:`compress_file` or :func:`decompress_file` from its checkpoint.

    Makes sure first that what was read and written so far is unchanged. Ends with the bytes that
    an undisturbed run writes, and removes the checkpoint.

    Parameters
    ----------
    checkpoint : path
        The checkpoint's file.
    prior : Prior, path, buffer or a list of such, optional
        The priors that the run may need, beside the one that comes with the package.
    progress : callable, optional
        Called now and then with the number of content bytes done, in earlier runs too.

    Returns
    -------
    FileReport
        Lengths, and the time of all runs together.

    Raises
    ------
    CheckpointError
        If the checkpoint is damaged or of another release, or a file has changed since.
    """
    return FileReport(*_core.resume_file(checkpoint, as_priors(prior), progress))


def _checkpoint(path: StrPath | None, seconds: float) -> tuple[StrPath, float] | None:
    if path is None:
        return None
    # Longer is as good as never; it also refuses what is not a number.
    if not 0 <= seconds <= 1e9:
        raise ParameterError(f"checkpoint_every must be 0 to 1e9 seconds, found {seconds!r}")
    return path, float(seconds)
