"""What is measured with: texts that every machine can make, and real ones where they are at hand.

With ``FORETOLD_CORPORA`` naming a folder, the files in it that ``FORETOLD_BENCH_FILES`` lists
(separated by commas; ``enwik6,dickens`` unless given) take the place of the small texts.
"""

from __future__ import annotations

import hashlib
import os
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Corpus", "corpora"]


@dataclass(frozen=True)
class Corpus:
    """A content with a name; records know it by its SHA-256."""

    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def prose(length: int, seed: int = 11) -> bytes:
    """Sentences of invented words, frequent ones more often, each word leaning on the one before."""
    source = random.Random(seed)
    syllables = [a + b for a in "bcdfghlmnprstvw" for b in ("a", "e", "i", "o", "an", "er", "in", "on", "is")]
    words = ["".join(source.choice(syllables) for _ in range(source.randint(1, 4))) for _ in range(4000)]
    # The k-th word comes in proportion to 1/k, as in a language.
    weights = [1 / (k + 2) for k in range(len(words))]
    followers = {word: source.choices(words, weights, k=6) for word in words}
    parts: list[str] = []
    size, word, begins = 0, words[0], True
    while size < length:
        word = source.choice(followers[word]) if source.random() < 0.6 else source.choices(words, weights)[0]
        text = word.capitalize() if begins else word
        begins = source.random() < 0.08
        text += (
            (".\n" if source.random() < 0.2 else ". ") if begins else ", " if source.random() < 0.06 else " "
        )
        parts.append(text)
        size += len(text)
    return "".join(parts).encode()[:length]


def log(length: int, seed: int = 12) -> bytes:
    """Lines of a server's log: times, addresses, a few templates, numbers."""
    source = random.Random(seed)
    users = [f"user{source.randrange(10**5)}" for _ in range(40)]
    templates = [
        "INFO  session opened for {user} from 10.0.{a}.{b}",
        "INFO  GET /api/v1/items/{n} 200 {ms}ms",
        "WARN  slow query on table items_{a}: {ms}ms",
        "ERROR cannot write block {n}: device {a} is full",
    ]
    parts: list[str] = []
    size, second = 0, 0
    while size < length:
        second += source.randrange(3)
        text = source.choices(templates, (4, 8, 2, 1))[0].format(
            user=source.choice(users),
            a=source.randrange(8),
            b=source.randrange(256),
            n=source.randrange(10**6),
            ms=source.randrange(2000),
        )
        line = f"2026-01-02 {second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d} {text}\n"
        parts.append(line)
        size += len(line)
    return "".join(parts).encode()[:length]


def topics(length: int) -> bytes:
    """Python's own documentation; it changes with Python, so that records know it by its digest."""
    from pydoc_data.topics import topics as texts

    return "\n".join(texts[name] for name in sorted(texts)).encode()[:length]


@cache
def corpora() -> tuple[Corpus, ...]:
    """All that is measured with in this run."""
    folder = os.environ.get("FORETOLD_CORPORA")
    if folder:
        names = os.environ.get("FORETOLD_BENCH_FILES", "enwik6,dickens").split(",")
        return tuple(Corpus(name, Path(folder, name).read_bytes()) for name in names)
    return (
        Corpus("prose", prose(200_000)),
        Corpus("log", log(100_000)),
        Corpus("topics", topics(200_000)),
    )
