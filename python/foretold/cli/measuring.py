"""How ``foretold bench`` measures: every engine in a process of its own, by turns."""

from __future__ import annotations

import contextlib
import csv
import datetime
import hashlib
import io
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import foretold

from . import engines
from .console import printable
from .exits import Terminated
from .quantities import human_bytes
from .streams import open_sink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .engines import Engine

__all__ = ["Measurement", "machine", "measure", "save", "table"]

_WORKER = Path(__file__).with_name("worker.py")


@dataclass
class Measurement:
    """One engine on one file; the fields are the columns of the saved table."""

    file: str
    sha256: str
    content_bytes: int
    engine: str
    line: str
    command: str
    archive_bytes: int | None = None
    ratio: float | None = None
    bits_per_byte: float | None = None
    compress_mb_s: float | None = None
    decompress_mb_s: float | None = None
    compress_seconds: float | None = None
    decompress_seconds: float | None = None
    compress_cpu_seconds: float | None = None
    decompress_cpu_seconds: float | None = None
    compress_memory_bytes: int | None = None
    decompress_memory_bytes: int | None = None
    declared_memory_bytes: int | None = None
    clock: str = "wall"
    repeats: int = 0
    verified: bool = False
    error: str | None = None
    runs: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {"compress": [], "decompress": []}, repr=False
    )

    def conclude(self) -> None:
        """Fills in the medians of the runs so far."""
        for direction, runs in self.runs.items():
            if not runs:
                continue
            wall_seconds = statistics.median(run["seconds"] for run in runs)
            setattr(self, f"{direction}_seconds", wall_seconds)
            cpu_seconds = statistics.median(run["cpu_seconds"] for run in runs)
            setattr(self, f"{direction}_cpu_seconds", cpu_seconds)
            seconds = cpu_seconds if self.clock == "cpu" else wall_seconds
            setattr(self, f"{direction}_mb_s", self.content_bytes / 1e6 / max(seconds, 1e-6))
            setattr(self, f"{direction}_memory_bytes", max(run["memory_bytes"] for run in runs))
        self.repeats = min((len(runs) for runs in self.runs.values() if runs), default=0)
        if self.archive_bytes and self.content_bytes:
            self.ratio = self.content_bytes / self.archive_bytes
            self.bits_per_byte = 8 * self.archive_bytes / self.content_bytes

    def row(self) -> dict[str, Any]:
        """The columns, rounded to what they can bear."""
        columns = asdict(self)
        del columns["runs"]
        return {
            name: float(f"{value:.6g}") if isinstance(value, float) else value
            for name, value in columns.items()
        }


def measure(
    file: Path,
    chosen: list[Engine],
    *,
    repeat: int = 1,
    threads: int = 1,
    timeout: float | None = None,
    clock: str = "wall",
    decode: bool = True,
    say: Callable[[str], None] = lambda text: None,
) -> list[Measurement]:
    """Runs each engine ``repeat`` times on a file, by turns, so that all meet the same machine.

    Parameters
    ----------
    file : Path
        What to compress.
    chosen : list of Engine
        In the order of the result.
    repeat, threads : int
        Runs of each engine; workers of each that has workers.
    timeout : float, optional
        Seconds after which a run is given up.
    clock : str
        What speeds are counted by: ``"wall"`` or ``"cpu"``.
    decode : bool
        Whether archives are decoded and compared. Without it no row is ``verified``.
    say : callable
        Is told what runs at present.

    Returns
    -------
    list of Measurement
        One for each engine. Where something failed, ``error`` says what.
    """
    digest, size = _sha256(file), file.stat().st_size
    rows = [
        Measurement(
            file.name, digest, size, engine.name, engine.line, _command_line(engine, threads), clock=clock
        )
        for engine in chosen
    ]
    with tempfile.TemporaryDirectory(prefix="foretold-bench-") as folder:
        source = Path(folder, "content")
        # Some peers store the name; a plain one serves all, and nobody's options read it wrongly.
        shutil.copyfile(file, source)
        for turn in range(repeat):
            for engine, row in zip(chosen, rows, strict=True):
                if row.error is None:
                    say(f"{row.file}: {row.engine}" + (f", run {turn + 1} of {repeat}" if repeat > 1 else ""))
                    try:
                        _round_trip(engine, row, source, threads, timeout, decode)
                    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
                        row.error = _short(error)
    for row in rows:
        row.conclude()
    return rows


def _round_trip(
    engine: Engine, row: Measurement, source: Path, threads: int, timeout: float | None, decode: bool
) -> None:
    suffix = engine.suffix if isinstance(engine, engines.Command) else ".archive"
    archive, restored = source.with_name(f"archive{suffix}"), source.with_name("restored")
    try:
        for direction, target in (("compress", archive), ("decompress", restored))[: 1 + decode]:
            result = _in_own_process(engine, direction, source, archive, restored, target, threads, timeout)
            if not target.is_file():
                raise RuntimeError(f"{direction} wrote no file")
            row.runs[direction].append(result)
        size = archive.stat().st_size
        if row.archive_bytes not in (None, size):
            raise RuntimeError(f"two runs gave different sizes: {row.archive_bytes} and {size}")
        row.archive_bytes = size
        if row.line == "foretold":
            row.declared_memory_bytes = foretold.info(archive).memory_bytes
        if not decode:
            return
        if _sha256(restored) != row.sha256:
            row.verified = False
            raise RuntimeError("what was decompressed differs from the file")
        row.verified = True
    finally:
        archive.unlink(missing_ok=True)
        restored.unlink(missing_ok=True)


def _in_own_process(
    engine: Engine,
    direction: str,
    source: Path,
    archive: Path,
    restored: Path,
    target: Path,
    threads: int,
    timeout: float | None,
) -> dict[str, Any]:
    task: dict[str, Any] = {"direction": direction, "target": str(target)}
    if isinstance(engine, engines.Module):
        task["module"], task["options"] = engine.module, engine.options
        task["source"] = str(source if direction == "compress" else archive)
    else:
        template = engine.compress if direction == "compress" else engine.decompress
        # Bare names: they run in the folder, and archives that store paths store short ones.
        names = {
            "source": source.name,
            "archive": archive.name,
            "restored": restored.name,
            "threads": threads,
        }
        task["argv"] = [engine.program, *(part.format(**names) for part in template)]
        placeholder = "{archive}" if direction == "compress" else "{restored}"
        task["to_stdout"] = placeholder not in template
    with subprocess.Popen(
        [sys.executable, str(_WORKER), json.dumps(task)],
        cwd=source.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # Ctrl-C is ours to pass on, so that no engine outlives its worker.
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=timeout)
        except (subprocess.TimeoutExpired, KeyboardInterrupt, Terminated):
            _stop(process)
            raise
    if process.returncode:
        raise RuntimeError(f"{direction} ended with code {process.returncode}")
    answer: dict[str, Any] = json.loads(output.splitlines()[-1])
    if "error" in answer:
        raise RuntimeError(f"{direction}: {answer['error']}")
    return answer


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a worker and the program that it runs."""
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _short(error: BaseException) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"given up after {error.timeout:g} seconds"
    return str(error)


def _command_line(engine: Engine, threads: int) -> str:
    if isinstance(engine, engines.Command):
        names = {"source": "FILE", "archive": "ARCHIVE", "restored": "RESTORED", "threads": threads}
        return " ".join(
            (Path(engine.program or "").name, *(part.format(**names) for part in engine.compress))
        )
    if engine.module == "foretold":
        return f"foretold compress {engine.name.split()[1]} -T{threads} FILE"
    return f"Python: {engine.name}"


def table(rows: list[Measurement]) -> str:
    """The rows of one file for people, smallest archive first."""
    first = rows[0] if rows else None
    lines = []
    if first is not None:
        lines += [
            f"{printable(first.file)}: {first.content_bytes:,} bytes, SHA-256 {first.sha256}",
            f"{'engine':<16}{'bytes':>14}{'ratio':>8}{'bits/byte':>11}"
            f"{'MB/s in':>10}{'MB/s out':>10}{'memory in':>11}{'out':>10}",
        ]
    for row in sorted(rows, key=lambda row: (row.error is not None, row.archive_bytes or 0)):
        if row.error is not None:
            lines.append(f"{row.engine:<16}{'failed: ' + row.error}")
            continue
        lines.append(
            f"{row.engine:<16}{row.archive_bytes:>14,}{row.ratio or 0:>8.3f}{row.bits_per_byte or 0:>11.4f}"
            f"{_speed(row.compress_mb_s):>10}{_speed(row.decompress_mb_s):>10}"
            f"{human_bytes(row.compress_memory_bytes or 0):>11}"
            f"{human_bytes(row.decompress_memory_bytes or 0):>10}"
        )
    return "\n".join(lines) + "\n"


def _speed(mb_s: float | None) -> str:
    return "-" if mb_s is None else f"{mb_s:.3g}" if mb_s < 100 else f"{mb_s:.0f}"


def save(path: Path, rows: list[Measurement], threads: int, repeat: int) -> None:
    """Writes the rows as .csv, or as .json with what they were measured on."""
    columns = [row.row() for row in rows]
    with open_sink(path, overwrite=True) as sink:
        if path.suffix == ".csv":
            text = io.TextIOWrapper(sink, encoding="utf-8", newline="", write_through=True)
            writer = csv.DictWriter(text, list(columns[0]))
            writer.writeheader()
            writer.writerows(columns)
            text.detach()
            return
        record = {
            "tool": "foretold bench",
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "version": foretold.__version__,
            "generation": foretold.FORMAT_GENERATION,
            "machine": machine(),
            "threads": threads,
            "repeat": repeat,
            "rows": columns,
        }
        sink.write(json.dumps(record, indent=1).encode() + b"\n")


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = platform.processor()
    with contextlib.suppress(OSError):
        for line in _lines("/proc/cpuinfo"):
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {
        "processor": model or platform.machine(),
        "processors": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _lines(path: str) -> Iterator[str]:
    with Path(path).open(encoding="utf-8", errors="replace") as file:
        yield from file
