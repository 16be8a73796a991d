"""The exceptions of foretold, all children of :class:`ForetoldError`.

They are defined here and nowhere else; the extension module looks them up by name.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import StrPath

__all__ = [
    "CheckpointError",
    "CorruptError",
    "ForetoldError",
    "FormatError",
    "MemoryLimitError",
    "OutputLimitError",
    "ParameterError",
    "PriorError",
    "VerificationError",
]


class ForetoldError(Exception):
    """Base of everything that foretold raises on its own account.

    Failing files raise :class:`OSError` as everywhere, exhausted memory :class:`MemoryError`.
    """

    def __str__(self) -> str:
        # The arguments after the message are attributes, kept in args so that pickling works.
        return str(self.args[0]) if self.args else ""


class FormatError(ForetoldError):
    """The input is no foretold archive, or one that only another release can read."""


class CorruptError(ForetoldError):
    """The archive is damaged or ends too early.

    Attributes
    ----------
    offset : int or None
        Where the damaged part of the archive starts, in bytes from the archive's start.
    member : int or None
        Number of the member, counted from 0, where one is known.
    block : int or None
        Number of the block, counted from 0 within its member, where one is known.
    chunk : int or None
        Number of the chunk, counted from 0 within its block, where one is known.
    """

    def __init__(
        self,
        message: str = "",
        offset: int | None = None,
        member: int | None = None,
        block: int | None = None,
        chunk: int | None = None,
    ) -> None:
        super().__init__(message, offset, member, block, chunk)
        self.offset = offset
        self.member = member
        self.block = block
        self.chunk = chunk


class ParameterError(ForetoldError, ValueError):
    """An argument lies outside what is allowed; nothing was done."""


class PriorError(ForetoldError):
    """A prior is missing, is another one than the archive needs, or is damaged."""


class MemoryLimitError(ForetoldError):
    """Decoding needs more memory than the caller allows; raise ``max_memory`` to decode it.

    Attributes
    ----------
    needed, allowed : int
        Bytes.
    """

    def __init__(self, message: str = "", needed: int = 0, allowed: int = 0) -> None:
        super().__init__(message, needed, allowed)
        self.needed = needed
        self.allowed = allowed


class OutputLimitError(ForetoldError):
    """The content is longer than ``max_output`` allows.

    Attributes
    ----------
    allowed : int
        Bytes.
    """

    def __init__(self, message: str = "", allowed: int = 0) -> None:
        super().__init__(message, allowed)
        self.allowed = allowed


class CheckpointError(ForetoldError):
    """A run cannot be continued: a file is not what the run left or found there.

    Attributes
    ----------
    path : str or None
        The file.
    """

    def __init__(self, message: str = "", path: StrPath | None = None) -> None:
        super().__init__(message, path)
        self.path = None if path is None else os.fspath(path)


class VerificationError(ForetoldError):
    """An archive just written does not decode to what was read, and was removed.

    Attributes
    ----------
    path : str or None
        The archive.
    """

    def __init__(self, message: str = "", path: StrPath | None = None) -> None:
        super().__init__(message, path)
        self.path = None if path is None else os.fspath(path)
