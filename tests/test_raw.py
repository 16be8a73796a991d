"""Raw messages: what the coder writes, for callers who keep the rest."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import foretold

PRESETS = [row.number for row in foretold.PRESETS]
PROSE = b"It was late, she said, and nobody walked in the garden any more; it had been dark for hours.\n"


def line(number: int) -> bytes:
    return b"level=info service=mail event=sent to=nobody size=%d\n" % (number * number % 5000)


SAMPLES = [b"".join(map(line, range(first, first + 12))) for first in range(0, 1200, 12)]
MESSAGE = b"".join(map(line, range(2000, 2012)))


@pytest.fixture(scope="module")
def prior() -> foretold.Prior:
    return foretold.train_prior(SAMPLES, 2, name="mail")


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_brings_back_awkward_messages(awkward: bytes, preset: foretold.Preset) -> None:
    awkward = awkward[:300] if preset == "max" else awkward
    raw = foretold.compress_raw(awkward, preset)
    assert len(raw) <= len(awkward)
    assert foretold.decompress_raw(raw, len(awkward), preset) == awkward
    checked = foretold.compress_raw(awkward, preset, checksum=True)
    assert checked[:-4] == raw
    assert foretold.decompress_raw(checked, len(awkward), preset, checksum=True) == awkward


@pytest.mark.parametrize("knowledge", ["auto", "none"])
def test_long_messages_come_back(make_text: object, knowledge: foretold.codec.Knowledge) -> None:
    text = make_text(65_536)  # type: ignore[operator]
    for message in (text, random.Random(5).randbytes(65_536)):
        raw = foretold.compress_raw(message, 1, knowledge=knowledge)
        assert len(raw) <= len(message)
        assert foretold.decompress_raw(raw, 65_536, 1, knowledge=knowledge) == message
        # The container of a message so long: lengths, check and digest, but for what the flags cost.
        assert len(raw) <= len(foretold.compress(message, 1, knowledge=knowledge)) - 28


def test_a_message_with_a_prior_is_its_payload(prior: foretold.Prior) -> None:
    raw = foretold.compress_raw(MESSAGE, 2, prior=prior)
    archive = foretold.compress(MESSAGE, 2, prior=prior)
    # Twelve bytes of header and four of the prior's name; the coder's end may be a byte longer or shorter.
    assert len(archive) - 17 <= len(raw) <= len(archive) - 15
    assert foretold.decompress_raw(raw, len(MESSAGE), 2, prior=prior) == MESSAGE
    assert foretold.decompress_raw(memoryview(raw), len(MESSAGE), 2, prior=bytes(prior)) == MESSAGE


def test_prose_starts_from_english() -> None:
    raw = foretold.compress_raw(PROSE)
    assert len(raw) < 0.8 * len(foretold.compress_raw(PROSE, knowledge="none"))
    assert foretold.decompress_raw(raw, len(PROSE)) == PROSE


@pytest.mark.parametrize("transform", ["auto", "none", "words"])
def test_whether_words_are_coded_need_not_be_kept(transform: foretold.codec.Transform) -> None:
    raw = foretold.compress_raw(PROSE * 9, 1, transform=transform)
    assert foretold.decompress_raw(raw, len(PROSE) * 9, 1) == PROSE * 9


def _decoded(raw: bytes, size: int, preset: foretold.Preset, **options: object) -> bytes | None:
    try:
        return foretold.decompress_raw(raw, size, preset, **options)  # type: ignore[arg-type]
    except foretold.CorruptError:
        return None


def test_what_was_not_kept_right_gives_no_right_content(prior: foretold.Prior) -> None:
    other = foretold.train_prior(SAMPLES[1:], 2, name="mail")
    plain = foretold.compress_raw(MESSAGE, 2, prior=prior)
    checked = foretold.compress_raw(MESSAGE, 2, prior=prior, checksum=True)
    size = len(MESSAGE)
    wrong = [{"prior": other}, {}, {"knowledge": "none"}]
    assert [_decoded(plain, size, 2, **options) for options in wrong].count(MESSAGE) == 0
    assert [_decoded(checked, size, 2, checksum=True, **options) for options in wrong] == [None] * 3
    for preset in (1, 3, 9):
        raw = foretold.compress_raw(MESSAGE, 2, checksum=True)
        assert _decoded(raw, size, preset, checksum=True) is None
        with pytest.raises(foretold.PriorError, match=f"is for preset 2, not for {preset}"):
            foretold.decompress_raw(plain, size, preset, prior=prior)
    for off in (-600, -1, 1, 600):
        assert _decoded(plain, size + off, 2, prior=prior) != MESSAGE
        assert _decoded(checked, size + off, 2, prior=prior, checksum=True) is None


def test_errors_say_what_was_found() -> None:
    raw = foretold.compress_raw(MESSAGE, 1)
    with pytest.raises(foretold.CorruptError, match="a content of 3 has as many at most"):
        foretold.decompress_raw(raw, 3, 1)
    with pytest.raises(foretold.CorruptError, match=f"no content of {len(MESSAGE)} bytes is coded as"):
        foretold.decompress_raw(raw + b"\0", len(MESSAGE), 1)
    with pytest.raises(foretold.CorruptError, match="it has 2 bytes, its check alone has 4"):
        foretold.decompress_raw(b"ab", 9, 1, checksum=True)
    with pytest.raises(foretold.CorruptError, match="fails its check"):
        foretold.decompress_raw(b"hello\0\0\0\0", 5, 1, checksum=True)
    for size in (-1, (1 << 20) + 1, 2**80, 2.5, "9"):
        with pytest.raises(foretold.ParameterError, match="size must be"):
            foretold.decompress_raw(raw, size, 1)  # type: ignore[arg-type]
    with pytest.raises(foretold.ParameterError, match="1048576 bytes at most, found 1048577"):
        foretold.compress_raw(bytes((1 << 20) + 1), 1)
    with pytest.raises(foretold.ParameterError, match="excludes a prior"):
        foretold.compress_raw(b"a", knowledge="none", prior=foretold.Prior.english())


@given(content=st.binary(max_size=600), preset=st.sampled_from(PRESETS[:3]), checksum=st.booleans())
def test_generated_messages_come_back(content: bytes, preset: foretold.Preset, checksum: bool) -> None:
    raw = foretold.compress_raw(content, preset, checksum=checksum)
    assert foretold.decompress_raw(raw, len(content), preset, checksum=checksum) == content


@given(raw=st.binary(max_size=100), size=st.integers(0, 2000), preset=st.sampled_from(PRESETS[:3]))
def test_any_bytes_have_a_content_of_the_size_or_an_error(
    raw: bytes, size: int, preset: foretold.Preset
) -> None:
    content = _decoded(raw, size, preset)
    assert content is None or len(content) == size
    # What decodes without words that were coded by choice is what is written again.
    plain = _decoded(raw, size, preset, knowledge="none")
    if plain is not None and len(raw) < size:
        again = foretold.compress_raw(plain, preset, knowledge="none")
        assert _decoded(again, size, preset, knowledge="none") == plain
