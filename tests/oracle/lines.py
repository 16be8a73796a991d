"""Lines, columns and fields.

FORMAT.md: "The past".
"""

from .hash import hash
from .words import is_digit, is_letter, kind_of

TOKENS = 64


class Lines:
    def __init__(self):
        self.starts = [0] * 4
        self.first_words = [0] * 2
        self.token_above = 0
        self._token = self._kind = 0
        self._tokens = [0] * TOKENS
        self._clear()

    def _clear(self):
        self.first = self.first_word = self.field = self.field_hash = self.indent = self.shape = 0
        self._count = self._word = self._index = 0

    def _push_shape(self, byte):
        kind = kind_of(byte)
        if kind != self._kind:
            self.shape = hash(self.shape, kind)
            self._kind = kind
        if is_letter(byte) or is_digit(byte):
            self._token = hash(self._token, byte)
        elif self._token:
            self._tokens[self._index] = self._token
            self._index = min(self._index + 1, TOKENS - 1)
            self._token = 0
            self.token_above = self._tokens[self._index]

    def push(self, byte, position):
        self._push_shape(byte)
        if byte == 0x0A:
            self.starts = [position + 1, *self.starts[:3]]
            self.first_words = [self.first_word or self._word, self.first_words[0]]
            self._clear()
            # What the line before had beyond this one's end stays.
            self.token_above = self._tokens[0]
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
