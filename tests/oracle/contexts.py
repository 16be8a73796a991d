"""Groups of contexts. A group yields one tuple of values for each of its contexts.

FORMAT.md: "Contexts", "Groups of contexts".
"""

from .hash import FACTOR, MASK64, hash
from .probability import clamp
from .words import lower


def hashes(groups, parsed):
    """The contexts of a byte."""
    all_values = [values for group in groups for values in group(parsed)]
    return [context_of(number, values) for number, values in enumerate(all_values)]


def context_of(number, values):
    h = (number + 1) << 56
    for value in values:
        h = ((h ^ value) * FACTOR) & MASK64
        h ^= h >> 29
    return hash(h, len(values))


def orders(*lengths):
    def group(p):
        for n in lengths:
            yield (p.last(n),)

    group.orders = lengths
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


def rows(p):
    shape, token = p.lines.shape, p.lines.token_above
    yield shape, p.last(2)
    yield token, p.words.before[0], p.words.here()
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


def fields(p):
    zero, place = p.fields.zero(), p.fields.place()
    for count in 1, 2, 3:
        yield zero, p.last(count)
    for count in 1, 2, 3:
        yield place, p.last(count)
    yield place, p.fields.len
    yield place, zero


def fields_few(p):
    yield p.fields.zero(), p.last(2)
    yield from field_place(p)


def field_place(p):
    yield p.fields.place(), p.last(1)
    yield p.fields.place(), p.last(2)


def order_11(p):
    yield p.history.last8, p.history.before8 & 0xFFFFFF


sparse_one = masked(0xFFFF00)


def indirect_few(p):
    yield p.followers.pair, p.last(2)
    yield (p.followers.byte & 0xFFFFFF,)


def layout(p):
    lines, at, above = p.lines, p.words.column, p.above()
    yield at, above
    yield at >> 1, p.words.classes & 0xFFF
    yield lines.first_words[0], lines.first_word, p.last(2)
    yield lines.indent, lines.first, p.last(1)
    yield above, lines.first_word, lines.field
    yield lines.field, lines.field_hash


def class_runs(p):
    return list(shape(p))[2:]


def kind_history(p):
    kinds = p.words.kinds
    yield (kinds,)
    yield kinds, lower(p.last(1))
    yield kinds, p.last(2)


def upper_halves(p):
    yield p.letters.halves, 1
    yield p.letters.halves & 0xFFF, 1


def markup(p):
    s, bracket = p.structure, p.structure.bracket()
    yield s.key, s.quoted, s.quote
    yield bracket, p.words.kind_runs & 0xFFFFFF
    yield bracket, s.tag, p.last(2)
    yield s.quote, bracket, p.last(3)


def markup_open(p):
    s, words, within = p.structure, p.words, p.within_markup()
    yield s.key, s.quoted, s.quote
    yield within, (words.kinds if within else words.kind_runs) & 0xFFFFFF
    yield s.bracket(), s.tag, p.last(2)
    yield (within, _length(p), words.class_runs & 0xFFF) if within else (s.quote, 0, p.last(3))


def _length(p):
    return min(p.terms.len, 6) * 2 + (p.terms.age != 0)


def terms(p):
    here, (a, b, c) = p.terms.here(), p.terms.before
    yield here, p.last(1), b
    yield here, p.last(1), c
    yield here, p.last(1), b, c
    yield here, p.last(1), a, c


def capitals(p):
    t = p.terms
    here = t.here()
    yield here, t.before[0], t.capitals & 1, 7
    near = (t.gap_len > 3) * 4 + (t.gap_len > 0 and t.len_before < 3) * 8
    yield here, t.before[1], (t.capitals & 2) + near, 8
    yield here, p.last(1), t.gap_len_before, p.words.classes & 0x1FF, (t.len_before > 3) * 4 + t.capitals


def gaps(p):
    t = p.terms
    yield t.gap, t.keyword
    yield lower(p.last(1)), t.here(), t.gap_before
    yield lower(p.last(1)), t.gap, t.before[0], 1


def uses(p):
    t = p.terms
    yield t.here(), lower(p.last(1)), t.keyword
    yield t.here(), t.age
    yield t.before[0], t.gap, t.age


def opened(p):
    yield p.terms.opened, _length(p), p.words.kinds & 0xFF
    yield p.terms.opened, p.terms.here(), 1, 0


def token(p):
    yield _length(p), p.terms.follower
    yield _length(p), p.terms.follower & 0xFF, lower(p.last(1))
    yield p.terms.follower, p.words.kinds & 0xFFFFFFFFFF


def letters(p):
    run, run_len = p.letters.run, p.letters.run_len
    yield (p.letters.last,)
    yield _length(p), run & 0xFFFF, min(run_len, 5)
    yield _length(p), run & 0xFFFFFF, min(run_len, 6)
    yield _length(p), run, min(run_len, 7)


def expression(p):
    yield tuple(p.expressions.words)


def forms(p):
    here, (a, b) = p.words.here(), p.forms.beginnings
    yield here, a, 1
    yield here, a, b, 1
    yield p.forms.ending(), p.forms.ending_before, 2


def vicinity(p):
    here, t = p.words.here(), p.terms
    within = p.within_markup()
    yield (within, _length(p), lower(p.last(1))) if within else (here, p.followers.word, 3)
    yield here, p.words.column, 4
    yield t.here(), t.position >> 10, 5
    yield t.here(), t.neighbour(), 6
    if within:
        yield p.marks.last, p.words.kinds & 0xFFFF, min(p.marks.words, 7), t.age != 0
    else:
        yield t.gap, t.before[0], t.gap_before, t.before[1]


def above(p):
    column = p.column()
    yield p.in_line(1, column), p.in_line(2, column), p.in_line(1, column + 1)
    yield p.places.above(p.history)
    yield p.places.shape_before, p.lines.shape, p.last(1)
    yield *p.expected, p.lines.shape


def successors(p):
    three, four, eight = p.successors.of_last()
    yield three, p.last(1)
    yield (four,)
    yield (eight,)


def values(p):
    numbers = p.numbers
    yield *p.places.value(p.history), p.places.key
    yield numbers.next(), numbers.last(), numbers.ahead(), numbers.step()
    expected = p.steps.expected()
    if expected is None:
        yield numbers.ahead(), numbers.last(), numbers.left(), numbers.digits
    else:
        yield *expected, p.last(1), 1 << 32
