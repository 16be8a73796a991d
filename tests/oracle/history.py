"""The bytes so far.

FORMAT.md: "The past".
"""

from .hash import FACTOR, MASK64, hash


class History:
    def __init__(self, log2_bytes):
        self.ring = bytearray(1 << log2_bytes)
        self.len = 0
        self.last8 = 0
        self.before8 = 0

    def push(self, byte):
        self.ring[self.len & (len(self.ring) - 1)] = byte
        self.len += 1
        self.before8 = (self.before8 << 8 | self.last8 >> 56) & MASK64
        self.last8 = (self.last8 << 8 | byte) & MASK64

    def at(self, position):
        return self.ring[position & (len(self.ring) - 1)]

    def back(self, distance):
        return 0 if distance > self.len else self.at(self.len - distance)

    def hash_of_last(self, count):
        last = self.last8 & ((1 << 8 * count) - 1)
        before = self.before8 & ((1 << 8 * max(count - 8, 0)) - 1)
        rotated = before << 29 & MASK64 | before >> 35
        return hash(hash(last ^ (rotated * FACTOR & MASK64), count), last >> 32)
