"""The command line as a process: signals, pipes, terminals, full disks."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import foretold

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals, pipes and terminals")

COMMAND = [sys.executable, "-m", "foretold"]
TEXT = b"What is well foretold needs few bits. " * 50
# Takes long enough to be stopped on the way.
LONG = random.Random(5).randbytes(1 << 16) * 24


def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
    options = {"stdin": subprocess.DEVNULL} | options if "input" not in options else options
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output="stdout" not in options, timeout=100, **options
    )


def heed_signals() -> None:
    """A suite that runs in the background or under nohup ignores some, and would pass that on."""
    for heeded in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(heeded, signal.SIG_DFL)


def start(*arguments: object, **options: Any) -> subprocess.Popen[bytes]:
    options = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "preexec_fn": heed_signals,
    } | options
    return subprocess.Popen([*COMMAND, *map(str, arguments)], **options)


def wait_for(condition: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    """Until the condition holds or the process has ended."""
    end = time.monotonic() + 60
    while not condition() and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.01)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_installed_script_is_the_module(tmp_path: Path) -> None:
    script = shutil.which("foretold", path=os.path.dirname(sys.executable))
    assert script is not None
    told = subprocess.run([script, "--version"], capture_output=True, check=True).stdout
    assert told == run("--version").stdout
    assert told.startswith(b"foretold ")


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["--version"], {"typer", "click", "rich", "numpy", "subprocess"}),
        (["compress", "a"], {"rich.progress", "matplotlib", "numpy", "foretold.cli.measuring"}),
        (["decompress", "a.ftd", "-f"], {"rich.progress", "matplotlib", "numpy", "foretold.cli.measuring"}),
    ],
)
def test_start_is_light(tmp_path: Path, arguments: list[str], unwanted: set[str]) -> None:
    (tmp_path / "a").write_bytes(TEXT)
    (tmp_path / "a.ftd").write_bytes(foretold.compress(TEXT))
    script = (
        "import sys\nfrom foretold.cli import main\n"
        "try: main(sys.argv[1:] + ['-f'] * (sys.argv[1] == 'compress'))\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print(*sys.modules, sep='\\n', file=sys.stderr)"
    )
    process = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=tmp_path, capture_output=True, check=True, text=True
    )
    assert unwanted & set(process.stderr.split()) == set()


@pytest.fixture(scope="session")
def long_archive() -> bytes:
    return foretold.compress(LONG, 1)


@pytest.mark.parametrize(
    ("name", "direction"),
    [("SIGINT", "compress"), ("SIGTERM", "compress"), ("SIGHUP", "compress"), ("SIGINT", "decompress")],
)
def test_a_signal_leaves_no_partial_file(
    tmp_path: Path, name: str, direction: str, long_archive: bytes
) -> None:
    source = tmp_path / ("a" if direction == "compress" else "a.ftd")
    source.write_bytes(LONG if direction == "compress" else long_archive)
    process = start(direction, *(["-1"] if direction == "compress" else []), source)
    wait_for(lambda: any(".partial" in name for name in names(tmp_path)), process)
    process.send_signal(getattr(signal, name))
    _, message = process.communicate()
    assert process.returncode == (130 if name == "SIGINT" else 143), message
    assert message == (b"foretold: interrupted\n" if name == "SIGINT" else b"foretold: terminated\n")
    assert names(tmp_path) == [source.name]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_while_waiting_for_input(tmp_path: Path, name: str) -> None:
    process = start("compress", "-o", tmp_path / "a.ftd", stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(TEXT)
    process.stdin.flush()
    wait_for(lambda: names(tmp_path), process)
    process.send_signal(getattr(signal, name))
    process.wait()
    process.communicate()
    assert process.returncode == (130 if name == "SIGINT" else 143)
    assert names(tmp_path) == []


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    """That is how nohup works."""
    process = start(
        "compress",
        "-o",
        tmp_path / "a.ftd",
        stdin=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    wait_for(lambda: names(tmp_path), process)
    process.send_signal(signal.SIGHUP)
    process.communicate(TEXT)
    assert process.returncode == 0
    assert foretold.decompress((tmp_path / "a.ftd").read_bytes()) == TEXT


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("direction", ["compress", "decompress"])
def test_a_closed_pipe_ends_quietly(tmp_path: Path, direction: str, unbuffered: str) -> None:
    # More than a pipe holds, also when it is compressed.
    content = random.Random(6).randbytes(300_000)
    source = tmp_path / "a"
    source.write_bytes(content if direction == "compress" else foretold.compress(content, 1))
    arguments = ["compress", "-1"] if direction == "compress" else ["decompress"]
    process = start(*arguments, "-c", source, env={**os.environ, "PYTHONUNBUFFERED": unbuffered})
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(1)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 141
    process.stderr.close()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize("command", ["compress", "decompress", "info", "--version", "--help"])
def test_a_full_disk_behind_standard_output(tmp_path: Path, command: str) -> None:
    source = tmp_path / "a"
    source.write_bytes(TEXT if command == "compress" else foretold.compress(TEXT))
    arguments = (
        [command]
        if command[0] == "-"
        else [command, "-c", source]
        if command != "info"
        else [command, source]
    )
    with open("/dev/full", "wb") as full:
        process = run(*arguments, stdout=full, stderr=subprocess.PIPE)
    assert process.returncode == 1
    assert process.stderr.endswith(b"no space left on device\n"), process.stderr
    assert process.stderr.count(b"\n") == 1


@pytest.mark.parametrize("way", ["file", "stream"])
@pytest.mark.parametrize("direction", ["compress", "decompress"])
def test_a_full_disk_leaves_no_partial_file(tmp_path: Path, way: str, direction: str) -> None:
    import resource

    content = LONG[: 1 << 18]
    source = tmp_path / ("a" if direction == "compress" else "a.ftd")
    source.write_bytes(content if direction == "compress" else foretold.compress(content, 1))
    options: dict[str, Any] = {}
    if way == "stream":
        arguments = [direction, "-o", tmp_path / "out"]
        options["stdin"] = source.open("rb")
    else:
        arguments = [direction, source]
    # As far as a process may write is as good as a disk of that size.
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))  # noqa: E731
    process = run(*arguments, preexec_fn=limit, **options)
    if way == "stream":
        options["stdin"].close()
    assert process.returncode == 1
    assert b"file too large" in process.stderr.lower()
    assert b"Traceback" not in process.stderr
    assert names(tmp_path) == [source.name]


@pytest.mark.parametrize("descriptor", [0, 1, 2])
def test_closed_standard_streams(tmp_path: Path, descriptor: int) -> None:
    (tmp_path / "a").write_bytes(TEXT)
    process = run(
        "compress",
        *([] if descriptor == 0 else ["-c", tmp_path / "a"]),
        preexec_fn=lambda: os.close(descriptor),
    )
    if descriptor == 2:
        assert process.returncode == 0
        assert foretold.decompress(process.stdout) == TEXT
    else:
        assert process.returncode == 1
        assert b"is closed" in process.stderr
        assert b"Traceback" not in process.stderr


def test_pipes_with_names(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert run("compress", pipe).returncode == 1
    writer = threading.Thread(target=lambda: pipe.write_bytes(TEXT))
    writer.start()
    process = run("compress", pipe, "-o", tmp_path / "a.ftd")
    writer.join()
    assert process.returncode == 0
    reader_content = []
    reader = threading.Thread(target=lambda: reader_content.append(pipe.read_bytes()))
    reader.start()
    assert run("decompress", tmp_path / "a.ftd", "-o", pipe).returncode == 0
    reader.join()
    assert reader_content == [TEXT]


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_slow_reader_gets_everything(tmp_path: Path, unbuffered: str) -> None:
    """A pipe may take less than it is offered at a time."""
    content = random.Random(6).randbytes(300_000)
    (tmp_path / "a").write_bytes(content)
    process = start(
        "compress", "-1", "-c", tmp_path / "a", env={**os.environ, "PYTHONUNBUFFERED": unbuffered}
    )
    assert process.stdout is not None
    archive = b""
    while piece := process.stdout.read(20_000):
        archive += piece
        time.sleep(0.001)
    process.communicate()
    assert process.returncode == 0
    assert foretold.decompress(archive) == content


def test_a_redirected_file_can_seek(tmp_path: Path) -> None:
    (tmp_path / "a.ftd").write_bytes(foretold.compress(LONG[:200_000], 1, block_size=65536))
    with (tmp_path / "a.ftd").open("rb") as archive:
        assert run("decompress", "--range", "100000:100010", stdin=archive).stdout == LONG[100_000:100_010]


def test_content_comes_while_the_stream_is_still_open() -> None:
    """What was flushed is decoded and passed on without waiting for more."""
    compressor = foretold.Compressor(1)
    start_of_archive = compressor.compress(TEXT) + compressor.flush(compressor.FLUSH)
    process = start("decompress", stdin=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(start_of_archive)
    process.stdin.flush()
    assert process.stdout.read(len(TEXT)) == TEXT
    rest, message = process.communicate(compressor.compress(b"end") + compressor.flush())
    assert (rest, message, process.returncode) == (b"end", b"", 0)


def test_a_killed_run_resumes(tmp_path: Path) -> None:
    source, checkpoint = tmp_path / "a", tmp_path / "c"
    source.write_bytes(LONG)
    arguments = ["-1", "--block-size", "128K", "--checkpoint", checkpoint, "--checkpoint-every", "50ms"]
    process = start("compress", *arguments, source)
    wait_for(checkpoint.exists, process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "a.ftd").exists()
    assert run("resume", checkpoint).returncode == 0
    assert names(tmp_path) == ["a", "a.ftd"]
    assert run("decompress", "-c", tmp_path / "a.ftd").stdout == source.read_bytes()


# Terminals


def on_terminal(*arguments: object, which: str, cwd: Path) -> tuple[int, str]:
    """Exit code, and what a terminal in place of one standard stream shows."""
    import pty

    terminal, other_end = pty.openpty()
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if which == "stdin":
        streams["stderr"] = subprocess.PIPE
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
        **streams | {which: other_end},
    )
    os.close(other_end)
    shown = b""
    if which == "stdin":
        _, shown = process.communicate(timeout=100)
    else:
        # Reading fails when the process has gone and nothing is left.
        try:
            while piece := os.read(terminal, 1 << 16):
                shown += piece
        except OSError:
            pass
        process.communicate(timeout=100)
    os.close(terminal)
    return process.returncode, shown.decode()


def test_an_archive_is_not_written_to_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(TEXT)
    for arguments in (["-c", "a"], ["-cf", "a"], []):
        code, shown = on_terminal("compress", *arguments, which="stdout", cwd=tmp_path)
        assert code == 2
        assert shown == ""


@pytest.mark.parametrize("command", ["compress", "decompress", "test", "info", "estimate"])
def test_nothing_is_awaited_from_a_terminal(tmp_path: Path, command: str) -> None:
    code, shown = on_terminal(command, which="stdin", cwd=tmp_path)
    assert code == 2
    assert "standard input" in shown


def test_progress_on_a_terminal_only(tmp_path: Path) -> None:
    (tmp_path / "[a]").write_bytes(LONG)
    # Small blocks, so that something of the archive is there early.
    code, shown = on_terminal("compress", "-1", "--block-size=64K", "[a]", which="stderr", cwd=tmp_path)
    assert code == 0
    for expected in ("[a]", "MB/s", "left", "bits/byte", "%", "bits per byte"):
        assert expected in shown
    code, shown = on_terminal("decompress", "-f", "[a].ftd", which="stderr", cwd=tmp_path)
    assert code == 0
    assert "MB/s" in shown
    (tmp_path / "b.ftd").write_bytes(foretold.compress(TEXT))
    assert on_terminal("test", "-q", "b.ftd", which="stderr", cwd=tmp_path) == (0, "")
    process = run("test", tmp_path / "b.ftd")
    assert (process.returncode, process.stdout, process.stderr) == (0, b"", b"")


def test_progress_of_a_stream(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(LONG[: 1 << 19])
    code, shown = on_terminal("compress", "-1", "-c", "a", which="stderr", cwd=tmp_path)
    assert code == 0
    assert "MB/s" in shown
