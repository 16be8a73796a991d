"""Numbers, and those that stood in the same place of a line before.

FORMAT.md: "The past".
"""

from .hash import hash
from .probability import clamp
from .words import is_digit, is_letter

LOG2_PLACES = 12
DIGITS = 18
FAR = 100_000


class Numbers:
    def __init__(self):
        self._seen = {}
        self._place = self._letters = self._word = self._since = self._value = 0
        self._last = self._next = ()
        self._step = self._ahead = self.digits = 0

    def push(self, byte):
        if is_digit(byte) and self.digits < DIGITS:
            said = self.last()
            if said == 10:
                self._ahead = FAR
            elif said < 10:
                self._ahead = clamp(self._ahead * 10 + byte - 0x30 - said, -FAR, FAR)
            self._value = self._value * 10 + byte - 0x30
            self.digits += 1
            return
        if self.digits:
            last, _, length = self._seen.get(self._place, (0, 0, 0))
            self._seen[self._place] = self._value, last if length else self._value, self.digits
            self._value = self.digits = 0
            self._since += 1
        if is_letter(byte):
            self._letters = self._word = hash(self._letters, byte)
            self._since = 0
        else:
            self._letters = 0
            if byte == 0x0A:
                self._word = self._since = 0
        self._turn()

    def _turn(self):
        place = self._word ^ self._since << 32 & 0xFFFFFFFFFFFFFFFF
        self._place = hash(place, 7) >> (64 - LOG2_PLACES)
        last, before, length = self._seen.get(self._place, (0, 0, 0))
        self._ahead = 0
        self._step = last - before
        following = last + self._step if last + self._step >= 0 else last
        self._last = f"{last:0{length}}" if length else ""
        self._next = f"{following:0{length}}" if length else ""

    def _at(self, digits):
        if not digits:
            return 11
        return int(digits[self.digits]) if self.digits < len(digits) else 10

    def last(self):
        return self._at(self._last)

    def next(self):
        return self._at(self._next)

    def left(self):
        return min(max(len(self._last) - self.digits, 0), 7)

    def ahead(self):
        return clamp(self._ahead, -8, 8) + 8

    def step(self):
        return abs(self._step).bit_length() << 1 | (self._step < 0)
