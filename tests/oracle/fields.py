"""Fields of variable length.

FORMAT.md: "The past".
"""


class Fields:
    def __init__(self):
        self.len = self.since_len = self.since_zero = 0

    def push(self, byte):
        self.since_len += 1
        self.since_zero += 1
        if byte == 0:
            self.since_zero = 0
        elif byte < 32:
            self.len, self.since_len = byte, 0

    def zero(self):
        return min(self.since_zero, 63)

    def place(self):
        if self.since_len < self.len:
            return self.since_len
        return 64 + min(self.since_len - self.len, 127)
