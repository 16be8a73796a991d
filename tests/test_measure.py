"""Code lengths and estimates agree with what compression does."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

import foretold

PRESETS = [row.number for row in foretold.PRESETS]


@pytest.mark.parametrize("preset", PRESETS)
def test_code_lengths_sum_to_the_coded_size(text: bytes, preset: foretold.Preset) -> None:
    text = text[:1000] if preset == "max" else text
    bits = foretold.code_lengths(text, preset)
    assert bits.dtype == np.float64
    assert bits.shape == (len(text),)
    assert (bits >= 0).all()
    archive_bytes = len(foretold.compress(text, preset))
    # Headers and checks on one side, the coder's loss of 0.01 % on the other.
    assert bits.sum() / 8 <= archive_bytes <= bits.sum() / 8 * 1.0001 + 40


@pytest.mark.parametrize("transform", ["none", "words"])
def test_code_lengths_add_up_whatever_the_transform(long_text: bytes, transform: str) -> None:
    bits = foretold.code_lengths(long_text, 1, transform=transform)
    archive_bytes = len(foretold.compress(long_text, 1, transform=transform))
    assert bits.shape == (len(long_text),)
    assert bits.sum() / 8 <= archive_bytes <= bits.sum() / 8 * 1.0001 + 60


def test_code_lengths_add_up_over_chunks_of_several_kinds(long_text: bytes) -> None:
    content = long_text[:80_000] + bytes(range(256)) * 120 + long_text[:80_000]
    bits = foretold.code_lengths(content, 1)
    assert bits.sum() / 8 == pytest.approx(len(foretold.compress(content, 1, checksum=False)), abs=200)


def test_code_lengths_of_nothing_are_none() -> None:
    assert foretold.code_lengths(b"").shape == (0,)


def test_what_the_model_would_lengthen_costs_8_bits_a_byte() -> None:
    noise = np.random.default_rng(1).bytes(50_000)
    assert foretold.code_lengths(noise, 1).sum() <= 8 * len(noise)


def test_code_lengths_start_afresh_with_every_block(text: bytes) -> None:
    block = (text * 4)[: 1 << 16]
    bits = foretold.code_lengths(block * 2, 1, block_size=1 << 16)
    assert np.array_equal(bits[: 1 << 16], bits[1 << 16 :])
    whole = foretold.code_lengths(block * 2, 1)
    assert whole[1 << 16 :].sum() < 0.9 * bits[1 << 16 :].sum()


def test_code_lengths_tell_their_progress(text: bytes) -> None:
    told: list[int] = []
    foretold.code_lengths(text, 1, progress=told.append)
    assert told[-1] == len(text)


def test_an_estimate_of_a_small_content_is_what_compression_gives(text: bytes) -> None:
    foreseen = foretold.estimate(text, 1)
    archive = foretold.compress(text, 1)
    assert foreseen.content_bytes == len(text)
    assert abs(foreseen.archive_bytes - len(archive)) <= 40
    assert foreseen.seconds > 0
    assert foreseen.threads == 1
    assert foreseen.memory_bytes == foretold.info(io.BytesIO(archive)).members[0].memory_bytes


def test_an_estimate_codes_samples_of_a_long_content(tmp_path: Path, long_text: bytes) -> None:
    path = tmp_path / "text"
    path.write_bytes(long_text)
    archive_bytes = len(foretold.compress(long_text, 1))
    with path.open("rb") as file:
        file.seek(77)
        for source in (path, str(path), long_text, bytearray(long_text), file):
            foreseen = foretold.estimate(source, 1, sample_bytes=50_000)
            assert foreseen.content_bytes == len(long_text)
            assert 0.9 * archive_bytes < foreseen.archive_bytes < 1.5 * archive_bytes
        assert file.tell() == 77


def test_an_estimate_counts_the_threads_that_have_work(long_text: bytes) -> None:
    one = foretold.estimate(long_text, 1, threads=2)
    more = foretold.estimate(long_text, 1, threads=3, block_size=1 << 16)
    assert one.threads == 1
    assert more.threads == 3
    assert more.memory_bytes > 2 * foretold.estimate(long_text, 1, block_size=1 << 16).memory_bytes


def test_an_estimate_of_nothing_is_nothing() -> None:
    foreseen = foretold.estimate(b"")
    assert (foreseen.content_bytes, foreseen.archive_bytes, foreseen.seconds) == (0, 0, 0)


def test_presets_are_listed_weakest_first() -> None:
    assert [row.number for row in foretold.PRESETS] == [*range(1, 10), "max"]
    for row in foretold.PRESETS:
        assert row.memory_bytes > 0
