"""Places: what stood where the next byte stands, in the lines above and behind the same key.

FORMAT.md: "The past".
"""

from .hash import hash
from .words import is_digit, is_letter

SEGMENTS = 256
LOG2_KEYS = 12
NONE = 256


class Beside:
    """Follows an earlier text beside the one that comes."""

    def __init__(self, position):
        self.position = position
        self.compared = 1 if position else 0

    def push(self, byte, history):
        if self.position:
            said = history.at(self.position)
            if self.compared == 1 and byte != said:
                self.compared = 2 if byte > said else 3
            self.position += 1

    def byte(self, history, further=0):
        return history.at(self.position + further) if self.position else NONE


class Places:
    def __init__(self):
        self._row = []
        self._above = [[], []]
        self._in_run = False
        self._beside = [Beside(0), Beside(0)]
        self._values = {}
        self._value = Beside(0)
        self.key = self._name = self._tag = self.shape_before = self._shape = 0

    def push(self, byte, history, lines, structure):
        for beside in (*self._beside, self._value):
            beside.push(byte, history)
        in_run = is_letter(byte) or is_digit(byte)
        if byte == 0x0A:
            self._above = [self._row, self._above[0]]
            self._row = []
            self._in_run = False
            self._begin_segment(history.len)
            self.shape_before = self._shape
        elif in_run != self._in_run or not self._row:
            self._in_run = in_run
            self._begin_segment(history.len - 1)
            for beside in self._beside:
                beside.push(byte, history)
        self._shape = lines.shape
        self._turn_to_key(history.len, structure)

    def _begin_segment(self, position):
        if len(self._row) < SEGMENTS:
            self._row.append(position)
        index = len(self._row) - 1
        self._beside = [Beside(row[index] if index < len(row) else 0) for row in self._above]

    def _turn_to_key(self, position, structure):
        key = 0
        if structure.name not in (self._name, 0):
            key = structure.name
        elif structure.tag != self._tag:
            key = structure.tag
        self._name, self._tag = structure.name, structure.tag
        if key:
            place = hash(key, 1) >> (64 - LOG2_KEYS)
            self._value = Beside(self._values.get(place, 0))
            self._values[place] = position
            self.key = key

    def above(self, history):
        first, second = self._beside
        return first.byte(history), first.compared, second.byte(history)

    def value(self, history):
        return self._value.byte(history), self._value.byte(history, 1)
