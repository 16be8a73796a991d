"""The mixer: two layers of weight sets.

FORMAT.md: "Mixer".
"""

from dataclasses import dataclass

from .probability import LOGIT_LIMIT, clamp, squash, squash_fine

MAX_SETS = 32
LANES = 32
ONE = 1 << 14
NEW = 256
MATURE = (1 << 16) - 1


@dataclass(frozen=True)
class Rates:
    first: int
    first_start: int
    second: int
    shift: int
    start: int
    quiet: int = 0


def wrap32(x):
    return (x + (1 << 31)) % (1 << 32) - (1 << 31)


def dot(inputs, weights):
    return wrap32(sum(x * w for x, w in zip(inputs, weights, strict=True)))


def train(inputs, weights, error):
    if error == 0:
        return
    for i, x in enumerate(inputs):
        product = ((x * error >> 14) + 1) >> 1
        product = (product + 32768) % 65536 - 32768
        weights[i] = clamp(weights[i] + product, -32768, 32767)


def step(error, rate):
    return clamp((error * rate) >> 16, -32767, 32767)


class _Sets(dict):
    """Weight sets, made when they are first picked."""

    def __init__(self, start, inputs):
        super().__init__()
        self.weights = [start] * inputs

    def __missing__(self, pick):
        self[pick] = list(self.weights)
        return self[pick]


class Layer:
    """For each selector its weight sets, and how many bits each has learned."""

    def __init__(self, inputs, sizes, start):
        self.sets = [_Sets(start, inputs) for _ in sizes]
        self.ages = [[0] * size for size in sizes]
        self.sizes = sizes


class Mixer:
    def __init__(self, inputs, first, second, rates):
        self.first = Layer(inputs, first, rates.start)
        self.second = Layer(MAX_SETS, second, ONE // len(first))
        self.rates = rates

    def set_start(self, place, weight):
        """What one input weighs in every set before it has learned anything."""
        for sets in self.first.sets:
            sets.weights[place] = weight

    def predict(self, inputs, first, second):
        self.inputs, self.picks, self.final_picks = inputs, first, second
        sets = [row[pick] for row, pick in zip(self.first.sets, first, strict=True)]
        self.logits = [
            clamp(dot(inputs, weights) >> self.rates.shift, -LOGIT_LIMIT, LOGIT_LIMIT) for weights in sets
        ]
        self.logits += [0] * (MAX_SETS - len(sets))
        finals = [row[pick] for row, pick in zip(self.second.sets, second, strict=True)]
        self.final_sums = [dot(self.logits, weights) for weights in finals]
        total = sum(value >> 10 for value in self.final_sums)
        # Division rounds towards zero.
        return total // len(finals) if total >= 0 else -(-total // len(finals))

    def update(self, bit):
        target = 65535 if bit else 0
        for i, pick in enumerate(self.picks):
            age = self.first.ages[i][pick]
            newness = 65535 * NEW // (NEW + (age & ~15))
            rate = self.rates.first + (self.rates.first_start * newness >> 16)
            self.first.ages[i][pick] = min(age + 1, MATURE)
            error = target - squash(self.logits[i])
            if abs(error) >= self.rates.quiet:
                train(self.inputs, self.first.sets[i][pick], step(error, rate))
        for i, pick in enumerate(self.final_picks):
            p1_q16 = squash_fine(self.final_sums[i] >> 10) >> 6
            train(self.logits, self.second.sets[i][pick], step(target - p1_q16, self.rates.second))
