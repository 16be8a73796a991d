"""How calls behave while they run: progress, Ctrl-C, other threads."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import foretold

# Takes seconds at any preset, and is cheap to make.
LONG = 400_000_000


def test_progress_counts_up_to_the_content(long_text: bytes) -> None:
    told: list[int] = []
    archive = foretold.compress(long_text, 1, progress=told.append)
    assert told == sorted(set(told))
    assert told[-1] == len(long_text)
    told.clear()
    foretold.decompress(archive, progress=told.append)
    assert told == sorted(set(told))
    assert told[-1] == len(long_text)


def test_what_progress_raises_stops_the_work() -> None:
    calls = []

    def stop(done: int) -> None:
        calls.append(done)
        raise LookupError("enough")

    start = time.monotonic()
    with pytest.raises(LookupError, match="enough"):
        foretold.compress(bytes(LONG), 1, progress=stop)
    assert time.monotonic() - start < 10
    assert len(calls) == 1
    assert calls[0] < LONG


def test_a_progress_that_cannot_be_called_is_an_error() -> None:
    with pytest.raises(TypeError):
        foretold.compress(b"content", progress=5)  # type: ignore[arg-type]


def test_other_threads_run_meanwhile() -> None:
    inside = threading.Event()
    done = threading.Event()

    def progress(_: int) -> None:
        inside.set()
        if done.is_set():
            raise StopIteration

    def work() -> None:
        with pytest.raises(StopIteration):
            foretold.compress(bytes(LONG), 1, progress=progress)

    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(30)
    count = 0
    end = time.monotonic() + 0.2
    while time.monotonic() < end:
        count += 1
    done.set()
    thread.join(30)
    assert not thread.is_alive()
    # With the GIL held by the compression, hardly a turn would be had.
    assert count > 10_000


def test_an_object_refuses_calls_from_within_its_own_calls() -> None:
    archive = foretold.compress(b"x" * 1000, 1)

    class Curious:
        """A file that reads its reader while being read."""

        def __init__(self) -> None:
            self.position = 0
            self.reader: foretold._core.SeekableReader | None = None

        def read(self, size: int) -> bytes:
            if self.reader is not None:
                self.reader.read_at(0, 1)
            data = archive[self.position : self.position + size]
            self.position += len(data)
            return data

        def seek(self, offset: int, whence: int = 0) -> int:
            self.position = offset + (0, self.position, len(archive))[whence]
            return self.position

        def tell(self) -> int:
            return self.position

    file = Curious()
    file.reader = foretold._core.SeekableReader(file, None, 1, [])  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="within a call"):
        file.reader.read_at(0, 1000)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent another way there")
@pytest.mark.parametrize(
    "call",
    [
        "foretold.compress(bytes(4 * 10**8), 1)",
        "foretold.Compressor(1).compress(bytes(4 * 10**8))",
        "foretold.code_lengths(bytes(4 * 10**8), 1)",
        "foretold.decompress(archive)",
        "foretold.Decompressor().decompress(archive)",
        "foretold.open(io.BytesIO(archive)).read()",
        "foretold.compress(bytes(4 * 10**8), 1, threads=2)",
    ],
)
def test_ctrl_c_stops_a_long_call(call: str) -> None:
    # A long content in few bytes of archive: the same member many times.
    program = f"""
import io, signal, time, foretold
archive = foretold.compress(bytes(1 << 20), 1) * 400
signal.signal(signal.SIGINT, signal.default_int_handler)
print("ready", flush=True)
try:
    {call}
except KeyboardInterrupt:
    print("stopped", flush=True)
"""
    if "Decompressor" in call:
        program = program.replace(
            "foretold.compress(bytes(1 << 20), 1) * 400", "foretold.compress(bytes(1 << 23), 1)"
        )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child, child.stdout:
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.3)
        child.send_signal(signal.SIGINT)
        start = time.monotonic()
        assert child.stdout.read() == "stopped\n"
        assert child.wait() == 0
    assert time.monotonic() - start < 5


def test_the_archive_does_not_depend_on_threads(long_text: bytes) -> None:
    archive = foretold.compress(long_text, 1, block_size=1 << 16)
    for threads in (2, 3, 8):
        assert foretold.compress(long_text, 1, threads=threads, block_size=1 << 16) == archive
        assert foretold.decompress(archive, threads=threads) == long_text


def test_calls_from_many_threads_do_not_disturb_each_other(text: bytes) -> None:
    contents = [text[start : start + 4000] for start in range(0, 16_000, 1000)]
    alone = [foretold.compress(content, 2) for content in contents]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda content: foretold.compress(content, 2), contents))
        assert together == alone
        assert list(pool.map(foretold.decompress, together)) == contents
