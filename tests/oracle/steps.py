"""Numbers that change as they did in the company of the number before.

FORMAT.md: "The past".
"""

from .hash import MASK64, hash
from .words import is_letter

DIGITS = 15


def signed(value):
    """The same in 64 bits."""
    value &= MASK64
    return value - (1 << 64) if value >> 63 else value


def written(value, decimals):
    digits = str(abs(value)).rjust(decimals + 1, "0")
    if decimals:
        digits = digits[:-decimals] + "." + digits[-decimals:]
    return "-" * (value < 0) + digits[-19:]


class Steps:
    def __init__(self):
        self.columns = {}
        self.steps = {}
        self.digits, self.point, self.negative, self.before = "", None, False, 0
        self.letters = self.word = self.since = 0
        self._turn()

    def push(self, byte):
        if 48 <= byte <= 57 and len(self.digits) < DIGITS:
            self.digits += chr(byte)
            return
        if byte == 46 and self.digits and self.point is None:
            self.point = len(self.digits)
            return
        if self.digits:
            value = -int(self.digits) if self.negative else int(self.digits)
            step = signed(value - self.columns.get(self.column, (0, 0))[0])
            decimals = 0 if self.point is None else len(self.digits) - self.point
            self.columns[self.column] = value, decimals
            first, second = self.steps.get(self.key, (0, 0))
            self.steps[self.key] = (first, second) if step == first else (step, first)
            self.before = step
            self.since += 1
        self.digits, self.point, self.negative = "", None, byte == 45
        if is_letter(byte):
            self.letters = hash(self.letters, byte)
            self.word, self.since = self.letters, 0
        else:
            self.letters = 0
            if byte == 10:
                self.word = self.since = self.before = 0
        self._turn()

    def _turn(self):
        place = hash(self.word ^ self.since << 32, 9)
        self.column = place >> 52
        self.key = hash(place ^ self.before & MASK64, 3) >> 50

    def expected(self):
        """What stands here in the two expected numbers, and where that is, if the column has decimals."""
        value, decimals = self.columns.get(self.column, (0, 0))
        if not decimals:
            return None
        done = len(self.digits) + (self.point is not None) + self.negative
        steps = self.steps.get(self.key, (0, 0))
        first, second = (written(signed(value + step), decimals).encode() for step in steps)
        characters = [(number + bytes(32))[done] for number in (first, second)]
        return characters[0] << 8 | characters[1], done << 8 | max(len(first) - done, 0)
