"""``foretold prior``."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import foretold
from foretold import _core
from foretold.knowledge import english

from . import options
from .command import Command, PresetCommand
from .console import Console, printable
from .quantities import human_bytes, size_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["prior"]

prior = typer.Typer(
    name="prior",
    help="Make and look after priors: what a model knows before it sees the first byte.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Priors = Annotated[list[Path], typer.Argument(metavar="PRIOR...", help="Prior files.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object per prior.")]


@prior.command(cls=PresetCommand)
def train(
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="The prior's file, by convention *.ftp.", show_default=False),
    ],
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE...", help="Texts like those to compress; folders too."),
    ] = None,
    preset: options.PresetChoice = 5,
    size: Annotated[
        Any,
        typer.Option(
            "--size",
            parser=options.parsed(size_bytes),
            metavar="SIZE",
            help="Length of the file, at most.",
            show_default="64M; 4M of a recipe",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="What to call it.", show_default="the file's name")
    ] = None,
    lines: Annotated[bool, typer.Option("--lines", help="Every line is a sample, not every file.")] = False,
    split: Annotated[
        Any,
        typer.Option(
            "--split",
            parser=options.parsed(size_bytes),
            metavar="SIZE",
            help="Every SIZE bytes of a file are a sample.",
            show_default=False,
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe", help="english: what bytes follow which, for all presets.", show_default=False
        ),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--from", help="The folder of texts for a recipe.", show_default=False)
    ] = None,
    network: Annotated[
        Path | None,
        typer.Option(
            "--network",
            help="Weights for --max to start with, made by foretold train bytelm.",
            show_default=False,
        ),
    ] = None,
    mixer: Annotated[
        Path | None,
        typer.Option(
            "--mixer",
            help="A mixer network for preset 9 or max, made by foretold train mixer.",
            show_default=False,
        ),
    ] = None,
    frozen: Annotated[
        bool, typer.Option("--frozen", help="That network stays as it is: faster, and larger archives.")
    ] = False,
    transform: options.Transform = options.TransformName.AUTO,
    no_knowledge: options.NoKnowledge = False,
    force: options.Force = False,
    quiet: options.Quiet = False,
) -> None:
    """Learn from FILEs, in the order of their names, and keep it for compression and decompression.

    Samples are best cut as what is to be compressed will be, --lines or --split 2K for messages,
    and the newest stand last. Archives made with a prior cannot be decompressed without it. It is
    for one preset, unless it is made by a recipe. With --network or --mixer and no FILEs it is
    English with these.
    """
    console = Console(quiet=quiet)
    if output.exists() and not force:
        raise typer.BadParameter(f"{output} exists (-f replaces it)", param_hint="--output")
    if recipe is not None or folder is not None:
        if recipe != "english" or folder is None or files:
            raise typer.BadParameter("a recipe is --recipe english --from DIR, without FILEs")
        started = time.monotonic()
        with console.status() as say:
            say(f"{printable(output)}: reading {printable(folder)}")
            made = english.make(
                folder,
                english.SHIPPED_BYTES if size is None else size,
                progress=lambda what: say(f"{printable(output)}: {what}"),
            )
        _with(made, network, mixer, frozen=frozen).save(output)
        total = sum(path.stat().st_size for path in _files([folder]))
        console.coded(printable(output), total, made.file_bytes, time.monotonic() - started)
        return
    if not files and (network is not None or mixer is not None):
        called = output.stem if name is None else name
        _with(foretold.Prior.english(), network, mixer, called, frozen=frozen).save(output)
        return
    if not files:
        raise typer.BadParameter("name FILEs, or a recipe")
    if lines and split is not None:
        raise typer.BadParameter("--lines and --split exclude each other")
    if split is not None and split < 1:
        raise typer.BadParameter(f"{split} bytes, at least 1 is allowed", param_hint="--split")
    paths = sorted(_files(files))
    samples = [path.read_bytes() for path in paths]
    if lines:
        samples = [line for sample in samples for line in sample.splitlines(keepends=True)]
    if split is not None:
        samples = [sample[at : at + split] for sample in samples for at in range(0, len(sample), split)]
    total = sum(map(len, samples))
    started = time.monotonic()
    # They are read twice.
    with console.progress(output, 2 * total) as progress:
        made = foretold.train_prior(
            samples,
            preset,
            name=output.stem if name is None else name,
            max_bytes=64 << 20 if size is None else size,
            transform=transform.value,
            knowledge="none" if no_knowledge else "auto",
            progress=progress,
        )
    made = _with(made, network, mixer, frozen=frozen)
    made.save(output)
    console.coded(printable(output), total, made.file_bytes, time.monotonic() - started)


def _with(
    made: foretold.Prior,
    network: Path | None,
    mixer: Path | None,
    name: str | None = None,
    *,
    frozen: bool,
) -> foretold.Prior:
    if network is not None:
        made = made.with_network(network, name=name, frozen=frozen)
    return made if mixer is None else made.with_mixer(mixer, name=name)


def _files(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        if path.is_dir():
            yield from (inner for inner in path.rglob("*") if inner.is_file())
        elif path.is_file():
            yield path
        else:
            raise typer.BadParameter(f"{path} is no file or folder")


@prior.command(name="list", cls=Command)
def list_priors(as_json: AsJson = False) -> None:
    """Say which priors come with the package."""
    shipped = [foretold.Prior.english(frozen=frozen) for frozen in (False, True)]
    _tell([("in the package", prior) for prior in shipped], as_json=as_json)


@prior.command(cls=Command)
def info(priors: Priors, as_json: AsJson = False) -> None:
    """Say what each PRIOR is."""
    _tell([(printable(path), options.read_prior(path)) for path in priors], as_json=as_json)


@prior.command(cls=Command)
def verify(priors: Priors) -> None:
    """Use each PRIOR once: does what it compresses come back?"""
    for path in priors:
        one = options.read_prior(path)
        text = b"What is well foretold needs few bits. " * 4
        preset = one.preset or 5
        archive = foretold.compress(text, preset, prior=one)
        if foretold.decompress(archive, prior=one) != text:
            raise foretold.PriorError(f"{path}: what it compressed did not come back")
        print(f"{printable(path)}: {one.digest} is whole", flush=True)


@prior.command(cls=Command)
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove all of it.")] = False,
) -> None:
    """Show what priors were expanded to and is kept for the next use (FORETOLD_CACHE says where)."""
    if clear:
        print(f"{human_bytes(_core.clear_prior_cache())} removed", flush=True)
        return
    folder, limit, tables = _core.prior_cache()
    if folder is None:
        print("nothing is kept (FORETOLD_CACHE is empty)", flush=True)
        return
    total = sum(size for _, size, _ in tables)
    print(f"{folder}: {human_bytes(total)} of {human_bytes(limit)} at most", flush=True)
    for file, size, used in reversed(tables):
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(used))
        print(f"  {file:<40}{human_bytes(size):>10}  used {when}", flush=True)


@dataclasses.dataclass(frozen=True)
class _Described:
    place: str
    name: str
    digest: str
    preset: foretold.Preset | None
    file_bytes: int
    network: tuple[int, int] | None
    gates: int | None
    hears_match: bool
    frozen: bool
    mixer: int | None


def _tell(priors: list[tuple[str, foretold.Prior]], *, as_json: bool) -> None:
    for place, one in priors:
        row = _Described(
            place,
            one.name,
            one.digest,
            one.preset,
            one.file_bytes,
            one.network,
            one.network_gates,
            one.network_hears_match,
            one.has_frozen_network,
            one.mixer,
        )
        if as_json:
            print(json.dumps(dataclasses.asdict(row)), flush=True)
            continue
        print(f"{row.place}:")
        print(f"  name      {printable(row.name)}")
        print(f"  digest    {row.digest}")
        print(f"  presets   {'all' if row.preset is None else row.preset}")
        if row.network is not None:
            how = (", hears match models" if row.hears_match else "") + (", frozen" if row.frozen else "")
            gates = "" if row.gates == 3 else f" with {row.gates} gates"
            print("  network   {} layers of {} units{}{}".format(*row.network, gates, how))
        if row.mixer is not None:
            print(f"  mixer     a network of {row.mixer} units")
        print(f"  file      {row.file_bytes:,} bytes", flush=True)
