"""Runs that are killed at any moment and resumed end with the bytes of an undisturbed run."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

import foretold

if TYPE_CHECKING:
    from pathlib import Path

SEED = 20


def text(byte_count: int, seed: int = SEED) -> bytes:
    """Words as frequent as in a language, the k-th in proportion to 1/k."""
    source = random.Random(seed)
    words = ["".join(source.choices("etaoinshrdlu", k=source.randint(1, 9))) for _ in range(2000)]
    drawn = source.choices(words, weights=[1 / k for k in range(1, 2001)], k=byte_count)
    return " ".join(drawn).encode()[:byte_count]


# Both take the paths and options as keyword arguments in Python's own notation.
BEGIN = "import foretold, sys; foretold.{function}(**eval(sys.argv[1]))"
RESUME = "import foretold, sys; foretold.resume_file(eval(sys.argv[1]))"


@dataclass
class KilledRun:
    """One run, from its beginning to its complete output, over as many processes as it takes."""

    folder: Path
    function: str
    source: Path
    options: dict[str, Any]
    source_of_chance: random.Random
    """Decides when to kill."""
    kills: int = 0
    while_saving: int = 0
    """Kills that left a checkpoint half written."""
    resumed: int = 0
    """Kills of a process that had resumed."""

    def __post_init__(self) -> None:
        self.target = self.folder / "target"
        self.checkpoint = self.folder / "checkpoint"
        self.next_checkpoint = self.folder / "checkpoint.next"

    def start(self) -> tuple[subprocess.Popen[bytes], bool]:
        """A process that begins or continues the run, and whether it continues."""
        resumes = self.checkpoint.exists()
        if resumes:
            command, argument = RESUME, str(self.checkpoint)
        else:
            command = BEGIN.format(function=self.function)
            argument = {
                "source": str(self.source),
                "target": str(self.target),
                "checkpoint": str(self.checkpoint),
                "checkpoint_every": 0.0,
                **self.options,
            }
        process = subprocess.Popen(
            [sys.executable, "-c", command, repr(argument)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        return process, resumes

    def until_complete(self, most_kills: int, seconds: float) -> bytes:
        """Kills and resumes, at most so often, then lets it run; the output.

        An undisturbed run takes about `seconds`.
        """
        chance = self.source_of_chance
        while not self.is_complete():
            process, resumes = self.start()
            with process:
                if self.kills < most_kills:
                    if chance.random() < 0.5:
                        self.wait(process, chance.uniform(0, seconds))
                    else:
                        # For the writing of a checkpoint, then a moment.
                        self.wait(process, 2 * seconds, until_saving=True)
                        time.sleep(chance.uniform(0, 0.01))
                    process.kill()
                output, _ = process.communicate()
            if process.returncode == 0:
                assert self.is_complete()
            else:
                assert process.returncode == -signal.SIGKILL, output.decode()
                self.kills += 1
                self.resumed += resumes
                self.while_saving += self.next_checkpoint.exists()
        left = sorted(path.name for path in self.folder.iterdir())
        assert left == ["target"], left
        return self.target.read_bytes()

    def is_complete(self) -> bool:
        return self.target.exists() and not self.checkpoint.exists()

    def wait(self, process: subprocess.Popen[bytes], seconds: float, *, until_saving: bool = False) -> None:
        end = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < end:
            if until_saving and self.next_checkpoint.exists():
                return
            time.sleep(0.001)


@dataclass
class Case:
    """A task whose undisturbed result is known."""

    function: str
    source: Path
    options: dict[str, Any]
    result: bytes
    seconds: float

    def kill(self, folder: Path, most_kills: int, seed: int) -> KilledRun:
        folder.mkdir()
        run = KilledRun(folder, self.function, self.source, self.options, random.Random(seed))
        assert run.until_complete(most_kills, self.seconds) == self.result
        return run


def case(folder: Path, function: str, source: Path, **options: Any) -> Case:
    """Runs undisturbed, in a process of its own as the killed runs do."""
    folder.mkdir()
    run = KilledRun(folder, function, source, options, random.Random(0))
    begun = time.monotonic()
    result = run.until_complete(0, 0)
    seconds = time.monotonic() - begun
    assert run.kills == 0
    return Case(function, source, options, result, seconds)


def cases(folder: Path, content: bytes) -> list[Case]:
    source = folder / "text"
    source.write_bytes(content)
    small_blocks = {"preset": 1, "block_size": 1 << 16}
    compressing = [
        case(folder / "blocks", "compress_file", source, **small_blocks, verify=True),
        case(folder / "threads", "compress_file", source, **small_blocks, threads=2),
        case(folder / "one-block", "compress_file", source, preset=2),
        case(folder / "words", "compress_file", source, preset=1, transform="words"),
    ]
    for one in compressing:
        assert foretold.decompress(one.result) == content
    assert compressing[0].result == compressing[1].result
    archive = folder / "archive"
    archive.write_bytes(compressing[0].result + foretold.compress(b"") + compressing[2].result)
    decompressing = [
        case(folder / "decoded", "decompress_file", archive),
        case(folder / "decoded-threads", "decompress_file", archive, threads=2),
    ]
    for one in decompressing:
        assert one.result == content * 2
    return compressing + decompressing


@pytest.mark.skipif(sys.platform == "win32", reason="a kill looks different there")
def test_killed_runs_end_with_the_same_bytes(tmp_path: Path) -> None:
    content = text(300_000)
    source = tmp_path / "text"
    source.write_bytes(content)
    compressing = case(
        tmp_path / "compressed", "compress_file", source, preset=1, block_size=1 << 16, verify=True
    )
    compressing.kill(tmp_path / "killed-1", most_kills=3, seed=SEED)
    archive = tmp_path / "archive"
    archive.write_bytes(compressing.result)
    decompressing = case(tmp_path / "decompressed", "decompress_file", archive)
    assert decompressing.result == content
    decompressing.kill(tmp_path / "killed-2", most_kills=2, seed=SEED)


@pytest.mark.heavy
@pytest.mark.timeout(3600)
@pytest.mark.skipif(sys.platform == "win32", reason="a kill looks different there")
def test_two_hundred_kills(tmp_path: Path) -> None:
    all_cases = cases(tmp_path, text(2_500_000))
    runs: list[KilledRun] = []
    while (kills := sum(run.kills for run in runs)) < 200:
        number = len(runs)
        run = all_cases[number % len(all_cases)].kill(
            tmp_path / f"killed-{number}", most_kills=min(15, 200 - kills), seed=SEED + number
        )
        runs.append(run)
        assert number < 400, "the runs end before they are killed"
    print(f"{kills} kills of {len(runs)} runs, {sum(run.resumed for run in runs)} of resumed ones")
    # Otherwise the test does not test what it is for.
    assert sum(run.resumed for run in runs) >= 50
    assert sum(run.while_saving for run in runs) >= 10


class StoppedError(Exception):
    """Raised by a progress function."""


def stop_at(byte_count: int) -> Any:
    def progress(done: int) -> None:
        if done >= byte_count:
            raise StoppedError

    return progress


def test_a_stopped_run_keeps_what_its_checkpoint_needs(tmp_path: Path) -> None:
    source, target, checkpoint = tmp_path / "text", tmp_path / "target", tmp_path / "checkpoint"
    source.write_bytes(text(2_200_000))
    with pytest.raises(StoppedError):
        foretold.compress_file(source, target, 1, progress=stop_at(1))
    assert [path.name for path in tmp_path.iterdir()] == ["text"]
    with pytest.raises(StoppedError):
        foretold.compress_file(
            source, target, 1, checkpoint=checkpoint, checkpoint_every=0, progress=stop_at(1_100_000)
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint", "target.partial", "text"]
    seen: list[int] = []
    report = foretold.resume_file(checkpoint, progress=seen.append)
    assert seen[0] >= 1_000_000
    assert seen[-1] == report.content_bytes == 2_200_000
    assert target.read_bytes() == foretold.compress(source.read_bytes(), 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["target", "text"]


@pytest.mark.skipif(sys.platform == "win32", reason="the limit is Unix's")
@pytest.mark.parametrize("checkpointed", [False, True])
def test_a_full_disk_leaves_no_target(tmp_path: Path, checkpointed: bool) -> None:
    source = tmp_path / "text"
    source.write_bytes(text(500_000))
    target, checkpoint = tmp_path / "target", tmp_path / "checkpoint"
    command = (
        "import errno, foretold, resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "options = eval(sys.argv[1])\n"
        "try:\n"
        "    foretold.compress_file(**options)\n"
        "except OSError as error:\n"
        "    print(errno.errorcode[error.errno], error.filename)\n"
    )
    options = {"source": str(source), "target": str(target), "preset": 1, "block_size": 1 << 16}
    if checkpointed:
        options |= {"checkpoint": str(checkpoint), "checkpoint_every": 1000.0}
    done = subprocess.run(
        [sys.executable, "-c", command, repr(options)], capture_output=True, text=True, check=True
    )
    code, filename = done.stdout.split(maxsplit=1)
    assert code == "EFBIG", done.stdout
    assert str(tmp_path) in filename
    assert not target.exists()
    if not checkpointed:
        assert [path.name for path in tmp_path.iterdir()] == ["text"]
        return
    # What was done is kept, and goes on when there is room.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint", "target.partial", "text"]
    foretold.resume_file(checkpoint)
    assert target.read_bytes() == foretold.compress(source.read_bytes(), 1, block_size=1 << 16)


def test_a_run_cannot_be_resumed_on_other_files(tmp_path: Path) -> None:
    source, target, checkpoint = tmp_path / "text", tmp_path / "target", tmp_path / "checkpoint"
    source.write_bytes(text(1_500_000))
    with pytest.raises(StoppedError):
        foretold.compress_file(
            source, target, 1, block_size=1 << 16, checkpoint=checkpoint, checkpoint_every=0,
            progress=stop_at(150_000),
        )  # fmt: skip
    good = source.read_bytes()
    source.write_bytes(b"x" + good[1:])
    with pytest.raises(foretold.CheckpointError, match="text has changed"):
        foretold.resume_file(checkpoint)
    source.write_bytes(good)
    with pytest.raises(foretold.CheckpointError, match="not a checkpoint"):
        foretold.resume_file(source)
    with pytest.raises(FileNotFoundError):
        foretold.resume_file(tmp_path / "none")
    foretold.resume_file(checkpoint)
    assert foretold.decompress(target.read_bytes()) == good
