"""The content of an archive as a file object."""

from __future__ import annotations

import builtins
import io
import os
import threading
from typing import TYPE_CHECKING, BinaryIO, Literal, NoReturn, TextIO, cast, overload

from foretold import _core
from foretold._arguments import (
    DEFAULT_PRESET,
    Knowledge,
    Preset,
    Transform,
    as_input,
    coding_arguments,
    decoding_arguments,
)
from foretold.archives import ArchiveInfo, info
from foretold.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from _typeshed import ReadableBuffer, StrPath, WriteableBuffer

    from foretold._arguments import PriorLike

__all__ = ["File", "open"]

# Archive bytes taken from a file at a time: with one thread, and for each of several, which
# should find whole blocks.
_READ_BYTES = 1 << 16
_READ_BYTES_PER_THREAD = 16 << 20
# Content bytes that a reading file holds ready.
_BUFFER_BYTES = 1 << 16

_BinaryMode = Literal["r", "rb", "w", "wb", "x", "xb", "a", "ab"]
_TextMode = Literal["rt", "wt", "xt", "at"]


@overload
def open(
    file: StrPath | BinaryIO,
    mode: _BinaryMode = ...,
    preset: Preset = ...,
    *,
    threads: int = ...,
    checksum: bool = ...,
    block_size: int | None = ...,
    transform: Transform = ...,
    knowledge: Knowledge = ...,
    prior: PriorLike | Sequence[PriorLike] | None = ...,
    max_memory: int | None = ...,
    encoding: None = ...,
    errors: None = ...,
    newline: None = ...,
) -> File: ...


@overload
def open(
    file: StrPath | BinaryIO,
    mode: _TextMode,
    preset: Preset = ...,
    *,
    threads: int = ...,
    checksum: bool = ...,
    block_size: int | None = ...,
    transform: Transform = ...,
    knowledge: Knowledge = ...,
    prior: PriorLike | Sequence[PriorLike] | None = ...,
    max_memory: int | None = ...,
    encoding: str | None = ...,
    errors: str | None = ...,
    newline: str | None = ...,
) -> TextIO: ...


def open(
    file: StrPath | BinaryIO,
    mode: str = "rb",
    preset: Preset = DEFAULT_PRESET,
    *,
    threads: int = 1,
    checksum: bool = True,
    block_size: int | None = None,
    transform: Transform = "auto",
    knowledge: Knowledge = "auto",
    prior: PriorLike | Sequence[PriorLike] | None = None,
    max_memory: int | None = None,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
) -> File | TextIO:
    r"""Open an archive to read or write its content.

    Parameters
    ----------
    file : path or binary file object
        The archive. A file object is used from where it stands and is not closed.
    mode : str
        ``"r"`` reads, ``"w"`` writes, ``"x"`` writes a new file, ``"a"`` appends a member; with
        ``"b"`` (default) bytes, with ``"t"`` text.
    preset, threads, checksum, block_size, transform
        As in :func:`compress`, for writing; `threads` and `prior` for reading too,
        where there may be several priors.
    max_memory : int, optional
        As in :func:`decompress`, for reading.
    encoding, errors, newline
        As in :class:`io.TextIOWrapper`, for text.

    Returns
    -------
    File or io.TextIOWrapper
        The content as a file.

    See Also
    --------
    compress_file : Write an archive that appears only when it is complete.

    Examples
    --------
    >>> import foretold, io
    >>> archive = io.BytesIO()
    >>> with foretold.open(archive, "wt", encoding="utf-8") as file:
    ...     print("zwölf Boxkämpfer", file=file)
    >>> archive.seek(0)
    0
    >>> with foretold.open(archive, "rt", encoding="utf-8") as file:
    ...     file.read()
    'zwölf Boxkämpfer\n'
    """
    text = "t" in mode
    if text and "b" in mode:
        raise ParameterError(f"mode is bytes or text, not both; found {mode!r}")
    if not text and (encoding, errors, newline) != (None, None, None):
        raise ParameterError(f"encoding, errors and newline are for text modes; found mode {mode!r}")
    binary = File(
        file,
        cast("_BinaryMode", mode.replace("t", "")),
        preset,
        threads=threads,
        checksum=checksum,
        block_size=block_size,
        transform=transform,
        knowledge=knowledge,
        prior=prior,
        max_memory=max_memory,
    )
    if not text:
        return binary
    try:
        # typeshed has this function from 3.11 on, Python from 3.10.
        encoding = io.text_encoding(encoding)  # type: ignore[attr-defined]
        return cast("TextIO", _TextFile(binary, encoding, errors, newline))
    except BaseException:
        binary._abandon()
        raise


class File(io.BufferedIOBase):
    r"""The content of an archive as a binary file.

    Reading gives the contents of all members, joined. Where the archive's file can seek, so can
    this one while reading: to another block at the cost of decoding from that block's start.
    Threads may share a file: one call at a time goes ahead.

    Parameters
    ----------
    file, preset, threads, checksum, block_size, transform, knowledge, prior, max_memory
        As in :func:`open`.
    mode : str
        ``"r"``, ``"w"``, ``"x"`` or ``"a"``, with or without a ``"b"``.

    Examples
    --------
    >>> import foretold, io
    >>> archive = io.BytesIO()
    >>> with foretold.File(archive, "w") as file:
    ...     file.write(b"one line\nand another\n")
    21
    >>> archive.seek(0)
    0
    >>> with foretold.File(archive) as file:
    ...     file.seek(4)
    ...     list(file)
    4
    [b'line\n', b'and another\n']
    """

    # What __del__ meets if __init__ fails.
    _file: BinaryIO | None = None
    _owned = False
    _reader: io.BufferedReader | None = None
    _compressor: _core.Compressor | None = None
    _ending = False

    def __init__(
        self,
        file: StrPath | BinaryIO,
        mode: _BinaryMode = "r",
        preset: Preset = DEFAULT_PRESET,
        *,
        threads: int = 1,
        checksum: bool = True,
        block_size: int | None = None,
        transform: Transform = "auto",
        knowledge: Knowledge = "auto",
        prior: PriorLike | Sequence[PriorLike] | None = None,
        max_memory: int | None = None,
    ) -> None:
        self._lock = threading.RLock()
        kind = mode.replace("b", "", 1)
        if kind not in ("r", "w", "x", "a"):
            raise ParameterError(f"mode must be r, w, x or a, with b or t or neither; found {mode!r}")
        self._position = 0
        # Before the file is opened: what is refused here must not have created or emptied it.
        if kind == "r":
            limits = decoding_arguments(None, max_memory, threads, prior)
            decompressor = _core.Decompressor(*limits)
        else:
            if isinstance(prior, (list, tuple)):
                raise ParameterError(f"writing takes one prior, found {len(prior)}")
            one = cast("PriorLike | None", prior)
            options = coding_arguments(preset, threads, checksum, block_size, transform, knowledge, one)
            self._compressor = _core.Compressor(*options)
        if isinstance(file, (str, os.PathLike)):
            self._file = cast("BinaryIO", builtins.open(file, kind + "b"))  # noqa: SIM115
            self._owned = True
        elif hasattr(file, "read" if kind == "r" else "write"):
            self._file = file
        else:
            method = "read" if kind == "r" else "write"
            found = type(file).__name__
            raise TypeError(f"file must be a path or a binary file with {method}(), found {found}")
        self._mode = "rb" if kind == "r" else "wb"
        if kind == "r":
            raw = _ContentReader(self._file, decompressor, limits)
            self._reader = io.BufferedReader(raw, _BUFFER_BYTES)

    @property
    def name(self) -> str:
        """Name of the archive's file."""
        return cast("str", self._open_file().name)

    @property
    def mode(self) -> str:
        """``"rb"`` or ``"wb"``."""
        return self._mode

    def _open_file(self) -> BinaryIO:
        if self._file is None:
            raise ValueError("I/O operation on closed file")
        return self._file

    def _reading(self) -> io.BufferedReader:
        self._open_file()
        if self._reader is None:
            raise io.UnsupportedOperation("file is open for writing")
        return self._reader

    def _writing(self) -> tuple[BinaryIO, _core.Compressor]:
        file = self._open_file()
        if self._reader is not None:
            raise io.UnsupportedOperation("file is open for reading")
        if self._compressor is None:
            raise ValueError("an earlier write failed; the archive cannot be continued")
        return file, self._compressor

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._file is None

    def readable(self) -> bool:
        """Whether this file is open for reading."""
        self._open_file()
        return self._reader is not None

    def writable(self) -> bool:
        """Whether this file is open for writing."""
        self._open_file()
        return self._reader is None

    def seekable(self) -> bool:
        """Whether this file is open for reading and the archive's file can seek."""
        self._open_file()
        return self._reader is not None and self._reader.seekable()

    def fileno(self) -> int:
        """File descriptor of the archive's file."""
        return self._open_file().fileno()

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to `size` bytes, all that are left by default; fewer only at the end."""
        return self._reading().read(size)

    def read1(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes, as many as can be had without waiting for more input."""
        return self._reading().read1(_BUFFER_BYTES if size < 0 else size)

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read into `buffer` until it is full or the content ends; return how many bytes."""
        return self._reading().readinto(buffer)

    def readinto1(self, buffer: WriteableBuffer, /) -> int:
        """Read into `buffer` what can be had without waiting for more input."""
        return self._reading().readinto1(buffer)

    def readline(self, size: int | None = -1, /) -> bytes:
        """Read up to the end of the line, or `size` bytes of it."""
        return self._reading().readline(-1 if size is None else size)

    def peek(self, size: int = 0, /) -> bytes:
        """Return some bytes, none only at the end, without going on."""
        return self._reading().peek(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place in the content and return it; the end if it lies beyond."""
        reader = self._reading()
        if not reader.seekable():
            raise io.UnsupportedOperation("the archive's file cannot seek")
        return reader.seek(offset, whence)

    def tell(self) -> int:
        """Place in the content."""
        self._open_file()
        return self._position if self._reader is None else self._reader.tell()

    def write(self, data: ReadableBuffer, /) -> int:
        """Write all of `data` and return its length in bytes."""
        with self._lock:
            file, compressor = self._writing()
            content = as_input(data)
            self._put(file, lambda: compressor.push(content))
            self._position += len(content)
            return len(content)

    def flush(self) -> None:
        """Put everything written so far into the archive's file, decodable; costs some ratio."""
        with self._lock:
            self._open_file()
            if self._reader is not None or self._ending or self._compressor is None:
                return
            file, compressor = self._writing()
            self._put(file, compressor.flush)
            if hasattr(file, "flush"):
                file.flush()

    def _put(self, file: BinaryIO, make: Callable[[], bytes]) -> None:
        """Write what `make` returns; if anything fails, the archive stays visibly incomplete."""
        compressor, self._compressor = self._compressor, None
        archive = make()
        if archive:
            rest = memoryview(archive)
            while rest:
                written = file.write(rest)
                # Raw files may write less, or nothing when they would have to wait.
                if written is None:
                    raise BlockingIOError(None, "the archive's file is not ready", 0)
                rest = rest[written:]
        self._compressor = compressor

    def close(self) -> None:
        """End the archive if writing, and close its file if this object opened it."""
        with self._lock:
            file = self._file
            if file is None:
                return
            try:
                if self._compressor is not None:
                    self._put(file, self._compressor.finish)
            finally:
                self._abandon()

    def _abandon(self) -> None:
        """Close without ending the archive."""
        file, self._file = self._file, None
        self._compressor = None
        # The reader stays, so that readable() and the like tell a closed file by its file.
        if self._owned and file is not None:
            file.close()

    def __enter__(self) -> File:
        self._open_file()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        name = getattr(self._file, "name", None)
        state = "closed" if self._file is None else f"name={name!r} mode={self._mode!r}"
        return f"<foretold.File {state}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a File cannot be pickled; open its archive again where it is needed")


class _TextFile(io.TextIOWrapper):
    """A text file whose closing is not mistaken for a flush, which would cost ratio."""

    def close(self) -> None:
        if not self.closed:
            cast("File", self.buffer)._ending = True
        super().close()


class _ContentReader(io.RawIOBase):
    """The content of an archive, unbuffered.

    Reads straight on until the first seek that leads elsewhere; from then on through the index
    of blocks.
    """

    def __init__(
        self,
        file: BinaryIO,
        decompressor: _core.Decompressor,
        limits: tuple[int | None, int | None, int, list[_core.Prior]],
    ) -> None:
        self._file = file
        self._limits = limits
        threads = limits[2]
        self._decompressor = decompressor
        # One thread takes what there is, so that what a writer flushed is not held back; several
        # wait for enough to share.
        self._read_file = getattr(file, "read1", file.read) if threads == 1 else file.read
        self._read_bytes = _READ_BYTES if threads == 1 else _READ_BYTES_PER_THREAD * threads
        self._position = 0
        self._archive: ArchiveInfo | None = None
        self._blocks: _core.SeekableReader | None = None
        self._can_seek = bool(getattr(file, "seekable", bool)())
        self._start = file.tell() if self._can_seek else 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._can_seek

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        with memoryview(buffer) as view, view.cast("B") as place:
            content = self._next(len(place))
            place[: len(content)] = content
            return len(content)

    def readall(self) -> bytes:
        parts = []
        while content := self._next(None):
            parts.append(content)
        return b"".join(parts)

    def _next(self, size: int | None) -> bytes:
        """Up to `size` bytes of content; none only at the end, or if none are asked for."""
        if size == 0:
            return b""
        if self._blocks is not None:
            content = self._blocks.read_at(self._position, _READ_BYTES_PER_THREAD if size is None else size)
        else:
            content = self._stream(size)
        self._position += len(content)
        return content

    def _stream(self, size: int | None) -> bytes:
        content = b""
        while not content:
            if self._decompressor.eof:
                archive = self._decompressor.unused_data or self._read_file(self._read_bytes)
                if not archive:
                    break
                self._decompressor = _core.Decompressor(*self._limits)
            elif self._decompressor.needs_input:
                archive = self._read_file(self._read_bytes)
                if not archive:
                    self._decompressor.end_of_input()
            else:
                archive = b""
            content = self._decompressor.push(archive, size)
        return content

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if not self._can_seek:
            raise io.UnsupportedOperation("the archive's file cannot seek")
        if whence == io.SEEK_SET:
            if offset < 0:
                raise ValueError(f"negative seek position {offset}")
            target = offset
        elif whence == io.SEEK_CUR:
            target = self._position + offset
        elif whence == io.SEEK_END:
            target = self._info().content_bytes + offset
        else:
            raise ValueError(f"whence must be 0, 1 or 2; found {whence}")
        target = max(target, 0)
        if target != self._position:
            self._go(min(target, self._info().content_bytes))
        return self._position

    def _go(self, target: int) -> None:
        if self._blocks is None and self._position <= target < self._block_end():
            while self._position < target:
                if not self._next(min(target - self._position, _READ_BYTES_PER_THREAD)):
                    break
            return
        if self._blocks is None:
            self._file.seek(self._start)
            self._blocks = _core.SeekableReader(self._file, *self._limits[1:])
        self._position = target

    def _info(self) -> ArchiveInfo:
        if self._archive is None:
            here = self._file.tell()
            self._file.seek(self._start)
            self._archive = info(self._file)
            self._file.seek(here)
        return self._archive

    def _block_end(self) -> int:
        """Where the block ends in which reading stands, or the content."""
        ends = (
            member.content_offset + block.content_offset + block.content_bytes
            for member in self._info().members
            for block in member.blocks
        )
        return next((end for end in ends if end > self._position), self._info().content_bytes + 1)
