"""What a text object of PDF shows.

FORMAT.md: "The past".
"""

from .advance import Advance, Number
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
        self._number = Number()
        self._advance = Advance()

    def push(self, byte, last8):
        """The bytes shown, or None for a byte outside, which shows itself."""
        last5 = (last8 & 0xFFFFFFFFFF).to_bytes(5, "big")
        before = last5[2:]
        if self.place == OUTSIDE:
            if byte != 0x0A or not last5.endswith((b"\nBT", b"cm BT")):
                return None
            self._leave_literal()
            self._due, self._plain, self._first = 0, False, True
            shown = [byte]
        else:
            self._since += 1
            if self._since == 255 or (byte in b" \n" and before == b"\nET"):
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
        self._advance.push(byte)
        shown = []
        if byte == ord("("):
            self._end_number()
            shown = [self._due] if self._due else []
            self._due = self._since = self._depth = 0
            self.place = LITERAL
            self._advance.begin_literal()
        elif byte == ord("-"):
            self._number = Number(negative=True)
        elif byte == ord("."):
            self._number.point = True
        elif is_digit(byte):
            self._number.push(byte)
        else:
            self._end_number()
            if byte != 0x20:
                self._plain = False
            if before == b"T" and byte == ord("f"):
                self._advance.set_font()
            if before == b"T" and byte in b"dD*":
                self._move_on(byte)
        return shown

    def _move_on(self, operator):
        is_space = self._advance.move_on() if operator == ord("d") else None
        if is_space is None:
            self._due, self._first = 0x0A, True
        elif is_space:
            self._due = 0x20

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
        return self._show(byte)

    def _show(self, byte):
        self._advance.show(byte)
        return [byte]

    def _push_escape(self, byte):
        if byte in b"01234567":
            self.octal, self.place = byte & 7, DIGIT
            return []
        self.place = LITERAL
        return self._show(byte) if byte in b"()\\" else []

    def _push_digit(self, byte):
        self.octal = self.octal << 3 | byte & 7
        if self.place == DIGIT:
            self.place = DIGITS
            return []
        self.place = LITERAL
        return self._show(self.octal & 0xFF)

    def _leave_literal(self):
        self.place = BETWEEN
        self._since = self._run = 0
        self._plain = True
        self._number = Number()
        self._advance.end_literal()

    def _end_number(self):
        whole = self._number.whole
        if self._plain and self._number.negative and whole >= 200:
            self._due = self._due or 0x20
            if self._of_term() or self._first:
                self._space = min(max(whole - self._more_here(), 0), 9999)
            else:
                self._more[self._last & 7] = whole - self._space
            self._first = False
        self._advance.end_number(self._number)
        self._number = Number()

    def _of_term(self):
        return is_letter(self._last) or is_digit(self._last)

    def _more_here(self):
        return 0 if self._of_term() else self._more[self._last & 7]

    def code(self, here, of_terms):
        """What stands here and shows nothing."""
        if self.place in (OUTSIDE, LITERAL):
            return 0
        if self.place != BETWEEN:
            octal = {ESCAPE: 1, DIGIT: 0x10 | self.octal, DIGITS: 0x100 | self.octal}
            return hash(here, octal[self.place])
        number = self._number
        if self._advance.is_expected():
            if not number.negative and not number.decimals:
                return self._advance.compared(number)
            if of_terms:
                return hash(self._run ^ self._advance.literal, 5)
            return self._advance.with_bytes(self._run, number)
        if not self._plain or number.point:
            return self._run
        expected = str(min(max(self._space + self._more_here(), 0), 9999))
        digits = [*map(int, expected), *[10] * 8]
        begun = int(expected[: number.digits] or "0")
        apart = min(max(number.whole - begun, -2), 2) + 2
        state = number.negative | self._first << 1 | (self._due != 0) << 2
        state |= number.digits << 3 | digits[number.digits] << 6 | digits[number.digits + 1] << 10
        return hash(1, state | apart << 14)
