"""Words, sentences and classes of characters.

FORMAT.md: "The past".
"""

from .hash import MASK64, hash

MASK32 = 0xFFFFFFFF
STEM = 4


def is_letter(byte):
    return 0x41 <= byte <= 0x5A or 0x61 <= byte <= 0x7A or byte >= 0x80


def is_digit(byte):
    return 0x30 <= byte <= 0x39


def lower(byte):
    return byte | 0x20 if 0x41 <= byte <= 0x5A else byte


def class_of(byte):
    if byte >= 0x80:
        return 5
    if is_letter(byte):
        return 0 if byte >= 0x61 else 1
    if is_digit(byte):
        return 2
    if byte in b" \t":
        return 3
    if byte in b"\n\r":
        return 4
    return 6 if byte in b".,;:!?'-" else 7


class Words:
    def __init__(self):
        self.word = 0
        self.before = [0] * 6
        self.stems = [0] * 3
        self.suffix = 0
        self.gap = 0
        self.len = 0
        self.lens = 0
        self.sentence_first = 0
        self.initials = 0
        self.classes = 0
        self.class_runs = 0
        self.folded = 0
        self._stem = 0
        self._letters = 0
        self._sentence_starts = False

    def push(self, byte):
        """True if the byte ended a word."""
        self._push_classes(byte)
        if is_letter(byte):
            if self.word == 0:
                self.gap = self.len = self._stem = self._letters = 0
                self.initials = (self.initials << 8 | lower(byte)) & MASK64
            self.word = hash(self.word, lower(byte) | 0x100)
            self._letters = (self._letters << 8 | lower(byte)) & MASK32
            self.len += 1
            if self.len <= STEM:
                self._stem = self.word
            return False
        ended = self.word != 0
        if ended:
            self.before = [self.word, *self.before[:5]]
            self.stems = [self._stem, *self.stems[:2]]
            self.suffix = self._letters
            self.lens = (self.lens << 4 | min(self.len, 15)) & MASK32
            if self._sentence_starts:
                self.sentence_first = self.word
                self._sentence_starts = False
            self.word = 0
        if byte in b".!?":
            self._sentence_starts = True
        self.gap = hash(self.gap, byte | 0x200)
        return ended

    def _push_classes(self, byte):
        kind = class_of(byte)
        self.classes = (self.classes << 3 | kind) & MASK64
        if self.class_runs & 7 != kind:
            self.class_runs = (self.class_runs << 3 | kind) & MASK64
        folded = 0x20 if byte in b"\n\r\t " else 0x30 if is_digit(byte) else lower(byte)
        if folded != 0x20 or self.folded & 0xFF != 0x20:
            self.folded = (self.folded << 8 | folded) & MASK64

    def here(self):
        return self.word ^ (self.gap << 7 & MASK64 | self.gap >> 57)
