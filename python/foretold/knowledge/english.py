"""The English prior: what bytes follow which in a folder of texts.

``foretold prior train --recipe english --from DIR`` is this. The prior that comes with the package
is what it makes of 166 MB of books and encyclopedia in :data:`SHIPPED_BYTES`, the same on every
machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from foretold import _core
from foretold.errors import ParameterError
from foretold.priors import Prior

if TYPE_CHECKING:
    from _typeshed import StrPath

__all__ = ["SHIPPED_BYTES", "make"]

SHIPPED_BYTES = 4 << 20
"""Most bytes of the prior that comes with the package."""

# How often a context and a follower must have come, and how many bits a context must have saved
# for each that it is thought to cost; richest first. What ships is the first that fits.
_CHOICES = ((4, 2, 0.0), (6, 2, 0.2), (8, 2, 0.4), (16, 2, 0.6), (16, 3, 0.82), (32, 3, 2.0), (64, 4, 6.0))


def make(folder: StrPath, max_bytes: int = SHIPPED_BYTES) -> Prior:
    """Learn from all files below a folder.

    Parameters
    ----------
    folder : path
        The texts. Memory of 8 bytes for each of theirs is needed.
    max_bytes : int
        Most bytes of the prior's file. The richest of some choices that fits is made.

    Returns
    -------
    Prior
        For all presets. It depends on the files' content alone, not on their names or order.

    Raises
    ------
    ParameterError
        If there is no file, or no choice is small enough.
    """
    paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    if not paths:
        raise ParameterError(f"{folder} has no files")
    texts = [path.read_bytes() for path in paths]
    size = 0
    for context, follower, worth in _CHOICES:
        file = _core.make_ngram_prior("English", texts, True, context, follower, worth)
        size = len(file)
        if size <= max_bytes:
            return Prior(file)
    raise ParameterError(f"max_bytes is {max_bytes}, the smallest prior of these texts has {size}")
