"""What a preset's mixer and maps start from: section 7 of a prior.

FORMAT.md: "Starting weights".
"""

from .packing import Unpacker
from .probability import clamp, squash, stretch

MAP_STEP = 64
COUNT = 127
SECOND_UNIT = 8
UNITS = 16
UNARY = 8


class WeightsError(Exception):
    pass


def require(right, message):
    if not right:
        raise WeightsError(message)


class StartingWeights:
    def __init__(self, section):
        require(len(section) >= 1 and 1 <= section[0] <= 10, "an unknown preset")
        self.preset = section[0]
        self.section = section[1:]

    def start(self, arm):
        """Sets the maps and weights of a text's arm that has learned nothing."""
        require(len(self.section) >= 2, "cut short")
        unit = max(int.from_bytes(self.section[:2], "little"), 1)
        unpacker = Unpacker(self.section[2:])
        _start_maps(unpacker, [earned.entries for earned in arm.slots.maps])
        _start_layer(unpacker, arm.mixer.first, unit, "first")
        _start_layer(unpacker, arm.mixer.second, SECOND_UNIT, "second")
        require(next(unpacker.decoder.rest, None) is None, "bytes that were not read")


def _start_maps(unpacker, maps):
    differences = Differences(unpacker, "maps", 256)
    seen = [0] * 256
    for entries in maps:
        left = 0
        for state in range(256):
            seen[state] = unpacker.bit("seen", seen[state])
            if seen[state]:
                left = differences.next(state, left)
                # States that there are not have entries in the format.
                if state < len(entries):
                    logit = clamp(stretch(entries[state] >> 16) + MAP_STEP * left, -4096, 4096)
                    entries[state] = squash(logit) << 16 | COUNT


def _start_layer(unpacker, layer, unit, name):
    inputs = len(layer.sets[0].weights)
    differences = Differences(unpacker, name, inputs)
    mean = [int(weight / unit) for weight in layer.sets[0].weights]
    for sets, ages, size in zip(layer.sets, layer.ages, layer.sizes, strict=True):
        last = 0
        for place in range(inputs):
            number = unpacker.number("mean", name, last)
            last = number.bit_length()
            moved = mean[place] + (number >> 1 ^ -(number & 1))
            mean[place] = (moved + (1 << 31)) % (1 << 32) - (1 << 31)
        sets.weights = [clamp(value * unit, -32768, 32767) for value in mean]
        kept = 0
        for pick in range(size):
            kept = unpacker.bit("kept", name, kept)
            if not kept:
                continue
            if name == "first":
                ages[pick] = 3 << unpacker.symbol(4, "age", name) >> 1
            left = 0
            weights = sets[pick]
            for place in range(inputs):
                left = differences.next(place, left)
                weights[place] = clamp((mean[place] + UNITS * left) * unit, -32768, 32767)


class Differences:
    def __init__(self, unpacker, name, places):
        self.unpacker = unpacker
        self.name = name
        self.sizes = [0] * places

    def next(self, place, left):
        unpacker, size = self.unpacker, self.sizes[place]
        context = min((size + 1).bit_length() - 1, 7), min(abs(left), 2)
        number = 0
        while number < UNARY and unpacker.bit("at least", self.name, context, number):
            number += 1
        if number == UNARY:
            number = min(UNARY + unpacker.number("rest", self.name), (1 << 32) - 1)
        self.sizes[place] = (7 * size + 16 * min(number, 15)) // 8
        number = min(number, (1 << 31) - 1)
        return -number if number and unpacker.plain(1) else number
