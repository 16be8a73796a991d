"""Raw messages.

FORMAT.md: "Raw messages".
"""

from .container import CHUNK_BYTES, FormatError, require, size_class
from .crc32c import crc32c
from .engine import ChunkCoder, PayloadError
from .priors import SHIPPED, Prior
from .range_coder import Decoder, Encoder

CHECK_BYTES = 4
EVEN = 1 << 21
UNUSUAL = 1 << 17


class _Canonical(Decoder):
    """A decoder that writes again what it reads."""

    def __init__(self, payload):
        super().__init__(payload)
        self.again = Encoder()

    def decode(self, p1):
        bit = super().decode(p1)
        self.again.encode(bit, p1)
        return bit


def _p1_transformed(prior):
    if prior is None:
        usual = False
    elif prior.learned is not None:
        usual = prior.learned.coded
    else:
        usual = any(prior.shipped)
    return (1 << 22) - UNUSUAL if usual else UNUSUAL


def compress(content, preset=1, checks=False, prior=None, auto=False):
    """The raw message that the library makes of a content that is not transformed; with `auto`, of one
    that is not English."""
    require(len(content) <= CHUNK_BYTES, "raw messages have at most 1 MiB")
    payload = b""
    if content:
        encoder = Encoder()
        if auto:
            encoder.encode(0, EVEN)
        coder = ChunkCoder(preset, size_class(len(content)), prior)
        coder.encode_raw(content, encoder, UNUSUAL, _p1_transformed(prior))
        payload = encoder.finish()
    if len(payload) >= len(content):
        payload = bytes(content)
    return payload + (crc32c(content).to_bytes(CHECK_BYTES, "little") if checks else b"")


def decompress(raw, content_bytes, preset=1, checks=False, prior=None, auto=False):
    """The content, of so many bytes; with `auto` the message says whether it starts from English."""
    require(content_bytes <= CHUNK_BYTES, "raw messages have at most 1 MiB")
    payload = raw
    if checks:
        require(len(raw) >= CHECK_BYTES, "no check")
        payload, check = raw[:-CHECK_BYTES], int.from_bytes(raw[-CHECK_BYTES:], "little")
    require(len(payload) <= content_bytes, "a payload longer than its content")
    content = payload
    if len(payload) < content_bytes:
        decoder = _Canonical(payload)
        if auto:
            prior = Prior(SHIPPED.read_bytes()) if decoder.decode(EVEN) else None
        coder = ChunkCoder(preset, size_class(content_bytes), prior)
        try:
            content = coder.decode_raw(decoder, content_bytes, UNUSUAL, _p1_transformed(prior))
        except PayloadError as error:
            raise FormatError(str(error)) from error
        require(decoder.again.finish() == payload, "a payload that no content has")
    require(not checks or check == crc32c(content), "the check is wrong")
    return content
