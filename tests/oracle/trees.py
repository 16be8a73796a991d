"""Trees by which text is coded: the last byte says by which the next is.

FORMAT.md: "Trees".
"""

import functools

from . import tree
from .tree import BALANCED, BYTES, require

MOST_TREES = 8
NUMBER_BITS = 3
# Of fewer coded bytes the library makes few at most.
MANY_BYTES = 1 << 18
FEW = 4
ROUNDS = 6
VOWELS = b"aeiouAEIOU"
OPENERS = b"([{<\"'-/_&#*"
# The sorts of bytes where there are few trees, by those where there are many.
FEW_SORTS = 0, 1, 2, 3, 0, 2, 2, 3


class Trees:
    def __init__(self, trees, after):
        self.trees, self.after = trees, after

    def roots(self):
        return [each.root for each in self.trees]


ALONE = Trees([BALANCED], [0] * BYTES)


def in_tree(h, number):
    """The hash of a context where the next byte is coded by this tree."""
    return h ^ number * 0x9E3779B97F4A7C15 % 2**64


def best(coded, most, deepest=tree.MOST_DEPTH):
    """Those that the library makes for these coded bytes, that many at most."""
    most = most if len(coded) >= MANY_BYTES else min(most, FEW)
    followers = [[0] * BYTES for _ in range(BYTES)]
    for last, byte in zip(b"\0" + coded[:-1], coded, strict=True):
        followers[last][byte] += 1
    after = [_sort(byte, most) for byte in range(BYTES)]
    for _ in range(ROUNDS):
        costs = [_costs(counts) for counts in _gathered(followers, after, most)]
        for byte, counts in enumerate(followers):
            followed = [(follower, n) for follower, n in enumerate(counts) if n]
            # Where others cost as much, it stays, or goes to the first of them.
            after[byte] = min(
                (sum(n * row[follower] for follower, n in followed), number != after[byte], number)
                for number, row in enumerate(costs)
            )[2]
    return Trees([_best(tuple(counts), deepest) for counts in _gathered(followers, after, most)], after)


@functools.cache
def _best(counts, deepest):
    return tree.best(counts, deepest)


def _gathered(followers, after, most):
    sums = [[0] * BYTES for _ in range(most)]
    for counts, number in zip(followers, after, strict=True):
        sums[number] = [a + b for a, b in zip(sums[number], counts, strict=True)]
    return sums


def _costs(counts):
    total = _log2(sum(counts) + 256)
    return [total - _log2(n + 1) for n in counts]


def _log2(n):
    whole = n.bit_length() - 1
    return whole * 256 + ((n << 8 >> whole) & 255)


def _sort(byte, most):
    if most == 1:
        return 0
    if byte >= 0xC0:
        fine = 1
    elif byte >= 0x80:
        fine = 2
    elif byte in VOWELS:
        fine = 4
    elif chr(byte).isalpha():
        fine = 0
    elif chr(byte).isdigit():
        fine = 6
    elif byte <= 0x20:
        fine = 3
    else:
        fine = 7 if byte in OPENERS else 5
    return fine if most == MOST_TREES else FEW_SORTS[fine]


def write(trees, packer):
    packer.plain(len(trees.trees) - 1, NUMBER_BITS)
    if len(trees.trees) > 1:
        last = stays = 0
        for number in trees.after:
            packer.bit(number == last, "same tree", stays)
            stays = int(number == last)
            if not stays:
                packer.symbol(number, NUMBER_BITS, "tree", last)
            last = number
    for each in trees.trees:
        tree.write(each, packer)


def read(unpacker):
    count = unpacker.plain(NUMBER_BITS) + 1
    after = [0] * BYTES
    if count > 1:
        last = stays = 0
        for byte in range(BYTES):
            stays = unpacker.bit("same tree", stays)
            if not stays:
                last = unpacker.symbol(NUMBER_BITS, "tree", last)
            after[byte] = last
    found = [tree.read(unpacker) for _ in range(count)]
    require(max(after) < count, "a tree that there is not")
    return Trees(found, after)
