"""Priors: what a model starts from instead of nothing.

FORMAT.md: "Priors", "Filling".
"""

from functools import partial

from . import ngrams, tree, trees
from .blake3 import blake3
from .contexts import context_of
from .dictionary import KNOWLEDGE, english
from .frozen import FrozenLstm
from .hash import hash
from .learned import Learned, LearnedError
from .network import weights_of
from .packing import Unpacker
from .setup import SETUPS
from .trees import ALONE, in_tree
from .weights import StartingWeights, WeightsError

SHIPPED = KNOWLEDGE / "english.ftp"
MAGIC = b"\xf7ftprior"
GENERATION = 0
WORDS, NGRAMS, LEARNED, BASE, NETWORK, MIXER, WEIGHTS, FROZEN, TREE, ORDERED = range(1, 11)
MOST_DEPTH = 12
DIGEST_BYTES = 32
ID_BYTES = 4
REMEMBERED = 255.0


class PriorError(Exception):
    """No prior, a damaged one, or not the one that is needed."""


def require(right, message):
    if not right:
        raise PriorError(message)


class Prior:
    def __init__(self, file):
        file = bytes(file)
        end = len(file) - DIGEST_BYTES
        require(end >= len(MAGIC) + 2 and file.startswith(MAGIC), "no prior")
        require(file[8] == GENERATION, f"generation {file[8]}")
        self.digest = blake3(file[:end])
        require(self.digest == file[end:], "the digest is wrong")
        self.id = self.digest[:ID_BYTES]
        require(any(self.id), "the digest starts with zeros")
        at = 10 + file[9]
        require(at <= end, "cut short")
        self.name = file[10:at].decode()
        self.shipped = ((), (), ())
        packed = self.learned = self.base = self.mixer_file = self.network = self.trees = None
        self.weights = {}
        while at < end:
            require(at + 5 <= end, "cut short")
            kind, length = file[at], int.from_bytes(file[at + 1 : at + 5], "little")
            at += 5
            require(at + length <= end, "cut short")
            section = file[at : at + length]
            require(WORDS <= kind <= ORDERED, f"a section of kind {kind}")
            if kind == WORDS:
                self.shipped = english()
            elif kind == NGRAMS:
                packed, order = section, ngrams.ORDER
            elif kind == ORDERED:
                packed, order = section[1:], section[0] if section else 0
                require(1 <= order <= ngrams.MOST_ORDER, f"contexts of {order} bytes")
            elif kind == NETWORK:
                self.network = weights_of(section)
            elif kind == FROZEN:
                self.network = partial(FrozenLstm, section)
            elif kind == MIXER:
                self.mixer_file = section
            elif kind == TREE:
                self.trees = _read_trees(section)
            elif kind == LEARNED:
                try:
                    self.learned = Learned(section)
                except LearnedError as error:
                    raise PriorError(str(error)) from error
            elif kind == WEIGHTS:
                weights = StartingWeights(section)
                self.weights[weights.preset] = weights
            else:
                base = SHIPPED.read_bytes()
                require(section == base[-DIGEST_BYTES:], "a base that is not the shipped prior")
                self.base = Prior(base)
            at += length
        try:
            self.levels = [] if packed is None else ngrams.unpack(packed, order)
        except ngrams.NgramsError as error:
            raise PriorError(str(error)) from error

    def trees_of(self, preset):
        """By which text of a preset is coded."""
        if not SETUPS[preset].trees:
            return ALONE
        if self.base is not None:
            return self.base.trees_of(preset)
        return self.trees or ALONE

    def fill(self, table, preset):
        """Fills the empty slot table of a preset."""
        if self.learned is not None:
            require(preset == self.learned.preset, f"a prior for preset {self.learned.preset}")
            if self.base is not None:
                self.base.fill(table, preset)
            self.learned.fill(table)
            return
        setup = SETUPS[preset]
        filling = Filling(table, setup.histories, self.trees_of(preset))
        number = 0
        for group in setup.text.groups:
            for order in getattr(group, "orders", ()):
                if order < len(self.levels):
                    filling.fill_order(number, self.levels[order])
                number += 1
            if not hasattr(group, "orders"):
                number += setup.contexts_of(group)

    def start(self, predictor, preset):
        """Makes a new predictor, whose table is filled, start from what was learned besides."""
        from . import container

        if self.learned is not None:
            self.learned.start(predictor, container.decompress)
        elif preset in self.weights:
            try:
                self.weights[preset].start(predictor.new_text_arm())
            except WeightsError as error:
                raise PriorError(str(error)) from error


def _read_trees(section):
    bits = Unpacker(section)
    try:
        found = trees.read(bits)
    except tree.TreeError as error:
        raise PriorError(str(error)) from error
    require(next(bits.decoder.rest, None) is None, "bytes that no bit of the trees needs")
    require(max(each.depth() for each in found.trees) <= MOST_DEPTH, "too deep a tree")
    return found


class Filling:
    """Fills a slot table with what follows what, by the nibbles of trees."""

    def __init__(self, table, histories, trees):
        self.table, self.histories, self.trees = table, histories, trees

    def fill_order(self, number, level):
        for context, following in level.items():
            h = context_of(number, (int.from_bytes(context, "big"),))
            after = self.trees.after[context[-1]]
            self._fill(in_tree(h, after), self.trees.trees[after], 1, following)

    def _fill(self, h, ways, root, following):
        """The slots from the node on to which the path `root` leads; how often its bytes came."""
        depth = tree.depth_of(root)
        leaves, below = [0] * 16, {}
        for byte in sorted(following):
            way = ways.ways[byte]
            left = tree.depth_of(way) - depth
            if left > 4:
                below.setdefault(way >> (left - 4), {})[byte] = following[byte]
            else:
                leaves[(way << (4 - left)) & 15] = ngrams.COUNTS[following[byte]]
        for path, bytes_below in below.items():
            leaves[path & 15] = self._fill(hash(h, ways.numbers[path]), ways, path, bytes_below)
        _put(self.table, h, states(leaves, self.histories))
        return sum(leaves)


def _put(table, h, states):
    number, slot = table.find(h)
    table.put(number, slot[:1] + states)


def states(leaves, histories):
    """The states of a nibble's nodes whose leaves came so often."""
    sums = [0] * 16 + list(leaves)
    found = bytearray(15)
    for node in range(15, 0, -1):
        zeros, ones = sums[2 * node], sums[2 * node + 1]
        sums[node] = zeros + ones
        zeros, ones = (ngrams.COUNTS[ngrams.class_of(count)] for count in (zeros, ones))
        found[node - 1] = histories.nearest(zeros, ones, REMEMBERED)
    return found
