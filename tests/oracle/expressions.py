"""The words of the current expression.

FORMAT.md: "The past".
"""

from .hash import hash
from .words import is_letter, lower


class Expressions:
    def __init__(self):
        self.words = [0] * 5
        self._before = 0

    def push(self, byte):
        before, self._before = self._before, byte
        if is_letter(byte):
            self.words[0] = hash(self.words[0], lower(byte))
        elif byte in b" \n" and (is_letter(before) or before in b"'\""):
            self.words = [0, *self.words[:4]]
        elif byte not in b"'\"" and (before, byte) not in ((0x20, 0x0A), (0x0A, 0x20)):
            self.words = [0] * 5
