"""What people see: messages and progress, both on standard error."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING

from .exits import explain
from .quantities import human_bytes, human_seconds
from .streams import is_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rich.progress import Task

__all__ = ["STDIN_NAME", "Console", "partial_size", "printable"]

STDIN_NAME = "(standard input)"


def printable(name: object) -> str:
    r"""A file name that cannot harm a terminal: what does not print is escaped.

    >>> printable("a\nb\x1b[31m")
    'a\\nb\\x1b[31m'
    """
    text = os.fspath(name) if isinstance(name, os.PathLike) else str(name)
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


class Console:
    """Messages and progress.

    Parameters
    ----------
    quiet : bool
        Errors only.
    verbose : bool
        Say what was done even if standard error is not a terminal.
    """

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self.quiet = quiet
        self.verbose = verbose
        terminal = is_terminal(sys.stderr)
        self.shows_progress = terminal and not quiet
        self.says_results = (terminal or verbose) and not quiet

    def error(self, message: str | BaseException, subject: object = None) -> None:
        """Says that something failed; always shown."""
        name = None if subject is None else printable(subject)
        text = explain(message, str(subject)) if isinstance(message, BaseException) else message
        self._write(f"foretold: {name}: {text}" if name else f"foretold: {text}")

    def warning(self, message: str, subject: object = None) -> None:
        """Says that something is odd; hidden by ``-q``."""
        if not self.quiet:
            self.error(message, subject)

    def result(self, message: str) -> None:
        """Says what was done."""
        if self.says_results:
            self._write(message)

    def coded(self, name: str, content_bytes: int, archive_bytes: int, seconds: float) -> None:
        """Says what coding one file gave."""
        text = f"{name}: {content_bytes:,} bytes, archive {archive_bytes:,}"
        if content_bytes:
            share = 100 * archive_bytes / content_bytes
            text += f" ({share:.2f} %, {8 * archive_bytes / content_bytes:.3f} bits per byte)"
        if seconds > 0:
            text += f", {human_seconds(seconds)}, {human_bytes(content_bytes / seconds)}/s"
        self.result(text)

    @contextlib.contextmanager
    def progress(
        self,
        subject: object,
        content_bytes: int | None,
        *,
        passes: int = 1,
        resumed: bool = False,
        archive_bytes: Callable[[int], float | None] = lambda done_bytes: None,
    ) -> Iterator[Callable[[int], None] | None]:
        """Draws how far the body has come; on a terminal only.

        Parameters
        ----------
        subject
            The file being worked on.
        content_bytes : int, optional
            Length of the content, if it is known.
        passes : int
            How often the content is gone through.
        resumed : bool
            What is told first was done in an earlier run and says nothing about the speed.
        archive_bytes : callable
            Tells how much of an archive belongs to so much content.

        Yields
        ------
        callable or None
            To be told the content bytes done so far, as an API's ``progress``; None where nobody
            would see it.
        """
        if not self.shows_progress:
            yield None
            return
        from rich.console import Console as Terminal
        from rich.markup import escape
        from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn
        from rich.text import Text

        class Figures(ProgressColumn):
            """Speed, time left and current bits per byte."""

            max_refresh = 0.5

            def render(self, task: Task) -> Text:
                seconds = task.elapsed or 0.0
                done = int(task.completed)
                done_now = done - earlier_bytes
                parts = [f"{done_now / seconds / 1e6:.3f} MB/s" if done_now > 0 and seconds else "- MB/s"]
                speed = task.speed or (done_now / seconds if seconds else 0)
                if task.total and speed:
                    parts.append(f"{human_seconds((task.total - done) / speed)} left")
                coded = min(done, content_bytes or done)
                archive = archive_bytes(coded)
                if archive and coded:
                    parts.append(f"{8 * archive / coded:.3f} bits/byte")
                return Text(", ".join(parts))

        bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:>3.0f}%" if content_bytes else ""),
            Figures(),
            console=Terminal(file=sys.stderr),
            transient=True,
            expand=True,
            redirect_stdout=False,
            redirect_stderr=False,
            speed_estimate_period=60,
        )
        earlier_bytes = 0
        total = content_bytes * passes if content_bytes else None
        with bar:
            task = bar.add_task(escape(_shortened(printable(subject))), total=total)

            def update(done_bytes: int) -> None:
                nonlocal earlier_bytes, resumed
                if resumed:
                    earlier_bytes, resumed = done_bytes, False
                bar.update(task, completed=done_bytes)

            yield update

    @contextlib.contextmanager
    def status(self) -> Iterator[Callable[[str], None]]:
        """Shows what is going on at present; on a terminal only. Gives what to tell it with."""
        if not self.shows_progress:
            yield lambda text: None
            return
        from rich.console import Console as Terminal
        from rich.markup import escape

        with Terminal(file=sys.stderr).status("") as status:
            yield lambda text: status.update(escape(printable(text)))

    def _write(self, line: str) -> None:
        # Whoever closed standard error does not want to hear; the exit code still tells.
        with contextlib.suppress(OSError, ValueError):
            print(line, file=sys.stderr, flush=True)


def _shortened(name: str, width: int = 32) -> str:
    return name if len(name) <= width else f"…{name[1 - width :]}"


def partial_size(target: Path) -> Callable[[int], int | None]:
    """Tells the present length of what is being written for ``target``.

    Unfinished output stands beside its target, as ``.<name>.<random>.partial`` or, of a run with
    checkpoints, ``<name>.partial``.
    """
    found: list[Path] = []
    # File systems round times.
    earliest = time.time() - 1

    def candidates() -> Iterator[Path]:
        yield target.with_name(target.name + ".partial")
        beginning = f".{target.name[:40]}"
        for entry in os.scandir(target.parent):
            if entry.name.startswith(beginning) and entry.name.endswith(".partial"):
                yield target.with_name(entry.name)

    def size(done_bytes: int) -> int | None:
        with contextlib.suppress(OSError):
            for path in [] if found else candidates():
                if path.exists() and path.stat().st_mtime >= earliest:
                    found.append(path)
                    break
            return found[0].stat().st_size if found else None
        return None

    return size
