"""The words that the library ships.

FORMAT.md: "Shipped dictionary".
"""

from functools import cache
from pathlib import Path

KNOWLEDGE = Path(__file__).parents[2] / "rust/codec/src/knowledge"
PACKED = KNOWLEDGE / "english.words"
SYMBOLS, OTHER, MAX_BITS = 28, 27, 15


def unpack(packed):
    """The words with codes of one, two and three bytes."""
    counts = [int.from_bytes(packed[at : at + 4], "little") for at in (0, 4, 8)]
    halves = packed[12 : 12 + SYMBOLS**3 // 2]
    lengths = [half for byte in halves for half in (byte & 15, byte >> 4)]
    tables = [_codes(lengths[at : at + SYMBOLS]) for at in range(0, SYMBOLS**3, SYMBOLS)]
    bits = iter("".join(f"{byte:08b}" for byte in packed[12 + len(halves) :]))
    return [[_word(tables, bits) for _ in range(count)] for count in counts]


def _codes(lengths):
    codes, code = {}, 0
    for length in range(1, MAX_BITS + 1):
        for symbol in range(SYMBOLS):
            if lengths[symbol] == length:
                codes[f"{code:0{length}b}"] = symbol
                code += 1
        code <<= 1
    return codes


def _word(tables, bits):
    word, before, last = b"", 0, 0
    while True:
        code = next(bits)
        while code not in tables[before * SYMBOLS + last]:
            code += next(bits)
        before, last = last, tables[before * SYMBOLS + last][code]
        if last == 0:
            return word
        byte = int("".join(next(bits) for _ in range(8)), 2) if last == OTHER else 0x60 + last
        word += bytes([byte])


@cache
def english():
    return unpack(PACKED.read_bytes())
