"""Weights that stand in an archive.

FORMAT.md: "Fitted networks".
"""

import numpy as np

from .blake3 import blake3
from .float import f32
from .network import MATCH_CLASSES, SYMBOLS, Layer, Output
from .packing import Unpacker
from .trees import ALONE

KINDS = {"embed": 0, "recur": 1, "below": 2, "out": 3, "gain": 0, "bias": 1, "out_bias": 2}
KINDS |= {"match_byte": 0, "match_class": 0, "match_bias": 2}
CLASSES = 8
FOUR_GATES, HEARS_MATCH = 16, 32


class FittedPrior:
    """A prior but for its network; `under` may be None."""

    def __init__(self, under, under_digest, network):
        self.under = under
        self.digest = blake3(under_digest + network)
        self.id = self.digest[:4]
        self.shipped = ((), (), ()) if under is None else under.shipped
        self.mixer_file = None if under is None else under.mixer_file
        self.learned = None if under is None else under.learned
        self.network = Network(network).weights()

    def trees_of(self, preset):
        return ALONE if self.under is None else self.under.trees_of(preset)

    def fill(self, table, preset):
        if self.under is not None:
            self.under.fill(table, preset)

    def start(self, predictor, preset):
        if self.under is not None:
            self.under.start(predictor, preset)


def moved(word, number):
    number &= 0xFFFF
    return (word + (number >> 1 ^ -(number & 1))) & 0xFFFF


def floats(words):
    return (np.array(words, np.uint32) << 16).view(f32)


class Network:
    def __init__(self, packed):
        self.layers, units, kind = packed[:3]
        self.gates, self.hears_match = 3 + (kind & FOUR_GATES > 0), kind & HEARS_MATCH > 0
        self.bits = kind % FOUR_GATES
        self.units = 64 * units
        self.unpacker = Unpacker(packed[3:])

    def weights(self):
        """Layers, and the output layer."""
        layers, width = [], self.gates * self.units
        for i in range(self.layers):
            embed = self.matrix("embed", SYMBOLS, width)
            matrix = self.matrix("recur", self.units, width)
            if i > 0:
                matrix = np.concatenate([matrix, self.matrix("below", self.units, width)])
            gain, bias = (self.vector(name, width) for name in ("gain", "bias"))
            layers.append(Layer(matrix, embed, gain.reshape(self.gates, -1), bias.reshape(self.gates, -1)))
            if i == 0 and self.hears_match:
                layers[0].match_byte = self.matrix("match_byte", SYMBOLS, width)
                layers[0].match_class = self.matrix("match_class", MATCH_CLASSES, width)
        out = self.matrix("out", self.layers * self.units, SYMBOLS)
        output = Output(out, self.vector("out_bias", SYMBOLS))
        if self.hears_match:
            output.match_bias = self.vector("match_bias", MATCH_CLASSES)
        assert next(self.unpacker.decoder.rest, None) is None
        return layers, output

    def vector(self, name, count):
        words, word, last = [], 0, 0
        for _ in range(count):
            number = self.unpacker.number("vector", KINDS[name], last) & 0xFFFF
            last, word = number.bit_length(), moved(word, number)
            words.append(word)
        return floats(words)

    def matrix(self, name, rows, columns):
        kind, word, last, zero = KINDS[name], 0, 0, 0
        above = [0] * columns
        values = np.zeros((rows, columns), f32)
        for row in range(rows):
            zero = self.unpacker.bit("zero", kind, zero)
            if zero:
                above = [0] * columns
                continue
            number = self.unpacker.number("scale", last) & 0xFFFF
            last, word = number.bit_length(), moved(word, number)
            above = self.row(kind, above)
            values[row] = np.array(above, f32) * floats([word])
        return values

    def row(self, kind, above):
        row, left = [], 0
        for up in above:
            near = min((left + abs(up)).bit_length(), CLASSES - 1)
            row.append(self.unpacker.symbol(self.bits, "value", kind, near) - (1 << self.bits - 1))
            left = abs(row[-1])
        return row
