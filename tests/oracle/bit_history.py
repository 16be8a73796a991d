"""Bit histories: the table of states.

FORMAT.md: "Bit histories".
"""

from .probability import clamp, exp, ln

EMPTY = 0
EXACT = 6
CONFIDENCES = (7.0, 12.0, 24.0, 60.0)
SURPRISED = 0.3
GRID = (18, 28, 44, 64)
LEVELS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32, 40, 48, 60)
LARGEST = (60, 40, 16, 10, 7, 6)


def _grid(confidence, index):
    n = CONFIDENCES[confidence]
    most = ln((n + 0.5) / 0.5)
    x = 2.0 * most * float(index) / float(GRID[confidence] - 1) - most
    return 1.0 / (1.0 + exp(-x))


GRIDS = [[_grid(confidence, index) for index in range(size)] for confidence, size in enumerate(GRID)]


def _place(confidence, p1, share):
    """The points around a probability, with the share of each."""
    grid = GRIDS[confidence]
    index = 0
    while index < len(grid) - 2 and grid[index + 1] < p1:
        index += 1
    upper = clamp((p1 - grid[index]) / (grid[index + 1] - grid[index]), 0.0, 1.0)
    return [
        (("point", confidence, index), share * (1.0 - upper)),
        (("point", confidence, index + 1), share * upper),
    ]


def _successors(meaning, bit):
    if meaning[0] == "counts":
        _, zeros, ones, last = meaning
        zeros, ones = zeros + 1 - bit, ones + bit
        seen = zeros + ones
        if seen <= 3:
            return [(("counts", zeros, ones, (last << 1 | bit) & 7), 1.0)]
        if seen <= EXACT:
            return [(("counts", zeros, ones, bit), 1.0)]
        return _place(0, (float(ones) + 0.4) / (float(seen) + 0.8), 1.0)
    _, confidence, index = meaning
    n, p1 = CONFIDENCES[confidence], GRIDS[confidence][index]
    if confidence > 0 and (p1 if bit else 1.0 - p1) < 0.5:
        p1 = p1 + (float(bit) - p1) / (CONFIDENCES[confidence - 1] + 1.5)
        return _place(confidence, p1, 1.0 - SURPRISED) + _place(confidence - 1, p1, SURPRISED)
    p1 = p1 + (float(bit) - p1) / (n + 1.5)
    if confidence + 1 == len(CONFIDENCES):
        return _place(confidence, p1, 1.0)
    grown = 1.0 / (CONFIDENCES[confidence + 1] - n)
    return _place(confidence, p1, 1.0 - grown) + _place(confidence + 1, p1, grown)


def _level(count):
    """Number of the largest level that is not above a count."""
    return max(number for number, level in enumerate(LEVELS) if level <= count)


def _counted(meaning, bit):
    _, zeros, ones, last = meaning
    if zeros + ones < 3:
        return [(("counts", zeros + 1 - bit, ones + bit, (last << 1 | bit) & 7), 1.0)]
    mine, other = (ones, zeros) if bit else (zeros, ones)
    if other > 2:
        other = (other.bit_length() + min(other, 8)) // 2
    other = LEVELS[_level(other)]
    largest = LARGEST[min(other, 5)]
    at = _level(mine)
    now = min(LEVELS[at], largest)
    following = min(LEVELS[min(at + 1, len(LEVELS) - 1)], largest)

    def counts(mine):
        return ("counts", other, mine, 8 | bit) if bit else ("counts", mine, other, 8 | bit)

    if following == now:
        return [(counts(now), 1.0)]
    grown = 1.0 / float(following - now)
    return [(counts(now), 1.0 - grown), (counts(following), grown)]


def place(zeros, ones):
    zeros, ones = zeros + 0.4, ones + 0.4
    return ln(ones / zeros), ln(zeros + ones)


class BitHistories:
    def __init__(self, successors):
        self.steps = []
        self.one_kind = []
        self.p1_q16 = []
        # Zeros and ones that a state stands for, as place() has them.
        self.places = []
        self.found = {}
        numbers = {("counts", 0, 0, 0): 0}
        meanings = list(numbers)
        # Breadth first: the list grows while it is read.
        for meaning in meanings:
            for bit in (0, 1):
                targets = successors(meaning, bit)
                targets += [(targets[0][0], 0.0)] * (4 - len(targets))
                bounds, to, reached = [], [], 0.0
                for target, share in targets:
                    if target not in numbers:
                        numbers[target] = len(meanings)
                        meanings.append(target)
                    to.append(numbers[target])
                    reached += share * 256.0
                    bounds.append(int(min(reached + 0.5, 255.0)))
                self.steps.append((bounds[:3], to))
            self._describe(meaning)

    def _describe(self, meaning):
        if meaning[0] == "counts":
            _, zeros, ones, _ = meaning
            p1 = (float(ones) + 0.4) / (float(zeros + ones) + 0.8)
            one_kind = zeros == 0 or ones == 0
            stands_for = float(zeros), float(ones)
        else:
            _, confidence, index = meaning
            p1 = GRIDS[confidence][index]
            one_kind = index in (0, GRID[confidence] - 1)
            stands_for = CONFIDENCES[confidence] * (1.0 - p1), CONFIDENCES[confidence] * p1
        self.places.append(place(*stands_for))
        self.p1_q16.append(int(p1 * 65536.0))
        self.one_kind.append(one_kind)

    def nearest(self, zeros, ones, most):
        """The state that stands best for so many zeros and ones.

        FORMAT.md: "Filling".
        """
        if zeros + ones == 0:
            return EMPTY
        if (zeros, ones) not in self.found:
            seen = float(zeros) + float(ones)
            cut = most / seen if seen > most else 1.0
            share, number = place(float(zeros) * cut, float(ones) * cut)
            best = float("inf"), EMPTY
            for state, (of_state, number_of_state) in enumerate(self.places):
                a, b = of_state - share, number_of_state - number
                distance = a * a + 0.25 * b * b
                if state != EMPTY and distance < best[0]:
                    best = distance, state
            self.found[zeros, ones] = best[1]
        return self.found[zeros, ones]

    def next(self, state, bit, random):
        bounds, to = self.steps[2 * state + bit]
        return to[sum(random >= bound for bound in bounds)]


PROBABILITIES = BitHistories(_successors)
COUNTS = BitHistories(_counted)
