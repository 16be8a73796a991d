"""What each preset is made of.

FORMAT.md: "Assemblies", "Sizes", "Memory".
"""

from dataclasses import dataclass, replace

from . import contexts as c
from . import network
from . import selectors as s
from .bit_history import COUNTS, PROBABILITIES, BitHistories
from .directs import DIRECT_INPUTS
from .match_model import MATCH_INPUTS
from .mixer import LANES, MAX_SETS, Rates
from .parse import Parsed
from .slots import SLOT_INPUTS, plane_inputs
from .trees import MOST_TREES

OWN_INPUTS = 2
# What structured text needs for itself: values of keys, numbers, successors.
STRUCTURED_BYTES = (8 << 12) + (24 << 12) + (16 << 12) + (16 << 14) + (12 << 18)
# Blocks of this size class at most copy of a prior only what they look at.
SMALL_CLASS = 15
# Up to this size the table that a prior fills is there once more, for all models.
SHARED_BYTES = 1 << 28
QUICK = Rates(first=1500, first_start=20000, second=6000, shift=14, start=1600)
FINE = Rates(first=4000, first_start=80000, second=4000, shift=16, start=1000, quiet=272)


@dataclass(frozen=True)
class Assembly:
    groups: tuple
    selectors: tuple
    finals: tuple = (s.ONE,)
    directs: int = 0
    runs: bool = False
    apms: int = 2
    apm_log2: int = 10
    rates: Rates = QUICK

    @property
    def contexts(self):
        return len(c.hashes(self.groups, Parsed(12)))

    def network_input(self, matches):
        """Where the network's logit stands."""
        count = plane_inputs(self.contexts) * (SLOT_INPUTS + self.runs) + self.directs * DIRECT_INPUTS
        return count + matches * MATCH_INPUTS + OWN_INPUTS

    def inputs(self, matches, with_network):
        count = self.network_input(matches) + with_network * network.NETWORK_INPUTS
        return -(-count // LANES) * LANES


@dataclass(frozen=True)
class Sizes:
    """Base-2 logarithms."""

    history: int
    slots: int
    runs: int
    directs: int
    heads: int


@dataclass(frozen=True)
class Setup:
    histories: BitHistories
    matches: tuple
    text: Assembly
    binary: Assembly
    most: Sizes
    base: int
    network: bool = False
    corrected: bool = False
    structured: Assembly | None = None

    @property
    def strong(self):
        """Whether it knows words by many contexts."""
        return self.histories is COUNTS

    @property
    def repeats(self):
        """Eighths of strings that make structured text of a block's first."""
        return 6 if self.strong else 5

    @property
    def trees(self):
        """Whether text may be coded by a tree that is not balanced."""
        return not self.corrected

    @property
    def most_trees(self):
        """How many the library makes of text that starts from nothing."""
        return 0 if self.corrected else 8 if self.text is TEXT_1 else 4

    def kinds(self, from_nothing):
        """The assemblies that a block may have, in the order of their numbers."""
        structured = (self.structured,) if self.structured and from_nothing else ()
        return self.text, self.binary, *structured

    def contexts_of(self, group):
        return len(c.hashes((group,), Parsed(12)))

    def primed_slots(self, size_class):
        """Base-2 logarithm of the slot table's bytes where a block starts from a prior."""
        if size_class <= SMALL_CLASS:
            return self.base
        return max(self.sizes(size_class).slots, self.base)

    def sizes(self, size_class, primed=False):
        most = self.most
        # The logarithm rounded up of the contexts.
        contexts = (max(kind.contexts for kind in self.kinds(True)) - 1).bit_length()
        return Sizes(
            history=max(min(max(size_class, 12), most.history), 20 if primed else 0),
            slots=min(max(size_class + 3 + contexts, 16), most.slots),
            runs=min(max(size_class + 3, 12), most.runs),
            directs=min(max(size_class + 6, 12), most.directs),
            heads=max(min(max(size_class, 10), most.heads), 18 if primed else 0),
        )

    def memory_bytes(self, size_class, primed=False):
        """FORMAT.md: "Memory"."""
        log2 = self.sizes(size_class, primed)
        total = (1 << log2.history) + len(self.matches) * (4 << log2.heads)
        total += self._primed_bytes(size_class) if primed else 1 << log2.slots
        total += network.memory_bytes() if self.network else 0
        kinds = self.kinds(not primed)
        total += 4 << log2.runs if any(kind.runs for kind in kinds) else 0
        total += 1 << log2.directs if any(kind.directs for kind in kinds) else 0
        for kind in kinds:
            total += self._mixer_bytes(kind)
            total += kind.contexts * 2048
            total += sum(apm_contexts(kind, size_class)) * 128
        total += STRUCTURED_BYTES if self.structured else 0
        # What followed tokens.
        total += 1 << 19 if c.terms in self.text.groups else 0
        # Where a prior says what the text's weights start from.
        total += self._mixer_bytes(self.text) if primed else 0
        return total + (4 << 20) + (3 << min(size_class, 20))

    def _mixer_bytes(self, kind):
        inputs = kind.inputs(len(self.matches), self.network)
        total = sum(size for size, _ in kind.selectors) * (inputs * 2 + 4)
        return total + sum(size for size, _ in kind.finals) * (MAX_SETS * 2 + 4)

    def _primed_bytes(self, size_class):
        whole = 1 << self.primed_slots(size_class)
        if size_class > SMALL_CLASS:
            return 2 * whole if whole <= SHARED_BYTES else whole
        nibbles = 3 if self.trees else 2
        lines = nibbles * max(self.text.contexts, self.binary.contexts) * ((1 << size_class) + 4)
        return whole + (1 << lines.bit_length()) * 76


def apm_contexts(assembly, size_class):
    """FORMAT.md: "Adaptive probability maps"."""
    return [256 * MOST_TREES] + [1 << min(size_class, assembly.apm_log2)] * (assembly.apms - 1)


orders_1_to_6 = c.orders(1, 2, 3, 4, 5, 6)
order_8 = c.orders(8)
TEXT_1 = Assembly((c.orders(2, 4, 6), c.word, c.frame), (s.PARTIAL_CLASS, s.ORDERS_KNOWN))
TEXT_2 = Assembly(
    (orders_1_to_6, c.word, c.frame, c.word_pair, c.tag, c.follower, c.class_history),
    (s.PARTIAL_CLASS, s.ORDERS_KNOWN, s.CLASSES),
    finals=(s.ONE, s.LAST),
)
TEXT_3 = Assembly(
    (*TEXT_2.groups, c.column),
    (s.PARTIAL_CLASS, s.ORDERS_KNOWN, s.CLASSES),
    finals=(s.ONE, s.PARTIAL, s.LAST),
)
TEXT_4 = replace(
    TEXT_3,
    groups=(
        *(orders_1_to_6, c.word, c.word_pair, c.tag, c.follower, c.class_history, c.column, c.nesting),
        *(c.three_words, c.sparse_pair),
    ),
    selectors=(s.PARTIAL_CLASS, s.LAST, s.ORDERS_KNOWN, s.CLASSES, s.COLUMN),
)
TEXT_5 = replace(
    TEXT_3,
    groups=(
        *(orders_1_to_6, c.word, c.word_pair, c.three_words, c.indirect, c.column, c.nesting, c.kinds),
        *(c.tag, c.sparse_pair),
    ),
    selectors=(s.PARTIAL_CLASS, s.LAST, s.ORDERS_KNOWN, s.CLASSES, s.WORD_LEN, s.CLASS_RUNS, s.COLUMN),
    apms=6,
    apm_log2=16,
)
TEXT_6 = replace(
    TEXT_5,
    groups=(
        *(orders_1_to_6, c.word, c.word_pair, c.three_words, c.indirect, c.column, c.nesting, c.kinds),
        *(c.structure, c.sparse_pair, order_8, c.following_words),
    ),
    rates=FINE,
)
TEXT_7 = replace(
    TEXT_6,
    groups=(*TEXT_6.groups, c.names, c.lines),
    selectors=(
        *(s.PARTIAL_CLASS, s.LAST, s.BEFORE, s.ORDERS_KNOWN, s.CLASSES, s.WORD_LEN),
        *(s.CLASS_RUNS, s.COLUMN, s.STRUCTURE),
    ),
)
TEXT_9 = Assembly(
    (
        *(orders_1_to_6, c.word, order_8, c.sparse_one, c.indirect_few, c.layout, c.class_runs),
        *(c.markup_open, c.rows, c.letters, c.expression, c.gaps, c.uses, c.terms, c.opened, c.token),
        *(c.upper_halves, c.capitals, c.kind_history, c.order_11, c.forms, c.vicinity),
    ),
    (
        *(s.PARTIAL, s.LAST, s.MATCH, s.KNOWN, s.WORDS_KNOWN, s.CLASS_RUNS, s.COLUMN, s.STRUCTURE),
        *(s.LINE_FIRST, s.PARTIAL_CLASS, s.ORDERS_PARTIAL, s.TERM_LEN, s.TERM_START, s.CLASS_KIND),
        *(s.SOUNDS, s.TOP_BITS, s.WORD, s.WORD_BEFORE, s.BEGINNING_BEFORE, s.ENDING),
    ),
    finals=(s.ONE, s.PARTIAL, s.MATCH, s.CLASS_KIND),
    directs=7,
    runs=True,
    apms=6,
    apm_log2=16,
    rates=FINE,
)
TEXT_8 = replace(
    TEXT_6,
    groups=TEXT_9.groups,
    finals=(s.ONE, s.PARTIAL, s.CLASS_KIND),
    runs=True,
    selectors=(
        *(s.PARTIAL_CLASS, s.LAST, s.ORDERS_KNOWN, s.CLASS_RUNS, s.COLUMN, s.STRUCTURE, s.KNOWN),
        *(s.WORDS_KNOWN, s.TERM_LEN, s.TERM_START, s.CLASS_KIND, s.WORD, s.WORD_BEFORE),
    ),
)

STRUCTURED_3 = replace(TEXT_3, groups=(c.orders(2, 4, 6), c.word, c.frame, c.above, c.values, c.successors))
STRUCTURED_4 = replace(
    TEXT_4,
    groups=(
        *(orders_1_to_6, c.word, c.frame, c.above, c.values, c.successors),
        *(c.word_pair, c.tag, c.class_history, c.follower, order_8),
    ),
)
STRUCTURED_5 = replace(TEXT_5, groups=(*STRUCTURED_4.groups, c.rows, c.names, c.sparse_one), apm_log2=14)
STRUCTURED_6 = replace(STRUCTURED_5, groups=(*STRUCTURED_5.groups, c.kinds, c.indirect_few), rates=FINE)
STRUCTURED_7 = replace(
    TEXT_7,
    groups=(
        *(orders_1_to_6, c.word, c.above, c.values, c.successors, c.word_pair, order_8, c.rows, c.names),
        *(c.kinds, c.indirect, c.markup, c.class_runs, c.layout),
    ),
    apm_log2=14,
)
# In place of three groups: all others keep their contexts' numbers.
INSTEAD = {c.letters: c.above, c.capitals: c.successors, c.forms: c.values}
STRUCTURED_9 = replace(
    TEXT_9,
    groups=tuple(INSTEAD.get(group, group) for group in TEXT_9.groups),
    apm_log2=14,
)
STRUCTURED_8 = replace(TEXT_8, groups=STRUCTURED_9.groups, apm_log2=14)

BINARY_1 = replace(TEXT_1, groups=(c.orders(1, 2, 3, 4, 6), c.record_above, c.field_place))
BINARY_3 = replace(
    TEXT_3,
    groups=(orders_1_to_6, c.record, c.sparse_pair, c.fields_few),
    selectors=(s.PARTIAL, s.MATCH, s.LAST, s.RECORD_PLACE),
)
BINARY_6 = replace(
    TEXT_6,
    groups=(orders_1_to_6, order_8, c.record, c.sparse_binary, c.indirect, c.word, c.fields_few),
    selectors=(*BINARY_3.selectors, s.ORDERS_KNOWN, s.BEFORE, s.CLASSES_OR_SAME),
)
BINARY_9 = replace(
    TEXT_9,
    groups=(
        *(orders_1_to_6, c.word, order_8, c.record, c.sparse_binary, c.indirect, c.record_more),
        *(c.sparse, c.word_pair, c.shape, c.column, c.structure, c.fields),
    ),
    selectors=(
        *(s.PARTIAL, s.LAST, s.BEFORE, s.MATCH, s.EXPECTED, s.KNOWN, s.CLASSES_OR_SAME, s.RECORD_PLACE),
        *(s.ORDERS_KNOWN, s.PARTIAL_CLASS_OR_LIKE, s.MATCHES, s.FOLLOWER_OR_RIGHT),
    ),
)
TEXT_MAX = replace(TEXT_9, selectors=(*TEXT_9.selectors, s.NETWORK))
STRUCTURED_MAX = replace(STRUCTURED_9, selectors=TEXT_MAX.selectors)
BINARY_MAX = replace(BINARY_9, selectors=(*BINARY_9.selectors, s.NETWORK))

SETUPS = {
    1: Setup(PROBABILITIES, (6,), TEXT_1, BINARY_1, Sizes(22, 25, 0, 0, 20), 25),
    2: Setup(PROBABILITIES, (6,), TEXT_2, BINARY_1, Sizes(23, 26, 0, 0, 20), 25),
    3: Setup(PROBABILITIES, (6,), TEXT_3, BINARY_3, Sizes(24, 27, 0, 0, 21), 26, structured=STRUCTURED_3),
    4: Setup(PROBABILITIES, (6, 12), TEXT_4, BINARY_3, Sizes(25, 27, 0, 0, 21), 26, structured=STRUCTURED_4),
    5: Setup(PROBABILITIES, (6, 12), TEXT_5, BINARY_3, Sizes(25, 28, 0, 0, 22), 26, structured=STRUCTURED_5),
    6: Setup(PROBABILITIES, (5, 10), TEXT_6, BINARY_6, Sizes(26, 29, 0, 0, 22), 27, structured=STRUCTURED_6),
    7: Setup(
        PROBABILITIES, (5, 8, 16), TEXT_7, BINARY_6, Sizes(26, 29, 0, 0, 22), 27, structured=STRUCTURED_7
    ),
    8: Setup(
        *(COUNTS, (5, 8, 16), TEXT_8, BINARY_9, Sizes(26, 29, 26, 27, 22), 28),
        structured=STRUCTURED_8,
    ),
    9: Setup(
        *(COUNTS, (5, 8, 16), TEXT_9, BINARY_9, Sizes(26, 30, 27, 28, 22), 28),
        corrected=True,
        structured=STRUCTURED_9,
    ),
    10: Setup(
        *(COUNTS, (5, 8, 16), TEXT_MAX, BINARY_MAX, Sizes(26, 30, 27, 28, 22), 28),
        network=True,
        corrected=True,
        structured=STRUCTURED_MAX,
    ),
}
