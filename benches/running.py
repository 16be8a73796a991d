"""What the long benchmarks share: rows that survive an interruption, pinned cores, where we are."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["RECORDS", "ROOT", "Rows", "commit", "cores", "in_turn"]

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ROOT / "benches" / "records"

Task = TypeVar("Task")


class Rows:
    """Rows of JSON, each on the disk before the next is measured.

    Parameters
    ----------
    path : Path
        Where new rows go; made when the first comes.
    earlier : iterable of Path
        Files of earlier runs, oldest first, whose rows count as well.
    """

    def __init__(self, path: Path, earlier: Iterable[Path] = ()) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        for file in dict.fromkeys([*(one.resolve() for one in earlier), path.resolve()]):
            self.rows += _read(file)

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Keeps rows that belong together."""
        new = list(rows)
        with self._lock:
            self.rows += new
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # An interrupted run may have left half a line.
            torn = self.path.is_file() and self.path.read_bytes()[-1:] not in (b"\n", b"")
            with self.path.open("a", encoding="utf-8") as file:
                file.write("\n" * torn + "".join(json.dumps(row) + "\n" for row in new))
                file.flush()
                os.fsync(file.fileno())


def _read(path: Path) -> list[dict[str, Any]]:
    rows = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                rows.append(json.loads(line))
    return rows


def commit() -> str:
    """The commit at work, with a plus sign if files that git knows are changed."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD").strip()
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":!docs", ":!benches/records")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + "+" * bool(changed.strip())


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def cores() -> list[int]:
    """The cores that this process may use, the last first: systems tend to be busy on the first."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0), reverse=True)
    return list(range(os.cpu_count() or 1))


def in_turn(tasks: list[Task], work: Callable[[Task], None], jobs: int) -> None:
    """Does the tasks, at most ``jobs`` at a time, each with the programs it runs on a core of its own.

    The first error ends the run; so does Ctrl-C, when what the other jobs are at is done.
    """
    free = cores()[: max(1, jobs)]
    if jobs <= 1:
        with _pinned(free[0]):
            for task in tasks:
                work(task)
        return
    stopped = threading.Event()

    def one(task: Task) -> None:
        if stopped.is_set():
            return
        # A core is free whenever fewer tasks than cores are at work; else they share the first.
        core = free.pop() if free else cores()[0]
        try:
            with _pinned(core):
                work(task)
        finally:
            free.append(core)

    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(one, task) for task in tasks]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            stopped.set()
            raise


@contextlib.contextmanager
def _pinned(core: int) -> Iterator[None]:
    """Keeps this thread, and what it starts, on one core, where the system lets us choose."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
