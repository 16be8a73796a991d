"""The last letters of the coded bytes.

FORMAT.md: "The past".
"""

from .words import is_digit, is_letter, lower


class Letters:
    def __init__(self):
        self.last = self.run = self.run_len = self.halves = 0

    def push(self, byte):
        if is_letter(byte) or is_digit(byte):
            self.last = (self.last << 8 | lower(byte)) & 0xFFFFFFFFFF
        if is_letter(byte):
            self.run = (self.run << 8 | lower(byte)) & 0xFFFFFFFF
            self.run_len = min(self.run_len + 1, 15)
        else:
            self.run = self.run_len = 0
        self.halves = (self.halves << 4 | (0 if byte == 0x20 else byte >> 4)) & 0xFFFFFFFF
