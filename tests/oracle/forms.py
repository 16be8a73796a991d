"""How words begin and end.

FORMAT.md: "The past".
"""

from .words import is_letter, lower


def number(letters):
    """Letters as a number, the last lowest."""
    return int.from_bytes(bytes(letters), "big")


def ending(word):
    return min(len(word), 4) << 24 | number(word[-3:])


class Forms:
    def __init__(self):
        self.word = []
        self.beginnings = [0, 0]
        self.ending_before = 0

    def push(self, byte):
        if is_letter(byte):
            self.word.append(lower(byte))
        elif self.word:
            self.beginnings = [number(self.word[:4]), self.beginnings[0]]
            self.ending_before = ending(self.word)
            self.word = []

    def ending(self):
        return ending(self.word)

    def class_before(self):
        return self.ending_before & (0xFF00FFFF if self.ending_before >> 24 == 4 else 0xFFFFFFFF)
