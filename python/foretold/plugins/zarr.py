"""The codec ``"foretold"`` for Zarr version 3.

Examples
--------
>>> import numpy as np, zarr
>>> from foretold.plugins.zarr import ForetoldCodec
>>> array = zarr.create_array({}, data=np.arange(6), chunks=(3,), compressors=ForetoldCodec(preset=3))
>>> array[2:5]
array([2, 3, 4])
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zarr.abc.codec import BytesBytesCodec
from zarr.registry import register_codec

import foretold
from foretold.plugins._options import Options

if TYPE_CHECKING:
    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer

__all__ = ["ForetoldCodec"]


@dataclass(frozen=True)
class ForetoldCodec(Options, BytesBytesCodec):
    """Compress chunks with foretold.

    Zarr works on as many chunks at once as its ``threading.max_workers`` allows, each with a model
    of its own; see :data:`foretold.PRESETS` for the memory of one.

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

    is_fixed_size = False

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ForetoldCodec:
        """Make the codec from its entry in an array's metadata."""
        return cls(**data.get("configuration", {}))

    def to_dict(self) -> dict[str, Any]:
        """Return the codec's entry in an array's metadata.

        Raises
        ------
        ParameterError
            If the prior is no path.
        """
        return {"name": "foretold", "configuration": self.as_json()}

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        """Refuse: what an archive takes depends on the content."""
        raise NotImplementedError

    # On other threads than the event loop's, which would have to wait. Without the methods
    # _encode_sync and _decode_sync, with which a codec offers to be called on that thread.

    async def _encode_single(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> Buffer:
        content = chunk_data.as_numpy_array()
        archive = await asyncio.to_thread(foretold.compress, content, **self.coding())
        return chunk_spec.prototype.buffer.from_bytes(archive)

    async def _decode_single(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> Buffer:
        archive = chunk_data.as_numpy_array()
        content = await asyncio.to_thread(foretold.decompress, archive, **self.decoding())
        return chunk_spec.prototype.buffer.from_bytes(content)


register_codec("foretold", ForetoldCodec)
