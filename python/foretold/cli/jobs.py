"""From names on the command line to pairs of source and target, and through them one by one."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from foretold.errors import ForetoldError

from .console import STDIN_NAME, Console, printable
from .exits import Exit, code_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["SUFFIX", "Job", "Skip", "archive_name", "content_name", "plan", "run"]

SUFFIX = ".ftd"


class Skip(Exception):
    """This file fails for the reason given; the others go on."""


@dataclass(frozen=True)
class Job:
    """One file to work on."""

    source: Path | None
    """None is standard input."""
    target: Path | None = None
    """None is standard output, or no output at all."""
    problem: str | None = None
    """Why nothing can be done for it."""
    below: Path | None = None
    """The directory in which folders are made for the target."""

    @property
    def name(self) -> str:
        """The source as people know it."""
        return STDIN_NAME if self.source is None else str(self.source)

    def make_folders(self) -> None:
        """Makes those that lie between the output directory and the target."""
        if self.below is not None and self.target is not None:
            self.target.parent.mkdir(parents=True, exist_ok=True)

    @property
    def regular(self) -> bool:
        """Whether both ends are, or will be, regular files."""
        return (
            self.source is not None
            and self.target is not None
            and self.source.is_file()
            and (self.target.is_file() or not self.target.exists())
        )


def archive_name(source: Path) -> Path:
    """Where the archive of ``source`` goes."""
    return source.with_name(source.name + SUFFIX)


def content_name(source: Path) -> Path:
    """Where the content of the archive ``source`` goes."""
    if not source.name.endswith(SUFFIX) or source.name == SUFFIX:
        raise Skip(f"the name does not end in {SUFFIX} (-o names the output)")
    return source.with_name(source.name[: -len(SUFFIX)])


def plan(
    files: Iterable[Path],
    *,
    name: Callable[[Path], Path] | None,
    output: Path | None = None,
    stdout: bool = False,
    recursive: bool = False,
    wanted: Callable[[Path], bool] = lambda path: True,
) -> list[Job]:
    """What is to be done, in order.

    Parameters
    ----------
    files : paths
        As given; ``-`` is standard input, and so is nothing at all.
    name : callable, optional
        Gives the target beside a source, or raises :class:`Skip`. None: there are no targets.
    output : Path, optional
        The target, or an existing directory for all targets.
    stdout : bool
        Everything goes to standard output.
    recursive : bool
        Go into directories, and take the files there that are ``wanted``.
    """
    if output is not None and str(output) == "-":
        output, stdout = None, True
    if output is not None and stdout:
        raise typer.BadParameter("-o and -c exclude each other")
    into_directory = output is not None and output.is_dir()
    jobs: list[Job] = []
    for file, top in _expanded(files or [Path("-")], recursive, wanted):
        if isinstance(top, str):
            jobs.append(Job(file, problem=top))
        elif name is None or stdout:
            jobs.append(Job(file))
        elif output is not None and not into_directory:
            jobs.append(Job(file, output))
        elif file is None:
            if into_directory:
                jobs.append(Job(None, problem=f"{output} is a directory (-o needs a file's name here)"))
            else:
                jobs.append(Job(None))
        elif not file.is_file():
            jobs.append(Job(file, problem="not a regular file (name the output with -o, or use -c)"))
        else:
            try:
                target = name(file)
            except Skip as reason:
                jobs.append(Job(file, problem=str(reason)))
                continue
            if output is not None:
                # Below the directory stands what stood below the directory that was named.
                beside = target.relative_to(top) if top is not None else Path(target.name)
                target = output / beside
            jobs.append(Job(file, target, below=output))
    _refuse_collisions(jobs)
    return jobs


def _expanded(
    files: Iterable[Path], recursive: bool, wanted: Callable[[Path], bool]
) -> Iterator[tuple[Path | None, Path | str | None]]:
    """Each file with the directory it was found under, or with why it cannot be taken."""
    for file in files:
        if str(file) == "-":
            yield None, None
            continue
        try:
            mode = file.stat().st_mode
        except OSError as error:
            yield file, (error.strerror or str(error)).lower()
            continue
        if not stat.S_ISDIR(mode):
            yield file, None
        elif not recursive:
            yield file, "is a directory (-r goes into it)"
        else:
            yield from _below(file, wanted)


def _below(top: Path, wanted: Callable[[Path], bool]) -> Iterator[tuple[Path, Path | str]]:
    """The wanted regular files below a directory; symbolic links are not followed."""
    problems: list[OSError] = []
    for folder, folders, names in os.walk(top, onerror=problems.append):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if not path.is_symlink() and path.is_file() and wanted(path):
                yield path, top
    for problem in problems:
        yield Path(os.fsdecode(problem.filename)), (problem.strerror or str(problem)).lower()


def _refuse_collisions(jobs: list[Job]) -> None:
    """No output of this run may take the place of another."""
    taken: dict[str, str] = {}
    for job in jobs:
        if job.target is not None:
            key = os.path.realpath(job.target)
            if key in taken and not _is_device(job.target):
                raise typer.BadParameter(
                    f"{printable(taken[key])} and {printable(job.name)} would both become "
                    f"{printable(job.target)}"
                )
            taken[key] = job.name


def _is_device(path: Path) -> bool:
    return path.exists() and not path.is_file()


def run(jobs: list[Job], work: Callable[[Job], Exit | None], console: Console) -> None:
    """Does the jobs in order, whatever becomes of the others, and exits accordingly.

    What ``work`` returns is the job's code, if it is not :attr:`Exit.OK`; it has then said why.
    """
    codes: set[Exit] = set()
    for job in jobs:
        try:
            if job.problem is not None:
                raise Skip(job.problem)
            codes.add(work(job) or Exit.OK)
        except BrokenPipeError:
            raise
        except Skip as reason:
            console.error(str(reason), job.name)
            codes.add(Exit.FAILURE)
        except ForetoldError as error:
            console.error(error, job.name)
            codes.add(code_of(error))
        except (OSError, MemoryError) as error:
            console.error(error, job.name)
            codes.add(code_of(error))
            if job.target is None:
                # What standard output has refused once it will refuse again.
                raise typer.Exit(code_of(error)) from None
    failures = codes - {Exit.OK}
    if failures:
        raise typer.Exit(failures.pop() if len(failures) == 1 else Exit.FAILURE)
