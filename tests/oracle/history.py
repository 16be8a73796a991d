"""The bytes so far.

FORMAT.md: "The past".
"""

from .hash import MASK64


class History:
    def __init__(self, log2_bytes):
        self.ring = bytearray(1 << log2_bytes)
        self.len = 0
        self.last8 = 0

    def push(self, byte):
        self.ring[self.len & (len(self.ring) - 1)] = byte
        self.len += 1
        self.last8 = (self.last8 << 8 | byte) & MASK64

    def at(self, position):
        return self.ring[position & (len(self.ring) - 1)]

    def back(self, distance):
        return 0 if distance > self.len else self.at(self.len - distance)
