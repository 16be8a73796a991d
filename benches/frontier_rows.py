"""What ``frontier.py`` asks for, measures and keeps: bars, sessions, rows that count."""

from __future__ import annotations

import csv
import fnmatch
import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]

__all__ = [
    "BARS",
    "COST",
    "DECODING_TIME",
    "GROUPS",
    "KANZI",
    "LARGE",
    "NOT_DRAWN",
    "PAQ8PX",
    "PICTURES",
    "PRESETS",
    "STEP",
    "XZ",
    "ZPAQ",
    "Bar",
    "Kept",
    "Row",
    "Session",
    "contents_of_groups",
    "first_megabyte",
    "matches",
    "only",
    "ours",
    "plan",
    "published",
    "published_size",
]

ZPAQ, KANZI, PAQ8PX, XZ = "zpaq -m5", "kanzi -l 9", "paq8px -8", "xz -9e"


@dataclass(frozen=True)
class Bar:
    """A figure asked for: an archive smaller than so many bytes, at a speed."""

    preset: int
    content: str
    """Path below bench/."""
    below_bytes: int | None = None
    faster_than: str | None = None
    """The peer whose speed counts."""
    times: float = 1.0
    """How many times as fast as it, at least."""
    beside: str = ZPAQ
    """The peer whose size it is compared with."""


def _strong(content: str, below_bytes: int, beside: str = PAQ8PX) -> Bar:
    """A row of preset 9: all have one bar for the speed."""
    return Bar(9, content, below_bytes, PAQ8PX, 5.0, beside)


BARS: tuple[Bar, ...] = (
    _strong("enwik6", 195_000),
    _strong("dickens", 1_890_000),
    _strong("enwik4M", 765_000),
    _strong("canterbury/alice29.txt", 32_900),
    Bar(5, "dickens", 2_010_000, ZPAQ),
    Bar(5, "enwik6", 210_000, ZPAQ),
    Bar(5, "enwik4M"),
    Bar(1, "dickens", 2_120_000, KANZI, beside=KANZI),
    _strong("xml", 253_000, "paq8px -12L"),
    _strong("nci", 800_000, "paq8px -12L"),
    _strong("samba", 1_635_000, "paq8px -12L"),
    _strong("osdb", 2_030_000, "paq8px -12L"),
    _strong("reymont", 710_000, "paq8px -12L"),
    _strong("loghub_all.log", 106_000),
    _strong("tinystories/tinystories_v1_train_first2MiB.txt", 306_000),
    _strong("world192.txt", 268_000),
)
"""One table for all bars of single files."""

GROUPS: dict[str, float | None] = {
    "json": 0.9,
    "csv": 0.9,
    "code": 0.9,
    "logs": 0.9,
    "multilingual": 0.9,
    "canterbury": None,
}
"""Folders whose files must not be behind zpaq's at preset 9; what their sum may be of zpaq's."""

DECODING_TIME = 1.15
"""Decompression's time in units of compression's, at most."""
COST = 1.4
"""What a byte of a large file may cost, in units of what it costs in its first megabyte."""
LARGE = "nci"
STEP = 0.5
"""A preset's speed in units of the one before, at least."""

PICTURES = ("dickens", "enwik4M")
"""Measured with every preset and every peer that does not take hours, and drawn."""
NOT_DRAWN = ("zlib 9", "cramjam lz4", "lzma 9e", "zstd -22")
"""Far from what the pictures are about, or another name of what is drawn."""
PRESETS = range(1, 10)


def ours(preset: int) -> str:
    """Our engine's name in the rows."""
    return f"foretold -{preset}"


# What is measured -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Session:
    """Measurements that belong together: their times may be compared.

    ``steps`` are contents with the engines that take turns on them.
    """

    name: str
    steps: tuple[tuple[str, tuple[str, ...]], ...]
    alone: bool = False
    """Whether nothing else may run meanwhile."""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Contents and engines, in the order of the rows."""
        return [(content, engine) for content, names in self.steps for engine in names]


def first_megabyte(content: str) -> str:
    """The name of a content's beginning."""
    return f"{content}, first MB"


def contents_of_groups(folder: Path) -> dict[str, list[str]]:
    """Files of each group, as paths below bench/."""
    return {
        group: sorted(f"{group}/{path.name}" for path in (folder / group).glob("*") if path.is_file())
        for group in GROUPS
    }


def plan(groups: dict[str, list[str]], peers: list[str], slow: list[str], sizes_only: bool) -> list[Session]:
    """All sessions, those that run alone first.

    Parameters
    ----------
    groups : dict
        As :func:`contents_of_groups` finds them.
    peers : list of str
        Installed peers that the pictures show.
    slow : list of str
        Patterns of contents that the slow peer is measured on.
    sizes_only : bool
        Whether every engine is measured once, by itself.
    """
    sessions = []
    timed = {(bar.content, bar.preset) for bar in BARS if bar.content in (*PICTURES, "enwik6")}
    timed |= {("canterbury/alice29.txt", 9)} | {
        (content, preset) for content in PICTURES for preset in PRESETS
    }
    named = dict.fromkeys(bar.content for bar in BARS)
    for content in named:
        for preset in PRESETS:
            bars = [bar for bar in BARS if (bar.content, bar.preset) == (content, preset)]
            if not bars and (content, preset) not in timed:
                continue
            faster_than = [bar.faster_than for bar in bars if bar.faster_than]
            beside = [ZPAQ, *(one for one in faster_than if one != PAQ8PX or matches(content, slow))]
            steps = [(content, (ours(preset), *dict.fromkeys(beside)))]
            if content == LARGE:
                part = (first_megabyte(content), (ours(preset),))
                steps = [part, *steps, part]
            alone = (content, preset) in timed or content == LARGE
            sessions.append(Session(f"{content} -{preset}", tuple(steps), alone))
    part = (first_megabyte(LARGE), (ours(5),))
    sessions.append(Session(f"{LARGE} -5", (part, (LARGE, (ours(5),)), part), alone=True))
    for content in PICTURES:
        others = tuple(name for name in peers if name != ZPAQ)
        sessions.append(Session(f"{content} peers", ((content, (ZPAQ, *others)),), alone=True))
    kanzi = dict.fromkeys(bar.content for bar in BARS if bar.preset in (1, 5))
    sessions += [Session(f"{content} {KANZI}", ((content, (KANZI,)),)) for content in kanzi]
    sessions += [Session(f"{content} {XZ}", ((content, (XZ,)),)) for content in named]
    for files in groups.values():
        for content in files:
            engines = (ours(9), ZPAQ, XZ, *([PAQ8PX] if matches(content, slow) else []))
            sessions += [Session(f"{content} {name}", ((content, (name,)),)) for name in engines]
    if sizes_only:
        pairs = dict.fromkeys(pair for session in sessions for pair in session.pairs)
        sessions = [Session(f"{content} {name}", ((content, (name,)),)) for content, name in pairs]
    return sorted(sessions, key=lambda session: not session.alone)


def matches(content: str, patterns: Iterable[str]) -> bool:
    """Whether a pattern fits the path or its last part; ``all`` fits everything."""
    names = (content, content.rpartition("/")[2])
    return any(one == "all" or fnmatch.fnmatch(name, one) for one in patterns for name in names)


def only(sessions: list[Session], pattern: str | None) -> list[Session]:
    """Those whose name has the pattern in it."""
    return [one for one in sessions if pattern is None or fnmatch.fnmatch(one.name, f"*{pattern}*")]


# What was measured ------------------------------------------------------------------------------


class Kept:
    """Rows that count: of the contents, builds and processor at hand.

    Parameters
    ----------
    rows : list of dict
        As saved, oldest first.
    identity : callable
        What a row of a content and an engine must hold to count; None if it cannot be measured.
    verified : bool
        Whether only what was decoded and compared counts.
    """

    def __init__(self, rows: list[Row], identity: Any, verified: bool = True) -> None:
        self._identity = functools.cache(identity)
        self._verified = verified
        self.rows = [row for row in rows if self._counts(row)]

    def _counts(self, row: Row) -> bool:
        known = self._identity(row["content"], row["engine"])
        return (
            known is not None
            and known.items() <= row.items()
            and row["error"] is None
            and (row["verified"] or not self._verified)
        )

    def done(self, session: Session) -> bool:
        """Whether a session need not run, or not again."""
        pairs = session.pairs
        if len(pairs) == 1:
            return self.latest(*pairs[0]) is not None
        by_session: dict[str, set[tuple[str, str]]] = {}
        for row in self.rows:
            if row["session"] == session.name and (row["alone"] or not session.alone):
                by_session.setdefault(row["id"], set()).add((row["content"], row["engine"]))
        return any(set(pairs) <= found for found in by_session.values())

    def latest(self, content: str, engine: str) -> Row | None:
        """The newest row of an engine on a content, one that ran alone rather than another."""
        found = [row for row in self.rows if (row["content"], row["engine"]) == (content, engine)]
        return _best(found) if found else None

    def speed(self, content: str, engine: str, peer: str, direction: str = "compress") -> Row | None:
        """How many times as fast as a peer of the same session: ``ratio``, and whether ``alone``."""
        column = f"{direction}_cpu_seconds"
        pairs = []
        for row in self.rows:
            if (row["content"], row["engine"]) != (content, engine) or not row.get(column):
                continue
            for other in self.rows:
                if (other["id"], other["content"], other["engine"]) == (row["id"], content, peer):
                    seconds = other.get(column)
                    if seconds:
                        pairs.append({"ratio": seconds / row[column], "alone": row["alone"]})
        return _best(pairs) if pairs else None

    def speed_beside(self, content: str, engine: str, peer: str) -> Row | None:
        """As :meth:`speed`; by way of zpaq if the peer has taken turns with it on other contents only."""
        direct = self.speed(content, engine, peer)
        against = self.speed(content, engine, ZPAQ)
        if direct or not against:
            return direct
        others = [self.speed(one, ZPAQ, peer) for one in dict.fromkeys(row["content"] for row in self.rows)]
        ratios = [other["ratio"] for other in others if other]
        if not ratios:
            return None
        return {**against, "ratio": against["ratio"] * sum(ratios) / len(ratios), "derived": True}

    def cost(self, preset: int) -> float | None:
        """A large file's time a byte in units of its first megabyte's, of one session."""
        by_session: dict[str, dict[str, list[float]]] = {}
        for row in self.rows:
            if row["session"] == f"{LARGE} -{preset}" and row["engine"] == ours(preset):
                seconds = row["compress_cpu_seconds"] / row["content_bytes"]
                by_session.setdefault(row["id"], {}).setdefault(row["content"], []).append(seconds)
        for found in reversed(by_session.values()):
            whole, part = found.get(LARGE), found.get(first_megabyte(LARGE))
            if whole and part:
                return whole[0] / (sum(part) / len(part))
        return None


def _best(rows: list[Row]) -> Row:
    """The newest of those that were alone, or of all if none was."""
    return ([row for row in rows if row["alone"]] or rows)[-1]


def published(path: Path | None) -> dict[tuple[str, str], tuple[int, int]]:
    """Sizes others have measured: (engine, file) to (content's length, archive's)."""
    sizes = {}
    if path is not None:
        lines = [
            line
            for line in path.read_text(encoding="utf-8").splitlines()
            if line and not line.startswith("#")
        ]
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            engine = f"{row['peer'].split()[0]} {row['options']}"
            sizes[engine, row["file"]] = int(row["input_bytes"]), int(row["output_bytes"])
    return sizes


def published_size(
    sizes: dict[tuple[str, str], tuple[int, int]], engine: str, content: str, content_bytes: int
) -> int | None:
    """The size of a file of that name, or of one that is described rather than named, and as long."""
    for (name, file), (length, size) in sizes.items():
        fits = file == content.rpartition("/")[2] or "*" in file
        # Options may say more than ours do.
        if (name == engine or name.startswith(f"{engine} ")) and fits and length == content_bytes:
            return size
    return None
