"""What ``foretold bench`` can compare with: Python modules and commands, with their options."""

from __future__ import annotations

import importlib.util
import os
import shutil
from dataclasses import dataclass, field
from typing import Any, TypeAlias

__all__ = ["COMMANDS", "MODULES", "Command", "Engine", "Module", "installed", "missing", "presets"]


@dataclass(frozen=True)
class Module:
    """A codec in a Python module, in the table of :mod:`.worker`."""

    name: str
    module: str
    options: dict[str, Any] = field(default_factory=dict, hash=False)
    slow: bool = False

    @property
    def installed(self) -> bool:
        """Whether it can be imported."""
        return importlib.util.find_spec(self.module) is not None

    @property
    def described(self) -> str:
        """What exactly is run."""
        return self.name

    @property
    def line(self) -> str:
        """Engines of one line are presets of one codec."""
        return self.module


@dataclass(frozen=True)
class Command:
    """A program on the PATH.

    In its arguments ``{source}``, ``{archive}``, ``{restored}`` and ``{threads}`` are replaced.
    Without ``{archive}`` (``{restored}``) the result is what it writes to standard output.
    """

    name: str
    programs: tuple[str, ...]
    compress: tuple[str, ...]
    decompress: tuple[str, ...]
    suffix: str
    slow: bool = False

    @property
    def program(self) -> str | None:
        """Path of the program."""
        return next((path for name in self.programs if (path := shutil.which(name))), None)

    @property
    def installed(self) -> bool:
        """Whether the program is on the PATH."""
        return hasattr(os, "posix_spawn") and self.program is not None

    @property
    def described(self) -> str:
        """What exactly is run."""
        return " ".join((self.programs[0], *self.compress))

    @property
    def line(self) -> str:
        """Engines of one line are presets of one codec."""
        return self.programs[0]


Engine: TypeAlias = Module | Command

MODULES: tuple[Module, ...] = (
    Module("zlib 9", "zlib"),
    Module("bz2 9", "bz2"),
    Module("lzma 9e", "lzma"),
    Module("zstandard 22", "zstandard"),
    Module("brotli 11", "brotli"),
    Module("pyppmd o16", "pyppmd"),
    Module("cramjam lz4", "cramjam"),
)
"""The first three come with Python, the others with ``pip install 'foretold[peers]'``."""

COMMANDS: tuple[Command, ...] = (
    Command(
        "xz -9e",
        ("xz",),
        ("-9e", "-k", "-c", "-T{threads}", "{source}"),
        ("-d", "-k", "-c", "-T{threads}", "{archive}"),
        ".xz",
    ),
    Command(
        "zstd -22",
        ("zstd",),
        ("--ultra", "-22", "--long=27", "-q", "-c", "-T{threads}", "{source}"),
        ("-d", "--long=27", "-q", "-c", "{archive}"),
        ".zst",
    ),
    Command(
        "7z PPMd",
        ("7zz", "7z", "7za"),
        ("a", "-m0=PPMd:o=16:mem=256m", "-mmt={threads}", "-bd", "-y", "{archive}", "{source}"),
        ("e", "-so", "-bd", "-y", "{archive}"),
        ".7z",
    ),
    Command(
        "bzip3",
        ("bzip3",),
        ("-e", "-b", "64", "-c", "{source}"),
        ("-d", "-c", "{archive}"),
        ".bz3",
    ),
    Command(
        "kanzi -l 9",
        ("kanzi",),
        ("-c", "-i", "{source}", "-o", "{archive}", "-l", "9", "-b", "64m", "-j", "{threads}", "-f"),
        ("-d", "-i", "{archive}", "-o", "{restored}", "-j", "{threads}", "-f"),
        ".knz",
    ),
    Command(
        "zpaq -m5",
        ("zpaq",),
        ("a", "{archive}", "{source}", "-m5", "-t{threads}"),
        ("x", "{archive}", "{source}", "-to", "{restored}", "-t{threads}", "-f"),
        ".zpaq",
    ),
    Command(
        "paq8px -8",
        ("paq8px",),
        ("-8", "{source}", "{archive}"),
        ("-d", "{archive}", "{restored}"),
        ".paq8px",
        slow=True,
    ),
)


def presets(numbers: list[Any], threads: int, knowledge: str = "none") -> list[Engine]:
    """Our own presets as engines, which start from nothing unless `knowledge` is ``"auto"``."""
    options = {"threads": threads, "knowledge": knowledge}
    flags = ["--max" if number == "max" else f"-{number}" for number in numbers]
    return [
        Module(f"foretold {flag}", "foretold", {"preset": number, **options})
        for flag, number in zip(flags, numbers, strict=True)
    ]


def _chosen(names: str) -> list[Engine]:
    """The peers that a list of names, ``all`` or ``none`` stands for."""
    peers: list[Engine] = [*MODULES, *COMMANDS]
    if names in ("none", ""):
        return []
    if names == "all":
        return [peer for peer in peers if not peer.slow]
    chosen: list[Engine] = []
    for name in names.split(","):
        found = [peer for peer in peers if name.strip().lower() in (peer.name.lower(), peer.line)]
        if not found:
            known = ", ".join(dict.fromkeys(peer.line for peer in peers))
            raise ValueError(f"no peer is called {name.strip()!r}; known are {known}, all and none")
        chosen += found
    return chosen


def installed(names: str = "all") -> list[Engine]:
    """The chosen peers that are on this machine. ``all`` leaves out those that take hours."""
    return [peer for peer in _chosen(names) if peer.installed]


def missing(names: str = "all") -> list[Engine]:
    """The chosen peers that are not."""
    return [peer for peer in _chosen(names) if not peer.installed]
