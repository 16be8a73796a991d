"""What byte networks are trained on: corpora as foretold's models see them, cut into lanes.

A corpus is a folder. Each file becomes the bytes that a model would see of it: text after the word
transform with the English dictionary that comes with the package. Files are held out by a hash of
their names, so that the choice survives new files, moves and other machines. A document is a file,
or a part of one that begins with a line such as ``<page>`` or ``<doc id=``.

Training reads many streams at once, the lanes. Pieces of files are laid end to end in random order,
and each lane reads its share from the left to the right, so that states can be carried.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import itertools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import foretold
from foretold import _core
from foretold._replacing import replacing
from foretold.errors import ParameterError
from foretold.knowledge.english import HELD_SHARE, is_held

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import StrPath
    from numpy.typing import NDArray

__all__ = ["HELD_SHARE", "Corpus", "DataFile", "Lanes", "Window", "expectations", "read_corpus"]

MARKERS = (b"<doc id=", b"<page>", b"==== FILE: ")
"""How lines begin with which a document begins inside a file."""

_PROSE = b"It was late, she said, and nobody walked in the garden any more; it had been dark for hours. " * 40


@dataclasses.dataclass(frozen=True)
class DataFile:
    """One file of a corpus."""

    name: str
    """Its path below the folder, with forward slashes."""
    size_bytes: int
    sha256: str
    coded_bytes: int
    """Length of what a model sees of it."""
    held: bool
    """Whether it is kept for measuring."""


@dataclasses.dataclass(frozen=True)
class Corpus:
    """Files as their models see them, end to end.

    Attributes
    ----------
    coded : (N,) uint8
        Files' coded bytes. Those held out come last.
    starts : (F + 1,) int64
        Where each file begins; at the end ``N``.
    documents : (D,) int64
        Where each document begins, in ascending order; each file's beginning is among them.
    train_bytes : int
        How many of the bytes are for training: those before it.
    files : tuple of DataFile
        In the order of ``coded``.
    """

    coded: NDArray[np.uint8]
    starts: NDArray[np.int64]
    documents: NDArray[np.int64]
    train_bytes: int
    files: tuple[DataFile, ...]

    @property
    def held(self) -> NDArray[np.uint8]:
        """The bytes kept for measuring."""
        return self.coded[self.train_bytes :]

    @property
    def digest(self) -> str:
        """SHA-256 of names, contents and roles of the files: what the result of training depends on."""
        return _digest([(file.name, file.sha256, file.held) for file in self.files])


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


@functools.cache
def _document_pattern(english: bool) -> re.Pattern[bytes]:
    """The beginning of a line that begins a document, as it is and as the word transform writes it."""
    forms = list(MARKERS)
    for marker in MARKERS:
        coded = _core.coded_bytes(_PROSE + b"\n" + marker + b"\n" + _PROSE, english)
        forms.append(coded.split(b"\n")[1])
    return re.compile(rb"^[ \t]*(?:" + b"|".join(re.escape(form) for form in forms) + b")", re.MULTILINE)


def document_starts(coded: bytes, *, english: bool = True) -> list[int]:
    """Where documents begin in a file's coded bytes; the first begins at 0.

    >>> document_starts(b"<page>one</page>" + bytes([10]) + b"<page>two</page>")
    [0, 17]
    """
    found = [match.start() for match in _document_pattern(english).finditer(coded)]
    return found if found[:1] == [0] else [0, *found]


def read_corpus(
    folder: StrPath,
    *,
    cache: StrPath | None = None,
    english: bool = True,
    held_share: float = HELD_SHARE,
    progress: Callable[[str], None] | None = None,
) -> Corpus:
    """Read the files below a folder as a model sees them.

    Parameters
    ----------
    folder : path
        The texts. Empty files are left out.
    cache : path, optional
        A folder to keep the coded bytes in. They are read back through a memory map as long as
        names, contents and the transform are the same.
    english : bool
        Code words with the English dictionary, as presets do where a content is English.
    held_share : float
        Share of the files to hold out. If the hash picks none, the file that comes closest is
        held; of a single file, the last sixteenth.
    progress : callable, optional
        Told each file's name.

    Returns
    -------
    Corpus

    Raises
    ------
    ParameterError
        If there is nothing to read.
    """
    root = Path(folder)
    paths = sorted(path for path in root.rglob("*") if path.is_file() and path.stat().st_size)
    if not paths:
        raise ParameterError(f"{root} has no files with anything in them")
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    held = [is_held(path.name, held_share) for path in paths]
    if not any(held) and len(paths) > 1:
        held[min(range(len(paths)), key=lambda at: hashlib.sha256(paths[at].name.encode()).digest())] = True
    if all(held) and len(paths) > 1:
        held[max(range(len(paths)), key=lambda at: hashlib.sha256(paths[at].name.encode()).digest())] = False
    order = sorted(range(len(paths)), key=lambda at: held[at])
    names = [paths[at].relative_to(root).as_posix() for at in order]
    key = _digest(
        {
            "files": [(name, digests[at], held[at]) for name, at in zip(names, order, strict=True)],
            "english": english,
            "transform": [foretold.__version__, hashlib.sha256(_probe(english)).hexdigest()],
            "markers": [marker.decode() for marker in MARKERS],
        }
    )
    kept = None if cache is None else Path(cache) / f"corpus-{key[:16]}"
    if kept is None or not kept.with_suffix(".json").exists():
        coded, starts, documents, files = [], [0], [], []
        for name, at in zip(names, order, strict=True):
            if progress is not None:
                progress(name)
            content = paths[at].read_bytes()
            code = _core.coded_bytes(content, english)
            documents += [starts[-1] + start for start in document_starts(code, english=english)]
            starts.append(starts[-1] + len(code))
            files.append(DataFile(name, len(content), digests[at], len(code), held[at]))
            coded.append(code)
        bytes_ = np.frombuffer(b"".join(coded), np.uint8)
        facts: dict[str, Any] = {
            "starts": starts,
            "documents": documents,
            "files": [dataclasses.asdict(f) for f in files],
        }
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            with replacing(kept.with_suffix(".u8")) as partial:
                partial.write_bytes(bytes_.tobytes())
            # The last to appear: what it describes is complete.
            with replacing(kept.with_suffix(".json")) as partial:
                partial.write_bytes(json.dumps(facts).encode())
    if kept is not None:
        facts = json.loads(kept.with_suffix(".json").read_bytes())
        bytes_ = np.memmap(kept.with_suffix(".u8"), np.uint8, mode="r")
    found = tuple(DataFile(**file) for file in facts["files"])
    train_bytes = sum(file.coded_bytes for file in found if not file.held)
    if len(found) == 1:
        train_bytes = len(bytes_) - len(bytes_) // 16
    return Corpus(
        bytes_,
        np.array(facts["starts"], np.int64),
        np.array(facts["documents"], np.int64),
        train_bytes,
        found,
    )


def _probe(english: bool) -> bytes:
    """What shows that the transform or its dictionary changed."""
    return _core.coded_bytes(_PROSE, english)


def expectations(coded: NDArray[np.uint8], starts: NDArray[np.int64] | None = None) -> NDArray[np.uint8]:
    """What match models expect in the place of each byte, as preset max would ask them.

    Parameters
    ----------
    coded : (N,) uint8
        Coded bytes.
    starts : (F + 1,) int64, optional
        Where files begin, and the end: nothing is remembered from one to the next.

    Returns
    -------
    (N, 2) uint8
        The byte, and the class of the match's length, 0 if there is none.

    Examples
    --------
    >>> expectations(np.frombuffer(b"to be or not to be", np.uint8))[-3:].tolist()
    [[32, 2], [98, 2], [101, 3]]
    """
    bounds = [0, len(coded)] if starts is None else starts.tolist()
    parts = [
        _core.expectations(np.ascontiguousarray(coded[begin:end]))
        for begin, end in itertools.pairwise(bounds)
    ]
    return np.concatenate(parts).reshape(-1, 2)


@dataclasses.dataclass(frozen=True)
class Window:
    """The same steps of all lanes.

    Attributes
    ----------
    x, y : (T, B) int64
        Bytes read, and the bytes that followed them.
    resets : (T, B) bool
        Where the text does not go on from what the lane read before.
    expected : (T, B, 2) int64 or None
        What match models expect in the place of ``y``, and their class; None if that was not asked.
    """

    x: NDArray[np.int64]
    y: NDArray[np.int64]
    resets: NDArray[np.bool_]
    expected: NDArray[np.int64] | None = None


class Lanes:
    """Pieces of files in random order, laid end to end and cut into lanes of one length.

    Nothing is copied: a window is gathered from the corpus. The order depends on the seed and the
    epoch alone, so a training run can be continued from two numbers.

    Parameters
    ----------
    corpus : Corpus
        Its training part is used.
    lanes : int
        Streams read at once.
    seed : int
        Decides the order.
    piece_bytes : int
        Files are cut into pieces of so many bytes, the last one shorter.
    share : (int, int)
        ``(rank, world)``: this process reads lanes ``rank * lanes`` and following of
        ``world * lanes``.
    with_expected : bool
        Ask match models.

    Raises
    ------
    ParameterError
        If a lane would have less than two bytes.
    """

    def __init__(
        self,
        corpus: Corpus,
        lanes: int,
        *,
        seed: int = 1,
        piece_bytes: int = 65536,
        share: tuple[int, int] = (0, 1),
        with_expected: bool = False,
    ) -> None:
        ends = np.minimum(corpus.starts[1:], corpus.train_bytes)
        self._begin = np.concatenate(
            [np.arange(start, end, piece_bytes) for start, end in zip(corpus.starts, ends, strict=False)]
        ).astype(np.int64)
        last = np.concatenate(
            [
                np.minimum(np.arange(start, end, piece_bytes) + piece_bytes, end)
                for start, end in zip(corpus.starts, ends, strict=False)
            ]
        )
        self._length = (last - self._begin).astype(np.int64)
        self._corpus, self._seed = corpus, seed
        self._expected: NDArray[np.uint8] | None = None
        if with_expected:
            files = corpus.starts[corpus.starts < corpus.train_bytes]
            coded = corpus.coded[: corpus.train_bytes]
            self._expected = expectations(coded, np.append(files, corpus.train_bytes))
        self.lanes = lanes
        rank, world = share
        self.lane_bytes = int(self._length.sum()) // (lanes * world)
        if self.lane_bytes < 2:
            raise ParameterError(f"{int(self._length.sum())} bytes are too few for {lanes * world} lanes")
        self._from = (rank * lanes + np.arange(lanes, dtype=np.int64)) * self.lane_bytes  # (B,)
        documents = corpus.documents[corpus.documents < corpus.train_bytes]
        self._resets = np.union1d(documents, self._begin)
        self._epoch = -1
        self._order = self._ends = np.zeros(0, np.int64)

    def window(self, epoch: int, at: int, steps: int) -> Window:
        """Bytes ``at`` to ``at + steps`` of each lane; ``at + steps`` must be below ``lane_bytes``.

        Windows that follow each other continue the states; a new epoch begins with zero states.
        """
        if not 0 <= at < at + steps < self.lane_bytes:
            raise ParameterError(f"{steps} steps from {at} on pass a lane's {self.lane_bytes} bytes")
        if epoch != self._epoch:
            self._epoch = epoch
            self._order = np.random.default_rng([self._seed, epoch]).permutation(len(self._begin))
            self._ends = np.cumsum(self._length[self._order])
        first = self._from + at  # (B,)
        slot = np.searchsorted(self._ends, first, side="right")
        rest = self._ends[slot] - first
        piece = self._order[slot]
        start = self._begin[piece] + self._length[piece] - rest
        place = start + np.arange(steps + 1, dtype=np.int64)[:, None]  # (T + 1, B)
        next_reset = np.searchsorted(self._resets, start).clip(max=len(self._resets) - 1)
        ahead = self._resets[next_reset] - start
        resets = np.zeros((steps, self.lanes), np.bool_)
        # Most lanes read on; only those that go to another piece, or have a document's beginning
        # before them, are looked at byte by byte.
        for lane in np.flatnonzero((rest <= steps) | ((ahead >= 0) & (ahead < steps))).tolist():
            along = first[lane] + np.arange(steps + 1, dtype=np.int64)
            slots = np.searchsorted(self._ends, along, side="right")
            piece = self._order[slots]
            along = self._begin[piece] + along - (self._ends[slots] - self._length[piece])
            next_reset = np.searchsorted(self._resets, along[:-1]).clip(max=len(self._resets) - 1)
            place[:, lane] = along
            resets[:, lane] = self._resets[next_reset] == along[:-1]
        text = self._corpus.coded[place].astype(np.int64)
        expected = None
        if self._expected is not None:
            expected = self._expected[place[1:]].astype(np.int64)
            # Where a piece ends, what follows is not expected.
            expected[place[1:] != place[:-1] + 1] = 0
        return Window(text[:-1], text[1:], resets, expected)
