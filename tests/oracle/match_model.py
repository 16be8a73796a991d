"""The match model.

FORMAT.md: "Match models".
"""

from .adaptive_map import AdaptiveMap
from .hash import hash
from .probability import stretch

MATCH_INPUTS = 3
MAX_LEN = 65535
LINE = 16
CODED_LESS = 3


class MatchModel:
    def __init__(self, min_len, log2_heads, limit):
        self.map = AdaptiveMap(2 * 16 * 16 * 2, limit)
        for index in range(len(self.map.entries)):
            self.map.start(index, 49152 if index & 1 else 16384)
        self.heads = [0] * (1 << log2_heads)
        self.line = 0
        self.min_len = min_len
        self.pointer = 0
        self.match_len = 0
        self.misses = 0xFF
        self.expected = 0

    def expected_now(self):
        return self.expected, self.len_class()

    def next_byte(self, history, coded):
        min_len = self.min_len - CODED_LESS if coded else self.min_len
        newest = history.back(1)
        if self.expected:
            hit = self.expected & 0xFF == newest
            self.misses = self.misses << 1 & 0xFF | (not hit)
            self.match_len = min(self.match_len + 1, MAX_LEN) if hit else 0
            self.pointer += 1
            if self.misses.bit_count() > 4:
                self.expected = 0
        ring = len(history.ring)
        h = hash(self.line, newest)
        head = self.line + (h >> 60)
        # What is left of 32 bits beside a place in the ring.
        check = (h >> 28 & 0xFFFFFFFF) // ring
        if not self.expected or self.match_len < min_len:
            found, place = divmod(self.heads[head], ring)
            if self.heads[head] and found == check:
                self._look(history, (history.len - place) % ring, min_len)
        self.heads[head] = check * ring + history.len % ring
        self.line = history.hash_of_last(min_len - 1) % len(self.heads) // LINE * LINE
        if self.expected:
            self.expected = 0x100 | history.at(self.pointer)

    def _look(self, history, distance, min_len):
        if not 0 < distance < history.len:
            return
        candidate = history.len - distance
        length = common(history, candidate, max(400, min_len))
        if length >= min_len and (not self.expected or length > self.match_len):
            self.pointer = candidate
            self.match_len = length
            self.misses = 0
            self.expected = 1

    def expected_bit(self, path, tree):
        if not self.expected:
            return None
        way = tree.ways[self.expected & 0xFF]
        left = way.bit_length() - path.bit_length()
        return way >> (left - 1) & 1 if left > 0 and way >> left == path else None

    def expected_byte(self, path, tree):
        return 0 if self.expected_bit(path, tree) is None else self.expected & 0xFF

    def len_class(self):
        n = self.match_len
        if not self.expected:
            return 0
        if n == 0:
            return 1
        if n < 16:
            return 2 + n // 4
        if n < 32:
            return 6 + (n - 16) // 8
        return min(3 + n.bit_length() - 1, 15)

    def _index(self, expected_bit, first):
        misses = self.misses & 7 | (self.misses & 0xF8 != 0) << 3
        return ((first << 4) + self.len_class()) << 5 | misses << 1 | expected_bit

    def predict(self, path, tree):
        bit = self.expected_bit(path, tree)
        if bit is None:
            return [0, 0, 0]
        p1 = self.map.p1_q16(self._index(bit, path == 1))
        far = min(self.match_len, 32) * 16
        return [stretch(p1), (p1 - 32768) >> 5, far if bit else -far]

    def update(self, path, tree, bit):
        expected = self.expected_bit(path, tree)
        if expected is not None:
            self.map.update(self._index(expected, path == 1), bit)


def common(history, candidate, limit):
    length = 0
    while (
        length < limit
        and length < candidate
        and history.at(candidate - 1 - length) == history.back(1 + length)
    ):
        length += 1
    return length
