"""How what a model has learned is packed.

FORMAT.md: "What was learned".
"""

from .adaptive_map import moved
from .probability import p1_clamped
from .range_coder import Decoder, Encoder

LIMIT = 255
EVEN = 1 << 21
BLOCK = 32


class Packer:
    """Writes what `Unpacker` reads."""

    def __init__(self):
        self.encoder = Encoder()
        self.entries = {}

    def bit(self, bit, *context):
        entry = self.entries.get(context, 1 << 31)
        self.encoder.encode(bit, p1_clamped(entry >> 10))
        self.entries[context] = moved(entry, bit, LIMIT)

    def plain(self, value, count):
        for place in range(count - 1, -1, -1):
            self.encoder.encode(value >> place & 1, EVEN)

    def symbol(self, value, bits, *context):
        node = 1
        for place in range(bits - 1, -1, -1):
            bit = value >> place & 1
            self.bit(bit, *context, node)
            node = node << 1 | bit

    def number(self, value, *context):
        bits = value.bit_length()
        self.symbol(bits, 6, "number", *context)
        if bits:
            self.plain(value - (1 << bits - 1), bits - 1)


class Unpacker:
    def __init__(self, packed):
        self.decoder = Decoder(packed)
        self.entries = {}

    @classmethod
    def of(cls, decoder):
        """Reads on, with contexts of its own."""
        unpacker = cls(b"")
        unpacker.decoder = decoder
        return unpacker

    def bit(self, *context):
        entry = self.entries.get(context, 1 << 31)
        bit = self.decoder.decode(p1_clamped(entry >> 10))
        self.entries[context] = moved(entry, bit, LIMIT)
        return bit

    def plain(self, count):
        value = 0
        for _ in range(count):
            value = value << 1 | self.decoder.decode(EVEN)
        return value

    def symbol(self, bits, *context):
        node = 1
        while node < 1 << bits:
            node = node << 1 | self.bit(*context, node)
        return node - (1 << bits)

    def number(self, *context):
        bits = min(self.symbol(6, "number", *context), 32)
        return self.plain(bits - 1) | 1 << (bits - 1) if bits else 0

    def words(self, before):
        """Words of 16 bits, given what they were."""
        after, history, last = [], 0, 0
        for at in range(0, len(before), BLOCK):
            block = before[at : at + BLOCK]
            same = self.bit("same", history & 3)
            history = history << 1 | same
            if same:
                after += block
                continue
            for word in block:
                number = self.number("word", last) & 0xFFFF
                last = number.bit_length()
                after.append((word + (number >> 1 ^ -(number & 1))) & 0xFFFF)
        return after

    def slots(self, count):
        """Lines and slots."""
        line = 0
        for _ in range(count):
            line = (line + self.number("gap")) & 0xFFFFFFFF
            slot = bytearray(16)
            slot[0] = self.plain(8)
            slot[1] = self.symbol(8, "state", 0, 0)
            for node in range(1, 8):
                if slot[node]:
                    for side in range(2):
                        slot[2 * node + side] = self.symbol(8, "state", 1 + side, slot[node])
            yield line, slot
