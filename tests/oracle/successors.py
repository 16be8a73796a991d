"""Successors: what followed the last three, four and eight bytes.

FORMAT.md: "The past".
"""

from .hash import hash

ORDERS = (3, 4, 8)
LOG2_PLACES = 18


class Successors:
    def __init__(self):
        # By table and place the four bytes that followed last, newest lowest.
        self._of = {}
        self._places = [(0, 0), (0, 0), (0, 0)]

    def push(self, byte, last8):
        for i, order in enumerate(ORDERS):
            place = self._places[i]
            self._of[place] = (self._of.get(place, 0) << 8 | byte) & 0xFFFFFFFF
            self._places[i] = i, hash(last8 & ((1 << 8 * order) - 1), order) >> (64 - LOG2_PLACES)

    def of_last(self):
        return [self._of.get(place, 0) for place in self._places]
