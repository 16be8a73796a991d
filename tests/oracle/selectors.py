"""Selectors: how many weight sets, and which one of them.

FORMAT.md: "Selectors".
"""


def _bit(pick):
    return lambda v: pick(v) * 8 + v.bit_position


def holding(v, number):
    if not -len(v.matches) <= number < len(v.matches):
        return 0
    model = v.matches[number]
    return model.len_class() if model.expected_bit(v.partial, v.bit_position) is not None else 0


def _orders_known(v):
    orders = 0
    while orders < 6 and v.known >> orders & 1:
        orders += 1
    others = ((v.known >> 6 & 63).bit_count() + 1) // 2
    return orders * 4 + others


def _word_len(v):
    words = v.parsed.words
    return min(words.len, 15) if words.word or words.code else 0


def _place(v):
    return min(v.parsed.history.len % max(v.parsed.records.len, 1), 255)


ONE = 1, lambda v: 0
PARTIAL = 256, lambda v: v.partial
LAST = 256, lambda v: v.parsed.last(1)
BEFORE = 256, lambda v: v.parsed.last(2) >> 8
MATCH = 128, _bit(lambda v: holding(v, 0))
MATCHES = 256, lambda v: holding(v, 1) * 16 + holding(v, -1)
EXPECTED = 256, lambda v: v.matches[0].expected_byte(v.partial, v.bit_position)
KNOWN = 128, _bit(lambda v: v.known.bit_count() * 15 // v.contexts)
ORDERS_KNOWN = 224, _bit(_orders_known)
CLASSES = 4096, _bit(lambda v: v.parsed.words.classes & 511)
CLASS_RUNS = 4096, lambda v: v.parsed.words.class_runs & 4095
PARTIAL_CLASS = 2048, lambda v: v.partial * 8 + (v.parsed.words.classes & 7)
WORD_LEN = 128, _bit(_word_len)
COLUMN = 256, lambda v: v.parsed.words.column
STRUCTURE = 1024, _bit(lambda v: v.parsed.structure.summary())
LINE_FIRST = 256, lambda v: v.parsed.lines.first & 255
FOLLOWER = 256, lambda v: v.parsed.followers.pair & 255
RECORD_PLACE = 256, _place
