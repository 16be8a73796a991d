"""Arithmetic of the network: arrays of f32, every rounding of which is fixed.

FORMAT.md: "Floating point".
"""

import numpy as np

f32 = np.float32
LANES = 16
ROUNDING = f32(12582912)
LOG2_E = f32(1.442695041)
LN2_HIGH = f32(0.693359375)
LN2_LOW = f32(0.00021219444)
FACTORS = [f32(1) / f32(n) for n in (5040, 720, 120, 24, 6, 2, 1, 1)]


def between(x, low, high):
    x = np.where(x > f32(low), x, f32(low))
    return np.where(x < f32(high), x, f32(high))


def exp(x):
    x = between(x, -87, 88)
    shifted = x * LOG2_E + ROUNDING
    n = shifted - ROUNDING
    # The two parts of ln 2 are the first less the second.
    r = x - n * LN2_HIGH
    r = r + n * LN2_LOW
    total = FACTORS[0]
    for factor in FACTORS[1:]:
        total = total * r + factor
    power = (shifted.view(np.uint32) << np.uint32(23)) + np.uint32(0x3F800000)
    return total * power.view(f32)


def sigmoid(x):
    return f32(1) / (f32(1) + exp(-x))


def tanh(x):
    e = exp(f32(2) * between(x, -9, 9))
    return (e - f32(1)) / (e + f32(1))


def rounded(x):
    return (x + f32(8388608)).view(np.uint32) & np.uint32(0x7FFFFF)


def lane_sum(values):
    """The sums along the last axis, over sixteen lanes."""
    groups = values.reshape(*values.shape[:-1], -1, LANES)
    lanes = np.zeros_like(groups[..., 0, :])
    for i in range(groups.shape[-2]):
        lanes = lanes + groups[..., i, :]
    while lanes.shape[-1] > 1:
        half = lanes.shape[-1] // 2
        lanes = lanes[..., :half] + lanes[..., half:]
    return lanes[..., 0]


def add_rows(start, inputs, rows):
    """Adds to `start` the products of inputs with their rows, in the order of the rows."""
    total, product = start.copy(), np.empty_like(start)
    for x, row in zip(inputs, rows, strict=True):
        np.multiply(row, x, out=product)
        np.add(total, product, out=total)
    return total
