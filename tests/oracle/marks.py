"""Marks between words, and what those of markup leave open.

FORMAT.md: "The past".
"""

from .hash import hash
from .words import is_digit, is_letter

CLASSES = (b" ", b".!?", b",;:", b"[({", b"])}", b"\n", b"'-")
EMPHASIS = {2: 1, 3: 2, 5: 3}


class Marks:
    def __init__(self):
        self.last = self.words = 0
        self._in_word = 0
        self._begin_line(begins=False)

    def _begin_line(self, begins=True):
        self._begins = begins
        self._heading = self._apostrophes = self._emphasis = self._in_tag = self._quoted = self._bars = 0

    def push(self, byte, last8):
        if is_letter(byte) or is_digit(byte):
            self._in_word = 1
            self._begins = False
            self._end_apostrophes()
            return
        self.words, self._in_word = min(self.words + self._in_word, 255), 0
        number = next((number for number, alike in enumerate(CLASSES) if byte in alike), 7)
        if number not in (0, 6):
            self.words = 0
        self.last = (self.last << 3 | number) & 0xFFF
        if byte == 0x0A:
            self._begin_line()
            return
        if byte == ord("'"):
            self._apostrophes = min(self._apostrophes + 1, 6)
        else:
            self._end_apostrophes()
        self._begins = self._begins and byte == ord("=")
        self._heading += self._begins
        if byte == ord("|"):
            self._bars = min(self._bars + 1, 3)
        elif byte in b"[]{}":
            self._bars = 0
        last = (last8 << 8 | byte).to_bytes(9, "big")
        if last.endswith((b"&lt;", b"&gt;")):
            self._in_tag = int(last.endswith(b"&lt;"))
        elif last.endswith(b"&quot;"):
            self._quoted ^= 1

    def _end_apostrophes(self):
        self._emphasis ^= EMPHASIS.get(self._apostrophes, 0)
        self._apostrophes = 0

    def open(self):
        heading = max(min(self._heading, 4) - 1, 0)
        return heading << 6 | self._emphasis << 4 | self._in_tag << 3 | self._quoted << 2 | self._bars

    def within(self, bracket):
        return hash(bracket, self.open()) if bracket or self.open() else 0
