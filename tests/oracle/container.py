"""Archives: members, blocks and chunks.

FORMAT.md: "Archive", "Frames", "Model identity".
"""

import struct

from .blake3 import blake3
from .crc32c import crc32c
from .engine import FORGOTTEN_METHOD, ChunkCoder, PayloadError
from .fitted import FittedPrior
from .priors import ID_BYTES, SHIPPED, PriorError
from .setup import SETUPS

MAGIC = b"\xf7\xd1"
SHIPPED_MAGIC = b"\xf7\xd5"
PRIMED_MAGIC = b"\xf7\xd6"
# The first bytes of the shipped prior's digest.
SHIPPED_ID = SHIPPED.read_bytes()[-32:][:ID_BYTES]
NO_PRIOR = bytes(ID_BYTES)
BLOCK = b"\xf7\xd2\x66"
INDEX = b"\xf7\xd3\x6f"
TRAILER = b"\xf7\xd4\x72"
GENERATION = 0
WIDE, COMPACT, CHECKS = 0x20, 0x40, 0x80
CHUNK_BYTES = 1 << 20
# The last of those that compact members may have.
COMPACT_METHODS = 7
# Those whose lines are joined, and what they are in a chunk.
COMPACT_JOINED = {9: 17, 13: 21}
DIGEST_BYTES = 16


class FormatError(Exception):
    """The archive is not what FORMAT.md says, or of no preset."""


def require(right, message):
    if not right:
        raise FormatError(message)


def size_class(content_bytes):
    return min(max((max(content_bytes, 1) - 1).bit_length(), 10), 26)


def digest(content):
    return blake3(content)[:DIGEST_BYTES]


class Reader:
    """The archive, read from front to back."""

    def __init__(self, archive):
        self.archive = bytes(archive)
        self.at = 0

    def at_end(self):
        return self.at == len(self.archive)

    def comes(self, start):
        return self.archive.startswith(start, self.at)

    def take(self, count):
        require(self.at + count <= len(self.archive), "cut short")
        self.at += count
        return self.archive[self.at - count : self.at]

    def number(self, count):
        return int.from_bytes(self.take(count), "little")

    def fields(self, layout):
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))

    def check_from(self, start):
        """The check of the frame that began at `start`."""
        want = crc32c(self.archive[start : self.at])
        require(self.number(4) == want, f"the check of the frame at {start} is wrong")


class Priors:
    """Those at hand."""

    def __init__(self, priors):
        self.priors = priors

    def of(self, digest):
        """The one whose digest begins so; None if that is zeros."""
        if digest == NO_PRIOR:
            return None
        found = [prior for prior in self.priors if prior.digest.startswith(digest)]
        if not found:
            raise PriorError(f"the prior {digest.hex()} is needed")
        return found[0]


def decompress(archive, priors=()):
    """The content of all members, which may start from some priors."""
    reader, priors = Reader(archive), Priors(priors)
    require(not reader.at_end(), "an archive of no bytes")
    content = b""
    while not reader.at_end():
        start = reader.at
        magic = reader.take(2)
        require(magic in (MAGIC, SHIPPED_MAGIC, PRIMED_MAGIC), f"no member at {start}")
        tag = reader.number(1)
        require(tag & 31 == GENERATION, f"generation {tag & 31}, where {GENERATION} is known")
        if tag & COMPACT:
            content += _compact(reader, start, tag, magic, priors)
        else:
            require(magic == MAGIC, f"a full member's magic is another, at {start}")
            content += Member(reader, start, tag, priors).content()
    return content


def _decode_chunk(coder, method, payload, content_bytes):
    try:
        return coder.decode(method, payload, content_bytes)
    except PayloadError as error:
        raise FormatError(str(error)) from error


def _compact(reader, start, tag, magic, priors):
    """FORMAT.md: "Compact member"."""
    preset_and_method = reader.number(1)
    preset, method = preset_and_method & 15, preset_and_method >> 4
    require(preset in SETUPS, f"preset {preset}")
    require(method <= COMPACT_METHODS or method in COMPACT_JOINED, f"method {method} in a compact member")
    method = COMPACT_JOINED.get(method, method)
    prior_id = SHIPPED_ID if magic == SHIPPED_MAGIC else NO_PRIOR
    if magic == PRIMED_MAGIC:
        prior_id = reader.take(ID_BYTES)
        require(prior_id not in (SHIPPED_ID, NO_PRIOR), "a prior that has a magic of its own")
    wide = bool(tag & WIDE)
    size = 3 if wide else 2
    content_bytes = reader.number(size)
    require(not wide or 65536 <= content_bytes <= CHUNK_BYTES, "content_bytes out of range")
    # Without method 0 the length of the payload stands there, also if it is stored.
    payload_bytes = reader.number(size) if method else content_bytes
    require(payload_bytes <= content_bytes, "a payload longer than its content")
    header = reader.archive[start : reader.at]
    check = reader.number(4) if tag & CHECKS else None
    want = reader.take(DIGEST_BYTES) if tag & CHECKS and wide else None
    payload = reader.take(payload_bytes)
    content = payload
    if method:
        coder = ChunkCoder(preset, size_class(content_bytes), priors.of(prior_id))
        content = _decode_chunk(coder, method, payload, content_bytes)
    require(check is None or check == crc32c(header + content), "the check is wrong")
    require(want is None or want == digest(content), "the digest is wrong")
    return content


class Member:
    """A full member; its magic and tag are read."""

    def __init__(self, reader, start, tag, priors):
        self.reader, self.start, self.tag = reader, start, tag
        require(not tag & WIDE, "a full member is never wide")
        self._header(priors)

    def _header(self, priors):
        """FORMAT.md: "Member header"."""
        reader = self.reader
        flags, self.preset, self.size_class, memory_kib, self.block_bytes = reader.fields("BBBIQ")
        require(flags in (0, 1, 2, 3, 6, 7), f"flags {flags}")
        require(self.preset in SETUPS, f"preset {self.preset}")
        require(10 <= self.size_class <= 26, f"size class {self.size_class}")
        needed = SETUPS[self.preset].memory_bytes(self.size_class, bool(flags & 2))
        require(memory_kib * 1024 >= needed, "too little memory is declared")
        self.content_bytes = reader.number(8) if flags & 1 else None
        digest = reader.take(DIGEST_BYTES * 2) if flags & 2 else NO_PRIOR
        under, network_bytes = reader.fields("32sI") if flags & 4 else (None, 0)
        reader.check_from(self.start)
        self.prior_id = digest[:ID_BYTES]
        if under is None:
            self.prior = priors.of(digest)
            return
        require(self.preset == 10, "weights for a preset without a network")
        beneath = priors.of(under) if any(under) else None
        self.prior = FittedPrior(beneath, under, reader.take(network_bytes))
        require(self.prior.digest == digest, "the weights are not those that were meant")

    def content(self):
        reader = self.reader
        content = b""
        blocks = []
        while reader.comes(BLOCK):
            start = reader.at
            more = self._block(len(blocks), len(content))
            content += more
            blocks.append((reader.at - start, len(more)))
        for _, length in blocks[:-1]:
            require(length == self.block_bytes, "a block before the last is not whole")
        require(blocks, "a member without blocks")
        require(not self.block_bytes or blocks[-1][1] <= self.block_bytes, "a block is too long")
        require(self.content_bytes in (None, len(content)), "not as long as its header says")
        has_index = reader.comes(INDEX)
        if has_index:
            self._index(blocks)
        self._trailer(content, len(blocks), has_index)
        return content

    def _tag(self):
        require(self.reader.number(1) == self.tag, "a tag differs from the member's")

    def _block(self, number, offset):
        """FORMAT.md: "Block header"."""
        reader, start = self.reader, self.reader.at
        reader.take(3)
        self._tag()
        preset, block_class, content_offset, block_number, prior_id = reader.fields("BBQI4s")
        require(preset == self.preset and 10 <= block_class <= self.size_class, "not the member's model")
        require(content_offset == offset and block_number == number, "a block out of place")
        require(prior_id == self.prior_id, "not the member's prior")
        reader.check_from(start)
        coder = ChunkCoder(self.preset, block_class, self.prior)
        content = b""
        while reader.at < len(reader.archive) and reader.archive[reader.at] < 32:
            content += self._chunk(coder)
        require(content, "an empty block")
        return content

    def _chunk(self, coder):
        """FORMAT.md: "Chunk"."""
        reader, start = self.reader, self.reader.at
        method, content_bytes, payload_bytes = (reader.number(size) for size in (1, 3, 3))
        require(1 <= content_bytes <= CHUNK_BYTES, "content_bytes out of range")
        require(payload_bytes <= content_bytes, "a payload longer than its content")
        header = reader.archive[start : reader.at]
        check = reader.number(4) if self.tag & CHECKS else None
        content = _decode_chunk(coder, method, reader.take(payload_bytes), content_bytes)
        require(check is None or check == crc32c(header + content), f"the chunk at {start} is damaged")
        return content

    def _index(self, blocks):
        """FORMAT.md: "Seek index"."""
        reader, start = self.reader, self.reader.at
        reader.take(3)
        self._tag()
        require(reader.number(4) == len(blocks), "the index has another number of blocks")
        for block in blocks:
            require(reader.fields("QQ") == block, "the index does not agree with the blocks")
        reader.check_from(start)

    def _trailer(self, content, block_count, has_index):
        """FORMAT.md: "Trailer"."""
        reader, start = self.reader, self.reader.at
        require(reader.take(3) == TRAILER, f"neither block nor trailer at {start}")
        self._tag()
        content_bytes, member_bytes, count, flags = reader.fields("QQIB")
        require(content_bytes == len(content), "not as long as its trailer says")
        require((count, flags) == (block_count, int(has_index)), "the trailer does not agree with the blocks")
        if self.tag & CHECKS:
            require(reader.take(DIGEST_BYTES) == digest(content), "the digest is wrong")
        reader.check_from(start)
        require(member_bytes == reader.at - self.start, "not as long as its trailer says")


def compress(content, preset=1, checks=True, prior=None, coded=None):
    """The compact member that the library makes of a content of at most 1 MiB, and of its coded bytes if it
    is transformed."""
    require(len(content) <= CHUNK_BYTES, "compact members have at most 1 MiB")
    wide = len(content) >= 65536
    tag = GENERATION | COMPACT | (WIDE if wide else 0) | (CHECKS if checks else 0)
    coder = ChunkCoder(preset, size_class(len(content)), prior)
    method, payload = coder.encode(content, coded) if content else (0, b"")
    # Nothing follows that has to know that it was forgotten.
    method = 0 if method == FORGOTTEN_METHOD else method
    size = 3 if wide else 2
    magic, name = MAGIC, b""
    if prior is not None and content:
        magic, name = (SHIPPED_MAGIC, b"") if prior.id == SHIPPED_ID else (PRIMED_MAGIC, prior.id)
    header = magic + bytes([tag, preset | method << 4]) + name + len(content).to_bytes(size, "little")
    if method:
        header += len(payload).to_bytes(size, "little")
    checked = struct.pack("<I", crc32c(header + content)) if checks else b""
    if checks and wide:
        checked += digest(content)
    return header + checked + payload
