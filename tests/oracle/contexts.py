"""Groups of contexts: those that preset 1 uses.

FORMAT.md: "Contexts", "Groups of contexts".
"""

from .hash import FACTOR, MASK64, hash
from .probability import clamp


class Contexts:
    def __init__(self):
        self.hashes = []

    def add(self, *parts):
        h = (len(self.hashes) + 1) << 56
        for part in parts:
            h = ((h ^ part) * FACTOR) & MASK64
            h ^= h >> 29
        self.hashes.append(hash(h, len(parts)))


def orders_1_2_3_4_6(parsed, out):
    for n in (1, 2, 3, 4, 6):
        out.add(parsed.history.last8 & ((1 << 8 * n) - 1))


def word(parsed, out):
    words = parsed.words
    out.add(words.here(), words.last if words.word == 0 else 0)


def record_above(parsed, out):
    length = clamp(parsed.records.len, 1, 1 << 20)
    out.add(length, parsed.history.back(length), parsed.history.last8 & 0xFF)
