"""Every byte string comes back, whatever it is, however it is passed."""

from __future__ import annotations

import array
import io
import mmap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import foretold

PRESETS = [row.number for row in foretold.PRESETS]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_brings_back_awkward_inputs(awkward: bytes, preset: foretold.Preset) -> None:
    # The slowest sees the beginnings only.
    awkward = awkward[:300] if preset == "max" else awkward
    archive = foretold.compress(awkward, preset)
    assert foretold.decompress(archive) == awkward
    # The promise for messages below 64 KiB: at most 12 bytes on top.
    assert len(archive) <= len(awkward) + 12


def test_the_default_preset_is_5(text: bytes) -> None:
    assert foretold.compress(text) == foretold.compress(text, 5)


@pytest.mark.parametrize("checksum", [True, False])
def test_checks_can_be_left_out(awkward: bytes, checksum: bool) -> None:
    archive = foretold.compress(awkward, 1, checksum=checksum)
    assert foretold.decompress(archive) == awkward


@pytest.mark.parametrize("preset", [1, 5, 9])
def test_texts_among_pictures_are_coded_as_texts(long_text: bytes, preset: foretold.Preset) -> None:
    """As in an archive of files, whose records are filled up with zeros."""
    noise = np.random.default_rng(5).integers(0, 256, 50_000, np.uint8).tobytes()
    half = long_text[:100_000]
    padded = b"".join(half[at : at + 400] + bytes(112) for at in range(0, len(half), 400))
    content = padded + noise + padded
    archive = foretold.compress(content, preset)
    assert foretold.decompress(archive) == content
    twice = foretold.compress(padded + padded, preset)
    assert len(archive) < len(twice) + len(noise) + 600
    streamed = foretold.Compressor(preset)
    parts = [streamed.compress(content[at : at + 7_777]) for at in range(0, len(content), 7_777)]
    assert b"".join(parts) + streamed.flush() == archive


@given(content=st.binary(max_size=600), preset=st.sampled_from(PRESETS[:3]), checksum=st.booleans())
def test_generated_bytes_come_back(content: bytes, preset: foretold.Preset, checksum: bool) -> None:
    assert foretold.decompress(foretold.compress(content, preset, checksum=checksum)) == content


@given(
    pieces=st.lists(
        st.sampled_from([b"foretold ", b"bits\n", b"\0\0\0", b"\xff", b"<a>", b"12.5,"]), max_size=200
    ),
    preset=st.sampled_from(PRESETS[:5]),
)
def test_generated_repetitive_bytes_come_back(pieces: list[bytes], preset: foretold.Preset) -> None:
    content = b"".join(pieces)
    assert foretold.decompress(foretold.compress(content, preset)) == content


@given(contents=st.lists(st.binary(max_size=100), min_size=1, max_size=5))
def test_archives_joined_give_the_contents_joined(contents: list[bytes]) -> None:
    joined = b"".join(foretold.compress(content, 1) for content in contents)
    assert foretold.decompress(joined) == b"".join(contents)


def _buffers(content: bytes, folder: Path) -> dict[str, object]:
    file = folder / "content"
    file.write_bytes(content)
    with file.open("rb") as opened:
        mapped = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    return {
        "bytes": content,
        "bytearray": bytearray(content),
        "memoryview": memoryview(content),
        "part of a memoryview": memoryview(b"x" + content + b"y")[1:-1],
        "array of bytes": array.array("B", content),
        "array of floats": array.array("d", content),
        "numpy bytes": np.frombuffer(content, np.uint8),
        "numpy read-only": np.frombuffer(content, np.uint8).view(),
        "numpy floats": np.frombuffer(content, np.float32),
        "numpy matrix": np.frombuffer(content, np.uint16).reshape(-1, 4),
        "numpy booleans": np.ones(len(content), bool),
        "mmap": mapped,
    }


# Small buffers are copied on the way in, large ones are not: both ways must agree.
@pytest.mark.parametrize("length", [8000, 80_000])
def test_any_contiguous_buffer_is_taken_as_its_bytes(tmp_path: Path, text: bytes, length: int) -> None:
    for name, buffer in _buffers((text * 4)[:length], tmp_path).items():
        expected = memoryview(buffer).tobytes()  # type: ignore[arg-type]
        archive = foretold.compress(buffer, 1)  # type: ignore[arg-type]
        assert archive == foretold.compress(expected, 1), name
        as_archive = np.frombuffer(archive, np.uint8)
        assert foretold.decompress(as_archive) == expected, name
        assert foretold.decompress(bytearray(archive)) == expected, name


def test_a_resizable_buffer_is_free_again_afterwards(text: bytes) -> None:
    buffer = bytearray(text * 4)
    foretold.compress(buffer, 1)
    buffer.clear()


@pytest.mark.parametrize(
    "buffer",
    [np.zeros((400, 400), np.uint8)[:, ::2], np.zeros((4, 5), np.uint8).T, memoryview(b"abcdef")[::2]],
    ids=["every other column", "transposed", "every other byte"],
)
def test_what_is_not_contiguous_is_refused(buffer: object) -> None:
    with pytest.raises(foretold.ParameterError, match=r"contiguous.*strides"):
        foretold.compress(buffer)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", ["text", None, 5, 1.5, [1, 2], object()])
def test_what_is_no_buffer_is_refused(wrong: object) -> None:
    for call in (foretold.compress, foretold.decompress, foretold.code_lengths):
        with pytest.raises(TypeError, match=f"found {type(wrong).__name__}"):
            call(wrong)  # type: ignore[operator]


def test_text_is_told_to_be_encoded_first() -> None:
    with pytest.raises(TypeError, match="encode"):
        foretold.compress("text")  # type: ignore[arg-type]


def test_incompressible_content_grows_by_little() -> None:
    noise = np.random.default_rng(3).bytes(200_000)
    assert len(foretold.compress(noise, 1)) <= len(noise) + 32 + len(noise) // 10_000


def test_blocks_do_not_change_the_content(long_text: bytes) -> None:
    archive = foretold.compress(long_text, 1, block_size=1 << 16)
    assert len(foretold.info(io.BytesIO(archive)).members[0].blocks) == 5
    assert foretold.decompress(archive) == long_text


def test_transformed_text_comes_back_and_is_written_as_streams_write_it(long_text: bytes) -> None:
    archives = {name: foretold.compress(long_text, 1, transform=name) for name in ("auto", "none", "words")}
    assert archives["words"] != archives["none"]
    for name, archive in archives.items():
        assert foretold.decompress(archive) == long_text
        compressor = foretold.Compressor(1, transform=name)
        streamed = b"".join(
            compressor.compress(long_text[at : at + 99_999]) for at in range(0, 300_000, 99_999)
        )
        assert streamed + compressor.flush() == archive
        file = io.BytesIO()
        with foretold.open(file, "wb", 1, transform=name) as writer:
            writer.write(long_text)
        assert file.getvalue() == archive
