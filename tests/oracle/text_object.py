"""What a text object of PDF shows.

FORMAT.md: "The past".
"""

from .hash import hash
from .words import is_digit, is_letter

OUTSIDE, BETWEEN, LITERAL, ESCAPE, DIGIT, DIGITS = range(6)


class TextObject:
    def __init__(self):
        self.place = OUTSIDE
        self.octal = self._since = self._depth = self._run = self._due = self._last = 0
        self._plain = self._first = False
        self._space = 0
        self._more = [0] * 8
        self._begin_number()

    def push(self, byte, last8):
        """The bytes shown, or None for a byte outside, which shows itself."""
        before = (last8 & 0xFFFFFF).to_bytes(3, "big")
        if self.place == OUTSIDE:
            if byte != 0x0A or before != b"\nBT":
                return None
            self._leave_literal()
            self._due, self._plain, self._first = 0, False, True
            shown = [byte]
        else:
            self._since += 1
            if self._since == 255 or (byte == 0x0A and before == b"\nET"):
                self.place = OUTSIDE
                shown = [byte]
            elif self.place == BETWEEN:
                shown = self._push_between(byte, before[2:])
            elif self.place == ESCAPE:
                shown = self._push_escape(byte)
            elif self.place >= DIGIT and byte in b"01234567":
                shown = self._push_digit(byte)
            else:
                shown = self._push_literal(byte)
        if shown:
            self._last = shown[-1]
        return shown

    def _push_between(self, byte, before):
        self._run = hash(self._run, byte)
        shown = []
        if byte == ord("("):
            self._end_number()
            shown = [self._due] if self._due else []
            self._due = self._since = self._depth = 0
            self.place = LITERAL
        elif byte == ord("-"):
            self._begin_number()
            self._negative = True
        elif byte == ord("."):
            self._point = True
        elif is_digit(byte):
            if not self._point:
                self._whole = min(10 * self._whole + byte - 0x30, 9999)
                self._digits = min(self._digits + 1, 7)
        else:
            self._end_number()
            if byte != 0x20:
                self._plain = False
            if before == b"T" and byte in b"dD*":
                self._due, self._first = 0x0A, True
        return shown

    def _push_literal(self, byte):
        if byte == ord("\\"):
            self.place = ESCAPE
            return []
        if byte == ord(")") and self._depth == 0:
            self._leave_literal()
            return []
        self.place = LITERAL
        if byte == ord("("):
            self._depth = min(self._depth + 1, 255)
        elif byte == ord(")"):
            self._depth -= 1
        return [byte]

    def _push_escape(self, byte):
        if byte in b"01234567":
            self.octal, self.place = byte & 7, DIGIT
            return []
        self.place = LITERAL
        return [byte] if byte in b"()\\" else []

    def _push_digit(self, byte):
        self.octal = self.octal << 3 | byte & 7
        if self.place == DIGIT:
            self.place = DIGITS
            return []
        self.place = LITERAL
        return [self.octal & 0xFF]

    def _leave_literal(self):
        self.place = BETWEEN
        self._since = self._run = 0
        self._plain = True
        self._begin_number()

    def _begin_number(self):
        self._negative = self._point = False
        self._whole = self._digits = 0

    def _end_number(self):
        if self._plain and self._negative and self._whole >= 200:
            self._due = self._due or 0x20
            if self._of_term() or self._first:
                self._space = min(max(self._whole - self._more_here(), 0), 9999)
            else:
                self._more[self._last & 7] = self._whole - self._space
            self._first = False
        self._begin_number()

    def _of_term(self):
        return is_letter(self._last) or is_digit(self._last)

    def _more_here(self):
        return 0 if self._of_term() else self._more[self._last & 7]

    def code(self, here):
        """What stands here and shows nothing."""
        if self.place in (OUTSIDE, LITERAL):
            return 0
        if self.place != BETWEEN:
            octal = {ESCAPE: 1, DIGIT: 0x10 | self.octal, DIGITS: 0x100 | self.octal}
            return hash(here, octal[self.place])
        if not self._plain or self._point:
            return self._run
        expected = str(min(max(self._space + self._more_here(), 0), 9999))
        digits = [*map(int, expected), *[10] * 8]
        begun = int(expected[: self._digits] or "0")
        apart = min(max(self._whole - begun, -2), 2) + 2
        state = self._negative | self._first << 1 | (self._due != 0) << 2
        state |= self._digits << 3 | digits[self._digits] << 6 | digits[self._digits + 1] << 10
        return hash(1, state | apart << 14)
