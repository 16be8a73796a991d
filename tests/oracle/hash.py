"""Hashing.

FORMAT.md: "Hash".
"""

MASK64 = (1 << 64) - 1
FACTOR = 0x9E3779B97F4A7C15


def hash(seed, value):
    x = (((seed ^ value) + 1) * FACTOR) & MASK64
    return x ^ x >> 32
