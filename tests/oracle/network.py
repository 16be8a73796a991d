"""The network: a byte-level LSTM that learns as it codes.

FORMAT.md: "The network".
"""

import json
from dataclasses import dataclass
from functools import cache

import numpy as np

from .dictionary import KNOWLEDGE
from .float import add_rows, between, exp, f32, lane_sum, rounded, sigmoid, tanh
from .probability import clamp, stretch

NETWORK_INPUTS = 2
SHIPPED = KNOWLEDGE / "english.safetensors"
SYMBOLS, GATES, PANEL, MATCH_CLASSES = 256, 3, 64, 16
FORGET, CANDIDATE, OUTPUT, INPUT = range(4)
UNITS, LAYERS = 384, 2
EPSILON, TINY, MOST = f32(1e-5), f32(1e-8), 4
START = 10
# The byte that match models expect, and the class of the match.
NOTHING = 0, 0
ONE = f32(1)


@dataclass(frozen=True)
class Learning:
    horizon: int
    delay: int
    rate: float
    warm_up: int
    half: float
    newest: float
    output_first: float
    output_last: float
    output_half: float


NETWORK_START = 28000
TRAINED = Learning(32, 28, 0.0005, 20, 10000, 0.003, 0.01, 0.01, 50000)
UNTRAINED = Learning(32, 28, 0.003, 20, 2000, 0.002, 0.05, 0.01, 50000)


@dataclass
class Layer:
    """Rows are inputs, or last bytes; columns are gates, one after the other."""

    matrix: np.ndarray
    embed: np.ndarray
    gain: np.ndarray
    bias: np.ndarray
    # Of layer 0 of a network that hears match models.
    match_byte: np.ndarray | None = None
    match_class: np.ndarray | None = None


@dataclass
class Output:
    matrix: np.ndarray
    bias: np.ndarray
    match_bias: np.ndarray | None = None


@cache
def untrained():
    """All layers, and the output layer."""
    seed = 1
    width = GATES * UNITS

    def values(count, spread):
        nonlocal seed
        seeds = np.empty(count, np.uint32)
        for i in range(count):
            seed = (seed * 1664525 + 1013904223) & 0xFFFFFFFF
            seeds[i] = seed >> 8
        return (seeds.astype(f32) - f32(8388607.5)) * (spread / f32(8388608))

    layers = []
    for inputs in (UNITS, 2 * UNITS):
        panels = values(inputs * width, np.sqrt(f32(3) / f32(UNITS))).reshape(-1, inputs, PANEL)
        matrix = panels.transpose(1, 0, 2).reshape(inputs, width)
        embed = values(SYMBOLS * width, ONE).reshape(SYMBOLS, width)
        bias = np.zeros((GATES, UNITS), f32)
        bias[FORGET] = f32(4) * np.arange(UNITS, dtype=f32) / f32(UNITS)
        layers.append(Layer(matrix, embed, np.ones((GATES, UNITS), f32), bias))
    return layers, Output(np.zeros((LAYERS * UNITS, SYMBOLS), f32), np.zeros(SYMBOLS, f32))


def gates_of(header):
    """Gates of a cell, as the header of a safetensors file tells."""
    told = header.get("__metadata__", {}).get("gates", "3")
    assert told in ("3", "4"), told
    return int(told)


def tensors(file):
    """What gives the tensor of a name in a safetensors file."""
    start = 8 + int.from_bytes(file[:8], "little")
    header = json.loads(file[8:start])

    def tensor(name, scaled=True):
        if name not in header:
            return None
        begin, end = header[name]["data_offsets"]
        kind = {"F32": "<f4", "I8": "i1", "U8": "u1"}[header[name]["dtype"]]
        values = np.frombuffer(file[start + begin : start + end], kind)
        if kind == "u1":
            # Two in a byte.
            values = np.stack([values & 15, values >> 4], 1).astype(np.int32) - 8
        values = values.astype(f32).reshape(header[name]["shape"][0], -1)
        values = values if len(header[name]["shape"]) == 2 else values.reshape(-1)
        return values if kind == "<f4" or not scaled else values * tensor(f"{name}.scale")[:, None]

    return tensor


@cache
def english():
    """Weights of the file that the library ships."""
    return weights_of(SHIPPED.read_bytes())


def weights_of(file):
    """All layers, and the output layer, of a safetensors file."""
    tensor = tensors(file)
    gates = gates_of(json.loads(file[8 : 8 + int.from_bytes(file[:8], "little")]))
    layers = []
    while (matrix := tensor(f"recur.{len(layers)}")) is not None:
        i = len(layers)
        assert matrix.shape[1] == gates * matrix.shape[0]
        if i > 0:
            matrix = np.concatenate([matrix, tensor(f"below.{i - 1}")])
        layers.append(Layer(matrix, tensor(f"embed.{i}"), tensor(f"gain.{i}"), tensor(f"bias.{i}")))
    layers[0].match_byte, layers[0].match_class = tensor("match_byte"), tensor("match_class")
    return layers, Output(tensor("out"), tensor("out_bias"), tensor("match_bias"))


@dataclass
class Step:
    """What a layer did with one byte."""

    inputs: np.ndarray
    normal: np.ndarray
    scale: np.ndarray
    gates: np.ndarray
    before: np.ndarray
    squashed: np.ndarray
    d_hidden: np.ndarray | None = None


class Squares:
    """Averages of squared gradients of a layer."""

    def __init__(self, layer):
        for part in ("matrix", "embed", "gain", "bias", "match_byte", "match_class"):
            values = getattr(layer, part)
            setattr(self, part, None if values is None else np.zeros_like(values))


class ByteLstm:
    def __init__(self, weights, learning):
        self.layers, output = weights
        self.out, self.out_bias = output.matrix.copy(), output.bias.copy()
        self.match_bias = None if output.match_bias is None else output.match_bias.copy()
        self.gates, self.units = self.layers[0].gain.shape
        self.learning = learning
        self.squares = [Squares(layer) for layer in self.layers]
        self.seen = {table: [0] * SYMBOLS for table in ("embed", "match_byte", "match_class")}
        self.passes = 0
        self.next = None
        self.learned = 0
        self.hidden = [np.zeros(self.units, f32) for _ in self.layers]
        self.cells = [np.zeros(self.units, f32) for _ in self.layers]
        self._begin_horizon()
        self._forward(START, NOTHING)

    def _begin_horizon(self):
        self.bytes, self.expected = [], []
        self.steps = [[] for _ in self.layers]

    @property
    def hears_match(self):
        return self.match_bias is not None

    def _forward(self, byte, expected):
        self.bytes.append(byte)
        self.expected.append(expected)
        after, match = expected
        for i, layer in enumerate(self.layers):
            inputs = np.concatenate(self.hidden[i::-1][:2])
            start = layer.embed[byte]
            if match and layer.match_byte is not None:
                start = start + layer.match_byte[after] + layer.match_class[match]
            sums = add_rows(start, inputs, layer.matrix).reshape(self.gates, self.units)
            scale = ONE / np.sqrt(lane_sum(sums * sums) / f32(self.units) + EPSILON)
            normal = sums * scale[:, None]
            v = layer.bias + normal * layer.gain
            gates = np.stack([tanh(a) if gate == CANDIDATE else sigmoid(a) for gate, a in enumerate(v)])
            before = self.cells[i]
            self.cells[i] = gates[FORGET] * before + input_gate(gates) * gates[CANDIDATE]
            squashed = tanh(self.cells[i])
            self.hidden[i] = gates[OUTPUT] * squashed
            self.steps[i].append(Step(inputs, normal, scale, gates, before, squashed))
        logits = add_rows(self.out_bias, np.concatenate(self.hidden), self.out)
        if match and self.hears_match:
            logits[after] += self.match_bias[match]
        powers = exp(logits - logits.max())
        self.probabilities = powers / lane_sum(powers)

    def update(self, byte, expected=NOTHING):
        self._learn(byte)
        self.learned += 1
        if len(self.bytes) == self.learning.horizon:
            self._backward()
            self._begin_horizon()
        if len(self.bytes) == self.learning.delay and self.next is not None:
            self.layers, self.next = self.next, None
        self._forward(byte, expected)

    def _learn(self, byte):
        """What the output layer learns at once, and the gradients of units."""
        learning = self.learning
        first, last, half = f32(learning.output_first), f32(learning.output_last), f32(learning.output_half)
        rate = last + (first - last) / (ONE + f32(self.learned) / half)
        d_logits = self.probabilities.copy()
        d_logits[byte] -= ONE
        d_units = lane_sum(self.out * d_logits)
        units = np.concatenate(self.hidden)
        self.out = self.out + -(rate * units)[:, None] * d_logits
        self.out_bias = self.out_bias - rate * d_logits
        after, match = self.expected[-1]
        if match and self.hears_match:
            self.match_bias[match] -= rate * d_logits[after]
        for steps, d_hidden in zip(self.steps, d_units.reshape(-1, self.units), strict=True):
            steps[-1].d_hidden = d_hidden

    def _backward(self):
        """The weights that come of a horizon."""
        learning, passes = self.learning, f32(self.passes)
        warm = min(f32(self.passes + 1) / f32(learning.warm_up), ONE)
        rate = f32(learning.rate) * warm / np.sqrt(ONE + passes / f32(learning.half))
        newest = self._newest(self.passes)
        self.passes += 1
        self.next = [None] * len(self.layers)
        d_below = [None] * learning.horizon
        for i in range(len(self.layers) - 1, -1, -1):
            layer, squares, steps = self.layers[i], self.squares[i], self.steps[i]
            d_after, d_sums = through_time(layer, steps, d_below)
            if i > 0:
                d_below = [lane_sum(layer.matrix[self.units :] * d) for d in d_sums]

            gradient = np.zeros_like(layer.matrix)
            for step, d in zip(steps, d_sums, strict=True):
                gradient = gradient + step.inputs[:, None] * d
            matrix = stepped(layer.matrix, gradient, squares.matrix, rate, newest)

            tables = {}
            for name, came in self._came().items():
                table = getattr(layer, name)
                tables[name] = table if table is None else table.copy()
                for which in set(came) - {None} if table is not None else ():
                    row = np.zeros_like(d_sums[0])
                    for other, d in zip(came, d_sums, strict=True):
                        row = row + d if other == which else row
                    average = getattr(squares, name)[which]
                    seen = self._newest(self.seen[name][which])
                    tables[name][which] = stepped(table[which], row, average, rate, seen)

            d_gain, d_bias = np.zeros_like(layer.gain), np.zeros_like(layer.bias)
            for step, d in zip(steps, d_after, strict=True):
                d_gain = d_gain + d * step.normal
                d_bias = d_bias + d
            gain = stepped(layer.gain, d_gain, squares.gain, rate, newest)
            bias = stepped(layer.bias, d_bias, squares.bias, rate, newest)
            self.next[i] = Layer(matrix, gain=gain, bias=bias, **tables)
        for name, came in self._came().items():
            for which in set(came) - {None}:
                self.seen[name][which] += 1

    def _came(self):
        """For each table of rows those of the horizon's steps, None where a step took none."""
        heard = [(after, match) if match else (None, None) for after, match in self.expected]
        return {
            "embed": self.bytes,
            "match_byte": [after for after, _ in heard],
            "match_class": [match for _, match in heard],
        }

    def _newest(self, seen):
        return max(ONE / f32(seen + 1), f32(self.learning.newest))


def input_gate(gates):
    return gates[INPUT] if len(gates) > INPUT else ONE - gates[FORGET]


def through_time(layer, steps, d_above):
    """Gradients of pre-activations, after normalisation and before it, for each byte of a horizon."""
    d_after, d_sums = [None] * len(steps), [None] * len(steps)
    units = layer.gain.shape[1]
    d_hidden, d_cell = np.zeros(units, f32), np.zeros(units, f32)
    for t in range(len(steps) - 1, -1, -1):
        step = steps[t]
        if d_above[t] is not None:
            d_hidden = d_hidden + d_above[t]
        dh = d_hidden + step.d_hidden
        f, u, o, i = *step.gates[:INPUT], input_gate(step.gates)
        own = len(step.gates) > INPUT
        s, c = step.squashed, step.before
        dc = d_cell + dh * o * (ONE - s * s)
        d_cell = dc * f
        parts = [
            dc * (c if own else c - u) * (f * (ONE - f)),
            dc * i * (ONE - u * u),
            dh * s * (o * (ONE - o)),
        ]
        d_after[t] = np.stack([*parts, dc * u * (i * (ONE - i))] if own else parts)
        scaled = d_after[t] * layer.gain
        mean = lane_sum(scaled * step.normal) / f32(units)
        d_sums[t] = (step.scale[:, None] * (scaled - step.normal * mean[:, None])).reshape(-1)
        d_hidden = lane_sum(layer.matrix[:units] * d_sums[t])
    return d_after, d_sums


def stepped(weights, gradient, squares, rate, newest):
    """New weights; the averages of squares are brought up to date in place."""
    squares += newest * (gradient * gradient - squares)
    unit = between(gradient / (np.sqrt(squares) + TINY), -MOST, MOST)
    return weights - rate * unit


def expected(matches):
    """What these match models expect at the start of a byte."""
    for model in reversed(matches):
        if model.expected:
            return model.expected & 0xFF, model.len_class()
    return NOTHING


class Network:
    """What the network says of each bit of the next byte."""

    def __init__(self, knows_english, own=None):
        if own is not None:
            self.lstm = own() if callable(own) else ByteLstm(own, TRAINED)
        else:
            self.lstm = ByteLstm(english(), TRAINED) if knows_english else ByteLstm(untrained(), UNTRAINED)
        self._turn()

    def update(self, byte, matches):
        self.lstm.update(byte, expected(matches))
        self._turn()

    def _turn(self):
        weights = [int(x) + 1 for x in rounded(self.lstm.probabilities * f32(4194304))]
        self.likeliest = weights.index(max(weights))
        self.sums = [0] * SYMBOLS + weights
        for node in range(SYMBOLS - 1, 0, -1):
            self.sums[node] = self.sums[2 * node] + self.sums[2 * node + 1]

    def predict(self, partial):
        p1_q16 = clamp((self.sums[2 * partial + 1] << 16) // self.sums[partial], 1, 65535)
        return [stretch(p1_q16), (p1_q16 - 32768) >> 6]

    def expected_byte(self, partial, bit_position):
        """The likeliest byte if it begins with these bits, else 256."""
        holds = (self.likeliest | 256) >> (8 - bit_position) == partial
        return self.likeliest if holds else 256


def memory_bytes():
    """FORMAT.md: "Memory"."""
    width, inputs = GATES * UNITS, (UNITS, 2 * UNITS)
    layers = sum((rows + SYMBOLS + 2) * width for rows in inputs)
    output = (LAYERS * UNITS + 1) * SYMBOLS
    horizon = max(TRAINED.horizon, UNTRAINED.horizon)
    kept = 2 * sum(rows + 10 * UNITS for rows in inputs) + 2 * inputs[1] + 5 * width + 3 * UNITS
    return 4 * (3 * layers + output + horizon * kept)
