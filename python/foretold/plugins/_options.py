"""What every plug-in takes and passes on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from foretold._arguments import DEFAULT_PRESET, Knowledge, Preset, as_preset, check_knowledge
from foretold.errors import ParameterError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, StrPath

    # Or a foretold.Prior.
    PriorLike: TypeAlias = StrPath | ReadableBuffer | Any

SUFFIX = ".ftd"
"""What names of archives end in."""


@dataclass(frozen=True)
class Options:
    """The arguments of the public functions that a plug-in passes on, those that were given.

    Parameters
    ----------
    preset : int or "max"
        1 (fast) to 9 (strong), or ``"max"`` (smallest, slowest), for compression.
    knowledge : {"auto", "frozen", "none"}, optional
        What the model knows beforehand, for compression.
    prior : path, bytes or foretold.Prior, optional
        The prior, for both directions.

    Raises
    ------
    ParameterError
        If `preset` or `knowledge` is not one of these.
    """

    preset: Preset = DEFAULT_PRESET
    knowledge: Knowledge | None = None
    prior: PriorLike | None = None

    def __post_init__(self) -> None:
        # Here rather than at the first chunk, which comes after the metadata was written.
        object.__setattr__(self, "preset", as_preset(self.preset))
        if self.knowledge is not None:
            check_knowledge(self.knowledge)
        if isinstance(self.prior, os.PathLike):
            object.__setattr__(self, "prior", os.fspath(self.prior))

    def coding(self) -> dict[str, Any]:
        """Return what compression takes of it, as keyword arguments."""
        given = {"preset": self.preset, "knowledge": self.knowledge, "prior": self.prior}
        return {name: value for name, value in given.items() if value is not None}

    def decoding(self) -> dict[str, Any]:
        """Return what decompression takes of it, as keyword arguments."""
        return {} if self.prior is None else {"prior": self.prior}

    def opening(self, mode: str) -> dict[str, Any]:
        """Return what opening a file takes of it in `mode`, as keyword arguments."""
        return self.decoding() if "r" in mode else self.coding()

    def as_json(self) -> dict[str, Any]:
        """Return what was given as values that JSON can hold.

        Raises
        ------
        ParameterError
            If the prior is no path.
        """
        if self.prior is not None and not isinstance(self.prior, str):
            found = type(self.prior).__name__
            raise ParameterError(f"metadata can hold a prior's path only, found {found}; save it to a file")
        return self.coding()
