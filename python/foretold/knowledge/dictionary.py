"""Makes the shipped English dictionary: ``python -m foretold.knowledge.dictionary --from DIR -o FILE``.

The words come from the texts in DIR alone. They are chosen by how many places they occur in, and
ordered so that words which stand in the same company have codes with the same first bits: the
bits of a code are then decisions of a tree over the vocabulary, each of which the words around
say something about. The packed format is described in FORMAT.md, "Shipped dictionary".
"""

from __future__ import annotations

import argparse
import hashlib
import heapq
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["CODES", "Corpus", "choose", "main", "order", "pack", "read"]

# How many words have codes of one, two and three bytes. Whole first bytes: four of those of two
# bytes and one of those of three are left for words that a content brings.
CODES = 64, 56 * 128, 3 * 128 * 128
MAX_WORD = 63
# Marks of modern typesetting, three bytes in UTF-8, which are words like others. The texts have too
# few of them to earn codes by count: one byte for the first four, two for the rest.
MARKS = tuple(mark.encode() for mark in "\u201c\u201d\u2019\u2014\u2013\u2018\u2026")
SHORT_MARKS = 4

# A piece in which a word occurs counts once for its choice: names fill a chapter, words a library.
PIECE_TOKENS = 1 << 13
# The words whose company describes others.
COMPANY = 1000
# What a word after counts beside one before: codes are foretold from what comes before them.
AFTER = 0.5

# How often two parts may exchange rows (with 40 times sizes differ by 0.01 %), and how much of the
# whole's company each part is given (arbitrary).
TURNS = 12
PRIOR = 5.0

_TOKEN = re.compile(rb"[A-Za-z\x80-\xff]+|[0-9]+|\n\n+|[^A-Za-z\x80-\xff0-9 \n]")
# As the transform divides letters.
_MARK = re.compile(rb"\xe2\x80[\x80-\xbf]|\xc2[\x80-\xbf]")


@dataclass(frozen=True)
class Corpus:
    """The texts as numbered tokens: words in lower case, numbers and marks.

    ``tokens`` holds a number into ``names`` for each, -1 at the ends of files; ``cases`` 1 where
    a word is capitalised, 2 where it is in capitals, 0 elsewhere.
    """

    names: list[bytes]
    tokens: NDArray[np.int32]
    cases: NDArray[np.uint8]


def read(files: Sequence[Path]) -> Corpus:
    """The corpus of some files, in the order given."""
    raw: dict[bytes, int] = {}
    parts: list[NDArray[np.int32]] = []
    marks = {mark: bytes([14 + number]) for number, mark in enumerate(MARKS)}
    for file in files:
        text = _MARK.sub(lambda match: marks.get(match[0], b"\x02"), file.read_bytes())
        found = [raw.setdefault(token, len(raw)) for token in _TOKEN.findall(text)]
        parts.append(np.array([*found, -1], np.int32))
    numbers: dict[bytes, int] = {}
    names = np.empty(len(raw) + 1, np.int32)
    cases = np.zeros(len(raw) + 1, np.uint8)
    unmarked = {value: key for key, value in marks.items()}
    for token, number in raw.items():
        name, cases[number] = _folded(unmarked.get(token, token))
        names[number] = numbers.setdefault(name, len(numbers))
    names[-1] = -1
    tokens = np.concatenate(parts) if parts else np.empty(0, np.int32)
    return Corpus(list(numbers), names[tokens], cases[tokens])


def _folded(token: bytes) -> tuple[bytes, int]:
    if token[:1].isdigit():
        return b"0", 0
    if not token[:1].isalpha() and token[0] < 128:
        return token[:1], 0
    upper = sum(65 <= byte <= 90 for byte in token)
    lower = sum(97 <= byte <= 122 for byte in token)
    case = 0 if upper == 0 else 1 if upper == 1 and token[:1].isupper() else 2 if lower == 0 else 3
    # A word of mixed case is none that a code could stand for.
    return (b"\x01", 0) if case == 3 else (token.lower(), case)


def is_word(name: bytes) -> bool:
    """Whether a code may stand for it."""
    return 2 <= len(name) <= MAX_WORD and (name[0] >= 128 or name[:1].isalpha())


def choose(corpus: Corpus, codes: Sequence[int] = CODES) -> list[list[int]]:
    """The words with codes of one, two and three bytes, as numbers of tokens."""
    total = len(corpus.names)
    seen = corpus.tokens >= 0
    counts = np.bincount(corpus.tokens[seen], minlength=total)
    pieces = np.arange(len(corpus.tokens)) // PIECE_TOKENS
    pairs = np.unique(pieces[seen].astype(np.int64) * total + corpus.tokens[seen])
    spread = np.bincount(pairs % total, minlength=total)
    lengths = np.array([len(name) for name in corpus.names])
    usable = np.array([is_word(name) for name in corpus.names])
    marks = {mark: number < SHORT_MARKS for number, mark in enumerate(MARKS)}
    short = np.array([marks.get(name, False) for name in corpus.names])
    forced = np.array([name in marks for name in corpus.names])
    left = usable.copy()
    classes: list[list[int]] = []
    for number, most in enumerate(codes):
        if number == 0:
            worth = np.where(forced, short * 1e12, counts * (lengths - 1.0))
        else:
            worth = spread * (lengths > number) + counts * 1e-9 + forced * 1e12
        worth = np.where(left, worth, -1.0)
        best = np.lexsort((np.arange(total), -worth))[:most]
        best = best[worth[best] > 0]
        left[best] = False
        classes.append(best.tolist())
    return classes


def company(corpus: Corpus, words: Sequence[int], others: int = COMPANY) -> NDArray[np.float32]:
    """How often each of the words stands after and, weighted, before each of the commonest tokens.

    Returns
    -------
    (W, 2 * others + 3) float32
        The last columns count the words' cases.
    """
    total = len(corpus.names)
    tokens, cases = corpus.tokens, corpus.cases
    counts = np.bincount(tokens[tokens >= 0], minlength=total)
    common = np.lexsort((np.arange(total), -counts))[:others]
    column = np.full(total + 1, -1, np.int32)
    column[common] = np.arange(len(common))
    row = np.full(total + 1, -1, np.int32)
    row[list(words)] = np.arange(len(words))
    rows, columns = row[tokens], column[tokens]
    width = 2 * others + 3
    found = np.zeros((len(words), width), np.float32)
    for start, this, that in ((0, rows[1:], columns[:-1]), (others, rows[:-1], columns[1:])):
        both = (this >= 0) & (that >= 0)
        index = this[both].astype(np.int64) * others + that[both]
        table = np.bincount(index, minlength=len(words) * others)
        found[:, start : start + others] = table.reshape(len(words), others)
    index = rows[rows >= 0].astype(np.int64) * 3 + cases[rows >= 0]
    found[:, others : 2 * others] *= AFTER
    found[:, 2 * others :] = np.bincount(index, minlength=3 * len(words)).reshape(-1, 3)
    return found


def order(found: NDArray[np.float32], numbers: NDArray[np.int64]) -> list[int]:
    """Rows ``numbers`` of ``found`` in such an order that like rows share the leading bits of their place.

    A range of places is halved where its bits are, and the rows divided so that what the words of
    either half stand beside differs as much as can be: the division that leaves least surprise in
    the company of a word whose half is known, found by taking turns (Dhillon, Mallela and Kumar,
    A divisive information-theoretic feature clustering algorithm, 2003), with halves of given
    sizes.
    """
    places: list[int] = []
    stack = [numbers]
    while stack:
        rows = stack.pop()
        if len(rows) <= 2:
            places += rows.tolist()
            continue
        half = 1 << (len(rows) - 1).bit_length() - 1
        one, other = divide(found[rows], half)
        stack += [rows[other], rows[one]]
    return places


def divide(found: NDArray[np.float32], half: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows of the first part, which are ``half`` in number, and of the second."""
    sums = found.sum(1) + 1e-6
    total = found.sum(0)
    used = np.flatnonzero(total)
    found, total = found[:, used], total[used] / total.sum()
    # The principal direction of the rows' distributions, as a start.
    shares = np.sqrt(found / sums[:, None]) - np.sqrt(total)
    shares *= np.minimum(np.sqrt(sums), 30)[:, None]
    direction = np.random.default_rng(1).standard_normal(len(used)).astype(np.float32)
    for _ in range(10):
        direction = (shares @ direction) @ shares
        direction /= np.linalg.norm(direction) + 1e-12
    first = _lowest(shares @ direction, half)
    for _ in range(TURNS):
        one = first.astype(np.float32) @ found + PRIOR * total
        other = (~first).astype(np.float32) @ found + PRIOR * total
        ratio = np.log(other / other.sum()) - np.log(one / one.sum())
        again = _lowest(found @ ratio.astype(np.float32), half)
        if np.array_equal(again, first):
            break
        first = again
    return np.flatnonzero(first), np.flatnonzero(~first)


def _lowest(scores: NDArray[np.floating], many: int) -> NDArray[np.bool_]:
    chosen = np.zeros(len(scores), bool)
    chosen[np.argsort(scores, kind="stable")[:many]] = True
    return chosen


# The end of a word, 26 letters, and any other byte.
_SYMBOLS = 28
_MAX_BITS = 15


def pack(classes: Sequence[Sequence[bytes]]) -> bytes:
    """The words with codes of one, two and three bytes in the form that the library ships."""
    words = [word for class_ in classes for word in class_]
    counts = np.zeros((_SYMBOLS * _SYMBOLS, _SYMBOLS), np.int64)
    for word in words:
        for pair, symbol, _ in _symbols(word):
            counts[pair, symbol] += 1
    lengths = np.array([_code_lengths(row.tolist()) for row in counts], np.uint8)
    codes = [_codes(row) for row in lengths.tolist()]
    bits: list[str] = []
    for word in words:
        for pair, symbol, byte in _symbols(word):
            bits.append(codes[pair][symbol])
            if symbol == _SYMBOLS - 1:
                bits.append(f"{byte:08b}")
    header = np.array([len(class_) for class_ in classes], "<u4").tobytes()
    flat = lengths.reshape(-1, 2)
    coded = np.frombuffer("".join(bits).encode(), np.uint8) - ord("0")
    return header + (flat[:, 0] | flat[:, 1] << 4).tobytes() + np.packbits(coded).tobytes()


def _symbols(word: bytes) -> Iterator[tuple[int, int, int]]:
    """For each symbol of a word the pair before, itself, and its byte."""
    before, last = 0, 0
    for byte in (*word, 0):
        symbol = byte - 96 if 97 <= byte <= 122 else _SYMBOLS - 1 if byte else 0
        yield before * _SYMBOLS + last, symbol, byte
        before, last = last, symbol


def _code_lengths(counts: list[int]) -> list[int]:
    """Lengths of a prefix code (Huffman), at most 15: counts are flattened until they fit."""
    while True:
        lengths = [0] * len(counts)
        heap = [(count, symbol, [symbol]) for symbol, count in enumerate(counts) if count]
        if len(heap) == 1:
            lengths[heap[0][1]] = 1
            return lengths
        heapq.heapify(heap)
        while len(heap) > 1:
            one, other = heapq.heappop(heap), heapq.heappop(heap)
            symbols = one[2] + other[2]
            for symbol in symbols:
                lengths[symbol] += 1
            heapq.heappush(heap, (one[0] + other[0], min(symbols), symbols))
        if max(lengths) <= _MAX_BITS:
            return lengths
        counts = [(count + 1) // 2 for count in counts]


def _codes(lengths: list[int]) -> dict[int, str]:
    codes: dict[int, str] = {}
    code = 0
    for bits in range(1, _MAX_BITS + 1):
        for symbol, length in enumerate(lengths):
            if length == bits:
                codes[symbol] = f"{code:0{bits}b}"
                code += 1
        code <<= 1
    return codes


def make(files: Sequence[Path]) -> list[list[bytes]]:
    """The shipped words, in the order of their codes."""
    corpus = read(files)
    classes = choose(corpus)
    found = company(corpus, [word for class_ in classes for word in class_])
    ordered = []
    start = 0
    for class_ in classes:
        rows = order(found, np.arange(start, start + len(class_)))
        ordered.append([corpus.names[class_[row - start]] for row in rows])
        start += len(class_)
    return ordered


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m foretold.knowledge.dictionary", description=__doc__)
    parser.add_argument("--from", dest="folder", type=Path, required=True, help="texts to learn from")
    parser.add_argument("-o", dest="output", type=Path, required=True, help="where the packed words go")
    chosen = parser.parse_args(arguments)
    files = sorted(path for path in chosen.folder.rglob("*") if path.is_file())
    for file in files:
        print(hashlib.sha256(file.read_bytes()).hexdigest(), file.relative_to(chosen.folder))
    classes = make(files)
    packed = pack(classes)
    chosen.output.write_bytes(packed)
    raw = b"".join(word + b"\n" for class_ in classes for word in class_)
    print(f"{sum(map(len, classes))} words, {len(raw)} bytes, packed {len(packed)}", file=sys.stderr)
    print(f"sha256 {hashlib.sha256(raw).hexdigest()}", file=sys.stderr)


if __name__ == "__main__":
    main()
