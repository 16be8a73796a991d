"""Text that is coded by trees: the library and its plain-Python twin, and round trips."""

from __future__ import annotations

import functools
import gzip
import math
import random
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import foretold
from foretold import _core

TESTS = Path(__file__).parent
if str(TESTS) not in sys.path:
    sys.path.append(str(TESTS))

import oracle  # noqa: E402
from oracle import container, engine, priors, tree, trees  # noqa: E402
from oracle.packing import Packer, Unpacker  # noqa: E402
from oracle.predictor import TEXT  # noqa: E402

MAKE_TEXT = Callable[..., bytes]
plain = functools.partial(foretold.compress, knowledge="none", transform="none")
with_words = functools.partial(foretold.compress, knowledge="none", transform="words")
LEAST = engine.LEAST_BYTES
LATIN, CYRILLIC = "etaoinshrdlu", "оеаинтсрвлкм"


@functools.cache
def long_words(length: int = LEAST, letters: str = LATIN) -> bytes:
    """Much content of which little is coded, for the oracle is slow: words as long as they may be."""
    source = random.Random(1)
    stem = "".join(source.choices(letters, k=30 // len(letters[0].encode())))
    words = [stem + "".join(source.choices(letters, k=len(stem) - source.randrange(3))) for _ in range(18)]
    text = b""
    while len(text) < length:
        word, chance = source.choice(words).encode(), source.random()
        text += word.capitalize() if chance < 0.05 else word
        text += b", %d.\n" % source.randrange(100) if chance > 0.95 else b" "
    return text[:length]


SHORT = b"A text of no great length, but a text it is; and after it comes another: it is (as ever) text.\n"
TABLE = b"".join(struct.pack("<HHI", row, row * row % 251, row // 3) for row in range(40))


NOISE = bytes(random.Random(2).choices([*range(0x20, 0x7F), *range(0x80, 0x100)], k=66_000))


def given_up() -> bytes:
    """A stream whose text the model makes less of than it was."""
    source = random.Random(3)
    text = bytearray(source.choices(range(0x21, 0x7F), k=2000))
    while len(text) < 66_000:
        at = len(text) - source.randrange(4, 2000)
        text += text[at : at + 4]
    return gzip.compress(text, 9, mtime=0)


def flushed(*parts: bytes, preset: foretold.Preset = 1, transform: Any = "words") -> bytes:
    """A full member of one block, with a chunk for each part."""
    compressor = foretold.Compressor(
        preset, checksum=False, block_size=1 << 18, knowledge="none", transform=transform
    )
    chunks = [compressor.compress(part) + compressor.flush(compressor.FLUSH) for part in parts]
    return b"".join(chunks) + compressor.flush()


def methods_of(archive: bytes) -> list[int]:
    """Of the chunks of such a member, or the method of a compact one."""
    if archive[2] & container.COMPACT:
        return [archive[3] >> 4]
    methods, at = [], 22 + 26
    while archive[at] < 32:
        methods.append(archive[at])
        at += 7 + int.from_bytes(archive[at + 4 : at + 7], "little")
    return methods


def payload_of(archive: bytes) -> bytes:
    """Of a compact member without checks."""
    assert archive[2] & ~container.WIDE == container.COMPACT
    assert archive[3] >> 4 in (1, 5)
    return archive[10 if archive[2] & container.WIDE else 8 :]


def trees_of(content: bytes) -> trees.Trees:
    """The library's for a content as it is."""
    return trees.read(Unpacker(payload_of(plain(content, 1, checksum=False))))


def are_best(
    found: trees.Trees, coded: bytes, most: int = trees.MOST_TREES, deepest: int = tree.MOST_DEPTH
) -> bool:
    """Whether the oracle makes the same of these coded bytes."""
    best = trees.best(coded, most, deepest)
    return (found.roots(), found.after) == (best.roots(), best.after)


@pytest.fixture
def trees_read(monkeypatch: pytest.MonkeyPatch) -> list[trees.Trees]:
    """Those that the oracle reads."""
    found: list[trees.Trees] = []
    read = trees.read

    def reading(unpacker: Unpacker) -> trees.Trees:
        found.append(read(unpacker))
        return found[-1]

    monkeypatch.setattr(trees, "read", reading)
    return found


class CostingCoder(engine.ChunkCoder):
    """Notes what each byte costs."""

    def __init__(self, *how: Any) -> None:
        super().__init__(*how)
        self.costs: list[float] = []

    def _learn(self, byte: int, see: Any) -> None:
        self.costs.append(0.0)

        def seen(bit: int, p1: int) -> None:
            self.costs[-1] -= math.log2(p1 if bit else (1 << 22) - p1) - 22
            see(bit, p1)

        super()._learn(byte, seen)


def monotonous(length: int) -> bytes:
    """A text most of whose bytes are a step from the root."""
    source = random.Random(4)
    ends = ["это".encode(), "ещё, ".encode(), b"o", b" ", b"\n"]
    words = [b"\xff" * source.randrange(30, 90) + source.choice(ends) for _ in range(length // 50)]
    return b"".join(words)[:length]


def test_both_write_the_same_plain_text() -> None:
    """Byte for byte, so that a first difference has a place."""
    content = monotonous(LEAST)
    archive = plain(content, 1, checksum=False)
    coder = CostingCoder(1, container.size_class(len(content)))
    method, payload = coder.encode(content)
    costs = foretold.code_lengths(content, preset=1, knowledge="none", transform="none")
    # That of the tree falls on the first byte.
    assert costs[0] > coder.costs[0] + 64
    for at in range(1, len(content)):
        assert costs[at] == pytest.approx(coder.costs[at], abs=1e-9), f"byte {at}"
    assert (method, payload) == (1, payload_of(archive))
    assert max(each.depth() for each in coder.predictor.trees.trees) > 8
    assert foretold.decompress(archive) == content


@pytest.fixture(scope="module", params=["english", "other"])
def prose(request: pytest.FixtureRequest, make_text: MAKE_TEXT) -> bytes:
    text = make_text(66_500)
    if request.param == "other":
        text = text.replace(b"e", "é".encode()).replace(b"th", "đ".encode())
    return text


@pytest.mark.heavy
@pytest.mark.timeout(900)
@pytest.mark.parametrize("preset", [1, 3])
def test_both_write_the_same_prose(preset: int, prose: bytes) -> None:
    assert oracle.compress(prose, preset) == plain(prose, preset)


@pytest.mark.heavy
@pytest.mark.timeout(900)
@pytest.mark.parametrize("preset", [1, 3])
@pytest.mark.parametrize("transform", ["none", "words"])
def test_the_oracle_decodes_prose(preset: int, transform: Any, prose: bytes) -> None:
    archive = foretold.compress(prose, preset, knowledge="none", transform=transform)
    assert methods_of(archive) == [1 if transform == "none" else 5]
    assert oracle.decompress(archive) == prose


HEAVY = [pytest.mark.heavy, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    "preset", [1, 3, 5, *(pytest.param(preset, marks=HEAVY) for preset in (2, 4, 6, 7, 8))]
)
def test_both_write_the_same_words(preset: int) -> None:
    content = long_words()
    coded = _core.coded_bytes(content, False)
    archive = with_words(content, preset)
    assert methods_of(archive) == [5]
    assert oracle.compress(content, preset, coded=coded) == archive
    assert foretold.decompress(archive) == content


def test_the_oracle_decodes_words_that_are_not_english(trees_read: list[trees.Trees]) -> None:
    content = long_words(66_001, CYRILLIC)
    assert oracle.decompress(with_words(content, 1)) == content
    assert len(trees_read) == 1
    assert are_best(trees_read[0], _core.coded_bytes(content, False))
    # That after the first byte of a letter.
    assert trees_read[0].roots()[trees_read[0].after[0xD0]] != tree.BALANCED.root


def test_a_byte_less_has_no_tree() -> None:
    content = long_words()
    # The last byte is a letter of a word that was cut, and so is the last coded one.
    coded = _core.coded_bytes(content, False)[:-1]
    assert oracle.compress(content[:-1], coded=coded) == with_words(content[:-1], 1)
    # Nor has plain text: what stands there is no tree.
    content = monotonous(LEAST)
    assert are_best(trees_of(content), content)
    with pytest.raises(tree.TreeError):
        trees_of(content[:-1])


@pytest.mark.parametrize("preset", [1, pytest.param(9, marks=HEAVY)])
def test_strong_presets_raw_messages_and_blocks_with_a_prior_bring_none(
    preset: foretold.Preset, trees_read: list[trees.Trees]
) -> None:
    content = long_words()
    if preset == 9:
        assert oracle.decompress(with_words(content, preset)) == content
    else:
        raw = foretold.compress_raw(content, 1, knowledge="none", transform="words")
        assert oracle.raw.decompress(raw, len(content)) == content
        prior = _core.make_ngram_prior("small", [SHORT, SHORT], False, 2, 1, 0.5)
        twin = oracle.Prior(prior)
        # Of the prior's own, if it has one.
        trees_read.clear()
        archive = foretold.compress(content, 1, prior=prior, transform="words")
        assert oracle.decompress(archive, [twin]) == content
    assert not trees_read


@pytest.mark.parametrize(
    ("preset", "transform", "most"),
    [(1, "none", 8), (2, "words", 4), (3, "none", 1)],
)
def test_a_prior_of_samples_has_trees_of_its_own(
    preset: foretold.Preset, transform: foretold.Transform, most: int, trees_read: list[trees.Trees]
) -> None:
    if transform == "none":
        samples = [b"level=info service=mail event=sent size=%d\n" % size * 3 for size in range(60)]
    else:
        samples = [long_words(20_000)[at : at + 500] for at in range(0, 20_000, 500)]
    file = bytes(foretold.train_prior(samples, preset, knowledge="none", transform=transform))
    twin = oracle.Prior(file)
    coded = _core.seen_bytes(b"".join(samples), preset, None, transform, "none")
    assert (len(coded) < 6000) == (transform == "words")
    assert are_best(trees_read[0], coded, most, priors.MOST_DEPTH)
    message = samples[7][:50].swapcase()
    archive = foretold.compress(message, preset, prior=file, transform=transform)
    assert oracle.decompress(archive, [twin]) == message


def sections_of(prior: bytes) -> list[int]:
    """Their kinds."""
    kinds, at = [], 10 + prior[9]
    while at < len(prior) - 32:
        kinds.append(prior[at])
        at += 5 + int.from_bytes(prior[at + 1 : at + 5], "little")
    return kinds


def test_a_prior_upon_english_has_its_trees() -> None:
    samples = [
        b"This is the %d. of the letters that they have written to each other.\n" % i for i in range(60)
    ]
    assert sections_of(bytes(foretold.train_prior(samples, 1, knowledge="none"))) == [9, 3]
    assert sections_of(bytes(foretold.train_prior(samples, 1))) == [1, 4, 3]
    assert sections_of(bytes(foretold.train_prior(samples, 9, knowledge="none"))) == [3]


# Flushed parts, their methods, and how often there are trees.
BLOCKS: dict[str, tuple[list[bytes], list[int], int]] = {
    "the tree goes on": ([long_words(), SHORT * 2, TABLE, SHORT], [5, 1, 3, 1], 1),
    "binary first": ([TABLE, long_words(), TABLE, SHORT], [3, 5, 3, 1], 1),
    "a short text first": ([SHORT, long_words(), SHORT], [1, 5, 1], 0),
    "a stored text first": ([NOISE[:50], long_words()], [0, 5], 0),
    "a stored text later": ([long_words(), NOISE[:200], SHORT], [5, 0, 1], 1),
    "a stream that is given up": ([SHORT, given_up(), SHORT], [1, 8, 1], 0),
    "a tree that is given up": ([given_up(), long_words(), SHORT, given_up(), SHORT], [8, 5, 1, 8, 1], 1),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_the_oracle_follows_a_block_from_chunk_to_chunk(name: str, trees_read: list[trees.Trees]) -> None:
    parts, methods, times = BLOCKS[name]
    archive = flushed(*parts)
    assert methods_of(archive) == methods
    assert foretold.decompress(archive) == b"".join(parts)
    assert oracle.decompress(archive) == b"".join(parts)
    assert len(trees_read) == times


def test_each_block_has_its_own_tree(trees_read: list[trees.Trees]) -> None:
    content = long_words() + long_words(LEAST, CYRILLIC)
    archive = with_words(content, 1, block_size=LEAST)
    assert oracle.decompress(archive) == content
    assert len(trees_read) == 2
    assert trees_read[0].roots() != trees_read[1].roots()


def test_a_tree_stands_behind_the_recipe(trees_read: list[trees.Trees]) -> None:
    content = gzip.compress(long_words(66_000), mtime=0)
    archive = flushed(content, SHORT)
    assert methods_of(archive) == [13, 1]
    assert oracle.decompress(archive) == content + SHORT
    assert len(trees_read) == 1


@pytest.mark.parametrize("less", [0, 1])
def test_expanded_content_has_a_tree_if_it_is_long_enough(less: int) -> None:
    """Of a stream that is longer than its text, since its two blocks are stored."""
    text = long_words()[: LEAST - less]
    coded = _core.coded_bytes(long_words(), False)[: -less or None]
    content = b""
    packer = Packer()
    packer.bit(1, "more parts")
    for value, name in ((0, "before"), (len(text), "text")):
        packer.number(value, name)
    packer.bit(0, "is picture")
    packer.bit(0, "goes on")
    for value, name in ((5, "level"), (7, "buffer"), (7, "hash"), (6, "window")):
        packer.number(value, name)
    packer.bit(0, "filtered")
    for is_last, stored in enumerate((text[:9], text[9:])):
        packer.bit(1, "more blocks")
        packer.bit(is_last, "is last")
        for value, name in ((0, "form"), (len(stored), "count"), (0, "form")):
            packer.number(value, name)
        content += struct.pack("<BHH", is_last, len(stored), len(stored) ^ 0xFFFF) + stored
    for name in ("more blocks", "more corrections"):
        packer.bit(0, name)
    for _ in range(2):
        packer.number(0, "trailer")
    packer.bit(0, "more parts")
    packer.number(0, "after")
    coder = engine.ChunkCoder(1, 18)
    if not less:
        found = trees.best(coded, trees.MOST_TREES)
        coder.predictor.plant(found)
        trees.write(found, packer)
    coder.predictor.begin(TEXT)
    coder.predictor.begin_transform(True)
    for byte in coded:
        coder._learn(byte, packer.encoder.encode)
    payload = packer.encoder.finish()
    lengths = len(content).to_bytes(3, "little") + len(payload).to_bytes(3, "little")
    archive = flushed(SHORT)[: 22 + 26] + bytes([13]) + lengths + payload
    assert len(content) >= LEAST
    assert foretold.Decompressor().decompress(archive) == content


def counted(counts: dict[int, float], length: int) -> bytes:
    """A text of so much of each byte, in proportion; the last has the rest."""
    total = sum(counts.values())
    text = b"".join(bytes([byte]) * int(length * count / total) for byte, count in counts.items())
    return text.ljust(length, bytes([max(counts)]))


def odd_texts() -> Iterator[tuple[str, bytes]]:
    source = random.Random(6)
    allowed = [*range(0x20, 0x7F), *range(0x80, 0x100)]
    yield "one byte", b"p" * LEAST
    yield "all alike", counted(dict.fromkeys(allowed, 1), LEAST)
    yield "letters alike", counted(dict.fromkeys(range(0x61, 0x7B), 1), 69_631)
    yield (
        "about as often as the rarest",
        counted({byte: source.choice((15, 16, 17)) for byte in allowed}, 69_632),
    )
    yield "rising", counted({0x30 + k: 1.3**k for k in range(40)}, LEAST)
    yield "falling", counted({0x30 + k: 1.5**-k for k in range(40)}, LEAST)
    yield "at random", counted({byte: source.expovariate(1) ** 6 for byte in allowed}, 100_000)
    # As often as makes a leaf of the first tree deeper than 16; all of one sort, and without order, so
    # that there is one tree for all.
    deep = [11253, 16818, 6840, 7027, 2432, 2141, 1315, 850, 19, 16, 16, 16, 51, 51, 156, 149, 370, 190]
    text = [0x8F + k for k, count in enumerate(deep) for _ in range(count)]
    text += [*range(0xA1, 0xBB)] * ((LEAST - len(text)) // 26 + 1)
    source.shuffle(text)
    yield "too deep", bytes(text)


ODD_TEXTS = dict(odd_texts())


@pytest.mark.parametrize("name", ODD_TEXTS)
def test_the_library_makes_the_oracles_trees(name: str) -> None:
    content = ODD_TEXTS[name]
    assert are_best(trees_of(content), content)
    assert foretold.decompress(plain(content, 1)) == content
    if name == "too deep":
        counts = [content.count(byte) for byte in range(256)]
        assert tree._cheapest(counts, tree.RAREST).depth() > tree.MOST_DEPTH
        assert tree.best(counts).root in trees_of(content).roots()


# Trees made by hand.


def comb(first: int, end: int, most: int, left: bool = True) -> Any:
    """A tree whose leaves are as deep as may be, from its one side on."""
    if end - first == 1:
        return first
    rest = end - first - 1
    if most == 0:
        raise AssertionError
    if rest > 1 << most - 1:
        middle = (first + end) // 2
        return comb(first, middle, most - 1, left), comb(middle, end, most - 1, left)
    if left:
        return first, comb(first + 1, end, most - 1, left)
    return comb(first, end - 1, most - 1, left), end - 1


ODD_TREES = {
    "balanced": tree.BALANCED.root,
    "deep on the right": comb(0, 256, 16),
    "deep on the left": comb(0, 256, 16, False),
    "deep everywhere": comb(0, 256, 12),
}
BAD_TREES = {
    "a leaf too deep": comb(0, 256, 17),
    "a leaf too many": comb(0, 257, 9),
    "a leaf too few": comb(0, 255, 8),
    "few leaves": comb(0, 200, 8),
}


def alone(root: Any) -> trees.Trees:
    return trees.Trees([tree.Tree(root)], [0] * 256)


def several(most: int) -> trees.Trees:
    """So many, without any order after which."""
    source = random.Random(most)
    roots = source.choices(list(ODD_TREES.values()), k=most)
    return trees.Trees([tree.Tree(root) for root in roots], source.choices(range(most), k=256))


@pytest.fixture
def archive_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[trees.Trees], bytes]:
    """The archive of long words by trees that are chosen otherwise."""

    def make(chosen: trees.Trees) -> bytes:
        monkeypatch.setattr(trees, "best", lambda coded, most: chosen)
        content = long_words()
        return oracle.compress(content, checks=False, coded=_core.coded_bytes(content, False))

    return make


@pytest.mark.parametrize("name", ["deep on the right", pytest.param("deep on the left", marks=HEAVY)])
def test_the_library_decodes_by_any_tree(name: str, archive_with: Callable[[trees.Trees], bytes]) -> None:
    archive = archive_with(alone(ODD_TREES[name]))
    assert trees.read(Unpacker(payload_of(archive))).roots() == [ODD_TREES[name]]
    assert foretold.decompress(archive) == long_words()


@pytest.mark.parametrize("count", [5, *(pytest.param(count, marks=HEAVY) for count in (2, 3, 7, 8))])
def test_the_library_decodes_by_any_trees(count: int, archive_with: Callable[[trees.Trees], bytes]) -> None:
    archive = archive_with(several(count))
    found = trees.read(Unpacker(payload_of(archive)))
    assert (found.roots(), found.after) == (several(count).roots(), several(count).after)
    assert foretold.decompress(archive) == long_words()


def of_trees_alone(written: trees.Trees) -> bytes:
    """What the coder writes of trees; all the rest of the payload is as good as any other."""
    packer = Packer()
    trees.write(written, packer)
    return packer.encoder.finish()


def wide(payload: bytes) -> bytes:
    """A compact member of preset 1, without checks, of so much content that its text has trees."""
    tag = container.COMPACT | container.WIDE
    lengths = LEAST.to_bytes(3, "little") + len(payload).to_bytes(3, "little")
    return container.MAGIC + bytes([tag, 1 | engine.MODELLED_BIT << 4]) + lengths + payload


def is_refused(archive: bytes) -> bool:
    try:
        return len(foretold.decompress(archive, max_output=1 << 20)) != LEAST
    except foretold.CorruptError:
        return True


def are_trees(payload: bytes) -> bool:
    try:
        trees.read(Unpacker(payload))
    except tree.TreeError:
        return False
    return True


@pytest.mark.parametrize("name", [*ODD_TREES, *BAD_TREES])
def test_both_refuse_what_is_no_tree(name: str) -> None:
    payload = of_trees_alone(alone((ODD_TREES | BAD_TREES)[name]))
    assert are_trees(payload) == (name in ODD_TREES)
    assert is_refused(wide(payload)) == (name in BAD_TREES)
    if name in BAD_TREES:
        with pytest.raises(oracle.FormatError, match="tree"):
            oracle.decompress(wide(payload))


@pytest.mark.parametrize("name", BAD_TREES)
def test_both_refuse_what_is_no_tree_among_others(name: str) -> None:
    payload = of_trees_alone(trees.Trees([tree.BALANCED, tree.Tree(BAD_TREES[name])], [0, 1] * 128))
    assert not are_trees(payload)
    assert is_refused(wide(payload))


@pytest.mark.parametrize("at", [0, 97, 255])
def test_both_refuse_a_tree_that_there_is_not(at: int) -> None:
    for count in (2, 5, 7):
        found = several(count)
        assert not is_refused(wide(of_trees_alone(found)))
        found.after[at] = count
        payload = of_trees_alone(found)
        assert not are_trees(payload)
        assert is_refused(wide(payload))


@pytest.mark.parametrize("payload", [b"", b"\xff" * 99, b"\0" * 98 + b"\1", b"\x80", bytes(range(1, 100))])
def test_both_refuse_payloads_that_are_no_trees_at_all(payload: bytes) -> None:
    assert not are_trees(payload)
    assert is_refused(wide(payload))


def test_damaged_trees_are_refused_or_read_otherwise() -> None:
    content = monotonous(LEAST)
    checked, unchecked = (plain(content, 1, checksum=checksum) for checksum in (True, False))
    trees_bytes = len(of_trees_alone(trees_of(content)))
    source = random.Random(8)
    refused = 0
    for _ in range(500):
        for archive in (checked, unchecked):
            start = len(archive) - len(payload_of(unchecked))
            damaged = bytearray(archive)
            at = start + source.randrange(trees_bytes)
            damaged[at] = source.choice((0, 0xFF, damaged[at] ^ 1 << source.randrange(8)))
            if damaged == archive:
                continue
            if archive is checked:
                with pytest.raises(foretold.CorruptError):
                    foretold.decompress(damaged)
            elif not are_trees(damaged[start:]):
                assert is_refused(damaged)
                refused += 1
            else:
                is_refused(damaged)
    assert refused > 100


# Blocks that are left and taken up again.


def test_copies_take_their_trees_with_them() -> None:
    content = long_words(66_000, CYRILLIC)
    compressor = foretold.Compressor(1, block_size=1 << 18, knowledge="none", transform="words")
    archive = compressor.compress(content) + compressor.flush(compressor.FLUSH)
    other = compressor.copy()
    end, of_other = (each.compress(SHORT) + each.flush() for each in (compressor, other))
    assert end == of_other
    decompressor = foretold.Decompressor()
    assert decompressor.decompress(archive) == content
    copied = decompressor.copy()
    assert decompressor.decompress(end) == copied.decompress(end) == SHORT


class StoppedError(Exception):
    pass


def stop(done: int) -> None:
    if done > 1 << 20:
        raise StoppedError


def test_a_resumed_block_has_its_tree(tmp_path: Path, make_text: MAKE_TEXT) -> None:
    """Of two chunks; it is left between them."""
    how: dict[str, Any] = {"knowledge": "none", "transform": "words"}
    source, packed, target = (tmp_path / name for name in ("text", "archive", "target"))
    checkpoint = tmp_path / "checkpoint"
    source.write_bytes(make_text(1_200_000))
    kept: dict[str, Any] = {"checkpoint": checkpoint, "checkpoint_every": 0, "progress": stop}
    with pytest.raises(StoppedError):
        foretold.compress_file(source, packed, 1, **how, **kept)
    assert checkpoint.exists()
    foretold.resume_file(checkpoint)
    archive = packed.read_bytes()
    assert archive == foretold.compress(source.read_bytes(), 1, **how)
    with pytest.raises(StoppedError):
        foretold.decompress_file(packed, target, **kept)
    assert checkpoint.exists()
    foretold.resume_file(checkpoint)
    assert target.read_bytes() == source.read_bytes()


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_both_write_the_same_of_noise() -> None:
    archive = plain(NOISE, 1)
    assert oracle.compress(NOISE) == archive
    assert foretold.decompress(archive) == NOISE


@pytest.mark.parametrize("preset", [1, 3])
def test_noise_comes_back(preset: int) -> None:
    for content in (NOISE, NOISE[: LEAST - 1]):
        archive = plain(content, preset)
        assert foretold.decompress(archive) == content
        assert len(archive) < len(content)
        assert foretold.decompress(flushed(content, SHORT, preset=preset)) == content + SHORT
