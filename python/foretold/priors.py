"""Priors: what a model may know before it sees the first byte."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

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
    named_preset,
    preset_number,
    transform_name,
)
from foretold._replacing import replacing
from foretold.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed import ReadableBuffer, StrPath

__all__ = ["Prior", "train_prior"]


class Prior:
    """What a model may know before it sees the first byte.

    Archives made with a prior name it by its digest and decompress with the same one only. One
    comes with the package, :meth:`english`, and is used by default where a content is smaller for it;
    others are files that users keep.

    Parameters
    ----------
    source : path or buffer
        The prior's file, or its bytes.

    Raises
    ------
    PriorError
        If it is no prior, or a damaged one.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import foretold
    >>> foretold.Prior.english().name
    'English'
    """

    __slots__ = ("_inner",)

    _inner: _core.Prior

    def __init__(self, source: StrPath | ReadableBuffer) -> None:
        if isinstance(source, (str, os.PathLike)):
            self._inner = _core.Prior(Path(source).read_bytes(), os.fspath(source))
        else:
            self._inner = _core.Prior(as_input(source), "in memory")

    @classmethod
    def english(cls, *, frozen: bool = False) -> Prior:
        """Return a prior that comes with the package: English, as in books and encyclopedia.

        Parameters
        ----------
        frozen : bool
            Whether the network of preset ``"max"`` stays as it is: ``knowledge="frozen"``.
        """
        return cls._of(_core.Prior.english(frozen))

    @classmethod
    def _of(cls, inner: _core.Prior) -> Prior:
        prior = cls.__new__(cls)
        prior._inner = inner
        return prior

    @property
    def name(self) -> str:
        """What its maker called it."""
        return self._inner.name

    @property
    def digest(self) -> str:
        """BLAKE3 of its content, 64 hexadecimal digits."""
        return self._inner.digest

    @property
    def preset(self) -> Preset | None:
        """The preset it is for, 1 to 9 or ``"max"``; None if it is for all."""
        number = self._inner.preset
        return None if number is None else named_preset(number)

    @property
    def network(self) -> tuple[int, int] | None:
        """Layers and units of the network that preset ``"max"`` starts with; None without one."""
        return self._inner.network

    @property
    def network_gates(self) -> int | None:
        """Gates of that network's cells, 3 or 4; None without one."""
        return self._inner.network_gates

    @property
    def network_hears_match(self) -> bool:
        """Whether that network hears what match models expect."""
        return self._inner.network_hears_match

    @property
    def has_frozen_network(self) -> bool:
        """Whether that network stays as it is."""
        return self._inner.has_frozen_network

    def with_network(
        self, weights: StrPath | ReadableBuffer, *, name: str | None = None, frozen: bool = False
    ) -> Prior:
        """Return the same prior with a network for preset ``"max"`` to start with.

        Parameters
        ----------
        weights : path or buffer
            A safetensors file as ``foretold train bytelm`` writes it: at most two layers of 384
            units.
        name : str, optional
            What to call the new prior; the old one's name unless given.
        frozen : bool
            Whether the network stays as it is and computes with integers, which takes a fraction of
            the time and gives larger archives. Its weights must be int8 or int4.

        Returns
        -------
        Prior
            With a digest of its own. Other presets do with it what they did with the old one.

        Raises
        ------
        PriorError
            If the weights are damaged, of another shape, or too large.
        """
        called = self.name if name is None else name
        return self._of(self._inner.with_network(called, as_weights(weights), bool(frozen)))

    @property
    def mixer(self) -> int | None:
        """Units of its mixer network, for preset 9 or ``"max"``; None without one."""
        return self._inner.mixer

    def with_mixer(self, weights: StrPath | ReadableBuffer, *, name: str | None = None) -> Prior:
        """Return the same prior with a mixer network, which corrects what preset 9 or ``"max"`` predicts.

        Parameters
        ----------
        weights : path or buffer
            A safetensors file as ``foretold train mixer`` writes it.
        name : str, optional
            What to call the new prior; the old one's name unless given.

        Returns
        -------
        Prior
            With a digest of its own. Presets that the network is not for do with it what they did with the
            old one.

        Raises
        ------
        PriorError
            If the weights are damaged, of another shape, or too large.
        """
        called = self.name if name is None else name
        return self._of(self._inner.with_mixer(called, as_weights(weights)))

    @property
    def file_bytes(self) -> int:
        """Length of its file."""
        return self._inner.file_bytes

    def __bytes__(self) -> bytes:
        return self._inner.to_bytes()

    def save(self, path: StrPath) -> None:
        """Write its file. An existing one is replaced when the new one is complete.

        Parameters
        ----------
        path : path
            The file, by convention with the suffix ``.ftp``.
        """
        with replacing(path) as partial:
            partial.write_bytes(bytes(self))

    def __repr__(self) -> str:
        return f"<foretold.Prior {self.name!r} {self.digest[:8]}, {self.file_bytes} bytes>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Prior) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple[type[Prior], tuple[bytes]]:
        return type(self), (bytes(self),)


def train_prior(
    samples: Iterable[ReadableBuffer],
    preset: Preset = DEFAULT_PRESET,
    *,
    name: str = "",
    max_bytes: int = 64 << 20,
    transform: Transform = "auto",
    knowledge: Knowledge = "auto",
    progress: Progress = None,
) -> Prior:
    """Make a prior from texts like those that are to be compressed.

    The preset's model reads them one after the other, and what it has learned is kept: of what
    followed what, as much as `max_bytes` allow, the most frequent first; how far each of its
    models can be trusted; and the last half MiB, to find it again. How far to trust them is tried
    on some samples, above all the newest, before they are read as well. The result depends on
    the arguments alone.

    Parameters
    ----------
    samples : iterable of bytes or other C-contiguous buffers
        The texts: messages, records, documents. Half a MiB is worth having, tens of MiB help. They
        are best cut as what is to be compressed will be, and the newest stand last.
    preset : int or "max"
        1 to 9, or ``"max"``. The prior is for this preset alone.
    name : str
        What to call it, at most 255 bytes of UTF-8.
    max_bytes : int
        Length of its file, about, at most.
    transform, knowledge
        As in :func:`compress`. With ``"auto"`` the prior builds upon English if the first 256 KiB
        of the samples are that; else, at presets 3 and above, if they are records, logs or tables,
        texts that start from it have the models of these (not with ``transform="words"``).
    progress : callable, optional
        Called now and then with the number of bytes read so far, in the end twice the samples'.

    Returns
    -------
    Prior
        To be given to compression and decompression, and to be kept: archives made with it cannot
        be decompressed without it.

    Raises
    ------
    PriorError
        If there is nothing in the samples.
    ParameterError
        If an argument is out of range.

    Examples
    --------
    >>> import foretold
    >>> messages = [b'{"user": %d, "state": "ready"}' % number for number in range(400)]
    >>> prior = foretold.train_prior(messages[:300], preset=2, name="states")
    >>> archive = foretold.compress(messages[350], preset=2, prior=prior)
    >>> len(archive) < len(foretold.compress(messages[350], preset=2))
    True
    >>> foretold.decompress(archive, prior=prior) == messages[350]
    True
    """
    if isinstance(samples, (bytes, bytearray, memoryview, str)):
        raise TypeError(f"samples must be a list of texts, found {type(samples).__name__}")
    if len(name.encode()) > 255:
        raise ParameterError(f"name must be at most 255 bytes of UTF-8, found {len(name.encode())}")
    file = _core.train_prior(
        [as_input(sample) for sample in samples],
        name,
        preset_number(preset),
        integer("max_bytes", max_bytes, 1),
        transform_name(transform),
        knowledge_argument(knowledge, None),
        progress,
    )
    return Prior(file)
