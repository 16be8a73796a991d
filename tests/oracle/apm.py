"""Adaptive probability maps.

FORMAT.md: "Adaptive probability maps".
"""

from array import array

from .probability import FINE_LIMIT, clamp, squash_fine

POINTS = 33
SPACING = 2 * FINE_LIMIT // (POINTS - 1)


class Apm:
    def __init__(self, contexts, rate):
        curve = array("L", (squash_fine(k * SPACING - FINE_LIMIT) << 10 for k in range(POINTS)))
        self.curves = curve * contexts
        self.rate = rate

    def refine(self, logit, context):
        x = clamp(logit, -FINE_LIMIT, FINE_LIMIT - 1) + FINE_LIMIT
        k, part = divmod(x, SPACING)
        low = context * POINTS + k
        self.nearest = low + (part > SPACING // 2)
        return (self.curves[low] * (SPACING - part) + self.curves[low + 1] * part) // SPACING >> 10

    def update(self, bit):
        point = self.curves[self.nearest]
        if bit:
            point += (0xFFFFFFFF - point) >> self.rate
        else:
            point -= point >> self.rate
        self.curves[self.nearest] = point
