"""``foretold train``."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foretold.errors import CheckpointError, ForetoldError

from . import options
from .command import Command
from .console import Console, printable
from .quantities import duration_seconds, human_bytes, human_seconds

if TYPE_CHECKING:
    from foretold.train.data import Corpus
    from foretold.train.lstm import PersistentLSTM

__all__ = ["train"]

train = typer.Typer(
    name="train",
    help="Train networks in torch and export their weights.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class MixerPreset(str, Enum):
    """Presets that a mixer network corrects."""

    NINE = "9"
    MAX = "max"


class WeightsName(str, Enum):
    """What matrices become in the exported file."""

    INT8 = "int8"
    INT4 = "int4"
    FLOAT32 = "float32"


From = Annotated[Path, typer.Option("--from", metavar="DIR", help="The folder of texts.", show_default=False)]
Cache = Annotated[
    Path | None,
    typer.Option(
        "--cache", metavar="DIR", help="Keep what the models see of the texts here.", show_default=False
    ),
]
NetOutput = Annotated[
    Path,
    typer.Option(
        "--output", "-o", help="The weights' file, by convention *.safetensors.", show_default=False
    ),
]
Export = Annotated[WeightsName, typer.Option("--export", help="What the weights become.")]
FineTune = Annotated[
    int,
    typer.Option("--fine-tune", min=0, metavar="N", help="Updates at the end in which weights are rounded."),
]
Checkpoint = Annotated[
    Path | None,
    typer.Option("--checkpoint", help="Keep the run's state in this file.", show_default=False),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint, if it exists.")]
LogFile = Annotated[
    Path | None,
    typer.Option("--log-file", help="Append figures to this file, as JSON lines.", show_default=False),
]
Device = Annotated[str, typer.Option("--device", help="auto, cuda or cpu.")]
Threads = Annotated[
    int, typer.Option("--threads", "-T", min=0, help="Threads on the CPU; 0 leaves it to torch.")
]
Compile = Annotated[
    bool | None,
    typer.Option(
        "--compile/--no-compile",
        help="Have torch compile the network's steps.",
        show_default="where a run is long enough to gain by it",
    ),
]
LearningRate = Annotated[float, typer.Option("--lr", help="Highest learning rate.")]


@train.command(cls=Command)
def bytelm(
    folder: From,
    output: NetOutput,
    hidden: Annotated[int, typer.Option("--hidden", min=1, help="Units of each layer.")] = 384,
    layers: Annotated[int, typer.Option("--layers", min=1, max=3, help="Layers.")] = 2,
    gates: Annotated[int, typer.Option("--gates", min=3, max=4, help="4: with an input gate.")] = 3,
    match: Annotated[
        bool, typer.Option("--match", help="Hear what match models expect.", show_default=False)
    ] = False,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Bytes gradients are propagated back.")] = 64,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Streams read at once.")] = 64,
    learning_rate: LearningRate = 2e-3,
    updates: Annotated[
        int | None, typer.Option("--updates", min=1, help="Length of the run.", show_default=False)
    ] = None,
    seconds: Annotated[
        Any,
        typer.Option(
            "--seconds",
            parser=options.parsed(duration_seconds),
            metavar="TIME",
            help="Length of the run by the clock (90, 10m, 2h).",
            show_default="10m",
        ),
    ] = None,
    optimiser: Annotated[str, typer.Option("--optimiser", help="adamw or sgd.")] = "adamw",
    precision: Annotated[
        str, typer.Option("--precision", help="auto, float32 or bfloat16 products.")
    ] = "auto",
    levels: Annotated[
        str, typer.Option("--levels", metavar="LIST", help="Batches between updates of each layer: 1,4,16.")
    ] = "1",
    surprise: Annotated[
        float, typer.Option("--surprise", min=0, help="Weight of the loss that surprisal weighs.")
    ] = 0.0,
    no_resets: Annotated[
        bool, typer.Option("--no-resets", help="Carry states over the beginnings of documents.")
    ] = False,
    evaluate_every: Annotated[
        int, typer.Option("--evaluate-every", min=1, metavar="N", help="Updates between measurements.")
    ] = 1000,
    patience: Annotated[
        int | None,
        typer.Option("--patience", min=1, help="Stop after so many measurements without a new best."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Decides first weights and order.")] = 1,
    device: Device = "auto",
    threads: Threads = 0,
    compile_steps: Compile = None,
    checkpoint: Checkpoint = None,
    checkpoint_every: options.CheckpointEvery = 300.0,
    resume: Resume = False,
    log: LogFile = None,
    cache: Cache = None,
    export: Export = WeightsName.INT8,
    fine_tune: FineTune = 0,
    force: options.Force = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a byte LSTM on the files below a folder, and write its weights."""
    _require_torch()
    import torch

    from foretold.train.loop import Settings, Trainer, pick_device, worth_compiling
    from foretold.train.lstm import PersistentLSTM

    # Of several processes the first one talks.
    console = Console(quiet=quiet or os.environ.get("RANK", "0") != "0", verbose=True)
    _check_output(output, force=force)
    if resume and checkpoint is None:
        raise typer.BadParameter("it needs --checkpoint", param_hint="--resume")
    if updates is None and seconds is None:
        seconds = 600.0
    settings = Settings(
        steps=steps,
        batch=batch,
        updates=updates,
        seconds=seconds,
        optimiser=optimiser,  # type: ignore[arg-type]
        learning_rate=learning_rate,
        warm_up=200 if updates is None else min(200, updates // 10),
        seed=seed,
        resets=not no_resets,
        surprise=surprise,
        levels=_integers(levels),
        precision=precision,  # type: ignore[arg-type]
        evaluate_every=evaluate_every,
        patience=patience,
    )
    if threads:
        torch.set_num_threads(threads)
    corpus = _corpus(folder, cache, console)
    torch.manual_seed(seed)
    net = PersistentLSTM(hidden, layers, gates=gates, hears_match=match)
    where = pick_device(device)
    trainer = Trainer(
        net,
        corpus,
        settings,
        device=where,
        compile_steps=worth_compiling(net, settings, where) if compile_steps is None else compile_steps,
        checkpoint=checkpoint,
        checkpoint_seconds=checkpoint_every,
        log=log,
        progress=lambda line: console.result(_told(line)),
    )
    if resume and checkpoint is not None and checkpoint.exists():
        trainer.resume(checkpoint)
        console.result(f"{printable(checkpoint)}: goes on")
    outcome = trainer.run()
    console.result(
        f"{outcome.updates:,} updates in {human_seconds(outcome.seconds)}, "
        f"{human_bytes(outcome.bytes_per_second)}/s"
    )
    if trainer.is_first:
        _finish(net, corpus, settings, output, export, fine_tune, outcome.updates, console)


@train.command(cls=Command, name="export")
def export_weights(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint of foretold train bytelm.")],
    output: NetOutput,
    folder: From,
    export: Export = WeightsName.INT8,
    fine_tune: FineTune = 0,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Streams read at once, to fine-tune.")] = 64,
    learning_rate: LearningRate = 2e-3,
    device: Device = "auto",
    threads: Threads = 0,
    cache: Cache = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
) -> None:
    """Write the weights of a checkpoint; the folder is what it was trained on."""
    _require_torch()
    import torch

    from foretold.train.loop import Settings, load_checkpoint, pick_device
    from foretold.train.lstm import PersistentLSTM

    console = Console(quiet=quiet, verbose=True)
    _check_output(output, force=force)
    if threads:
        torch.set_num_threads(threads)
    content = load_checkpoint(checkpoint)
    corpus = _corpus(folder, cache, console)
    if content.get("corpus", corpus.digest) != corpus.digest:
        raise CheckpointError(f"{checkpoint} was made with other data than {folder}", checkpoint)
    net = PersistentLSTM.like(content["net"]).to(pick_device(device))
    settings = Settings(batch=batch, updates=1, learning_rate=learning_rate)
    _finish(net, corpus, settings, output, export, fine_tune, content["step"], console)


@train.command(cls=Command)
def study(
    folder: From,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIR", help="Where tables and plots go.", show_default=False),
    ],
    hidden: Annotated[int, typer.Option("--hidden", min=1, help="Units of each layer.")] = 128,
    layers: Annotated[int, typer.Option("--layers", min=1, max=3, help="Layers.")] = 1,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Bytes of a window.")] = 64,
    batch: Annotated[int, typer.Option("--batch", min=4, help="Streams, a multiple of 4.")] = 32,
    updates: Annotated[int, typer.Option("--updates", min=20, help="Length of each run.")] = 500,
    seeds: Annotated[
        str, typer.Option("--seeds", metavar="LIST", help="One run of each arm for each.")
    ] = "1,2,3",
    learning_rates: Annotated[
        str, typer.Option("--lr", metavar="LIST", help="Learning rates; of several, the best for each arm.")
    ] = "0.004",
    surprise: Annotated[float, typer.Option("--surprise", min=0, help="Weight of surprise.")] = 0.5,
    device: Device = "auto",
    threads: Threads = 0,
    compile_steps: Annotated[
        bool, typer.Option("--compile", help="Have torch compile the networks' steps.")
    ] = False,
    cache: Cache = None,
    quiet: options.Quiet = False,
) -> None:
    """Compare networks with reset and carried states: baseline, persistent, surprise, long windows."""
    _require_torch()
    import torch

    from foretold.train.loop import pick_device
    from foretold.train.study import Study, write_study

    console = Console(quiet=quiet, verbose=True)
    if threads:
        torch.set_num_threads(threads)
    plan = Study(
        hidden=hidden,
        layers=layers,
        steps=steps,
        batch=batch,
        updates=updates,
        seeds=_integers(seeds),
        learning_rates=_floats(learning_rates),
        surprise=surprise,
    )
    corpus = _corpus(folder, cache, console)
    runs = plan.run(
        corpus,
        pick_device(device),
        compile_steps=compile_steps,
        progress=lambda run, tuning: console.result(
            f"{run.arm}, {f'rate {run.learning_rate:g}' if tuning else f'seed {run.seed}'}: "
            f"{run.carried_bits:.4f} bits carried, {run.reset_bits:.4f} reset, {human_seconds(run.seconds)}"
        ),
    )
    written = write_study(plan, corpus, runs, output)
    print((output / "study.md").read_text(encoding="utf-8"), flush=True)
    console.result("written: " + ", ".join(printable(path) for path in written))


@train.command(cls=Command)
def mixer(
    folder: From,
    output: NetOutput,
    traces: Annotated[
        Path,
        typer.Option("--traces", metavar="DIR", help="Keep the models' traces here.", show_default=False),
    ],
    prior: Annotated[
        Path | None,
        typer.Option("--prior", help="The prior that the models start from.", show_default="English"),
    ] = None,
    preset: Annotated[
        MixerPreset, typer.Option("--preset", help="The preset that is to be corrected.")
    ] = MixerPreset.MAX,
    no_knowledge: Annotated[
        bool, typer.Option("--no-knowledge", help="The models start from nothing.", show_default=False)
    ] = False,
    hidden: Annotated[int, typer.Option("--hidden", min=16, max=256, help="Units, a multiple of 16.")] = 32,
    blends: Annotated[
        int, typer.Option("--blends", min=1, max=32, help="Mixers with fixed weights among the opinions.")
    ] = 16,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Bits gradients are propagated back.")] = 128,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Streams read at once.")] = 192,
    learning_rate: Annotated[float, typer.Option("--lr", help="Highest learning rate.")] = 6e-3,
    updates: Annotated[int, typer.Option("--updates", min=1, help="Length of the run.")] = 1500,
    share: Annotated[
        float, typer.Option("--share", min=0, max=1, help="Share of the texts' bits to learn from.")
    ] = 1.0,
    evaluate_every: Annotated[
        int, typer.Option("--evaluate-every", min=1, metavar="N", help="Updates between measurements.")
    ] = 500,
    seed: Annotated[int, typer.Option("--seed", help="Decides the first weights.")] = 1,
    device: Device = "auto",
    threads: Threads = 0,
    checkpoint: Checkpoint = None,
    checkpoint_every: options.CheckpointEvery = 300.0,
    resume: Resume = False,
    log: LogFile = None,
    export: Export = WeightsName.INT8,
    force: options.Force = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a mixer network on what a preset says of the files below a folder, and write its weights.

    What the models have read already they know too well: give texts, and a prior and a network,
    that do not know each other.
    """
    _require_torch()
    import torch

    from foretold.train.loop import pick_device
    from foretold.train.mixer import (
        LstmMixer,
        MixerSettings,
        MixerTrainer,
        export_mixer,
        held_gain,
        load_mixer,
        mixer_card,
        only_heard,
    )
    from foretold.train.traces import collect, read_shard, split

    console = Console(quiet=quiet, verbose=True)
    _check_output(output, force=force)
    if export is WeightsName.INT4:
        raise typer.BadParameter("a mixer network is float32 or int8", param_hint="--export")
    if resume and checkpoint is None:
        raise typer.BadParameter("it needs --checkpoint", param_hint="--resume")
    if threads:
        torch.set_num_threads(threads)
    learned, held = split(folder)
    shards = [
        collect(
            files,
            traces,
            "max" if preset is MixerPreset.MAX else int(preset.value),
            knowledge="none" if no_knowledge else "auto",
            prior=prior,
            share=share,
            progress=lambda path: console.result(path.name),
        )
        for files in (learned, held)
    ]
    read = [only_heard(read_shard(path)) for path in shards[0]]
    kept = [read_shard(path) for path in shards[1]]
    torch.manual_seed(seed)
    net = LstmMixer(hidden, read[0].columns, read[0].context_names, blends=blends)
    trainer = MixerTrainer(
        net,
        read,
        kept,
        MixerSettings(
            updates=updates,
            steps=steps,
            batch=batch,
            learning_rate=learning_rate,
            warm_up=min(50, updates // 10),
            evaluate_every=evaluate_every,
        ),
        device=pick_device(device),
        checkpoint=checkpoint,
        checkpoint_seconds=checkpoint_every,
        log=log,
        progress=lambda line: console.result(_told_of_mixer(line)),
    )
    if resume and checkpoint is not None and checkpoint.exists():
        trainer.resume(checkpoint)
        console.result(f"{printable(checkpoint)}: goes on")
    done = trainer.run()
    before, after = held_gain(net, kept)
    figures = {"held_bits_before": round(before, 5), "held_bits_trained": round(after, 5)}
    card = mixer_card(net, learned, held, updates=done, figures=figures, commit=_commit())
    export_mixer(net, output, export.value, card)
    _, exported = held_gain(load_mixer(output)[0], kept)
    figures["held_bits_exported"] = round(exported, 5)
    size = export_mixer(net, output, export.value, card)
    console.result(
        f"{printable(output)}: {size:,} bytes, held out {before:.4f} bits per coded byte without it, "
        f"{exported:.4f} with it ({100 * (exported / before - 1):+.2f} %)"
    )


def _told_of_mixer(line: dict[str, Any]) -> str:
    def change(bits: float, before: float) -> str:
        return f"{bits:.4f} bits ({100 * (bits / before - 1):+.2f} %)"

    text = (
        f"{line['update']:>8,}  {change(line['bits'], line['bits_before'])}  lr {line['learning_rate']:.2e}"
    )
    if "held_bits" in line:
        text += f"  held out {change(line['held_bits'], line['held_bits_before'])}"
    return text


@train.command(cls=Command)
def variants(
    folder: From,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Where rows and their table go.", show_default=False
        ),
    ],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME...", help="Experiments; none are all.")
    ] = None,
    hidden: Annotated[int, typer.Option("--hidden", min=64, help="Units, a multiple of 64.")] = 128,
    updates: Annotated[int, typer.Option("--updates", min=1, help="Length of each run.")] = 400,
    lanes: Annotated[int, typer.Option("--lanes", min=3, help="Streams, a multiple of 3.")] = 24,
    held: Annotated[int, typer.Option("--held", min=256, help="Bytes of each kind to measure.")] = 16384,
    learning_rate: Annotated[float, typer.Option("--lr", help="Highest learning rate.")] = 6e-3,
    seeds: Annotated[str, typer.Option("--seeds", metavar="LIST", help="One run for each.")] = "1,2",
    threads: Threads = 0,
    quiet: options.Quiet = False,
) -> None:
    """Compare ways to build a byte network, each with a name and a row in a table.

    Runs that have a row are not done again. The folder has prose, markup and binary files.
    """
    _require_torch()
    import torch

    from foretold.train.variants import Budget, read_kinds, run_variants

    console = Console(quiet=quiet, verbose=True)
    if threads:
        torch.set_num_threads(threads)
    budget = Budget(hidden=hidden, lanes=lanes, updates=updates, held_bytes=held, learning_rate=learning_rate)
    run_variants(
        names or [],
        read_kinds(folder),
        output,
        budget=budget,
        seeds=_integers(seeds),
        progress=lambda row: console.result(
            f"{row.variant}, seed {row.seed}: {row.bits:.4f} bits, {human_seconds(row.seconds)}"
        ),
    )
    print((output / "variants.md").read_text(encoding="utf-8"), end="", flush=True)


def _require_torch() -> None:
    try:
        import foretold.train  # noqa: F401
    except ImportError as error:
        raise ForetoldError(str(error)) from None


def _check_output(output: Path, *, force: bool) -> None:
    if output.exists() and not force:
        raise typer.BadParameter(f"{output} exists (-f replaces it)", param_hint="--output")


def _integers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no list of whole numbers") from None


def _floats(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no list of numbers") from None


def _corpus(folder: Path, cache: Path | None, console: Console) -> Corpus:
    from foretold.train.data import read_corpus

    with console.status() as say:
        corpus = read_corpus(folder, cache=cache, progress=lambda name: say(f"reading {name}"))
    console.result(
        f"{printable(folder)}: {len(corpus.files)} files, {len(corpus.documents):,} documents, "
        f"{corpus.train_bytes:,} coded bytes to train on, {len(corpus.held):,} held out"
    )
    return corpus


def _told(line: dict[str, Any]) -> str:
    text = (
        f"{line['update']:>8,}  {line['bits']:.4f} bits  {line['bytes_per_second'] / 1e3:.1f} kB/s  "
        f"lr {line['learning_rate']:.2e}"
    )
    return f"{text}  held out {line['held_bits']:.4f}" if "held_bits" in line else text


def _finish(
    net: PersistentLSTM,
    corpus: Corpus,
    settings: Any,
    output: Path,
    weights: WeightsName,
    fine_tune: int,
    updates: int,
    console: Console,
) -> None:
    """Fine-tune if wanted, export, and measure what was exported."""
    import math

    from foretold.train.export import export, load, model_card
    from foretold.train.loop import Trainer, held_bits, pick_precision

    measurable = len(corpus.held) > 64
    net.precision = pick_precision(settings.precision, net.out.device)
    before = held_bits(net, corpus.held) if measurable else math.nan
    figures: dict[str, Any] = {"held_bits_trained": round(before, 5)}
    if fine_tune and weights is not WeightsName.FLOAT32:
        net.weight_bits = 8 if weights is WeightsName.INT8 else 4
        gentle = dataclasses.replace(
            settings,
            updates=fine_tune,
            seconds=None,
            learning_rate=settings.learning_rate / 10,
            warm_up=0,
            decay=1.0,
            patience=None,
            seed=settings.seed + 1,
        )
        Trainer(
            net,
            corpus,
            gentle,
            device=net.out.device,
            progress=lambda line: console.result(_told(line)),
        ).run()
        net.weight_bits = None
        figures["fine_tuning_updates"] = fine_tune
    card = model_card(net, corpus, updates=updates, figures=figures, commit=_commit())
    size = export(net, output, weights.value, card)
    exported, _ = load(output)
    exported = exported.to(net.out.device)
    exported.precision = net.precision
    after = held_bits(exported, corpus.held) if measurable else math.nan
    figures["held_bits_exported"] = round(after, 5)
    size = export(net, output, weights.value, card)
    console.result(
        f"{printable(output)}: {size:,} bytes, held out {before:.4f} bits per coded byte as trained, "
        f"{after:.4f} as exported"
    )


def _commit() -> str | None:
    """The commit of the sources this runs from, if they are in a git checkout."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
