"""Runs.

FORMAT.md: "Runs".
"""

from .adaptive_map import AdaptiveMap
from .probability import stretch

CLASSES = 128
MOST = 62


class Runs:
    def __init__(self, contexts, log2_words, limit):
        self.words = {}
        self.log2_words = log2_words
        self.active = 0
        self.found = [0] * contexts
        # Check, byte and count of each context's word.
        self.current = [(0, 0, 0)] * contexts
        self.map = AdaptiveMap(contexts * CLASSES, limit)
        for index in range(contexts * CLASSES):
            silent = index % CLASSES == 0
            self.map.start(index, 1 << 15 if silent else 49152 if index & 1 else 16384)

    def next_byte(self, came, hashes):
        if came is not None:
            for i in range(self.active):
                check, last, count = self.current[i]
                if count == 0:
                    count = 2
                elif last != came:
                    count = 3
                elif count < MOST:
                    count += 2
                self.words[self.found[i]] = (check, came, count)
        self.active = len(hashes)
        for i, h in enumerate(hashes):
            self.found[i] = (h >> 20) % (1 << self.log2_words)
            check = h & 0xFFFF
            word = self.words.get(self.found[i], (0, 0, 0))
            self.current[i] = word if word[0] == check else (check, 0, 0)

    def _index(self, i, path, tree):
        _, last, count = self.current[i]
        way = tree.ways[last]
        left = way.bit_length() - path.bit_length()
        if count and left > 0 and way >> left == path:
            return i * CLASSES + 2 * count + (way >> (left - 1) & 1)
        return i * CLASSES

    def predict(self, path, tree):
        return [stretch(self.map.p1_q16(self._index(i, path, tree))) for i in range(self.active)]

    def update(self, path, tree, bit):
        for i in range(self.active):
            index = self._index(i, path, tree)
            if index % CLASSES:
                self.map.update(index, bit)
