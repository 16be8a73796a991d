"""What preset 1 is made of.

FORMAT.md: "Assemblies", "Sizes".
"""

from dataclasses import dataclass

from . import contexts as c
from .match_model import MATCH_INPUTS
from .mixer import LANES, Rates
from .slots import SLOT_INPUTS

OWN_INPUTS = 2
MATCHES = (6,)
SELECTORS = (256, 16 * 8)
FINALS = (1,)
RATES = Rates(first=4000, first_start=20000, second=4000, shift=14, start=1600)


@dataclass
class Assembly:
    groups: tuple
    contexts: int

    def inputs(self):
        count = self.contexts * SLOT_INPUTS + len(MATCHES) * MATCH_INPUTS + OWN_INPUTS
        return -(-count // LANES) * LANES


TEXT = Assembly((c.orders_1_2_3_4_6, c.word), 6)
BINARY = Assembly((c.orders_1_2_3_4_6, c.record_above), 6)


@dataclass
class Sizes:
    """Base-2 logarithms."""

    history: int
    slots: int
    heads: int


def sizes(size_class):
    return Sizes(
        history=min(max(size_class, 12), 22),
        slots=min(max(size_class + 9, 16), 25),
        heads=min(max(size_class, 10), 20),
    )


def apm_contexts(size_class):
    """FORMAT.md: "Adaptive probability maps"."""
    return 256, 1 << min(size_class, 16)


def memory_bytes(size_class):
    """FORMAT.md: "Memory"."""
    log2 = sizes(size_class)
    total = (1 << log2.history) + (1 << log2.slots) + len(MATCHES) * (4 << log2.heads)
    for assembly in (TEXT, BINARY):
        total += sum(SELECTORS) * (assembly.inputs() * 2 + 4) + sum(FINALS) * (32 * 2 + 4)
        total += assembly.contexts * 2048 + sum(apm_contexts(size_class)) * 132
    return total + (4 << 20)
