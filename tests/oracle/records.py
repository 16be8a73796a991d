"""Records of fixed length.

FORMAT.md: "The past".
"""

QUORUM = 15


class Records:
    def __init__(self):
        self.len = 0
        self.is_picture = False
        self.votes = 0
        self.candidate = 0
        self.seen = [0] * 256
        self.distances = [0] * 256

    def turn_to_picture(self, width, brightness=None):
        """Of a width and of bytes so bright, or to what is none."""
        self.is_picture = width is not None
        if self.is_picture:
            self.brightness = brightness
            self.len, self.votes = max(width, 8), 0

    def push(self, byte, position):
        distance = position - self.seen[byte]
        if distance == self.distances[byte] and distance > 1 and not self.is_picture:
            if distance == self.candidate:
                self.votes += 1
                if self.votes > QUORUM:
                    self.len = distance
                    self.votes = 0
            elif self.votes > 0:
                self.votes -= 1
            else:
                self.candidate = distance
        self.distances[byte] = distance
        self.seen[byte] = position
