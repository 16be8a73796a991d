"""Networks fitted to one content: trained on the very bytes that preset max codes, stored with them.

The content's coded bytes are read several times over, in the last passes with weights rounded as
they will be. The archive then holds the weights, packed, and preset max starts with them: its
network goes on learning as any other. Decoding needs nothing but the archive and the package, and
is exact; training again may give other weights.

Weights cost what they save only where a content is long: :func:`compress` makes both archives and
keeps the smaller.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

import foretold
from foretold import _core
from foretold._arguments import as_input, knowledge_argument, optional_bytes, preset_number, transform_name
from foretold.errors import ParameterError

from .data import Corpus
from .export import export, model_card
from .loop import Settings, Trainer, pick_device
from .lstm import PersistentLSTM

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import ReadableBuffer

    from foretold._arguments import Knowledge, PriorLike, Progress, Transform

__all__ = ["FittedArchive", "FittedWeights", "compress", "fit", "size_for"]

# Units that are possible: the format's panels.
_PANEL = 64
# Coded bytes from which on a network of so many layers and units is taken.
_SIZES = ((0, (1, 64)), (32 << 20, (1, 128)), (128 << 20, (1, 256)), (512 << 20, (2, 384)))


@dataclasses.dataclass(frozen=True)
class FittedWeights:
    """A network that was fitted to a content."""

    file: bytes
    """Its safetensors file: what ``network=`` takes."""
    packed_bytes: int
    """What it takes in an archive."""
    layers: int
    hidden: int
    updates: int
    train_bits: float
    """Bits per coded byte of the last updates."""
    seconds: float


@dataclasses.dataclass(frozen=True)
class FittedArchive:
    """The smaller of two archives of one content."""

    archive: bytes
    is_fitted: bool
    """Whether it is the one that holds weights."""
    fitted_bytes: int
    """Length of that one."""
    unfitted_bytes: int
    """Length of the other."""
    weights: FittedWeights


def size_for(coded_bytes: int) -> tuple[int, int]:
    """Layers and units for a content of so many coded bytes.

    >>> size_for(1_000_000), size_for(1_000_000_000)
    ((1, 64), (2, 384))
    """
    return [size for least, size in _SIZES if coded_bytes >= least][-1]


def fit(
    data: ReadableBuffer,
    *,
    size: tuple[int, int] | None = None,
    gates: int = 3,
    hears_match: bool = False,
    epochs: float = 4.0,
    updates: int | None = None,
    learning_rate: float = 4e-3,
    weights: Literal["int8", "int4"] = "int4",
    seed: int = 1,
    device: str = "auto",
    block_size: int | None = None,
    transform: Transform = "auto",
    knowledge: Knowledge = "auto",
    prior: PriorLike | None = None,
    progress: Callable[[dict[str, Any]], None] | None = None,
) -> FittedWeights:
    """Train a network on what preset max codes of `data`.

    Parameters
    ----------
    data : bytes or any C-contiguous buffer
        The content that is to be compressed.
    size : (int, int), optional
        Layers, 1 to 3, and units of each, a multiple of 64; at most as many as 2 of 384. By default
        :func:`size_for` the content.
    gates : int
        Of a cell: 3, or 4 with an input gate of its own.
    hears_match : bool
        Whether it hears what match models expect.
    epochs : float
        How often the content is read.
    updates : int, optional
        Length of the training instead.
    learning_rate : float
    weights : {"int4", "int8"}
        What matrices become.
    seed : int
        Decides first weights and order.
    device : str
        ``"auto"``, ``"cuda"`` or ``"cpu"``.
    block_size, transform, knowledge, prior
        As they will be given to :func:`foretold.compress`.
    progress : callable, optional
        Told each line of figures.

    Returns
    -------
    FittedWeights

    Raises
    ------
    ParameterError
        If an argument is out of range, or the content has less than 64 coded bytes.
    """
    known = knowledge_argument(knowledge, prior)
    seen = _core.seen_bytes(
        as_input(data),
        preset_number("max"),
        optional_bytes("block_size", block_size, 1),
        transform_name(transform),
        known,
    )
    coded = np.frombuffer(seen, np.uint8)
    if len(coded) < 64:
        raise ParameterError(f"a content of {len(coded)} coded bytes is too short to fit a network to")
    layers, hidden = size_for(len(coded)) if size is None else size
    if not 1 <= layers <= 3 or hidden % _PANEL or not _PANEL <= hidden * layers <= 2 * 384:
        raise ParameterError(
            f"fitted networks have 1 to 3 layers of a multiple of {_PANEL} units, 768 in all at most; "
            f"found {layers} of {hidden}"
        )
    if weights not in ("int8", "int4"):
        raise ParameterError(f"fitted weights are int8 or int4, found {weights!r}")
    steps = min(64, max(8, len(coded) // 64))
    batch = int(np.clip(len(coded) // (64 * steps), 1, 32))
    if updates is None:
        updates = max(8, round(epochs * len(coded) / (steps * batch)))
    rounded = updates // 4
    settings = Settings(
        steps=steps,
        batch=batch,
        updates=max(1, updates - rounded),
        learning_rate=learning_rate,
        warm_up=min(200, updates // 10),
        resets=False,
        seed=seed,
    )
    corpus = Corpus(coded, np.array([0, len(coded)]), np.zeros(1, np.int64), len(coded), ())
    where = pick_device(device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = PersistentLSTM(hidden, layers, gates=gates, hears_match=hears_match)
    started = time.monotonic()
    outcome = Trainer(net, corpus, settings, device=where, progress=progress).run()
    if rounded:
        net.weight_bits = 8 if weights == "int8" else 4
        gentle = dataclasses.replace(
            settings, updates=rounded, learning_rate=learning_rate / 4, warm_up=0, decay=1.0, seed=seed + 1
        )
        outcome = Trainer(net, corpus, gentle, device=where, progress=progress).run()
        net.weight_bits = None
    file = _file(net, weights, updates)
    return FittedWeights(
        file=file,
        packed_bytes=_core.packed_network_bytes(file),
        layers=layers,
        hidden=hidden,
        updates=updates,
        train_bits=outcome.train_bits,
        seconds=time.monotonic() - started,
    )


def _file(net: PersistentLSTM, weights: Literal["int8", "int4"], updates: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "net.safetensors")
        export(net, path, weights, model_card(net, None, updates=updates))
        return path.read_bytes()


def compress(
    data: ReadableBuffer,
    *,
    threads: int = 1,
    checksum: bool = True,
    block_size: int | None = None,
    transform: Transform = "auto",
    knowledge: Knowledge = "auto",
    prior: PriorLike | None = None,
    progress: Progress = None,
    **fitting: Any,
) -> FittedArchive:
    """Compress `data` at preset max with a network fitted to it and without, and keep the smaller.

    Parameters
    ----------
    data : bytes or any C-contiguous buffer
        The content.
    threads, checksum, block_size, transform, knowledge, prior, progress
        As in :func:`foretold.compress`; `progress` counts the content twice.
    **fitting
        ``size``, ``gates``, ``hears_match``, ``epochs``, ``updates``, ``learning_rate``, ``weights``,
        ``seed`` and ``device`` of :func:`fit`.

    Returns
    -------
    FittedArchive
        :func:`foretold.decompress` takes either archive as any other.
    """
    start: dict[str, Any] = {
        "block_size": block_size,
        "transform": transform,
        "knowledge": knowledge,
        "prior": prior,
    }
    found = fit(data, **start, **fitting)
    coding = {"threads": threads, "checksum": checksum, **start}
    with_weights = foretold.compress(data, "max", **coding, network=found.file, progress=progress)
    done = memoryview(data).nbytes
    later = None if progress is None else lambda now: progress(done + now)
    without = foretold.compress(data, "max", **coding, progress=later)
    is_fitted = len(with_weights) < len(without)
    return FittedArchive(
        with_weights if is_fitted else without, is_fitted, len(with_weights), len(without), found
    )
