"""How a file gets its name when it is complete."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import StrPath

__all__ = ["replacing"]


@contextlib.contextmanager
def replacing(path: StrPath) -> Iterator[Path]:
    """Give a path beside `path` to write to; it takes that name if nothing goes wrong, else it is removed."""
    target = Path(path)
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
