"""Whole files by their paths, and what archives tell about themselves."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest

import foretold

BLOCK = 1 << 16


@pytest.fixture
def source(tmp_path: Path, text: bytes) -> Path:
    path = tmp_path / "text"
    path.write_bytes(text)
    return path


def test_a_file_comes_back(source: Path, tmp_path: Path, text: bytes) -> None:
    archive, again = tmp_path / "text.ftd", tmp_path / "again"
    told: list[int] = []
    report = foretold.compress_file(source, str(archive), 1, progress=told.append)
    assert archive.read_bytes() == foretold.compress(text, 1)
    assert (report.content_bytes, report.archive_bytes) == (len(text), archive.stat().st_size)
    assert report.seconds > 0
    assert told == sorted(told)
    assert told[-1] == len(text)
    assert foretold.test_file(archive).content_bytes == len(text)
    report = foretold.decompress_file(archive, again)
    assert (report.content_bytes, report.archive_bytes) == (len(text), archive.stat().st_size)
    assert again.read_bytes() == text


@pytest.mark.parametrize(
    "end", [b"", b"and text again, which is long enough to be told from the rest\n" * 400]
)
def test_a_file_of_several_kinds_is_the_same_as_in_memory(
    tmp_path: Path, long_text: bytes, end: bytes
) -> None:
    """It is coded chunk by chunk, and below a megabyte."""
    content = long_text[:100_000] + np.random.default_rng(1).bytes(60_000) + end
    (tmp_path / "mixed").write_bytes(content)
    for checkpoint in (None, tmp_path / "checkpoint"):
        archive = tmp_path / "mixed.ftd"
        foretold.compress_file(
            tmp_path / "mixed", archive, 1, overwrite=True, verify=True, checkpoint=checkpoint
        )
        assert archive.read_bytes() == foretold.compress(content, 1)
        assert foretold.decompress(archive.read_bytes()) == content


def test_mode_and_time_are_kept_if_wanted(source: Path, tmp_path: Path) -> None:
    source.chmod(0o640)
    os.utime(source, ns=(10**18, 10**18))
    foretold.compress_file(source, tmp_path / "kept", 1)
    foretold.compress_file(source, tmp_path / "new", 1, keep_metadata=False)
    kept, new = (tmp_path / "kept").stat(), (tmp_path / "new").stat()
    assert kept.st_mode & 0o777 == 0o640
    assert kept.st_mtime_ns == 10**18
    assert new.st_mtime_ns > 10**18


def test_an_existing_target_is_kept_unless_overwriting_is_asked_for(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    with pytest.raises(FileExistsError) as caught:
        foretold.compress_file(source, target, 1)
    assert caught.value.filename == str(target)
    assert target.read_bytes() == b"precious"
    foretold.compress_file(source, target, 1, overwrite=True, verify=True)
    assert foretold.info(target).content_bytes == source.stat().st_size


def test_what_cannot_be_done_leaves_nothing_behind(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    with pytest.raises(FileNotFoundError) as caught:
        foretold.compress_file(tmp_path / "missing", target)
    assert caught.value.filename == str(tmp_path / "missing")
    with pytest.raises(OSError, match="regular"):
        foretold.compress_file(tmp_path, target)
    with pytest.raises(foretold.ParameterError):
        foretold.compress_file(source, source, overwrite=True)
    with pytest.raises(foretold.FormatError):
        foretold.decompress_file(source, target)
    with pytest.raises(foretold.ParameterError, match="checkpoint_every"):
        foretold.compress_file(source, target, checkpoint=tmp_path / "c", checkpoint_every=float("nan"))

    def stop(done: int) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        foretold.compress_file(source, target, 1, progress=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["text"]


def test_a_part_of_the_content_can_be_written(tmp_path: Path, long_text: bytes) -> None:
    archive, part = tmp_path / "archive", tmp_path / "part"
    archive.write_bytes(foretold.compress(long_text, 1, block_size=BLOCK))
    for start, stop in ((0, 10), (65_530, 65_540), (250_000, None), (299_999, 400_000), (5, 5)):
        foretold.decompress_file(archive, part, range=(start, stop), overwrite=True)
        assert part.read_bytes() == long_text[start:stop]
    for wrong in ((-1, 5), (7, 5), (300_001, None)):
        with pytest.raises(foretold.ParameterError, match="range"):
            foretold.decompress_file(archive, part, range=wrong, overwrite=True)


def test_what_is_whole_is_recovered_from_a_damaged_archive(tmp_path: Path, long_text: bytes) -> None:
    archive, saved = tmp_path / "archive", tmp_path / "saved"
    whole = foretold.compress(long_text, 1, block_size=BLOCK)
    block = foretold.info(io.BytesIO(whole)).members[0].blocks[1]
    damaged = bytearray(whole)
    damaged[block.offset + block.archive_bytes // 2] ^= 0x10
    archive.write_bytes(damaged)
    with pytest.raises(foretold.CorruptError) as caught:
        foretold.test_file(archive)
    assert (caught.value.member, caught.value.block) == (0, 1)
    report = foretold.recover_file(archive, saved)
    content = saved.read_bytes()
    assert report.bytes_written == len(content) == len(long_text)
    assert report.lost
    end = 0
    for lost in report.lost:
        assert lost.length is not None
        assert lost.reason
        assert content[end : lost.offset] == long_text[end : lost.offset]
        end = lost.offset + lost.length
        assert content[lost.offset : end] == bytes(lost.length)
    assert content[end:] == long_text[end:]
    assert report.lost[0].offset >= BLOCK
    assert end <= 2 * BLOCK


def test_nothing_is_lost_of_a_whole_archive(source: Path, tmp_path: Path, text: bytes) -> None:
    archive, saved = tmp_path / "archive", tmp_path / "saved"
    foretold.compress_file(source, archive, 1)
    report = foretold.recover_file(archive, saved)
    assert report == foretold.RecoveryReport(len(text), ())
    assert saved.read_bytes() == text


def test_a_checkpoint_tells_its_run(tmp_path: Path, long_text: bytes) -> None:
    source, target, checkpoint = tmp_path / "source", tmp_path / "target", tmp_path / "checkpoint"
    source.write_bytes(long_text * 8)

    def stop(done: int) -> None:
        if done > len(long_text) * 5:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        foretold.compress_file(source, target, 1, checkpoint=checkpoint, checkpoint_every=0, progress=stop)
    about = foretold.checkpoint_info(checkpoint)
    assert (about.source, about.target, about.compresses) == (source, target, True)
    assert 0 < about.done_bytes < len(long_text) * 8
    assert about.total_bytes == len(long_text) * 8
    assert about.seconds > 0
    foretold.resume_file(checkpoint)
    assert target.read_bytes() == foretold.compress(long_text * 8, 1)
    with pytest.raises(FileNotFoundError):
        foretold.checkpoint_info(checkpoint)
    with pytest.raises(foretold.CheckpointError):
        foretold.checkpoint_info(source)


def test_info_tells_what_an_archive_holds(long_text: bytes) -> None:
    one = foretold.compress(long_text, 2, block_size=BLOCK)
    two = foretold.compress(b"short", 7, checksum=False)
    file = io.BytesIO(b"before" + one + two)
    file.seek(6)
    about = foretold.info(file)
    assert file.tell() == 6
    assert about.archive_bytes == len(one) + len(two)
    assert about.content_bytes == len(long_text) + 5
    first, second = about.members
    assert (first.offset, first.archive_bytes, first.content_offset) == (0, len(one), 0)
    assert (second.offset, second.archive_bytes, second.content_offset) == (
        len(one),
        len(two),
        len(long_text),
    )
    assert (first.preset, second.preset) == (2, 7)
    assert (first.checksum, second.checksum) == (True, False)
    assert (first.compact, second.compact) == (False, True)
    assert first.generation == foretold.FORMAT_GENERATION
    assert first.block_bytes == BLOCK
    assert [block.content_offset for block in first.blocks] == [0, BLOCK, 2 * BLOCK, 3 * BLOCK, 4 * BLOCK]
    assert sum(block.content_bytes for block in first.blocks) == len(long_text)
    assert about.memory_bytes >= max(first.memory_bytes, second.memory_bytes) > 0


def test_max_is_what_the_format_calls_preset_10() -> None:
    archive = foretold.compress(b"ten " * 9, "max")
    assert archive[3] & 15 == 10
    assert foretold.info(io.BytesIO(archive)).members[0].preset == "max"


def test_info_refuses_what_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(foretold.FormatError):
        foretold.info(io.BytesIO(b"no archive"))
    with pytest.raises(foretold.ForetoldError):
        foretold.info(io.BytesIO(foretold.compress(b"x" * 100)[:-1]))
    with pytest.raises(FileNotFoundError):
        foretold.info(tmp_path / "missing")


class Failing(io.BytesIO):
    """A file whose reading fails in its own way."""

    def read(self, size: int | None = -1) -> bytes:
        raise ConnectionResetError("far away")


def test_an_exception_of_the_file_comes_back_as_itself() -> None:
    with pytest.raises(ConnectionResetError, match="far away"):
        foretold.info(Failing(foretold.compress(b"x" * 1000)))
