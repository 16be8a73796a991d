"""How far a text object moves on from one string to the next.

FORMAT.md: "The past".
"""

from dataclasses import dataclass

from .hash import hash

WIDTHS = {
    28: b"ijlI.,:;!|'",
    38: b'ftrsz()[]-"`',
    44: b"ce",
    83: b"mM@",
    100: b"W",
    70: b"ABCDEFGHJKLNOPQRSTUVXYZw%&",
}
WIDTH_OF = {byte: width for width, of in WIDTHS.items() for byte in of}


@dataclass
class Number:
    negative: bool = False
    whole: int = 0
    digits: int = 0
    decimals: int = 0
    point: bool = False
    part: int = 0
    fraction: int = 0

    def push(self, byte):
        digit = byte - 0x30
        if self.point:
            self.part += (10, 1, *[0] * 6)[self.decimals] * digit
            self.decimals = min(self.decimals + 1, 7)
            self.fraction = hash(self.fraction, byte)
        else:
            self.whole = min(10 * self.whole + digit, 9999)
            self.digits = min(self.digits + 1, 7)

    @property
    def value(self):
        value = 100 * self.whole + self.part
        return -value if self.negative else value


class Advance:
    def __init__(self):
        self.literal = self._bytes = self._width = 0
        self._size = self._space = self._along = 0
        self._scale = 973
        self._operands = [0, 0]
        self._behind = b""
        self._alone = False

    def begin_literal(self):
        self.literal = self._bytes = self._width = 0

    def show(self, byte):
        self.literal = hash(self.literal, byte)
        self._bytes = min(self._bytes + 1, 255)
        self._width = min(self._width + WIDTH_OF.get(byte, 53), 9999)

    def end_literal(self):
        self._behind = b""
        self._alone = False

    def push(self, byte):
        if self._behind == b"Tj" and byte in b" \n\r":
            self._behind = b"Tj "
        elif not (self._behind == b"Tj " and byte in b" \n\r0123456789-."):
            self._behind += bytes([byte])
        self._alone |= self._behind == b"Tj "

    def end_number(self, number):
        if number.digits or number.decimals:
            self._operands = [self._operands[1], number.value]

    def set_font(self):
        self._size = min(max(self._operands[1], 0), 9999)

    def _shown(self):
        return min(self._width * self._size * self._scale // 102400, 999900)

    def move_on(self):
        right, up = self._operands
        if not self._alone or up or right <= 0 or not self._size or not self._width:
            self._along = max(self._along - 1, 0)
            return None
        self._along = 4
        shown = self._shown()
        gap = right - shown
        self._width = 0
        nothing = self._size // 10
        if gap > nothing:
            if gap < 2 * self._size:
                self._space = gap
            return True
        if gap > -nothing:
            # Rounded towards 0.
            more = abs(gap) * self._scale // (10 * max(shown, self._size))
            self._scale = min(max(self._scale + (more if gap > 0 else -more), 512), 2048)
        return False

    def is_expected(self):
        return self._behind == b"Tj " and self._along > 0

    def compared(self, number):
        shown = self._shown()
        ways = []
        for expected in (shown + self._space, shown):
            advance = min(max(expected, 0), 999900)
            if number.point:
                begun, next_digit = advance // 100, advance // 10 % 10
            else:
                # Whole digits and two more.
                digits = str(advance // 100) + f"{advance % 100:02}"
                begun = int(digits[: number.digits] or "0")
                is_whole = number.digits < len(digits) - 2
                next_digit = int(digits[number.digits]) if is_whole else 10
            ways.append(min(max(number.whole - begun, -3), 3) + 3 | next_digit << 3)
        word, part = ways
        return hash(2, number.digits | number.point << 3 | word << 4 | part << 11)

    def with_bytes(self, run, number):
        return hash(number.fraction if number.decimals > 1 else run, self._bytes)
