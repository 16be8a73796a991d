"""Hashed slots.

FORMAT.md: "Slots".
"""

from .adaptive_map import AdaptiveMap, moved
from .bit_history import EMPTY
from .hash import MASK64, hash
from .probability import stretch

SLOT_INPUTS = 3
LINE = 4
SLOT_BYTES = 16
PLANE_LANES = 8


def plane_inputs(contexts):
    """How many inputs a plane has."""
    return -(-contexts // PLANE_LANES) * PLANE_LANES


def plane(inputs):
    return inputs + [0] * (plane_inputs(len(inputs)) - len(inputs))


class SlotTable:
    def __init__(self, log2_bytes):
        self.bytes = bytearray(1 << log2_bytes)
        self.lines = len(self.bytes) // (LINE * SLOT_BYTES)

    def slot(self, number):
        return self.bytes[number * SLOT_BYTES : (number + 1) * SLOT_BYTES]

    def put(self, number, slot):
        self.bytes[number * SLOT_BYTES : (number + 1) * SLOT_BYTES] = slot

    def find(self, h):
        """The number of the slot that a hash has or may take, and what is in it for that hash."""
        first, check = (h & (self.lines - 1)) * LINE, h >> 56
        for number in range(first, first + LINE):
            if self.bytes[number * SLOT_BYTES] == check:
                return number, self.slot(number)
        # The first of those with the least state, which has seen the fewest bits, makes room.
        number = min(range(first, first + LINE), key=lambda number: self.bytes[number * SLOT_BYTES + 1])
        return number, bytearray([check]) + bytes(SLOT_BYTES - 1)


class Slots:
    def __init__(self, contexts, histories, limit):
        self.histories = histories
        self.hashes = [0] * contexts
        self.found = [0] * contexts
        self.current = [bytearray(SLOT_BYTES) for _ in range(contexts)]
        self.maps = []
        for _ in range(contexts):
            earned = AdaptiveMap(256, limit)
            for state, p1_q16 in enumerate(histories.p1_q16):
                earned.start(state, p1_q16)
            self.maps.append(earned)
        self.random = 0

    def first_nibble(self, table, hashes):
        self.hashes = list(hashes)
        self._find(table)

    def next_nibble(self, table, partial):
        self.hashes = [hash(h, partial) for h in self.hashes]
        self._find(table)

    def _find(self, table):
        self.put_back(table)
        for i, h in enumerate(self.hashes):
            self.found[i], self.current[i] = table.find(h)

    def put_back(self, table):
        for number, slot in zip(self.found, self.current, strict=True):
            table.put(number, slot)

    def predict(self, node):
        """Planes of inputs, and a bit for each context that has been here, the first lowest."""
        logits, distances, of_one_kind = [], [], []
        known = 0
        for i, (slot, earned) in enumerate(zip(self.current, self.maps, strict=True)):
            state = slot[node]
            known |= (state != EMPTY) << i
            p1 = earned.p1_q16(state)
            logit = stretch(p1)
            logits.append(logit)
            distances.append((p1 - 32768) >> 6)
            of_one_kind.append(logit if self.histories.one_kind[state] else 0)
        return plane(logits) + plane(distances) + plane(of_one_kind), known

    def update(self, node, bit):
        for i, (slot, earned) in enumerate(zip(self.current, self.maps, strict=True)):
            if i % 8 == 0:
                self.random = (self.random * 0x5851F42D4C957F2D + 0x14057B7EF767814F) & MASK64
                random = self.random ^ self.random >> 32
            state = slot[node]
            if state != EMPTY:
                earned.entries[state] = moved(earned.entries[state], bit, earned.limit)
            slot[node] = self.histories.next(state, bit, random >> 8 * (i % 8) & 0xFF)
