"""Files that end in ``.ftd`` for smart_open.

Examples
--------
>>> import smart_open, tempfile
>>> import foretold.plugins.smart_open
>>> with tempfile.TemporaryDirectory() as folder:
...     with smart_open.open(f"{folder}/notes.ftd", "w", encoding="utf-8") as file:
...         file.write("one line")
...     with smart_open.open(f"{folder}/notes.ftd", "rb") as file:
...         file.read()
8
b'one line'
"""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from smart_open import register_compressor

import foretold
from foretold._arguments import DEFAULT_PRESET, Knowledge, Preset
from foretold.plugins._options import SUFFIX, Options

if TYPE_CHECKING:
    from typing import IO

    from foretold.plugins._options import PriorLike

__all__ = ["register"]


def _open(defaults: Options, archive: BinaryIO, mode: str, **options: Any) -> IO[bytes]:
    content: Any = foretold.open(archive, cast("Any", mode), **{**defaults.opening(mode), **options})
    # Its flush stops at the buffer: text files flush before they close, which would cost ratio.
    return cast("IO[bytes]", content if "r" in mode else io.BufferedWriter(content))


def register(
    preset: Preset = DEFAULT_PRESET,
    *,
    knowledge: Knowledge | None = None,
    prior: PriorLike | None = None,
) -> None:
    """Make foretold known to smart_open, in place of what was registered before.

    Importing this module does so with the defaults; for one file ``smart_open.open`` takes others
    as ``compression_kwargs``. smart_open logs a warning when a suffix is registered again.

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
    register_compressor(SUFFIX, functools.partial(_open, Options(preset, knowledge, prior)))


register()
