"""Texts whose lines are joined: the library and its plain-Python twin, and round trips."""

from __future__ import annotations

import functools
import gzip
import random
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import foretold

TESTS = Path(__file__).parent
if str(TESTS) not in sys.path:
    sys.path.append(str(TESTS))

import oracle  # noqa: E402
from oracle import container, engine  # noqa: E402

FORMS = ["\n", "\r\n", " \n", " \r\n"]
plain = functools.partial(foretold.compress, knowledge="none")


@functools.cache
def prose(words: int, seed: int = 1, vocabulary: int = 400) -> str:
    """Sentences of so many made-up words."""
    draw = random.Random(seed)
    syllables = ["ba", "ku", "ne", "ro", "shi", "ta", "mo", "li", "ven", "dar"]
    known = ["".join(draw.choices(syllables, k=draw.randint(1, 4))) for _ in range(vocabulary)]
    text = [draw.choice(known) + ("." if draw.random() < 0.1 else "") for _ in range(words)]
    return " ".join(text)


def wrapped(text: str, width: int = 40, end: str = "\n", first: str = "", others: str = "") -> bytes:
    """Paragraphs of a hundred words, wrapped as by `textwrap`."""
    words = text.split(" ")
    paragraphs = []
    for at in range(0, len(words), 100):
        paragraph = " ".join(words[at : at + 100])
        lines = textwrap.wrap(paragraph, width, initial_indent=first, subsequent_indent=others)
        paragraphs.append(end.join(lines) + "\n\n")
    return "".join(paragraphs).encode()


def first_method(archive: bytes) -> int:
    """Of a member's first chunk, or of a compact member as it would be in a chunk."""
    if archive[2] & container.COMPACT:
        method = archive[3] >> 4
        return container.COMPACT_JOINED.get(method, method)
    at = 22 + 8 * (archive[3] & 1) + 26
    return archive[at]


def is_joined(archive: bytes) -> bool:
    return bool(first_method(archive) & engine.JOINED_BIT)


@pytest.mark.parametrize(("preset", "end"), [*((1, end) for end in FORMS), (5, "\n"), (9, "\n")])
def test_twins_agree_on_wrapped_text(preset: int, end: str) -> None:
    # The plain one is slow.
    text = wrapped(prose(250 if preset == 9 else 600), 30, end=end)
    archive = plain(text, preset=preset)
    assert is_joined(archive)
    assert oracle.decompress(archive) == text
    assert foretold.decompress(archive) == text


@pytest.mark.parametrize(
    ("first", "others"), [("  ", ""), ("# ", "# "), ("- ", "  "), ("\t* ", "\t"), ("> ", "> ")]
)
def test_twins_agree_on_what_lines_begin_with(first: str, others: str) -> None:
    text = wrapped(prose(600), first=first, others=others)
    archive = plain(text, preset=1)
    assert is_joined(archive)
    assert oracle.decompress(archive) == text
    assert foretold.decompress(archive) == text


def test_twins_agree_on_words_with_codes() -> None:
    text = wrapped(prose(800, vocabulary=20))
    archive = plain(text, preset=1, transform="words")
    assert first_method(archive) == engine.JOINED_BIT | 5
    assert oracle.decompress(archive) == text
    assert foretold.decompress(archive) == text


@pytest.mark.heavy
def test_twins_agree_where_a_tree_is_planted() -> None:
    text = wrapped(prose(14_000))
    archive = plain(text, preset=1, transform="auto")
    assert len(text) > engine.LEAST_BYTES
    assert is_joined(archive)
    assert oracle.decompress(archive) == text
    assert foretold.decompress(archive) == text


@pytest.mark.parametrize("transform", ["auto", "words"])
def test_twins_agree_on_what_a_stream_holds(transform: str) -> None:
    text = gzip.compress(wrapped(prose(600)), mtime=0)
    archive = plain(text, preset=1, transform=transform)
    method = first_method(archive)
    assert method & engine.JOINED_BIT
    assert method & engine.EXPANDED_BIT
    assert oracle.decompress(archive) == text
    assert foretold.decompress(archive) == text


def test_joined_lines_are_worth_it() -> None:
    text = wrapped(prose(8000))
    unwrapped = prose(8000)
    joined, broken, without = (
        len(plain(data, preset=5, transform=transform))
        for data, transform in [(text, "auto"), (text, "none"), (unwrapped.encode(), "none")]
    )
    assert joined < broken
    # Nearly all that the breaks cost is saved.
    assert joined - without < (broken - without) / 2


@pytest.mark.parametrize("preset", [1, 3, pytest.param(8, marks=pytest.mark.timeout(300))])
def test_contents_of_many_chunks_and_of_all_kinds_come_back(preset: int, tmp_path: Path) -> None:
    draw = random.Random(7)
    noise = draw.randbytes(40_000)
    table = "".join(f"{i};{i * i % 977};{i % 13}\n" for i in range(9000)).encode()
    parts = [
        wrapped(prose(60_000)),
        noise,
        wrapped(prose(160_000, 2), 40, " \r\n"),
        table,
        wrapped(prose(9000, 3)),
    ]
    content = b"".join(parts)
    assert len(content) > 1 << 20
    make = functools.partial(plain, content, preset=preset, transform="words")
    archive = make()
    assert is_joined(archive)
    assert foretold.decompress(archive) == content
    for threads in (1, 2):
        assert make(threads=threads) == archive
    source, target = tmp_path / "content", tmp_path / "content.ftd"
    source.write_bytes(content)
    foretold.compress_file(source, target, preset=preset, knowledge="none", transform="words")
    assert target.read_bytes() == archive


def test_streams_cut_anywhere_give_the_same_bytes() -> None:
    content = wrapped(prose(30_000))
    whole = plain(content, preset=1)
    compressor = foretold.Compressor(1, knowledge="none")
    pieces = [compressor.compress(content[at : at + 777]) for at in range(0, len(content), 777)]
    assert b"".join(pieces) + compressor.flush() == whole
    decompressor = foretold.Decompressor()
    restored = b"".join(decompressor.decompress(whole[at : at + 100]) for at in range(0, len(whole), 100))
    assert restored == content


def test_without_transform_nothing_is_joined() -> None:
    assert not is_joined(plain(wrapped(prose(2000)), preset=1, transform="none"))


def test_verse_and_tables_stay_as_they_are() -> None:
    draw = random.Random(5)
    words = prose(6000).replace(".", "").split(" ")
    verse = "\n".join(" ".join(words[at : at + 7]).capitalize() for at in range(0, len(words), 7)).encode()
    rows = "\n".join(f"{a} {draw.randint(1, 999)}" for a in words).encode()
    for text in (verse, rows):
        archive = plain(text, preset=1)
        assert not is_joined(archive)
        assert foretold.decompress(archive) == text


@pytest.mark.parametrize("transform", ["auto", "words"])
def test_code_lengths_are_those_of_the_archive(transform: foretold.Transform) -> None:
    text = wrapped(prose(4000))
    archive = plain(text, preset=3, transform=transform, checksum=False)
    bits = foretold.code_lengths(text, 3, knowledge="none", transform=transform)
    assert len(bits) == len(text)
    assert abs(float(np.sum(bits)) / 8 - len(archive)) < 24
    ends = np.frombuffer(text, np.uint8) == 10
    as_it_is = foretold.code_lengths(text, 3, knowledge="none", transform="none")
    assert bits[ends].sum() < as_it_is[ends].sum()


def test_damage_is_found_or_makes_another_content() -> None:
    text = wrapped(prose(300), 30, end=" \r\n")
    archive = plain(text, preset=1, checksum=False)
    assert is_joined(archive)
    draw = random.Random(11)
    for _ in range(12):
        damaged = bytearray(archive)
        damaged[draw.randrange(8, len(archive))] ^= 1 << draw.randrange(8)
        verdicts = []
        for decompress in (oracle.decompress, foretold.decompress):
            try:
                verdicts.append(decompress(bytes(damaged)))
            except (oracle.FormatError, foretold.ForetoldError):
                verdicts.append(None)
        assert verdicts[0] == verdicts[1]
        assert verdicts[0] is None or len(verdicts[0]) == len(text)
