"""What is known of a tar header's checksum.

FORMAT.md: "The past".
"""

from .hash import hash

OCTAL = b"01234567"
ENDS = b"\0 "


class TarHeader:
    def __init__(self):
        self._place = self._expected = self._rest = 0
        self._is_directory = self._is_equal = False
        self._rests = [0, 0]

    def push(self, byte, history):
        """A hash of what is known of the byte after this one, which the history does not have yet, or 0."""
        if self._place:
            self._step(byte)
        elif byte in ENDS and history.back(1) in OCTAL:
            before = bytes(history.back(back) for back in range(147, 0, -1)) + bytes([byte])
            if is_header(before):
                self._begin(before)
        if not 148 <= self._place < 154:
            return 0
        return hash(3, self._digit() | (self._place - 148) << 8 | self._is_equal << 16)

    def _begin(self, before):
        self._is_directory = before[:100].rstrip(b"\0").endswith(b"/")
        self._expected = sum(before) + 8 * 32 + self._rests[self._is_directory]
        self._place, self._is_equal, self._rest = 148, True, 0

    def _step(self, byte):
        if self._place < 154:
            self._is_equal = self._is_equal and byte == self._digit()
        elif self._place >= 156:
            self._rest += byte
        self._place += 1
        if self._place == 512:
            self._place = 0
            self._rests[self._is_directory] = self._rest

    def _digit(self):
        return 0x30 | self._expected >> 3 * (153 - self._place) & 7


def is_header(before):
    fields = [before[at : at + size] for at, size in ((100, 8), (108, 8), (116, 8), (124, 12), (136, 12))]
    for field in fields:
        *inner, last = field
        if last not in ENDS or not any(byte in OCTAL for byte in inner):
            return False
        if any(byte not in (OCTAL if len(field) == 12 else OCTAL + ENDS) for byte in inner):
            return False
    return True
