"""A bit-level LSTM that corrects what a preset's mixers predict, trained on their traces.

It reads a row of :mod:`.traces` for each bit: with ``V`` voices, the final logit and other logits,
``K`` in all, and ``I`` inputs of the mixer, of which ``B`` blends are made,

    z = (mixer inputs / 512) @ blend.T + blend_bias, in half nats               (B,)
    x = (voice - final) / 256                        for each voice, in nats
        final / 512, other logits / 512
        contexts known / 32
        2 (bit - p1) of the last bit
        +-(voice - final) / 256 of the last bit      + if it was a one
        tanh(z)                                                                 (F,), F = K + V + 2 + B
    a = sum of embed[context] + x @ inputs + h @ recur                          (3 H,)

and then the cell of :class:`~foretold.train.lstm.PersistentLSTM`. Its units say what each voice
and each blend weighs in the correction of the final logit, in nats:

    weights = h @ head + head_bias                                              (V + 2 + B,)
    correction = weights . (voice - final, final / 512, 1, z) + out_bias[partial byte]

So a blend is a mixer of its own, whose weights are learned beforehand and stay, and which counts as
much as the units say at this bit. Tables of 256 rows are products of narrow ones. Nothing is corrected
before anything is learned. Sources: as there; M. Jordan and R. Jacobs, Hierarchical mixtures of experts
and the EM algorithm (1994), for a network that weighs opinions.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional

import foretold
from foretold import _core
from foretold._arguments import as_weights
from foretold._replacing import replacing
from foretold.errors import CheckpointError, FormatError, ParameterError

from .export import pack, quantise, read_tensors, unpack
from .loop import load_checkpoint, tell
from .lstm import EPSILON, _backward_step, _forward_step, _How, _Layer
from .traces import Traces

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from _typeshed import ReadableBuffer, StrPath
    from numpy.typing import NDArray

__all__ = [
    "Batch",
    "LstmMixer",
    "MixerSettings",
    "MixerTrainer",
    "corrections",
    "export_mixer",
    "held_gain",
    "load_mixer",
    "mixer_card",
    "only_heard",
]

TABLES = {
    "partial byte": 256,
    "last byte": 256,
    "orders known": 8,
    "match length class": 16,
    "class of last byte": 8,
    "letters of word": 16,
}
"""Contexts that have rows of weights, and how many; larger values take the last row."""

CERTAIN = 1 << 14
"""The probability of the less likely bit, in units of 2^-22, below which a bit is not heard."""

LIMIT = 6.0
"""The correction, in nats, lies between its negative and it."""

KIND, VERSION = "foretold.mixer", "2"

_INPUT = "input "
"""How the names of the columns that are blended begin."""

_NATS_A_BIT = math.log(2)


@dataclasses.dataclass(frozen=True)
class Batch:
    """Consecutive bits of several lanes: ``T`` steps of ``B`` lanes.

    Attributes
    ----------
    logits : (T + 1, B, K + I) float32
        And inputs of the mixer, in units of 1/256. Row 0 is of the bit before: zeros if there is none.
    contexts : (T + 1, B, 10) int64
    p1 : (T + 1, B) float32
        The probability of a one before the correction.
    bits : (T + 1, B) float32
    started : bool
        Whether row 0 is a bit that was.
    """

    logits: Tensor
    contexts: Tensor
    p1: Tensor
    bits: Tensor
    started: bool


class LstmMixer(nn.Module):
    """The network; its state stays from call to call until :meth:`reset_states`.

    Parameters
    ----------
    hidden : int
        Units, a multiple of 16.
    columns, context_names : sequence of str
        Of the traces, see :mod:`.traces`.
    blends : int
        Blends of the mixer's inputs, 0 to 32; traces without inputs take 0.
    rank : int or sequence of int
        How wide the tables of 256 rows are before they are multiplied out, 0 to 64; 0: as wide as
        the others. Or that of each of :data:`TABLES`.

    Examples
    --------
    >>> net = LstmMixer(16, ["set: one", "mixed", "final", "order 0"], ["partial byte"], blends=0)
    >>> net.voices, net.inputs.shape
    (2, torch.Size([8, 48]))
    """

    def __init__(
        self,
        hidden: int,
        columns: Sequence[str],
        context_names: Sequence[str],
        *,
        blends: int = 16,
        rank: int | Sequence[int] = 8,
    ) -> None:
        super().__init__()
        if hidden % 16 or not 16 <= hidden <= 256:
            raise ParameterError(f"hidden must be a multiple of 16, 16 to 256, found {hidden}")
        if "final" not in columns[1:61]:
            raise ParameterError(f"the traces have no final logit after 1 to 60 voices: {list(columns)}")
        self.column_names, self.context_names = tuple(columns), tuple(context_names)
        self.hidden, self.blends = hidden, blends
        self.voices = self.column_names.index("final")
        blended = sum(name.startswith(_INPUT) for name in columns)
        self.logits = len(columns) - blended
        most = min(32, 62 - self.voices) if blended else 0
        if not 0 <= blends <= most:
            raise ParameterError(f"blends must be 0 to {most} of {blended} inputs, found {blends}")
        if isinstance(rank, int):
            narrow = [rank if rows == 256 else 0 for rows in TABLES.values()]
        else:
            narrow = list(rank)
        if len(narrow) != len(TABLES) or not all(0 <= wide <= 64 for wide in narrow):
            raise ParameterError(f"rank must be 0 to 64, or {len(TABLES)} of these, found {rank}")
        self.ranks = tuple(narrow)
        inputs, width = self.logits + self.voices + 2 + blends, 3 * hidden
        self.inputs = nn.Parameter(torch.randn(inputs, width) * inputs**-0.5)
        self.recur = nn.Parameter(torch.randn(hidden, width) * hidden**-0.5)
        self.embed = nn.ParameterList(
            [
                nn.Parameter(torch.randn(rows, wide) if wide else torch.randn(rows, width) * 0.3)
                for rows, wide in zip(TABLES.values(), narrow, strict=True)
            ]
        )
        self.columns = nn.ParameterDict(
            {
                str(at): nn.Parameter(torch.randn(wide, width) * 0.3 * wide**-0.5)
                for at, wide in enumerate(narrow)
                if wide
            }
        )
        self.gain = nn.Parameter(torch.ones(3, hidden))
        # Units that forget at once, and units that remember for 150 bits.
        bias = torch.zeros(3, hidden)
        bias[0] = torch.linspace(0, 5, hidden)
        self.bias = nn.Parameter(bias)
        self.head = nn.Parameter(torch.zeros(hidden, self.voices + 2 + blends))
        self.head_bias = nn.Parameter(torch.zeros(self.voices + 2 + blends))
        self.out_bias = nn.Parameter(torch.zeros(256))
        if blends:
            self.blend = nn.Parameter(torch.randn(blends, blended) * 0.05)
            self.blend_bias = nn.Parameter(torch.zeros(blends))
        self.recurrent = True
        """False: each step starts from a zero state, to compare with."""
        self._state: tuple[Tensor, Tensor] | None = None

    def reset_states(self) -> None:
        """Begin anew: the next call's lanes have zero states."""
        self._state = None

    def features(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Inputs ``(T, B, F)``, and what each voice, the final logit, one and each blend say."""
        logits = batch.logits[..., : self.logits]
        voices, final = logits[..., : self.voices], logits[..., self.voices :]
        said = (voices - final[..., :1]) / 256  # (T + 1, B, V)
        towards = (2 * batch.bits - 1).unsqueeze(-1)
        nearer, error = said[:-1] * towards[:-1], batch.bits[:-1] - batch.p1[:-1]
        if not batch.started:
            nearer[0], error[0] = 0, 0
        said, final = said[1:], final[1:] / 512
        known = batch.contexts[1:, :, self.context_names.index("contexts known")].float() / 32
        x = [said, final, known.unsqueeze(-1), 2 * error.unsqueeze(-1), nearer]
        says = [said, final[..., :1], torch.ones_like(final[..., :1])]
        if self.blends:
            blended = functional.linear(batch.logits[1:, :, self.logits :] / 512, self.blend, self.blend_bias)
            x.append(torch.tanh(blended))
            says.append(blended)
        return torch.cat(x, -1), torch.cat(says, -1)

    def forward(self, batch: Batch) -> Tensor:
        """Corrections of the final logit in nats, ``(T, B)``."""
        x, said = self.features(batch)
        sums = x @ self.inputs  # (T, B, 3 H)
        for at, ((name, rows), embed) in enumerate(zip(TABLES.items(), self.embed, strict=True)):
            values = batch.contexts[1:, :, self.context_names.index(name)].clamp(max=rows - 1)
            row = functional.embedding(values, embed)
            sums = sums + (row @ self.columns[str(at)] if str(at) in self.columns else row)
        steps, lanes, _ = sums.shape
        zero = sums.new_zeros(lanes, self.hidden)
        how = _How(None, _forward_step, _backward_step)
        if self.recurrent:
            h, c = self._state or (zero, zero)
            hs, h, c = _Layer.apply(sums, self.recur, self.gain, self.bias, h, c, [None] * steps, how)
            self._state = (h.detach(), c.detach())
        else:
            flat = sums.view(steps * lanes, 3, self.hidden)
            zero = flat.new_zeros(steps * lanes, self.hidden)
            hs = _forward_step(flat, self.gain, self.bias, zero)[-1].view(steps, lanes, self.hidden)
        weights = hs @ self.head + self.head_bias  # (T, B, V + 2 + B)
        partial = batch.contexts[1:, :, self.context_names.index("partial byte")]
        return ((weights * said).sum(-1) + self.out_bias[partial]).clamp(-LIMIT, LIMIT)


def _costs(batch: Batch, correction: Tensor) -> tuple[Tensor, Tensor]:
    """Bits that each bit costs without the correction and with it, ``(T, B)`` each."""
    logit, bits = torch.logit(batch.p1[1:].double()).float(), batch.bits[1:]

    def cost(logit: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(logit, bits, reduction="none") / _NATS_A_BIT

    return cost(logit), cost(logit + correction)


def _heard(one: Traces) -> NDArray[np.bool_]:
    """Which bits a network hears."""
    return (one.p1_q22 >= CERTAIN) & (one.p1_q22 <= (1 << 22) - CERTAIN)


def only_heard(one: Traces) -> Traces:
    """The bits of a trace that a mixer network hears: half as many, and all that training needs.

    What held-out texts cost in all is measured with all of their bits.
    """
    heard = _heard(one)
    return dataclasses.replace(
        one,
        logits=one.logits[heard],
        contexts=one.contexts[heard],
        p1_q22=one.p1_q22[heard],
        bits=one.bits[heard],
    )


def _unheard_length(one: Traces) -> float:
    """What the bits that it does not hear cost, in bits."""
    unheard = ~_heard(one)
    p1 = one.p1_q22[unheard] / 2**22
    return float(-np.log2(np.where(one.bits[unheard] != 0, p1, 1 - p1)).sum())


class TraceLanes:
    """Traces of texts laid end to end and cut into lanes of one length.

    Parameters
    ----------
    traces : sequence of Traces
        Shards in their order; they are read where they are. Bits that are nearly certain are not
        heard and left out.
    lanes : int
        Streams read at once.
    """

    def __init__(self, traces: Sequence[Traces], lanes: int) -> None:
        if not traces or any(one.columns != traces[0].columns for one in traces):
            raise ParameterError("there are no traces, or they are of several presets")
        self._traces = list(traces)
        self._heard = [np.flatnonzero(_heard(one)) for one in traces]
        self._ends = np.cumsum([len(heard) for heard in self._heard])
        count = int(self._ends[-1])
        self.lanes, self.length = lanes, count // lanes
        self.columns, self.context_names = traces[0].columns, traces[0].context_names
        if self.length < 2:
            raise ParameterError(f"{count} bits are too few for {lanes} lanes")

    def _rows(self, name: str, start: int, end: int) -> NDArray[Any]:
        """These of all traces' rows."""
        parts = []
        while start < end:
            piece = int(np.searchsorted(self._ends, start, side="right"))
            before = int(self._ends[piece - 1]) if piece else 0
            stop = min(end, int(self._ends[piece]))
            heard = self._heard[piece][start - before : stop - before]
            parts.append(getattr(self._traces[piece], name)[heard])
            start = stop
        return np.concatenate(parts)

    def batch(self, at: int, steps: int, device: torch.device | str = "cpu") -> Batch:
        """Bits ``at`` to ``at + steps`` of each lane."""
        first, end = max(at - 1, 0), min(at + steps, self.length)

        def part(name: str, dtype: Any) -> Tensor:
            lanes = (lane * self.length for lane in range(self.lanes))
            rows = np.stack([self._rows(name, lane + first, lane + end) for lane in lanes], 1)
            cut = torch.from_numpy(rows.astype(dtype))
            if at == 0:
                cut = torch.cat([torch.zeros_like(cut[:1]), cut])
            return cut.to(device)

        return Batch(
            part("logits", np.float32),
            part("contexts", np.int64),
            part("p1_q22", np.float32) / 2**22,
            part("bits", np.float32),
            at > 0,
        )


def held_gain(
    net: LstmMixer, traces: Sequence[Traces], *, lanes: int = 32, steps: int = 256
) -> tuple[float, float]:
    """Bits per coded byte of traces, without and with the network's correction.

    The traces are cut into lanes, each of which starts with a zero state: what the network gains
    over one text from its beginning to its end is a little more.
    """
    heard = sum(int(_heard(one).sum()) for one in traces)
    held = TraceLanes(traces, max(1, min(lanes, heard // 512)))
    state, net._state = net._state, None
    before = after = 0.0
    device = net.head.device
    with torch.no_grad():
        for at in range(0, held.length, steps):
            batch = held.batch(at, min(steps, held.length - at), device)
            plain, corrected = _costs(batch, net(batch))
            before += float(plain.sum())
            after += float(corrected.sum())
    net._state = state
    # As if the bits that the lanes leave over had cost as much.
    whole = heard / (held.length * held.lanes)
    unheard = sum(map(_unheard_length, traces))
    count = sum(len(one.bits) for one in traces) / 8
    return (before * whole + unheard) / count, (after * whole + unheard) / count


@dataclasses.dataclass(frozen=True)
class MixerSettings:
    """How a mixer network is trained."""

    updates: int = 1000
    steps: int = 128
    """Bits over which gradients are propagated back."""
    batch: int = 192
    """Lanes that are read at once."""
    learning_rate: float = 6e-3
    warm_up: int = 50
    decay: float = 0.5
    """Share of the run over which the learning rate falls to ``floor``."""
    floor: float = 0.02
    weight_decay: float = 1e-3
    clip: float = 1.0
    evaluate_every: int = 500
    log_every: int = 100

    def rate(self, update: int) -> float:
        """Learning rate of an update."""
        rising = min(1.0, (update + 1) / self.warm_up) if self.warm_up else 1.0
        falling = min(1.0, (1 - update / self.updates) / self.decay + self.floor) if self.decay else 1.0
        return self.learning_rate * rising * falling


class MixerTrainer:
    """One run of training; states are carried from window to window.

    Parameters
    ----------
    net : LstmMixer
        Trained in place.
    traces, held : sequences of Traces
        What to train on, and to measure with.
    settings : MixerSettings
    device : torch.device
    checkpoint : path, optional
        Where to keep what is needed to go on.
    log : path, optional
        Figures are appended, one JSON object a line.
    progress : callable, optional
        Told each line of figures.
    """

    def __init__(
        self,
        net: LstmMixer,
        traces: Sequence[Traces],
        held: Sequence[Traces],
        settings: MixerSettings,
        *,
        device: torch.device | str = "cpu",
        checkpoint: StrPath | None = None,
        checkpoint_seconds: float = 300.0,
        log: StrPath | None = None,
        progress: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self.net, self.settings, self._held = net.to(device), settings, held
        self._device = device
        self._lanes = TraceLanes(traces, settings.batch)
        if self._lanes.length <= settings.steps:
            raise ParameterError(f"a lane has {self._lanes.length} bits, a window {settings.steps}")
        self._optimiser = torch.optim.AdamW(
            net.parameters(), lr=settings.learning_rate, betas=(0.9, 0.99), weight_decay=settings.weight_decay
        )
        self._checkpoint = None if checkpoint is None else Path(checkpoint)
        self._checkpoint_seconds = checkpoint_seconds
        self._log = None if log is None else Path(log)
        self._progress = progress
        self._update = self._at = 0
        self._seconds = 0.0
        self._sums = [0.0, 0.0, 0]
        net.reset_states()

    def run(self, until: int | None = None) -> int:
        """Train to the end, or until so many updates are done; how many there are."""
        settings = self.settings
        started = time.monotonic() - self._seconds
        saved = time.monotonic()
        last = settings.updates if until is None else min(until, settings.updates)
        while self._update < last:
            self._one_update()
            self._seconds = time.monotonic() - started
            measured = self._update % settings.evaluate_every == 0 or self._update == settings.updates
            if measured or self._update % settings.log_every == 0:
                self._tell(measured)
            if self._checkpoint is not None and time.monotonic() - saved >= self._checkpoint_seconds:
                self.save(self._checkpoint)
                saved = time.monotonic()
        if self._checkpoint is not None:
            self.save(self._checkpoint)
        return self._update

    def _one_update(self) -> None:
        settings = self.settings
        if self._at + settings.steps > self._lanes.length:
            self._at = 0
            self.net.reset_states()
        batch = self._lanes.batch(self._at, settings.steps, self._device)
        self._at += settings.steps
        plain, corrected = _costs(batch, self.net(batch))
        corrected.mean().backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), settings.clip)
        for group in self._optimiser.param_groups:
            group["lr"] = settings.rate(self._update)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        self._update += 1
        with torch.no_grad():
            sums = (float(plain.sum()), float(corrected.sum()), plain.numel())
        self._sums = [have + more for have, more in zip(self._sums, sums, strict=True)]

    def _tell(self, measured: bool) -> None:
        before, after, count = self._sums
        line: dict[str, Any] = {
            "update": self._update,
            "seconds": round(self._seconds, 1),
            "learning_rate": self.settings.rate(self._update - 1),
            "bits_before": round(8 * before / count, 5),
            "bits": round(8 * after / count, 5),
        }
        if measured and self._held:
            held = held_gain(self.net, self._held)
            line["held_bits_before"], line["held_bits"] = (round(bits, 5) for bits in held)
        self._sums = [0.0, 0.0, 0]
        tell(line, self._log, self._progress)

    def save(self, path: StrPath) -> None:
        """Write all that is needed to go on. An existing file is replaced when the new one is complete."""
        content = {
            "net": self.net.state_dict(),
            "opt": self._optimiser.state_dict(),
            "step": self._update,
            "at": self._at,
            "seconds": self._seconds,
            "states": self.net._state,
            "sums": self._sums,
            "settings": dataclasses.asdict(self.settings),
        }
        with replacing(path) as partial:
            torch.save(content, partial)

    def resume(self, path: StrPath) -> None:
        """Go on from a checkpoint.

        Raises
        ------
        CheckpointError
            If it is none, or one of another network or other lanes.
        """
        content = load_checkpoint(path, torch.device(self._device))
        for name in ("batch", "steps"):
            mine = getattr(self.settings, name)
            if content["settings"].get(name) != mine:
                found = content["settings"].get(name)
                raise CheckpointError(f"{path} was made with {name} {found}, found {mine}", path)
        try:
            self.net.load_state_dict(content["net"])
            self._optimiser.load_state_dict(content["opt"])
        except (RuntimeError, ValueError) as error:
            raise CheckpointError(f"{path} is of another network: {error}", path) from None
        self._update, self._at, self._seconds = content["step"], content["at"], content["seconds"]
        self.net._state = content["states"]
        self._sums = list(content["sums"])


def mixer_card(
    net: LstmMixer,
    learned: Sequence[Path],
    held: Sequence[Path],
    *,
    updates: int,
    figures: dict[str, Any] | None = None,
    commit: str | None = None,
) -> dict[str, Any]:
    """What a mixer network is and what it was made of: :func:`.export.model_card` of one."""
    files = [(path, False) for path in learned] + [(path, True) for path in held]
    return {
        "foretold": foretold.__version__,
        "commit": commit,
        "command": sys.argv,
        "torch": torch.__version__,
        "parameters": sum(value.numel() for value in net.parameters()),
        "updates": updates,
        "figures": {} if figures is None else figures,
        "data": [
            {
                "name": path.name,
                "bytes": path.stat().st_size,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "held": kept,
            }
            for path, kept in files
        ],
    }


_MATRICES = ("inputs", "recur", "embed", "columns", "head")


def export_mixer(
    net: LstmMixer, path: StrPath, weights: str = "int8", card: dict[str, Any] | None = None
) -> int:
    """Write a mixer network's weights. An existing file is replaced when the new one is complete.

    Parameters
    ----------
    net : LstmMixer
    path : path
        A safetensors file: ``inputs`` (F, 3 H), ``recur`` (H, 3 H), ``embed.N`` (rows, 3 H), or
        (rows, rank) and ``columns.N`` (rank, 3 H), ``gain`` and ``bias`` (3, H), ``head``
        (H, V + 2 + B), ``head_bias`` (V + 2 + B,), ``out_bias`` (256,), ``blend`` (B, I) and
        ``blend_bias`` (B,); as integers matrices have a scale for each row, see :mod:`.export`.
    weights : {"float32", "int8"}
        What matrices become: with int8 the tables become int4. ``blend`` is int8 in any case.
    card : dict, optional
        What it was made of.

    Returns
    -------
    int
        The file's length in bytes.
    """
    if weights not in ("float32", "int8"):
        raise ParameterError(f"weights must be float32 or int8, found {weights!r}")
    tensors: dict[str, Tensor] = {}
    for name, value in net.state_dict().items():
        value = value.detach().float().cpu().contiguous()
        if name != "blend" and (weights == "float32" or name.split(".")[0] not in _MATRICES):
            tensors[name] = value
            continue
        is_table = name.startswith("embed.")
        integers, scale = quantise(value, 4 if is_table else 8)
        tensors[name] = pack(integers) if is_table else integers
        tensors[f"{name}.scale"] = scale.contiguous()
    metadata = {
        "kind": KIND,
        "version": VERSION,
        "hidden": str(net.hidden),
        "logits": json.dumps(net.column_names[: net.logits]),
        "inputs": str(len(net.column_names) - net.logits),
        "context_names": json.dumps(net.context_names),
        "weights": weights,
        "epsilon": repr(EPSILON),
        "foretold": foretold.__version__,
        "card": json.dumps({} if card is None else card, ensure_ascii=False, separators=(",", ":")),
    }
    content = save(tensors, metadata)
    with replacing(path) as partial:
        partial.write_bytes(content)
    return len(content)


def load_mixer(path: StrPath) -> tuple[LstmMixer, dict[str, str]]:
    """Read a network that :func:`export_mixer` wrote: with float32 weights, and the metadata.

    Raises
    ------
    FormatError
        If the file is something else.
    """
    tensors, metadata = read_tensors(path, KIND, VERSION, "mixer network")
    columns = json.loads(metadata["logits"]) + [f"{_INPUT}{at}" for at in range(int(metadata["inputs"]))]
    net = LstmMixer(
        int(metadata["hidden"]),
        columns,
        json.loads(metadata["context_names"]),
        blends=len(tensors["blend"]) if "blend" in tensors else 0,
        rank=[len(tensors[name]) if (name := f"columns.{at}") in tensors else 0 for at in range(len(TABLES))],
    )
    values = {}
    for name, value in tensors.items():
        if not name.endswith(".scale"):
            scale = tensors.get(f"{name}.scale")
            if value.dtype == torch.uint8:
                value = unpack(value, 2 * value.shape[1])
            values[name] = value if scale is None else value.float() * scale[:, None]
    try:
        net.load_state_dict(values)
    except RuntimeError as error:
        raise FormatError(f"{path}: {error}") from None
    return net, metadata


def corrections(
    weights: StrPath | ReadableBuffer, traces: Traces
) -> tuple[NDArray[np.float32], NDArray[np.uint32]]:
    """What a mixer network makes of a text's traces, as the presets compute it.

    Parameters
    ----------
    weights : path or buffer
        A safetensors file as :func:`export_mixer` writes it.
    traces : Traces
        Consecutive bits; before the first its state is zero.

    Returns
    -------
    (N,) float32, (N,) uint32
        Corrections of the final logit in nats; and corrected probabilities in units of 2^-22, in
        which corrections count as much as they have turned out to be worth.

    Raises
    ------
    ParameterError
        If the weights cannot be used.
    """
    return _core.mixer_corrections(
        as_weights(weights), traces.logits, traces.contexts, traces.p1_q22, traces.bits
    )
