"""The compressor ``"foretold"`` for joblib, chosen as well by the suffix ``.ftd``.

Its levels are the presets 1 to 9; ``register("max")`` makes the strongest the default. Files are
recognised by their first byte, in processes that have imported this module.

Examples
--------
>>> import joblib, tempfile
>>> import foretold.plugins.joblib
>>> with tempfile.TemporaryDirectory() as folder:
...     _ = joblib.dump(["one", "two"], f"{folder}/words", compress=("foretold", 3))
...     joblib.load(f"{folder}/words")
['one', 'two']
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from joblib import register_compressor
from joblib.compressor import CompressorWrapper

import foretold
from foretold._arguments import DEFAULT_PRESET, Knowledge, Preset
from foretold.plugins._options import SUFFIX, Options

if TYPE_CHECKING:
    from foretold.plugins._options import PriorLike

__all__ = ["register"]

MARK = b"\xf7"
"""What every archive starts with (FORMAT.md, Frames), whatever its kind of member; no pickle does."""


class _Compressor(CompressorWrapper):
    def __init__(self, defaults: Options) -> None:
        super().__init__(obj=foretold.File, prefix=MARK, extension=SUFFIX)
        self._defaults = defaults

    def compressor_file(self, fileobj: Any, compresslevel: int | None = None) -> Any:
        options = self._defaults.coding()
        if compresslevel is not None:
            options["preset"] = compresslevel
        return foretold.open(fileobj, "wb", **options)

    def decompressor_file(self, fileobj: Any) -> Any:
        return foretold.open(fileobj, "rb", **self._defaults.decoding())


def register(
    preset: Preset = DEFAULT_PRESET,
    *,
    knowledge: Knowledge | None = None,
    prior: PriorLike | None = None,
) -> None:
    """Make foretold known to joblib, in place of what was registered before.

    Importing this module does so with the defaults.

    Parameters
    ----------
    preset : int or "max"
        As in :func:`foretold.compress`; taken where joblib is given no level.
    knowledge : {"auto", "frozen", "none"}, optional
        As in :func:`foretold.compress`, for ``joblib.dump``.
    prior : path, bytes or foretold.Prior, optional
        As in :func:`foretold.compress`, for both directions.

    Raises
    ------
    ParameterError
        If an argument is out of range.
    """
    register_compressor("foretold", _Compressor(Options(preset, knowledge, prior)), force=True)


register()
