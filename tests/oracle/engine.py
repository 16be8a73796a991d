"""One block's model, and the coding of chunks with it.

FORMAT.md: "Kinds and methods", "Expanded chunks", "Joined lines", "Trees".
"""

from . import tree, trees
from .deflate import WriteError
from .expanded import Recipe, turn
from .joined import Form, JoinedError
from .packing import Packer, Unpacker
from .palettes import Colours
from .predictor import BINARY, STRUCTURED, TEXT, Predictor
from .setup import SETUPS, SMALL_CLASS
from .transform import TransformError

MODELLED_BIT, EXPANDED_BIT, JOINED_BIT = 1, 8, 16
# Content as it is, which the model forgets.
FORGOTTEN_METHOD = EXPANDED_BIT
# Methods without it.
TEXT_METHOD, BINARY_METHOD, TRANSFORMED_METHOD, STRUCTURED_METHOD = 0, 2, 4, 6
METHODS = {TEXT: TEXT_METHOD, BINARY: BINARY_METHOD, STRUCTURED: STRUCTURED_METHOD}
KINDS = {TEXT_METHOD: TEXT, BINARY_METHOD: BINARY, TRANSFORMED_METHOD: TEXT, STRUCTURED_METHOD: STRUCTURED}
REPEATS_MOST, REPEATS_LEAST = 256 << 10, 1 << 10
# Of text that brings trees.
LEAST_BYTES = 1 << 16


class PayloadError(Exception):
    pass


def kind_of(content, eighths):
    """Structured if so many eighths of its strings of characters were there before, or of its characters are
    digits; None if nothing is.
    """
    counted = [byte for before, byte in zip(b"\1" + content, content, strict=False) if before or byte]
    controls = sum(byte <= 8 or 14 <= byte <= 31 or byte == 127 for byte in counted)
    if controls * 32 > len(counted):
        return BINARY
    start = content[:REPEATS_MOST]
    if eighths is None or len(start) < REPEATS_LEAST:
        return TEXT
    # Of a character of UTF-8 the last byte.
    start = bytes(a for a, b in zip(start, start[1:] + b"\0", strict=True) if b & 0xC0 != 0x80)
    strings = [start[i : i + 8] for i in range(len(start) - 7)]
    repeated = len(strings) - len(set(strings))
    digits = sum(byte in b"0123456789" for byte in start)
    least_repeated, least_digits, in_objects = eighths
    counts = in_objects or b"\nBT\n" not in content[:REPEATS_MOST]
    is_structured = 8 * repeated >= least_repeated * len(strings) or (
        counts and 8 * digits >= least_digits * len(start)
    )
    return STRUCTURED if is_structured else TEXT


class ChunkCoder:
    def __init__(self, preset, size_class, prior=None):
        self._new_predictor = lambda: Predictor(preset, size_class, prior)
        self.predictor = self._new_predictor()
        # The stream that the chunk before left open, and its pictures' colours.
        self.stream = None
        self.colours = Colours()
        # How many trees the first chunk of text may bring.
        self.most_trees = SETUPS[preset].most_trees if prior is None else 0
        # A small block that starts from a prior is as small as it says.
        self.most_bytes = 1 << size_class if prior is not None and size_class <= SMALL_CLASS else None

    def _eighths(self):
        arms = self.predictor.arms
        if len(self.predictor.assemblies) == STRUCTURED:
            return None
        if arms[STRUCTURED] is not None:
            least = 4, 2
        else:
            least = (self.predictor.setup.repeats, 2) if arms[TEXT] is None else (7, 9)
        return *least, not self.predictor.setup.strong

    def _begin(self, kind, coded_bytes):
        if self.most_bytes is not None:
            left = self.predictor.arms[kind] is not None and kind != self.predictor.kind
            if left or self.predictor.coded_bytes() + coded_bytes > self.most_bytes:
                raise PayloadError("more than a small block that starts from a prior may have")
        self.predictor.parsed.records.turn_to_picture(None)
        self.predictor.begin(kind)

    def _brings_trees(self, kind, content_bytes):
        """Whether the next chunk does, of so much content, perhaps expanded; asked before it begins."""
        arms = self.predictor.arms
        is_first = kind != BINARY and arms[TEXT] is None and arms[STRUCTURED] is None
        return self.most_trees > 0 and is_first and content_bytes >= LEAST_BYTES

    def _learn(self, byte, see=lambda bit, p1: None):
        way = self.predictor.tree.ways[byte]
        for i in range(tree.depth_of(way) - 1, -1, -1):
            bit = way >> i & 1
            see(bit, self.predictor.predict())
            self.predictor.update(bit)

    def encode(self, content, coded=None):
        """Method and payload of the next chunk, whose coded bytes are the content if none are given."""
        transformed = coded is not None
        kind = TEXT if transformed else kind_of(content, self._eighths())
        coded = coded if transformed else content
        brings_trees = self._brings_trees(kind, len(content))
        packer = Packer()
        if brings_trees:
            found = trees.best(coded, 1 if kind == STRUCTURED else self.most_trees)
            self.predictor.plant(found)
            trees.write(found, packer)
        self._begin(kind, len(coded))
        self.predictor.begin_transform(transformed)
        for byte in coded:
            self._learn(byte, packer.encoder.encode)
        payload = packer.encoder.finish()
        method = TRANSFORMED_METHOD if transformed else METHODS[kind]
        if brings_trees and len(payload) >= len(content):
            self.predictor = self._new_predictor()
            return FORGOTTEN_METHOD, bytes(content)
        if len(payload) >= len(coded) and not brings_trees:
            return method, bytes(coded)
        return method | MODELLED_BIT, payload

    def encode_raw(self, content, encoder, unusual, p1_transformed):
        """Codes a raw message, which is not transformed."""
        kind = kind_of(content, None)
        self._begin(kind, len(content))
        self.predictor.begin_transform(False)
        encoder.encode(int(kind == BINARY), unusual)
        if kind == TEXT:
            encoder.encode(0, p1_transformed)
        for byte in content:
            self._learn(byte, encoder.encode)

    def decode_raw(self, decoder, content_bytes, unusual, p1_transformed):
        """Content of a raw message."""
        kind = BINARY if decoder.decode(unusual) else TEXT
        transformed = kind == TEXT and bool(decoder.decode(p1_transformed))
        self._begin(kind, 1 if transformed else content_bytes)
        self.predictor.begin_transform(transformed)
        if transformed:
            return self._decode_coded(decoder, (), content_bytes)
        return bytes(self._decode_byte(decoder) for _ in range(content_bytes))

    def decode(self, method, payload, content_bytes):
        """Content of the next chunk."""
        stream, self.stream = self.stream, None
        colours, self.colours = self.colours, Colours()
        if method == FORGOTTEN_METHOD:
            if len(payload) != content_bytes:
                raise PayloadError("a stored payload is not as long as its content")
            self.predictor = self._new_predictor()
            return payload
        kind = KINDS.get(method & ~(MODELLED_BIT | EXPANDED_BIT | JOINED_BIT))
        if kind is None or kind >= len(self.predictor.assemblies) or (method & JOINED_BIT and kind != TEXT):
            raise PayloadError(f"method {method} is unknown")
        if method & (EXPANDED_BIT | JOINED_BIT):
            if not method & MODELLED_BIT:
                raise PayloadError(f"method {method} is unknown")
            return self._decode_expanded(method, kind, payload, content_bytes, (stream, colours))
        brings_trees = method & MODELLED_BIT and self._brings_trees(kind, content_bytes)
        transformed = method & ~MODELLED_BIT == TRANSFORMED_METHOD
        if not transformed and not method & MODELLED_BIT and len(payload) != content_bytes:
            raise PayloadError("a stored payload is not as long as its content")
        unpacker = Unpacker(payload)
        if brings_trees:
            self._plant(unpacker)
        self._begin(kind, 1 if transformed else content_bytes)
        self.predictor.begin_transform(transformed)
        decoder = unpacker.decoder
        if transformed:
            return self._decode_transformed(method & MODELLED_BIT, payload, decoder, content_bytes)
        if not method & MODELLED_BIT:
            for byte in payload:
                self._learn(byte)
            return payload
        content = bytes(self._decode_byte(decoder) for _ in range(content_bytes))
        _require_all_read(decoder)
        return content

    def _plant(self, unpacker):
        try:
            self.predictor.plant(trees.read(unpacker))
        except tree.TreeError as error:
            raise PayloadError(str(error)) from error

    def _decode_expanded(self, method, kind, payload, content_bytes, carried):
        """Content whose streams are expanded, the first of which may go on with an open one, or whose lines
        are joined."""
        stream, self.colours = carried
        unpacker = Unpacker(payload)
        decoder = unpacker.decoder
        transformed = method & ~(MODELLED_BIT | EXPANDED_BIT | JOINED_BIT) == TRANSFORMED_METHOD
        try:
            recipe = Recipe(unpacker, stream is not None) if method & EXPANDED_BIT else None
            expanded_bytes = recipe.bytes if recipe else content_bytes
            form = Form(Unpacker.of(decoder)) if method & JOINED_BIT else None
            seen_bytes = expanded_bytes - (form.fewer if form else 0)
            if seen_bytes < 1:
                raise PayloadError("fewer bytes than none")
            brings_trees = self._brings_trees(kind, seen_bytes)
            if brings_trees:
                self._plant(Unpacker.of(decoder))
            self._begin(kind, 1 if transformed else seen_bytes)
            self.predictor.begin_transform(transformed)
            if transformed:
                content = self._decode_coded(decoder, (), seen_bytes)
            else:
                content = self._decode_with_pictures(decoder, recipe, seen_bytes, kind)
            if form:
                content = form.split(content, Unpacker.of(decoder), expanded_bytes)
            _require_all_read(decoder)
            if recipe:
                content, self.stream = recipe.write(content, stream, self.colours)
            else:
                self.colours = Colours()
        except (WriteError, JoinedError) as error:
            raise PayloadError(str(error)) from error
        if len(content) != content_bytes:
            raise PayloadError("expanded content does not give the content")
        return content

    def _decode_with_pictures(self, decoder, recipe, seen_bytes, kind):
        pictures, expanded = recipe.pictures() if recipe and kind == BINARY else {}, bytearray()
        colours = self.colours.copy()
        for at in range(seen_bytes):
            if at in pictures:
                turn(self.predictor.parsed.records, pictures[at], expanded, colours)
            expanded.append(self._decode_byte(decoder))
        return bytes(expanded)

    def _decode_byte(self, decoder):
        byte = None
        while byte is None:
            byte = self.predictor.update(decoder.decode(self.predictor.predict()))
        return byte

    def _decode_transformed(self, modelled, payload, decoder, content_bytes):
        stored = iter(payload)
        content = self._decode_coded(decoder if modelled else None, stored, content_bytes)
        if next(decoder.rest if modelled else stored, None) is not None:
            raise PayloadError("a payload has bytes that nothing needs")
        return content

    def _decode_coded(self, decoder, stored, content_bytes):
        """Content of coded bytes that come from a decoder, or are stored."""
        content = b""
        try:
            while len(content) < content_bytes:
                if self.predictor.coded_bytes() == self.most_bytes:
                    raise PayloadError("more coded bytes than a small block that starts from a prior has")
                if decoder is not None:
                    self._decode_byte(decoder)
                else:
                    self._learn(next(stored))
                content += self.predictor.restored
        except (TransformError, StopIteration) as error:
            raise PayloadError(f"coded bytes that are no text: {error!r}") from error
        if len(content) > content_bytes:
            raise PayloadError("a word goes past the chunk's end")
        return content


def _require_all_read(decoder):
    if next(decoder.rest, None) is not None:
        raise PayloadError("a payload has bytes that no bit needs")
