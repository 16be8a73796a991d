"""What a model has learned of a user's texts: section 3 of a prior.

FORMAT.md: "What was learned".
"""

from .history import History
from .match_model import MatchModel
from .packing import Unpacker

HEADER_BYTES = 19
MOST_SLOTS = 1 << 27
SPARE_SLOTS = 64
REMEMBERED_BYTES = 1 << 19
DICTIONARY_BYTES = 1 << 20
BLOCK = 16


class LearnedError(Exception):
    pass


def require(right, message):
    if not right:
        raise LearnedError(message)


class Learned:
    def __init__(self, section):
        require(len(section) >= HEADER_BYTES, "cut short")
        self.preset, flags, self.log2_lines = section[:3]
        numbers = [int.from_bytes(section[at : at + 4], "little") for at in range(3, HEADER_BYTES, 4)]
        self.slot_count, lengths = numbers[0], numbers[1:]
        require(1 <= self.preset <= 10 and flags <= 3, "an unknown preset")
        require(4 <= self.log2_lines <= 26 and self.slot_count <= MOST_SLOTS, "impossible sizes")
        self.coded, self.structured = bool(flags & 1), bool(flags & 2)
        require(not self.structured or self.preset >= 3, "no models of structured text")
        parts, at = [], HEADER_BYTES
        for length in lengths:
            require(at + length <= len(section), "cut short")
            parts.append(section[at : at + length])
            at += length
        self.worth, self.history, self.dictionary = parts
        self.slots = section[at:]
        require(self.slot_count <= len(self.slots) + SPARE_SLOTS, "more slots than there are")

    def fill(self, table):
        """Puts the slots into a table."""
        unpacker = Unpacker(self.slots)
        for line, slot in unpacker.slots(self.slot_count):
            number, _ = table.find(slot[0] << 56 | line)
            table.put(number, slot)

    def start(self, predictor, decompress):
        """Makes a new predictor start where the training ended; its table is filled."""
        self._start_dictionary(predictor.inverse, decompress(self.dictionary))
        arm = predictor.new_text_arm()
        tables = worth_tables(predictor, arm)
        before = [word for table in tables for word in table.words()]
        after = iter(Unpacker(self.worth).words(before))
        for table in tables:
            table.set(after)
        history = History(len(predictor.parsed.history.ring).bit_length() - 1)
        remembered = decompress(self.history)
        require(len(remembered) <= REMEMBERED_BYTES, "much to remember")
        for byte in remembered:
            history.push(byte)
            for model in predictor.matches:
                model.next_byte(history, self.coded)
        history.last8 = history.before8 = 0
        for model in predictor.matches:
            fresh = MatchModel(model.min_len, 4, 1)
            for name in ("line", "pointer", "match_len", "misses", "expected"):
                setattr(model, name, getattr(fresh, name))
        predictor.parsed.history = history
        predictor.remembered = history.len
        predictor.parsed.lines.starts = [history.len] * 4

    def _start_dictionary(self, inverse, state):
        require(len(state) <= DICTIONARY_BYTES, "a large dictionary")
        require(state[0] == any(inverse.words), "the shipped words are not those of the prior")
        text_bytes = int.from_bytes(state[1:5], "little")
        text, at = state[5 : 5 + text_bytes], 5 + text_bytes
        for words in inverse.words:
            count = int.from_bytes(state[at : at + 4], "little")
            at += 4
            for _ in range(count):
                place = int.from_bytes(state[at : at + 4], "little")
                words.append(bytes(text[place >> 6 :][: place & 63]))
                at += 4
        inverse.text_bytes = text_bytes


class Entries:
    """A list of 32-bit numbers, as words of 16 bits; `padding` more of them are passed over."""

    def __init__(self, entries, padding=()):
        self.entries, self.padding = entries, list(padding)

    def words(self):
        for entry in (*self.entries, *self.padding):
            yield entry & 0xFFFF
            yield entry >> 16

    def set(self, words):
        found = [next(words) | next(words) << 16 for _ in range(len(self.entries) + len(self.padding))]
        self.entries[:] = found[: len(self.entries)]


class Weights:
    """The sets of a layer: words of 16 bits with a sign."""

    def __init__(self, layer):
        self.layer = layer

    def words(self):
        for row, size in zip(self.layer.sets, self.layer.sizes, strict=True):
            for pick in range(size):
                yield from (weight & 0xFFFF for weight in row[pick])

    def set(self, words):
        for row, size in zip(self.layer.sets, self.layer.sizes, strict=True):
            for pick in range(size):
                row[pick] = [(next(words) ^ 0x8000) - 0x8000 for _ in row[pick]]


def worth_tables(predictor, arm):
    """All that models have turned out to be worth, in order."""
    maps = [Entries(earned.entries) for earned in arm.slots.maps]
    row = [p1_q16 << 16 for p1_q16 in arm.slots.histories.p1_q16]
    row += [1 << 31] * (256 - len(row))
    padding = [Entries([], row) for _ in range(-len(maps) % BLOCK)]
    tables = maps + padding
    tables += [Entries(ages) for ages in arm.mixer.first.ages]
    tables += [Weights(arm.mixer.first), Weights(arm.mixer.second)]
    if predictor.runs:
        entries = predictor.runs.map.entries
        rows = len(entries) // 128
        tables.append(Entries(entries, entries[:128] * (-rows % BLOCK)))
    tables += [Entries(model.map.entries) for model in predictor.matches]
    tables.append(Entries(predictor.order0.entries))
    return tables
