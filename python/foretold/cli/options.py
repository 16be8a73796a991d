"""The options that several commands share, each stated once."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import foretold

from .quantities import duration_seconds, layers_units, preset_number, range_bytes, size_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "BlockSize",
    "Checkpoint",
    "CheckpointEvery",
    "Files",
    "Fit",
    "FitEpochs",
    "FitSize",
    "Force",
    "MaxMemory",
    "MaxOutput",
    "NoChecksum",
    "NoKnowledge",
    "Output",
    "PresetChoice",
    "Prior",
    "Priors",
    "Quiet",
    "Range",
    "Recover",
    "Recursive",
    "RemoveSource",
    "Stdout",
    "Threads",
    "Transform",
    "Verbose",
    "Verify",
    "parsed",
    "read_prior",
    "worker_count",
]


def parsed(parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    """`parse` as the parser of an option, which may be handed a default that is parsed already."""

    def convert(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return parse(value)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    # The name that the help shows for a value.
    convert.__name__ = parse.__name__.split("_")[0].upper()
    return convert


def worker_count(threads: int) -> int:
    """``-T 0`` is one worker per processor."""
    import os

    return threads or os.cpu_count() or 1


Files = Annotated[
    list[Path] | None,
    typer.Argument(metavar="FILE", help="Files; - or none is standard input.", show_default=False),
]
PresetChoice = Annotated[
    Any,
    typer.Option(
        "--preset",
        "-p",
        parser=parsed(preset_number),
        metavar="N",
        help="1 (fast) to 9, or max (smallest, slowest); also written -1 ... -9, --max.",
    ),
]
Threads = Annotated[
    int,
    typer.Option(
        "--threads", "-T", min=0, max=1024, help="Workers; 0 is one per processor. Output is the same."
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Write to this file, or into this directory.", show_default=False),
]
Stdout = Annotated[bool, typer.Option("--stdout", "-c", help="Write to standard output; keep the source.")]
Force = Annotated[bool, typer.Option("--force", "-f", help="Overwrite what exists.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say what was done, terminal or not.")]
Recursive = Annotated[bool, typer.Option("--recursive", "-r", help="Go into directories.")]
Verify = Annotated[bool, typer.Option("--verify", help="Decode what was written and compare.")]
RemoveSource = Annotated[
    bool, typer.Option("--rm", help="Remove each source after its output was verified (implies --verify).")
]
Recover = Annotated[
    bool,
    typer.Option("--recover", help="Save what a damaged archive still holds, with zeros for what is lost."),
]
NoChecksum = Annotated[bool, typer.Option("--no-checksum", help="Store no checks of the content.")]
BlockSize = Annotated[
    Any,
    typer.Option(
        "--block-size",
        parser=parsed(size_bytes),
        metavar="SIZE",
        help="Start the model afresh after so much content (64K, 16M, ...).",
        show_default="the preset's choice",
    ),
]


class TransformName(str, Enum):
    """Whether the words of text become short codes."""

    AUTO = "auto"
    NONE = "none"
    WORDS = "words"


Transform = Annotated[
    TransformName,
    typer.Option(
        "--transform",
        help="Replace words of text by short codes: where the preset gains by it, never, or always. "
        "With none, compressed streams in a file are not expanded and lines not joined either.",
    ),
]
NoKnowledge = Annotated[
    bool,
    typer.Option("--no-knowledge", help="Start from nothing: the archive needs nothing but the format."),
]
Frozen = Annotated[
    bool,
    typer.Option(
        "--frozen", help="With --max: its English network does not learn. Faster; archives are larger."
    ),
]
Prior = Annotated[
    Path | None,
    typer.Option("--prior", help="Start from this prior; decompression needs it too.", show_default=False),
]
Fit = Annotated[
    bool,
    typer.Option(
        "--fit",
        help="With --max: fit a network to each FILE and store it, if that is smaller (foretold[train]).",
    ),
]
FitSize = Annotated[
    Any,
    typer.Option(
        "--fit-size",
        parser=parsed(layers_units),
        metavar="LxU",
        help="Layers and units of the network that --fit trains: 1x64 to 2x384.",
        show_default="by the file's length",
    ),
]
FitEpochs = Annotated[
    float, typer.Option("--fit-epochs", min=0.01, metavar="N", help="How often --fit reads the file.")
]
Priors = Annotated[
    list[Path] | None,
    typer.Option("--prior", help="A prior that archives may need; may be repeated.", show_default=False),
]
MaxMemory = Annotated[
    Any,
    typer.Option(
        "--max-memory",
        parser=parsed(size_bytes),
        metavar="SIZE",
        help="Most memory for models and blocks; threads are reduced before it refuses.",
        show_default="2.5G",
    ),
]
MaxOutput = Annotated[
    Any,
    typer.Option(
        "--max-output",
        parser=parsed(size_bytes),
        metavar="SIZE",
        help="Refuse to write more content than this.",
        show_default="no limit",
    ),
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        help="Keep the run's state in this file; `foretold resume` continues from it.",
        show_default=False,
    ),
]
CheckpointEvery = Annotated[
    Any,
    typer.Option(
        "--checkpoint-every",
        parser=parsed(duration_seconds),
        metavar="TIME",
        help="How often (90s, 10m, 2h).",
    ),
]
Range = Annotated[
    Any,
    typer.Option(
        "--range",
        parser=parsed(range_bytes),
        metavar="START:END",
        help="Only these bytes of the content, decoding no more blocks than needed.",
        show_default=False,
    ),
]


def read_prior(path: Path) -> foretold.Prior:
    """The prior in the file at `path`, which is read once; one that is none is a wrong option."""
    try:
        return foretold.Prior(path)
    except (foretold.PriorError, OSError) as error:
        raise typer.BadParameter(str(error), param_hint="--prior") from error
