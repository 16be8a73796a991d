"""``compression="foretold"`` for fsspec, inferred from the suffix ``.ftd``.

Examples
--------
>>> import fsspec
>>> import foretold.plugins.fsspec
>>> with fsspec.open("memory://notes.ftd", "wt", compression="infer") as file:
...     file.write("one line")
8
>>> with fsspec.open("memory://notes.ftd", "rb", compression="foretold") as file:
...     file.read()
b'one line'
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, BinaryIO

from fsspec.compression import register_compression

import foretold
from foretold._arguments import DEFAULT_PRESET, Knowledge, Preset
from foretold.plugins._options import SUFFIX, Options

if TYPE_CHECKING:
    from foretold.plugins._options import PriorLike

__all__ = ["register"]


class _Content(foretold.File):
    """Content of an archive that no one else will close, as with ``filesystem.open(compression=...)``."""

    _archive: BinaryIO | None = None

    def __init__(self, archive: BinaryIO, mode: Any, **options: Any) -> None:
        super().__init__(archive, mode, **options)
        self._archive = archive

    def flush(self) -> None:
        """Wait for more: fsspec flushes whatever it closes, which would cost ratio."""
        if self.closed:
            raise ValueError("I/O operation on closed file")

    def close(self) -> None:
        """End the archive if writing, and close its file."""
        try:
            super().close()
        finally:
            if self._archive is not None:
                self._archive.close()


def _open(defaults: Options, archive: BinaryIO, mode: str = "rb", **options: Any) -> foretold.File:
    return _Content(archive, mode, **{**defaults.opening(mode), **options})


def register(
    preset: Preset = DEFAULT_PRESET,
    *,
    knowledge: Knowledge | None = None,
    prior: PriorLike | None = None,
) -> None:
    """Make foretold known to fsspec, in place of what was registered before.

    Importing this module does so with the defaults. fsspec passes no options on when it opens a
    file, so they are chosen here, for all files of this process.

    Parameters
    ----------
    preset : int or "max"
        As in :func:`foretold.compress`, for writing.
    knowledge : {"auto", "frozen", "none"}, optional
        As in :func:`foretold.compress`, for writing.
    prior : path, bytes or foretold.Prior, optional
        As in :func:`foretold.compress`, for both directions.

    Raises
    ------
    ParameterError
        If an argument is out of range.
    """
    callback = functools.partial(_open, Options(preset, knowledge, prior))
    register_compression("foretold", callback, SUFFIX[1:], force=True)


register()
