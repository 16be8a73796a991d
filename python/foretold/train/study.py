"""Does it help to carry states? Four ways to train the same network on the same bytes.

==========================  ====================================================================
``baseline``                each window starts from a zero state
``persistent``              states are carried from window to window, zero where documents begin
``persistent+surprise``     and bytes count more the more surprising they were
``persistent+long``         and windows are four times as long, with a fourth of the lanes
==========================  ====================================================================

All arms read equally many bytes in equally many updates, with the same first weights per seed. What
is held out is measured with states carried from window to window, and with zero states at the
beginning of each window. Learning rates, if several are given, are chosen for each arm on the first
half of what is held out; the second half is reported.
"""

from __future__ import annotations

import csv
import dataclasses
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from foretold.errors import ParameterError

from .loop import Settings, Trainer, held_bits
from .lstm import PersistentLSTM

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from _typeshed import StrPath
    from numpy.typing import NDArray

    from .data import Corpus

__all__ = ["ARMS", "Run", "Study", "Summary", "summarise", "write_study"]

ARMS = ("baseline", "persistent", "persistent+surprise", "persistent+long")
"""In the order of the tables; the first is what the others are compared with."""

_LONGER = 4


@dataclasses.dataclass(frozen=True)
class Run:
    """One network, trained and measured."""

    arm: str
    seed: int
    learning_rate: float
    updates: int
    read_bytes: int
    seconds: float
    train_bits: float
    """Bits per coded byte over the last twentieth of the run."""
    carried_bits: float
    """Bits per coded byte of what is held out, with states carried."""
    reset_bits: float
    """The same with a zero state at the beginning of each window."""
    activation: float
    """Mean absolute value of the hidden state at the end."""
    curve: tuple[tuple[int, float], ...] = ()
    """Updates, and bits per coded byte of the twentieth of the run before them."""


@dataclasses.dataclass(frozen=True)
class Summary:
    """One arm, measured in one way, over all seeds."""

    arm: str
    states: str
    """``carried`` or ``reset``."""
    runs: int
    bits: float
    """Per coded byte, the mean."""
    bits_spread: float
    """Standard deviation over seeds."""
    bits_per_content_byte: float
    perplexity: float
    """Per coded byte: two to the power of the bits; the mean of the runs'."""
    perplexity_spread: float
    change_percent: float
    """Perplexity against the baseline's, measured in the same way; negative is better."""
    change_to_best_percent: float
    """Perplexity against the baseline's in the way that suits the baseline best."""
    significant: bool
    """Whether the latter difference is above twice the larger spread of the two."""


@dataclasses.dataclass(frozen=True)
class Study:
    """What is compared, at which expense."""

    hidden: int = 128
    layers: int = 1
    steps: int = 64
    batch: int = 32
    updates: int = 500
    seeds: tuple[int, ...] = (1, 2, 3)
    learning_rates: tuple[float, ...] = (4e-3,)
    surprise: float = 0.5
    held_bytes: int = 8192
    """Bytes of each of 32 lanes that are measured."""

    def settings(self, arm: str, seed: int, learning_rate: float) -> Settings:
        """How an arm is trained."""
        long = arm == "persistent+long"
        return Settings(
            steps=self.steps * _LONGER if long else self.steps,
            batch=max(1, self.batch // _LONGER) if long else self.batch,
            updates=self.updates,
            learning_rate=learning_rate,
            warm_up=self.updates // 10,
            seed=seed,
            carry=arm != "baseline",
            surprise=self.surprise if arm == "persistent+surprise" else 0.0,
            log_every=max(1, self.updates // 20),
            evaluate_every=self.updates + 1,
            held_bytes=self.held_bytes,
        )

    def run(
        self,
        corpus: Corpus,
        device: torch.device,
        *,
        compile_steps: bool = False,
        progress: Callable[[Run, bool], None] | None = None,
    ) -> list[Run]:
        """Train and measure every arm with every seed.

        ``progress`` is told each run, and whether it only chose a learning rate.
        """
        if self.batch % _LONGER:
            raise ParameterError(f"batch must be a multiple of {_LONGER}, found {self.batch}")
        half = len(corpus.held) // 2
        tuning, reporting = corpus.held[:half], corpus.held[half:]
        if half < 1024:
            raise ParameterError(f"{len(corpus.held)} bytes are held out, too few to measure with")
        rates = dict.fromkeys(ARMS, self.learning_rates[0])
        if len(self.learning_rates) > 1:
            for arm in ARMS:
                tried = []
                for rate in self.learning_rates:
                    tried.append(self._one(arm, self.seeds[0], rate, corpus, tuning, device, compile_steps))
                    if progress is not None:
                        progress(tried[-1], True)
                rates[arm] = min(tried, key=lambda run: min(run.carried_bits, run.reset_bits)).learning_rate
        runs = []
        for seed in self.seeds:
            for arm in ARMS:
                run = self._one(arm, seed, rates[arm], corpus, reporting, device, compile_steps)
                runs.append(run)
                if progress is not None:
                    progress(run, False)
        return runs

    def _one(
        self,
        arm: str,
        seed: int,
        rate: float,
        corpus: Corpus,
        held: NDArray[Any],
        device: torch.device,
        compile_steps: bool,
    ) -> Run:
        settings = self.settings(arm, seed, rate)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = PersistentLSTM(self.hidden, self.layers)
        curve: list[tuple[int, float]] = []
        # Nothing is held out for the trainer: what is, is measured here.
        blind = dataclasses.replace(corpus, coded=corpus.coded[: corpus.train_bytes])
        trainer = Trainer(
            net,
            blind,
            settings,
            device=device,
            compile_steps=compile_steps,
            progress=lambda line: curve.append((line["update"], line["bits"])),
        )
        outcome = trainer.run()
        activation = statistics.fmean(net.state_info().activations)
        carried, reset = (
            held_bits(net, held, lane_bytes=self.held_bytes, skip=0, window=self.steps, carry=carry)
            for carry in (True, False)
        )
        return Run(
            arm,
            seed,
            rate,
            outcome.updates,
            outcome.updates * settings.steps * settings.batch,
            outcome.seconds,
            outcome.train_bits,
            carried,
            reset,
            activation,
            tuple(curve),
        )


def summarise(runs: Sequence[Run], coded_share: float = 1.0) -> list[Summary]:
    """Means and spreads of each arm, carried and reset.

    Parameters
    ----------
    runs : sequence of Run
    coded_share : float
        Coded bytes per byte of content.
    """

    def figures(arm: str, states: str) -> list[float]:
        return [getattr(run, f"{states}_bits") for run in runs if run.arm == arm]

    def mean_spread(values: list[float]) -> tuple[float, float]:
        return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0

    def perplexity(arm: str, states: str) -> tuple[float, float]:
        return mean_spread([2**bits for bits in figures(arm, states)])

    best = min(perplexity(ARMS[0], states) for states in ("carried", "reset"))
    rows = []
    for arm in ARMS:
        for states in ("carried", "reset"):
            bits, bits_spread = mean_spread(figures(arm, states))
            mean, spread = perplexity(arm, states)
            same = perplexity(ARMS[0], states)[0]
            rows.append(
                Summary(
                    arm,
                    states,
                    len(figures(arm, states)),
                    bits,
                    bits_spread,
                    bits * coded_share,
                    mean,
                    spread,
                    100 * (mean / same - 1),
                    100 * (mean / best[0] - 1),
                    abs(mean - best[0]) > 2 * max(spread, best[1]),
                )
            )
    return rows


def write_study(study: Study, corpus: Corpus, runs: Sequence[Run], folder: StrPath) -> list[Path]:
    """Write ``runs.csv``, ``summary.csv``, ``study.md`` and, with matplotlib, ``study.png``.

    Returns
    -------
    list of Path
        What was written.
    """
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    held = [file for file in corpus.files if file.held] or list(corpus.files)
    share = sum(file.coded_bytes for file in held) / sum(file.size_bytes for file in held)
    summary = summarise(runs, share)
    written = [out / "runs.csv", out / "summary.csv", out / "study.md"]
    rows = [dataclasses.asdict(run) for run in runs]
    for row in rows:
        row.pop("curve")
    _write_csv(written[0], rows)
    _write_csv(written[1], [dataclasses.asdict(row) for row in summary])
    written[2].write_text(_markdown(study, corpus, runs, summary), encoding="utf-8")
    try:
        import matplotlib as mpl
    except ImportError:
        return written
    with mpl.rc_context({"svg.hashsalt": "foretold"}):
        _draw(runs, summary, out / "study.png")
    return [*written, out / "study.png"]


def _write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _markdown(study: Study, corpus: Corpus, runs: Sequence[Run], summary: Sequence[Summary]) -> str:
    seeds = len({run.seed for run in runs})
    lines = [
        "# Persistent states",
        "",
        f"{study.layers} x {study.hidden} units; {runs[0].read_bytes:,} coded bytes read in "
        f"{study.updates} updates per run; {seeds} seeds; {corpus.train_bytes:,} coded bytes to train on, "
        f"digest {corpus.digest[:16]}. Spread is the standard deviation over seeds; perplexity is per "
        "coded byte. The last column says whether the difference to the baseline at its best is above "
        "twice the spread.",
        "",
        "| arm | states | bits per coded byte | bits per byte | perplexity | to baseline, same states "
        "| to baseline at its best | above 2 spreads |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.arm} | {row.states} | {row.bits:.4f} ± {row.bits_spread:.4f} "
        f"| {row.bits_per_content_byte:.4f} | {row.perplexity:.3f} ± {row.perplexity_spread:.3f} "
        f"| {row.change_percent:+.2f} % | {row.change_to_best_percent:+.2f} % "
        f"| {'yes' if row.significant else 'no'} |"
        for row in summary
    ]
    lines += ["", "| arm | learning rate | seconds per run | mean activation |", "|---|---|---|---|"]
    for arm in ARMS:
        mine = [run for run in runs if run.arm == arm]
        lines.append(
            f"| {arm} | {mine[0].learning_rate:g} | {statistics.fmean(run.seconds for run in mine):.1f} "
            f"| {statistics.fmean(run.activation for run in mine):.3f} |"
        )
    return "\n".join(lines) + "\n"


def _draw(runs: Sequence[Run], summary: Sequence[Summary], path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for place, arm in enumerate(ARMS):
        for run in (run for run in runs if run.arm == arm):
            label = arm if run.seed == runs[0].seed else None
            left.plot(*zip(*run.curve, strict=True), color=f"C{place}", alpha=0.8, linewidth=1.2, label=label)
    left.set_xlabel("updates")
    left.set_ylabel("bits per coded byte while training")
    left.legend()
    left.grid(visible=True, alpha=0.25)
    for offset, states, marker in ((-0.1, "carried", "o"), (0.1, "reset", "s")):
        rows = [row for row in summary if row.states == states]
        right.errorbar(
            [place + offset for place in range(len(ARMS))],
            [row.perplexity for row in rows],
            yerr=[row.perplexity_spread for row in rows],
            fmt=marker,
            capsize=4,
            label=f"states {states}",
        )
    right.grid(visible=True, axis="y", alpha=0.25)
    right.set_xticks(range(len(ARMS)), [arm.replace("+", "\n+ ") for arm in ARMS])
    right.set_ylabel("perplexity per coded byte, held out")
    right.legend()
    figure.savefig(path, dpi=130)
