"""Size and speed of every preset but `max`, which takes its time, and of every peer, in both directions.

Run by ``make bench``, which compares with the last record. Each round is preceded by the same work
of a peer, so that what is recorded, the ratio of the two speeds, depends little on what else the
machine does. Speeds are by processor time, for one thread.
"""

from __future__ import annotations

import lzma
import os
import statistics
import subprocess
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from corpora import Corpus, corpora

import foretold
from foretold.cli import engines
from foretold.cli.worker import CODECS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.timeout(0)

ENGINES: list[engines.Engine] = [
    *engines.presets([row.number for row in foretold.PRESETS if row.number != "max"], threads=1),
    *engines.installed(os.environ.get("FORETOLD_BENCH_PEERS", "all")),
]
# The peer whose speed is the unit. It comes with Python, and is slow enough to be timed.
REFERENCE = "lzma 9e, compressing the first 100,000 bytes"
REFERENCE_BYTES = 100_000


def processor_seconds() -> float:
    """Of this process and of those it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def functions(
    engine: engines.Engine, folder: Path
) -> tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]:
    """The engine's two directions on bytes; of programs, by way of files."""
    if isinstance(engine, engines.Module):
        return CODECS[engine.module](engine.options)
    names = {"source": "content", "archive": f"archive{engine.suffix}", "restored": "restored", "threads": 1}

    def run(template: tuple[str, ...], given: str, wanted: str, data: bytes) -> bytes:
        for path in folder.iterdir():
            path.unlink()
        (folder / names[given]).write_bytes(data)
        argv = [engine.program or "", *(part.format(**names) for part in template)]
        result = subprocess.run(argv, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=True)
        return (folder / names[wanted]).read_bytes() if f"{{{wanted}}}" in template else result.stdout

    return (
        lambda data: run(engine.compress, "source", "archive", data),
        lambda data: run(engine.decompress, "archive", "restored", data),
    )


@cache
def made(engine: engines.Engine, corpus: Corpus, folder: Path) -> tuple[bytes, float]:
    """The archive, verified, and how long it took to make."""
    compress, decompress = functions(engine, folder)
    started = time.perf_counter()
    archive = compress(corpus.content)
    seconds = time.perf_counter() - started
    assert decompress(archive) == corpus.content
    return archive, seconds


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("programs")


@pytest.mark.parametrize("direction", ["compress", "decompress"])
@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name.replace(" ", ""))
@pytest.mark.parametrize("corpus", corpora(), ids=lambda corpus: corpus.name)
def test_speed(benchmark: Any, corpus: Corpus, engine: engines.Engine, direction: str, folder: Path) -> None:
    archive, took = made(engine, corpus, folder)
    work = functions(engine, folder)[direction == "decompress"]
    data = corpus.content if direction == "compress" else archive
    part = corpus.content[:REFERENCE_BYTES]
    reference_seconds: list[float] = []
    seconds: list[float] = []

    def reference() -> None:
        started = time.process_time()
        lzma.compress(part, preset=9 | lzma.PRESET_EXTREME)
        reference_seconds.append(time.process_time() - started)

    def timed() -> None:
        started = processor_seconds() if isinstance(engine, engines.Command) else time.process_time()
        work(data)
        ended = processor_seconds() if isinstance(engine, engines.Command) else time.process_time()
        seconds.append(ended - started)

    rounds = 5 if took < 0.5 else 3 if took < 3 else 1
    benchmark.group = f"{corpus.name}, {direction}"
    benchmark.pedantic(timed, setup=reference, rounds=rounds, iterations=1)
    ratios = [
        (len(corpus.content) / max(own, 1e-4)) / (len(part) / theirs)
        for own, theirs in zip(seconds, reference_seconds, strict=True)
    ]
    benchmark.extra_info.update(
        corpus=corpus.name,
        sha256=corpus.sha256,
        content_bytes=len(corpus.content),
        engine=engine.name,
        line=engine.line,
        direction=direction,
        archive_bytes=len(archive),
        speed_ratio=statistics.median(ratios),
        mb_s=len(corpus.content) / 1e6 / max(statistics.median(seconds), 1e-4),
        reference=REFERENCE,
    )
