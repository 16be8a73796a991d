"""The library agrees with its plain-Python twin in `tests/oracle`, bit for bit."""

from __future__ import annotations

import dataclasses
import functools
import io
import json
import math
import random
import re
import struct
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foretold
import foretold.measure
from foretold import _core

TESTS = Path(__file__).parent
FORMAT = TESTS.parent / "docs" / "FORMAT.md"
if str(TESTS) not in sys.path:
    sys.path.append(str(TESTS))

import oracle  # noqa: E402
from oracle import bit_history, container, dictionary, engine, lstm_mixer, network, priors, probability, setup  # noqa: E402
from oracle import float as oracle_float  # noqa: E402
from oracle.blake3 import blake3  # noqa: E402
from oracle.crc32c import crc32c  # noqa: E402
from oracle.frozen import FrozenLstm  # noqa: E402
from oracle.history import History  # noqa: E402
from oracle.match_model import MatchModel  # noqa: E402
from oracle.predictor import STRUCTURED, TEXT, Predictor  # noqa: E402
from oracle.transform import Inverse, TransformError  # noqa: E402

MAKE_TEXT = Callable[[int], bytes]
# Archives that start from priors have tests of their own.
plain = functools.partial(foretold.compress, knowledge="none")


@pytest.fixture(scope="module")
def content() -> bytes:
    """2 KB of prose in several scripts, with a table."""
    prose = (
        "Was morgen kommt, weiß niemand genau; 明日は明日の風が吹く. What is well foretold needs few bits.\n"
    )
    rows = "".join(f"{row:04}\t{row * row % 97}\tfield {row % 7}\n" for row in range(80))
    return (prose * 2 + rows + prose.upper()).encode()[:2048]


@pytest.fixture(scope="module")
def archive(content: bytes) -> bytes:
    return plain(content, preset=1)


def named(number: int) -> foretold.Preset:
    """A preset as calls take it."""
    return "max" if number == 10 else number


def flushed(*parts: bytes, preset: foretold.Preset = 1, checksum: bool = True) -> bytes:
    """A full member with a chunk for each part."""
    compressor = foretold.Compressor(preset, checksum=checksum, block_size=65536, knowledge="none")
    chunks = [compressor.compress(part) + compressor.flush(compressor.FLUSH) for part in parts]
    return b"".join(chunks) + compressor.flush()


def test_oracle_decodes_a_message(content: bytes, archive: bytes) -> None:
    assert archive[2] & container.COMPACT
    assert archive[3] >> 4 == engine.MODELLED_BIT
    assert oracle.decompress(archive) == content


def test_oracle_writes_the_same_message(content: bytes, archive: bytes) -> None:
    assert oracle.compress(content) == archive


def test_oracle_writes_the_same_message_without_checks(content: bytes) -> None:
    assert oracle.compress(content[:300], checks=False) == plain(content[:300], 1, checksum=False)


def test_oracle_writes_the_same_as_the_library_for_awkward_contents(awkward: bytes) -> None:
    awkward = awkward[:700]
    archive = oracle.compress(awkward)
    assert archive == plain(awkward, preset=1)
    assert foretold.decompress(archive) == awkward


@pytest.mark.parametrize("checksum", [True, False])
def test_oracle_decodes_a_member_of_several_chunks(content: bytes, checksum: bool) -> None:
    archive = flushed(content[:900], content[900:1500], content[1500:], checksum=checksum)
    assert oracle.decompress(archive) == content


def test_oracle_follows_a_block_from_text_to_binary_and_back() -> None:
    """What one kind learned is still there when it comes again, and a stored chunk is learned, too."""
    table = b"".join(struct.pack("<HHI", row, row * row % 251, row // 3) for row in range(90))
    noise = random.Random(3).randbytes(200)
    text = b"rows and columns, columns and rows; " * 8
    parts = [text, table, text[:100], noise, table[:300], noise, text]
    assert [engine.kind_of(part, None) for part in parts] == [0, 1, 0, 1, 1, 1, 0]
    assert oracle.decompress(flushed(*parts)) == b"".join(parts)


def test_oracle_decodes_a_stored_message() -> None:
    noise = random.Random(4).randbytes(300)
    archive = plain(noise, preset=1)
    assert noise in archive
    assert oracle.decompress(archive) == noise


def test_oracle_decodes_members_in_a_row() -> None:
    members = [plain(b"", 1), flushed(b"one, "), plain(b"two", 1, checksum=False)]
    assert oracle.decompress(b"".join(members)) == b"one, two"


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_oracle_decodes_several_blocks_with_an_index(make_text: MAKE_TEXT) -> None:
    content = make_text(66_000)
    archive = plain(content, preset=1, block_size=65536)
    assert container.INDEX in archive
    assert oracle.decompress(archive) == content


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_oracle_writes_the_same_wide_message(make_text: MAKE_TEXT) -> None:
    content = make_text(65_600)
    assert oracle.compress(content) == plain(content, preset=1, transform="none")


def test_oracle_notices_a_flipped_byte_of_a_payload(content: bytes) -> None:
    short = content[:200]
    checked = bytearray(plain(short, 1))
    unchecked = bytearray(plain(short, 1, checksum=False))
    for back in (1, 20, 40):
        checked[-back] ^= 0x10
        with pytest.raises(oracle.FormatError):
            oracle.decompress(checked)
        checked[-back] ^= 0x10
        unchecked[-back] ^= 0x10
        try:
            found = oracle.decompress(unchecked)
        except oracle.FormatError:
            found = None
        assert found != short
        unchecked[-back] ^= 0x10
    assert oracle.decompress(checked) == oracle.decompress(unchecked) == short


def test_oracle_and_library_both_refuse_a_damaged_header(content: bytes) -> None:
    whole = flushed(content[:100])
    # Past the model's identity: magic, tag, flags, check, block header and chunk header.
    for at in (0, 1, 2, 3, 19, 22, 26, 45, 49, 54):
        damaged = bytearray(whole)
        damaged[at] ^= 0x01
        with pytest.raises(oracle.FormatError):
            oracle.decompress(damaged)
        with pytest.raises(foretold.ForetoldError):
            foretold.decompress(bytes(damaged))


def test_every_probability_is_the_librarys(content: bytes) -> None:
    """Bit for bit the archives above show it; here byte for byte, so that a first difference has a place."""
    predictor = Predictor(1, container.size_class(len(content)))
    predictor.begin(engine.kind_of(content, None))
    costs = foretold.code_lengths(content, preset=1, knowledge="none")
    for at, byte in enumerate(content):
        cost = 0.0
        for i in range(7, -1, -1):
            bit = byte >> i & 1
            p1 = predictor.predict() / (1 << probability.P1_BITS)
            cost -= math.log2(p1 if bit else 1.0 - p1)
            predictor.update(bit)
        assert costs[at] == pytest.approx(cost, abs=1e-9), f"byte {at}"


@pytest.mark.parametrize("content_bytes", [1, 1025, 65536, 65537, 300_000])
def test_declared_memory_follows_the_formula(content_bytes: int) -> None:
    member = foretold.info(io.BytesIO(plain(bytes(content_bytes), 1))).members[0]
    assert member.memory_bytes == setup.SETUPS[1].memory_bytes(container.size_class(content_bytes))


@pytest.mark.parametrize("preset", range(1, 11))
def test_memory_of_the_largest_models_follows_the_formula(preset: int) -> None:
    assert foretold.PRESETS[preset - 1].memory_bytes == setup.SETUPS[preset].memory_bytes(26)


TABLE = b"".join(struct.pack("<HHI", row, row * row % 251, row // 3) for row in range(38))
MARKUP = b"""<p class="old">To be, or not to be (that is "the question")?</p>
<ul><li>one\t1</li> <li>two\t2</li></ul> {"key": [1, 2, "value"]} the question is not to be
  indented; 3.14, the question, or not <br /> the end. The end! {"key": [3, 4, "other"]}
"""


@pytest.mark.parametrize("preset", range(2, 11))
@pytest.mark.parametrize("content", [MARKUP, TABLE], ids=["text", "binary"])
def test_oracle_writes_the_same_with_every_preset(preset: int, content: bytes) -> None:
    assert oracle.compress(content, preset) == plain(content, named(preset))


# Strings, numbers, lines and escapes as TeX writes them; then what no one should write.
PDF = rb"""<< /Length 420 >>
stream
1 0 0 1 87.94 740 cm
BT
/F8 9.963 Tf 0 0 Td[(T)83(o)-333(b)-1(e,)-383(or)-334(not)-333(to)-333(b)1(e.)-444(T)83(o)-333(b\351)]TJ
-14.9 -11.955 Td[(is)-278(to)-278(be:)-305(\050to)-279(b)-1(e\051,)-320(or)-278(to)-278(b\3511)]TJ T*
[(or)-1000.5(not) -250 (T)83(o)-8(b)(e)98]TJ (a(nested)\)\\\n\7b\12c\0)Tj
ET
endstream (to be)
BT
)a))-999999999999999(-(--3.2.1-300-400(\9)-)-250()-350(()-20000((T*(TdTD(
ET
or not
BT
(to be)-500 or not"""


# Words that stand alone, as Ghostscript writes them: breaks, spaces, line ends, another font; then what no
# one should write.
ADVANCES = rb"""q 10 0 0 10 0 0 cm BT
/R7 10.9091 Tf
1 0 0 1 80 740 Tm
(T)Tj
5.4 0 Td
(o)Tj
8.15 0 Td
(b)Tj
5.1491 0 Td
(e,)Tj
10.5271 0 Td
(or)Tj
11.6382 0 Td
(not)Tj
-40.86 -13.56 Td
(to)Tj
11.2 0 Td
(b)Tj
5.14907 0 Td
(e.)Tj
ET Q
q 10 0 0 10 0 0 cm BT
/R9 8 Tf
(W)Tj 7.1 0 Td (ords)Tj 999999.999 0 Td (Wm)Tj -3 0 Td ()Tj 1 0 Td (\251)Tj 0.5.5 0 Td (a)Tj
123456789.123456789 0 Td (b)Tj 0 0 Td (a)Tj 4 0 TD (b)Tj T* (c)Tj 0 1 Td (d)Tj 0 1 Td (e)Tj 0 1 Td (f)Tj
0 1 Td (g)Tj 5 0 Tdx (h)TJ 6 0 Td -8 Tf (iiii)Tj 9 0 Td (k)Tj 9.99 0 Td 12345 Tf
(mmmmmmmmmm)Tj 1234 0 Td (MM)Tj 200.5 0 Td (t)Tj .75 0 Td (o)Tj
"""


@pytest.mark.parametrize("preset", range(1, 11))
@pytest.mark.parametrize("source", [PDF, ADVANCES], ids=["numbers", "advances"])
def test_oracle_sees_what_text_objects_show(source: bytes, preset: int) -> None:
    content = source if preset < 10 else source[:400]
    assert oracle.compress(content, preset) == plain(content, named(preset))


def tar_of(*members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.uname = len(content), 10**9 + len(name), "user"
            member.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


@pytest.mark.parametrize("preset", [1, 2, 5, 8, 9])
def test_oracle_foresees_checksums_of_tar_headers(preset: int) -> None:
    members = [("one", PROSE[:90]), ("of/", b""), ("of/two", b"0000644 " * 3), ("of/three/", b"")]
    # Headers alone, and what is nearly one.
    archive = tar_of(*members)
    headers = b"".join(archive[at : at + 512] for at in (0, 1024, 1536, 2560))
    content = headers + headers[:140] + b"0000000 8\0" + headers[:300]
    assert oracle.compress(content, preset) == plain(content, named(preset))


def test_oracle_keeps_a_text_object_over_transformed_chunks() -> None:
    at = PDF.index(b"(or)")
    parts = [PDF[: at + 2], PROSE, PDF[at + 2 :], PROSE]
    compressor = foretold.Compressor(1, block_size=65536, transform="words", knowledge="none")
    chunks = [compressor.compress(part) + compressor.flush(compressor.FLUSH) for part in parts]
    archive = b"".join(chunks) + compressor.flush()
    assert oracle.decompress(archive) == b"".join(parts)


@pytest.mark.parametrize("preset", [6, 8, 9, 10])
def test_oracle_follows_strong_presets_from_kind_to_kind(preset: int) -> None:
    parts = [MARKUP[:120], TABLE[:200], MARKUP[120:200], TABLE[200:300]]
    assert oracle.decompress(flushed(*parts, preset=named(preset))) == b"".join(parts)


# Numbers that count up and fall, with leading zeros or too many digits; keys, tags, an empty line.
LOG = b"".join(
    b'07:00:59 INFO the unit at work is as it was before, <v n="3">id</v> = 00%d, %d left;%s\n'
    % (97 + t, 10 - t, b" %d" % 10**19 if t == 5 else b"\n" * (t == 7))
    for t in range(18)
)


@pytest.mark.parametrize("preset", [3, 4, 5, 6, 7, 8, 9, 10])
def test_oracle_follows_structured_text(preset: int) -> None:
    parts = [LOG[:1300], MARKUP[:60], LOG[1300:]] if preset < 10 else [LOG[:1030]]
    kinds = [engine.kind_of(part, (6, 2, False)) for part in parts]
    assert kinds == [STRUCTURED, TEXT, TEXT][: len(parts)]
    archive = flushed(*parts, preset=named(preset))
    assert oracle.decompress(archive) == b"".join(parts)


# Numbers with points that rise and fall together, some of them odd.
POINTS = b"".join(
    b"the point %d is at %8.2f %8.2f -.5 1.2.%d 7. %s here\n"
    % (t, 1.25 * (t % 3) - 1, 0.5 - 0.75 * (t % 3), t % 2, b"1" * 16 + b".25" if t == 4 else b"0.0")
    for t in range(24)
)


def test_oracle_follows_numbers_that_change_together() -> None:
    assert engine.kind_of(POINTS, (6, 2, False)) == STRUCTURED
    assert oracle.compress(POINTS, 8) == plain(POINTS, preset=8)


# Brackets that nothing closes, that close others, too many of them, and paragraphs that end some.
BRACKETS = (
    b"A [[link of Many words|so]] (or [[two (it\nwent on) a) b] {{box|x[1]=f(y)\n\n"
    + b"still in it}} and out; "
    + b"({[" * 7
    + b" deep <b (in>"
    + b")]}" * 8
    + b' "said [1, 2) he"\n\n\nCapital (Words Within them\n\nare [[closed]].\n'
)


@pytest.mark.parametrize("preset", [1, 5, 8])
def test_oracle_follows_brackets_that_stay_open(preset: int) -> None:
    assert oracle.compress(BRACKETS, preset) == plain(BRACKETS, preset)


# What a line opens, closes and leaves open, and runs of marks that open nothing.
MARKS = (
    b"= One =\n== Two words ==\n=====Five, ''of'' 'them'=====\nx == y, '''bold and ''both''' or'''' not''\n"
    b"'''''all''' of ''''''it&lt;br /&gt; &amp;lt; &quot;said&quot; he; &quot;and &lt;ref\n"
    b"{|a|b|c|d|e\n[[link|of marks|]] - well-known... isn't it? Yes! (so: it) is\n== Two &quot;words\n"
)


@pytest.mark.parametrize("preset", [8, 9])
def test_oracle_follows_marks_that_stay_open(preset: int) -> None:
    assert oracle.compress(MARKS, preset) == plain(MARKS, preset)


def test_structured_text_is_no_kind_where_it_has_no_models() -> None:
    archive = bytearray(plain(LOG, preset=9))
    assert archive[3] >> 4 == engine.MODELLED_BIT | engine.STRUCTURED_METHOD
    assert plain(LOG, preset=2)[3] >> 4 == engine.MODELLED_BIT | engine.TEXT_METHOD
    archive[3] = archive[3] & 0xF0 | 2
    with pytest.raises(oracle.FormatError):
        oracle.decompress(bytes(archive))
    with pytest.raises(foretold.ForetoldError, match="chunk method 7 is unknown"):
        foretold.decompress(bytes(archive))


# Few bytes, for the oracle is slow, and words often enough to get codes.
PROSE = (
    "The word, THE слово; naïve Übung\x01\x03 \udcff the Word and iPhone\n".encode("utf-8", "surrogateescape")
    * 17
)


@pytest.mark.parametrize("preset", range(1, 11))
def test_oracle_decodes_transformed_text_of_every_preset(preset: int) -> None:
    prose = PROSE if preset < 10 else b"Considerable circumstances, CONSIDERABLE differences\x01.\n" * 8
    archive = plain(prose, named(preset), transform="words")
    assert archive[3] >> 4 == engine.MODELLED_BIT | engine.TRANSFORMED_METHOD
    assert oracle.decompress(archive) == prose


def test_oracle_follows_a_dictionary_from_chunk_to_chunk() -> None:
    other = b"Other words beside them, and other words again. " * 20
    parts = [PROSE, TABLE, other + PROSE[:200], MARKUP[:200], other[:500]]
    compressor = foretold.Compressor(1, block_size=65536, transform="words", knowledge="none")
    chunks = [compressor.compress(part) + compressor.flush(compressor.FLUSH) for part in parts]
    archive = b"".join(chunks) + compressor.flush()
    assert oracle.decompress(archive) == b"".join(parts)


def test_oracle_unpacks_the_words_that_the_format_names() -> None:
    english = dictionary.english()
    text = b"".join(word + b"\n" for words in english for word in words)
    packed = dictionary.PACKED.read_bytes()
    document = FORMAT.read_text(encoding="utf-8")
    counts = [f"{len(words):,}" for words in english]
    for named in (*counts, f"{len(text):,}", f"{len(packed):,}", blake3(text).hex()):
        assert named in document, named


def test_oracle_starts_from_given_words() -> None:
    inverse = Inverse(([b"the"], [], [b"word", b"other"]))
    coded = b"@own\n \x01\x80 \x81 \xfc\x80\x81"
    assert b"".join(inverse.push(byte) for byte in coded) == b"The own other"
    with pytest.raises(TransformError):
        inverse.push(0x82)


def test_oracle_and_library_refuse_the_same_coded_bytes() -> None:
    """Stored coded bytes, so that the inverse gets them as they are."""
    text = b"The word and WORD\x01 \xff" + b" word" * 12
    sound = b"@the@word\n\n\n\x01\x80 \x81 and \x02\x81\x03\x01 \x04\xff" + b" \x81" * 12
    edits = [(at, value) for at in range(32) for value in (b"", b"\x01", b"\x82", b"\n", b"a")]
    for at, value in [(len(sound), b""), *edits]:
        coded = sound[:at] + value + sound[at + 1 :]
        header = b"\xf7\xd1\x40" + bytes([4 << 4 | 1, len(text), 0, len(coded), 0])
        results = []
        for decompress, error in (
            (oracle.decompress, oracle.FormatError),
            (foretold.decompress, foretold.ForetoldError),
        ):
            try:
                results.append(decompress(header + coded))
            except error:
                results.append(None)
        assert results[0] == results[1], coded
        assert coded != sound or results[0] == text


SAMPLES = [
    (MARKUP.decode() * 8 + "The words of prose, and what follows them, are known. " * 40).encode(),
    PROSE,
]


@pytest.fixture(scope="module")
def small() -> bytes:
    """A prior of a few kilobytes."""
    return _core.make_ngram_prior("small", SAMPLES, True, 2, 1, 0.5)


@pytest.fixture(scope="module")
def twin(small: bytes) -> oracle.Prior:
    return oracle.Prior(small)


def test_oracle_reads_a_prior(small: bytes, twin: oracle.Prior) -> None:
    prior = foretold.Prior(small)
    assert (twin.name, twin.digest.hex(), twin.id.hex()) == (prior.name, prior.digest, prior.digest[:8])
    assert [len(words) for words in twin.shipped] == [64, 7168, 49152]
    assert len(twin.levels) == 7
    assert all(twin.levels)
    # The code of "the", and a space, are followed by codes of several words.
    the = bytes([0x80 + list(twin.shipped[0]).index(b"the")])
    assert len(twin.levels[2][the + b" "]) > 1
    for length in (1, 2, 3, 4, 5, 6):
        for context in twin.levels[length]:
            assert context[1:] in twin.levels[length - 1]
            assert context[-1] in twin.levels[length - 1][context[:-1]]


@pytest.fixture(scope="module")
def longer() -> bytes:
    """A prior whose contexts are up to eight bytes long."""
    return _core.make_ngram_prior("longer", SAMPLES, False, 2, 1, -10.0, 8)


@pytest.mark.parametrize("preset", [1, 6, 8, 9])
def test_oracle_starts_from_longer_contexts(preset: int, longer: bytes) -> None:
    twin, six = oracle.Prior(longer), _core.make_ngram_prior("longer", SAMPLES, False, 2, 1, -10.0, 6)
    assert len(twin.levels) == 9
    assert all(twin.levels)
    for level, shorter in zip(twin.levels, oracle.Prior(six).levels, strict=False):
        assert level.keys() >= shorter.keys()
    archive = foretold.compress(MARKUP, named(preset), prior=longer, transform="none")
    assert oracle.compress(MARKUP, preset, prior=twin) == archive
    if preset >= 6:
        # Presets that look at eight bytes know more.
        assert len(archive) < len(foretold.compress(MARKUP, named(preset), prior=six, transform="none"))


def test_oracle_and_library_refuse_the_same_priors(small: bytes, longer: bytes) -> None:
    empty = _core.make_ngram_prior("", [], False, 1, 1, 1.0)
    cases = [small[:end] for end in (0, 5, 8, 9, 20, 42, len(small) - 1)]
    for at in (0, 7, 8, 9, 12, 16, 20, 21, 25, len(small) - 1):
        cases.append(small[:at] + bytes([small[at] ^ 1]) + small[at + 1 :])
        forged = cases[-1][:-32]
        cases.append(forged + blake3(forged))
    start = longer.index(bytes([10]), 10 + len("longer"))
    for order in (0, 1, 7, 9, 255):
        forged = longer[: start + 5] + bytes([order]) + longer[start + 6 : -32]
        cases.append(forged + blake3(forged))
    for file in [empty, small, longer, *cases]:
        try:
            oracle.Prior(file)
            refused = False
        except (oracle.PriorError, UnicodeDecodeError):
            refused = True
        try:
            # What the sections hold is looked at when it is needed.
            prior = foretold.Prior(file)
            foretold.compress(b"text", 1, prior=prior)
            refuses = False
        except foretold.PriorError:
            refuses = True
        assert refused == refuses, file[:40]


@pytest.mark.parametrize("preset", [1, 2, 4, 5, 6, 7, 8, 9, 10])
@pytest.mark.parametrize("content", [MARKUP, TABLE], ids=["text", "binary"])
def test_oracle_starts_from_a_prior_with_every_preset(
    preset: int, content: bytes, small: bytes, twin: oracle.Prior
) -> None:
    archive = foretold.compress(content, named(preset), prior=small, transform="none")
    assert archive[:2] == container.PRIMED_MAGIC
    assert archive[4:8] == twin.id
    assert oracle.compress(content, preset, prior=twin) == archive
    if content == MARKUP:
        assert len(archive) < len(plain(content, named(preset), transform="none"))


@pytest.mark.parametrize("preset", [1, 5, 9, 10])
def test_oracle_starts_from_weights(preset: int, small: bytes, twin: oracle.Prior) -> None:
    prior = foretold.Prior(small)
    weights = _core.learn_weights(prior._inner, preset, [PROSE * 9, MARKUP * 4])
    weighed = prior._inner.with_weights("weighed", [(preset, weights)]).to_bytes()
    archive = foretold.compress(MARKUP, named(preset), prior=weighed, transform="none")
    assert len(archive) < len(foretold.compress(MARKUP, named(preset), prior=small, transform="none"))
    assert oracle.compress(MARKUP, preset, prior=oracle.Prior(weighed)) == archive
    other = 2 if preset == 1 else 1
    archive = foretold.compress(MARKUP[:200], other, prior=weighed, transform="none")
    # All but the prior's name and the check.
    without = foretold.compress(MARKUP[:200], other, prior=small, transform="none")
    assert archive[16:] == without[16:]
    # More than the zeros that packing may have left off at the end.
    longer = prior._inner.with_weights("longer", [(preset, weights + b"and more" * 9)]).to_bytes()
    with pytest.raises(foretold.PriorError, match="weights cannot be unpacked"):
        foretold.compress(MARKUP, named(preset), prior=longer)
    with pytest.raises(oracle.PriorError):
        oracle.compress(MARKUP, preset, prior=oracle.Prior(longer))


@pytest.mark.parametrize("preset", [1, 5, 9, 10])
def test_oracle_decodes_words_that_are_known(preset: int, small: bytes, twin: oracle.Prior) -> None:
    content = "“It was late,” she said—and the garden, where nobody walked, was dark.\n".encode() * 2
    archive = foretold.compress(content, named(preset), prior=small)
    assert archive[3] >> 4 == engine.MODELLED_BIT | engine.TRANSFORMED_METHOD
    assert oracle.decompress(archive, [twin]) == content


@pytest.mark.parametrize("checksum", [True, False])
def test_oracle_decodes_a_member_with_a_prior(small: bytes, twin: oracle.Prior, checksum: bool) -> None:
    """Of a block that copies the whole of what the prior fills, and goes from kind to kind."""
    parts = [MARKUP[:120], TABLE[:200], MARKUP[120:], b"The words of prose, and what follows. " * 4]
    compressor = foretold.Compressor(1, block_size=65536, prior=small, checksum=checksum)
    chunks = [compressor.compress(part) + compressor.flush(compressor.FLUSH) for part in parts]
    archive = b"".join(chunks) + compressor.flush()
    assert archive[18:50] == twin.digest
    assert archive[54 + 18 : 54 + 22] == twin.id
    assert oracle.decompress(archive, [twin]) == b"".join(parts)
    other = oracle.Prior(_core.make_ngram_prior("other", [b"some text " * 9], False, 1, 1, 1.0))
    with pytest.raises(oracle.PriorError, match=twin.digest.hex()):
        oracle.decompress(archive, [other])


def test_oracle_and_library_refuse_small_blocks_that_are_not(small: bytes, twin: oracle.Prior) -> None:
    """A block that claims size class 10: stored chunks, lists that give no content, kinds in turn."""
    compressor = foretold.Compressor(1, block_size=65536, prior=small, checksum=False)
    archive = bytearray(compressor.compress(b"text") + compressor.flush(compressor.FLUSH))
    archive[54 + 5] = 10
    archive[76:80] = struct.pack("<I", crc32c(bytes(archive[54:76])))
    head = bytes(archive[:80])
    words = b"\n" + b"".join(b"@%c%c" % (97 + n % 26, 97 + n // 26 % 26) for n in range(400))
    text, binary = MARKUP * 6, TABLE[:100]
    for chunks, fits in [
        ([(0, text[:1024])], True),
        ([(0, text[:1025])], False),
        ([(0, text[:1000]), (0, text[:24])], True),
        ([(0, text[:1000]), (0, text[:25])], False),
        ([(0, text[:100]), (2, binary)], True),
        ([(0, text[:100]), (2, binary), (2, binary)], True),
        ([(0, text[:100]), (2, binary), (0, text[:1])], False),
        ([(4, words[:300] + b" the end")], True),
        ([(4, words + b" the end")], False),
    ]:
        body = b""
        for method, coded in chunks:
            length = len(coded).to_bytes(3, "little")
            body += bytes([method]) + length + length + coded
        for decompress, wanted in (
            (lambda data: oracle.decompress(data, [twin]), oracle.FormatError),
            (lambda data: foretold.decompress(data, prior=small), foretold.CorruptError),
        ):
            with pytest.raises(wanted) as told:
                decompress(head + body)
            # What fits fails later: there is no trailer, or not so much content.
            assert bool(re.search(r"2\^10|small block", str(told.value))) == (not fits), (chunks, told.value)


@pytest.mark.parametrize("preset", range(1, 11))
def test_memory_with_a_prior_follows_the_formula(preset: int, small: bytes) -> None:
    for content_bytes in (1, 30_000, 40_000) if preset < 10 else (1, 33_000):
        archive = foretold.compress(bytes(content_bytes), named(preset), prior=small)
        member = foretold.info(io.BytesIO(archive)).members[0]
        wanted = setup.SETUPS[preset].memory_bytes(container.size_class(content_bytes), primed=True)
        assert member.memory_bytes == wanted


def test_the_format_names_the_prior_that_is_shipped() -> None:
    file = priors.SHIPPED.read_bytes()
    document = FORMAT.read_text(encoding="utf-8")
    english = foretold.Prior.english()
    assert english.name == "English"
    for named in (file[-32:].hex(), f"{len(file):,}"):
        assert named in document, named
    assert english.digest == file[-32:].hex()


@pytest.mark.heavy
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("primed", [False, True])
def test_oracle_follows_the_network_through_many_horizons(
    content: bytes, primed: bool, small: bytes, twin: oracle.Prior
) -> None:
    horizons = len(content) // network.UNTRAINED.horizon
    assert horizons > network.UNTRAINED.warm_up
    start = {"prior": small} if primed else {"knowledge": "none"}
    archive = foretold.compress(content, "max", transform="none", **start)
    assert oracle.compress(content, 10, prior=twin if primed else None) == archive


@pytest.mark.heavy
@pytest.mark.timeout(1800)
def test_oracle_starts_from_the_prior_that_is_shipped() -> None:
    english = oracle.Prior(priors.SHIPPED.read_bytes())
    assert english.name == "English"
    content = b"It was late, she said, and the garden, where nobody walked, was dark.\n"
    for preset in (1, 5, 9, 10):
        archive = foretold.compress(content, named(preset))
        assert archive[:2] == container.SHIPPED_MAGIC
        assert oracle.decompress(archive, [english]) == content
        with pytest.raises(oracle.PriorError):
            oracle.decompress(archive)


def test_oracle_follows_a_mixer_network(make_mixer: Callable[..., bytes]) -> None:
    weights = make_mixer(32)
    columns, context_names = _core.trace_columns(10)
    rng = np.random.default_rng(3)
    rows = 400
    logits = rng.integers(-2047, 2048, (rows, len(columns)), np.int16)
    contexts = rng.integers(0, 256, (rows, len(context_names)), np.uint8)
    p1_q22 = rng.integers(1, 1 << 22, rows, np.uint32)
    p1_q22[::7], p1_q22[3::7] = 1, (1 << 22) - 1
    bits = rng.integers(0, 2, rows, np.uint8)
    corrections, corrected = _core.mixer_corrections(weights, logits, contexts, p1_q22, bits)
    assert np.ptp(corrections) > 1
    own = lstm_mixer.LstmMixer(weights)
    for row in range(rows):
        seen = [int(value) for value in contexts[row]]
        assert own.predict(int(p1_q22[row]), logits[row], seen) == corrected[row]
        assert own.correction == corrections[row]
        own.update(int(bits[row]))


def test_oracle_codes_with_a_mixer_network(small: bytes, make_mixer: Callable[..., bytes]) -> None:
    prior = foretold.Prior(small).with_mixer(make_mixer(16))
    content = b"What is foretold"
    archive = foretold.compress(content, "max", prior=prior, transform="none")
    assert archive != foretold.compress(content, "max", prior=small, transform="none")
    assert oracle.compress(content, 10, prior=oracle.Prior(bytes(prior))) == archive
    assert oracle.decompress(archive, [oracle.Prior(bytes(prior))]) == content


def test_the_format_names_the_constants_of_the_network() -> None:
    document = FORMAT.read_text(encoding="utf-8")
    section = document.partition("### The network\n")[2].partition("\n### ")[0]
    row = r"^\| ([A-Z]|[a-z_]+)(?:, [^|]*)? \| ([\d.]+)(?: \| ([\d.]+))? \|$"
    names = {"H": "horizon", "D": "delay"}
    of_english, of_nothing, sizes = {}, {}, {}
    for name, first, second in re.findall(row, section, re.MULTILINE):
        if second:
            of_english[names.get(name, name)] = float(first)
            of_nothing[names.get(name, name)] = float(second)
        else:
            sizes[name] = int(first)
    assert sizes == {"U": network.UNITS, "L": network.LAYERS, "G": network.GATES}
    assert of_english == dataclasses.asdict(network.TRAINED)
    assert of_nothing == dataclasses.asdict(network.UNTRAINED)


def test_oracle_starts_from_fitted_weights() -> None:
    archive = (TESTS / "golden" / "fitted.ftd").read_bytes()
    assert archive[3] == 7
    assert oracle.decompress(archive) == foretold.decompress(archive)


def test_oracle_unpacks_fitted_weights_of_every_kind() -> None:
    file = quantised_network(64, 1, True, 4, hears_match=True)
    content = b"over and over, over and over"
    archive = foretold.compress(content, "max", network=file, knowledge="none", transform="none")
    assert oracle.decompress(archive) == content


def quantised_network(
    hidden: int, layers: int, four_bits: bool, gates: int = 3, *, hears_match: bool = False
) -> bytes:
    """A safetensors file of int8 weights, or of int4, and scales of all sizes."""
    source = np.random.default_rng(hidden + layers)
    tensors: dict[str, np.ndarray] = {}
    shapes = {"out": (layers * hidden, 256)}
    for layer in range(layers):
        shapes |= {f"embed.{layer}": (256, gates * hidden), f"recur.{layer}": (hidden, gates * hidden)}
        if layer:
            shapes[f"below.{layer - 1}"] = (hidden, gates * hidden)
        for name in ("gain", "bias"):
            tensors[f"{name}.{layer}"] = source.normal(1, 0.5, (gates, hidden)).astype("<f4")
    tensors["out_bias"] = source.normal(0, 1, 256).astype("<f4")
    if hears_match:
        shapes |= {"match_byte": (256, gates * hidden), "match_class": (16, gates * hidden)}
        tensors["match_bias"] = source.normal(1, 1, 16).astype("<f4")
    for name, (rows, columns) in shapes.items():
        if four_bits:
            tensors[name] = source.integers(0, 256, (rows, columns // 2)).astype("u1")
        else:
            tensors[name] = source.integers(-127, 128, (rows, columns)).astype("i1")
        scales = np.exp(source.normal(-5 if four_bits else -8, 1, rows))
        tensors[f"{name}.scale"] = scales.astype("<f4")
    header: dict[str, Any] = {} if gates == 3 else {"__metadata__": {"gates": str(gates)}}
    data = b""
    for name, values in tensors.items():
        kind = {"f4": "F32", "i1": "I8", "u1": "U8"}[values.dtype.str[1:]]
        place = [len(data), len(data) + values.nbytes]
        header[name] = {"dtype": kind, "shape": list(values.shape), "data_offsets": place}
        data += values.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


@pytest.mark.parametrize(
    ("hidden", "layers", "four_bits", "gates", "hears_match"),
    [
        (64, 1, True, 3, False),
        (128, 2, False, 3, True),
        (64, 3, False, 3, False),
        (64, 2, True, 4, True),
        (128, 1, False, 4, False),
    ],
)
def test_oracle_agrees_on_frozen_networks(
    content: bytes, hidden: int, layers: int, four_bits: bool, gates: int, hears_match: bool
) -> None:
    file = quantised_network(hidden, layers, four_bits, gates, hears_match=hears_match)
    text = content[:300] + bytes(range(256))
    found = foretold.measure.network_probabilities(file, text, integers=True)
    twin = FrozenLstm(file)
    for place, (byte, expected) in enumerate(zip(text, expected_after(text), strict=True)):
        assert np.array_equal(twin.probabilities.view("u4"), found[place].view("u4")), place
        twin.update(byte, expected)
    wide = foretold.measure.network_probabilities(file, text)
    assert np.abs(np.log(found) - np.log(wide)).max() < 0.02


def expected_after(text: bytes) -> list[tuple[int, int]]:
    """What match models expect after each byte, as a transformed block of preset max asks them."""
    max_setup = setup.SETUPS[10]
    log2 = max_setup.sizes(max((len(text) - 1).bit_length(), 10))
    past = History(log2.history)
    models = [MatchModel(least, log2.heads, 1023) for least in max_setup.matches]
    found = []
    for byte in text:
        past.push(byte)
        for model in models:
            model.next_byte(past, coded=True)
        found.append(network.expected(models))
    return found


def test_oracle_agrees_on_what_match_models_expect(content: bytes) -> None:
    text = content[:3000] + content[100:900]
    after = [network.NOTHING, *expected_after(text)[:-1]]
    found = _core.expectations(text).reshape(-1, 2)
    assert found.tolist() == [list(expected) for expected in after]
    classes = {match for _, match in after}
    assert {0, 1} < classes
    assert max(classes) > 8
    assert len(_core.expectations(b"")) == 0


@pytest.mark.parametrize(
    ("layers", "gates", "hears_match"),
    [(1, 3, False), (2, 3, False), (1, 4, False), (2, 4, False), (1, 3, True), (2, 4, True)],
)
def test_oracle_agrees_on_networks_that_learn(
    content: bytes, layers: int, gates: int, hears_match: bool
) -> None:
    file = quantised_network(64, layers, False, gates, hears_match=hears_match)
    text = content[:200]
    found = foretold.measure.network_probabilities(file, text, learning=True)
    twin = network.ByteLstm(network.weights_of(file), network.TRAINED)
    for place, (byte, expected) in enumerate(zip(text, expected_after(text), strict=True)):
        assert np.array_equal(twin.probabilities.view("u4"), found[place].view("u4")), place
        twin.update(byte, expected)
    assert twin.passes == 6
    heard = sum(match > 0 for _, match in expected_after(text))
    assert heard > 20
    assert sum(twin.seen["match_byte"]) > 5


@pytest.mark.parametrize(("frozen", "hears_match"), [(False, False), (False, True), (True, True)])
def test_oracle_codes_with_a_network_of_a_prior(small: bytes, frozen: bool, hears_match: bool) -> None:
    file = quantised_network(64, 1, False, 4, hears_match=hears_match)
    prior = foretold.Prior(small).with_network(file, frozen=frozen)
    content = b"over and over, over and over"
    archive = foretold.compress(content, "max", prior=prior, transform="none")
    assert archive != foretold.compress(content, "max", prior=small, transform="none")
    twin = oracle.Prior(bytes(prior))
    assert oracle.compress(content, 10, prior=twin) == archive
    assert oracle.decompress(archive, [twin]) == content


def test_functions_of_the_network_are_near_the_true_ones() -> None:
    x = np.arange(-30_000, 30_001, dtype=np.float32) / np.float32(1000)
    wide = x.astype(np.float64)
    assert x.dtype == oracle_float.exp(x).dtype == oracle_float.tanh(x).dtype == np.float32
    assert np.max(np.abs(oracle_float.exp(x) / np.exp(wide) - 1)) < 3e-7
    assert np.max(np.abs(oracle_float.tanh(x) - np.tanh(wide))) < 3e-7
    assert np.max(np.abs(oracle_float.sigmoid(x) - 1 / (1 + np.exp(-wide)))) < 3e-7


def test_tables_follow_the_functions_they_stand_for() -> None:
    for i in range(4096):
        p = (i + 0.5) / 4096
        want = probability.clamp(math.log(p / (1 - p)) * 256, -2047, 2047)
        assert abs(probability.stretch(i << 4) - want) <= 0.51
    for x in range(-2047, 2048):
        assert abs(probability.squash(x) - 65536 / (1 + math.exp(-x / 256))) <= 0.51
    for x in range(-probability.FINE_LIMIT, probability.FINE_LIMIT, 97):
        want = 4194304 / (1 + math.exp(-x / 4096))
        assert abs(probability.squash_fine(x) - want) <= 1.5 + want * 1e-4


@pytest.mark.parametrize("histories", [bit_history.PROBABILITIES, bit_history.COUNTS])
def test_states_of_bit_histories_fit_a_byte(histories: bit_history.BitHistories) -> None:
    assert len(histories.p1_q16) <= 256
    for bounds, to in histories.steps:
        assert bounds == sorted(bounds)
        assert bit_history.EMPTY not in to


def test_a_match_is_followed() -> None:
    predictor = Predictor(1, 10)
    predictor.begin(engine.TEXT)
    for byte in b"to be or not to be, or not ":
        for i in range(7, -1, -1):
            predictor.predict()
            predictor.update(byte >> i & 1)
    assert predictor.matches[0].expected == 0x100 | ord("t")
    assert predictor.matches[0].match_len >= setup.SETUPS[1].matches[0]


def sources() -> list[Path]:
    return sorted((TESTS / "oracle").glob("*.py"))


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.stem)
def test_oracle_uses_nothing_but_python(source: Path) -> None:
    imported = re.findall(r"^\s*(?:from|import) (\S+)", source.read_text(), re.MULTILINE)
    allowed = {"array", "dataclasses", "functools", "pathlib", "struct", "sys"}
    if source.stem in {"fitted", "float", "frozen", "lstm_mixer", "network"}:
        allowed |= {"json", "numpy"}
    if source.stem == "deflate":
        # For the sums that follow streams.
        allowed |= {"zlib"}
    assert all(name.startswith(".") or name in allowed for name in imported), imported


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.stem)
def test_headings_that_the_oracle_quotes_exist(source: Path) -> None:
    if source.stem in {"__init__", "__main__"}:
        return
    headings = set(re.findall(r"^#+ (.+)$", FORMAT.read_text(encoding="utf-8"), re.MULTILINE))
    quotes = re.findall(r"FORMAT\.md: (.+)\.", source.read_text(encoding="utf-8"))
    assert quotes, "no heading is quoted"
    for quote in quotes:
        for heading in re.findall(r'"([^"]+)"', quote):
            assert heading in headings


@pytest.mark.parametrize(
    ("preset", "knowledge"),
    [
        (1, "none"),
        (2, "none"),
        (3, "none"),
        (5, "none"),
        pytest.param(9, "none", marks=pytest.mark.timeout(300)),
        pytest.param(10, "none", marks=[pytest.mark.heavy, pytest.mark.timeout(900)]),
    ],
)
def test_oracle_starts_from_what_was_learned(preset: int, knowledge: str) -> None:
    samples = [b"level=info service=mail event=sent size=%d\n" % size * 3 for size in range(60)]
    file = bytes(foretold.train_prior(samples, named(preset), max_bytes=60_000, knowledge=knowledge))
    twin = oracle.Prior(file)
    # The samples are structured text, of which presets 1 and 2 have no models.
    assert twin.learned.structured == (preset > 2)
    content = b"level=info service=mail event=sent size=17\n and what is new: \xff\x00 12"
    archive = foretold.compress(content, named(preset), prior=file, transform="none")
    assert oracle.decompress(archive, [twin]) == content
    assert oracle.compress(content, preset, prior=twin) == archive


@pytest.mark.parametrize("primed", [False, True], ids=["from nothing", "with a prior"])
@pytest.mark.parametrize("auto", [False, True], ids=["told", "in the message"])
def test_oracle_writes_and_reads_the_same_raw_messages(
    awkward: bytes, primed: bool, auto: bool, small: bytes, twin: oracle.Prior
) -> None:
    if primed and auto:
        return
    awkward = awkward[:400]
    given = {"prior": small} if primed else {"knowledge": "auto" if auto else "none"}
    kept = {"prior": twin if primed else None, "auto": auto}
    raw = foretold.compress_raw(awkward, 1, transform="none", checksum=True, **given)
    if not (auto and foretold.compress(awkward, 1)[:2] == container.SHIPPED_MAGIC):
        assert oracle.raw.compress(awkward, checks=True, **kept) == raw
        assert oracle.raw.decompress(raw, len(awkward), checks=True, **kept) == awkward


def test_oracle_and_library_refuse_the_same_raw_messages(content: bytes) -> None:
    short = content[:120]
    good = foretold.compress_raw(short, 1, knowledge="none")
    rng = random.Random(6)
    kept = refused = 0
    for _ in range(40):
        raw = bytearray(good)
        at = rng.randrange(len(raw))
        flipped = bytes([raw[at] ^ 1 << rng.randrange(8)])
        raw[at:] = rng.choice([raw[at + 1 :], flipped + raw[at + 1 :], b"", raw[at:] + flipped])
        found = []
        for decompress, error in (
            (functools.partial(foretold.decompress_raw, knowledge="none"), foretold.CorruptError),
            (oracle.raw.decompress, oracle.FormatError),
        ):
            try:
                found.append(decompress(bytes(raw), 120, 1))
            except error:
                found.append(None)
        assert found[0] == found[1], raw.hex()
        kept, refused = kept + (found[0] is not None), refused + (found[0] is None)
    # What is too long is seen, and little else.
    assert kept
    assert refused


def test_oracle_decodes_raw_messages_with_coded_words(small: bytes, twin: oracle.Prior) -> None:
    message = b"The words of prose, and what follows them, are known.\n" * 3
    raw = foretold.compress_raw(message, 1, prior=small)
    assert raw != foretold.compress_raw(message, 1, prior=small, transform="none")
    assert oracle.raw.decompress(raw, len(message), prior=twin) == message


def test_oracle_codes_raw_messages_of_a_learned_prior() -> None:
    samples = [b"level=info service=mail event=sent size=%d\n" % size * 3 for size in range(60)]
    file = bytes(foretold.train_prior(samples, 1, max_bytes=60_000, knowledge="none"))
    twin = oracle.Prior(file)
    message = b"level=info service=mail event=sent size=17\n"
    raw = foretold.compress_raw(message, 1, prior=file, transform="none")
    assert oracle.raw.compress(message, prior=twin) == raw
    assert oracle.raw.decompress(raw, len(message), prior=twin) == message
