"""Contents whose compressed streams are expanded: the library and its plain-Python twin, and round trips."""

from __future__ import annotations

import functools
import gzip
import io
import itertools
import random
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import foretold
from foretold import _core

TESTS = Path(__file__).parent
if str(TESTS) not in sys.path:
    sys.path.append(str(TESTS))

import oracle  # noqa: E402
from oracle import container, deflate, engine, expanded, lzw, palettes, setup  # noqa: E402
from oracle.crc32c import crc32c  # noqa: E402
from oracle.packing import Packer, Unpacker  # noqa: E402
from oracle.predictor import BINARY, TEXT, Predictor  # noqa: E402
from oracle.range_coder import Encoder  # noqa: E402

MAKE_TEXT = Callable[..., bytes]
plain = functools.partial(foretold.compress, knowledge="none")


class Chunk:
    def __init__(self, reader: container.Reader, checks: bool) -> None:
        self.method, self.content_bytes, payload_bytes = (reader.number(size) for size in (1, 3, 3))
        if checks:
            reader.take(4)
        self.payload = reader.take(payload_bytes)


def blocks_of(archive: bytes) -> list[list[Chunk]]:
    """The chunks of each block of a full member; none of a compact one."""
    reader = container.Reader(archive)
    magic, tag = reader.take(2), reader.number(1)
    if tag & container.COMPACT:
        return []
    assert magic == container.MAGIC
    flags = reader.fields("BBBIQ")[0]
    assert not flags & 4
    reader.take((8 if flags & 1 else 0) + (32 if flags & 2 else 0) + 4)
    blocks = []
    while reader.comes(container.BLOCK):
        reader.take(4 + 18 + 4)
        chunks = []
        while reader.archive[reader.at] < 32:
            chunks.append(Chunk(reader, bool(tag & container.CHECKS)))
        blocks.append(chunks)
    return blocks


def methods_of(archive: bytes) -> list[int]:
    return [chunk.method for block in blocks_of(archive) for chunk in block]


def is_expanded(archive: bytes) -> bool:
    return any(has_streams(method) for method in methods_of(archive))


def has_streams(method: int) -> bool:
    return bool(method & engine.EXPANDED_BIT) and method != engine.FORGOTTEN_METHOD


class Pixels:
    """A plain decoder of a GIF picture's data: its pixels, and how long it is."""

    def __init__(self, data: bytes) -> None:
        clear, at, codes = 1 << data[0], 1, b""
        while data[at]:
            codes += data[at + 1 : at + 1 + data[at]]
            at += 1 + data[at]
        self.length = at + 1
        value, place, width = int.from_bytes(codes, "little"), 0, data[0] + 1
        pixels, table, last = bytearray(), [], b""
        while True:
            code = value >> place & (1 << width) - 1
            place += width
            if code == clear + 1:
                break
            if code == clear:
                table = [bytes([pixel]) for pixel in range(clear)] + [b"", b""]
                width, last = data[0] + 1, b""
                continue
            string = table[code] if code < len(table) else last + last[:1]
            if last and len(table) < 4096:
                table.append(last + string[:1])
            pixels += string
            last = string
            if len(table) == 1 << width and width < 12:
                width += 1
        self.pixels = bytes(pixels)


def inverse(numbers: Sequence[int]) -> bytes:
    return bytes(byte for _, byte in sorted((number, byte) for byte, number in enumerate(numbers)))


def assert_recipes_write(archive: bytes, content: bytes) -> int:
    """The oracle reads the recipes and writes the content again, given what streams hold.

    It is the quick half of what decoding does: the model is not asked. Returns how many streams there were.
    """
    at = streams = 0
    for block in blocks_of(archive):
        stream, inflate = None, None
        seen, known = palettes.Colours(), palettes.Colours()
        for chunk in block:
            of_chunk = content[at : at + chunk.content_bytes]
            at += chunk.content_bytes
            if not has_streams(chunk.method):
                stream = None
                seen, known = palettes.Colours(), palettes.Colours()
                continue
            recipe = expanded.Recipe(Unpacker(chunk.payload), stream is not None)
            streams += len(recipe.parts)
            whole, place = b"", 0
            for before, text_bytes, part in recipe.parts:
                whole += of_chunk[place : place + before]
                place += before
                if isinstance(part, lzw.Picture):
                    picture = Pixels(of_chunk[place:])
                    assert len(picture.pixels) == text_bytes
                    numbers = seen.numbers(part.palette, of_chunk[:place])
                    whole += picture.pixels.translate(inverse(numbers))
                    place += picture.length
                    continue
                if part.settings is not None:
                    inflate = zlib.decompressobj(-15)
                assert inflate is not None
                text, rest = b"", of_chunk[place:]
                # A limit of 0 is none.
                while len(text) < text_bytes:
                    more = inflate.decompress(rest, text_bytes - len(text))
                    rest = inflate.unconsumed_tail
                    text += more
                if part.ends():
                    assert inflate.decompress(rest, 1) == b""
                    assert inflate.eof
                    place = len(of_chunk) - len(inflate.unused_data) + (0, 4, 8)[part.trailer]
                whole += text
            whole += of_chunk[place:] if recipe.after else b""
            written, stream = recipe.write(whole, stream, known)
            assert written == of_chunk
    return streams


def assert_both_decode(content: bytes, archive: bytes) -> None:
    assert foretold.decompress(archive) == content
    assert oracle.decompress(archive) == content


# What is in the streams: small, since the oracle decodes some 2 KB a second.
def prose(length: int = 3600) -> bytes:
    words = b"what is well foretold needs few bits, and a stream that holds it needs none at all".split()
    source = random.Random(5)
    lines = (
        b" ".join(source.choices(words, k=9)) + b"; %d\n" % source.randrange(1000) for _ in range(length)
    )
    return b"".join(itertools.islice(lines, length // 40))[:length]


PROSE = prose()


def packed(
    text: bytes, level: int = 6, wbits: int = 15, memory: int = 8, strategy: int = 0, flush: int | None = None
) -> bytes:
    """A stream of zlib's, flushed twice if it says how."""
    packer = zlib.compressobj(level, zlib.DEFLATED, wbits, memory, strategy)
    if flush is None:
        return packer.compress(text) + packer.flush()
    third = len(text) // 3
    parts = [text[:third], text[third : 2 * third], text[2 * third :]]
    return b"".join(packer.compress(part) + packer.flush(flush) for part in parts) + packer.flush()


def zipped(*texts: bytes, level: int = 6) -> bytes:
    """A zip file with a member for each text."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for number, text in enumerate(texts):
            archive.writestr(zipfile.ZipInfo(f"member {number}.txt", (1980, 1, 1, 0, 0, 0)), text, 8, level)
    return file.getvalue()


def png(width: int = 60, height: int = 60) -> bytes:
    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\1" + bytes((x * y // 40 + x) % 7 for x in range(width)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = part(b"IHDR", header), part(b"IDAT", zlib.compress(rows, 9)), part(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


SETTINGS: dict[str, bytes] = {
    **{f"level {level}": packed(PROSE, level) for level in (1, 3, 4, 6, 8, 9)},
    **{f"memory {memory}": packed(PROSE, 7, memory=memory) for memory in (1, 4, 9)},
    **{f"window {wbits}": packed(PROSE, 5, wbits) for wbits in (9, 12)},
    "filtered": packed(PROSE, 6, strategy=zlib.Z_FILTERED),
    "filtered, level 4": packed(PROSE, 4, strategy=zlib.Z_FILTERED),
    "sync": packed(PROSE, flush=zlib.Z_SYNC_FLUSH),
    "partial": packed(PROSE, 8, flush=getattr(zlib, "Z_PARTIAL_FLUSH", 1)),
    "gzip": gzip.compress(PROSE, mtime=0),
    "gzip, level 1": gzip.compress(PROSE, 1, mtime=0),
    "zip": zipped(PROSE),
    "zip of two": zipped(PROSE[:2500], PROSE[1000:], level=3),
    "png": png(),
    "pdf": b"1 0 obj\n<< /Filter /FlateDecode >>\nstream\n" + packed(PROSE) + b"\nendstream\nendobj\n",
    "two of one text": packed(PROSE[:1800]) + packed(PROSE[:2200], 1),
}


@pytest.mark.parametrize("stream", SETTINGS.values(), ids=SETTINGS)
def test_both_write_streams_of_zlib_again(stream: bytes) -> None:
    content = b"what is before it " + stream + b" what is behind it"
    archive = plain(content, preset=1)
    assert is_expanded(archive)
    assert_recipes_write(archive, content)
    assert_both_decode(content, archive)


@pytest.mark.parametrize("strategy", [zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED])
@pytest.mark.parametrize("wbits", [15, 31])
def test_both_decode_streams_of_strategies_that_are_not_guessed(strategy: int, wbits: int) -> None:
    content = packed(PROSE, 6, wbits, strategy=strategy)
    archive = plain(content, preset=1)
    assert_recipes_write(archive, content)
    assert_both_decode(content, archive)


@pytest.mark.parametrize("preset", [3, 8])
def test_both_write_streams_again_with_other_presets(preset: int) -> None:
    content = packed(PROSE[:150] * 15) + b"\0" * 9
    archive = plain(content, preset=preset)
    assert is_expanded(archive)
    assert_both_decode(content, archive)


def test_both_write_a_stream_again_that_starts_from_a_prior() -> None:
    # Without the n-grams of the shipped prior, which take the oracle minutes.
    small = _core.make_ngram_prior(
        "small", [b"Nobody knows what the weather will be like. "], True, 2, 1, 0.5
    )
    text = b"".join(b"Nobody knows what the weather will be like on day %d. " % day for day in range(70))
    content = gzip.compress(text, mtime=0) + b"What is behind it"
    for preset in (1, 5):
        archive = foretold.compress(content, preset, prior=small)
        assert is_expanded(archive)
        assert foretold.decompress(archive, prior=small) == content
        assert oracle.decompress(archive, [oracle.Prior(small)]) == content


class Lzw:
    """A GIF's data, with a choice of where tables begin again and which strings are cut short."""

    def __init__(self, bits: int, clear_at: Callable[[int], bool], cut: Callable[[int], int]) -> None:
        self.bits, self.clear_at, self.cut = bits, clear_at, cut
        self.value = self.places = 0
        # The strings that were cut short.
        self.shortened: list[int] = []

    def put(self, code: int, width: int) -> None:
        self.value |= code << self.places
        self.places += width

    def data(self, pixels: bytes, piece: int) -> bytes:
        clear, at, strings = 1 << self.bits, 0, 0
        # By the code of what is before the last pixel, and that pixel.
        codes: dict[tuple[int, int], int] = {}
        empty = True
        entries = width = since = 0
        self.put(clear, self.bits + 1)
        while at < len(pixels):
            if empty:
                codes, empty = {}, False
                entries, width, since = clear + 2, self.bits + 1, 0
            found = [pixels[at]]
            while at + len(found) < len(pixels) and (found[-1], pixels[at + len(found)]) in codes:
                found.append(codes[found[-1], pixels[at + len(found)]])
            length = max(1, len(found) - self.cut(strings))
            if length < len(found):
                self.shortened.append(strings)
            code = found[length - 1]
            self.put(code, width)
            strings, since, at = strings + 1, since + 1, at + length
            if entries < 4096 and at < len(pixels):
                codes[code, pixels[at]] = entries
                entries += 1
            if clear + 1 + since == 1 << width and width < 12:
                width += 1
            if self.clear_at(since):
                self.put(clear, width)
                width, empty = self.bits + 1, True
        self.put(clear + 1, width)
        written = self.value.to_bytes(-(-self.places // 8), "little")
        pieces = (written[start : start + piece] for start in range(0, len(written), piece))
        return bytes([self.bits]) + b"".join(bytes([len(each)]) + each for each in pieces) + b"\0"


def gif(
    width: int,
    pixels: bytes,
    bits: int,
    clear_at: Callable[[int], bool] = lambda since: False,
    cut: Callable[[int], int] = lambda string: 0,
    piece: int = 255,
    colours: bytes | None = None,
) -> bytes:
    size = struct.pack("<HH", width, len(pixels) // width)
    colours = bytes(3 << bits) if colours is None else colours
    data = Lzw(bits, clear_at, cut).data(pixels, piece)
    assert Pixels(data).pixels == pixels
    return (
        b"GIF89a"
        + size
        + bytes([0xF0 | bits - 1, 0, 0])
        + colours
        + b",\0\0\0\0"
        + size
        + b"\0"
        + data
        + b";"
    )


def picture(width: int, height: int, colours: int, least: int = 0) -> bytes:
    return bytes(
        least + (x * x // 50 + y // 3 + x * y // 90) % colours for y in range(height) for x in range(width)
    )


SMALL, LETTERS = picture(66, 60, 9), picture(66, 60, 26, 97)
GIFS: dict[str, bytes] = {
    "binary": gif(66, SMALL, 4),
    "of letters": gif(66, LETTERS, 7),
    "of 256 colours": gif(66, SMALL, 8),
    "of four colours": gif(66, picture(66, 60, 4), 2),
    "short pieces": gif(66, SMALL, 4, piece=100),
    "short tables": gif(66, SMALL, 4, clear_at=lambda since: since == 300),
    "slips": gif(66, SMALL, 4, cut=lambda string: int(string % 50 == 7)),
    "long slips": gif(66, SMALL, 4, cut=lambda string: 3 * int(string % 70 > 67)),
    "both": gif(66, SMALL, 4, lambda since: since == 250, lambda string: int(string % 60 == 9)),
    "two": gif(66, SMALL, 4) + gif(30, SMALL[:1500], 5),
    "picture and stream": gif(66, SMALL, 4) + packed(PROSE[:2000]),
}


@pytest.mark.parametrize("content", GIFS.values(), ids=GIFS)
def test_both_write_pictures_again(content: bytes) -> None:
    archive = plain(content, preset=1)
    assert is_expanded(archive)
    assert assert_recipes_write(archive, content)
    assert_both_decode(content, archive)


def noisy(width: int, height: int, colours: int) -> bytes:
    """A picture with more strings than a table has, in rows that are alike."""
    source = random.Random(9)
    row = source.choices(range(colours), k=width)
    rows = b""
    for _ in range(height):
        row = [source.randrange(colours) if source.random() < 0.08 else pixel for pixel in row]
        rows += bytes(row)
    return rows


NOISE = noisy(66, 70, 50)


def palette_of(colours: Sequence[int], bits: int) -> bytes:
    """Of grey values; the rest is black."""
    return bytes(value for colour in colours for value in [colour] * 3).ljust(3 << bits, b"\0")


def series(bits: int, palettes_: Sequence[Sequence[int]], widths: Sequence[int]) -> bytes:
    """Pictures of grey values, each with the numbers of its own palette."""
    content = b""
    for at, (greys, width) in enumerate(zip(palettes_, widths, strict=True)):
        pixels = bytes(pixel % len(greys) for pixel in picture(width, -(-4200 // width), 16, at))
        content += gif(width, pixels, bits, colours=palette_of(greys, bits))
    return content


RAMP = range(0, 240, 16)
SERIES: dict[str, bytes] = {
    "the same colours": series(4, [RAMP, RAMP], [66, 66]),
    "moved by one": series(4, [RAMP, [7, *RAMP], [7, 9, *RAMP[1:]]], [66, 66, 66]),
    "the other way": series(4, [RAMP, RAMP[::-1]], [66, 66]),
    "nearly the same": series(4, [RAMP, [grey + 1 for grey in RAMP], [*RAMP, 1]], [66, 66, 66]),
    "more colours": series(5, [RAMP, range(0, 248, 8)], [66, 66]),
    "of another width": series(4, [RAMP, [7, *RAMP]], [66, 70]),
    "of other colours": series(4, [RAMP, range(3, 243, 16)], [66, 66]),
    "one colour": series(4, [[5], [5, 5, 5], [0]], [66, 66, 66]),
    "after a stream": gif(66, NOISE, 6, colours=palette_of(range(50), 6))
    + packed(PROSE[:900])
    + gif(66, NOISE, 6, colours=palette_of([77, *range(50)], 6))
    # What is as short as that is one chunk.
    + random.Random(4).randbytes(60_000),
}


@pytest.mark.parametrize("name", SERIES)
def test_both_keep_the_colours_of_a_series(name: str) -> None:
    archive = plain(SERIES[name], preset=1)
    assert methods_of(archive) == ([11, 9, 11, 2] if name == "after a stream" else [11])
    assert assert_recipes_write(archive, SERIES[name])
    assert foretold.decompress(archive) == SERIES[name]
    if name == "moved by one":
        assert_both_decode(SERIES[name], archive)


def test_a_series_goes_on_and_another_begins_afresh() -> None:
    found = {}
    for name in ("moved by one", "of another width", "of other colours"):
        (block,) = blocks_of(plain(SERIES[name], preset=1))
        recipes = [
            expanded.Recipe(Unpacker(chunk.payload), False) for chunk in block if has_streams(chunk.method)
        ]
        found[name] = [part.palette.afresh for recipe in recipes for _, _, part in recipe.parts]
    assert found == {
        "moved by one": [True, False, False],
        "of another width": [True, True],
        "of other colours": [True, True],
    }


def test_pictures_of_a_series_are_shorter_together() -> None:
    greys = [*range(0, 250, 5)]
    moved = [greys[at:] + greys[:at] for at in range(0, 50, 7)]
    content = b"".join(
        gif(66, bytes(greys_.index(5 * (pixel % 50)) for pixel in NOISE), 6, colours=palette_of(greys_, 6))
        for greys_ in moved
    )
    alike = gif(66, bytes(pixel % 50 for pixel in NOISE), 6, colours=palette_of(greys, 6)) * len(moved)
    # But for the palettes themselves.
    assert len(plain(content, 5)) < len(plain(alike, 5)) + 80 * len(moved)


@pytest.mark.parametrize("clears", [True, False])
@pytest.mark.parametrize("slips", [True, False])
@pytest.mark.parametrize("bits", [3, 8])
def test_recipes_of_pictures_with_full_tables_are_the_oracles(clears: bool, slips: bool, bits: int) -> None:
    pixels = noisy(300, 200, 8)
    full = 4095 - (1 << bits)
    content = gif(
        300, pixels, bits, lambda since: clears and since == full, lambda at: int(slips and at % 900 == 50)
    )
    archive = plain(content, preset=1)
    assert is_expanded(archive)
    assert assert_recipes_write(archive, content) == 1
    assert foretold.decompress(archive) == content


@pytest.mark.parametrize("level", range(1, 10))
def test_the_oracle_guesses_every_token_and_header_of_zlib(level: int, make_text: MAKE_TEXT) -> None:
    text = make_text(9000, seed=level) + bytes(900) + make_text(3000, seed=level)
    for memory, wbits, strategy in itertools.product((1, 4, 8, 9), (9, 12, 15), (0, zlib.Z_FILTERED)):
        settings = deflate.Settings(level, memory + 6, memory + 7, wbits, int(strategy > 0))
        tokens, count = deflate.Tokens(deflate.Guesser(settings, text, 0), ()), 0
        while tokens.guesser.at < len(text):
            tokens.next()
            count += 1
        blocks = [deflate.Block(0, deflate.OWN, deflate.FULL)] * (count // ((1 << settings.buffer) - 1))
        wanted = packed(text, level, -wbits, memory, strategy)
        # zlib writes the last block with fixed codes if that is shorter.
        for form in (deflate.OWN, deflate.FIXED):
            part = deflate.Part(settings, [*blocks, deflate.Block(1, form, deflate.REST)])
            if deflate.write_part(part, text, deflate.Stream(settings)) == wanted:
                break
        else:
            pytest.fail(f"memory {memory}, window {wbits}, strategy {strategy}")


def foreign(text: bytes, source: random.Random) -> bytes:
    """A stream that no zlib makes: tokens, blocks and headers at random."""
    stream = deflate.Stream(deflate.Settings(1, 15, 15, 15, 0))
    bits, at = stream.bits, 0
    while True:
        end = min(at + source.randrange(1, 900), len(text))
        last = int(end == len(text))
        form = source.randrange(3)
        bits.put(last, 1)
        bits.put(form, 2)
        guesser = deflate.Guesser(stream.settings, text, at)
        if form == deflate.STORED:
            deflate._write_stored(
                deflate.Block(last, form, count=end - at, filling=source.choice((0, 85))), guesser, bits
            )
            at = end
        else:
            tokens = []
            while at < end:
                token = deflate.LITERAL
                back = at - text.rfind(text[at : at + 3], 0, at + 2) if at + 3 <= len(text) else 0
                if 0 < back <= min(at, 32768) and source.random() < 0.9:
                    length = guesser.equal(at - back, at, min(258, len(text) - at))
                    token = source.randrange(3, length + 1) if source.random() < 0.2 else length, back
                tokens.append((at, token))
                at += token[0]
            header = None
            if source.random() < 0.5:
                # Codes for 4, 5, 8 and 9.
                order = [0, 0, 0, 0, 1, 0, 2, 0, 0, 3, 0, 3]
                lengths = [8] * 226 + [9] * 60, [5] * 28 + [4] * 2
                symbols = [(length, 0) for length in lengths[0] + lengths[1]]
                header = deflate.Header(286, 30, order, symbols)
            deflate._write_tokens(deflate.Block(last, form, header=header), tokens, guesser, bits)
        if at == len(text):
            if not last:
                bits.put(3, 10)
            bits.fill(source.choice((0, 0xFF)))
            return bits.take()


@pytest.mark.parametrize("seed", range(20))
def test_recipes_of_streams_that_zlib_does_not_make_are_the_oracles(seed: int, make_text: MAKE_TEXT) -> None:
    source = random.Random(seed)
    text = make_text(source.randrange(5000, 40_000), seed=seed)
    raw = foreign(text, source)
    assert zlib.decompress(raw, -15) == text
    trailers = zlib.adler32(text).to_bytes(4, "big"), b"no trailer"
    content = b"x\x9c" + raw + source.choice(trailers)
    archive = plain(content, preset=1)
    assert_recipes_write(archive, content)
    assert foretold.decompress(archive) == content


def test_compact_members_refuse_the_methods_of_full_ones() -> None:
    whole = bytearray(plain(PROSE[:500], preset=1, checksum=False))
    assert whole[2] & container.COMPACT
    for method in range(8, 16):
        whole[3] = 1 | method << 4
        with pytest.raises(oracle.FormatError):
            oracle.decompress(whole)
        with pytest.raises((foretold.FormatError, foretold.CorruptError)):
            foretold.decompress(bytes(whole))


# Recipes made by hand.


def write_recipe(packer: Packer, parts: list[tuple[int, int, Any]], after: int) -> None:
    """Parts are what is before, the text's length, and the part; one without settings goes on."""
    for number, (before, text, part) in enumerate(parts):
        packer.bit(1, "more parts")
        packer.number(before, "before")
        packer.number(text, "text")
        packer.bit(isinstance(part, lzw.Picture), "is picture")
        if isinstance(part, lzw.Picture):
            write_picture(packer, part)
        else:
            if number == 0:
                packer.bit(part.settings is None, "goes on")
            write_deflate(packer, part)
    packer.bit(0, "more parts")
    packer.number(after, "after")


def write_picture(packer: Packer, part: lzw.Picture) -> None:
    packer.number(part.width, "width")
    packer.number(part.palette.colours_log2, "colours")
    if part.palette.colours_log2:
        packer.number(part.palette.after, "palette")
        packer.bit(part.palette.afresh, "afresh")
    packer.number(part.bits - 2, "pixel")
    packer.number(part.piece - 1, "piece")
    for run in part.runs:
        packer.bit(1, "more runs")
        full = run == 4095 - (1 << part.bits)
        packer.bit(full, "full run")
        if not full:
            packer.number(run, "run")
    packer.bit(0, "more runs")
    for strings, by in part.shorter:
        packer.bit(1, "more shorter")
        packer.number(strings, "strings")
        packer.number(by, "shorter")
    packer.bit(0, "more shorter")


def write_deflate(packer: Packer, part: deflate.Part) -> None:
    if part.settings is not None:
        packer.number(part.settings.level - 1, "level")
        packer.number(part.settings.buffer - 7, "buffer")
        packer.number(part.settings.hash_bits - 8, "hash")
        packer.number(part.settings.window - 9, "window")
        packer.bit(part.settings.filtered, "filtered")
    for block in part.blocks:
        packer.bit(1, "more blocks")
        packer.bit(block.is_last, "is last")
        packer.number(block.form, "form")
        if block.form == deflate.STORED:
            packer.number(block.count, "count")
            packer.number(block.filling, "form")
            continue
        packer.number(block.length, "length")
        if block.length == deflate.COUNT:
            packer.number(block.count, "count")
        if block.form == deflate.OWN:
            packer.bit(block.header is not None, "header")
            if block.header is not None:
                write_header(packer, block.header)
    packer.bit(0, "more blocks")
    for after, (length, distance) in part.corrections:
        packer.bit(1, "more corrections")
        packer.number(after, "after correction")
        packer.bit(distance > 0, "is match")
        if distance:
            packer.number(length - 3, "len")
            packer.number(distance - 1, "distance")
    packer.bit(0, "more corrections")
    if part.ends():
        packer.number(part.filling, "trailer")
        packer.number(part.trailer, "trailer")


def write_header(packer: Packer, header: deflate.Header) -> None:
    packer.plain(header.literals - 257, 5)
    packer.plain(header.distances - 1, 5)
    packer.plain(len(header.order) - 4, 4)
    for length in header.order:
        packer.plain(length, 3)
    for symbol, extra in header.symbols:
        packer.number(symbol, "symbol")
        if symbol in deflate.REPEAT_BITS:
            packer.plain(extra, deflate.REPEAT_BITS[symbol])


class Maker:
    """Makes a member of one block, without checks, of chunks that are said exactly."""

    def __init__(self, size_class: int = 12, preset: int = 1) -> None:
        self.preset, self.size_class = preset, size_class
        self.predictor = Predictor(preset, size_class)
        self.chunks = b""
        self.content = b""

    def add(self, method: int, content: bytes, payload: bytes) -> Maker:
        lengths = len(content).to_bytes(3, "little") + len(payload).to_bytes(3, "little")
        self.chunks += bytes([method]) + lengths + payload
        self.content += content
        return self

    def stored_and_forgotten(self, content: bytes) -> Maker:
        self.predictor = Predictor(self.preset, self.size_class)
        return self.add(8, content, content)

    def modelled(
        self,
        method: int,
        content: bytes,
        coded: bytes,
        packer: Packer | None = None,
        pictures: dict[int, Any] | None = None,
    ) -> Maker:
        encoder = Encoder() if packer is None else packer.encoder
        self.predictor.parsed.records.turn_to_picture(None)
        self.predictor.begin(BINARY if method & 2 else TEXT)
        self.predictor.begin_transform(False)
        known = palettes.Colours()
        for at, byte in enumerate(coded):
            if method & 2 and pictures and at in pictures:
                expanded.turn(self.predictor.parsed.records, pictures[at], coded[:at], known)
            for place in range(7, -1, -1):
                encoder.encode(byte >> place & 1, self.predictor.predict())
                self.predictor.update(byte >> place & 1)
        return self.add(method, content, encoder.finish())

    def expanded(
        self,
        content: bytes,
        coded: bytes,
        parts: list[tuple[int, int, Any]],
        after: int = 0,
        method: int = 9,
    ) -> Maker:
        packer = Packer()
        write_recipe(packer, parts, after)
        pictures = expanded.pictures_of(parts)
        return self.modelled(method, content, coded, packer, pictures)

    def member(self) -> bytes:
        memory = setup.SETUPS[self.preset].memory_bytes(self.size_class) // 1024 + 1
        header = container.MAGIC + struct.pack(
            "<BBBBIQQ", 0, 1, self.preset, self.size_class, memory, 0, len(self.content)
        )
        block = container.BLOCK + struct.pack("<BBBQI4s", 0, self.preset, self.size_class, 0, 0, bytes(4))
        frames = (
            b"".join(frame + crc32c(frame).to_bytes(4, "little") for frame in (header, block)) + self.chunks
        )
        trailer = container.TRAILER + struct.pack(
            "<BQQIB", 0, len(self.content), len(frames) + 3 + 22 + 4, 1, 0
        )
        return frames + trailer + crc32c(trailer).to_bytes(4, "little")


ZLIB = deflate.Settings(6, 14, 15, 15, 0)
# Costs little, and makes a content longer than its payload.
DOTS = b"." * 200
SENTENCE = b"to be or not to be, that is the question whether to be"


def part(*blocks: deflate.Block, corrections: Any = (), goes_on: bool = False, **ending: int) -> deflate.Part:
    return deflate.Part(None if goes_on else ZLIB, list(blocks), list(corrections), **ending)


def last(form: int = deflate.FIXED, length: int = deflate.REST, **more: Any) -> deflate.Block:
    return deflate.Block(1, form, length, **more)


def first(form: int = deflate.FIXED, length: int = deflate.REST, **more: Any) -> deflate.Block:
    return deflate.Block(0, form, length, **more)


def fixed(text: bytes = SENTENCE) -> bytes:
    return packed(text, 6, -15, strategy=zlib.Z_FIXED)


def bodies() -> Iterator[tuple[str, bytes, bytes, deflate.Part]]:
    """What a stream is in the content, its text, and the part that writes it."""
    text = SENTENCE
    yield "fixed", fixed(), text, part(last())
    yield "own", packed(PROSE[:400], 6, -15), PROSE[:400], part(last(deflate.OWN))
    stored = b"\x01" + struct.pack("<HH", len(text), len(text) ^ 0xFFFF) + text
    yield "stored", stored, text, part(last(deflate.STORED, count=len(text)))
    filled = bytes([0b10101001]) + stored[1:]
    yield "filled", filled, text, part(last(deflate.STORED, count=len(text), filling=0xF5))
    adler = zlib.adler32(text).to_bytes(4, "big")
    yield "Adler-32", fixed() + adler, text, part(last(), trailer=deflate.ADLER)
    crc = struct.pack("<II", zlib.crc32(text), len(text))
    yield "CRC-32", stored + crc, text, part(last(deflate.STORED, count=len(text)), trailer=deflate.CRC)
    yield "empty", b"\x03\0", b"", part(last())
    yield "empty own", packed(b"", 6, -15), b"", part(last())
    empty = b"\x01\0\0\xff\xff"
    yield "empty stored", empty, b"", part(last(deflate.STORED))


BODIES = {name: rest for name, *rest in bodies()}


@pytest.mark.parametrize(("stream", "text", "how"), BODIES.values(), ids=BODIES)
def test_both_decode_recipes_made_by_hand(stream: bytes, text: bytes, how: deflate.Part) -> None:
    once = (len(DOTS), len(text), how)
    chunks = Maker().expanded(DOTS + stream + b"!", DOTS + text + b"!", [once], 1)
    # Of two the second cannot go on.
    chunks.expanded(DOTS + 2 * stream, DOTS + 2 * text, [once, (0, len(text), how)])
    chunks.expanded(DOTS, DOTS, [], len(DOTS)).expanded(DOTS + stream, DOTS + text, [once])
    assert_both_decode(chunks.content, chunks.member())


def halves(cut: int = 30) -> tuple[bytes, bytes, bytes, bytes]:
    """A stream of two blocks in two chunks of content, the second with the byte both share; their texts."""
    stream = deflate.Stream(ZLIB)
    one, two = SENTENCE[:cut], SENTENCE[cut:] * 8
    written = deflate.write_part(part(first()), one, stream)
    assert stream.bits.count
    return written, deflate.write_part(part(last(), goes_on=True, filling=0xFF), two, stream), one, two


def test_both_decode_a_stream_that_goes_on() -> None:
    one, two, text_one, text_two = halves()
    assert zlib.decompress(one + two, -15) == text_one + text_two
    opened = len(DOTS), len(text_one), part(first())
    closed = 0, len(text_two), part(last(), goes_on=True, filling=0xFF)
    begun = Maker().expanded(DOTS + one, DOTS + text_one, [opened])
    begun.expanded(two + DOTS, text_two + DOTS, [closed], len(DOTS))
    assert_both_decode(begun.content, begun.member())


CLOSING: dict[str, Callable[[Maker], Maker]] = {
    "forgotten": lambda maker: maker.stored_and_forgotten(DOTS),
    "modelled": lambda maker: maker.modelled(1, DOTS, DOTS),
    "recipe without parts": lambda maker: maker.expanded(DOTS, DOTS, [], len(DOTS)),
    "another stream": lambda maker: maker.expanded(
        fixed() + DOTS, SENTENCE + DOTS, [(0, len(SENTENCE), part(last()))], len(DOTS)
    ),
    "open": lambda maker: maker,
}


@pytest.mark.parametrize("name", CLOSING)
def test_a_chunk_that_does_not_go_on_closes_a_stream(name: str) -> None:
    one, two, text_one, text_two = halves()
    maker = Maker().expanded(DOTS + one, DOTS + text_one, [(len(DOTS), len(text_one), part(first()))])
    maker = CLOSING[name](maker)
    assert_both_decode(maker.content, maker.member())
    closed = 0, len(text_two), part(last(), goes_on=True, filling=0xFF)
    maker.expanded(two + DOTS, text_two + DOTS, [closed], len(DOTS))
    if name == "open":
        assert_both_decode(maker.content, maker.member())
    else:
        assert verdicts(maker.member()) == (None, None)


def test_a_forgotten_chunk_leaves_the_model_as_at_the_blocks_start() -> None:
    maker = Maker().modelled(1, PROSE[:300], PROSE[:300]).stored_and_forgotten(bytes(range(256)))
    maker.modelled(1, PROSE[:300], PROSE[:300]).modelled(3, bytes(90), bytes(90)).modelled(1, DOTS, DOTS)
    assert_both_decode(maker.content, maker.member())


def test_the_text_of_a_stream_that_goes_on_is_kept() -> None:
    """As much as the window, in which places count from its start."""
    text = PROSE[:1200]
    settings = deflate.Settings(6, 14, 15, 9, 0)
    for cut in (1, 400, 511, 512, 513, 700):
        stream = deflate.Stream(settings)
        how = deflate.Part(settings, [first()])
        more = part(last(deflate.OWN), goes_on=True)
        one, two = text[:cut], text[cut:]
        written = deflate.write_part(how, one, stream)
        maker = Maker().expanded(DOTS + written, DOTS + one, [(len(DOTS), cut, how)])
        maker.expanded(deflate.write_part(more, two, stream), two, [(0, len(two), more)])
        assert zlib.decompress(maker.content[len(DOTS) :], -15) == text
        assert foretold.decompress(maker.member()) == maker.content
    assert oracle.decompress(maker.member()) == maker.content


def verdicts(archive: bytes) -> tuple[bytes | None, bytes | None]:
    """What the oracle and the library decode; nothing if they refuse."""
    try:
        first = oracle.decompress(archive)
    except oracle.FormatError:
        first = None
    try:
        second = foretold.decompress(archive)
    except (foretold.FormatError, foretold.CorruptError):
        second = None
    return first, second


def header_of(lengths: list[int], literals: int = 286, order: list[int] | None = None) -> deflate.Header:
    """Says these lengths one by one; by default with 16 codes of four bits."""
    order = [0, 0, 0] + [4] * 16 if order is None else order
    return deflate.Header(literals, len(lengths) - literals, order, [(length, 0) for length in lengths])


EVEN = [8] * 226 + [9] * 60
FAR = [5] * 28 + [4] * 2
CUT = len(SENTENCE) - 18
# To be written by both alike, or refused.
ODD: dict[str, deflate.Part] = {
    "a correction": part(last(), corrections=[(0, deflate.LITERAL), (2, deflate.LITERAL)]),
    "corrections as guessed": part(last(), corrections=[(0, deflate.LITERAL)] * CUT),
    "matches shorter than guessed": part(last(), corrections=[(14, (3, 13))]),
    "full": part(last(length=deflate.FULL)),
    "count": part(last(length=deflate.COUNT, count=9)),
    "two blocks": part(first(length=deflate.COUNT, count=9), last(deflate.OWN)),
    "rest twice": part(first(), last(deflate.OWN)),
    "no text in a stored block": part(first(deflate.STORED), last()),
    "stored between": part(
        first(length=deflate.COUNT, count=7), first(deflate.STORED, count=9, filling=0xAA), last()
    ),
    "even codes": part(last(deflate.OWN, header=header_of(EVEN + FAR))),
    "288 lengths of literals": part(last(deflate.OWN, header=header_of([*EVEN, 0, 0, *FAR], 288))),
    "287 lengths of literals": part(last(deflate.OWN, header=header_of([*EVEN, 0, *FAR], 287))),
    "32 lengths of distances": part(last(deflate.OWN, header=header_of(EVEN + FAR + [0, 0]))),
    "codes of more distances": part(last(deflate.OWN, header=header_of(EVEN + [5] * 32))),
    "codes for symbols 286 and 287": part(
        last(deflate.OWN, header=header_of([8] * 224 + [9] * 64 + FAR, 288))
    ),
    "too many codes": part(last(deflate.OWN, header=header_of([8] * 286 + FAR))),
    "too few codes": part(last(deflate.OWN, header=header_of([9] * 286 + FAR))),
    "too many codes of distances": part(last(deflate.OWN, header=header_of(EVEN + [3] * 30))),
    "too few codes of distances": part(last(deflate.OWN, header=header_of(EVEN + [7] * 30))),
    "too many codes of symbols": part(last(deflate.OWN, header=header_of(EVEN + FAR, order=[3] * 19))),
    "too few codes of symbols": part(last(deflate.OWN, header=header_of(EVEN + FAR, order=[6] * 19))),
    "a symbol without a code": part(
        last(deflate.OWN, header=header_of(EVEN + FAR, order=[0, 0, 0, 0, 1, 0, 2, 0, 0, 3]))
    ),
    "no code for a byte": part(last(deflate.OWN, header=header_of([0] * 226 + [9] * 60 + FAR))),
    "no code for an end": part(
        last(deflate.OWN, header=header_of([8] * 226 + [9] * 30 + [0] + [9] * 29 + FAR))
    ),
    "no code for a distance": part(last(deflate.OWN, header=header_of(EVEN + [0] * 30))),
    "runs over both kinds": part(
        last(
            deflate.OWN,
            header=deflate.Header(
                286, 30, [5] * 19, [*((n, 0) for n in EVEN[:-3]), (16, 3), *((5, 0) for _ in range(27))]
            ),
        )
    ),
    "nothing to repeat": part(
        last(
            deflate.OWN,
            header=deflate.Header(
                286, 30, [5] * 19, [(16, 0), *((n, 0) for n in [0] * 223 + EVEN[-60:] + FAR)]
            ),
        )
    ),
    "a run past the end": part(
        last(
            deflate.OWN,
            header=deflate.Header(286, 30, [5] * 19, [*((n, 0) for n in EVEN + FAR[:-2]), (16, 0)]),
        )
    ),
    "a stored block that is long": part(last(deflate.STORED, count=len(SENTENCE) + 1)),
    "a stored block that is short": part(last(deflate.STORED, count=len(SENTENCE) - 1)),
    "too many tokens": part(last(length=deflate.COUNT, count=len(SENTENCE) + 1)),
    "too few tokens": part(last(length=deflate.COUNT, count=3)),
    "a block behind the last": part(last(length=deflate.COUNT, count=9), last()),
    "a correction that is not used": part(last(), corrections=[(200, deflate.LITERAL)]),
    "a correction behind the last token": part(
        last(deflate.STORED, count=len(SENTENCE)), corrections=[(0, deflate.LITERAL)]
    ),
    "a match back beyond the text": part(last(), corrections=[(14, (3, 15))]),
    "a match of the whole": part(last(), corrections=[(14, (3, 14))]),
    "a match at the start": part(last(), corrections=[(0, (3, 1))]),
    "a match beyond the end": part(last(), corrections=[(14, (258, 13))]),
    "a match of other bytes": part(last(), corrections=[(14, (3, 4))]),
    "no blocks": part(),
    "open": part(first()),
    "trailer 3": part(last(), trailer=3),
    "filling": part(last(), filling=0x1FF, trailer=deflate.ADLER),
    "form 3": part(last(3)),
    "length 3": part(last(length=3)),
    "level 10": deflate.Part(deflate.Settings(10, 14, 15, 15, 0), [last()]),
    "buffer 16": deflate.Part(deflate.Settings(6, 16, 15, 15, 0), [last()]),
    "hash 17": deflate.Part(deflate.Settings(6, 14, 17, 15, 0), [last()]),
    "window 16": deflate.Part(deflate.Settings(6, 14, 15, 16, 0), [last()]),
    "least settings": deflate.Part(deflate.Settings(1, 7, 8, 9, 1), [last()]),
    "a length of 259": part(last(), corrections=[(14, (259, 13))]),
    "a distance of 32769": part(last(), corrections=[(14, (3, 32769))]),
}


def written(how: Any, text: bytes) -> bytes:
    """What the oracle writes, or would write if it did not refuse it, or anything."""

    def write() -> bytes:
        if isinstance(how, lzw.Picture):
            return lzw.write(how, text)
        recipe = expanded.Recipe(Unpacker(recipe_of([(0, len(text), how)], 0)), False)
        return recipe.write(text, None, palettes.Colours())[0]

    try:
        return write()
    except deflate.WriteError:
        if isinstance(how, lzw.Picture):
            return b"anything"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deflate, "require", lambda right, message: None)
        patch.setattr(expanded, "require", lambda right, message: None)
        try:
            return write()
        except (IndexError, KeyError):
            return fixed(text)


def recipe_of(parts: list[tuple[int, int, Any]], after: int) -> bytes:
    packer = Packer()
    write_recipe(packer, parts, after)
    return packer.encoder.finish()


@pytest.mark.parametrize("name", ODD)
def test_both_write_or_refuse_odd_parts(name: str) -> None:
    stream = written(ODD[name], SENTENCE)
    dots = DOTS * 3
    maker = Maker().expanded(dots + stream, dots + SENTENCE, [(len(dots), len(SENTENCE), ODD[name])])
    first, second = verdicts(maker.member())
    assert first == second
    assert first in (None, maker.content)


def test_both_refuse_recipes_whose_parts_do_not_fit_together() -> None:
    one, two, text_one, text_two = halves()
    opened, whole = part(first()), part(last())
    goes_on = part(last(), goes_on=True, filling=0xFF)
    here, text = len(DOTS), len(SENTENCE)
    empty = part(*[first(deflate.STORED)] * 30, last(deflate.STORED))
    begun = [(here, len(text_one), opened)]
    # Nothing is expanded.
    bad = [Maker().expanded(b"\0\0\0\xff\xff" * 30 + b"\1\0\0\xff\xff", b"", [(0, 0, empty)])]
    # No stream is open, or what goes on is not at the start or not first.
    bad.append(Maker().expanded(two + DOTS, text_two + DOTS, [(0, len(text_two), goes_on)], here))
    maker = Maker().expanded(DOTS + one, DOTS + text_one, begun)
    bad.append(maker.expanded(DOTS + two, DOTS + text_two, [(here, len(text_two), goes_on)]))
    # A stream is left open before something else.
    bad.append(Maker().expanded(DOTS + one + b"!", DOTS + text_one + b"!", begun, 1))
    both = [*begun, (0, text, whole)]
    bad.append(Maker().expanded(DOTS + one + fixed(), DOTS + text_one + SENTENCE, both))
    # Lengths.
    parts = [(here, text, whole)]
    bad.append(Maker().expanded(DOTS + fixed(), DOTS + SENTENCE, [(here, (1 << 20) + 1 - here, whole)]))
    bad.append(Maker().expanded(DOTS + fixed() + b"!", DOTS + SENTENCE, parts))
    bad.append(Maker().expanded(DOTS + fixed()[:-1], DOTS + SENTENCE, parts))
    for maker in bad:
        assert verdicts(maker.member()) == (None, None)


@pytest.mark.parametrize(
    "method", [10, 12, 14, 15, 16, *range(18, 21), *range(22, 25), *range(26, 29), 30, 31, 32]
)
def test_both_refuse_unknown_methods(method: int) -> None:
    maker = Maker().expanded(DOTS + fixed(), DOTS + SENTENCE, [(len(DOTS), len(SENTENCE), part(last()))])
    assert maker.chunks[0] == 9
    maker.chunks = bytes([method]) + maker.chunks[1:]
    assert verdicts(maker.member()) == (None, None)


def test_both_refuse_a_forgotten_chunk_of_another_length() -> None:
    maker = Maker().add(8, DOTS, DOTS)
    assert verdicts(maker.member()) == (DOTS, DOTS)
    assert verdicts(Maker().add(8, DOTS, DOTS[:-1]).member()) == (None, None)
    assert verdicts(Maker().add(8, DOTS, DOTS + b".").member()) == (None, None)


@pytest.mark.heavy
def test_both_take_so_many_items_and_no_more() -> None:
    """Of a part with a block and a header, and a picture whose table begins again and again."""
    how = ODD["even codes"]
    stream = written(how, SENTENCE)
    for more in (0, 1):
        repeated = lzw.Picture(3, 2, 255, [0] * (expanded.MOST_ITEMS - 35 + more))
        data = lzw.write(repeated, b"\1")
        parts = [(0, len(SENTENCE), how), (0, 1, repeated)]
        maker = Maker(18).expanded(stream + data, SENTENCE + b"\1", parts)
        content = None if more else maker.content
        assert verdicts(maker.member()) == (content, content)


@pytest.mark.parametrize(
    ("bits", "clears", "slips"), [(4, True, True), (4, False, True), (8, True, False), (8, False, True)]
)
def test_the_library_writes_pictures_with_full_tables(bits: int, clears: bool, slips: bool) -> None:
    pixels = bytes(
        random.Random(bits).choices(range(16 if bits == 4 else 40), k=12_000 if bits == 4 else 9000)
    )
    full = 4095 - (1 << bits)
    packer = Lzw(
        bits, lambda since: clears and since == full, lambda string: int(slips and string % 600 > 595)
    )
    data = packer.data(pixels, 255)
    made = [-1, *packer.shortened]
    assert not slips or len(made) > 9
    shorter = [(after - before - 1, 1) for before, after in itertools.pairwise(made)]
    how = lzw.Picture(100, bits, 255, [full] if clears else [], shorter)
    assert lzw.write(how, pixels) == data
    maker = Maker(14).expanded(data + b";", pixels + b";", [(0, len(pixels), how)], 1, method=11)
    assert foretold.decompress(maker.member()) == maker.content


PIXELS = bytes([0, 1, 0, 1, 2, 0, 1, 2, 3, 0, 1, 2, 3] * 5)
PICTURES: dict[str, lzw.Picture] = {
    "plain": lzw.Picture(13, 2, 255),
    "no width": lzw.Picture(0, 2, 255),
    "width 1": lzw.Picture(1, 2, 255),
    "widest": lzw.Picture((1 << 32) - 1, 2, 255),
    "short pieces": lzw.Picture(13, 3, 1),
    "runs": lzw.Picture(13, 2, 9, [5, 1, 0, 0, 7, 12]),
    "a run at the start": lzw.Picture(13, 2, 9, [0]),
    "a run at the end": lzw.Picture(13, 8, 9, [5, 20]),
    "a run too many": lzw.Picture(13, 2, 9, [5, 100]),
    "a full run": lzw.Picture(13, 2, 9, [4091]),
    "shorter": lzw.Picture(13, 2, 9, [], [(2, 1), (0, 1), (0, 0), (4, 2)]),
    "shorter by two": lzw.Picture(13, 2, 9, [], [(8, 2)]),
    "shorter by all": lzw.Picture(13, 2, 9, [], [(8, 3)]),
    "shorter by more": lzw.Picture(13, 2, 9, [], [(0, 1)]),
    "shorter by much": lzw.Picture(13, 2, 9, [], [(8, (1 << 32) - 1)]),
    "a pair that is not used": lzw.Picture(13, 2, 9, [], [(60, 1)]),
    "9 bits": lzw.Picture(13, 9, 9),
    "pieces of 256": lzw.Picture(13, 2, 256),
}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("pixels", [PIXELS, b"", b"\4"], ids=len)
def test_both_write_or_refuse_odd_pictures(name: str, pixels: bytes) -> None:
    data = written(PICTURES[name], pixels)
    maker = Maker()
    parts = [(len(DOTS), len(pixels), PICTURES[name])]
    maker.expanded(DOTS + data + DOTS, DOTS + pixels + DOTS, parts, len(DOTS), method=11)
    first, second = verdicts(maker.member())
    assert first == second
    assert first in (None, maker.content)


SPECKS = noisy(13, 12, 8)
GREYS = bytes(grey for number in range(4) for grey in [number * 9] * 3)
PALETTES: dict[str, list[palettes.Palette]] = {
    "at the start": [palettes.Palette(2, 0, True)],
    "behind bytes": [palettes.Palette(2, 5, True)],
    "without a word of it": [palettes.Palette(2, 3, False)],
    "two": [palettes.Palette(2, 0, True), palettes.Palette(2, 200, False)],
    "256 colours": [palettes.Palette(8, 0, False)] * 2,
    "of other bytes": [palettes.Palette(5, 1, False), palettes.Palette(4, 7, False), palettes.Palette(3, 2)],
    "all that is there": [palettes.Palette(2, 200 + len(GREYS) - 12, True)],
    "a byte too many": [palettes.Palette(2, 200 + len(GREYS) - 11, True)],
    "far too many": [palettes.Palette(8, (1 << 32) - 1, True)],
    "512 colours": [palettes.Palette(9, 0, True)],
}


@pytest.mark.parametrize(
    ("name", "preset"), [*((name, 1) for name in PALETTES), ("two", 8), ("of other bytes", 8)]
)
def test_both_take_or_refuse_odd_palettes(name: str, preset: int) -> None:
    dots = DOTS * (5 if name == "256 colours" else 1)
    content, coded, parts = b"", b"", []
    known = palettes.Colours()
    for at, palette in enumerate(PALETTES[name]):
        before = dots + bytes(3 * at + each for each in GREYS)
        content, coded = content + before, coded + before
        how = lzw.Picture(13, 8, 255, palette=palette)
        try:
            numbers = known.numbers(palette, content)
        except deflate.WriteError:
            numbers = list(range(256))
        content += lzw.write(how, SPECKS)
        coded += SPECKS.translate(inverse(numbers))
        parts.append((len(before), len(SPECKS), how))
    first, second = verdicts(
        Maker(preset=preset).expanded(content + DOTS, coded + DOTS, parts, len(DOTS), method=11).member()
    )
    assert first == second
    refused = name in ("a byte too many", "far too many", "512 colours")
    assert first == (None if refused else content + DOTS)


# Round trips of what is too long for the oracle's model.


@functools.cache
def long_contents() -> dict[str, bytes]:
    source = random.Random(11)
    text = prose(1_400_000)
    stream = gzip.compress(text[:120_000], mtime=0)
    flipped = bytearray(stream)
    for _ in range(3):
        flipped[source.randrange(20, len(flipped))] ^= 1 << source.randrange(8)
    junk = source.randbytes(5000)
    many = zipped(*(text[at : at + 9000 + at % 777] for at in range(0, 400_000, 16_000)), level=9)
    flushes = zlib.compressobj(5)
    pieces = [text[at : at + 4321] for at in range(0, 150_000, 4321)]
    modes = itertools.cycle((zlib.Z_NO_FLUSH, zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH))
    flushed = (
        b"".join(flushes.compress(piece) + flushes.flush(next(modes)) for piece in pieces) + flushes.flush()
    )
    return {
        "longer than a chunk": gzip.compress(text, 6, mtime=0),
        "longer than a chunk, with a tail": b"before" + packed(text, 1) + junk,
        "zip of many": many,
        "zip cut short": many[:-3000],
        "truncated": stream[: len(stream) // 2],
        "truncated at the start": stream[7:],
        "flipped": bytes(flipped),
        "junk behind": stream + junk,
        "junk between": junk.join(
            [stream, packed(text[:50_000], 9), packed(text[:70_000], 2, -15), stream[:999]]
        ),
        "streams in a stream": gzip.compress(many + stream, mtime=0),
        "flushed": flushed,
        "noise in streams": packed(source.randbytes(100_000)) + packed(source.randbytes(9000) * 9, 3),
        "zeros": packed(bytes(3_000_000), 9),
        "pngs": png(200, 200) * 3,
        "gifs": b"".join(gif(80, picture(80, 90, 1 << bits), bits) for bits in range(2, 9)),
        "animations": b"".join(
            series(6, [range(at, 180 + at, 3) for at in range(0, 40, step)], [66] * -(-40 // step))
            for step in (1, 3)
        ),
        "bombs": b"".join(packed(bytes(900_000), level) for level in (1, 6, 9)),
        "foreign": foreign(text[:200_000], source),
        "many small": b"".join(packed(text[at : at + 700]) for at in range(0, 200_000, 700)),
    }


LONG = tuple(long_contents())


@pytest.mark.parametrize("knowledge", ["none", "auto"])
@pytest.mark.parametrize("name", LONG)
def test_long_contents_come_back(name: str, knowledge: Any) -> None:
    content = long_contents()[name]
    archive = foretold.compress(content, 1, knowledge=knowledge)
    assert foretold.decompress(archive) == content
    assert len(archive) <= len(content) + 160 + len(content) // 10_000
    if knowledge == "none":
        assert_recipes_write(archive, content)


@pytest.mark.parametrize(
    "name", ["longer than a chunk", "zip of many", "flipped", "junk between", "gifs", "pngs"]
)
def test_long_contents_come_back_with_preset_5(name: str) -> None:
    content = long_contents()[name][:200_000]
    ways: tuple[Any, ...] = ("none", "auto")
    for knowledge in ways:
        archive = foretold.compress(content, 5, knowledge=knowledge)
        assert foretold.decompress(archive) == content


@pytest.mark.parametrize("name", LONG)
def test_small_blocks_pieces_and_threads_do_not_change_what_comes_back(name: str) -> None:
    content = long_contents()[name]
    archive = plain(content, 1, block_size=65536)
    assert foretold.decompress(archive) == content
    assert_recipes_write(archive, content)
    assert plain(content, 1, block_size=65536, threads=2) == archive
    assert foretold.decompress(archive, threads=2) == content


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("block_size", [None, 65536])
def test_pieces_of_odd_sizes_give_the_same_archive(name: str, block_size: int | None) -> None:
    content = long_contents()[name]
    whole = plain(content, 1, block_size=block_size)
    for sizes in ((70_001, 13, 1, 30_011), (1_050_000,), (len(content) - 1, 1)):
        compressor = foretold.Compressor(1, knowledge="none", block_size=block_size)
        archive, at = b"", 0
        for size in itertools.cycle(sizes):
            archive += compressor.compress(content[at : at + size])
            at += size
            if at >= len(content):
                break
        assert archive + compressor.flush() == whole
    decompressor = foretold.Decompressor()
    pieces = [whole[at : at + 997] for at in range(0, len(whole), 997)]
    assert b"".join(map(decompressor.decompress, pieces)) == content


@pytest.mark.parametrize("length", [1, 60, 100, 900, 70_000])
def test_streams_that_are_not_shorter_than_their_text_come_back(length: int) -> None:
    noise = random.Random(length).randbytes(length)
    for content in (
        zlib.compress(noise),
        gzip.compress(noise, mtime=0),
        zlib.compress(prose(length), 0),
        gzip.compress(gzip.compress(prose(length), mtime=0), mtime=0),
        zipped(noise, noise),
        zlib.compress(noise) * 20,
    ):
        archive = plain(content, 1)
        assert foretold.decompress(archive) == content
        assert len(archive) <= len(content) + 32 + len(content) // 10_000


@pytest.mark.parametrize("strategy", [zlib.Z_FIXED, zlib.Z_DEFAULT_STRATEGY])
@pytest.mark.parametrize("flush", [None, zlib.Z_SYNC_FLUSH])
def test_streams_with_blocks_of_every_form_are_expanded(strategy: int, flush: int | None) -> None:
    content = packed(prose(20_000), 6, strategy=strategy, flush=flush)
    archive = plain(content, 1)
    assert is_expanded(archive)
    assert assert_recipes_write(archive, content) == 1


@pytest.mark.parametrize(("width", "height"), [(64, 63), (64, 64), (300, 200)])
def test_pictures_of_every_size_are_expanded(width: int, height: int) -> None:
    content = gif(width, picture(width, height, 16), 4)
    archive = plain(content, 1)
    assert is_expanded(archive)
    assert assert_recipes_write(archive, content) == 1


def test_streams_go_on_from_chunk_to_chunk() -> None:
    methods = methods_of(plain(long_contents()["longer than a chunk"], 1))
    assert len(methods) > 1
    assert all(map(has_streams, methods))


@pytest.mark.parametrize("name", ["longer than a chunk", "zip of many", "gifs"])
def test_flushed_contents_come_back(name: str) -> None:
    content = long_contents()[name]
    compressor = foretold.Compressor(1, knowledge="none")
    archive = b""
    for at in range(0, len(content), 30_001):
        archive += compressor.compress(content[at : at + 30_001], compressor.FLUSH)
        assert foretold.Decompressor().decompress(archive) == content[: at + 30_001]
    archive += compressor.flush()
    assert foretold.decompress(archive) == content
    assert_recipes_write(archive, content)


def test_damage_to_an_expanded_chunk_is_noticed() -> None:
    content = packed(PROSE) + b"!"
    archive = plain(content, 1)
    bare = plain(content, 1, checksum=False)
    source = random.Random(2)
    for _ in range(400):
        for whole in (archive, bare):
            damaged = bytearray(whole)
            damaged[source.randrange(50, len(damaged))] ^= 1 << source.randrange(8)
            try:
                found = foretold.decompress(damaged, max_output=1 << 20)
            except foretold.ForetoldError:
                continue
            assert whole is bare or found == content


def test_a_model_that_saw_what_it_cannot_shorten_starts_afresh() -> None:
    # Four bytes of what came shortly before, again and again: deflate says so in 25 bits, a model has to
    # see two or three of them before it knows.
    source = random.Random(3)
    copies = bytearray(source.randbytes(8000))
    while len(copies) < 40_000:
        at = len(copies) - source.randrange(4, 8000)
        copies += copies[at : at + 4]
    text = b"some words that come again and again, and then some. " * 400
    streams = [gzip.compress(part, 9, mtime=0) for part in (text, copies, text)]
    content = b"".join(streams)
    archive = plain(content, preset=1)
    (chunks,) = blocks_of(archive)
    assert [chunk.method for chunk in chunks] == [13, 8, 13]
    assert chunks[1].payload in content
    assert len(chunks[2].payload) == len(chunks[0].payload)
    assert foretold.decompress(archive) == content
    assert oracle.decompress(archive) == content
    assert foretold.code_lengths(content, preset=1, knowledge="none").size == len(content)
