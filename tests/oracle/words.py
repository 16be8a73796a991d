"""Words, as far as preset 1 looks at them.

FORMAT.md: "The past".
"""

from .hash import MASK64, hash


def is_letter(byte):
    return 0x41 <= byte <= 0x5A or 0x61 <= byte <= 0x7A or byte >= 0x80


class Words:
    def __init__(self):
        self.word = 0
        self.last = 0
        self.gap = 0

    def push(self, byte):
        if is_letter(byte):
            if self.word == 0:
                self.gap = 0
            lower = byte | 0x20 if 0x41 <= byte <= 0x5A else byte
            self.word = hash(self.word, lower | 0x100)
            return
        if self.word != 0:
            self.last = self.word
            self.word = 0
        self.gap = hash(self.gap, byte | 0x200)

    def here(self):
        return self.word ^ (self.gap << 7 & MASK64 | self.gap >> 57)
