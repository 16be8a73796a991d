"""The English prior: what bytes follow which in a folder of texts, and how far to trust that.

``foretold prior train --recipe english --from DIR`` is this. The prior that comes with the package
is what it makes of 166 MB of books and encyclopedia in :data:`SHIPPED_BYTES`, the same on every
machine.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from foretold import _core
from foretold.errors import ParameterError
from foretold.priors import Prior

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import StrPath

__all__ = ["HELD_SHARE", "SHIPPED_BYTES", "is_held", "make"]

SHIPPED_BYTES = 4 << 20
"""Most bytes of the prior that comes with the package."""

HELD_SHARE = 8 / 256
"""Share of the files that is held out, about."""

_NAME = "English"
_PRESETS = range(1, 11)

_LONG_BYTES = 8 << 20
"""With more room than this, contexts of up to eight bytes are counted, else of six."""

# How often a context and a follower must have come, how many bits a context must have saved for
# each that it is thought to cost, and how many bytes it has at most; richest first. What ships is
# the first that fits.
_LONG_CHOICES = (
    (2, 1, 0.0, 8),
    (2, 1, 0.5, 8),
    (2, 1, 1.0, 8),
    (2, 2, 0.0, 6),
)
_CHOICES = (
    (4, 2, 0.0, 6),
    (6, 2, 0.2, 6),
    (8, 2, 0.4, 6),
    (16, 2, 0.6, 6),
    (16, 3, 0.82, 6),
    (16, 3, 1.0, 6),
    (16, 3, 1.2, 6),
    (16, 3, 1.4, 6),
    (16, 3, 1.5, 6),
    (16, 3, 1.6, 6),
    (16, 3, 1.9, 6),
    (32, 3, 2.0, 6),
    (64, 4, 6.0, 6),
)


def is_held(name: str, share: float = HELD_SHARE) -> bool:
    """Whether a file of this name, without its folders, is held out.

    >>> is_held("a.txt", 1.0), is_held("a.txt", 0.0)
    (True, False)
    """
    return hashlib.sha256(name.encode()).digest()[0] < share * 256


def make(
    folder: StrPath, max_bytes: int = SHIPPED_BYTES, progress: Callable[[str], None] | None = None
) -> Prior:
    """Learn from all files below a folder.

    Counts are learned from all files. How far mixers should trust them, each preset's, is learned
    from the files that are held out by their names, :func:`is_held`, as those that start from the
    counts of the others; if none is, mixers start as without a prior.

    Parameters
    ----------
    folder : path
        The texts. Memory of 8 bytes for each of theirs is needed, of 16 for more than 8 MiB.
    max_bytes : int
        Most bytes of the prior's file. The richest of some choices that fits is made: up to 8 MiB
        counts of what follows six bytes, beyond that of what follows eight, which presets 6 to
        max make use of.
    progress : callable, optional
        Told in a few words what is done next.

    Returns
    -------
    Prior
        For all presets. It depends on the files' content and on which are held out, not on folders
        or order.

    Raises
    ------
    ParameterError
        If there is no file, or no choice is small enough.
    """
    paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    if not paths:
        raise ParameterError(f"{folder} has no files")
    say = progress or (lambda _: None)
    texts = {path: path.read_bytes() for path in paths}
    held = sorted(text for path, text in texts.items() if is_held(path.name))
    others = [text for path, text in texts.items() if not is_held(path.name)]
    weights: list[tuple[int, bytes]] = []
    if any(held) and others:
        say("counting")
        start = Prior(_counts(others, max_bytes))._inner
        for preset in _PRESETS:
            say(f"weighing for preset {preset}")
            weights.append((preset, _core.learn_weights(start, preset, held)))
    say("counting all")
    # A section has a heading, and the preset before its weights.
    room = max_bytes - sum(6 + len(packed) for _, packed in weights)
    counts = Prior(_counts(list(texts.values()), room))
    return Prior._of(counts._inner.with_weights(_NAME, weights))


def _counts(texts: list[bytes], max_bytes: int) -> bytes:
    size = 0
    longer = _LONG_CHOICES if max_bytes > _LONG_BYTES else ()
    for context, follower, worth, order in longer + _CHOICES:
        file = _core.make_ngram_prior(_NAME, texts, True, context, follower, worth, order)
        size = len(file)
        if size <= max_bytes:
            return file
    raise ParameterError(f"max_bytes leaves {max_bytes}, the smallest counts of these texts have {size}")
