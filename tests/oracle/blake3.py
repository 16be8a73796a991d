"""BLAKE3 in its default mode: the digest of a member's content.

FORMAT.md: "Conventions".
Source: J. O'Connor, J.-P. Aumasson, S. Neves, Z. Wilcox-O'Hearn, BLAKE3 (2020).
"""

import struct

START = (
    0x6A09E667,
    0xBB67AE85,
    0x3C6EF372,
    0xA54FF53A,
    0x510E527F,
    0x9B05688C,
    0x1F83D9AB,
    0x5BE0CD19,
)
ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
# Which four words a quarter round mixes: the columns, then the diagonals.
QUARTERS = (
    (0, 4, 8, 12),
    (1, 5, 9, 13),
    (2, 6, 10, 14),
    (3, 7, 11, 15),
    (0, 5, 10, 15),
    (1, 6, 11, 12),
    (2, 7, 8, 13),
    (3, 4, 9, 14),
)
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8
CHUNK_BYTES, BLOCK_BYTES = 1024, 64
MASK = 0xFFFFFFFF


def _rotated(x, count):
    return (x >> count | x << (32 - count)) & MASK


def _compress(chaining, message, counter, length, flags):
    v = [*chaining, *START[:4], counter & MASK, counter >> 32, length, flags]
    for _ in range(7):
        for i, (a, b, c, d) in enumerate(QUARTERS):
            for word, first, second in ((message[2 * i], 16, 12), (message[2 * i + 1], 8, 7)):
                v[a] = (v[a] + v[b] + word) & MASK
                v[d] = _rotated(v[d] ^ v[a], first)
                v[c] = (v[c] + v[d]) & MASK
                v[b] = _rotated(v[b] ^ v[c], second)
        message = [message[i] for i in ORDER]
    return [v[i] ^ v[i + 8] for i in range(8)]


def _chunk(data, counter, root):
    blocks = [data[at : at + BLOCK_BYTES] for at in range(0, len(data), BLOCK_BYTES)] or [b""]
    chaining = START
    for i, block in enumerate(blocks):
        last = i == len(blocks) - 1
        flags = (CHUNK_START if i == 0 else 0) | (CHUNK_END | root if last else 0)
        message = struct.unpack("<16I", block.ljust(BLOCK_BYTES, b"\0"))
        chaining = _compress(chaining, message, counter, len(block), flags)
    return chaining


def _tree(data, counter, root):
    if len(data) <= CHUNK_BYTES:
        return _chunk(data, counter, root)
    # The left part is the largest power of two of chunks that leaves something to the right.
    left = CHUNK_BYTES << ((len(data) - 1) // CHUNK_BYTES).bit_length() - 1
    children = _tree(data[:left], counter, 0) + _tree(data[left:], counter + left // CHUNK_BYTES, 0)
    return _compress(START, children, 0, BLOCK_BYTES, PARENT | root)


def blake3(data):
    """
    >>> blake3(b"").hex()
    'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262'
    >>> blake3(b"hi")[:16].hex()
    '85052e9aab1b67b6622d94a08441b09f'
    """
    return struct.pack("<8I", *_tree(bytes(data), 0, ROOT))
