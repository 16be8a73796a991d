"""The training of byte LSTMs: from lanes of text to weights, with checkpoints that resume exactly.

The loss is the cross-entropy of the next byte, backpropagated over ``steps`` bytes; states are
carried from window to window and are zero where a document begins. All figures are in bits.

On the CPU a run that was stopped and resumed ends with the same bits as one that was not, as long
as its length is given in updates: a length in seconds makes the learning rate follow the clock.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from foretold._replacing import replacing
from foretold.errors import CheckpointError, ParameterError

from . import fused
from .data import Corpus, Lanes, expectations
from .lstm import PersistentLSTM, is_matrix

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import StrPath
    from numpy.typing import NDArray

__all__ = ["Outcome", "Settings", "Trainer", "held_bits", "pick_device", "pick_precision", "worth_compiling"]

Precision = Literal["auto", "float32", "bfloat16"]

_NATS_A_BIT = math.log(2)


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a network is trained; with the seed, the data and the network's sizes, all that decides it.

    Raises
    ------
    ParameterError
        If a value is out of range.
    """

    steps: int = 64
    """Bytes over which gradients are propagated back."""
    batch: int = 64
    """Lanes that are read at once, by each process."""
    updates: int | None = None
    """Length of the run; or ``seconds``."""
    seconds: float | None = None
    """Length of the run by the clock, over all resumed parts."""
    optimiser: Literal["adamw", "sgd"] = "adamw"
    learning_rate: float = 2e-3
    warm_up: int = 200
    """Updates over which the learning rate rises."""
    decay: float = 0.25
    """Share of the run over which it falls again, to ``floor``."""
    floor: float = 0.02
    """Last learning rate, as a share of the highest."""
    weight_decay: float = 0.01
    """Of matrices."""
    clip: float = 1.0
    """Longest gradient."""
    seed: int = 1
    """Decides the order of the data; the network's first weights are the caller's."""
    piece_bytes: int = 65536
    carry: bool = True
    """Carry states from window to window; if not, each window starts from zero."""
    resets: bool = True
    """Make states zero where a document begins."""
    surprise: float = 0.0
    """Weight of a second loss, in which each byte counts in proportion to its surprisal."""
    surprise_most: float = 4.0
    """Most that a byte counts there, in means."""
    levels: tuple[int, ...] = (1,)
    """Batches between two updates of the layers' parameters, lowest layer first; the last for all above."""
    precision: Precision = "auto"
    """Operands of matrix products; auto is bfloat16 where the processor has instructions for it."""
    evaluate_every: int = 1000
    """Updates between two measurements on what is held out."""
    held_bytes: int = 4096
    """Bytes of each of 32 lanes of what is held out that are measured."""
    patience: int | None = None
    """Measurements without a new best after which the run ends."""
    log_every: int = 100

    def __post_init__(self) -> None:
        if (self.updates is None) == (self.seconds is None):
            raise ParameterError("a run has a length in updates or in seconds, one of them")
        if self.optimiser not in ("adamw", "sgd"):
            raise ParameterError(f"optimiser must be adamw or sgd, found {self.optimiser!r}")
        if self.precision not in ("auto", "float32", "bfloat16"):
            raise ParameterError(f"precision must be auto, float32 or bfloat16, found {self.precision!r}")
        if not self.levels or min(self.levels) < 1:
            raise ParameterError(f"levels are batches between updates, at least 1, found {self.levels}")
        for name in ("steps", "batch", "evaluate_every", "log_every", "piece_bytes", "learning_rate", "clip"):
            if not getattr(self, name) > 0:
                raise ParameterError(f"{name} must be positive, found {getattr(self, name)}")
        for name in ("surprise", "weight_decay", "warm_up", "decay", "floor"):
            if not getattr(self, name) >= 0:
                raise ParameterError(f"{name} must not be negative, found {getattr(self, name)}")

    def rate(self, update: int, done: float) -> float:
        """Learning rate of an update, when a share ``done`` of the run is behind it.

        >>> [round(Settings(updates=1000, learning_rate=1.0).rate(at, at / 1000), 3) for at in (0, 500, 999)]
        [0.005, 1.0, 0.024]
        """
        rising = min(1.0, (update + 1) / self.warm_up) if self.warm_up else 1.0
        falling = min(1.0, (1 - done) / self.decay + self.floor) if self.decay else 1.0
        return self.learning_rate * rising * falling


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    updates: int
    train_bits: float
    """Bits per coded byte of the last logged updates."""
    held_bits: float
    """Bits per coded byte of what is held out, of the weights that the network has now."""
    seconds: float
    bytes_per_second: float
    stopped_early: bool


def pick_device(name: str = "auto") -> torch.device:
    """``auto`` is CUDA where there is a card.

    Raises
    ------
    ParameterError
        If CUDA is asked for and there is none.
    """
    if name not in ("auto", "cpu", "cuda") and not name.startswith("cuda:"):
        raise ParameterError(f"device must be auto, cpu or cuda, found {name!r}")
    available = torch.cuda.is_available()
    if name.startswith("cuda") and not available:
        raise ParameterError("torch finds no CUDA device")
    return torch.device(("cuda" if available else "cpu") if name == "auto" else name)


def pick_precision(name: Precision, device: torch.device) -> torch.dtype | None:
    """What products round their operands to: bfloat16 where that is done in hardware."""
    if name == "auto":
        if device.type == "cuda":
            name = "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
        else:
            has = getattr(torch.cpu, "_is_avx512_bf16_supported", bool)
            name = "bfloat16" if has() else "float32"
    return torch.bfloat16 if name == "bfloat16" else None


def worth_compiling(net: PersistentLSTM, settings: Settings, device: torch.device) -> bool:
    """Whether a run is so long that compiling its steps pays, and can be expected to work."""
    # On a card compiling needs Triton, and with that there are kernels of our own, which do more.
    possible = device.type == "cpu" and any(
        shutil.which(name) for name in (os.environ.get("CXX", "g++"), "clang++")
    )
    if settings.seconds is not None:
        return possible and settings.seconds >= 300
    assert settings.updates is not None
    products = sum(value.numel() for value in net.parameters()) * settings.batch * settings.steps
    # Some minutes of one core of 2024 with bfloat16 products; half a minute is the price.
    return possible and products * settings.updates > 1e13


def held_bits(
    net: PersistentLSTM,
    text: NDArray[np.uint8],
    *,
    lanes: int = 32,
    lane_bytes: int = 4096,
    skip: int = 512,
    window: int = 128,
    carry: bool = True,
) -> float:
    """Bits per byte of a text that is cut into lanes, each of which starts with a zero state.

    Parameters
    ----------
    net : PersistentLSTM
        Its own states stay as they are. If it hears match models they have read the text up to there.
    text : (N,) uint8
        Coded bytes.
    lanes, lane_bytes : int
        As many bytes of as many lanes, spread evenly over the text, are measured.
    skip : int
        Bytes at the beginning of each lane that do not count: nothing is known there yet.
    window : int
        Bytes read at once.
    carry : bool
        Carry the state from window to window; if not, each starts from zero.

    Returns
    -------
    float
        Mean surprisal.
    """
    lanes = max(1, min(lanes, len(text) // 64))
    length = min(len(text) // lanes, lane_bytes + 1) - 1
    if length < 1:
        raise ParameterError(f"{len(text)} bytes are too few to measure with")
    skip = min(skip, length // 2)
    start = np.arange(lanes) * (len(text) // lanes)
    block = text[start[None, :] + np.arange(length + 1)[:, None]].astype(np.int64)  # (length + 1, lanes)
    held = torch.from_numpy(block).to(net.out.device)
    heard: Tensor | None = None
    if net.hears_match:
        place = start[None, :] + np.arange(1, length + 1)[:, None]  # (length, lanes)
        heard = torch.from_numpy(expectations(text)[place].astype(np.int64)).to(net.out.device)
    total, count = 0.0, 0
    with torch.no_grad(), net.other_states():
        for at in range(0, length, window):
            if not carry:
                net.reset_states()
            x, y = held[at : at + window], held[at + 1 : at + 1 + window]
            x = x[: len(y)]
            expected = None if heard is None else heard[at : at + len(y)]
            surprisal = _surprisal(net(x, None, expected), y)[max(skip - at, 0) :]
            total += float(surprisal.sum())
            count += surprisal.numel()
    return total / count / _NATS_A_BIT


def _surprisal(logits: Tensor, y: Tensor) -> Tensor:
    """In nats, (T, B)."""
    flat = functional.cross_entropy(logits.flatten(0, 1), y.reshape(-1), reduction="none")
    return flat.view(y.shape)


def _optimiser(net: PersistentLSTM, settings: Settings) -> torch.optim.Optimizer:
    named = dict(net.named_parameters())
    groups: list[dict[str, Any]] = [
        {"params": [p for n, p in named.items() if is_matrix(n)], "weight_decay": settings.weight_decay},
        {"params": [p for n, p in named.items() if not is_matrix(n)], "weight_decay": 0.0},
    ]
    on_card = net.out.device.type == "cuda"
    if settings.optimiser == "sgd":
        return torch.optim.SGD(groups, lr=settings.learning_rate, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(0.9, 0.98), eps=1e-8, fused=on_card)


def _periods(net: PersistentLSTM, levels: tuple[int, ...]) -> dict[str, int]:
    """Batches between two updates of each parameter; what all layers share is always updated."""
    periods = {}
    for name, _ in net.named_parameters():
        kind, _, number = name.partition(".")
        layer = int(number) + (kind == "below") if number else 0
        periods[name] = levels[min(layer, len(levels) - 1)] if number else 1
    return periods


class Trainer:
    """One run of training.

    Parameters
    ----------
    net : PersistentLSTM
        Trained in place.
    corpus : Corpus
        What to train on, and to measure with.
    settings : Settings
    device : torch.device
        Where to compute.
    compile_steps : bool
        Have torch compile the network's steps: half a minute once, then faster.
    checkpoint : path, optional
        Where to keep what is needed to go on; replaced every ``checkpoint_seconds`` and at the end.
    log : path, optional
        Figures are appended, one JSON object a line.
    progress : callable, optional
        Told each line of figures.

    Notes
    -----
    Started by ``accelerate launch`` or ``torchrun`` with several processes, each reads its own
    lanes, gradients are averaged, and the first process measures, logs and saves.
    """

    def __init__(
        self,
        net: PersistentLSTM,
        corpus: Corpus,
        settings: Settings,
        *,
        device: torch.device | None = None,
        compile_steps: bool = False,
        checkpoint: StrPath | None = None,
        checkpoint_seconds: float = 300.0,
        log: StrPath | None = None,
        progress: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self.settings, self.corpus = settings, corpus
        self.device = pick_device("cpu") if device is None else device
        self._accelerator: Any = None
        rank, world = 0, 1
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            from accelerate import Accelerator

            self._accelerator = Accelerator(cpu=self.device.type == "cpu")
            rank, world = self._accelerator.process_index, self._accelerator.num_processes
            self.device = self._accelerator.device
        self.net = net.to(self.device)
        net.precision = pick_precision(settings.precision, self.device)
        # On a card kernels of our own do more than compiled steps.
        is_fused = self.device.type == "cuda" and not compile_steps and fused.is_available()
        if compile_steps:
            net.compile_steps()
        elif is_fused:
            net.fuse_steps()
        self._is_recorded = is_fused and self._accelerator is None
        self._recorded: fused.Window | None = None
        self._model: Any = net if self._accelerator is None else self._accelerator.prepare(net)
        self._lanes = Lanes(
            corpus,
            settings.batch,
            seed=settings.seed,
            piece_bytes=settings.piece_bytes,
            share=(rank, world),
            with_expected=net.hears_match,
        )
        if self._lanes.lane_bytes <= settings.steps:
            raise ParameterError(
                f"a lane has {self._lanes.lane_bytes} bytes, a window {settings.steps}: fewer lanes or steps"
            )
        self._world, self.is_first = world, rank == 0
        self._optimiser = _optimiser(net, settings)
        periods = _periods(net, settings.levels)
        self._parameters = [(name, value, periods[name]) for name, value in net.named_parameters()]
        self._checkpoint = None if checkpoint is None else Path(checkpoint)
        self._checkpoint_seconds = checkpoint_seconds
        self._log = None if log is None else Path(log)
        self._progress = progress
        self._update = self._epoch = self._at = 0
        self._seconds = 0.0
        self._sums = _Sums()
        self._last_bits = math.nan
        self._best: tuple[float, dict[str, Tensor]] | None = None
        self._stale = 0
        net.reset_states()

    def run(self, until: int | None = None) -> Outcome:
        """Train to the end, or until so many updates are done; a later call goes on.

        Returns
        -------
        Outcome
            With early stopping, of the best weights, which the network has then.
        """
        settings = self.settings
        started = time.monotonic() - self._seconds
        saved = time.monotonic()
        first_update = self._update
        first_second = self._seconds
        stopped = False
        while not stopped and (until is None or self._update < until):
            self._seconds = time.monotonic() - started
            done = self._share_done()
            if done >= 1:
                break
            self._one_update(settings.rate(self._update, done))
            self._seconds = time.monotonic() - started
            if self._update % settings.evaluate_every == 0 and len(self.corpus.held) > 64:
                stopped = self._evaluate()
            elif self._update % settings.log_every == 0:
                self._tell(None)
            if self._checkpoint is not None and time.monotonic() - saved >= self._checkpoint_seconds:
                self.save(self._checkpoint)
                saved = time.monotonic()
        self._seconds = time.monotonic() - started
        if self._sums.count:
            self._tell(None)
        if self._checkpoint is not None:
            self.save(self._checkpoint)
        if settings.patience is not None and self._best is not None:
            self.net.load_state_dict(self._best[1])
        bits = self._held()
        seconds = self._seconds - first_second
        read = (self._update - first_update) * settings.batch * settings.steps * self._world
        return Outcome(
            self._update, self._last_bits, bits, self._seconds, read / seconds if seconds else 0.0, stopped
        )

    def _share_done(self) -> float:
        if self.settings.updates is not None:
            return self._update / self.settings.updates
        assert self.settings.seconds is not None
        share = self._seconds / self.settings.seconds if self.settings.seconds else 1.0
        if self._accelerator is None:
            return share
        # All processes have to end at the same update.
        own = torch.tensor([share], device=self.device)
        return float(self._accelerator.reduce(own, reduction="mean"))

    def _one_update(self, rate: float) -> None:
        settings, net = self.settings, self.net
        if self._at + settings.steps >= self._lanes.lane_bytes:
            self._epoch, self._at = self._epoch + 1, 0
            net.reset_states()
        window = self._lanes.window(self._epoch, self._at, settings.steps)
        self._at += settings.steps
        tensors = (
            self._on_device(window.x),
            self._on_device(window.y),
            self._on_device(window.resets) if settings.resets else None,
            None if window.expected is None else self._on_device(window.expected),
        )
        if not settings.carry:
            net.reset_states()
        if self._is_recorded and self._recorded is None:
            self._recorded = self._record(tensors)
        plain = (self._recorded or self._passes)(*tensors)
        self._update += 1
        self._step(rate)
        self._sums.add(plain, rate)

    def _on_device(self, values: NDArray[Any]) -> Tensor:
        tensor = torch.from_numpy(values)
        if self.device.type != "cuda":
            return tensor.to(self.device)
        return tensor.pin_memory().to(self.device, non_blocking=True)

    def _passes(self, x: Tensor, y: Tensor, resets: Tensor | None, expected: Tensor | None) -> Tensor:
        """Read a window and compute the gradients; mean surprisal in nats."""
        settings = self.settings
        surprisal = _surprisal(self._model(x, resets, expected), y)
        self.net.detach_states()
        plain = surprisal.mean()
        loss = plain
        if settings.surprise:
            seen = surprisal.detach()
            weight = (seen / seen.mean()).clamp(max=settings.surprise_most)
            loss = (plain + settings.surprise * (weight * surprisal).mean()) / (1 + settings.surprise)
        if self._accelerator is None:
            loss.backward()
        else:
            self._accelerator.backward(loss)
        return plain.detach()

    def _record(self, tensors: tuple[Tensor | None, ...]) -> fused.Window:
        """Have the card remember what :meth:`_passes` does, as if nothing had been read yet."""
        gradients = [value.grad for _, value, _ in self._parameters]
        states = self.net.state_values()
        self.net.pin_states(self.settings.batch)
        recorded = fused.Window(self._passes, tensors, [value for _, value, _ in self._parameters])
        self.net.set_state_values(states)
        for (_, value, _), gradient in zip(self._parameters, gradients, strict=True):
            value.grad = gradient
        return recorded

    def _step(self, rate: float) -> None:
        """Apply the gradients of those parameters whose turn it is; others' gradients add up."""
        waiting, due = [], []
        for _, value, period in self._parameters:
            if self._update % period:
                # A recorded pass writes its gradients to the same place again.
                waiting.append((value, value.grad if self._recorded is None else value.grad.clone()))
                value.grad = None
                continue
            if period > 1 and value.grad is not None:
                value.grad /= period
            due.append(value)
        torch.nn.utils.clip_grad_norm_(due, self.settings.clip)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        for value, gradient in waiting:
            value.grad = gradient

    def _held(self) -> float:
        if len(self.corpus.held) <= 64:
            return math.nan
        return held_bits(self.net, self.corpus.held, lane_bytes=self.settings.held_bytes)

    def _evaluate(self) -> bool:
        """Measure, remember the best, say whether to stop."""
        bits = self._held()
        if self.settings.patience is not None:
            if self._best is None or bits < self._best[0]:
                kept = {name: value.detach().clone() for name, value in self.net.state_dict().items()}
                self._best, self._stale = (bits, kept), 0
            else:
                self._stale += 1
        self._tell(bits)
        return self.settings.patience is not None and self._stale >= self.settings.patience

    def _tell(self, bits: float | None) -> None:
        line = self._sums.line(self.settings.batch * self.settings.steps * self._world)
        self._last_bits = line["bits"]
        info = self.net.state_info()
        line = {"update": self._update, "seconds": round(self._seconds, 2), "epoch": self._epoch, **line}
        line["activation"] = [round(value, 4) for value in info.activations]
        line["mean_steps_carried"] = round(sum(info.steps) / max(1, len(info.steps)))
        if bits is not None:
            line["held_bits"] = round(bits, 5)
        self._sums = _Sums()
        if not self.is_first:
            return
        tell(line, self._log, self._progress)

    def save(self, path: StrPath) -> None:
        """Write all that is needed to go on. An existing file is replaced when the new one is complete."""
        if not self.is_first:
            return
        gradients = {name: value.grad for name, value, _ in self._parameters if value.grad is not None}
        content = {
            "net": self.net.state_dict(),
            "opt": self._optimiser.state_dict(),
            "step": self._update,
            "at": self._at,
            "epoch": self._epoch,
            "seconds": self._seconds,
            "states": self.net.state_values(),
            "gradients": gradients,
            "sums": self._sums.values(),
            "last_bits": self._last_bits,
            "best": self._best,
            "stale": self._stale,
            "settings": dataclasses.asdict(self.settings),
            "corpus": self.corpus.digest,
        }
        with replacing(path) as partial:
            torch.save(content, partial)

    def resume(self, path: StrPath) -> None:
        """Go on from a checkpoint.

        States of lanes are the first process's; others start from zero.

        Raises
        ------
        CheckpointError
            If it is none, or one of another network, corpus or order.
        """
        content = load_checkpoint(path, self.device)
        if content.get("corpus", self.corpus.digest) != self.corpus.digest:
            raise CheckpointError(f"{path} was made with other data", path)
        before = content.get("settings", {})
        for name in ("batch", "seed", "piece_bytes"):
            mine = getattr(self.settings, name)
            if before.get(name, mine) != mine:
                # Lanes would begin elsewhere.
                raise CheckpointError(f"{path} was made with {name} {before[name]}, found {mine}", path)
        try:
            self.net.load_state_dict(content["net"])
            self._optimiser.load_state_dict(content["opt"])
        except (RuntimeError, ValueError) as error:
            raise CheckpointError(f"{path} is of another network: {error}", path) from None
        self._update, self._at = content["step"], content["at"]
        self._epoch, self._seconds = content.get("epoch", 0), content.get("seconds", 0.0)
        states = content.get("states")
        if states is not None and (
            not self.is_first or states["states"][0][0].shape[0] != self.settings.batch
        ):
            states = None
        self.net.set_state_values(states)
        for name, value, _ in self._parameters:
            value.grad = content.get("gradients", {}).get(name)
        self._sums = _Sums(*content.get("sums", ()))
        self._last_bits = content.get("last_bits", math.nan)
        self._best, self._stale = content.get("best"), content.get("stale", 0)


class _Sums:
    """Figures since the last line of the log."""

    def __init__(self, bits: float = 0.0, rate: float = 0.0, count: int = 0) -> None:
        self._bits, self._rate, self.count = bits, rate, count
        self._since = time.monotonic()
        self._nats: list[Tensor] = []

    def add(self, nats: Tensor, rate: float) -> None:
        """Count one update. Its figure is read later: a GPU goes on meanwhile."""
        self._nats.append(nats)
        self._rate = rate
        self.count += 1

    def values(self) -> tuple[float, float, int]:
        """Return what the constructor takes."""
        for nats in self._nats:
            self._bits += float(nats) / _NATS_A_BIT
        self._nats = []
        return self._bits, self._rate, self.count

    def line(self, bytes_an_update: int) -> dict[str, Any]:
        """Means, for the log."""
        bits, rate, count = self.values()
        seconds = time.monotonic() - self._since
        return {
            "bits": bits / max(1, count),
            "bytes_per_second": round(count * bytes_an_update / seconds) if seconds > 0 else 0,
            "learning_rate": rate,
        }


def tell(line: dict[str, Any], log: Path | None, progress: Callable[[dict[str, Any]], None] | None) -> None:
    """Append a run's figures to its log, as a line of JSON, and hand them to whoever watches."""
    if log is not None:
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    if progress is not None:
        progress(line)


def load_checkpoint(path: StrPath, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read a checkpoint.

    Raises
    ------
    CheckpointError
        If it is none.
    """
    import pickle

    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"{path} is no checkpoint of training: {str(error).splitlines()[0]}") from None
    if not isinstance(content, dict) or not {"net", "opt", "step", "at"} <= set(content):
        raise CheckpointError(f"{path} is no checkpoint of training", path)
    loaded: dict[str, Any] = content
    return loaded
