"""What came after the last bytes and words when they were seen before.

FORMAT.md: "The past".
"""

from .hash import MASK64


def _place(words):
    return words >> 48


class Followers:
    def __init__(self):
        self._of_byte = [0] * 256
        self._of_pair = [0] * 65536
        self._of_word = {}
        self._of_word_pair = {}
        self.byte = self.pair = self.word = self.word_pair = 0

    def push(self, byte, last8):
        before = last8 & 0xFF
        pair = last8 & 0xFFFF
        self._of_byte[before] = (self._of_byte[before] << 8 | byte) & 0xFFFFFFFF
        self._of_pair[pair] = (self._of_pair[pair] << 8 | byte) & 0xFFFF
        self.byte = self._of_byte[byte]
        self.pair = self._of_pair[before << 8 | byte]

    def push_word(self, words):
        w0, w1, w2 = words.before[:3]
        follower = w0 >> 16 & 0xFFFFFFFF
        self._of_word[_place(w1)] = follower
        self._of_word_pair[_place((3 * w1 + w2) & MASK64)] = follower
        self.word = self._of_word.get(_place(w0), 0)
        self.word_pair = self._of_word_pair.get(_place((3 * w0 + w1) & MASK64), 0)
