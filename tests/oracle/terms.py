"""Terms, gaps, and what followed them.

FORMAT.md: "The past".
"""

from .hash import hash
from .words import is_digit, is_letter, lower


def sound(byte):
    """What can stand in the place of a letter, digit or mark, in lower case."""
    if byte >= 0x80:
        return 0x80
    for alike in (b"aiou", b"!.?", b",;:", b"([{<", b")]}>"):
        if byte in alike:
            return alike[0]
    if is_letter(byte):
        return byte if byte in b"ey" else ord("b")
    return ord("1") if is_digit(byte) and byte != ord("0") else byte


class Terms:
    def __init__(self):
        self.term = self.len = self.len_before = self.first = 0
        self.before = [0] * 3
        self.capitals = 0
        self.gap = self.gap_before = self.gap_len = self.gap_len_before = 0
        self.keyword = self.opened = self.age = self.sounds = self.follower = 0
        self._code = 0
        self.position = 0
        self._last2 = (0, 0)
        self._uses = {}
        self._followers = {}
        self._token = 0

    def push(self, byte):
        last, before_last = self._last2
        self._last2 = byte, last
        self.position = self.position + 1 & 0xFFFFFFFF
        inside = self.len > 0
        of_term = is_letter(byte) or is_digit(byte)
        if of_term:
            if not inside:
                self._begin(byte, last, before_last)
            self.term = hash(self.term, lower(byte))
            self.len = min(self.len + 1, 255)
            self.capitals |= 0x41 <= byte <= 0x5A
        else:
            if inside:
                self._end(byte)
            self.gap = hash(self.gap, 0x20 if byte == 0x0A else byte)
            self.gap_len = min(self.gap_len + 1, 16)
            if byte in b"([{<":
                self.opened = byte
            elif byte in b")]}>\"'":
                self.opened = 0
        kept = self.sounds << 8 & 0xFF00 if inside == of_term else 0
        self.sounds = kept | sound(lower(byte))

    def _begin(self, byte, last, before_last):
        self.gap_before, self.gap = self.gap, 0
        self.gap_len_before, self.gap_len = self.gap_len, 0
        self.first = lower(byte)
        if last == ord('"') or (last == ord("'") and not is_letter(before_last)):
            self.opened = last

    def _end(self, byte):
        if byte in b":=":
            self.keyword = self.term
        self._uses[self.term >> 48] = (self.term & 0xFFFFFFFF, self.position)
        self.before = [self.term, *self.before[:2]]
        self.len_before = self.len
        self.capitals = self.capitals << 1 & 2
        self.term = self.len = self.first = 0

    def push_incomplete(self, byte, code):
        if code == 0 and self.len == 0:
            self.gap = hash(self.gap, byte)

    def turn(self, followed, code):
        """A coded byte has come; what it showed has been pushed."""
        self._followers[self._token] = (self._followers.get(self._token, 0) << 8 | followed) & 0xFFFF
        self._code = code
        here = self.here()
        self._token = (here or self.gap) >> 46
        self.follower = self._followers.get(self._token, 0)
        check, position = self._uses.get(here >> 48, (0, 0))
        known = here and (check, position) != (0, 0) and check == here & 0xFFFFFFFF
        self.age = ((self.position - position & 0xFFFFFFFF) | 1).bit_length() if known else 0

    def neighbour(self):
        """The term before, if a single byte parts it from what stands here."""
        return self.before[0] if (self.gap_len_before if self.len else self.gap_len) == 1 else 0

    def here(self):
        return self._code or self.term
