"""Lines, columns and fields.

FORMAT.md: "The past".
"""

from .hash import hash
from .words import is_digit, is_letter


class Lines:
    def __init__(self):
        self.starts = [0] * 4
        self.first_words = [0] * 2
        self._count = 0
        self._clear()

    def _clear(self):
        self.first = self.first_word = self.field = self.field_hash = self.indent = 0
        self._count = self._word = 0

    def push(self, byte, position):
        if byte == 0x0A:
            self.starts = [position + 1, *self.starts[:3]]
            self.first_words = [self.first_word or self._word, self.first_words[0]]
            self._clear()
            return
        if byte == 0x20 and self.indent == self._count:
            self.indent = min(self.indent + 1, 255)
        if self._count < 4:
            self.first = self.first << 8 | byte
        self._count = min(self._count + 1, 1 << 16)
        if self.first_word == 0 and self._count > self.indent:
            if self._word == 0 or is_letter(byte) or is_digit(byte):
                self._word = hash(self._word, byte)
            else:
                self.first_word = self._word
        if byte in b"\t,;|":
            self.field += 1
            self.field_hash = 0
        else:
            self.field_hash = hash(self.field_hash, byte)
