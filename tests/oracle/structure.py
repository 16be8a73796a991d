"""Brackets, quotes and tags.

FORMAT.md: "The past".
"""

from .hash import hash
from .words import is_digit, is_letter

DEPTH = 16


def _of_name(byte):
    return is_letter(byte) or is_digit(byte) or byte in b"_-"


class Structure:
    def __init__(self):
        self._stack = [0] * DEPTH
        self._depth = 0
        self.since = self.quote = self.quoted = self.key = self.tag = 0
        self.tags = [0] * 8
        self.name = 0
        self.names = [0] * 2
        self._letters = 0
        self._in_tag = 0
        self._tag_name = 0

    def push(self, byte, last8):
        self.since = min(self.since + 1, 255)
        if byte in b"([{":
            self._stack[min(self._depth, DEPTH - 1)] = hash(last8 & 0xFFFF, byte)
            self._depth = min(self._depth + 1, DEPTH)
            self.since = 0
        elif byte in b")]}":
            self._depth = max(self._depth - 1, 0)
            self.since = 0
        elif byte == 0x22:
            if self.quote == 0:
                self.quote, self.key, self.quoted = byte, self.quoted, 0
            else:
                self.quote = 0
        elif byte == 0x0A:
            self.quote = 0
        if self.quote and byte != 0x22:
            self.quoted = hash(self.quoted, byte)
        self._push_name(byte, last8 & 0xFF)
        self._push_tag(byte, last8 & 0xFF)

    def _push_name(self, byte, before):
        if byte in b"=:" and self._letters:
            self.names = [self.name, self.names[0]]
            self.name, self._letters = self._letters, 0
        elif byte in b"|\n>};":
            if self.name:
                self.names = [self.name, self.names[0]]
            self.name = self._letters = 0
        elif _of_name(byte):
            self._letters = hash(self._letters if _of_name(before) else 0, byte)
        elif byte not in b' "':
            self._letters = 0

    def _drop_tag(self):
        self.tags = [*self.tags[1:], self.tags[7]]
        self.tag = self.tags[0]

    def _push_tag(self, byte, before):
        if byte == ord("<"):
            self._in_tag, self._tag_name = 1, 0
        elif self._in_tag == 1:
            if byte == ord("/") and before == ord("<"):
                self._drop_tag()
                self._in_tag = 3
            elif byte in b"> \n":
                self.tags = [self._tag_name, *self.tags[:7]]
                self.tag = self._tag_name
                self._in_tag = 0 if byte == ord(">") else 2
            else:
                self._tag_name = hash(self._tag_name, byte)
        elif byte == ord(">"):
            if self._in_tag == 2 and before == ord("/"):
                self._drop_tag()
            self._in_tag = 0

    def bracket(self):
        return self._stack[self._depth - 1] if self._depth else 0

    def summary(self):
        return min(self._depth, 15) * 8 + (self.quote != 0) * 4 + self._in_tag
