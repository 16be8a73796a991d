"""Pictures of GIF files, written again from their pixels.

FORMAT.md: "Expanded chunks".
"""

from dataclasses import dataclass, field

from .deflate import Bits, require
from .palettes import Palette

MOST_ENTRIES = 4096
MOST_BITS = 12


@dataclass
class Picture:
    width: int
    bits: int
    piece: int
    # Strings before the table begins again.
    runs: list = field(default_factory=list)
    # Strings before one that is shorter, and by how many pixels.
    shorter: list = field(default_factory=list)
    palette: Palette = field(default_factory=Palette)


class Table:
    """Strings by their codes: each is the code of all its pixels but the last, then that pixel.

    A string is found pixel by pixel. So where the same comes twice the newer takes the older's place, and
    those that go on from the older are found no more.
    """

    def __init__(self, bits):
        self.codes = {}
        self.entries = (1 << bits) + 2
        self.width = bits + 1
        self.strings = 0

    def longest(self, pixels, at):
        """The codes of the strings that begin there, the longest last."""
        code = pixels[at]
        found = [code]
        for pixel in memoryview(pixels)[at + 1 :]:
            code = self.codes.get((code, pixel))
            if code is None:
                break
            found.append(code)
        return found

    def add(self, code, pixel):
        if self.entries < MOST_ENTRIES:
            self.codes[code, pixel] = self.entries
            self.entries += 1


def write(picture, pixels):
    bits, clear = Bits(), 1 << picture.bits
    require(all(pixel < clear for pixel in pixels), "a pixel that has no code")
    runs, shorter = list(picture.runs), list(picture.shorter)
    table = Table(picture.bits)
    bits.put(clear, table.width)
    at = since = 0
    while True:
        while runs and runs[0] == table.strings:
            runs.pop(0)
            bits.put(clear, table.width)
            table = Table(picture.bits)
        if at == len(pixels):
            break
        codes = table.longest(pixels, at)
        length = len(codes)
        if shorter and shorter[0][0] == since:
            length -= shorter.pop(0)[1]
            require(length >= 1, "a string of no pixels")
            since = 0
        else:
            since += 1
        bits.put(codes[length - 1], table.width)
        if at + length < len(pixels):
            table.add(codes[length - 1], pixels[at + length])
        table.strings += 1
        if clear + 1 + table.strings == 1 << table.width and table.width < MOST_BITS:
            table.width += 1
        at += length
    bits.put(clear + 1, table.width)
    require(not runs and not shorter, "runs or pairs that were not used")
    bits.fill(0)
    codes, written = bits.take(), bytearray([picture.bits])
    for start in range(0, len(codes), picture.piece):
        piece = codes[start : start + picture.piece]
        written.append(len(piece))
        written += piece
    return bytes(written) + b"\0"
