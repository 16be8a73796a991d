"""The last letters.

FORMAT.md: "The past".
"""

from .words import is_digit, is_letter, lower


class Letters:
    def __init__(self):
        self.last = self.run = self.run_len = self.halves = 0

    def push(self, byte, shown):
        for letter in shown:
            if is_letter(letter) or is_digit(letter):
                self.last = (self.last << 8 | lower(letter)) & 0xFFFFFFFFFF
            if is_letter(letter):
                self.run = (self.run << 8 | lower(letter)) & 0xFFFFFFFF
                self.run_len = min(self.run_len + 1, 15)
            else:
                self.run = self.run_len = 0
        self.halves = (self.halves << 4 | (0 if byte == 0x20 else byte >> 4)) & 0xFFFFFFFF
