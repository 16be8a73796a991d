"""Brackets, quotes and tags.

FORMAT.md: "The past".
"""

from .hash import hash
from .words import is_digit, is_letter

DEPTH = 16


KINDS = {ord(bracket): number for number, pair in enumerate(("()", "[]", "{}"), 1) for bracket in pair}


def _of_word(byte):
    return is_letter(byte) or is_digit(byte)


def _of_name(byte):
    return _of_word(byte) or byte in b"_-"


class Structure:
    def __init__(self):
        self._open = []  # [kind, words since, hash], the innermost last
        self._capital = 0
        self.since = self.quote = self.quoted = self.key = self.tag = 0
        self.tags = [0] * 8
        self.name = 0
        self.names = [0] * 2
        self._letters = 0
        self._in_tag = 0
        self._tag_name = 0

    def push(self, byte, last8):
        self.since = min(self.since + 1, 255)
        before = last8 & 0xFF
        if _of_word(byte) and not _of_word(before):
            self._capital = int(byte in range(0x41, 0x5B))
        elif _of_word(before) and not _of_word(byte) and self._open:
            self._open[-1][1] = min(self._open[-1][1] + 1, 3)
        if byte in b"([{":
            marks = [0 if _of_word(each) else each for each in (before, last8 >> 8 & 0xFF)]
            self._open.append([KINDS[byte], 0, hash(marks[0] | marks[1] << 8, byte)])
            del self._open[:-DEPTH]
            self.since = 0
        elif byte in b")]}":
            places = [place for place, level in enumerate(self._open) if level[0] == KINDS[byte]]
            if places:
                del self._open[places[-1] :]
            self.since = 0
        elif byte == 0x22:
            if self.quote == 0:
                self.quote, self.key, self.quoted = byte, self.quoted, 0
            else:
                self.quote = 0
        elif byte == 0x0A:
            self.quote = 0
            while before == 0x0A and self._open and self._open[-1][0] < 3:
                self._open.pop()
        if self.quote and byte != 0x22:
            self.quoted = hash(self.quoted, byte)
        self._push_name(byte, last8 & 0xFF)
        self._push_tag(byte, last8 & 0xFF)

    def _push_name(self, byte, before):
        if byte in b"=:" and self._letters:
            self.names = [self.name, self.names[0]]
            self.name, self._letters = self._letters, 0
        elif byte in b"|\n>};":
            if self.name:
                self.names = [self.name, self.names[0]]
            self.name = self._letters = 0
        elif _of_name(byte):
            self._letters = hash(self._letters if _of_name(before) else 0, byte)
        elif byte not in b' "':
            self._letters = 0

    def _drop_tag(self):
        self.tags = [*self.tags[1:], self.tags[7]]
        self.tag = self.tags[0]

    def _push_tag(self, byte, before):
        if byte == ord("<"):
            self._in_tag, self._tag_name = 1, 0
        elif self._in_tag == 1:
            if byte == ord("/") and before == ord("<"):
                self._drop_tag()
                self._in_tag = 3
            elif byte in b"> \n":
                self.tags = [self._tag_name, *self.tags[:7]]
                self.tag = self._tag_name
                self._in_tag = 0 if byte == ord(">") else 2
            else:
                self._tag_name = hash(self._tag_name, byte)
        elif byte == ord(">"):
            if self._in_tag == 2 and before == ord("/"):
                self._drop_tag()
            self._in_tag = 0

    def bracket(self):
        return self._open[-1][2] if self._open else 0

    def level(self):
        kind, words, _ = self._open[-1] if self._open else (0, 0, 0)
        return words << 4 | kind << 2 | self._doubled()

    def _doubled(self):
        return len(self._open) > 1 and self._open[-2][0] == self._open[-1][0]

    def summary(self, last):
        place = {0x20: 1, 0x0A: 2}.get(last, 0 if _of_word(last) else 3)
        kind, words, _ = self._open[-1] if self._open else (0, 0, 0)
        flags = (self._doubled(), self.quote != 0, self._in_tag != 0, self._capital)
        return (
            sum(int(flag) << (3 - number) for number, flag in enumerate(flags))
            | (place | kind << 2 | words << 4) << 4
        )
