"""The codec ``"foretold"`` for numcodecs, and so for Zarr version 2.

Examples
--------
>>> import numcodecs, numpy as np
>>> codec = numcodecs.get_codec({"id": "foretold", "preset": 3})
>>> archive = codec.encode(np.arange(4, dtype=np.int16))
>>> np.frombuffer(codec.decode(archive), np.int16)
array([0, 1, 2, 3], dtype=int16)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numcodecs.abc import Codec
from numcodecs.compat import ensure_contiguous_ndarray, ndarray_copy
from numcodecs.registry import register_codec

import foretold
from foretold.plugins._options import Options

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

__all__ = ["Foretold"]


@dataclass(frozen=True)
class Foretold(Options, Codec):
    """Compress chunks with foretold.

    Parameters
    ----------
    preset : int or "max"
        1 (fast) to 9 (strong), or ``"max"`` (smallest, slowest); 5 by default.
    knowledge : {"auto", "frozen", "none"}, optional
        As in :func:`foretold.compress`.
    prior : path, bytes or foretold.Prior, optional
        As in :func:`foretold.compress`. Only a path can be kept in metadata; the file must be there
        wherever the chunks are read.

    Raises
    ------
    ParameterError
        If an argument is out of range.
    """

    codec_id = "foretold"

    def encode(self, buf: ReadableBuffer) -> bytes:
        """Compress a chunk.

        Parameters
        ----------
        buf : contiguous buffer or array of any shape, in C or Fortran order
            The chunk. Its bytes are compressed in the order in which they lie in memory.

        Returns
        -------
        bytes
            The archive.

        Raises
        ------
        TypeError
            If it is an array of objects.
        ValueError
            If it is not contiguous.
        """
        return foretold.compress(ensure_contiguous_ndarray(buf), **self.coding())

    def decode(self, buf: ReadableBuffer, out: WriteableBuffer | None = None) -> Any:
        """Decompress a chunk.

        Parameters
        ----------
        buf : contiguous buffer
            The archive.
        out : contiguous buffer or array, exactly as long as the content, optional
            Where to put the content.

        Returns
        -------
        bytes, or `out` as an array
            The content.

        Raises
        ------
        ForetoldError
            As in :func:`foretold.decompress`; :class:`OutputLimitError` if `out` is too short.
        ValueError
            If `out` is too long.
        """
        archive = ensure_contiguous_ndarray(buf)
        if out is None:
            return foretold.decompress(archive, **self.decoding())
        most = ensure_contiguous_ndarray(out).nbytes
        return ndarray_copy(foretold.decompress(archive, max_output=most, **self.decoding()), out)

    def get_config(self) -> dict[str, Any]:
        """Return what :meth:`from_config` makes this codec from again, and its ``id``.

        Raises
        ------
        ParameterError
            If the prior is no path.
        """
        return {"id": self.codec_id, **self.as_json()}


register_codec(Foretold)
