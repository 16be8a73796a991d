"""Palettes of pictures: which byte stands for a pixel.

FORMAT.md: "Expanded chunks".
"""

from dataclasses import dataclass

from .deflate import require

BYTES = 256
NEAR = 3


@dataclass
class Palette:
    colours_log2: int = 0
    # Bytes between it and the picture's data.
    after: int = 0
    afresh: bool = False


class Colours:
    """What colour each byte stood for last."""

    def __init__(self, of=()):
        self.of = dict(of)

    def copy(self):
        return Colours(self.of)

    def numbers(self, palette, before):
        """What number each byte stands for in a picture, `before` whose data this content stands."""
        if not palette.colours_log2:
            return range(BYTES)
        length = 3 << palette.colours_log2
        start = len(before) - palette.after - length
        require(start >= 0, "a palette before its chunk")
        colours = [tuple(before[at : at + 3]) for at in range(start, start + length, 3)]
        if palette.afresh:
            self.of = {}
        bytes_of = self._bytes_of(colours)
        self.of |= {bytes_of[number]: colour for number, colour in enumerate(colours)}
        return [number for _, number in sorted((byte, number) for number, byte in bytes_of.items())]

    def brightness(self, palette, before):
        """How bright each byte is in a picture right `before` whose pixels these expanded bytes stand."""
        if not palette.colours_log2 or (3 << palette.colours_log2) + palette.after > len(before):
            return range(BYTES)
        self.numbers(palette, before)
        return [
            (2 * self.of[byte][0] + 5 * self.of[byte][1] + self.of[byte][2]) // 8 if byte in self.of else byte
            for byte in range(BYTES)
        ]

    def _bytes_of(self, colours):
        free, placed = set(range(BYTES)), {}

        def place(number, byte):
            placed[number] = byte
            free.remove(byte)

        for number, colour in enumerate(colours):
            same = [byte for byte in free if self.of.get(byte) == colour]
            if same:
                place(number, min(same))
        for number, colour in enumerate(colours):
            near = sorted((distance(self.of[byte], colour), byte) for byte in free if byte in self.of)
            if number not in placed and near and near[0][0] <= NEAR:
                place(number, near[0][1])
        for number in range(BYTES):
            if number not in placed:
                place(number, number if number in free else min((byte in self.of, byte) for byte in free)[1])
        return placed


def distance(one, other):
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
