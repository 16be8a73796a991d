"""The content of an archive as a file object: every method and mode, on every kind of file."""

from __future__ import annotations

import io
import os
import pickle
import random
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import foretold
from foretold import File

BLOCK = 1 << 16


class Pipe(io.RawIOBase):
    """A file that can only be read, in pieces of its own size."""

    def __init__(self, data: bytes, piece: int = 1000) -> None:
        self.inner = io.BytesIO(data)
        self.piece = piece

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.inner.read(min(self.piece, len(buffer)))
        buffer[: len(data)] = data
        return len(data)


@pytest.fixture(scope="module")
def archive(long_text: bytes) -> bytes:
    """Two members of several blocks, and a short one between them."""
    parts = long_text[:150_000], long_text[150_000:150_100], long_text[150_100:]
    return b"".join(foretold.compress(part, 1, block_size=BLOCK) for part in parts)


def test_what_is_written_is_read(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "text.ftd"
    with foretold.open(path, "wb", 1) as file:
        assert file.writable()
        assert not file.readable()
        assert not file.seekable()
        assert file.mode == "wb"
        assert file.name == os.fspath(path)
        assert file.write(text[:5000]) == 5000
        assert file.tell() == 5000
        assert file.write(memoryview(text)[5000:]) == len(text) - 5000
    assert file.closed
    assert path.read_bytes() == foretold.compress(text, 1)
    with foretold.open(path) as file:
        assert file.readable()
        assert not file.writable()
        assert file.seekable()
        assert file.mode == "rb"
        assert file.fileno() >= 0
        assert file.read() == text
        assert file.read() == b""
        assert file.tell() == len(text)


@pytest.mark.parametrize("kind", ["path", "string", "file", "memory", "pipe"])
def test_every_kind_of_file_is_read(tmp_path: Path, archive: bytes, long_text: bytes, kind: str) -> None:
    path = tmp_path / "archive.ftd"
    path.write_bytes(archive)
    opened = path.open("rb")
    source: Any = {
        "path": path,
        "string": str(path),
        "file": opened,
        "memory": io.BytesIO(archive),
        "pipe": Pipe(archive),
    }[kind]
    with opened:
        with File(source) as file:
            assert file.read() == long_text
        # What the caller opened, the caller closes.
        assert not opened.closed


def test_an_archive_within_a_file_is_read_from_where_the_file_stands(
    archive: bytes, long_text: bytes
) -> None:
    source = io.BytesIO(b"something before" + archive)
    source.seek(len(b"something before"))
    with File(source) as file:
        assert file.read(10) == long_text[:10]
        assert file.seek(200_000) == 200_000
        assert file.read(10) == long_text[200_000:200_010]
        assert file.seek(-5, io.SEEK_END) == len(long_text) - 5
        assert file.read() == long_text[-5:]


def test_reading_methods_agree_with_those_of_a_plain_file(archive: bytes, long_text: bytes) -> None:
    plain = io.BytesIO(long_text)
    with File(io.BytesIO(archive)) as file:
        assert file.read(7) == plain.read(7)
        assert file.readline() == plain.readline()
        assert file.readline(3) == plain.readline(3)
        assert file.peek(4)[:1] == long_text[plain.tell() : plain.tell() + 1]
        assert file.tell() == plain.tell()
        place, other = bytearray(5000), bytearray(5000)
        assert file.readinto(place) == plain.readinto(other)
        assert place == other
        got = file.readinto1(place)
        assert 0 < got <= 5000
        assert place[:got] == plain.read(got)
        piece = file.read1(100)
        assert piece == plain.read(len(piece))
        assert piece
        piece = file.read1()
        assert piece == plain.read(len(piece))
        assert piece
        assert file.readlines(100) == plain.readlines(100)
        assert next(file) == next(plain)
        assert file.read(0) == b""
        assert list(file) == list(plain)


@given(moves=st.lists(st.tuples(st.integers(0, 320_000), st.integers(0, 3000)), max_size=6))
def test_any_part_can_be_read_after_seeking(
    archive: bytes, long_text: bytes, moves: list[tuple[int, int]]
) -> None:
    with File(io.BytesIO(archive)) as file:
        for offset, size in moves:
            # Like the standard library's: beyond the end is at the end.
            assert file.seek(offset) == min(offset, len(long_text))
            assert file.read(size) == long_text[offset : offset + size]


def test_seeking_is_relative_to_start_place_and_end(archive: bytes, long_text: bytes) -> None:
    with File(io.BytesIO(archive)) as file:
        assert file.seek(100, io.SEEK_CUR) == 100
        assert file.seek(-50, io.SEEK_CUR) == 50
        assert file.read(5) == long_text[50:55]
        assert file.seek(0, io.SEEK_END) == len(long_text)
        assert file.seek(-len(long_text) - 1, io.SEEK_END) == 0
        with pytest.raises(ValueError, match="negative"):
            file.seek(-1)
        with pytest.raises(ValueError, match="whence"):
            file.seek(0, 7)


def test_a_pipe_is_read_but_not_sought(archive: bytes, long_text: bytes) -> None:
    with File(Pipe(archive)) as file:
        assert not file.seekable()
        assert file.read(1000) == long_text[:1000]
        with pytest.raises(io.UnsupportedOperation):
            file.seek(0)
        assert file.read() == long_text[1000:]


def test_what_was_flushed_into_a_pipe_can_be_read_at_once() -> None:
    end_to_read, end_to_write = os.pipe()
    with open(end_to_write, "wb") as target, File(target, "w", 1) as writer:
        writer.write(b"so far")
        writer.flush()
        with open(end_to_read, "rb") as source, File(source) as reader:
            assert reader.read1(100) == b"so far"
            writer.write(b" and on")
            writer.close()
            target.close()
            assert reader.read() == b" and on"


def test_appending_adds_a_member(tmp_path: Path) -> None:
    path = tmp_path / "log.ftd"
    for word in (b"one ", b"two ", b"three"):
        with foretold.open(path, "ab", 1) as file:
            file.write(word)
    assert len(foretold.info(path).members) == 3
    with foretold.open(path) as file:
        assert file.read() == b"one two three"


def test_exclusive_creation_leaves_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "new.ftd"
    with foretold.open(path, "xb") as file:
        file.write(b"new")
    with pytest.raises(FileExistsError):
        foretold.open(path, "xb")
    assert foretold.decompress(path.read_bytes()) == b"new"


@pytest.mark.parametrize("newline", [None, "", "\n", "\r\n"])
def test_text_modes_do_what_those_of_open_do(tmp_path: Path, newline: str | None) -> None:
    lines = ["zwölf\n", "Boxkämpfer\r\n", "Виктор\n", "the end"]
    plain, coded = tmp_path / "plain", tmp_path / "coded.ftd"
    with (
        plain.open("wt", encoding="utf-8", newline=newline) as one,
        foretold.open(coded, "wt", encoding="utf-8", newline=newline) as two,
    ):
        one.writelines(lines)
        two.writelines(lines)
    assert foretold.decompress(coded.read_bytes()) == plain.read_bytes()
    with (
        plain.open("rt", encoding="utf-8", newline=newline) as one,
        foretold.open(coded, "rt", encoding="utf-8", newline=newline) as two,
    ):
        assert two.readline() == one.readline()
        assert two.read() == one.read()


def test_text_that_does_not_decode_is_an_error_unless_told_otherwise() -> None:
    archive = foretold.compress(b"caf\xe9")
    with (
        foretold.open(io.BytesIO(archive), "rt", encoding="utf-8") as file,
        pytest.raises(UnicodeDecodeError),
    ):
        file.read()
    with foretold.open(io.BytesIO(archive), "rt", encoding="utf-8", errors="replace") as file:
        assert file.read() == "caf\N{REPLACEMENT CHARACTER}"


def test_a_short_text_file_is_as_small_as_its_message() -> None:
    target = io.BytesIO()
    with foretold.open(target, "wt", encoding="utf-8") as file:
        file.write("a short message")
    assert target.getvalue() == foretold.compress(b"a short message")


def test_flushing_makes_everything_so_far_decodable() -> None:
    target = io.BytesIO()
    file = foretold.open(target, "wb", 1)
    file.write(b"so far")
    file.flush()
    assert foretold.Decompressor().decompress(target.getvalue()) == b"so far"
    file.write(b" and on")
    file.close()
    file.close()
    assert foretold.decompress(target.getvalue()) == b"so far and on"
    assert not target.closed


def test_the_wrong_direction_is_refused(archive: bytes) -> None:
    with File(io.BytesIO(archive)) as file:
        for call in (lambda: file.write(b"x"), lambda: file.truncate()):
            with pytest.raises(io.UnsupportedOperation):
                call()
    with File(io.BytesIO(), "w") as file:
        for call in (file.read, file.readline, file.peek, file.read1, lambda: file.seek(0)):
            with pytest.raises(io.UnsupportedOperation):
                call()


def test_a_closed_file_says_so(archive: bytes) -> None:
    file = File(io.BytesIO(archive))
    file.close()
    calls = (file.read, file.readable, file.writable, file.seekable, file.tell, file.fileno, file.__enter__)
    for call in (*calls, lambda: file.write(b""), lambda: file.seek(0), file.flush):
        with pytest.raises(ValueError, match="closed"):
            call()
    assert "closed" in repr(file)


@pytest.mark.parametrize("mode", ["", "q", "rw", "r+", "rbt", "wbb", "U", "rr"])
def test_wrong_modes_are_refused_before_anything_is_touched(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"precious")
    with pytest.raises(foretold.ParameterError, match="mode"):
        foretold.open(path, mode)  # type: ignore[call-overload]
    assert path.read_bytes() == b"precious"


def test_wrong_options_are_refused_before_the_file_is_emptied(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"precious")
    for options in (
        {"preset": 10},
        {"preset": "most"},
        {"threads": 0},
        {"block_size": 5},
        {"encoding": "utf-8"},
    ):
        with pytest.raises(foretold.ParameterError):
            foretold.open(path, "wb", **options)
    assert path.read_bytes() == b"precious"


@pytest.mark.parametrize("wrong", [5, None, object(), b"path", [1]])
def test_what_is_no_file_is_refused(wrong: object) -> None:
    with pytest.raises(TypeError, match="path or a binary file"):
        File(wrong)  # type: ignore[arg-type]


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        foretold.open(tmp_path / "missing.ftd")


@pytest.mark.parametrize("damage", ["cut short", "flipped bit", "trailing garbage", "empty", "other format"])
def test_damage_is_an_error_not_an_early_end(archive: bytes, damage: str) -> None:
    damaged = {
        "cut short": archive[:-3],
        "flipped bit": archive[:500] + bytes([archive[500] ^ 4]) + archive[501:],
        "trailing garbage": archive + b"garbage",
        "empty": b"",
        "other format": b"\x1f\x8b\x08 no archive of ours",
    }[damage]
    with File(io.BytesIO(damaged)) as file, pytest.raises((foretold.CorruptError, foretold.FormatError)):
        file.read()


def test_what_cannot_be_written_does_not_spoil_the_archive() -> None:
    target = io.BytesIO()
    with File(target, "w") as file:
        file.write(b"before ")
        with pytest.raises(TypeError):
            file.write("text")  # type: ignore[arg-type]
        with pytest.raises(foretold.ParameterError):
            file.write(memoryview(b"abcd")[::2])
        file.write(b"after")
    assert foretold.decompress(target.getvalue()) == b"before after"


class Full(io.BytesIO):
    """A device that takes a while to be full."""

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > 1000:
            raise OSError(28, "No space left on device")
        return super().write(data)


def test_a_full_disk_leaves_an_archive_that_is_visibly_incomplete() -> None:
    target = Full()
    noise = random.Random(1).randbytes(100_000)
    file = File(target, "w", 1, block_size=BLOCK)
    with pytest.raises(OSError, match="space"):
        file.write(noise)
    with pytest.raises(ValueError, match="earlier write failed"):
        file.write(b"more")
    file.close()
    with pytest.raises(foretold.ForetoldError):
        foretold.decompress(target.getvalue())


class Dribbling(io.BytesIO):
    """A raw file that writes a little at a time."""

    def write(self, data: Any) -> int:
        return super().write(bytes(data)[:10])


def test_a_file_that_writes_less_than_asked_gets_the_rest(text: bytes) -> None:
    target = Dribbling()
    with File(target, "w", 1) as file:
        file.write(text)
    assert target.getvalue() == foretold.compress(text, 1)


def test_threads_may_share_a_file(archive: bytes, long_text: bytes) -> None:
    pieces: list[bytes] = []
    with File(io.BytesIO(archive)) as file:

        def work() -> None:
            while piece := file.read(1000):
                pieces.append(piece)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    # In which order threads note their pieces is theirs; no byte is lost or read twice.
    assert sorted(pieces) == sorted(long_text[i : i + 1000] for i in range(0, len(long_text), 1000))


def test_pickling_is_refused_with_a_reason(archive: bytes) -> None:
    with File(io.BytesIO(archive)) as file, pytest.raises(TypeError, match="File cannot be pickled"):
        pickle.dumps(file)


def test_it_serves_where_the_standard_library_wants_a_file(tmp_path: Path, text: bytes) -> None:
    import csv
    import json
    import shutil
    import tarfile

    path = tmp_path / "any.ftd"
    with foretold.open(path, "wt", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["a", 1], ["b", 2]])
    with foretold.open(path, "rt", encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["a", "1"], ["b", "2"]]
    with foretold.open(path, "wt", encoding="utf-8") as file:
        json.dump({"a": [1]}, file)
    with foretold.open(path, "rt", encoding="utf-8") as file:
        assert json.load(file) == {"a": [1]}
    plain = tmp_path / "plain"
    plain.write_bytes(text)
    with foretold.open(path, "wb") as file, tarfile.open(fileobj=file, mode="w|") as tar:
        tar.add(plain, "plain")
    with foretold.open(path) as file, tarfile.open(fileobj=file) as tar:
        member = tar.extractfile("plain")
        assert member is not None
        assert member.read() == text
    with plain.open("rb") as source, foretold.open(path, "wb") as file:
        shutil.copyfileobj(source, file)
    assert foretold.decompress(path.read_bytes()) == text
