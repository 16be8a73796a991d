"""Traces: bit by bit, what a preset's models say of a text and what came.

A row stands for one bit of one coded byte, the highest first, or for one decision where the prior has a
tree of them (presets 1 to 7); a text is coded as one block, without a tree of its own, and without a
mixer network: a trace is what one would hear. Structured text, where it is a kind of its own
(presets 8, 9 and max from nothing), has other contexts among the same inputs.

===========  ==================  ================================================================
``logits``   (N, K) int16        Opinions, ln(p / (1 - p)) of a one in units of 1/256, named by
                                 ``columns``. First the voices: each first-layer weight set
                                 (``set: ...``), the second layer (``mixed``), each APM, the network.
                                 Then what is coded (``final``). Then order 0; of each match model its
                                 logit, how far its probability is from even (in units of 1/2048) and
                                 its signed length (in units of 1/16 byte, at most 32 bytes); how far
                                 the network's probability is from even (in units of 1/1024). Then
                                 all inputs of the mixer, ``input 0`` and so on, in its own units.
``contexts`` (N, 10) uint8       What it was conditioned on, named by ``context_names``: position
                                 of the bit, the bits with a one before them that all bytes which are
                                 still possible have in common, the last byte and the one before it,
                                 class of the last byte (0 to 7), how many of orders 1 to 6 have been
                                 seen, how many contexts have, the length class of a match that holds,
                                 the byte it expects, letters of the word so far (15 at most).
``p1_q22``   (N,) uint32         What is coded: the probability of a one in units of 2^-22.
``bits``     (N,) uint8          What came.
===========  ==================  ================================================================
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors
import safetensors.numpy

import foretold
from foretold import _core
from foretold._arguments import as_input, integer, knowledge_argument, preset_number, transform_name
from foretold._replacing import replacing
from foretold.errors import FormatError, ParameterError
from foretold.knowledge.english import HELD_SHARE, is_held

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from _typeshed import ReadableBuffer, StrPath
    from numpy.typing import NDArray

    from foretold._arguments import Knowledge, Preset, PriorLike, Transform

__all__ = ["Traces", "collect", "read_shard", "split", "trace"]

_VERSION = "1"


@dataclasses.dataclass(frozen=True)
class Traces:
    """Consecutive bits of a text: see the module for shapes and units."""

    logits: NDArray[np.int16]
    contexts: NDArray[np.uint8]
    p1_q22: NDArray[np.uint32]
    bits: NDArray[np.uint8]
    columns: tuple[str, ...]
    context_names: tuple[str, ...]
    at: int
    """Coded bytes of the text before the first of these."""

    def code_length(self) -> float:
        """Bits that these bits cost."""
        p1 = self.p1_q22 / 2**22
        return float(-np.log2(np.where(self.bits != 0, p1, 1 - p1)).sum())


def trace(
    data: ReadableBuffer,
    preset: Preset = "max",
    *,
    transform: Transform = "auto",
    knowledge: Knowledge = "auto",
    prior: PriorLike | None = None,
    piece_bytes: int = 1 << 14,
    share: float = 1.0,
    start: int = 0,
) -> Iterator[Traces]:
    """Code a text as one block and tell what its models say, piece by piece.

    Parameters
    ----------
    data : bytes or any C-contiguous buffer
        A text: of other contents nothing is told.
    preset, transform, knowledge, prior
        As in :func:`foretold.compress`.
    piece_bytes : int
        Coded bytes of a piece; the last one is shorter. A row of preset max takes 675 bytes.
    share : float
        Share of the pieces that are told of, spread evenly; the models learn the others as well.
    start : int
        Nothing is told of pieces that begin before so many coded bytes.

    Yields
    ------
    Traces
        Eight rows for each coded byte; at presets 1 to 7 with a prior that has a tree of decisions as
        many as the byte takes, 1 to 12.

    Raises
    ------
    ParameterError
        If an argument is out of range, or part of the content is no text.
    """
    piece_bytes = integer("piece_bytes", piece_bytes, 1)
    if not 0 < share <= 1:
        raise ParameterError(f"share must be above 0 and at most 1, found {share}")
    number = preset_number(preset)
    columns, context_names = _core.trace_columns(number)
    tracer = _core.Tracer(
        as_input(data), number, transform_name(transform), knowledge_argument(knowledge, prior)
    )
    at = piece = 0
    while True:
        # The pieces at which the share, added up, reaches a whole number.
        if at < start or int((piece + 1) * share) == int(piece * share):
            done = tracer.skip(piece_bytes)
        else:
            rows = tracer.most_rows * piece_bytes
            logits = np.empty((rows, len(columns)), np.int16)
            contexts = np.empty((rows, len(context_names)), np.uint8)
            p1_q22, bits = np.empty(rows, np.uint32), np.empty(rows, np.uint8)
            rows, done = tracer.fill(logits, contexts, p1_q22, bits)
            if rows:
                yield Traces(
                    logits[:rows],
                    contexts[:rows],
                    p1_q22[:rows],
                    bits[:rows],
                    tuple(columns),
                    tuple(context_names),
                    at,
                )
        if done < piece_bytes:
            return
        at += done
        piece += 1


def collect(
    files: Iterable[StrPath],
    output: StrPath,
    preset: Preset = "max",
    *,
    transform: Transform = "auto",
    knowledge: Knowledge = "auto",
    prior: PriorLike | None = None,
    shard_bytes: int = 1 << 17,
    share: float = 1.0,
    progress: Callable[[Path], None] | None = None,
) -> list[Path]:
    """Keep the traces of files, a shard for each piece of a file.

    Called again with the same arguments, it goes on where it was stopped: shards appear under
    their names when they are complete, and files all of whose shards are there are not coded
    again.

    Parameters
    ----------
    files : iterable of paths
        Texts. Each is a block of its own.
    output : path
        The folder of the shards, made if need be: ``NAME-KEY-00000.safetensors`` and so on, where
        the key depends on the file's content and the arguments.
    preset, transform, knowledge, prior
        As in :func:`foretold.compress`.
    shard_bytes : int
        Coded bytes of a shard. One of preset max takes 792 bytes for each.
    share : float
        Share of the shards that are kept, see :func:`trace`.
    progress : callable, optional
        Told each shard's path when it is there.

    Returns
    -------
    list of paths
        All shards, in the order of files and within them.

    Raises
    ------
    ParameterError
        If an argument is out of range, or a file is no text.
    """
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    found: list[Path] = []
    for path in map(Path, files):
        content = path.read_bytes()
        facts = {
            "file": path.name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "preset": preset_number(preset),
            "transform": transform_name(transform),
            "knowledge": _name_of(knowledge_argument(knowledge, prior)),
            "shard_bytes": shard_bytes,
            "share": share,
            "foretold": foretold.__version__,
        }
        key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:8]
        stem = f"{path.name}-{key}"
        complete = folder / f"{stem}.json"
        if not complete.exists():
            there = sorted(folder.glob(f"{stem}-*.safetensors"))
            start = 0 if not there else int(read_metadata(there[-1])["at"]) + 1
            for shard in trace(
                content,
                preset,
                transform=transform,
                knowledge=knowledge,
                prior=prior,
                piece_bytes=shard_bytes,
                share=share,
                start=start,
            ):
                target = folder / f"{stem}-{shard.at // shard_bytes:05d}.safetensors"
                _write_shard(target, shard, facts)
                if progress is not None:
                    progress(target)
            with replacing(complete) as partial:
                partial.write_text(json.dumps(facts), encoding="utf-8")
        found += sorted(folder.glob(f"{stem}-*.safetensors"))
    return found


def split(folder: StrPath, *, held_share: float = HELD_SHARE) -> tuple[list[Path], list[Path]]:
    """Files below a folder to learn from, and those that are held out by their names.

    If the names hold out none or all, the last of their order is held out.

    Raises
    ------
    ParameterError
        If there are fewer than two.
    """
    paths = sorted(path for path in Path(folder).rglob("*") if path.is_file() and path.stat().st_size)
    if len(paths) < 2:
        raise ParameterError(f"{folder} has {len(paths)} files with anything in them, 2 are needed")
    held = [path for path in paths if is_held(path.name, held_share)]
    if not 0 < len(held) < len(paths):
        held = paths[-1:]
    return [path for path in paths if path not in held], held


def _name_of(knowledge: str | _core.Prior) -> str:
    return knowledge if isinstance(knowledge, str) else knowledge.digest


def _write_shard(path: Path, traces: Traces, facts: dict[str, Any]) -> None:
    tensors = {
        "logits": traces.logits,
        "contexts": traces.contexts,
        "p1_q22": traces.p1_q22,
        "bits": traces.bits,
    }
    metadata = {
        "kind": "foretold.traces",
        "version": _VERSION,
        "columns": json.dumps(traces.columns),
        "context_names": json.dumps(traces.context_names),
        "at": str(traces.at),
        "facts": json.dumps(facts),
    }
    with replacing(path) as partial:
        safetensors.numpy.save_file(tensors, partial, metadata)


def read_metadata(path: StrPath) -> dict[str, str]:
    """What a shard says of itself."""
    try:
        with safetensors.safe_open(os.fspath(path), framework="np") as file:
            metadata = dict(file.metadata() or {})
    except safetensors.SafetensorError as error:
        raise FormatError(f"{path} is no safetensors file: {error}") from None
    if (metadata.get("kind"), metadata.get("version")) != ("foretold.traces", _VERSION):
        raise FormatError(f"{path} has no traces of version {_VERSION}")
    return metadata


def read_shard(path: StrPath) -> Traces:
    """Read a shard that :func:`collect` wrote.

    Raises
    ------
    FormatError
        If the file is something else.
    """
    metadata = read_metadata(path)
    with safetensors.safe_open(os.fspath(path), framework="np") as file:
        return Traces(
            file.get_tensor("logits"),
            file.get_tensor("contexts"),
            file.get_tensor("p1_q22"),
            file.get_tensor("bits"),
            tuple(json.loads(metadata["columns"])),
            tuple(json.loads(metadata["context_names"])),
            int(metadata["at"]),
        )
