"""Adaptive probabilities.

FORMAT.md: "Adaptive probabilities".
"""

RECIPROCAL = [2 * 65536 // (2 * n + 3) for n in range(1024)]


def moved(entry, bit, limit):
    p, n = entry >> 10, entry & 1023
    target = (1 << 22) - 1 if bit else 0
    p += ((target - p) * RECIPROCAL[n]) >> 16
    return p << 10 | (n + (n < limit))


class AdaptiveMap:
    def __init__(self, length, limit):
        self.entries = [1 << 31] * length
        self.limit = limit

    def start(self, index, p1_q16):
        self.entries[index] = p1_q16 << 16

    def p1_q16(self, index):
        return self.entries[index] >> 16

    def update(self, index, bit):
        self.entries[index] = moved(self.entries[index], bit, self.limit)
