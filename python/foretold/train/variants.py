"""Other ways to build a byte network, each an experiment with a name and a row in one table.

====================  =========================================================================
``single``            one LSTM: what the others are compared with
``ensemble``          smaller LSTMs, mixed with weights that the last byte picks
``attention``         smaller LSTMs, mixed with weights that a network gives them from the last
                      byte and from how sure each is
``hybrid``            an LSTM for what is far back, tables of the last one and two bytes, a
                      logistic regression, for what is near; their scores add up
``specialised``       an LSTM for each kind of content: prose, markup, binary
``frozen``            the weights of ``single``, int8, as the compressor runs them: they stay
``frozen-integers``   the same with products of integers
``online``            the same weights, which go on learning as in preset max
====================  =========================================================================

All read equally many bytes in equally many updates, a third of each kind. Variants of several LSTMs
have about as many parameters as ``single``; tables of ``hybrid`` come on top, and each network of
``specialised`` is as large as ``single`` and reads its kind only. Measured is the last sixteenth of
each file, kind by kind, from a zero state on.

Rows are appended to ``rows.jsonl`` as they are there; runs that have one are not done again.

Sources: D. Eigen et al., Learning factored representations in a deep mixture of experts (2013), for
mixtures; B. Knoll, cmix, for hybrids of LSTMs and logistic mixing.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
import hashlib
import json
import math
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from foretold import _core
from foretold.errors import ParameterError
from foretold.measure import network_probabilities

from .export import export
from .lstm import PersistentLSTM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from _typeshed import StrPath
    from numpy.typing import NDArray

__all__ = ["KINDS", "VARIANTS", "Budget", "Kinds", "Row", "read_kinds", "run_variants", "table"]

KINDS = ("prose", "markup", "binary")

_HELD_SHARE = 16
# Of a kind, no more than this is read: the first of each file alike.
_MOST_BYTES = 16 << 20
_BUCKETS = 4096


@dataclasses.dataclass(frozen=True)
class Budget:
    """What each variant gets."""

    hidden: int = 128
    """Units of ``single``, in one layer; a multiple of 64."""
    members: int = 3
    """LSTMs of ``ensemble`` and ``attention``."""
    steps: int = 64
    lanes: int = 24
    """A multiple of the number of kinds."""
    updates: int = 400
    learning_rate: float = 6e-3
    held_bytes: int = 16384
    """Bytes of each kind that are measured."""


@dataclasses.dataclass(frozen=True)
class Kinds:
    """Contents by kind, as models see them.

    Attributes
    ----------
    read, held : dict of (N,) uint8
        What is trained on and what is measured, by the names in :data:`KINDS`.
    digest : str
        SHA-256 of all.
    """

    read: dict[str, NDArray[np.uint8]]
    held: dict[str, NDArray[np.uint8]]
    digest: str


@dataclasses.dataclass(frozen=True)
class Row:
    """One run."""

    variant: str
    seed: int
    run: str
    """Digest of budget and corpus: rows of different ones are not compared."""
    parameters: int
    updates: int
    read_bytes: int
    bits: float
    """Bits per coded byte of what is held out, the mean over kinds."""
    by_kind: dict[str, float]
    seconds: float


def kind_of(content: bytes) -> str:
    """Which of :data:`KINDS` a file is.

    >>> kind_of(b"<p>some</p> <b>text</b>"), kind_of(b"It was late, she said."), kind_of(bytes(9))
    ('markup', 'prose', 'binary')
    """
    start = content[: 1 << 16]
    if sum(start.count(byte) for byte in range(9)) * 32 > len(start):
        return "binary"
    marks = sum(start.count(mark) for mark in b"<>{}[]|=&")
    return "markup" if marks * 40 > len(start) else "prose"


def read_kinds(folder: StrPath) -> Kinds:
    """Read the files below a folder, and sort them by what they are.

    Raises
    ------
    ParameterError
        If a kind is missing, or has less than a MiB.
    """
    read: dict[str, list[NDArray[np.uint8]]] = {kind: [] for kind in KINDS}
    held: dict[str, list[NDArray[np.uint8]]] = {kind: [] for kind in KINDS}
    digest = hashlib.sha256()
    for path in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
        content = path.read_bytes()
        if not content:
            continue
        kind = kind_of(content)
        digest.update(hashlib.sha256(content).digest())
        coded = np.frombuffer(_core.coded_bytes(content[:_MOST_BYTES], kind != "binary"), np.uint8)
        end = len(coded) - len(coded) // _HELD_SHARE
        read[kind].append(coded[:end])
        held[kind].append(coded[end:])
    for kind, parts in read.items():
        size = sum(map(len, parts))
        if size < 1 << 20:
            raise ParameterError(f"{folder} has {size} coded bytes of {kind}, a MiB is needed")

    def joined(parts: dict[str, list[NDArray[np.uint8]]]) -> dict[str, NDArray[np.uint8]]:
        return {kind: np.concatenate(all_parts)[:_MOST_BYTES] for kind, all_parts in parts.items()}

    return Kinds(joined(read), joined(held), digest.hexdigest())


def hidden_for(parameters: int, members: int) -> int:
    """Units of each of several one-layer LSTMs that have so many parameters together.

    >>> hidden_for(181_376, 1)
    128
    """
    # One has 3 h (h + 258) + 256 (h + 1) parameters.
    each = parameters / members
    return round((-1030 + math.sqrt(1030**2 - 4 * 3 * (256 - each))) / 6)


class Mixture(nn.Module):
    """Several LSTMs, mixed with weights that come of the last byte, and of how sure each is."""

    def __init__(self, members: Iterable[PersistentLSTM], *, attends: bool) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        count = len(self.members)
        self.last = nn.Embedding(256, 16 if attends else count)
        nn.init.zeros_(self.last.weight) if not attends else None
        self.scores = (
            nn.Sequential(nn.Linear(16 + 2 * count, 32), nn.Tanh(), nn.Linear(32, count)) if attends else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """Log-probabilities, (T, B, 256)."""
        said = torch.stack([functional.log_softmax(net(x), -1) for net in self.members], 2)  # (T, B, K, 256)
        weights = self.last(x)  # (T, B, K), or (T, B, 16)
        if self.scores is not None:
            sure = torch.stack([said.amax(-1), -(said.exp() * said).sum(-1)], -1).detach()  # (T, B, K, 2)
            weights = self.scores(torch.cat([weights, sure.flatten(2)], -1))
        return torch.logsumexp(said + functional.log_softmax(weights, -1).unsqueeze(-1), 2)

    def detach_states(self) -> None:
        """End the horizon of gradients."""
        for net in self.members:
            net.detach_states()

    def reset_states(self) -> None:
        """Start afresh."""
        for net in self.members:
            net.reset_states()


class Hybrid(nn.Module):
    """An LSTM, and scores of the next byte by the last one, and by a hash of the last two."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.net = PersistentLSTM(hidden, 1)
        self.one = nn.Embedding(256, 256)
        self.two = nn.Embedding(_BUCKETS, 256)
        for layer in (self.one, self.two):
            nn.init.zeros_(layer.weight)
        self._before: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Log-probabilities, (T, B, 256)."""
        before = torch.zeros_like(x[:1]) if self._before is None else self._before
        earlier = torch.cat([before, x[:-1]])  # (T, B)
        self._before = x[-1:]
        both = (earlier * 256 + x) * 40503 % 65521 % _BUCKETS
        return functional.log_softmax(self.net(x) + self.one(x) + self.two(both), -1)

    def detach_states(self) -> None:
        """End the horizon of gradients."""
        self.net.detach_states()

    def reset_states(self) -> None:
        """Start afresh."""
        self.net.reset_states()
        self._before = None


class _Single(nn.Module):
    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.net = PersistentLSTM(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        return functional.log_softmax(self.net(x), -1)

    def detach_states(self) -> None:
        self.net.detach_states()

    def reset_states(self) -> None:
        self.net.reset_states()


def _windows(
    texts: Sequence[NDArray[np.uint8]], budget: Budget, lanes: int, seed: int
) -> Callable[[], Tensor]:
    """What comes next of each lane, (T + 1, B); lanes take the texts in turn."""
    source = np.random.default_rng(seed)
    places = [int(source.integers(0, len(texts[lane % len(texts)]))) for lane in range(lanes)]

    def following() -> Tensor:
        columns = []
        for lane in range(lanes):
            text = texts[lane % len(texts)]
            columns.append(
                np.take(text, np.arange(places[lane], places[lane] + budget.steps + 1), mode="wrap")
            )
            places[lane] = (places[lane] + budget.steps) % len(text)
        return torch.from_numpy(np.stack(columns, 1).astype(np.int64))

    return following


def _train(net: Any, texts: Sequence[NDArray[np.uint8]], budget: Budget, lanes: int, seed: int) -> None:
    following = _windows(texts, budget, lanes, seed)
    optimiser = torch.optim.AdamW(
        net.parameters(), lr=budget.learning_rate, betas=(0.9, 0.98), weight_decay=0.01
    )
    net.reset_states()
    for update in range(budget.updates):
        done = update / budget.updates
        rate = budget.learning_rate * min(1.0, (update + 1) / 20, (1 - done) / 0.3 + 0.02)
        for group in optimiser.param_groups:
            group["lr"] = rate
        window = following()
        said = net(window[:-1])
        loss = functional.nll_loss(said.flatten(0, 1), window[1:].flatten())
        net.detach_states()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)


def _bits(net: Any, texts: Sequence[NDArray[np.uint8]], budget: Budget) -> list[float]:
    """Bits per coded byte of each text, from a zero state on."""
    held = np.stack([text[: budget.held_bytes + 1] for text in texts], 1).astype(np.int64)
    held = torch.from_numpy(held)  # (N + 1, B)
    net.reset_states()
    nats = torch.zeros(len(texts), dtype=torch.float64)
    with torch.no_grad():
        for at in range(0, len(held) - 1, 256):
            window = held[at : at + 257]
            said = net(window[:-1])
            nats -= said.gather(-1, window[1:].unsqueeze(-1)).squeeze(-1).sum(0).double()
    net.reset_states()
    return [float(n) / (len(held) - 1) / math.log(2) for n in nats]


def _parameters(*nets: nn.Module) -> int:
    return sum(value.numel() for net in nets for value in net.parameters())


def _one_network(
    make: Callable[[Budget], Any], kinds: Kinds, budget: Budget, seed: int, folder: Path
) -> tuple[int, dict[str, float]]:
    net = make(budget)
    _train(net, [kinds.read[kind] for kind in KINDS], budget, budget.lanes, seed)
    if isinstance(net, _Single):
        export(net.net, folder / f"single-{seed}.safetensors", "int8")
    return _parameters(net), dict(zip(KINDS, _bits(net, [kinds.held[k] for k in KINDS], budget), strict=True))


def _mixture(budget: Budget, *, attends: bool) -> Mixture:
    parameters = _parameters(PersistentLSTM(budget.hidden, 1))
    hidden = hidden_for(parameters, budget.members)
    return Mixture([PersistentLSTM(hidden, 1) for _ in range(budget.members)], attends=attends)


def _specialised(kinds: Kinds, budget: Budget, seed: int, folder: Path) -> tuple[int, dict[str, float]]:
    bits, nets = {}, []
    for kind in KINDS:
        net = _Single(budget.hidden)
        _train(net, [kinds.read[kind]], budget, budget.lanes // len(KINDS), seed)
        bits[kind] = _bits(net, [kinds.held[kind]], budget)[0]
        nets.append(net)
    return _parameters(*nets), bits


def _in_rust(
    how: dict[str, bool], kinds: Kinds, budget: Budget, seed: int, folder: Path
) -> tuple[int, dict[str, float]]:
    weights = folder / f"single-{seed}.safetensors"
    if not weights.exists():
        _one_network(lambda budget: _Single(budget.hidden), kinds, budget, seed, folder)
    bits = {}
    for kind in KINDS:
        text = kinds.held[kind][: budget.held_bytes + 1]
        said = network_probabilities(weights, text.tobytes(), **how)[1:]
        bits[kind] = float(-np.log2(said[np.arange(len(said)), text[1:]]).mean())
    return _parameters(PersistentLSTM(budget.hidden, 1)), bits


VARIANTS: dict[str, Callable[[Kinds, Budget, int, Path], tuple[int, dict[str, float]]]] = {
    "single": functools.partial(_one_network, lambda budget: _Single(budget.hidden)),
    "ensemble": functools.partial(_one_network, functools.partial(_mixture, attends=False)),
    "attention": functools.partial(_one_network, functools.partial(_mixture, attends=True)),
    "hybrid": functools.partial(_one_network, lambda budget: Hybrid(budget.hidden)),
    "specialised": _specialised,
    "frozen": functools.partial(_in_rust, {}),
    "frozen-integers": functools.partial(_in_rust, {"integers": True}),
    "online": functools.partial(_in_rust, {"learning": True}),
}
"""Experiments by name, in the order of the table."""


def run_variants(
    names: Sequence[str],
    kinds: Kinds,
    folder: StrPath,
    *,
    budget: Budget | None = None,
    seeds: Sequence[int] = (1, 2),
    progress: Callable[[Row], None] | None = None,
) -> list[Row]:
    """Run experiments that have no row yet, and write the table of all that have.

    Parameters
    ----------
    names : sequence of str
        Of :data:`VARIANTS`; none are all.
    kinds : Kinds
        What to train on and to measure.
    folder : path
        Where ``rows.jsonl``, ``rows.csv``, ``variants.md`` and weights go.
    budget : Budget, optional
    seeds : sequence of int
        One run for each.
    progress : callable, optional
        Told each new row.

    Returns
    -------
    list of Row
        All with this budget and corpus.

    Raises
    ------
    ParameterError
        If a name is unknown.
    """
    budget = Budget() if budget is None else budget
    unknown = [name for name in names if name not in VARIANTS]
    if unknown:
        raise ParameterError(f"no variant is called {unknown[0]!r}; there are {', '.join(VARIANTS)}")
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    settings = json.dumps([dataclasses.asdict(budget), kinds.digest]).encode()
    run = hashlib.sha256(settings).hexdigest()[:12]
    weights = out / run
    weights.mkdir(exist_ok=True)
    path = out / "rows.jsonl"
    for seed in seeds:
        for name in names or VARIANTS:
            if any((row.variant, row.seed, row.run) == (name, seed, run) for row in _rows(path)):
                continue
            started = time.monotonic()
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                parameters, by_kind = VARIANTS[name](kinds, budget, seed, weights)
            read = budget.updates * budget.steps * budget.lanes
            bits = statistics.fmean(by_kind.values())
            seconds = round(time.monotonic() - started, 1)
            row = Row(name, seed, run, parameters, budget.updates, read, bits, by_kind, seconds)
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(dataclasses.asdict(row)) + "\n")
            if progress is not None:
                progress(row)
    rows = [row for row in _rows(path) if row.run == run]
    _write_csv(out / "rows.csv", rows)
    (out / "variants.md").write_text(table(rows), encoding="utf-8")
    return rows


def _rows(path: Path) -> list[Row]:
    if not path.exists():
        return []
    return [Row(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _write_csv(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        names = [field.name for field in dataclasses.fields(Row) if field.name != "by_kind"]
        writer = csv.writer(file)
        writer.writerow([*names, *KINDS])
        for row in rows:
            writer.writerow([*(getattr(row, name) for name in names), *row.by_kind.values()])


def table(rows: Sequence[Row]) -> str:
    """One row in Markdown for each variant: means over seeds, and the standard deviation of bits.

    >>> one = Row("single", 1, "", 10, 5, 100, 3.0, {kind: 3.0 for kind in KINDS}, 1.0)
    >>> print(table([one]).splitlines()[-1])
    | single | 10 | 3.0000 | 3.0000 | 3.0000 | 3.0000 | | 1 |
    """
    lines = [
        "| variant | parameters | bits per coded byte | prose | markup | binary | to single | seconds |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]

    reference = [row.bits for row in rows if row.variant == "single"]
    for name in VARIANTS:
        mine = [row for row in rows if row.variant == name]
        if not mine:
            continue
        bits = statistics.fmean(row.bits for row in mine)
        spread = f" ± {statistics.stdev(row.bits for row in mine):.4f}" if len(mine) > 1 else ""
        change = ""
        if name != "single" and reference:
            change = f"{100 * (bits / statistics.fmean(reference) - 1):+.1f} % "
        kinds = " | ".join(f"{statistics.fmean(row.by_kind[kind] for row in mine):.4f}" for kind in KINDS)
        lines.append(
            f"| {name} | {mine[0].parameters:,} | {bits:.4f}{spread} | {kinds} | {change}"
            f"| {statistics.fmean(row.seconds for row in mine):.0f} |"
        )
    return "\n".join(lines) + "\n"
