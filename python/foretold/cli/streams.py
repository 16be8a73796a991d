"""Standard input and output, and the coding of streams that are no regular files."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import secrets
import shutil
import stat
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "PIECE_BYTES",
    "abandon_stdout",
    "is_terminal",
    "open_sink",
    "open_source",
    "pieces",
    "rename_to_new",
    "seekable",
]

# How much is read at a time: a chunk of the format.
PIECE_BYTES = 1 << 20


def is_terminal(stream: object) -> bool:
    """Whether a person sits at the other end."""
    with contextlib.suppress(AttributeError, ValueError, OSError):
        return bool(stream.isatty())  # type: ignore[attr-defined]
    return False


def abandon_stdout() -> None:
    """Keeps the interpreter from writing, at its end, what standard output has just refused."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def open_source(path: Path | None) -> Iterator[BinaryIO]:
    """The file to read; ``None`` is standard input, which stays open."""
    if path is None:
        if sys.stdin is None:
            raise OSError(errno.EBADF, "standard input is closed")
        yield sys.stdin.buffer
    else:
        with path.open("rb") as file:
            yield file


@contextlib.contextmanager
def open_sink(path: Path | None, *, overwrite: bool) -> Iterator[BinaryIO]:
    """The file to write; ``None`` is standard output.

    A regular file appears under its name when everything was written, and not at all if the body
    raises. Devices and pipes are written to directly.
    """
    if path is None:
        if sys.stdout is None:
            raise OSError(errno.EBADF, "standard output is closed")
        sys.stdout.flush()
        raw: object = sys.stdout.buffer
        if not isinstance(raw, io.RawIOBase):
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
            return
        # As with PYTHONUNBUFFERED: it may take less than it is given, which a writer hides.
        writer = io.BufferedWriter(raw)
        try:
            yield writer
            writer.flush()
        finally:
            _let_go(writer)
        return
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        with path.open("wb") as device:
            yield device
        return
    path = path.resolve() if path.is_symlink() else path
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists (-f overwrites it)")
    partial = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}.partial")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if overwrite:
            partial.replace(path)
        else:
            rename_to_new(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _let_go(writer: io.BufferedWriter[Any]) -> None:
    """Detaches from the stream below, which is not ours to close, whatever it refuses to take."""
    try:
        writer.detach()
    except (OSError, ValueError):
        # What could not be written must not be tried again when the writer is collected.
        abandon_stdout()
        with contextlib.suppress(OSError, ValueError):
            writer.detach()


def rename_to_new(partial: Path, path: Path) -> None:
    """Renames without ever replacing a file that came meanwhile."""
    try:
        path.hardlink_to(partial)
    except FileExistsError:
        raise FileExistsError(f"{path} exists (-f overwrites it)") from None
    except OSError:
        # Some file systems have no second names.
        if path.exists():
            raise FileExistsError(f"{path} exists (-f overwrites it)") from None
        partial.rename(path)
    else:
        partial.unlink()


def pieces(source: BinaryIO, size: int = PIECE_BYTES) -> Iterator[bytes]:
    """What is read, in the sizes in which it comes: a slow pipe is not waited for."""
    read: Callable[[int], bytes] = getattr(source, "read1", source.read)
    while piece := read(size):
        yield piece


def seekable(source: BinaryIO) -> BinaryIO:
    """The file itself, or a copy of a stream that can be read only once."""
    if source.seekable():
        return source
    copy = tempfile.SpooledTemporaryFile(max_size=1 << 24)  # noqa: SIM115 (closed with its last reference)
    shutil.copyfileobj(source, copy)
    copy.seek(0)
    return copy  # type: ignore[return-value]


class ContentDigest:
    """Length and digest of what went by, to compare two passes over one content."""

    def __init__(self) -> None:
        self.bytes = 0
        self._hash = hashlib.blake2b(digest_size=32)

    def update(self, piece: bytes) -> None:
        """Takes the next piece."""
        self.bytes += len(piece)
        self._hash.update(piece)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ContentDigest):
            return NotImplemented
        return self.bytes == other.bytes and self._hash.digest() == other._hash.digest()

    __hash__ = None  # type: ignore[assignment]
