"""Compression and decompression in memory, at once or piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, NoReturn

from foretold import _core
from foretold._arguments import (
    DEFAULT_PRESET,
    Knowledge,
    Preset,
    Progress,
    Transform,
    as_input,
    coding_arguments,
    decoding_arguments,
    integer,
    knowledge_argument,
    named_preset,
    preset_number,
    transform_name,
)
from foretold.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _typeshed import ReadableBuffer

    from foretold._arguments import PriorLike, WeightsLike

__all__ = [
    "PRESETS",
    "Compressor",
    "Decompressor",
    "PresetInfo",
    "compress",
    "compress_raw",
    "decompress",
    "decompress_raw",
]

# Most bytes of a raw message's content.
_RAW_BYTES = 1 << 20


class PresetInfo(NamedTuple):
    """What a preset is for and what it takes."""

    number: Preset
    """1 to 9, or ``"max"``: what calls take as `preset`."""
    memory_bytes: int
    """Memory of one thread's model for a long content, the same in both directions."""
    block_bytes: int | None
    """Content bytes of a block unless ``block_size`` says otherwise; None puts all into one."""
    intent: str
    """What it is for, in a few words."""


PRESETS: tuple[PresetInfo, ...] = tuple(
    PresetInfo(named_preset(number), memory_bytes, block_bytes, intent)
    for number, memory_bytes, block_bytes, intent in _core.presets()
)
"""Every preset, weakest first."""


def compress(
    data: ReadableBuffer,
    preset: Preset = DEFAULT_PRESET,
    *,
    threads: int = 1,
    checksum: bool = True,
    block_size: int | None = None,
    transform: Transform = "auto",
    knowledge: Knowledge = "auto",
    prior: PriorLike | None = None,
    network: WeightsLike | None = None,
    progress: Progress = None,
) -> bytes:
    """Compress `data` into an archive of one member.

    Parameters
    ----------
    data : bytes or any C-contiguous buffer
        What to compress. A mutable buffer must not be written to meanwhile.
    preset : int or "max"
        1 (fast) to 9 (strong), or ``"max"``, the smallest and by far the slowest: preset 9 and a
        network that learns.
    threads : int
        Workers, 1 to 1024, each with a block and a model of its own; the archive does not depend
        on it. Contents of a single block are compressed by one; for the network of ``"max"`` a
        second one works.
    checksum : bool
        Whether to store checks with which decompression tells damage from content.
    block_size : int, optional
        Content bytes after which the model starts afresh; by default the preset's choice. Small
        blocks make threads, seeking and recovery finer and the archive larger.
    transform : {"auto", "none", "words"}
        Whether the words of text are replaced by short codes before they are modelled: where the
        preset gains by it, never, or wherever it makes the text clearly shorter. It makes presets
        faster, and decompression needs no option. But for ``"none"``, streams within the content that
        are compressed with deflate (zlib, gzip, zip, PDF, ...) and GIF's pictures are expanded before
        they are modelled, and lines of text that were broken to fit a width are joined; all comes
        back bit for bit.
    knowledge : {"auto", "frozen", "none"}
        What the model knows beforehand: English words and their company (a prior of a few MB that
        comes with the package) where the content has many of them, as prose and programs have, and
        where a trial on its first 128 KiB shows that it is smaller for that; or nothing, so that the
        archive needs nothing but the format. Frozen is as auto, for preset
        ``"max"``: its English network does not learn, which is four times as fast and makes
        archives some per cent larger.
    prior : Prior, path or buffer, optional
        What the model starts from instead. Decompression needs the same.
    network : path or buffer, optional
        For preset ``"max"``: a safetensors file of int8 or int4 weights that were fitted to this very
        content (:func:`foretold.train.fit.fit`). The archive holds them, and decompression needs
        nothing else.
    progress : callable, optional
        Called now and then with the number of bytes compressed so far, and at the end. What it
        raises stops the work and comes out here.

    Returns
    -------
    bytes
        The archive. Archives that follow one another decompress to their contents joined.

    Raises
    ------
    ParameterError
        If an argument is out of range.
    PriorError
        If `prior` is no prior, or a damaged one.

    See Also
    --------
    open : Write an archive to a file.
    Compressor : Compress what comes in pieces.

    Examples
    --------
    >>> import foretold
    >>> text = b"What is well foretold needs few bits. " * 100
    >>> archive = foretold.compress(text)
    >>> len(archive) < len(text)
    True
    >>> foretold.decompress(archive) == text
    True
    """
    coding = coding_arguments(preset, threads, checksum, block_size, transform, knowledge, prior, network)
    return _core.compress(as_input(data), *coding, progress)


def decompress(
    data: ReadableBuffer,
    *,
    max_output: int | None = None,
    max_memory: int | None = None,
    threads: int = 1,
    prior: PriorLike | Sequence[PriorLike] | None = None,
    progress: Progress = None,
) -> bytes:
    """Decompress an archive: the contents of all its members, joined.

    Parameters
    ----------
    data : bytes or any C-contiguous buffer
        One archive or several that follow one another.
    max_output : int, optional
        Most bytes to return; by default there is no limit. Set it for archives from strangers.
    max_memory : int, optional
        Most bytes of memory for the models and blocks of all threads, 2.5 GiB by default. Fewer
        threads are used before anything is refused.
    threads : int
        Workers at most, 1 to 1024.
    prior : Prior, path, buffer or a list of such, optional
        The priors that the archive may need, beside the one that comes with the package.
    progress : callable, optional
        Called now and then with the number of bytes decompressed so far, and at the end.

    Returns
    -------
    bytes
        The content.

    Raises
    ------
    FormatError
        If `data` is no archive, or one that only another release can read.
    CorruptError
        If the archive is damaged or cut short.
    PriorError
        If the archive needs a prior that was not given.
    MemoryLimitError, OutputLimitError
        If a limit would be exceeded.
    ParameterError
        If an argument is out of range.

    Examples
    --------
    >>> import foretold
    >>> foretold.decompress(foretold.compress(b"one ") + foretold.compress(b"two"))
    b'one two'
    >>> foretold.decompress(b"no archive")
    Traceback (most recent call last):
    foretold.errors.FormatError: not a foretold archive: found bytes ...
    """
    limits = decoding_arguments(max_output, max_memory, threads, prior)
    return _core.decompress(as_input(data), *limits, progress)


def compress_raw(
    data: ReadableBuffer,
    preset: Preset = DEFAULT_PRESET,
    *,
    checksum: bool = False,
    transform: Transform = "auto",
    knowledge: Knowledge = "auto",
    prior: PriorLike | None = None,
) -> bytes:
    """Compress a message to a raw one: what the coder writes, and nothing around it.

    For many small messages whose length, preset and prior are kept elsewhere: in a column of a
    database, by both ends of a queue. It saves the 8 to 16 bytes that an archive says these by, and
    is never longer than `data`. No other call or command reads raw messages, and they do not tell
    where they end.

    Parameters
    ----------
    data : bytes or any C-contiguous buffer
        The message, at most 1 MiB.
    preset, transform, knowledge, prior
        As in :func:`compress`.
    checksum : bool
        Whether to append a check of four bytes. Without it hardly any damage is seen.

    Returns
    -------
    bytes
        The raw message.

    Raises
    ------
    ParameterError
        If an argument is out of range, or `data` too long.
    PriorError
        If `prior` is no prior, a damaged one, or for another preset.

    See Also
    --------
    train_prior : Make a prior of messages like those to come.

    Examples
    --------
    >>> import foretold
    >>> message = b"level=info service=mail event=sent"
    >>> raw = foretold.compress_raw(message)
    >>> len(raw) < len(message)
    True
    >>> foretold.decompress_raw(raw, len(message)) == message
    True
    """
    known = knowledge_argument(knowledge, prior)
    return _core.compress_raw(
        as_input(data), preset_number(preset), bool(checksum), transform_name(transform), known
    )


def decompress_raw(
    raw: ReadableBuffer,
    size: int,
    preset: Preset = DEFAULT_PRESET,
    *,
    checksum: bool = False,
    knowledge: Knowledge = "auto",
    prior: PriorLike | None = None,
) -> bytes:
    """Decompress a raw message, given all that it does not say itself.

    Without a check nearly all bytes decode to something: a damaged or cut message, another prior, preset
    or size give wrong content, seldom an error.

    Parameters
    ----------
    raw : bytes or any C-contiguous buffer
        What :func:`compress_raw` returned, exactly.
    size : int
        How many bytes the message had, 0 to 1 MiB.
    preset, checksum, knowledge, prior
        As they were in :func:`compress_raw`.

    Returns
    -------
    bytes
        The message.

    Raises
    ------
    CorruptError
        If the check fails, or `raw` is longer than any message of this size, or ends otherwise.
    PriorError
        If `prior` is no prior, a damaged one, or for another preset.
    ParameterError
        If an argument is out of range.

    Examples
    --------
    >>> import foretold
    >>> raw = foretold.compress_raw(b"to be or not to be", checksum=True)
    >>> foretold.decompress_raw(raw, 18, checksum=True)
    b'to be or not to be'
    >>> foretold.decompress_raw(raw[1:], 18, checksum=True)
    Traceback (most recent call last):
    foretold.errors.CorruptError: damaged raw message, ...
    """
    known = knowledge_argument(knowledge, prior)
    size = integer("size", size, 0, _RAW_BYTES)
    return _core.decompress_raw(as_input(raw), size, preset_number(preset), bool(checksum), known)


class Compressor:
    """Compress content that comes in pieces into an archive of one member.

    The archive is the same however the content is cut, and the same as :func:`compress` makes.
    Threads may share a compressor: one call at a time goes ahead.

    Parameters
    ----------
    preset, threads, checksum, block_size, transform, knowledge, prior, network
        As in :func:`compress`.

    Examples
    --------
    >>> import foretold
    >>> compressor = foretold.Compressor(preset=2)
    >>> archive = compressor.compress(b"one, ") + compressor.compress(b"two") + compressor.flush()
    >>> archive == foretold.compress(b"one, two", preset=2)
    True
    """

    __slots__ = ("_inner",)

    CONTINUE = 0
    """Mode: more may come, keep what is not ready."""
    FLUSH = 1
    """Mode: give out enough to decode all content so far; costs some ratio."""
    FINISH = 2
    """Mode: end the archive."""

    def __init__(
        self,
        preset: Preset = DEFAULT_PRESET,
        *,
        threads: int = 1,
        checksum: bool = True,
        block_size: int | None = None,
        transform: Transform = "auto",
        knowledge: Knowledge = "auto",
        prior: PriorLike | None = None,
        network: WeightsLike | None = None,
    ) -> None:
        self._inner = _core.Compressor(
            *coding_arguments(preset, threads, checksum, block_size, transform, knowledge, prior, network)
        )

    def compress(self, data: ReadableBuffer, mode: int = CONTINUE) -> bytes:
        """Take more content and return what is ready of the archive.

        Parameters
        ----------
        data : bytes or any C-contiguous buffer
            What comes next.
        mode : int
            :attr:`CONTINUE`, or :attr:`FLUSH` or :attr:`FINISH` as in :meth:`flush`.

        Returns
        -------
        bytes
            The next part of the archive, often empty.
        """
        if mode != self.CONTINUE:
            self._check_mode(mode)
        archive = self._inner.push(as_input(data))
        return archive if mode == self.CONTINUE else archive + self.flush(mode)

    def flush(self, mode: int = FINISH) -> bytes:
        """End the archive, or its present chunk.

        Parameters
        ----------
        mode : int
            :attr:`FINISH` ends the archive; the compressor then takes nothing more.
            :attr:`FLUSH` makes everything given so far decodable.

        Returns
        -------
        bytes
            The next part of the archive.
        """
        self._check_mode(mode)
        if mode == self.FLUSH:
            return self._inner.flush()
        return self._inner.finish()

    def _check_mode(self, mode: int) -> None:
        if mode not in (self.FLUSH, self.FINISH):
            raise ParameterError(f"mode must be FLUSH (1) or FINISH (2), found {mode!r}")

    def copy(self) -> Compressor:
        """Return a compressor that stands where this one does and goes its own way.

        Examples
        --------
        >>> import foretold
        >>> compressor = foretold.Compressor()
        >>> start = compressor.compress(b"the same beginning, ")
        >>> other = compressor.copy()
        >>> one = start + compressor.compress(b"one end") + compressor.flush()
        >>> two = start + other.compress(b"another") + other.flush()
        >>> foretold.decompress(two)
        b'the same beginning, another'
        """
        twin = type(self).__new__(type(self))
        twin._inner = self._inner.copy()
        return twin

    def __copy__(self) -> Compressor:
        return self.copy()

    def __deepcopy__(self, memo: object) -> Compressor:
        return self.copy()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Compressor cannot be pickled; copy() makes another in this process")


class Decompressor:
    """Decompress one member of an archive that comes in pieces.

    Threads may share a decompressor: one call at a time goes ahead.

    Parameters
    ----------
    max_output, max_memory, threads, prior
        As in :func:`decompress`.

    Examples
    --------
    >>> import foretold
    >>> archive = foretold.compress(b"one, two") + b"more"
    >>> decompressor = foretold.Decompressor()
    >>> content = b""
    >>> for start in range(0, len(archive), 5):
    ...     if decompressor.eof:
    ...         break
    ...     content += decompressor.decompress(archive[start : start + 5])
    >>> content
    b'one, two'
    """

    __slots__ = ("_inner",)

    def __init__(
        self,
        *,
        max_output: int | None = None,
        max_memory: int | None = None,
        threads: int = 1,
        prior: PriorLike | Sequence[PriorLike] | None = None,
    ) -> None:
        self._inner = _core.Decompressor(*decoding_arguments(max_output, max_memory, threads, prior))

    def decompress(self, data: ReadableBuffer, max_length: int = -1) -> bytes:
        """Take more of the archive and return what can be decoded.

        Parameters
        ----------
        data : bytes or any C-contiguous buffer
            What comes next. It may be empty, to get what `max_length` held back.
        max_length : int
            Most bytes to return; a negative number is no limit. The rest comes with later calls.

        Returns
        -------
        bytes
            The next part of the content, verified if the archive has checks.

        Raises
        ------
        EOFError
            If the member has ended already.
        ForetoldError
            As in :func:`decompress`. The decompressor is then of no further use.
        """
        if self._inner.eof:
            raise EOFError("the member has ended")
        length = integer("max_length", max_length, -(2**63))
        return self._inner.push(as_input(data), None if length < 0 else length)

    @property
    def eof(self) -> bool:
        """Whether the member has ended and all its content was returned."""
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        """Whether :meth:`decompress` can return no more before it gets more of the archive."""
        return self._inner.needs_input

    @property
    def unused_data(self) -> bytes:
        """What came after the member's end; empty before :attr:`eof`."""
        return self._inner.unused_data

    def copy(self) -> Decompressor:
        """Return a decompressor that stands where this one does and goes its own way."""
        twin = type(self).__new__(type(self))
        twin._inner = self._inner.copy()
        return twin

    def __copy__(self) -> Decompressor:
        return self.copy()

    def __deepcopy__(self, memo: object) -> Decompressor:
        return self.copy()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Decompressor cannot be pickled; copy() makes another in this process")
