"""All parts as one predictor.

FORMAT.md: "Predictor".
"""

from . import setup
from .adaptive_map import AdaptiveMap
from .apm import Apm
from .contexts import Contexts
from .hash import hash
from .match_model import MatchModel
from .mixer import Mixer
from .parse import Parsed
from .probability import p1_clamped, squash_fine, stretch
from .slots import Slots, SlotTable

TEXT, BINARY = 0, 1
BIAS = 256
APM_RATE = 6
HISTORY_LIMIT = 255
RUN_LIMIT = 1023


class Arm:
    """What one kind of data has to itself."""

    def __init__(self, assembly, size_class):
        self.assembly = assembly
        self.inputs = assembly.inputs()
        self.slots = Slots(assembly.contexts, HISTORY_LIMIT)
        self.mixer = Mixer(self.inputs, setup.SELECTORS, setup.FINALS, setup.RATES)
        self.apms = [Apm(contexts, APM_RATE) for contexts in setup.apm_contexts(size_class)]


class Predictor:
    def __init__(self, size_class):
        log2 = setup.sizes(size_class)
        self.size_class = size_class
        self.kind = TEXT
        self.arms = [None, None]
        self.parsed = Parsed(log2.history)
        self.table = SlotTable(log2.slots)
        self.match = MatchModel(setup.MATCHES[0], log2.heads, RUN_LIMIT)
        self.order0 = AdaptiveMap(256, HISTORY_LIMIT)
        self.partial = 1
        self.bit_position = 0

    def begin(self, kind):
        arm = self.arms[self.kind]
        if arm is not None:
            if kind == self.kind:
                return
            arm.slots.put_back(self.table)
        self.kind = kind
        if self.arms[kind] is None:
            self.arms[kind] = Arm((setup.TEXT, setup.BINARY)[kind], self.size_class)
        self._turn()

    def _node(self):
        since = self.bit_position & 3
        return self.partial & ((1 << since) - 1) | 1 << since

    def predict(self):
        arm = self.arms[self.kind]
        inputs = arm.slots.predict(self._node())
        inputs += [stretch(self.order0.p1_q16(self.partial)), BIAS]
        inputs += self.match.predict(self.partial, self.bit_position)
        inputs += [0] * (arm.inputs - len(inputs))
        holds = self.match.expected_bit(self.partial, self.bit_position) is not None
        match_pick = (self.match.len_class() if holds else 0) * 8 + self.bit_position
        logit = arm.mixer.predict(inputs, [self.partial, match_pick], [0])
        total = 2 * squash_fine(logit)
        for apm, context in zip(arm.apms, self._apm_contexts(), strict=True):
            total += apm.refine(logit, context)
        return p1_clamped(total >> 2)

    def _apm_contexts(self):
        last = self.parsed.history.last8 & 0xFF
        hashed = setup.apm_contexts(self.size_class)[1]
        return self.partial, (hash(last, self.partial) >> 24) & (hashed - 1)

    def update(self, bit):
        node = self._node()
        arm = self.arms[self.kind]
        arm.mixer.update(bit)
        for apm in arm.apms:
            apm.update(bit)
        arm.slots.update(node, bit)
        self.match.update(self.partial, self.bit_position, bit)
        self.order0.update(self.partial, bit)
        self.partial = self.partial << 1 | bit
        self.bit_position += 1
        if self.bit_position == 4:
            arm.slots.second_nibble(self.table, self.partial)
        elif self.bit_position == 8:
            self.parsed.push(self.partial & 0xFF)
            self.match.next_byte(self.parsed.history)
            self.partial = 1
            self.bit_position = 0
            self._turn()

    def _turn(self):
        arm = self.arms[self.kind]
        contexts = Contexts()
        for group in arm.assembly.groups:
            group(self.parsed, contexts)
        arm.slots.first_nibble(self.table, contexts.hashes)
