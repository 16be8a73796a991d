"""Probabilities, logits and the tables between them.

FORMAT.md: "Probabilities and logits".
"""

P1_BITS = 22
P1_MAX = (1 << P1_BITS) - 1
LOGIT_LIMIT = 2047
FINE_LIMIT = 12 * 4096


def clamp(x, low, high):
    return low if x < low else min(x, high)


def p1_clamped(p1_q22):
    return clamp(p1_q22, 1, P1_MAX)


def exp(x):
    y = x / 1024.0
    term = 1.0
    total = 1.0
    for k in range(1, 12):
        term = term * y / float(k)
        total += term
    for _ in range(10):
        total *= total
    return total


def ln(x):
    y = 0.0
    for _ in range(40):
        e = exp(y)
        y += 2.0 * (x - e) / (x + e)
    return y


def _stretch_table():
    table = [0] * 4096
    for i in range(2048):
        p = float(i) + 0.5
        x = min(int(-ln(p / (4096.0 - p)) * 256.0 + 0.5), LOGIT_LIMIT)
        table[i] = -x
        table[4095 - i] = x
    return table


STRETCH = _stretch_table()
SQUASH_FINE = [
    int(1.0 / (1.0 + exp(-(float(k) / 64.0 - 12.0))) * 4194304.0 + 0.5) for k in range(24 * 64 + 2)
]
SQUASH = [
    clamp(int(65536.0 / (1.0 + exp(-((float(k) - 2048.0) / 256.0))) + 0.5), 1, 65535) for k in range(4096)
]


def stretch(p1_q16):
    return STRETCH[p1_q16 >> 4]


def squash(x):
    return SQUASH[clamp(x, -LOGIT_LIMIT, LOGIT_LIMIT) + 2048]


def squash_fine(x):
    x = clamp(x, -FINE_LIMIT, FINE_LIMIT) + FINE_LIMIT
    k, part = x >> 6, x & 63
    return p1_clamped((SQUASH_FINE[k] * (64 - part) + SQUASH_FINE[k + 1] * part) >> 6)
