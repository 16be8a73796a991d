"""Groups of contexts. A group yields one tuple of values for each of its contexts.

FORMAT.md: "Contexts", "Groups of contexts".
"""

from .hash import FACTOR, MASK64, hash
from .probability import clamp


def hashes(groups, parsed):
    """The contexts of a byte."""
    all_values = [values for group in groups for values in group(parsed)]
    return [_context(number, values) for number, values in enumerate(all_values)]


def _context(number, values):
    h = (number + 1) << 56
    for value in values:
        h = ((h ^ value) * FACTOR) & MASK64
        h ^= h >> 29
    return hash(h, len(values))


def orders(*lengths):
    def group(p):
        for n in lengths:
            yield (p.last(n),)

    return group


def word(p):
    words = p.words
    yield words.here(), 0 if words.word else words.before[0]


def word_pair(p):
    words = p.words
    yield words.here(), words.before[0], 0 if words.word else words.before[1]


def three_words(p):
    here, w = p.words.here(), p.words.before
    yield here, w[0], w[1]
    yield here, w[1]


def words_far(p):
    here, w = p.words.here(), p.words.before
    yield here, w[0], w[1]
    yield here, w[0], w[1], w[2]
    yield here, w[1]
    yield here, w[2]
    yield here, w[1], w[2]
    yield here, p.last(2)


def shape(p):
    words = p.words
    yield words.classes & 0xFFFFFF, p.last(1)
    yield (words.classes & 0xFFFFFFFFF,)
    yield words.class_runs & 0xFFF, p.last(2)
    yield words.class_runs & 0xFFFFFF, words.here()
    yield words.class_runs & 0xFFFFFFF, p.lines.first


def class_history(p):
    yield p.words.classes & 0xFFFFFF, p.last(1)


def kinds(p):
    words = p.words
    yield words.kind_runs & 0xFFFFFFFF, words.here()
    yield (words.kind_runs,)
    yield words.kind_runs & 0xFFFFFF, p.last(2)
    yield words.kinds & 0xFFFFFFFFFFFF, p.last(1)
    yield words.kind_runs & 0xFFFFFFFF, words.len, words.before[0]
    yield words.kind_runs & 0xFFFF, words.here(), words.before[0]


def structure(p):
    s, here = p.structure, p.words.here()
    yield s.bracket(), here
    yield s.bracket(), s.since, p.last(1)
    yield s.tag, here
    yield s.tag, p.last(3)
    yield s.key, s.quoted, s.quote
    yield s.tags[0], s.tags[1], s.tags[2], p.last(2)


def nesting(p):
    s, words = p.structure, p.words
    yield s.bracket(), words.here(), words.before[0]
    yield s.bracket(), words.kind_runs & 0xFFFFFF
    yield s.since, words.kind_runs & 0xFFFF, p.last(1)
    yield s.bracket(), s.tag, p.last(2)
    yield s.quote, s.bracket(), p.last(3)
    yield s.since, s.bracket(), words.here()


def frame(p):
    bracket, words = p.structure.bracket(), p.words
    yield bracket, words.kind_runs & 0xFFFFFF
    yield words.column, words.kind_runs & 0xFFFF, bracket


def tag(p):
    yield p.structure.tag, p.words.here()


def names(p):
    s, words = p.structure, p.words
    yield s.name, words.here()
    yield s.name, words.kind_runs & 0xFFFFFF, p.last(1)
    yield s.name, s.names[0], words.here()
    yield s.name, s.names[0], s.names[1], p.last(1)


def following_words(p):
    yield p.words.here(), p.followers.word
    yield p.words.here(), p.followers.word_pair


def indirect(p):
    byte, pair = p.followers.byte, p.followers.pair
    yield byte & 0xFFFF, p.last(1)
    yield pair, p.last(1)
    yield pair, p.last(2)
    yield (byte & 0xFFFFFF,)


def follower(p):
    yield p.followers.pair, p.last(1)


def column(p):
    at, above = p.words.column, p.above()
    yield at, above
    yield above, p.last(2)
    yield p.lines.first >> 24, at, p.last(1)


def lines(p):
    yield p.lines.first_word, p.words.here()
    yield p.lines.first_words[0], p.lines.first_word, p.last(2)
    yield p.lines.indent, p.lines.first, p.last(1)
    yield p.above(), p.lines.first_word, p.lines.field


def fields(p):
    yield p.lines.field, p.lines.field_hash
    yield p.lines.field, p.above(), p.last(1)


def rows(p):
    shape, token, here = p.lines.shape, p.lines.token_above, p.words.here()
    yield shape, here
    yield shape, p.last(2)
    yield token, here, p.last(1)
    yield token, p.words.before[0], here
    yield token, shape, p.above()


def masked(*masks):
    def group(p):
        for mask in masks:
            yield (p.history.last8 & mask,)

    return group


sparse = masked(0xFFFF00, 0xFFFFFF00, 0xFFFF0000, 0xFF00FF)
sparse_pair = masked(0xFFFF00, 0xFFFFFF00)
sparse_binary = masked(
    0xFF00, 0xFF0000, 0xFF000000, 0xFFFF00, 0xFFFF0000, 0xFF00FF00, 0xFF0000000000FF, 0xFF0000FF
)


def _row(p):
    length = clamp(p.records.len, 1, 1 << 20)
    return length, p.history.back(length), p.history.len % length


def record(p):
    length, above, place = _row(p)
    yield length, above, p.history.back(2 * length)
    yield length, above, p.last(1)
    yield length, place, p.last(1)
    yield length, place, above
    yield length, above, p.history.back(length + 1), p.last(1)


def record_above(p):
    length, above, _ = _row(p)
    yield length, above, p.last(1)


def record_more(p):
    length, above, place = _row(p)
    yield length, above, p.last(2)
    yield length, place, p.last(2)
    yield length, above, p.history.back(max(length - 1, 1)), place
    yield length, (above - p.history.back(length + 1) + p.history.last8) & 0xFF, place
