"""What bytes cost: code lengths, and estimates of long runs."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from foretold import _core
from foretold._arguments import (
    DEFAULT_PRESET,
    Knowledge,
    Preset,
    Progress,
    Transform,
    as_input,
    as_weights,
    integer,
    knowledge_argument,
    optional_bytes,
    preset_number,
    thread_count,
    transform_name,
)
from foretold.errors import ParameterError

if TYPE_CHECKING:
    import numpy as np
    from _typeshed import ReadableBuffer, StrPath
    from numpy.typing import NDArray

    from foretold._arguments import PriorLike, WeightsLike

__all__ = ["Estimate", "code_lengths", "estimate", "network_probabilities"]

# Pieces of the content that an estimate codes. A model's first bytes cost more than its later
# ones, so that the size foretold is rather too large.
_PIECES = 4


def code_lengths(
    data: ReadableBuffer,
    preset: Preset = DEFAULT_PRESET,
    *,
    block_size: int | None = None,
    transform: Transform = "auto",
    knowledge: Knowledge = "auto",
    prior: PriorLike | None = None,
    network: WeightsLike | None = None,
    progress: Progress = None,
) -> NDArray[np.float64]:
    """Bits that each byte costs when `data` is compressed.

    This is the surprisal of every byte given all before it in its block, as the preset's model
    sees it. Their sum is the size of the coded content; the container's headers come on top. Where
    a code stands for several bytes, they share its cost evenly, and so do the bytes of a compressed
    stream that is expanded; the cost of a dictionary, of a tree of decisions, and of how streams are
    written again, falls on the first byte of its chunk.

    Parameters
    ----------
    data : bytes or any C-contiguous buffer, N bytes
        What would be compressed.
    preset, block_size, transform, knowledge, prior, network, progress
        As in :func:`compress`; stored weights are not among the bits.

    Returns
    -------
    (N,) float64
        ``-log2 p`` of each byte.

    Examples
    --------
    >>> import foretold
    >>> bits = foretold.code_lengths(b"tell me what you foretell, foretell, foretell")
    >>> len(bits)
    45
    >>> bool(bits[-8:].mean() < bits[:8].mean())
    True
    """
    number = preset_number(preset)
    block_size = optional_bytes("block_size", block_size, 1)
    known = knowledge_argument(knowledge, prior)
    return _core.code_lengths(
        as_input(data),
        number,
        block_size,
        transform_name(transform),
        known,
        None if network is None else as_weights(network),
        progress,
    )


def network_probabilities(
    weights: WeightsLike, data: ReadableBuffer, *, learning: bool = False, integers: bool = False
) -> NDArray[np.float32]:
    """What a byte network says of each byte of `data` before it comes, as preset max computes it.

    Parameters
    ----------
    weights : path or buffer
        A safetensors file as ``foretold train bytelm`` writes it.
    data : bytes or any C-contiguous buffer, N bytes
        What it reads, the bytes that models see: of text, those after the word transform. A network
        that hears match models hears those of a transformed block of so many bytes.
    learning : bool
        Whether its weights change with what it reads, as they do in an archive.
    integers : bool
        Whether products are of integers, as in a frozen network: several times faster, for int8
        and int4 weights that do not learn. Probabilities differ a little.

    Returns
    -------
    (N, 256) float32
        Row ``t`` was computed before ``data[t]`` was seen, the first after a line feed.

    Raises
    ------
    ParameterError
        If the weights cannot be used, or a network of integers is to learn.
    """
    if learning and integers:
        raise ParameterError("a network of integers does not learn")
    mode = "learning" if learning else "frozen" if integers else "still"
    flat = _core.network_probabilities(as_weights(weights), as_input(data), mode)
    return flat.reshape(-1, 256)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will take, foretold from a sample of the content."""

    content_bytes: int
    """Length of the content."""
    archive_bytes: int
    """Length of the archive; mostly a little too large, for a sample teaches the model less."""
    seconds: float
    """Time on this machine, in either direction."""
    memory_bytes: int
    """Memory of all threads' models and of the blocks they work on, in either direction."""
    threads: int
    """Threads that will have work: at most one per block."""


def estimate(
    source: StrPath | ReadableBuffer | BinaryIO,
    preset: Preset = DEFAULT_PRESET,
    *,
    threads: int = 1,
    block_size: int | None = None,
    transform: Transform = "auto",
    knowledge: Knowledge = "auto",
    prior: PriorLike | None = None,
    sample_bytes: int = 1 << 18,
) -> Estimate:
    """Foretell time, memory and size before a long run.

    Codes pieces from all over the content with a model of the size that the whole would get.

    Parameters
    ----------
    source : path, buffer or binary file that can seek
        The content. A file object is read from its beginning and left where it was.
    preset, threads, block_size, transform, knowledge, prior
        As in :func:`compress`.
    sample_bytes : int
        How much of the content to code.

    Returns
    -------
    Estimate
        The run's needs.

    Examples
    --------
    >>> import foretold
    >>> foreseen = foretold.estimate(b"What is well foretold needs few bits. " * 1000, preset=1)
    >>> foreseen.content_bytes, foreseen.threads
    (38000, 1)
    """
    number = preset_number(preset)
    threads = thread_count(threads)
    block_size = optional_bytes("block_size", block_size, 1)
    sample_bytes = integer("sample_bytes", sample_bytes, 1)
    content_bytes, sample = _sample(source, sample_bytes)
    known = knowledge_argument(knowledge, prior)
    coded_bytes, seconds, model_bytes = _core.probe(
        sample, content_bytes, number, block_size, transform_name(transform), known
    )
    scale = content_bytes / max(len(sample), 1)
    block_bytes = block_size or _core.presets()[number - 1][2] or content_bytes
    blocks = max(-(-content_bytes // block_bytes), 1)
    workers = min(threads, blocks)
    # Each further worker holds its block's content and payload beside its model.
    waiting_bytes = 2 * min(block_bytes, content_bytes) if workers > 1 else 0
    return Estimate(
        content_bytes=content_bytes,
        archive_bytes=round(coded_bytes * scale),
        seconds=seconds * scale / min(workers, os.cpu_count() or 1),
        memory_bytes=workers * (model_bytes + waiting_bytes),
        threads=workers,
    )


def _sample(source: StrPath | ReadableBuffer | BinaryIO, sample_bytes: int) -> tuple[int, bytes]:
    """Length of the content, and evenly spaced pieces of it."""
    if isinstance(source, (str, os.PathLike)):
        with Path(source).open("rb") as opened:
            return _sample(opened, sample_bytes)
    file = cast("BinaryIO", source) if hasattr(source, "read") else io.BytesIO(source)
    position = file.tell()
    content_bytes = file.seek(0, io.SEEK_END)
    piece_bytes = -(-sample_bytes // _PIECES)
    pieces = []
    try:
        if content_bytes <= sample_bytes:
            file.seek(0)
            return content_bytes, file.read(content_bytes)
        for piece in range(_PIECES):
            file.seek((content_bytes - piece_bytes) * piece // (_PIECES - 1))
            pieces.append(file.read(piece_bytes))
    finally:
        file.seek(position)
    return content_bytes, b"".join(pieces)
