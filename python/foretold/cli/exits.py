"""Exit codes, and which error ends with which."""

from __future__ import annotations

import enum

from foretold.errors import CorruptError, ForetoldError, FormatError, MemoryLimitError, OutputLimitError

__all__ = ["EPILOG", "Exit", "Terminated", "code_of", "explain"]


class Exit(enum.IntEnum):
    """What the process's exit code says; where files fail for several reasons it is ``FAILURE``."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    CORRUPT = 3
    FORMAT = 4
    LIMIT = 5
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    TERMINATED = 143


MEANINGS = {
    Exit.OK: "everything was done",
    Exit.FAILURE: "a file is missing, unreadable or in the way, the disk full, ...",
    Exit.USAGE: "the command line was not understood",
    Exit.CORRUPT: "an archive is damaged (--recover: something was lost)",
    Exit.FORMAT: "no foretold archive, or one of another format generation",
    Exit.LIMIT: "--max-memory or --max-output is too small, or memory ran out",
    Exit.INTERRUPTED: "interrupted by Ctrl-C",
    Exit.BROKEN_PIPE: "the reader of standard output went away",
    Exit.TERMINATED: "ended by SIGTERM or SIGHUP",
}

# The mark keeps the help's lines as they are.
EPILOG = "\b\nExit codes:\n" + "\n".join(f"{code.value:>5}  {text}" for code, text in MEANINGS.items())


class Terminated(BaseException):
    """SIGTERM or SIGHUP came. Not an ``Exception``, so that it passes through as Ctrl-C does."""


def code_of(error: BaseException) -> Exit:
    """The exit code for what was raised."""
    if isinstance(error, CorruptError):
        return Exit.CORRUPT
    if isinstance(error, FormatError):
        return Exit.FORMAT
    if isinstance(error, (MemoryLimitError, OutputLimitError, MemoryError)):
        return Exit.LIMIT
    if isinstance(error, KeyboardInterrupt):
        return Exit.INTERRUPTED
    if isinstance(error, Terminated):
        return Exit.TERMINATED
    if isinstance(error, BrokenPipeError):
        return Exit.BROKEN_PIPE
    return Exit.FAILURE


def explain(error: BaseException, subject: str | None = None) -> str:
    """One line for people. ``subject`` is the file the line will begin with anyway."""
    if isinstance(error, FileExistsError) and error.filename:
        return f"{error.filename} exists (-f overwrites it)"
    if isinstance(error, OSError) and error.strerror:
        reason = error.strerror[0].lower() + error.strerror[1:]
        named = error.filename
        if isinstance(named, bytes):
            named = named.decode(errors="replace")
        return reason if named is None or str(named) == subject else f"{named}: {reason}"
    if isinstance(error, MemoryError):
        return str(error) or "out of memory"
    if isinstance(error, MemoryLimitError):
        return f"{error} (--max-memory raises the limit)"
    if isinstance(error, OutputLimitError):
        return f"{error} (--max-output raises the limit)"
    if isinstance(error, (ForetoldError, OSError)):
        return str(error) or type(error).__name__
    return f"{type(error).__name__}: {error}"
