"""Adaptive probability maps.

FORMAT.md: "Adaptive probability maps".
"""

from array import array

from .adaptive_map import moved
from .probability import FINE_LIMIT, clamp, squash_fine

POINTS = 32
SPACING = 2 * FINE_LIMIT // (POINTS - 1) + 1
START, LIMIT = 8, 255


class Apm:
    def __init__(self, contexts):
        points = (squash_fine(k * SPACING - FINE_LIMIT) << 10 | START for k in range(POINTS))
        self.curves = array("L", points) * contexts

    def refine(self, logit, context):
        x = clamp(logit, -FINE_LIMIT, FINE_LIMIT - 1) + FINE_LIMIT
        k, part = divmod(x, SPACING)
        low = context * POINTS + k
        self.nearest = low + (part > SPACING // 2)
        a, b = self.curves[low] >> 10, self.curves[low + 1] >> 10
        return (a * (SPACING - part) + b * part) // SPACING

    def update(self, bit):
        self.curves[self.nearest] = moved(self.curves[self.nearest], bit, LIMIT)
