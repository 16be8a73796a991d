"""All parts as one predictor.

FORMAT.md: "Predictor".
"""

from . import contexts
from .adaptive_map import AdaptiveMap
from .apm import Apm
from .directs import Directs
from .hash import hash
from .lstm_mixer import mixer_network, structured_mixer_network
from .match_model import MatchModel
from .mixer import Mixer
from .network import NETWORK_START, Network
from .parse import Parsed
from .pictures import pictures
from .probability import p1_clamped, squash_fine, stretch
from .runs import Runs
from .setup import SETUPS, apm_contexts
from .slots import Slots, SlotTable, plane
from .transform import Inverse
from .tree import depth_of
from .trees import ALONE, MOST_TREES, in_tree

TEXT, BINARY, STRUCTURED = 0, 1, 2
BIAS = 256
HISTORY_LIMIT = 255
RUN_LIMIT = 1023


class Arm:
    """What one kind of data has to itself."""

    def __init__(self, setup, assembly, size_class):
        self.assembly = assembly
        self.contexts = assembly.contexts
        self.inputs = assembly.inputs(len(setup.matches), setup.network)
        self.slots = Slots(self.contexts, setup.histories, HISTORY_LIMIT)
        first = [size for size, _ in assembly.selectors]
        second = [size for size, _ in assembly.finals]
        self.mixer = Mixer(self.inputs, first, second, assembly.rates)
        if setup.network:
            self.mixer.set_start(assembly.network_input(len(setup.matches)), NETWORK_START)
        self.apm_contexts = apm_contexts(assembly, size_class)
        self.apms = [Apm(count) for count in self.apm_contexts]


class Predictor:
    def __init__(self, preset, size_class, prior=None):
        self.setup = setup = SETUPS[preset]
        log2 = setup.sizes(size_class, prior is not None)
        self.size_class = size_class
        self.kind = TEXT
        self.assemblies = setup.kinds(prior is None)
        learned = None if prior is None else prior.learned
        if learned is not None and learned.structured:
            self.assemblies = setup.structured, *self.assemblies[1:]
        self.arms = [None, None, None]
        self.parsed = Parsed(log2.history)
        self.table = SlotTable(log2.slots if prior is None else setup.primed_slots(size_class))
        if prior is not None:
            prior.fill(self.table, preset)
        run_contexts = max(kind.contexts if kind.runs else 0 for kind in self.assemblies)
        self.runs = Runs(run_contexts, log2.runs, RUN_LIMIT) if run_contexts else None
        direct_contexts = max(kind.directs for kind in self.assemblies)
        self.directs = Directs(direct_contexts, log2.directs) if direct_contexts else None
        self.matches = [MatchModel(min_len, log2.heads, RUN_LIMIT) for min_len in setup.matches]
        self.order0 = AdaptiveMap(256 * MOST_TREES, HISTORY_LIMIT)
        # Those of text, structured or not.
        self.trees = ALONE if prior is None else prior.trees_of(preset)
        self._pick_tree()
        words = prior.shipped if prior is not None else ((), (), ())
        self.inverse = Inverse(words)
        own = None if prior is None else prior.network
        self.network = Network(any(words), own) if setup.network else None
        self.mixer_networks, self.hears_network = {}, False
        if setup.corrected:
            self.mixer_networks[TEXT], self.hears_network = mixer_network(setup, prior)
            if len(self.assemblies) > STRUCTURED:
                self.mixer_networks[STRUCTURED] = structured_mixer_network()
        self.transformed = False
        self.restored = b""
        # Whether the text's arm was made beforehand and has not begun.
        self.fresh = False
        self.remembered = 0
        if prior is not None:
            prior.start(self, preset)

    def new_text_arm(self):
        self.arms[TEXT] = Arm(self.setup, self.assemblies[TEXT], self.size_class)
        self.fresh = True
        return self.arms[TEXT]

    def plant(self, trees):
        """Codes text by these trees, from the chunk that begins next."""
        self.trees = trees

    def _pick_tree(self):
        """Goes to the root of the tree by which the next byte is coded."""
        trees = ALONE if self.kind == BINARY else self.trees
        self.tree_count = len(trees.trees)
        self.tree_number = trees.after[self.parsed.last(1)]
        self.tree = trees.trees[self.tree_number]
        self._go_to(1)

    def in_tree(self):
        """The node, and the tree."""
        return self.tree_number * 256 + self.partial

    def _go_to(self, path):
        self.path = path
        self.partial = self.tree.numbers[path]
        self.depth = depth_of(path)
        self.bit_position = min(self.depth, 7)

    def coded_bytes(self):
        return self.parsed.history.len - self.remembered

    def begin_transform(self, transformed):
        self.transformed = transformed
        self.inverse.begin()

    def begin(self, kind):
        arm = self.arms[self.kind]
        if arm is not None and not self.fresh:
            if kind == self.kind:
                return
            arm.slots.put_back(self.table)
        self.fresh = False
        self.kind = kind
        self._pick_tree()
        if self.arms[kind] is None:
            self.arms[kind] = Arm(self.setup, self.assemblies[kind], self.size_class)
        self._turn(None)

    def _node(self):
        since = self.depth & 3
        return self.path & ((1 << since) - 1) | 1 << since

    def predict(self):
        arm = self.arms[self.kind]
        inputs, self.known = arm.slots.predict(self._node())
        self.contexts = arm.contexts
        if arm.assembly.runs:
            inputs += plane(self.runs.predict(self.path, self.tree))
        inputs += [stretch(self.order0.p1_q16(self.in_tree())), BIAS]
        for model in self.matches:
            inputs += model.predict(self.path, self.tree)
        if self.directs:
            inputs += self.directs.predict(self._node(), arm.assembly.directs)
        if self.network:
            inputs += self.network.predict(self.partial)
        inputs += [0] * (arm.inputs - len(inputs))
        first = [pick(self) for _, pick in arm.assembly.selectors]
        second = [pick(self) for _, pick in arm.assembly.finals]
        logit = arm.mixer.predict(inputs, first, second)
        mixed = squash_fine(logit)
        refined = [
            apm.refine(logit, self._apm_context(number, arm.apm_contexts[number]))
            for number, apm in enumerate(arm.apms)
        ]
        total = 2 * mixed + sum(refined)
        p1 = p1_clamped(total >> (2 if len(arm.apms) == 2 else 3))
        if self.kind not in self.mixer_networks:
            return p1
        opinions = self._opinions(mixed, refined, p1, inputs)
        return self.mixer_networks[self.kind].predict(p1, opinions, self._seen())

    def _opinions(self, mixed, refined, p1, inputs):
        """What the mixer network hears: voices, the final logit, the others, the mixer's inputs."""
        arm = self.arms[self.kind]
        network = self.network.predict(self.partial) if self.hears_network else []
        sets = len(arm.assembly.selectors)
        if self.network and not self.hears_network:
            # Its set and its inputs are the last.
            sets -= 1
            inputs = inputs[: arm.assembly.inputs(len(self.matches), False)]
        voices = [*arm.mixer.logits[:sets]]
        voices += [*(stretch(p >> 6) for p in (mixed, *refined)), *network[:1]]
        others = [stretch(self.order0.p1_q16(self.in_tree()))]
        for model in self.matches:
            others += model.predict(self.path, self.tree)
        return [*voices, stretch(p1 >> 6), *others, *network[1:], *inputs]

    def _seen(self):
        """The context values of the mixer network."""
        parsed, first = self.parsed, self.matches[0]
        holds = first.expected_bit(self.path, self.tree) is not None
        orders = 0
        while orders < 6 and self.known >> orders & 1:
            orders += 1
        words = parsed.words
        return (
            self.bit_position,
            self.partial,
            parsed.last(1),
            parsed.last(2) >> 8,
            words.classes & 7,
            orders,
            self.known.bit_count(),
            first.len_class() if holds else 0,
            first.expected_byte(self.path, self.tree),
            min(words.len, 15) if words.word or words.code else 0,
        )

    def _apm_context(self, number, count):
        if number == 0:
            return self.in_tree()
        if number <= 3:
            seen = self.parsed.last(number) + (number - 1 << 40)
        elif number == 4:
            seen = self.parsed.words.here()
        else:
            model = self.matches[0]
            expected = model.expected_byte(self.path, self.tree)
            seen = expected * 16 + model.len_class() + (3 << 40)
        return (hash(seen, self.in_tree()) >> 24) % count

    def update(self, bit):
        """The byte that the bit completes, or None."""
        node = self._node()
        arm = self.arms[self.kind]
        if self.kind in self.mixer_networks:
            self.mixer_networks[self.kind].update(bit)
        arm.mixer.update(bit)
        for apm in arm.apms:
            apm.update(bit)
        arm.slots.update(node, bit)
        if self.directs:
            self.directs.update(node, bit)
        if arm.assembly.runs:
            self.runs.update(self.path, self.tree, bit)
        for model in self.matches:
            model.update(self.path, self.tree, bit)
        self.order0.update(self.in_tree(), bit)
        path = self.path << 1 | bit
        byte = self.tree.bytes.get(path)
        if byte is None:
            self._go_to(path)
            if self.depth % 4 == 0:
                arm.slots.next_nibble(self.table, self.partial)
                if self.directs:
                    self.directs.turn(self.hashes[: arm.assembly.directs], self.partial)
        else:
            self._push(byte)
        return byte

    def _push(self, byte):
        if self.transformed:
            self.restored = self.inverse.push(byte)
            self.parsed.push_coded(byte, self.inverse.seen, self.inverse.code)
        else:
            self.parsed.push(byte)
        if self.arms[self.kind].assembly is self.setup.structured:
            self.parsed.push_structured(byte)
        self._pick_tree()
        for model in self.matches:
            model.next_byte(self.parsed.history, self.transformed)
        self.parsed.expected = self.matches[0].expected_now()
        if self.network:
            self.network.update(byte, self.matches)
        self._turn(byte)

    def _turn(self, came):
        arm = self.arms[self.kind]
        self.hashes = contexts.hashes(arm.assembly.groups, self.parsed)
        if self.kind == BINARY and self.parsed.records.is_picture:
            self.hashes = contexts.hashes((pictures,), self.parsed)[: len(self.hashes)]
        self.hashes = [in_tree(h, self.tree_number) for h in self.hashes]
        if self.directs:
            self.directs.turn(self.hashes[: arm.assembly.directs], 0)
        if self.runs:
            self.runs.next_byte(came, self.hashes if arm.assembly.runs else [])
        arm.slots.first_nibble(self.table, self.hashes)
