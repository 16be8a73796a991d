"""The command line's options, one by one, inside this process."""

from __future__ import annotations

import errno
import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner, Result

import foretold
from foretold.cli.app import COMMANDS as ALL_COMMANDS
from foretold.cli.app import gather
from foretold.cli.exits import MEANINGS, Exit, Terminated, code_of, explain

if TYPE_CHECKING:
    from collections.abc import Callable

app = gather()

TEXT = b"What is well foretold needs few bits. " * 50

AWKWARD_NAMES = [
    "plain",
    "with space",
    "-dash",
    "-9",
    "--force",
    "quote'\"",
    "new\nline",
    "\x1b[31mred",
    "ümläut-文",
    "dots..",
    ".hidden",
    "[bold]markup",
    "%s{}",
    "glob*?",
    "a" * 240,
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def foretold_(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


def done(*arguments: object, stdin: bytes | None = None) -> Result:
    result = foretold_(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result


def failed(code: int, *arguments: object, stdin: bytes | None = None) -> Result:
    result = foretold_(*arguments, stdin=stdin)
    assert result.exit_code == code, result.output
    # The runner gives 1 to whatever is raised; only exits on purpose count.
    assert isinstance(result.exception, SystemExit), result.exception
    return result


def write(path: Path, content: bytes = TEXT) -> Path:
    path.write_bytes(content)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def damaged(archive: bytes) -> bytes:
    middle = len(archive) // 2
    return archive[:middle] + bytes([archive[middle] ^ 0x55]) + archive[middle + 1 :]


# Compressing and decompressing


def test_there_and_back(folder: Path, awkward: bytes) -> None:
    source = write(folder / "a", awkward)
    done("compress", source)
    assert foretold.decompress((folder / "a.ftd").read_bytes()) == awkward
    source.unlink()
    done("decompress", "a.ftd")
    assert source.read_bytes() == awkward
    assert names(folder) == ["a", "a.ftd"]


@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_awkward_names(folder: Path, name: str) -> None:
    write(folder / name)
    done("compress", "--rm", "--", name)
    assert names(folder) == [name + ".ftd"]
    result = done("info", "--", name + ".ftd")
    assert "\x1b" not in result.output
    done("decompress", "--rm", "--", name + ".ftd")
    assert names(folder) == [name]
    assert (folder / name).read_bytes() == TEXT


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names there are Unicode")
def test_a_name_that_is_no_text(folder: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    write(folder / name)
    done("compress", "-v", name)
    (folder / name).unlink()
    done("decompress", "-v", name + ".ftd")
    assert (folder / name).read_bytes() == TEXT
    assert "caf\\udce9" in failed(1, "decompress", name + ".ftd").stderr


@pytest.mark.parametrize("preset", range(1, 10))
def test_presets_as_digits_and_as_numbers(folder: Path, preset: int) -> None:
    source = write(folder / "a")
    done("compress", f"-{preset}", source, "-o", "digit")
    done("compress", "--preset", preset, source, "-o", "number")
    expected = foretold.compress(TEXT, preset)
    assert (folder / "digit").read_bytes() == (folder / "number").read_bytes() == expected


@pytest.mark.parametrize(
    "arguments",
    [("-cf9",), ("-9cf",), ("-c9f",), ("-1", "-9", "-c"), ("-c", "-p1", "-9"), ("-c", "-9", "--", "a")],
)
def test_digits_among_other_flags(folder: Path, arguments: tuple[str, ...]) -> None:
    write(folder / "a")
    arguments = arguments if "--" in arguments else (*arguments, "a")
    assert done("compress", *arguments).stdout_bytes == foretold.compress(TEXT, 9)


@pytest.mark.parametrize("arguments", [("--max",), ("-9", "--max"), ("-p", "max"), ("--preset=max",)])
def test_the_strongest_preset_has_a_word_of_its_own(folder: Path, arguments: tuple[str, ...]) -> None:
    write(folder / "a", TEXT[:200])
    archive = done("compress", "-c", *arguments, "a").stdout_bytes
    assert archive == foretold.compress(TEXT[:200], "max")
    assert done("decompress", stdin=archive).stdout_bytes == TEXT[:200]
    assert "max, size class 10" in done("info", stdin=archive).stdout
    told = json.loads(done("info", "--json", stdin=archive).stdout)
    assert [member["preset"] for member in told["members"]] == ["max"]
    told = json.loads(done("estimate", "--json", *arguments, "a").stdout)
    assert [row["preset"] for row in told["presets"]] == ["max"]


def test_the_last_preset_counts(folder: Path) -> None:
    write(folder / "a")
    assert (
        foretold.info(io.BytesIO(done("compress", "-c", "-9", "-p2", "a").stdout_bytes)).members[0].preset
        == 2
    )
    assert done("compress", "-c", "--max", "-2", "a").stdout_bytes == foretold.compress(TEXT, 2)


def test_a_digit_may_be_an_options_value(folder: Path) -> None:
    write(folder / "a")
    for name in ("-9", "--max"):
        done("compress", "a", "-o", name)
        assert (folder / name).read_bytes() == foretold.compress(TEXT)


@pytest.mark.parametrize("preset", ["0", "10", "Max", "best", "-1", "5.5", ""])
def test_unknown_presets(folder: Path, preset: str) -> None:
    write(folder / "a")
    failed(2, "compress", f"--preset={preset}", "a")
    failed(2, "compress", "-0", "a")
    assert names(folder) == ["a"]


def test_streams(folder: Path) -> None:
    archive = done("compress", "-3", stdin=TEXT).stdout_bytes
    assert archive == foretold.compress(TEXT, 3)
    assert done("compress", "-3", "-", stdin=TEXT).stdout_bytes == archive
    assert done("decompress", stdin=archive).stdout_bytes == TEXT
    assert done("decompress", "-", "-c", stdin=archive).stdout_bytes == TEXT
    done("compress", "-o", "a.ftd", stdin=TEXT)
    done("decompress", "-o", "b", stdin=(folder / "a.ftd").read_bytes())
    assert (folder / "b").read_bytes() == TEXT
    assert names(folder) == ["a.ftd", "b"]


def test_empty_streams(folder: Path) -> None:
    archive = done("compress", stdin=b"").stdout_bytes
    assert done("decompress", stdin=archive).stdout_bytes == b""
    failed(Exit.FORMAT, "decompress", stdin=b"")


def test_several_files_on_standard_output_are_joined(folder: Path) -> None:
    write(folder / "a", b"one ")
    write(folder / "b", b"two")
    archive = done("compress", "-c", "a", "b").stdout_bytes
    assert foretold.decompress(archive) == b"one two"
    write(folder / "c.ftd", archive)
    assert done("decompress", "-c", "c.ftd", "c.ftd").stdout_bytes == b"one two" * 2
    assert done("compress", "-c", "a", "-", "b", stdin=b"and ").stdout_bytes != b""


def test_output_to_a_name_to_a_folder_and_to_a_dash(folder: Path) -> None:
    write(folder / "a")
    (folder / "out").mkdir()
    done("compress", "a", "-o", "b")
    done("compress", "a", "--output", "out")
    assert done("compress", "a", "-o", "-").stdout_bytes == (folder / "b").read_bytes()
    assert (folder / "out" / "a.ftd").read_bytes() == (folder / "b").read_bytes()
    done("decompress", "b", "-o", "out/content")
    done("decompress", "out/a.ftd", "-o", "out")
    assert (folder / "out" / "content").read_bytes() == (folder / "out" / "a").read_bytes() == TEXT


def test_output_and_stdout_exclude_each_other(folder: Path) -> None:
    write(folder / "a")
    failed(2, "compress", "-c", "-o", "b", "a")


def test_no_folder_is_made_for_a_name(folder: Path) -> None:
    write(folder / "a")
    failed(1, "compress", "a", "-o", "missing/b")
    failed(1, "compress", "-o", "missing/b", stdin=TEXT)
    assert names(folder) == ["a"]


def test_no_two_files_become_one(folder: Path) -> None:
    for name in ("one", "two", "out"):
        (folder / name).mkdir()
    write(folder / "one" / "a", b"1")
    write(folder / "two" / "a", b"2")
    for arguments in (("-o", "out"), ("-o", "b"), ("-f", "--rm", "-o", "out")):
        failed(2, "compress", "one/a", "two/a", *arguments)
    failed(2, "compress", "one/a", "one/../one/a")
    assert (folder / "one" / "a").exists()
    assert names(folder / "out") == []


def test_nothing_is_overwritten_without_force(folder: Path) -> None:
    write(folder / "a")
    write(folder / "a.ftd", b"precious")
    assert "-f" in failed(1, "compress", "a").stderr
    failed(1, "compress", "-o", "a.ftd", stdin=TEXT)
    assert (folder / "a.ftd").read_bytes() == b"precious"
    done("compress", "--force", "a")
    assert "-f" in failed(1, "decompress", "a.ftd").stderr
    failed(1, "decompress", "-o", "a", stdin=(folder / "a.ftd").read_bytes())
    done("decompress", "-f", "a.ftd")
    done("decompress", "-f", "-o", "a", stdin=(folder / "a.ftd").read_bytes())
    assert names(folder) == ["a", "a.ftd"]


@pytest.mark.parametrize("link", [False, True])
def test_a_file_never_becomes_its_own_output(folder: Path, link: bool) -> None:
    source = write(folder / "a")
    target = folder / "b"
    if link:
        target.symlink_to(source)
    failed(1, "compress", "-f", "a", "-o", target if link else "a")
    assert source.read_bytes() == TEXT


def test_suffixes(folder: Path) -> None:
    write(folder / "a.ftd")
    assert "-f" in failed(1, "compress", "a.ftd").stderr
    done("compress", "-f", "a.ftd")
    assert (folder / "a.ftd.ftd").exists()
    write(folder / "b", foretold.compress(TEXT))
    assert "-o" in failed(1, "decompress", "b").stderr
    done("decompress", "b", "-o", "c")
    write(folder / ".ftd", foretold.compress(TEXT))
    failed(1, "decompress", ".ftd")


def test_many_files_go_on_after_a_failure(folder: Path) -> None:
    write(folder / "a")
    write(folder / "c")
    result = failed(1, "compress", "a", "missing", "c")
    assert result.stderr == "foretold: missing: no such file or directory\n"
    assert names(folder) == ["a", "a.ftd", "c", "c.ftd"]
    write(folder / "b.ftd", damaged(foretold.compress(TEXT)))
    done("test", "a.ftd", "c.ftd")
    failed(Exit.CORRUPT, "test", "a.ftd", "b.ftd", "c.ftd")
    assert failed(Exit.FAILURE, "test", "b.ftd", "missing", "c.ftd").stderr.count("\n") == 2


def test_directories(folder: Path) -> None:
    for name in ("t/a", "t/b/c", "t/.d", "t/b/e.ftd"):
        (folder / name).parent.mkdir(exist_ok=True)
        write(folder / name, name.encode())
    (folder / "t" / "link").symlink_to("a")
    (folder / "t" / "loop").symlink_to(".")
    assert "-r" in failed(1, "compress", "t").stderr
    done("compress", "-r", "t", "--rm")
    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.ftd"))
    assert found == ["t/.d.ftd", "t/a.ftd", "t/b/c.ftd", "t/b/e.ftd"]
    (folder / "t/b/e.ftd").unlink()
    done("test", "-r", "t")
    done("decompress", "-r", "t")
    assert (folder / "t/b/c").read_bytes() == b"t/b/c"


def test_directories_into_another(folder: Path) -> None:
    (folder / "t" / "b").mkdir(parents=True)
    (folder / "out").mkdir()
    write(folder / "t" / "a")
    write(folder / "t" / "b" / "a")
    done("compress", "-r", "t", "-o", "out")
    assert (folder / "out" / "a.ftd").exists()
    assert (folder / "out" / "b" / "a.ftd").exists()
    assert not list((folder / "t").rglob("*.ftd"))


def test_mode_and_time_are_carried_over(folder: Path) -> None:
    source = write(folder / "a")
    source.chmod(0o640)
    os.utime(source, ns=(1_500_000_000_000_000_000, 1_600_000_000_123_456_789))
    before = source.stat()
    done("compress", "--rm", "a")
    archive = (folder / "a.ftd").stat()
    done("decompress", "a.ftd")
    for after in (archive, source.stat()):
        assert stat.S_IMODE(after.st_mode) == stat.S_IMODE(before.st_mode)
        assert abs(after.st_mtime_ns - before.st_mtime_ns) <= 1000


def test_threads_do_not_change_the_archive(folder: Path) -> None:
    write(folder / "a", TEXT * 200)
    done("compress", "a", "--block-size", "64K", "-o", "one")
    for threads in ("2", "0"):
        done("compress", "a", "--block-size", "64K", "-fo", "many", "-T", threads)
        assert (folder / "one").read_bytes() == (folder / "many").read_bytes()
        done("decompress", "many", "-f", "-o", "b", "--threads", threads)
        assert (folder / "b").read_bytes() == TEXT * 200
    failed(2, "compress", "-fT", "-1", "a")
    failed(2, "compress", "-fT", "5000", "a")


def test_block_size_and_checksum(folder: Path) -> None:
    write(folder / "a", TEXT * 200)
    done("compress", "a", "--block-size", "64KiB", "--no-checksum", "-o", "b")
    member = foretold.info("b").members[0]
    assert member.block_bytes == 65536
    assert not member.checksum
    for size in ("1", "many", "-5"):
        failed(2, "compress", "-f", f"--block-size={size}", "a")
    assert names(folder) == ["a", "b"]


def test_transform(folder: Path) -> None:
    write(folder / "a", TEXT * 200)
    for name in ("auto", "none", "words"):
        done("compress", "a", "-1", "--transform", name, "-o", name)
        assert (folder / name).read_bytes() == foretold.compress(TEXT * 200, 1, transform=name)
        assert foretold.decompress((folder / name).read_bytes()) == TEXT * 200
    failed(2, "compress", "-f", "--transform", "word", "a")


# Safety


def test_remove_implies_verify(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The source goes only if the archive was decoded and compared."""
    write(folder / "a")
    asked = []

    def compress_file(*arguments: Any, **options: Any) -> foretold.FileReport:
        asked.append(options["verify"])
        raise foretold.VerificationError("the archive does not decode to what was read")

    monkeypatch.setattr(foretold, "compress_file", compress_file)
    failed(1, "compress", "--rm", "a")
    assert asked == [True]
    assert (folder / "a").read_bytes() == TEXT


def test_a_source_that_changed_meanwhile_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder / "a")
    compress_file = foretold.compress_file

    def slow(*arguments: Any, **options: Any) -> foretold.FileReport:
        report = compress_file(*arguments, **options)
        with (folder / "a").open("ab") as file:
            file.write(b"more")
        return report

    monkeypatch.setattr(foretold, "compress_file", slow)
    assert "changed" in failed(1, "compress", "--rm", "a").stderr
    assert (folder / "a").read_bytes() == TEXT + b"more"


def test_remove_keeps_what_failed(folder: Path) -> None:
    write(folder / "a")
    write(folder / "a.ftd", b"in the way")
    failed(1, "compress", "--rm", "a")
    write(folder / "b.ftd", damaged(foretold.compress(TEXT)))
    failed(Exit.CORRUPT, "decompress", "--rm", "b.ftd")
    assert names(folder) == ["a", "a.ftd", "b.ftd"]


def test_remove_needs_checks_to_verify_an_archive(folder: Path) -> None:
    write(folder / "a.ftd", foretold.compress(TEXT, checksum=False))
    failed(1, "decompress", "--rm", "a.ftd")
    assert names(folder) == ["a.ftd"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("compress", "--rm", "-c", "a"),
        ("compress", "--rm"),
        ("decompress", "--rm", "-c", "a.ftd"),
        ("decompress", "--rm", "--recover", "a.ftd"),
        ("decompress", "--rm", "--range", "0:1", "a.ftd"),
        ("decompress", "--recover", "--range", "0:1", "a.ftd"),
        ("decompress", "--checkpoint", "c", "--range", "0:1", "a.ftd"),
        ("compress", "--checkpoint", "c", "-c", "a"),
        ("compress", "--checkpoint", "c", "a", "a.ftd", "-f"),
        ("compress", "--checkpoint", "c"),
        ("compress", "--checkpoint", "c", "--checkpoint-every", "soon", "a"),
        ("compress", "--nonsense", "a"),
        ("decompress", "--range", "5", "a.ftd"),
        ("decompress", "--range", "5:1", "a.ftd"),
        ("decompress", "--max-memory", "lots", "a.ftd"),
        ("nonsense",),
        ("resume",),
        ("bench",),
    ],
)
def test_what_does_not_fit_together(folder: Path, arguments: tuple[str, ...]) -> None:
    write(folder / "a")
    write(folder / "a.ftd", foretold.compress(TEXT))
    failed(2, *arguments, stdin=b"")
    assert names(folder) == ["a", "a.ftd"]


@pytest.mark.parametrize("way", ["file", "stdin", "stdout"])
def test_verify(folder: Path, way: str) -> None:
    write(folder / "a")
    if way == "file":
        done("compress", "--verify", "a")
        archive = (folder / "a.ftd").read_bytes()
    elif way == "stdin":
        done("compress", "--verify", "-o", "a.ftd", stdin=TEXT)
        archive = (folder / "a.ftd").read_bytes()
    else:
        archive = done("compress", "--verify", "-c", "a").stdout_bytes
    assert foretold.decompress(archive) == TEXT


def test_a_stream_that_does_not_verify_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgetful(foretold.Decompressor):
        __slots__ = ()

        def decompress(self, *arguments: Any) -> bytes:
            return super().decompress(*arguments)[1:]

    monkeypatch.setattr(foretold, "Decompressor", Forgetful)
    failed(1, "compress", "--verify", "-o", "a.ftd", stdin=TEXT)
    assert names(folder) == []


def test_a_damaged_archive_leaves_nothing(folder: Path) -> None:
    archive = damaged(foretold.compress(TEXT * 100))
    write(folder / "a.ftd", archive)
    result = failed(Exit.CORRUPT, "decompress", "a.ftd")
    assert result.stderr.startswith("foretold: a.ftd: ")
    failed(Exit.CORRUPT, "decompress", "-o", "b", stdin=archive)
    failed(Exit.CORRUPT, "decompress", stdin=archive[:-1])
    assert names(folder) == ["a.ftd"]


def test_other_formats(folder: Path) -> None:
    write(folder / "a.ftd", b"PK\3\4 something else")
    failed(Exit.FORMAT, "decompress", "a.ftd")
    failed(Exit.FORMAT, "info", "a.ftd")
    failed(Exit.FORMAT, "test", "a.ftd")
    assert names(folder) == ["a.ftd"]


def test_limits(folder: Path) -> None:
    write(folder / "a.ftd", foretold.compress(TEXT))
    archive = (folder / "a.ftd").read_bytes()
    for option in ("--max-memory=1K", "--max-output=10"):
        assert option[:12] in failed(Exit.LIMIT, "decompress", option, "a.ftd").stderr
        failed(Exit.LIMIT, "decompress", option, stdin=archive)
        failed(Exit.LIMIT, "test", option, "a.ftd")
    assert names(folder) == ["a.ftd"]
    done("decompress", "--max-memory", "2.5G", "--max-output", len(TEXT), "a.ftd")


def test_special_outputs_are_written_to_not_replaced(folder: Path) -> None:
    write(folder / "a")
    done("compress", "a", "-o", os.devnull)
    assert not Path(os.devnull).is_file()
    write(folder / "a.ftd", foretold.compress(TEXT))
    done("decompress", "a.ftd", "-o", os.devnull)
    done("decompress", "--recover", "a.ftd", "-o", os.devnull)
    assert not Path(os.devnull).is_file()


# Parts of archives


@pytest.mark.parametrize("way", ["file", "path", "stdin"])
@pytest.mark.parametrize(
    ("text", "start", "stop"),
    [
        ("0:10", 0, 10),
        ("70000:70010", 70_000, 70_010),
        ("1K:2K", 1024, 2048),
        (":5", 0, 5),
        ("189990:", 189_990, None),
        ("189990:999999", 189_990, None),
        ("5:5", 5, 5),
        (":", 0, None),
    ],
)
def test_range(folder: Path, way: str, text: str, start: int, stop: int | None) -> None:
    content = bytes(range(1, 191)) * 1000
    archive = foretold.compress(content, 1, block_size=65536)
    write(folder / "a.ftd", archive)
    if way == "file":
        done("decompress", "a.ftd", "--range", text, "-o", "b")
        found = (folder / "b").read_bytes()
    elif way == "path":
        found = done("decompress", "a.ftd", "--range", text, "-c").stdout_bytes
    else:
        found = done("decompress", "--range", text, stdin=archive).stdout_bytes
    assert found == content[start:stop]


def test_a_range_beyond_the_end(folder: Path) -> None:
    write(folder / "a.ftd", foretold.compress(TEXT))
    failed(1, "decompress", "a.ftd", "--range", "1M:2M", "-o", "b")
    failed(1, "decompress", "a.ftd", "--range", "1M:2M", "-c")
    failed(1, "decompress", "--range", "1M:2M", stdin=foretold.compress(TEXT))
    assert names(folder) == ["a.ftd"]


def test_recover(folder: Path) -> None:
    content = TEXT * 200
    archive = damaged(foretold.compress(content, block_size=65536))
    write(folder / "a.ftd", archive)
    result = failed(Exit.CORRUPT, "decompress", "--recover", "a.ftd")
    assert "lost 65,536 bytes from byte" in result.stderr
    saved = (folder / "a").read_bytes()
    assert len(saved) == len(content)
    assert sum(a != b for a, b in zip(saved, content, strict=True)) in range(60_000, 65_537)
    result = failed(Exit.CORRUPT, "decompress", "--recover", stdin=archive)
    assert result.stdout_bytes == saved
    assert "--recover" not in done("decompress", "--recover", "-c", stdin=foretold.compress(TEXT)).stderr


# Other commands


def test_test(folder: Path) -> None:
    write(folder / "a.ftd", foretold.compress(TEXT))
    assert done("test", "a.ftd").output == ""
    assert "whole, 1,900 bytes" in done("test", "-v", "a.ftd").stderr
    done("test", stdin=foretold.compress(TEXT))
    failed(Exit.CORRUPT, "test", stdin=damaged(foretold.compress(TEXT)))
    failed(Exit.CORRUPT, "test", stdin=foretold.compress(TEXT)[:-1])
    assert names(folder) == ["a.ftd"]


def test_info(folder: Path) -> None:
    archive = foretold.compress(TEXT * 200, 7, block_size=65536) + foretold.compress(b"short")
    write(folder / "a.ftd", archive)
    text = done("info", "a.ftd").stdout
    assert "380,005 bytes" in text
    assert "member 1" in text
    assert "block 0" in done("info", "--verbose", "a.ftd").stdout
    told = json.loads(done("info", "--json", stdin=archive).stdout)
    assert told["content_bytes"] == 380_005
    assert told["archive_bytes"] == len(archive)
    assert [member["preset"] for member in told["members"]] == [7, 5]


def test_info_of_an_empty_content(folder: Path) -> None:
    assert "0 bytes" in done("info", stdin=foretold.compress(b"")).stdout


def test_estimate(folder: Path) -> None:
    write(folder / "a", TEXT * 100)
    lines = done("estimate", "a").stdout.splitlines()
    assert [line.split()[0] for line in lines[2:]] == [str(number) for number in range(1, 10)]
    told = json.loads(done("estimate", "-3", "--sample", "16K", "--json", "a").stdout)
    assert [row["preset"] for row in told["presets"]] == [3]
    assert told["presets"][0]["content_bytes"] == len(TEXT) * 100
    assert len(done("estimate", "-p", "1,4-5", stdin=TEXT).stdout.splitlines()) == 5
    failed(2, "estimate", "-p", "many", "a")
    failed(1, "estimate", "missing")


def test_an_estimate_carries_learning_on() -> None:
    from foretold.cli.estimate import carried_on

    def seen(content_bytes: int, archive_bytes: int) -> foretold.Estimate:
        return foretold.Estimate(content_bytes, archive_bytes, 1.0, 1, 1)

    small, large = seen(1 << 24, 5_000_000), seen(1 << 24, 4_500_000)
    whole = carried_on(small, large, 1 << 18, None)
    assert 3_500_000 < whole < 4_300_000
    # Blocks, where learning starts afresh, keep it from going on.
    assert whole < carried_on(small, large, 1 << 18, 1 << 20) < 4_500_000
    assert carried_on(small, large, 1 << 18, 1 << 18) == 4_500_000
    # What cannot be compressed stays as it is, and what was coded in full is known.
    assert carried_on(large, large, 1 << 18, None) == 4_500_000
    assert carried_on(seen(100, 60), seen(100, 50), 1 << 18, None) == 50


def test_estimate_of_nothing(folder: Path) -> None:
    done("estimate", "-1", stdin=b"")


def test_checkpoint_and_resume(folder: Path) -> None:
    write(folder / "a", TEXT * 100)
    done("compress", "--checkpoint", "c", "--checkpoint-every", "1ms", "a")
    done("decompress", "--checkpoint", "c", "--checkpoint-every", "1ms", "a.ftd", "-o", "b")
    assert names(folder) == ["a", "a.ftd", "b"]
    assert (folder / "b").read_bytes() == TEXT * 100
    write(folder / "c", b"days of work")
    assert "foretold resume c" in failed(2, "compress", "-f", "--checkpoint", "c", "a").stderr
    assert "foretold resume c" in failed(2, "decompress", "-f", "--checkpoint", "c", "a.ftd").stderr
    assert (folder / "c").read_bytes() == b"days of work"
    failed(1, "resume", "missing")
    write(folder / "c", b"no checkpoint")
    failed(1, "resume", "c")


def test_an_interrupted_run_resumes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = TEXT * 2000
    write(folder / "a", content)
    compress_file = foretold.compress_file

    def interrupted(*arguments: Any, **options: Any) -> foretold.FileReport:
        def progress(done_bytes: int) -> None:
            if (folder / "c").exists():
                raise KeyboardInterrupt

        return compress_file(*arguments, **options | {"progress": progress})

    monkeypatch.setattr(foretold, "compress_file", interrupted)
    result = failed(
        130, "compress", "--block-size", "64K", "a", "--checkpoint", "c", "--checkpoint-every", "0"
    )
    assert "foretold resume c" in result.stderr
    assert (folder / "c").exists()
    assert not (folder / "a.ftd").exists()
    done("resume", "-v", "c")
    assert names(folder) == ["a", "a.ftd"]
    assert (folder / "a.ftd").read_bytes() == foretold.compress(content, block_size=65536)


def test_selftest() -> None:
    lines = done("selftest").stdout.splitlines()
    assert lines[0].startswith("scalar ")
    assert len({line.split()[1] for line in lines[:-1]}) == 1
    assert done("selftest", "-q").output == ""


def test_selftest_finds_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that counts differently is told of, and so is one that fails."""
    answers = iter(["a" * 32, "b" * 32])

    def run(*arguments: Any, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 0, next(answers) + "\n", "")

    module = sys.modules["foretold.cli.selftest"]
    monkeypatch.setattr(module, "instruction_sets", lambda: ["scalar", "avx2"])
    monkeypatch.setattr(module.subprocess, "run", run)  # type: ignore[attr-defined]
    assert "they differ" in failed(1, "selftest").stderr
    broken = subprocess.CompletedProcess([], -4, "", "illegal instruction\n")
    monkeypatch.setattr(module.subprocess, "run", lambda *rest, **options: broken)  # type: ignore[attr-defined]
    assert "foretold: avx2: illegal instruction" in failed(1, "selftest").stderr


def test_version() -> None:
    expected = f"foretold {foretold.__version__} (format generation {foretold.FORMAT_GENERATION})\n"
    assert done("--version").stdout == done("-V").stdout == expected


COMMANDS = ["bench", "compress", "decompress", "estimate", "info", "resume", "selftest", "test"]


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_tells_the_exit_codes(command: str | None) -> None:
    text = done(*filter(None, [command]), "--help").stdout
    for code in Exit:
        assert f"\n  {code.value:>5}  " in text


def test_no_command_shows_the_help() -> None:
    assert "compress" in foretold_().output


# What is said


def test_quiet_and_verbose(folder: Path) -> None:
    write(folder / "a")
    assert done("compress", "a").output == ""
    assert "bits per byte" in done("compress", "-vf", "a").stderr
    assert done("compress", "-vqf", "a").output == ""
    assert failed(1, "compress", "-q", "missing").stderr == "foretold: missing: no such file or directory\n"


def test_names_cannot_harm_a_terminal(folder: Path) -> None:
    message = failed(1, "test", "no\x1b[2Jsuch\nfile").stderr
    assert message == "foretold: no\\x1b[2Jsuch\\nfile: no such file or directory\n"


def test_every_error_has_its_code() -> None:
    errors: list[tuple[BaseException, int]] = [
        (foretold.CorruptError("x"), 3),
        (foretold.FormatError("x"), 4),
        (foretold.MemoryLimitError("x"), 5),
        (foretold.OutputLimitError("x"), 5),
        (MemoryError(), 5),
        (foretold.ForetoldError("x"), 1),
        (foretold.VerificationError("x"), 1),
        (OSError(errno.ENOSPC, "No space left on device"), 1),
        (BrokenPipeError(), 141),
        (KeyboardInterrupt(), 130),
        (Terminated(), 143),
    ]
    for error, code in errors:
        assert code_of(error) == code
        assert explain(error)
        assert "\n" not in explain(error)


def test_permission_problems(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder / "a")
    compress_file: Callable[..., Any] = foretold.compress_file

    def refused(*arguments: Any, **options: Any) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied", "/some/where")

    monkeypatch.setattr(foretold, "compress_file", refused)
    assert failed(1, "compress", "a").stderr == "foretold: a: /some/where: permission denied\n"
    assert compress_file is not foretold.compress_file


def test_the_readme_tells_the_same_exit_codes() -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    for code, meaning in MEANINGS.items():
        assert f"\n| {code.value} | {meaning} |\n" in readme


def test_priors_are_made_told_and_used(folder: Path) -> None:
    for number in range(40):
        write(folder / f"sample{number:02}", b"level=info event=sent size=%d\n" % number * 20)
    samples = sorted(path.name for path in folder.iterdir())
    done("prior", "train", "-2", "-o", "mail.ftp", "--size", "100K", "--no-knowledge", *samples)
    failed(2, "prior", "train", "-2", "-o", "mail.ftp", *samples)
    first = (folder / "mail.ftp").read_bytes()
    done("prior", "train", "-2", "-f", "-q", "-o", "mail.ftp", "--size", "100K", "--no-knowledge", *samples)
    assert (folder / "mail.ftp").read_bytes() == first
    told = json.loads(done("prior", "info", "--json", "mail.ftp").stdout)
    assert (told["name"], told["preset"], told["file_bytes"]) == ("mail", 2, len(first))
    assert told["digest"] in done("prior", "verify", "mail.ftp").stdout
    listed = [json.loads(line) for line in done("prior", "list", "--json").stdout.splitlines()]
    assert [one["name"] for one in listed] == ["English", "English, frozen"]
    assert "English, frozen" in done("prior", "list").stdout

    message = write(folder / "message", b"level=info event=sent size=17\n")
    done("compress", "-2", "--prior", "mail.ftp", message)
    assert told["digest"][:8] in done("info", "message.ftd").stdout
    assert "needs the prior" in failed(1, "test", "message.ftd").output
    done("test", "--prior", "mail.ftp", "message.ftd")
    done("decompress", "--prior", "mail.ftp", "-o", "again", "message.ftd")
    assert (folder / "again").read_bytes() == message.read_bytes()
    failed(2, "compress", "-5", "--prior", "message", message, "-o", "other.ftd")


def test_samples_are_cut_as_asked(folder: Path) -> None:
    lines = [b"level=info event=sent size=%d\n" % (number * number % 999) for number in range(120)]
    log = write(folder / "log", b"".join(lines))
    train = ("prior", "train", "-1", "--no-knowledge", "--name", "log")
    for option, samples in [
        (["--lines"], lines),
        (
            ["--split", "100"],
            [log.read_bytes()[at : at + 100] for at in range(0, len(log.read_bytes()), 100)],
        ),
        ([], [log.read_bytes()]),
    ]:
        done(*train, "-f", "-o", "log.ftp", *option, log)
        made = foretold.train_prior(samples, 1, name="log", knowledge="none")
        assert (folder / "log.ftp").read_bytes() == bytes(made)
    assert "exclude each other" in failed(2, *train, "-o", "b.ftp", "--lines", "--split", "1K", log).stderr
    assert "at least 1" in failed(2, *train, "-o", "b.ftp", "--split", "0", log).stderr


def test_a_prior_for_the_strongest_preset(folder: Path) -> None:
    sample = write(folder / "sample", b"level=info event=sent size=17\n" * 30)
    done("prior", "train", "--max", "-o", "max.ftp", "--no-knowledge", sample)
    assert json.loads(done("prior", "info", "--json", "max.ftp").stdout)["preset"] == "max"
    assert "presets   max" in done("prior", "info", "max.ftp").stdout
    done("prior", "verify", "max.ftp")
    assert "for preset max, not for 9" in failed(1, "compress", "-9", "--prior", "max.ftp", sample).stderr
    done("compress", "--max", "--prior", "max.ftp", sample, "--verify")


def test_a_prior_with_a_network_of_ones_own(folder: Path, make_network: Callable[[int, int], bytes]) -> None:
    write(folder / "net.safetensors", make_network(64, 1))
    sample = write(folder / "sample", b"level=info event=sent size=17\n" * 30)
    done("prior", "train", "-2", "--no-knowledge", "-o", "own.ftp", "--network", "net.safetensors", sample)
    done("prior", "train", "-o", "english.ftp", "--network", "net.safetensors")
    for name, preset in (("own", 2), ("english", None)):
        told = json.loads(done("prior", "info", "--json", f"{name}.ftp").stdout)
        assert (told["name"], told["preset"], told["network"]) == (name, preset, [1, 64])
        assert "network   1 layers of 64 units" in done("prior", "info", f"{name}.ftp").stdout
    write(folder / "net.safetensors", b"no weights")
    stderr = failed(1, "prior", "train", "-o", "bad.ftp", "--network", "net.safetensors").stderr
    assert "not a safetensors file" in stderr
    assert not (folder / "bad.ftp").exists()


def test_a_network_can_be_frozen(folder: Path) -> None:
    prose = b"It was late, she said, and nobody walked in the garden any more.\n" * 9
    write(folder / "prose", prose)
    done("compress", "--max", "--frozen", "--verify", "prose")
    assert "English, frozen, in the package" in done("info", "prose.ftd").stdout
    assert (folder / "prose.ftd").read_bytes() == foretold.compress(prose, "max", knowledge="frozen")
    assert "for max only" in failed(2, "compress", "-9", "--frozen", "-f", "prose").stderr
    assert "excludes" in failed(2, "compress", "--max", "--frozen", "--no-knowledge", "-f", "prose").stderr


def test_knowledge_can_be_declined(folder: Path) -> None:
    prose = b"It was late, she said, and nobody walked in the garden any more.\n" * 9
    write(folder / "prose", prose)
    done("compress", "-1", "prose")
    assert "English" in done("info", "prose.ftd").stdout
    done("compress", "-1", "-f", "--no-knowledge", "prose")
    assert "none" in done("info", "prose.ftd").stdout
    assert foretold.decompress((folder / "prose.ftd").read_bytes()) == prose


def test_the_cache_of_priors_is_shown_and_emptied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORETOLD_CACHE", str(folder / "cache"))
    assert "0 B of" in done("prior", "cache").stdout
    (folder / "cache").mkdir()
    write(folder / "cache" / "some.base", bytes(3000))
    assert "some.base" in done("prior", "cache").stdout
    done("prior", "cache", "--clear")
    assert names(folder / "cache") == []
    monkeypatch.setenv("FORETOLD_CACHE", "")
    assert "nothing is kept" in done("prior", "cache").stdout


def test_a_recipe_makes_a_prior_for_all_presets(folder: Path) -> None:
    (folder / "texts").mkdir()
    prose = b"It was late, she said, and nobody walked in the garden any more.\n" * 40
    write(folder / "texts" / "a", prose)
    write(folder / "texts" / "b", prose[100:])
    done("prior", "train", "--recipe", "english", "--from", "texts", "-o", "any.ftp")
    made = foretold.Prior(folder / "any.ftp")
    assert (made.name, made.preset) == ("English", None)
    for preset in (1, 5):
        archive = foretold.compress(prose, preset, prior=made)
        assert foretold.decompress(archive, prior=made) == prose
    # A file that is held out says how far to trust the others.
    write(folder / "texts" / "39.txt", prose[200:])
    done("prior", "train", "--recipe", "english", "--from", "texts", "-o", "weighed.ftp")
    weighed = foretold.Prior(folder / "weighed.ftp")
    assert weighed.file_bytes > made.file_bytes
    for preset in (1, 5):
        archive = foretold.compress(prose, preset, prior=weighed)
        bits = [foretold.code_lengths(prose, preset, prior=prior).sum() for prior in (weighed, made)]
        assert bits[0] < bits[1]
        assert foretold.decompress(archive, prior=weighed) == prose
    failed(2, "prior", "train", "--recipe", "english", "-o", "other.ftp", "texts")
    failed(2, "prior", "train", "-o", "other.ftp")


@pytest.mark.parametrize("name", ALL_COMMANDS)
def test_a_command_gathered_alone_is_what_it_is_among_all(name: str) -> None:
    alone, among = (
        CliRunner().invoke(made, [name, "--help"], prog_name="foretold") for made in (gather(name), app)
    )
    assert alone.exit_code == 0
    assert alone.stdout == among.stdout
    assert f"Usage: foretold {name}" in alone.stdout


def test_commands_are_loaded_when_they_are_run(tmp_path: Path) -> None:
    """As far as they are the program's own, and in a process of their own."""
    (tmp_path / "text").write_bytes(b"text")
    program = (
        "import sys\n"
        "from foretold.cli import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "except SystemExit as error:\n"
        "    assert not error.code\n"
        "print(*sorted(name[13:] for name in sys.modules if name.startswith('foretold.cli.')))\n"
    )

    def loaded(*arguments: str) -> set[str]:
        command = [sys.executable, "-c", program, *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return set(done.stdout.splitlines()[-1].split()) & set(ALL_COMMANDS)

    assert loaded("compress", "-q", "text") == {"compress"}
    assert loaded("prior", "cache") == {"prior"}
    assert loaded("--help") == set(ALL_COMMANDS)
