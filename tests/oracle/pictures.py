"""Contexts of pictures.

FORMAT.md: "Pictures".
"""


def near(parsed):
    """Pixels by how many columns to the right and rows above they are."""
    return lambda right, up: parsed.history.back(up * parsed.records.len - right)


def pictures(p):
    pixel = near(p)

    def span(first, last, up):
        return int.from_bytes(bytes(pixel(right, up) for right in range(first, last + 1)), "big")

    def bright(right, up):
        return p.records.brightness[pixel(right, up)]

    def uppers(bits, *rows):
        total = 0
        for up, (first, last) in enumerate(rows):
            for right in range(first, last + 1):
                total = total << bits | bright(right, up) >> (8 - bits)
        return total

    flat = min(max(bright(-1, 0) + bright(0, 1) - bright(-1, 1), 0), 255)
    w, ww, www, w4, w6, row = (p.last(count) for count in (1, 2, 3, 4, 6, 8))
    n, nw, ne, nn, nnn = pixel(0, 1), pixel(-1, 1), pixel(1, 1), pixel(0, 2), pixel(0, 3)
    around, column = span(-1, 1, 1), p.history.len % p.records.len
    values = (
        ((w, n, 0), 0),
        ((www, around, nn), 0),
        ((w4, span(-2, 2, 1), span(-1, 1, 2)), 0),
        ((w6, span(-3, 3, 1), span(-2, 2, 2)), 0),
        ((w, around, 0), 0),
        ((ww, around, 0), 0),
        ((ww, span(-1, 2, 1), span(-1, 1, 2)), 0),
        ((w, n, nw), 0),
        ((w, n, ne), 0),
        ((row, span(-4, 3, 1), span(-3, 3, 2)), nnn),
        ((w, n, nn), 0),
        ((w, span(0, 2, 1), 0), 0),
        ((www, n, 0), 0),
        ((w, n, column), 0),
        ((n, nn, nnn), 0),
        ((ww, n, nn), 0),
        ((w, span(-2, 2, 1), 0), 0),
        ((ww, span(-1, 1, 1), span(0, 1, 2)), nnn),
        ((w4, n, nw), 0),
        ((w6, 0, 0), 0),
        ((row, n, 0), 0),
        ((span(-1, 1, 1), span(-1, 1, 2), span(-1, 1, 3)), 0),
        ((span(-3, 4, 1), w, 0), 0),
        ((span(0, 3, 1), span(0, 2, 2), ww), 0),
        ((span(-3, 0, 1), span(-2, 0, 2), ww), 0),
        ((row, span(-4, 3, 1), span(-4, 3, 2)), span(-1, 1, 3) ^ pixel(0, 4) << 24),
        ((w, nw, ne), 0),
        ((ww, ne, pixel(2, 1)), 0),
        ((w, n, pixel(0, 4)), 0),
        ((column, w, nn), 0),
        ((w, 0, 0), 0),
        ((n, 0, 0), 0),
        ((n, nn, w), ne),
        ((www, around, 0), 0),
        ((w4, around, 0), 0),
        ((www, span(-2, 2, 1), 0), 0),
        ((w4, span(-1, 3, 1), span(-1, 2, 2)), 0),
        ((ww, span(-2, 2, 1), span(-2, 2, 2)), nnn),
        ((span(-2, 2, 1), span(-1, 1, 2), w), 0),
        ((w6, span(-2, 3, 1), nn), 0),
        ((ww, n, column), 0),
        ((around, column, 0), 0),
        ((w, n, nw), nn << 8 | nnn),
        ((row, around, 0), 0),
        ((ne, pixel(1, 2), pixel(2, 1)), w),
        ((nw, pixel(-2, 2), pixel(-3, 3)), w),
        ((0, 0, 0), 0),
        ((flat, 0, 0), 0),
        ((flat, w, 0), 0),
        ((flat >> 2, n, 0), 0),
        ((uppers(2, (-3, -1), (-3, 3), (-2, 2), (-1, 1)), 0, 0), 0),
        ((uppers(3, (-2, -1), (-2, 2), (-1, 1)), 0, 0), 0),
        ((uppers(4, (-2, -1), (-1, 1), (0, 0)), 0, 0), 0),
        ((uppers(1, (-4, -1), (-4, 4), (-3, 3), (-2, 2)), w, 0), 0),
        (((bright(-1, 0) + bright(1, 1)) >> 2, bright(0, 1) >> 2, 0), 0),
        ((uppers(2, (-3, -2), (-2, 2), (-1, 1)), w, n), 0),
    )
    for number, (parts, more) in enumerate(values, 1):
        yield *parts, number << 32 | more
