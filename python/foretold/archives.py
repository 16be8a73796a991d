"""What an archive holds, told from its headers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from foretold import _core
from foretold._arguments import Preset, named_preset

if TYPE_CHECKING:
    from _typeshed import StrPath

__all__ = ["ArchiveInfo", "BlockInfo", "MemberInfo", "info"]


@dataclass(frozen=True, slots=True)
class BlockInfo:
    """One block of a member."""

    offset: int
    """First byte in the archive."""
    archive_bytes: int
    """Length in the archive."""
    content_offset: int
    """First byte in the member's content."""
    content_bytes: int
    """Length of the content."""


@dataclass(frozen=True, slots=True)
class MemberInfo:
    """One member of an archive."""

    offset: int
    """First byte in the archive."""
    archive_bytes: int
    """Length in the archive."""
    content_offset: int
    """First byte in the joined contents of all members."""
    content_bytes: int
    """Length of the content."""
    generation: int
    """Format generation."""
    preset: Preset
    """Preset, 1 to 9 or ``"max"``."""
    size_class: int
    """Largest size class of its blocks: base-2 logarithm of the content its tables are made for."""
    memory_bytes: int
    """Declared memory of one block's model."""
    prior: str | None
    """Digest of the prior that decoding needs, or its first 8 digits; None if it needs none."""
    network_bytes: int
    """Length of the fitted weights that stand in it; 0 if there are none."""
    compact: bool
    """Whether it is in the compact form of short messages."""
    checksum: bool
    """Whether it carries checks."""
    digest: str | None
    """First 16 bytes of the content's BLAKE3 digest in hexadecimal, if stored."""
    seek_index: bool
    """Whether it has a seek index."""
    block_bytes: int | None
    """Content bytes of every block but the last; None if all is one block."""
    blocks: tuple[BlockInfo, ...]
    """Its blocks, in order."""


@dataclass(frozen=True, slots=True)
class ArchiveInfo:
    """What an archive holds."""

    archive_bytes: int
    """Length of the archive."""
    content_bytes: int
    """Length of all contents together."""
    memory_bytes: int
    """Memory to decode it with one thread."""
    members: tuple[MemberInfo, ...]
    """Its members, in order."""


def info(file: StrPath | BinaryIO) -> ArchiveInfo:
    """Tell what an archive holds, without decoding it.

    Parameters
    ----------
    file : path or binary file object that can seek
        The archive. A file object is read from where it stands, and left there.

    Returns
    -------
    ArchiveInfo
        Lengths, presets, memory, members and blocks.

    Raises
    ------
    FormatError
        If it is no archive, or one that only another release can read.
    CorruptError
        If its headers are damaged or it is cut short.

    Examples
    --------
    >>> import foretold, io
    >>> archive = foretold.compress(b"one", preset=3) + foretold.compress(b"three")
    >>> about = foretold.info(io.BytesIO(archive))
    >>> about.content_bytes, [member.preset for member in about.members]
    (8, [3, 5])
    """
    if isinstance(file, (str, os.PathLike)):
        with Path(file).open("rb") as archive:
            return info(archive)
    here = file.tell()
    try:
        found = _core.info(file)
    finally:
        file.seek(here)
    members = []
    for member in found.pop("members"):
        blocks = tuple(BlockInfo(**block) for block in member.pop("blocks"))
        preset = named_preset(member.pop("preset"))
        members.append(MemberInfo(**member, preset=preset, blocks=blocks))
    return ArchiveInfo(**found, members=tuple(members))
