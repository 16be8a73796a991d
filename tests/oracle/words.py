"""Words and classes of characters.

FORMAT.md: "The past".
"""

from .hash import MASK64, hash


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


def kind_of(byte):
    """A byte with letters of each case, digits, and bytes of 128 or more taken together."""
    if byte >= 0x80:
        return 0x80
    if is_letter(byte):
        return 0x61 if byte >= 0x61 else 0x41
    return 0x30 if is_digit(byte) else byte


class Words:
    def __init__(self):
        self.word = 0
        self.before = [0] * 3
        self.gap = 0
        self.len = 0
        self.classes = 0
        self.class_runs = 0
        self.kinds = 0
        self.kind_runs = 0
        self.column = 0
        self.code = 0

    def push(self, byte):
        """True if the byte of the text ended a word."""
        self.column = 0 if byte == 0x0A else min(self.column + 1, 255)
        if is_letter(byte):
            if self.word == 0:
                self.gap = self.len = 0
            self.word = hash(self.word, lower(byte) | 0x100)
            self.len += 1
            return False
        ended = self.word != 0
        if ended:
            self.before = [self.word, *self.before[:2]]
            self.word = 0
        self.gap = hash(self.gap, byte | 0x200)
        return ended

    def push_class(self, byte):
        of_class, kind = class_of(byte), kind_of(byte)
        self.classes = (self.classes << 3 | of_class) & MASK64
        if self.class_runs & 7 != of_class:
            self.class_runs = (self.class_runs << 3 | of_class) & MASK64
        self.kinds = (self.kinds << 8 | kind) & MASK64
        if self.kind_runs & 0xFF != kind:
            self.kind_runs = (self.kind_runs << 8 | kind) & MASK64

    def push_incomplete(self, byte, code):
        """A coded byte that shows nothing: of a code, or a flag."""
        self.code = code
        if not code:
            self.gap = hash(self.gap, byte | 0x200)

    def here(self):
        return self.code or self.word ^ (self.gap << 7 & MASK64 | self.gap >> 57)
