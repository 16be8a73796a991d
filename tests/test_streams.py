"""Compressor and Decompressor: pieces of any size, flushing, limits, copies."""

from __future__ import annotations

import copy
import pickle
import threading
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

import foretold
from foretold import Compressor, Decompressor


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """`data` in pieces of the sizes, again and again."""
    pieces = []
    start = 0
    for size in cycle(sizes):
        if start >= len(data):
            return pieces
        pieces.append(data[start : start + size])
        start += size
    return pieces


def compressed(pieces: list[bytes], **options: object) -> bytes:
    compressor = Compressor(1, **options)  # type: ignore[arg-type]
    return b"".join([*map(compressor.compress, pieces), compressor.flush()])


def decompressed(pieces: list[bytes], max_length: int = -1) -> bytes:
    decompressor = Decompressor()
    content = []
    for piece in pieces:
        content.append(decompressor.decompress(piece, max_length))
        while not decompressor.eof and not decompressor.needs_input:
            content.append(decompressor.decompress(b"", max_length))
            assert content[-1] or decompressor.eof or decompressor.needs_input
    assert decompressor.eof
    return b"".join(content)


@pytest.mark.parametrize("size", [1, 7, 997, 4096, 65_536, 1_000_000])
def test_pieces_of_any_size_give_the_same_archive(long_text: bytes, size: int) -> None:
    content = long_text if size > 1000 else long_text[:10_000]
    archive = foretold.compress(content, 1, block_size=1 << 16)
    assert compressed(cut(content, [size]), block_size=1 << 16) == archive
    assert decompressed(cut(archive, [size])) == content


@given(
    content=st.binary(max_size=2000),
    sizes=st.lists(st.integers(1, 500), min_size=1, max_size=4),
    max_length=st.one_of(st.just(-1), st.integers(1, 300)),
)
def test_generated_pieces_come_back(content: bytes, sizes: list[int], max_length: int) -> None:
    archive = compressed(cut(content, sizes))
    assert archive == foretold.compress(content, 1)
    assert decompressed(cut(archive, sizes), max_length) == content


def test_an_empty_content_is_an_archive() -> None:
    archive = Compressor().flush()
    assert archive == foretold.compress(b"")
    assert decompressed([archive]) == b""


def test_after_a_flush_everything_so_far_decodes(text: bytes) -> None:
    compressor = Compressor(1)
    decompressor = Decompressor()
    for piece in cut(text, [1500]):
        assert decompressor.decompress(compressor.compress(piece, Compressor.FLUSH)) == piece
        assert decompressor.needs_input
    decompressor.decompress(compressor.flush())
    assert decompressor.eof


def test_modes_of_compress_are_those_of_flush(text: bytes) -> None:
    assert Compressor(1).compress(text, Compressor.FINISH) == foretold.compress(text, 1)


@pytest.mark.parametrize("mode", [-1, 3, "finish", None])
def test_other_modes_are_refused(mode: object) -> None:
    compressor = Compressor(1)
    with pytest.raises(foretold.ParameterError, match="mode"):
        compressor.compress(b"not taken", mode)  # type: ignore[arg-type]
    assert compressor.compress(b"") + compressor.flush() == foretold.compress(b"", 1)


def test_a_finished_compressor_takes_nothing_more() -> None:
    compressor = Compressor(1)
    compressor.flush()
    with pytest.raises(foretold.ParameterError):
        compressor.compress(b"more")


def test_what_follows_the_member_is_kept(text: bytes) -> None:
    archive = foretold.compress(text, 1)
    decompressor = Decompressor()
    assert decompressor.unused_data == b""
    assert decompressor.decompress(archive + b"what follows") == text
    assert decompressor.eof
    assert not decompressor.needs_input
    assert decompressor.unused_data == b"what follows"
    with pytest.raises(EOFError):
        decompressor.decompress(b"more")


def test_max_length_bounds_every_call(text: bytes) -> None:
    decompressor = Decompressor()
    content = decompressor.decompress(foretold.compress(text, 1), 0)
    assert content == b""
    while not decompressor.eof:
        assert not decompressor.needs_input
        piece = decompressor.decompress(b"", 333)
        assert 0 < len(piece) <= 333
        content += piece
    assert content == text


def test_output_beyond_the_limit_is_refused(text: bytes) -> None:
    archive = foretold.compress(text, 1)
    for decode in (lambda limit: foretold.decompress(archive, max_output=limit),
                   lambda limit: Decompressor(max_output=limit).decompress(archive)):  # fmt: skip
        assert decode(len(text)) == text
        with pytest.raises(foretold.OutputLimitError) as caught:
            decode(len(text) - 1)
        assert caught.value.allowed == len(text) - 1


def test_the_limit_on_output_counts_all_members(text: bytes) -> None:
    archive = foretold.compress(text, 1) * 2
    with pytest.raises(foretold.OutputLimitError):
        foretold.decompress(archive, max_output=len(text) * 2 - 1)


def test_memory_beyond_the_limit_is_refused(text: bytes) -> None:
    archive = foretold.compress(text, 5)
    with pytest.raises(foretold.MemoryLimitError) as caught:
        foretold.decompress(archive, max_memory=1000)
    assert caught.value.allowed == 1000
    assert caught.value.needed > 1000
    assert foretold.decompress(archive, max_memory=caught.value.needed) == text


def test_copies_go_their_own_ways(text: bytes) -> None:
    compressor = Compressor(1)
    start = compressor.compress(text[:5000])
    twins = [compressor.copy(), copy.copy(compressor), copy.deepcopy(compressor)]
    end = compressor.compress(text[5000:]) + compressor.flush()
    assert start + end == foretold.compress(text, 1)
    for twin in twins:
        other = start + twin.compress(b"other") + twin.flush()
        assert other == foretold.compress(text[:5000] + b"other", 1)


def test_copies_of_a_decompressor_go_their_own_ways(text: bytes) -> None:
    archive = foretold.compress(text, 1)
    decompressor = Decompressor()
    start = decompressor.decompress(archive[:200])
    twins = [decompressor.copy(), copy.copy(decompressor), copy.deepcopy(decompressor)]
    for each in [decompressor, *twins]:
        assert start + each.decompress(archive[200:]) == text
        assert each.eof


@pytest.mark.parametrize("make", [Compressor, Decompressor])
def test_pickling_is_refused_with_a_reason(make: type) -> None:
    with pytest.raises(TypeError, match=f"{make.__name__} cannot be pickled"):
        pickle.dumps(make())


def test_a_damaged_stream_says_where(text: bytes) -> None:
    archive = bytearray(foretold.compress(text, 1))
    archive[len(archive) // 2] ^= 1
    decompressor = Decompressor()
    with pytest.raises(foretold.CorruptError) as caught:
        decompressor.decompress(archive)
    assert 0 <= (caught.value.offset or 0) < len(archive)
    with pytest.raises(foretold.ForetoldError):
        decompressor.decompress(b"")


def test_threads_share_an_object_one_call_at_a_time(text: bytes) -> None:
    compressor = Compressor(1)
    start = threading.Barrier(4)
    parts: list[bytes] = []

    def work() -> None:
        start.wait()
        for _ in range(20):
            archive = compressor.compress(b"x" * 1000)
            if archive:
                parts.append(archive)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    parts.append(compressor.flush())
    assert foretold.decompress(b"".join(parts)) == b"x" * 80_000
