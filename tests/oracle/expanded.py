"""Chunks whose compressed streams are expanded: the recipe, and what it writes.

FORMAT.md: "Expanded chunks".
"""

from . import deflate, lzw
from .deflate import require
from .palettes import Palette

MOST_BYTES = 1 << 20
MOST_ITEMS = 1 << 18
HEADER_ITEMS = 32
LAST_SYMBOL = 18


class Recipe:
    """How the streams of a chunk are written again; read from an unpacker."""

    def __init__(self, unpacker, stream_is_open):
        self.unpacker = unpacker
        self.items = 0
        # What is before each, its text's length, and the part itself.
        self.parts = []
        self.bytes = 0
        while self.flag("more parts"):
            self.part(stream_is_open and not self.parts)
        self.after = self.length("after")
        require(self.bytes > 0, "nothing is expanded")
        require(self.after == 0 or not self.leaves_open(), "bytes behind an open stream")

    def leaves_open(self):
        return bool(self.parts) and open_after(self.parts[-1][2])

    def flag(self, name):
        return self.unpacker.bit(name)

    def number(self, name, least=0, most=None):
        number = least + self.unpacker.number(name)
        require(most is None or number <= most, f"{name} is {number}")
        return number

    def length(self, name):
        """Of a piece of the expanded content."""
        length = self.number(name)
        self.bytes += length
        require(self.bytes <= MOST_BYTES, "too much is expanded")
        return length

    def item(self, count=1):
        self.items += count
        require(self.items <= MOST_ITEMS, "a recipe with too many items")

    def part(self, may_go_on):
        require(not self.leaves_open(), "a part behind an open stream")
        self.item()
        before, text = self.length("before"), self.length("text")
        may_go_on = may_go_on and before == 0
        part = self.picture() if self.flag("is picture") else self.deflate(may_go_on)
        self.parts.append((before, text, part))

    def picture(self):
        width, palette = self.number("width"), Palette(self.number("colours", 0, 8))
        if palette.colours_log2:
            palette.after, palette.afresh = self.number("palette"), self.flag("afresh")
        bits, piece = self.number("pixel", 2, 8), self.number("piece", 1, 255)
        picture = lzw.Picture(width, bits, piece, palette=palette)
        while self.flag("more runs"):
            self.item()
            full = 4095 - (1 << bits)
            picture.runs.append(full if self.flag("full run") else self.number("run"))
        while self.flag("more shorter"):
            self.item()
            picture.shorter.append((self.number("strings"), self.number("shorter")))
        return picture

    def deflate(self, may_go_on):
        settings = None
        goes_on = not self.parts and self.flag("goes on")
        require(may_go_on or not goes_on, "no stream is open to go on with")
        if not goes_on:
            level, buffer = self.number("level", 1, 9), self.number("buffer", 7, 15)
            hash_bits, window = self.number("hash", 8, 16), self.number("window", 9, 15)
            settings = deflate.Settings(level, buffer, hash_bits, window, self.flag("filtered"))
        part = deflate.Part(settings)
        while self.flag("more blocks"):
            require(not part.ends(), "a block behind the last")
            self.item()
            part.blocks.append(self.block())
        while self.flag("more corrections"):
            self.item()
            after, token = self.number("after correction"), deflate.LITERAL
            if self.flag("is match"):
                length = self.number("len", deflate.SHORTEST, deflate.LONGEST)
                token = length, self.number("distance", 1, 32768)
            part.corrections.append((after, token))
        if part.ends():
            part.filling = self.number("trailer") & 0xFF
            part.trailer = self.number("trailer", 0, deflate.CRC)
        return part

    def block(self):
        block = deflate.Block(self.flag("is last"), self.number("form", 0, deflate.OWN))
        if block.form == deflate.STORED:
            block.count = self.number("count")
            block.filling = self.number("form") & 0xFF
            return block
        block.length = self.number("length", 0, deflate.COUNT)
        if block.length == deflate.COUNT:
            block.count = self.number("count")
        if block.form == deflate.OWN and self.flag("header"):
            self.item(HEADER_ITEMS)
            block.header = self.header()
        return block

    def header(self):
        plain = self.unpacker.plain
        literals, distances, order = 257 + plain(5), 1 + plain(5), 4 + plain(4)
        require(order <= len(deflate.ORDER), "more lengths than symbols")
        header = deflate.Header(literals, distances, [plain(3) for _ in range(order)], [])
        count = 0
        while count < literals + distances:
            symbol = self.number("symbol", 0, LAST_SYMBOL)
            extra = 0
            if symbol in deflate.REPEAT_BITS:
                extra = plain(deflate.REPEAT_BITS[symbol])
                count += deflate.REPEAT_LEAST[symbol] + extra
            else:
                count += 1
            header.symbols.append((symbol, extra))
        return header

    def pictures(self):
        """Pictures by where they begin, and how many bytes stand before each; None where one ends."""
        return pictures_of(self.parts)

    def write(self, expanded, stream, colours):
        """The content, and the stream that is left open, if one is; `stream` was open before.

        `colours` become those after the last picture.
        """
        content, at = bytearray(), 0
        left = None
        for before, text_bytes, part in self.parts:
            content += expanded[at : at + before]
            at += before
            text = expanded[at : at + text_bytes]
            at += text_bytes
            if isinstance(part, lzw.Picture):
                numbers = colours.numbers(part.palette, content)
                content += lzw.write(part, bytes(numbers[byte] for byte in text))
                continue
            if part.settings is not None:
                stream = deflate.Stream(part.settings)
            content += deflate.write_part(part, text, stream)
            left = None if part.ends() else stream
        content += expanded[at:]
        return bytes(content), left


def pictures_of(parts):
    starts, at = {}, 0
    for before, text, part in parts:
        at += before
        if isinstance(part, lzw.Picture) and text:
            starts |= {at: (part, before), at + text: None}
        at += text
    return starts


def turn(records, picture, expanded, colours):
    """Tells the records that a picture begins behind these expanded bytes, or that one ends."""
    if picture is None:
        records.turn_to_picture(None)
        return
    part, before = picture
    records.turn_to_picture(part.width, colours.brightness(part.palette, expanded[len(expanded) - before :]))


def open_after(part):
    return isinstance(part, deflate.Part) and not part.ends()
