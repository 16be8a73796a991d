"""The binary arithmetic coder.

FORMAT.md: "Range coder".
"""

from .probability import P1_BITS


class Interval:
    """`span` code values from `low` on."""

    def __init__(self):
        self.low = 0
        self.span = 0xFFFFFFFF

    def split(self, p1):
        return (self.span * p1) >> P1_BITS

    def narrow(self, split, bit):
        if bit:
            self.span = split
        else:
            self.low += split
            self.span -= split

    def shift(self):
        """The byte given up, with 256 added for a carry; None if the interval is still wide."""
        if self.span >= 1 << 24:
            return None
        top = self.low >> 24
        self.low = (self.low << 8) & 0xFFFFFFFF
        self.span <<= 8
        return top


class Encoder:
    def __init__(self):
        self.interval = Interval()
        self.bytes = bytearray()

    def _carry(self):
        at = len(self.bytes) - 1
        while self.bytes[at] == 0xFF:
            self.bytes[at] = 0
            at -= 1
        self.bytes[at] += 1

    def encode(self, bit, p1):
        self.interval.narrow(self.interval.split(p1), bit)
        while (top := self.interval.shift()) is not None:
            if top > 0xFF:
                self._carry()
            self.bytes.append(top & 0xFF)

    def finish(self):
        low, last = self.interval.low, self.interval.low + self.interval.span - 1
        for count in range(5):
            places = 32 - 8 * count
            value = last >> places << places
            if value >= low:
                break
        if value >> 32:
            self._carry()
        self.bytes += (value & 0xFFFFFFFF).to_bytes(4, "big")[:count]
        return bytes(self.bytes.rstrip(b"\0"))


class Decoder:
    def __init__(self, payload):
        self.interval = Interval()
        self.rest = iter(payload)
        self.offset = 0
        for _ in range(4):
            self._pull()

    def _pull(self):
        # A damaged payload may leave more than 32 bits here; they fall off.
        self.offset = (self.offset << 8 | next(self.rest, 0)) & 0xFFFFFFFF

    def decode(self, p1):
        split = self.interval.split(p1)
        bit = int(self.offset < split)
        if not bit:
            self.offset -= split
        self.interval.narrow(split, bit)
        while self.interval.shift() is not None:
            self._pull()
        return bit
