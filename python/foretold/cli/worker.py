"""One engine, one direction, one file: the process in which ``foretold bench`` measures.

It is started as a script, not as part of the package, and imports nothing but the engine's module
beside a little of the standard library, so that its peak memory is the engine's and not that of
the command line. Its task comes as JSON in its argument, its answer goes as JSON to standard
output.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__" and sys.path and sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
    # Our neighbours' names, such as `test`, must not hide other modules.
    del sys.path[0]

import json
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    Codec: TypeAlias = tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]

__all__ = ["CODECS", "main"]


def _foretold(options: dict[str, Any]) -> Codec:
    import foretold

    preset, threads, knowledge = options["preset"], options["threads"], options["knowledge"]
    return (
        lambda data: foretold.compress(data, preset, threads=threads, knowledge=knowledge),
        # The memory limit is for strangers' archives; this one is ours.
        lambda data: foretold.decompress(data, threads=threads, max_memory=1 << 50),
    )


def _zlib(options: dict[str, Any]) -> Codec:
    import zlib

    return lambda data: zlib.compress(data, 9), zlib.decompress


def _bz2(options: dict[str, Any]) -> Codec:
    import bz2

    return lambda data: bz2.compress(data, 9), bz2.decompress


def _lzma(options: dict[str, Any]) -> Codec:
    import lzma

    return lambda data: lzma.compress(data, preset=9 | lzma.PRESET_EXTREME), lzma.decompress


def _zstandard(options: dict[str, Any]) -> Codec:
    import zstandard

    def compress(data: bytes) -> bytes:
        parameters = zstandard.ZstdCompressionParameters.from_level(
            22, window_log=27, enable_ldm=True, source_size=len(data)
        )
        archive: bytes = zstandard.ZstdCompressor(compression_params=parameters).compress(data)
        return archive

    return compress, zstandard.ZstdDecompressor(max_window_size=1 << 27).decompress


def _brotli(options: dict[str, Any]) -> Codec:
    import brotli

    return lambda data: brotli.compress(data, quality=11, lgwin=24), brotli.decompress


def _pyppmd(options: dict[str, Any]) -> Codec:
    import pyppmd

    order, memory = 16, 256 << 20

    def compress(data: bytes) -> bytes:
        coder = pyppmd.Ppmd7Encoder(order, memory)
        coded: bytes = coder.encode(data) + coder.flush()
        return len(data).to_bytes(8, "little") + coded

    def decompress(data: bytes) -> bytes:
        coder = pyppmd.Ppmd7Decoder(order, memory)
        left = int.from_bytes(data[:8], "little")
        parts: list[bytes] = [coder.decode(data[8:], left)]
        # The coder reads a little further than the encoder writes.
        while left := left - len(parts[-1]):
            parts.append(coder.decode(b"\0", left))
            if not parts[-1]:
                raise ValueError("the archive ends too early")
        return b"".join(parts)

    return compress, decompress


def _cramjam(options: dict[str, Any]) -> Codec:
    import cramjam

    return (
        lambda data: bytes(cramjam.lz4.compress(data, level=12)),
        lambda data: bytes(cramjam.lz4.decompress(data)),
    )


CODECS = {
    "foretold": _foretold,
    "zlib": _zlib,
    "bz2": _bz2,
    "lzma": _lzma,
    "zstandard": _zstandard,
    "brotli": _brotli,
    "pyppmd": _pyppmd,
    "cramjam": _cramjam,
}
"""Module to a maker of its two functions."""


def _peak_bytes() -> int:
    """The most memory this process has had so far."""
    try:
        # Unlike ru_maxrss it does not count what the parent had when it started us.
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return _bytes_of(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _bytes_of(maxrss: int) -> int:
    return maxrss if sys.platform == "darwin" else maxrss * 1024


def _run_codec(task: dict[str, Any]) -> dict[str, Any]:
    compress, decompress = CODECS[task["module"]](task["options"])
    work = compress if task["direction"] == "compress" else decompress
    with open(task["source"], "rb") as file:
        data = file.read()
    cpu, started = time.process_time(), time.perf_counter()
    result = work(data)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    memory = _peak_bytes()
    with open(task["target"], "wb") as file:
        file.write(result)
    return {"seconds": seconds, "cpu_seconds": cpu, "memory_bytes": memory}


def _run_command(task: dict[str, Any]) -> dict[str, Any]:
    actions: list[tuple[Any, ...]] = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
    output = task["target"] if task["to_stdout"] else os.devnull
    actions.append((os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    argv = task["argv"]
    started = time.perf_counter()
    child = os.posix_spawn(argv[0], argv, os.environ, file_actions=actions)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - started
    code = os.waitstatus_to_exitcode(status)
    if code:
        raise RuntimeError(f"{os.path.basename(argv[0])} ended with code {code}")
    return {
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        # Never less than this small process has, in whose place the command was started.
        "memory_bytes": _bytes_of(usage.ru_maxrss),
    }


def main() -> None:
    """Does the task of the argument and answers."""
    task = json.loads(sys.argv[1])
    try:
        answer = (_run_codec if "module" in task else _run_command)(task)
    except Exception as error:
        # Whatever a foreign engine raises belongs in its row of the table.
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
