"""Direct probabilities.

FORMAT.md: "Direct probabilities".
"""

from .adaptive_map import moved
from .hash import hash
from .probability import stretch

DIRECT_INPUTS = 3
SLOW, FAST = 1023, 24
START = 1 << 31


class Directs:
    def __init__(self, contexts, log2_bytes):
        self.lines = (1 << (log2_bytes - 3)) // 16
        self.slow = {}
        self.fast = {}
        self.found = [0] * contexts

    def turn(self, hashes, nibble):
        for i, h in enumerate(hashes):
            self.found[i] = ((hash(h, nibble) >> 7) % self.lines) * 16

    def predict(self, node, contexts):
        inputs = []
        for found in self.found[:contexts]:
            slow = self.slow.get(found + node, START) >> 16
            fast = self.fast.get(found + node, START) >> 16
            inputs += [stretch(slow), (slow - 32768) >> 6, stretch(fast)]
        return inputs

    def update(self, node, bit):
        for found in self.found:
            at = found + node
            self.slow[at] = moved(self.slow.get(at, START), bit, SLOW)
            self.fast[at] = moved(self.fast.get(at, START), bit, FAST)
