"""Deflate streams, written again from their text.

FORMAT.md: "Expanded chunks".
"""

import zlib
from dataclasses import dataclass, field

STORED, FIXED, OWN = range(3)
FULL, REST, COUNT = range(3)
NO_TRAILER, ADLER, CRC = range(3)
SHORTEST, LONGEST = 3, 258
# What zlib's matches keep from the window's end.
MARGIN = 262
TOO_FAR = 4096
LAZY_LEVEL = 4
# Of levels 1 to 9: good, lazy, nice, chain.
EFFORT = (
    (4, 4, 8, 4),
    (4, 5, 16, 8),
    (4, 6, 32, 32),
    (4, 4, 16, 16),
    (8, 16, 32, 32),
    (8, 16, 128, 128),
    (8, 32, 128, 256),
    (32, 128, 258, 1024),
    (32, 258, 258, 4096),
)
# RFC 1951: the first length and distance of each symbol, and how many bits follow it.
LENGTH_BITS = (0,) * 8 + tuple(bits for bits in range(1, 6) for _ in range(4))
DISTANCE_BITS = (0, 0, *(bits for bits in range(14) for _ in range(2)))
LENGTHS = tuple(SHORTEST + sum(1 << bits for bits in LENGTH_BITS[:n]) for n in range(len(LENGTH_BITS)))
DISTANCES = tuple(1 + sum(1 << bits for bits in DISTANCE_BITS[:n]) for n in range(30))
LONGEST_SYMBOL = 285
END = 256
ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
REPEAT, ZEROS, MORE_ZEROS = 16, 17, 18
REPEAT_BITS = {REPEAT: 2, ZEROS: 3, MORE_ZEROS: 7}
REPEAT_LEAST = {REPEAT: 3, ZEROS: 3, MORE_ZEROS: 11}
FIXED_LENGTHS = [8] * 144 + [9] * 112 + [7] * 24 + [8] * 8
LITERAL = (1, 0)


class WriteError(Exception):
    """A stream that cannot be written as described."""


def require(right, message):
    if not right:
        raise WriteError(message)


@dataclass
class Settings:
    """What zlib was told."""

    level: int
    buffer: int
    hash_bits: int
    window: int
    filtered: int


@dataclass
class Header:
    literals: int
    distances: int
    # Of the symbols' codes, in the order of RFC 1951.
    order: list
    # Symbol, and what its additional bits say.
    symbols: list

    def code_lengths(self):
        """Those of literals and lengths, and of distances."""
        found = []
        for symbol, extra in self.symbols:
            if symbol < REPEAT:
                found.append(symbol)
                continue
            require(symbol != REPEAT or found, "nothing to repeat")
            found += [found[-1] if symbol == REPEAT else 0] * (REPEAT_LEAST[symbol] + extra)
        require(len(found) == self.literals + self.distances, "a repetition goes past the code lengths")
        return found[: self.literals], found[self.literals :]


@dataclass
class Block:
    is_last: int
    form: int
    length: int = COUNT
    count: int = 0
    filling: int = 0
    header: Header | None = None


@dataclass
class Part:
    """A part of a stream. Corrections are pairs: after how many guesses, and the token."""

    settings: Settings | None
    blocks: list = field(default_factory=list)
    corrections: list = field(default_factory=list)
    filling: int = 0
    trailer: int = NO_TRAILER

    def ends(self):
        return bool(self.blocks) and bool(self.blocks[-1].is_last)


class Bits:
    """Bits, the lowest of each byte first."""

    def __init__(self):
        self.bytes = bytearray()
        self.value = self.count = 0

    def put(self, value, count):
        self.value |= value << self.count
        self.count += count
        while self.count >= 8:
            self.bytes.append(self.value & 0xFF)
            self.value >>= 8
            self.count -= 8

    def fill(self, filling):
        """Completes the byte."""
        left = -self.count % 8
        self.put(filling & ((1 << left) - 1), left)

    def take(self):
        """The whole bytes."""
        taken = bytes(self.bytes)
        self.bytes.clear()
        return taken


@dataclass
class Stream:
    """One that is open."""

    settings: Settings
    bits: Bits = field(default_factory=Bits)
    # The end of its text.
    past: bytes = b""


class Guesser:
    """The tokens that zlib would write of text[at:]. A token is a length and a distance, (1, 0) a literal."""

    def __init__(self, settings, text, at):
        self.level, self.filtered = settings.level, settings.filtered
        self.good, self.lazy, self.nice, self.most_chain = EFFORT[settings.level - 1]
        self.text, self.at, self.end = text, at, len(text)
        self.shift = -(-settings.hash_bits // 3)
        self.hash_mask = (1 << settings.hash_bits) - 1
        self.window_mask = (1 << settings.window) - 1
        self.reach = max((1 << settings.window) - MARGIN, 0)
        self.head = [0] * (1 << settings.hash_bits)
        self.before = [0] * (1 << settings.window)
        self.chained = 0
        self.pending = None
        self.chain(at)

    def key(self, at):
        first, second, third = self.text[at : at + 3]
        return (first << 2 * self.shift ^ second << self.shift ^ third) & self.hash_mask

    def chain(self, to):
        for at in range(self.chained, min(to, self.end - 2)):
            key = self.key(at)
            self.before[at & self.window_mask] = self.head[key]
            self.head[key] = at
        self.chained = max(self.chained, to)

    def equal(self, one, other, most):
        count = 0
        while count < most and self.text[one + count] == self.text[other + count]:
            count += 1
        return count

    def find(self, at, longer):
        """A match longer than that, or None."""
        most = min(LONGEST, self.end - at)
        if most < SHORTEST or longer >= most:
            return None
        place = self.head[self.key(at)]
        if place == 0 or at - place > self.reach:
            return None
        best, distance = longer, None
        left = self.most_chain >> 2 if longer >= self.good else self.most_chain
        while True:
            length = self.equal(place, at, most)
            if length > best:
                best, distance = length, at - place
                if length >= min(self.nice, most):
                    break
            place = self.before[place & self.window_mask]
            left -= 1
            if place <= max(at - self.reach, 0) or left == 0:
                break
        if distance is None:
            return None
        if self.level >= LAZY_LEVEL:
            short = best <= 5 and self.filtered
            if short or (best == SHORTEST and distance > TOO_FAR):
                return None
        return best, distance

    def guess(self):
        match = self.pending or self.find(self.at, 2)
        self.pending = None
        if match is None:
            return LITERAL
        if self.level >= LAZY_LEVEL and match[0] < self.lazy:
            self.chain(self.at + 1)
            self.pending = self.find(self.at + 1, match[0])
            if self.pending:
                return LITERAL
        return match

    def token_came(self, token, as_guessed):
        if not as_guessed:
            self.pending = None
        self.chain(self.at + 1)
        self.at += token[0]
        if self.level < LAZY_LEVEL and token[0] > self.lazy:
            self.chained = self.at
        self.chain(self.at)

    def stored_came(self, count):
        self.pending = None
        self.at += count
        self.chain(self.at)


class Tokens:
    """Those of a part, guessed and corrected."""

    def __init__(self, guesser, corrections):
        self.guesser = guesser
        self.corrections = iter(corrections)
        self.correction = next(self.corrections, None)
        self.guesses = 0

    def next(self):
        guesser = self.guesser
        require(guesser.at < guesser.end, "tokens beyond the text")
        token = guess = guesser.guess()
        if self.correction is not None and self.correction[0] == self.guesses:
            token = self.correction[1]
            self.correction = next(self.corrections, None)
            self.guesses = 0
            require(token[1] <= guesser.at, "a match goes back beyond the text")
            require(guesser.at + token[0] <= guesser.end, "a match goes beyond the text's end")
        else:
            self.guesses += 1
        guesser.token_came(token, token == guess)
        return token


def symbol_of(value, firsts):
    return max(n for n, first in enumerate(firsts) if first <= value)


LENGTH_SYMBOL = {
    length: LONGEST_SYMBOL if length == LONGEST else 257 + symbol_of(length, LENGTHS)
    for length in range(SHORTEST, LONGEST + 1)
}


def lengths(counts, limit):
    """The lengths of the codes that zlib gives to symbols that come so often, up to the last with one."""
    count = dict(enumerate(counts))
    heap = [None] + [symbol for symbol in count if count[symbol]]
    symbols = set(heap[1:])
    while len(heap) < 3:
        last = max(symbols, default=-1)
        more = last + 1 if last < 2 else 0
        count[more] = 1
        heap.append(more)
        symbols.add(more)
    found = [0] * (max(symbols) + 1)
    depth = dict.fromkeys(symbols, 0)
    above = {}

    def smaller(one, other):
        return (count[one], depth[one]) <= (count[other], depth[other])

    def sink(place):
        node = heap[place]
        while 2 * place < len(heap):
            child = 2 * place
            if child + 1 < len(heap) and smaller(heap[child + 1], heap[child]):
                child += 1
            if smaller(node, heap[child]):
                break
            heap[place] = heap[child]
            place = child
        heap[place] = node

    for place in range((len(heap) - 1) // 2, 0, -1):
        sink(place)
    left = []
    node = max(len(counts), *symbols)
    while len(heap) > 2:
        first = heap[1]
        heap[1] = heap.pop()
        sink(1)
        second = heap[1]
        left += first, second
        node += 1
        count[node] = count[first] + count[second]
        depth[node] = max(depth[first], depth[second]) + 1
        above[first] = above[second] = node
        heap[1] = node
        sink(1)
    length = {node: 0}
    over = 0
    having = [0] * (limit + 2)
    for node in reversed(left):
        length[node] = length[above[node]] + 1
        if length[node] > limit:
            length[node] = limit
            over += 1
        if node in symbols:
            having[length[node]] += 1
    if over:
        while over > 0:
            longest = max(n for n in range(1, limit) if having[n])
            having[longest] -= 1
            having[longest + 1] += 2
            having[limit] -= 1
            over -= 2
        leaves = iter([node for node in left if node in symbols])
        for n in range(limit, 0, -1):
            for _ in range(having[n]):
                length[next(leaves)] = n
    for symbol in symbols:
        found[symbol] = length[symbol]
    return found


def runs_of(code_lengths):
    """Symbols, with what follows them, that say these lengths of one kind."""
    symbols, at, before = [], 0, None
    while at < len(code_lengths):
        length = code_lengths[at]
        most = 138 if length == 0 else 6 if length == before else 7
        count = 1
        while count < most and at + count < len(code_lengths) and code_lengths[at + count] == length:
            count += 1
        if length == 0 and count >= 11:
            symbols.append((MORE_ZEROS, count - 11))
        elif length == 0 and count >= 3:
            symbols.append((ZEROS, count - 3))
        elif length and length == before and count >= 3:
            symbols.append((REPEAT, count - 3))
        elif length and length != before and count >= 4:
            symbols += [(length, 0), (REPEAT, count - 4)]
        else:
            symbols += [(length, 0)] * count
        at += count
        before = length
    return symbols


def guessed_header(literal_counts, distance_counts):
    literals, distances = lengths(literal_counts, 15), lengths(distance_counts, 15)
    symbols = runs_of(literals) + runs_of(distances)
    counts = [0] * len(ORDER)
    for symbol, _ in symbols:
        counts[symbol] += 1
    code = lengths(counts, 7)
    order = [code[symbol] if symbol < len(code) else 0 for symbol in ORDER]
    while len(order) > 4 and order[-1] == 0:
        order.pop()
    return Header(len(literals), len(distances), order, symbols)


class Codes:
    """RFC 1951: the codes of such lengths."""

    def __init__(self, code_lengths):
        self.codes = {}
        code = 0
        for length in range(1, 16):
            code <<= 1
            for symbol, own in enumerate(code_lengths):
                if own == length:
                    require(code < 1 << length, "more codes than there may be")
                    # The highest bit of a code comes first.
                    self.codes[symbol] = int(f"{code:0{length}b}"[::-1], 2), length
                    code += 1

    def put(self, bits, symbol):
        require(symbol in self.codes, "a symbol without a code")
        bits.put(*self.codes[symbol])


def split(token):
    """Symbols of a match, each with its additional bits."""
    length, distance = token
    symbol = LENGTH_SYMBOL[length]
    more = (0, 0) if symbol == LONGEST_SYMBOL else (length - LENGTHS[symbol - 257], LENGTH_BITS[symbol - 257])
    far = symbol_of(distance, DISTANCES)
    return symbol, more, far, (distance - DISTANCES[far], DISTANCE_BITS[far])


def write_part(part, text, stream):
    """What is written of a part's text into its stream: the whole bytes."""
    settings, bits = stream.settings, stream.bits
    whole = stream.past + text
    guesser = Guesser(settings, whole, len(stream.past))
    tokens = Tokens(guesser, part.corrections)
    for block in part.blocks:
        bits.put(block.is_last, 1)
        bits.put(block.form, 2)
        if block.form == STORED:
            _write_stored(block, guesser, bits)
        else:
            _write_tokens(block, _tokens_of(block, tokens, settings), guesser, bits)
    require(guesser.at == guesser.end, "the blocks do not end with the text")
    require(tokens.correction is None, "a correction of what is not guessed")
    stream.past = whole[-(1 << settings.window) :]
    if part.ends():
        bits.fill(part.filling)
        if part.trailer == ADLER:
            bits.bytes += zlib.adler32(text).to_bytes(4, "big")
        elif part.trailer == CRC:
            bits.bytes += zlib.crc32(text).to_bytes(4, "little") + len(text).to_bytes(4, "little")
    return bits.take()


def _write_stored(block, guesser, bits):
    require(block.count <= 0xFFFF and guesser.at + block.count <= guesser.end, "a long stored block")
    bits.fill(block.filling)
    bits.bytes += block.count.to_bytes(2, "little") + (block.count ^ 0xFFFF).to_bytes(2, "little")
    bits.bytes += guesser.text[guesser.at : guesser.at + block.count]
    guesser.stored_came(block.count)


def _tokens_of(block, tokens, settings):
    """Places and tokens of a block."""
    guesser, found = tokens.guesser, []
    count = (1 << settings.buffer) - 1 if block.length == FULL else block.count
    while guesser.at < guesser.end if block.length == REST else len(found) < count:
        found.append((guesser.at, tokens.next()))
    return found


def _write_tokens(block, tokens, guesser, bits):
    literals, distances = FIXED_LENGTHS, [5] * 30
    if block.form == OWN:
        header = block.header
        if header is None:
            literal_counts, distance_counts = [0] * 286, [0] * 30
            literal_counts[END] = 1
            for at, token in tokens:
                if token == LITERAL:
                    literal_counts[guesser.text[at]] += 1
                else:
                    symbol, _, far, _ = split(token)
                    literal_counts[symbol] += 1
                    distance_counts[far] += 1
            header = guessed_header(literal_counts, distance_counts)
        literals, distances = header.code_lengths()
        _write_header(header, bits)
    literals, distances = Codes(literals), Codes(distances)
    for at, token in tokens:
        if token == LITERAL:
            literals.put(bits, guesser.text[at])
        else:
            symbol, more, far, more_far = split(token)
            literals.put(bits, symbol)
            bits.put(*more)
            distances.put(bits, far)
            bits.put(*more_far)
    literals.put(bits, END)


def _write_header(header, bits):
    bits.put(header.literals - 257, 5)
    bits.put(header.distances - 1, 5)
    bits.put(len(header.order) - 4, 4)
    code_lengths = [0] * len(ORDER)
    for symbol, length in zip(ORDER, header.order, strict=False):
        bits.put(length, 3)
        code_lengths[symbol] = length
    codes = Codes(code_lengths)
    for symbol, extra in header.symbols:
        codes.put(bits, symbol)
        if symbol >= REPEAT:
            bits.put(extra, REPEAT_BITS[symbol])
