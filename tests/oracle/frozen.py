"""Networks that do not learn, whose products are of integers.

FORMAT.md: "Frozen networks".
"""

import json

import numpy as np

from .float import exp, f32, lane_sum, sigmoid, tanh
from .network import CANDIDATE, EPSILON, FORGET, INPUT, NOTHING, ONE, OUTPUT, START, gates_of

MOST_BITS = 14


def tensors_of(file):
    """Values of a safetensors file, of integers those and their rows' scales; gates of its cells."""
    start = 8 + int.from_bytes(file[:8], "little")
    header = json.loads(file[8:start])

    def values(name):
        begin, end = header[name]["data_offsets"]
        kind = {"F32": "<f4", "I8": "i1", "U8": "u1"}[header[name]["dtype"]]
        found = np.frombuffer(file[start + begin : start + end], kind).reshape(header[name]["shape"])
        if kind == "u1":
            found = np.stack([found & 15, found >> 4], -1).reshape(found.shape[0], -1).astype("i1") - 8
        return (found, values(f"{name}.scale")) if f"{name}.scale" in header else found

    found = {name: values(name) for name in header if name != "__metadata__" and not name.endswith(".scale")}
    return found, gates_of(header)


def floats(integers, scales):
    return integers.astype(f32) * scales[:, None]


class Integers:
    """Matrices one beneath the other."""

    def __init__(self, *matrices):
        self.weights = np.concatenate([integers for integers, _ in matrices]).astype(np.int64)
        scales = np.concatenate([scales for _, scales in matrices])
        most = 1 << min(MOST_BITS, (((1 << 31) - 1) // (127 * len(scales))).bit_length() - 1)
        largest = float(np.abs(scales).max())
        exponent = max(e for e in range(-60, 61) if e == -60 or largest * 2.0**e <= most)
        self.factors = scales * f32(2.0**exponent)
        self.unit = f32(2.0**-exponent)

    def add_product(self, start, inputs):
        rounded = np.rint(inputs * self.factors).astype(np.int64)
        return start + (rounded @ self.weights).astype(np.int32).astype(f32) * self.unit


class FrozenLstm:
    def __init__(self, file):
        found, self.gates = tensors_of(file)
        self.embed, self.matrices, self.gain, self.bias = [], [], [], []
        for i in range(sum(name.startswith("embed.") for name in found)):
            below = [found[f"below.{i - 1}"]] if i > 0 else []
            self.embed.append(floats(*found[f"embed.{i}"]))
            self.matrices.append(Integers(found[f"recur.{i}"], *below))
            self.gain.append(found[f"gain.{i}"])
            self.bias.append(found[f"bias.{i}"])
        self.match_bias = found.get("match_bias")
        if self.match_bias is not None:
            self.match_byte, self.match_class = floats(*found["match_byte"]), floats(*found["match_class"])
        self.out, self.out_bias = Integers(found["out"]), found["out_bias"]
        self.units = self.gain[0].shape[1]
        self.hidden = [np.zeros(self.units, f32) for _ in self.embed]
        self.cells = [np.zeros(self.units, f32) for _ in self.embed]
        self.update(START)

    def update(self, byte, expected=NOTHING):
        after, match = expected if self.match_bias is not None else NOTHING
        for i, matrix in enumerate(self.matrices):
            inputs = np.concatenate(self.hidden[i::-1][:2])
            start = self.embed[i][byte]
            if match and i == 0:
                start = start + self.match_byte[after] + self.match_class[match]
            sums = matrix.add_product(start, inputs).reshape(self.gates, self.units)
            scale = ONE / np.sqrt(lane_sum(sums * sums) / f32(self.units) + EPSILON)
            v = self.bias[i] + sums * scale[:, None] * self.gain[i]
            f = sigmoid(v[FORGET])
            enter = sigmoid(v[INPUT]) if self.gates > INPUT else ONE - f
            self.cells[i] = f * self.cells[i] + enter * tanh(v[CANDIDATE])
            self.hidden[i] = sigmoid(v[OUTPUT]) * tanh(self.cells[i])
        logits = self.out.add_product(self.out_bias, np.concatenate(self.hidden))
        if match:
            logits[after] += self.match_bias[match]
        powers = exp(logits - logits.max())
        self.probabilities = powers / lane_sum(powers)
