"""Selectors: how many weight sets, and which one of them.

FORMAT.md: "Selectors".
"""

from .hash import hash
from .pictures import near


def _bit(pick):
    return lambda v: pick(v) * 8 + v.bit_position


def holding(v, number):
    if not -len(v.matches) <= number < len(v.matches):
        return 0
    model = v.matches[number]
    return model.len_class() if model.expected_bit(v.path, v.tree) is not None else 0


def _orders_known(v):
    orders = 0
    while orders < 6 and v.known >> orders & 1:
        orders += 1
    others = ((v.known >> 6 & 63).bit_count() + 1) // 2
    return orders * 4 + others


def _word_len(v):
    words = v.parsed.words
    return min(words.len, 15) if words.word or words.code else 0


def _partial_class(v):
    return v.partial * 8 + (v.parsed.words.classes & 7 if v.tree_count == 1 else v.tree_number)


def _place(v):
    if v.parsed.records.is_picture:
        return near(v.parsed)(0, 1)
    return min(v.parsed.history.len % max(v.parsed.records.len, 1), 255)


ONE = 1, lambda v: 0
# What the bytes below the node have in common, where there are several trees.
PARTIAL = 256, lambda v: v.partial if v.tree_count == 1 else v.tree.common[v.partial]
LAST = 256, lambda v: v.parsed.last(1)
BEFORE = 256, lambda v: v.parsed.last(2) >> 8
MATCH = 128, _bit(lambda v: holding(v, 0))
MATCHES = 256, lambda v: holding(v, 1) * 16 + holding(v, -1)
EXPECTED = 256, lambda v: v.matches[0].expected_byte(v.path, v.tree)
KNOWN = 128, _bit(lambda v: v.known.bit_count() * 15 // v.contexts)
ORDERS_KNOWN = 224, _bit(_orders_known)
CLASSES = 4096, _bit(lambda v: v.parsed.words.classes & 511)
CLASS_RUNS = 4096, lambda v: v.parsed.words.class_runs & 4095
PARTIAL_CLASS = 2048, _partial_class
WORD_LEN = 128, _bit(_word_len)
COLUMN = 256, lambda v: v.parsed.words.column
STRUCTURE = 1024, lambda v: v.parsed.structure.summary(v.parsed.history.last8 & 255)
LINE_FIRST = 256, lambda v: v.parsed.lines.first & 255
FOLLOWER = 256, lambda v: v.parsed.followers.pair & 255
RECORD_PLACE = 256, _place
NETWORK = 257 * 8, _bit(lambda v: v.network.expected_byte(v.partial, v.bit_position))


def _folded(sets, *parts):
    h = 0
    for part in parts:
        h = hash(h, part)
    return (h >> 40) % sets


def _orders(v):
    return next(n for n in range(7) if n == 6 or not v.known >> n & 1)


def _term_start(v):
    t = v.parsed.terms
    return _folded(2048, t.first if t.len < 4 else 0, min(t.len, 6), v.in_tree())


def _class_kind(v):
    words = v.parsed.words
    return _folded(4096, words.classes & 0xFFF, words.kinds & 0xFF, v.parsed.terms.capitals & 1)


OF_WORDS = 6, 7, 24, 27, 29, 31, 38, 40, 57, 62


def _words_known(v):
    return int("".join(str(v.known >> context & 1) for context in OF_WORDS), 2)


def _top_bits(v):
    last, before = v.parsed.last(1), v.parsed.last(2) >> 8
    partial = v.partial << (8 - v.bit_position) & 0xC0
    return min(v.bit_position, 5) * 256 + (partial | before >> 5 << 3 | last >> 5)


def _term_len(v):
    t = v.parsed.terms
    return _folded(
        2048, (t.len + 1).bit_length() - 1, v.in_tree(), t.capitals | v.parsed.structure.level() << 4
    )


ORDERS_PARTIAL = 1792, lambda v: _orders(v) * 256 + v.partial
TERM_LEN = 2048, _term_len
TERM_START = 2048, _term_start
CLASS_KIND = 4096, _class_kind
SOUNDS = 2048, lambda v: _folded(2048, v.parsed.terms.sounds, v.in_tree())
TOP_BITS = 1536, _top_bits
WORDS_KNOWN = 1024, _words_known
WORD = 4096, lambda v: _folded(4096, v.parsed.words.here() & 0xFFFFFFFF)
WORD_BEFORE = 2048, lambda v: _folded(2048, v.parsed.forms.class_before(), min(len(v.parsed.forms.word), 8))
BEGINNING_BEFORE = 2048, lambda v: _folded(2048, v.parsed.forms.beginnings[0], bool(v.parsed.forms.word))
ENDING = 2048, lambda v: _folded(2048, v.parsed.forms.ending() & 0xFF00FFFF)


def _or_pixels(other, pick):
    """A selector that picks by the pixels near it within a picture."""
    sets, otherwise = other
    return sets, lambda v: pick(v, near(v.parsed)) if v.parsed.records.is_picture else otherwise(v)


def _bits(conditions):
    return sum(condition << bit for bit, condition in enumerate(reversed(conditions)))


def _same(v, pixel):
    w, n, nw, ne = pixel(-1, 0), pixel(0, 1), pixel(-1, 1), pixel(1, 1)
    same = [w == pixel(-2, 0), w == n, w == nw, n == nw, n == ne, n == pixel(0, 2)]
    same += [ne == pixel(2, 1), nw == pixel(-2, 1), w == ne]
    return _bits(same) * 8 + v.bit_position


def _like(v, pixel):
    pixels = pixel(-1, 0), pixel(0, 1), pixel(1, 1)
    return v.partial * 8 + _bits([(p | 256) >> (8 - v.bit_position) == v.partial for p in pixels])


CLASSES_OR_SAME = _or_pixels(CLASSES, _same)
PARTIAL_CLASS_OR_LIKE = _or_pixels(PARTIAL_CLASS, _like)
FOLLOWER_OR_RIGHT = _or_pixels(FOLLOWER, lambda v, pixel: pixel(1, 1))
