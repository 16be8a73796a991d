"""A byte LSTM that keeps its state from one call to the next, with a backward pass written out.

One layer of hidden size ``H`` reads the byte ``x`` and, above the first layer, the layer below:

    a = embed[x] + h @ recur (+ h_below @ below)          (B, G, H), G gates
    n = a / sqrt(mean(a^2) + 1e-5) * gain + bias           the mean is over one gate's H units
    f = sigmoid(n[forget]),  u = tanh(n[candidate]),  o = sigmoid(n[output])
    c = f c + (1 - f) u                                    or f c + i u, with i = sigmoid(n[input])
    h = o tanh(c)

and the scores of the next byte are ``concat(h of all layers) @ out + out_bias``. Gates stand in the
order forget, candidate, output (, input). Inputs of a time step come from all layers' embeddings of
the same byte, so that a layer does not have to pass it on.

A network may hear what a match model expects next, a byte ``e`` and the class ``k`` of the match's
length, 0 if there is none: where ``k > 0``, ``match_byte[e] + match_class[k]`` is added to ``a`` of the
lowest layer, and ``match_bias[k]`` to the score of ``e``.

Sources: S. Hochreiter and J. Schmidhuber, Long short-term memory (1997); B. Zhang and R. Sennrich,
Root mean square layer normalization (2019); F. Bellard, Lossless data compression with neural
networks (2019), for the cell and its tied gates.
"""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import Tensor, nn

from foretold.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["EPSILON", "GATES", "MATCH_CLASSES", "PersistentLSTM", "StateInfo", "States"]

EPSILON = 1e-5
"""Added to the mean square before its root is taken."""

GATES = ("forget_gate", "cell_candidate", "output_gate", "input_gate")
"""Order of the gates; cells of three gates have no input gate of their own."""

MATCH_CLASSES = 16
"""Classes of how long a match is; 0 is none."""

States: TypeAlias = "list[tuple[Tensor, Tensor]]"
"""For each layer its hidden and cell state, ``(B, H)`` each."""


def _forward_step(a: Tensor, gain: Tensor, bias: Tensor, c: Tensor) -> tuple[Tensor, ...]:
    """One step of a layer after its products: ``a`` is (B, G, H), ``c`` is (B, H)."""
    root = torch.rsqrt(a.square().mean(-1, keepdim=True) + EPSILON)  # (B, G, 1)
    hat = a * root
    n = hat * gain + bias
    f = torch.sigmoid(n[:, 0])  # (B, H), as all that follow
    u = torch.tanh(n[:, 1])
    o = torch.sigmoid(n[:, 2])
    i = torch.sigmoid(n[:, 3]) if a.shape[1] == 4 else 1 - f
    c = f * c + i * u
    squashed = torch.tanh(c)
    return hat, root, f, u, o, i, c, squashed, o * squashed


def _backward_step(
    dh: Tensor,
    dc: Tensor,
    hat: Tensor,
    root: Tensor,
    f: Tensor,
    u: Tensor,
    o: Tensor,
    i: Tensor,
    c: Tensor,
    squashed: Tensor,
    gain: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of one step: of ``n`` and ``a``, (B, G, H), and of the cell state before it."""
    do = dh * squashed
    dc = dc + dh * o * (1 - squashed * squashed)
    df = dc * (c - u) if hat.shape[1] == 3 else dc * c
    gates = [df * f * (1 - f), dc * i * (1 - u * u), do * o * (1 - o)]
    if hat.shape[1] == 4:
        gates.append(dc * u * i * (1 - i))
    dn = torch.stack(gates, 1)
    dhat = dn * gain
    da = root * (dhat - hat * (dhat * hat).mean(-1, keepdim=True))
    return dn, da, dc * f


@dataclasses.dataclass(frozen=True)
class _How:
    """How a layer computes, apart from its numbers."""

    precision: torch.dtype | None
    forward_step: Callable[..., Any]
    backward_step: Callable[..., Any]


def _product(x: Tensor, weight: Tensor, precision: torch.dtype | None) -> Tensor:
    """``x @ weight``, with operands rounded to ``precision``; the result is as wide as ``x``."""
    if precision is None or precision == x.dtype:
        return x @ weight
    return (x.to(precision) @ weight.to(precision)).to(x.dtype)


class _Layer(torch.autograd.Function):
    """The steps of one layer.

    Autograd would add up the gradient of the recurrent weights step by step. Here the gradients of
    all pre-activations are kept, and one product over steps and lanes gives it.
    """

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        recur: Tensor,
        gain: Tensor,
        bias: Tensor,
        h: Tensor,
        c: Tensor,
        keeps: list[Tensor | None],
        how: _How,
    ) -> tuple[Tensor, Tensor, Tensor]:
        steps, lanes, _ = inputs.shape
        gates, hidden = gain.shape
        precision = how.precision or inputs.dtype
        weight = recur.to(precision)
        # What each step starts from, after resets.
        h_before = inputs.new_empty(steps, lanes, hidden)
        c_before = inputs.new_empty(steps, lanes, hidden)
        hs = inputs.new_empty(steps, lanes, hidden)
        saved = []
        for step, keep in enumerate(keeps):
            if keep is not None:
                h, c = h * keep, c * keep
            h_before[step], c_before[step] = h, c
            a = inputs[step] + (h.to(precision) @ weight).to(inputs.dtype)  # (B, G * H)
            hat, root, f, u, o, i, c, squashed, h = how.forward_step(
                a.view(lanes, gates, hidden), gain, bias, c_before[step]
            )
            hs[step] = h
            saved.append((hat, root, f, u, o, i, squashed))
        ctx.save_for_backward(recur, gain, h_before, c_before)
        ctx.saved, ctx.keeps, ctx.how = saved, keeps, how
        # Clones, because steps that were compiled may use their outputs' memory again.
        return hs, h.clone(), c.clone()

    @staticmethod
    def backward(ctx: Any, dhs: Tensor, dh: Tensor, dc: Tensor) -> tuple[Tensor | None, ...]:
        recur, gain, h_before, c_before = ctx.saved_tensors
        steps, lanes, hidden = dhs.shape
        gates = gain.shape[0]
        precision = ctx.how.precision or dhs.dtype
        weight = recur.t().to(precision).contiguous()
        da = dhs.new_empty(steps, lanes, gates * hidden)
        dn = dhs.new_empty(steps, lanes, gates, hidden)
        hats = dhs.new_empty(steps, lanes, gates, hidden)
        for step in range(steps - 1, -1, -1):
            hat, root, f, u, o, i, squashed = ctx.saved[step]
            dn_step, da_step, dc = ctx.how.backward_step(
                dhs[step] + dh, dc, hat, root, f, u, o, i, c_before[step], squashed, gain
            )
            da[step] = da_step.view(lanes, gates * hidden)
            dn[step] = dn_step
            hats[step] = hat
            dh = (da[step].to(precision) @ weight).to(dhs.dtype)
            keep = ctx.keeps[step]
            if keep is not None:
                dh, dc = dh * keep, dc * keep
        flat = da.view(steps * lanes, gates * hidden).to(precision)
        drecur = (h_before.view(steps * lanes, hidden).t().to(precision) @ flat).to(dhs.dtype)
        ctx.saved = None
        return da, drecur, (dn * hats).sum((0, 1)), dn.sum((0, 1)), dh, dc, None, None


@dataclasses.dataclass(frozen=True)
class StateInfo:
    """What is carried from one call to the next."""

    shapes: tuple[tuple[int, int], ...]
    """Lanes and hidden size of each layer; empty before the first call."""
    hidden_norms: tuple[float, ...]
    """For each layer the Euclidean norm of a lane's hidden state, the mean over lanes."""
    cell_norms: tuple[float, ...]
    """The same of the cell states."""
    activations: tuple[float, ...]
    """For each layer the mean absolute value of its hidden state, between 0 and 1."""
    steps: tuple[int, ...]
    """For each lane the bytes read since its state was zero."""


class PersistentLSTM(nn.Module):
    """A byte LSTM of one to three layers whose state stays until it is reset.

    Parameters
    ----------
    hidden : int
        Units of each layer.
    layers : int
        1 to 3.
    vocabulary : int
        Number of symbols.
    gates : int
        3: what is forgotten makes room for what is new. 4: an input gate of its own.
    hears_match : bool
        Whether it hears what a match model expects.

    Attributes
    ----------
    precision : torch.dtype or None
        What matrix products round their operands to: ``torch.bfloat16`` where that is faster.
        None, the default, leaves them as they are.
    weight_bits : int or None
        8 or 4: matrices are rounded as export would round them, and their gradients pass through,
        for fine-tuning. None, the default, leaves them as they are.

    Examples
    --------
    >>> import torch
    >>> net = PersistentLSTM(hidden=8, layers=1)
    >>> net(torch.zeros(5, 2, dtype=torch.long)).shape
    torch.Size([5, 2, 256])
    >>> net.state_info().steps
    (5, 5)
    """

    def __init__(
        self,
        hidden: int = 384,
        layers: int = 2,
        *,
        vocabulary: int = 256,
        gates: int = 3,
        hears_match: bool = False,
    ) -> None:
        super().__init__()
        for name, value, least, most in (
            ("hidden", hidden, 1, 65536),
            ("layers", layers, 1, 3),
            ("vocabulary", vocabulary, 2, 65536),
            ("gates", gates, 3, 4),
        ):
            if not least <= value <= most:
                raise ParameterError(f"{name} must be from {least} to {most}, found {value}")
        self.hidden, self.layers, self.vocabulary, self.gates = hidden, layers, vocabulary, gates
        self.hears_match = hears_match
        self.precision: torch.dtype | None = None
        self.weight_bits: int | None = None
        self._steps: tuple[Callable[..., Any], Callable[..., Any]] = (_forward_step, _backward_step)
        self._fused = False
        width, scale = gates * hidden, hidden**-0.5
        self.embed = _parameters(torch.randn(vocabulary, width) for _ in range(layers))
        self.recur = _parameters(torch.randn(hidden, width) * scale for _ in range(layers))
        self.below = _parameters(torch.randn(hidden, width) * scale for _ in range(layers - 1))
        self.gain = _parameters(torch.ones(gates, hidden) for _ in range(layers))
        # Units that forget at once, and units that remember for long.
        bias = torch.zeros(gates, hidden)
        bias[0] = torch.linspace(0, 4, hidden)
        if gates == 4:
            bias[3] = -bias[0]
        self.bias = _parameters(bias.clone() for _ in range(layers))
        self.out = nn.Parameter(torch.zeros(hidden * layers, vocabulary))
        self.out_bias = nn.Parameter(torch.zeros(vocabulary))
        if hears_match:
            self.match_byte = nn.Parameter(torch.randn(vocabulary, width))
            self.match_class = nn.Parameter(torch.zeros(MATCH_CLASSES, width))
            self.match_bias = nn.Parameter(torch.zeros(MATCH_CLASSES))
        self._states: States | None = None
        self._carried: Tensor | None = None
        self._pinned = False

    @classmethod
    def like(cls, parameters: dict[str, Tensor]) -> PersistentLSTM:
        """Return a network of the sizes that a ``state_dict`` has, with its values."""
        try:
            vocabulary, width = parameters["embed.0"].shape
            gates, hidden = parameters["gain.0"].shape
            layers = sum(name.startswith("embed.") for name in parameters)
            if width != gates * hidden:
                raise ParameterError(f"embed.0 has {width} columns, {gates} gates of {hidden} units")
            hears_match = any(name.startswith("match_") for name in parameters)
            net = cls(hidden, layers, vocabulary=vocabulary, gates=gates, hears_match=hears_match)
            net.load_state_dict(parameters)
        except (KeyError, RuntimeError) as error:
            raise ParameterError(f"no parameters of a byte LSTM: {error}") from None
        return net

    def compile_steps(self) -> None:
        """Have torch compile what follows a step's products: faster, and needs a C++ compiler on the CPU."""
        self._steps = (
            torch.compile(_forward_step, dynamic=False),
            torch.compile(_backward_step, dynamic=False),
        )

    def fuse_steps(self) -> None:
        """Have kernels of our own do what follows a step's product, which needs an NVIDIA card and Triton."""
        self._fused = True

    def matrices(self) -> Iterator[tuple[str, Tensor]]:
        """Names and values of the matrices, which export may quantise."""
        for name, value in self.named_parameters():
            if is_matrix(name):
                yield name, value

    def _weight(self, value: Tensor) -> Tensor:
        if self.weight_bits is None:
            return value
        from .export import fake_quantise

        return fake_quantise(value, self.weight_bits)

    def forward(self, x: Tensor, resets: Tensor | None = None, expected: Tensor | None = None) -> Tensor:
        """Scores of the byte after each of those in ``x``, given all since the last reset.

        Parameters
        ----------
        x : (T, B) integers
            ``T`` steps of ``B`` lanes.
        resets : (T, B) bool, optional
            Where a document begins: that lane's state is zero before this byte is read.
        expected : (T, B, 2) integers, optional
            The byte that a match model expects after each of those in ``x``, and its class. Only
            for a network that hears of it, to which nothing is expected where it is missing.

        Returns
        -------
        (T, B, V)
            Unnormalised, in nats. The state is kept, with its gradient: :meth:`detach_states` ends
            the horizon.
        """
        steps, lanes = x.shape
        if expected is not None and not self.hears_match:
            raise ParameterError("the network does not hear what a match model expects")
        states = self._states
        if states is None:
            zero = self.out.new_zeros(lanes, self.hidden)
            states = [(zero, zero)] * self.layers
            self._carried = torch.zeros(lanes, dtype=torch.long, device=self.out.device)
        elif states[0][0].shape[0] != lanes:
            raise ParameterError(f"states of {states[0][0].shape[0]} lanes are carried, found {lanes}")
        run = self._layer_of(steps, lanes, resets)
        symbols = self._symbols(x)
        outputs: list[Tensor] = []
        new: States = []
        for layer in range(self.layers):
            a = symbols(self._weight(self.embed[layer]))  # (T, B, G * H)
            if layer == 0 and expected is not None:
                a = a + self._heard(expected)
            if layer:
                a = a + _product(outputs[-1], self._weight(self.below[layer - 1]), self.precision)
            hs, h, c = run(
                a, self._weight(self.recur[layer]), self.gain[layer], self.bias[layer], *states[layer]
            )
            outputs.append(hs)  # (T, B, H)
            new.append((h, c))
        self._keep(new, self._count(steps, resets))
        both = torch.cat(outputs, -1)  # (T, B, layers * H)
        scores = _product(both, self._weight(self.out), self.precision) + self.out_bias  # (T, B, V)
        if expected is not None:
            byte, match = expected[..., :1], expected[..., 1:]  # (T, B, 1)
            bias = nn.functional.embedding(match, self.match_bias[:, None])[..., 0]
            scores = scores.scatter_add(-1, byte, torch.where(match > 0, bias, 0.0))
        return scores

    def _layer_of(
        self, steps: int, lanes: int, resets: Tensor | None
    ) -> Callable[..., tuple[Tensor, Tensor, Tensor]]:
        """What runs a layer, from its sums without the recurrent product on."""
        if self._fused:
            from .fused import FusedLayer

            keep = self.out.new_ones(steps + 1, lanes)
            if resets is not None:
                keep[:-1] -= resets.to(keep.dtype)
            return lambda *values: FusedLayer.apply(*values, keep, self.precision)
        keeps: list[Tensor | None] = [None] * steps
        if resets is not None:
            keep = (~resets).to(self.out.dtype).unsqueeze(-1)  # (T, B, 1)
            # To ask where they are would be to wait for the card.
            on_card = resets.device.type != "cpu"
            for step in range(steps) if on_card else resets.any(1).nonzero().flatten().tolist():
                keeps[step] = keep[step]
        how = _How(self.precision, *self._steps)
        return lambda *values: _Layer.apply(*values, keeps, how)

    def _symbols(self, x: Tensor) -> Callable[[Tensor], Tensor]:
        """What gives the rows of a matrix for the symbols ``x``."""
        if not self._fused:
            return lambda matrix: nn.functional.embedding(x, matrix)
        # As a product, whose gradient is one too: adding up row by row takes a card longer.
        every = torch.arange(self.vocabulary, device=x.device)
        chosen = (x.unsqueeze(-1) == every).to(self.precision or self.out.dtype)  # (T, B, V)
        return lambda matrix: (chosen @ matrix.to(chosen.dtype)).to(matrix.dtype)

    def _heard(self, expected: Tensor) -> Tensor:
        """What the lowest layer makes of expected bytes: (T, B, G * H)."""
        byte, match = expected.unbind(-1)
        heard = nn.functional.embedding(byte, self._weight(self.match_byte))
        heard = heard + nn.functional.embedding(match, self._weight(self.match_class))
        return torch.where(match.unsqueeze(-1) > 0, heard, 0.0)

    def _keep(self, states: States, carried: Tensor) -> None:
        if not self._pinned:
            self._states, self._carried = states, carried
            return
        assert self._states is not None and self._carried is not None
        with torch.no_grad():
            for mine, new in zip(self._states, states, strict=True):
                mine[0].copy_(new[0])
                mine[1].copy_(new[1])
            self._carried.copy_(carried)

    def pin_states(self, lanes: int) -> None:
        """Keep the states of so many lanes in the same tensors from now on, as a recorded pass needs.

        No gradient goes through them to an earlier call. States that are carried stay.
        """
        if self._states is None:
            zero = self.out.new_zeros(lanes, self.hidden)
            self._states = [(zero, zero)] * self.layers
            self._carried = torch.zeros(lanes, dtype=torch.long, device=self.out.device)
        assert self._carried is not None
        self._states = [(h.detach().clone(), c.detach().clone()) for h, c in self._states]
        self._carried = self._carried.clone()
        self._pinned = True

    def _count(self, steps: int, resets: Tensor | None) -> Tensor:
        assert self._carried is not None
        carried = self._carried + steps
        if resets is not None and steps:
            since = resets.flip(0).to(torch.uint8).argmax(0) + 1  # (B,)
            carried = torch.where(resets.any(0), since, carried)
        return carried

    def reset_states(self, mask: Tensor | None = None) -> None:
        """Make states zero: all, or those of the lanes where ``mask`` (B,) is true."""
        if self._states is None or self._carried is None:
            return
        if mask is None and not self._pinned:
            self._states = self._carried = None
            return
        keep = (
            torch.zeros_like(self._carried, dtype=torch.bool) if mask is None else ~mask.to(self.out.device)
        )
        self._keep(
            [(h * keep.unsqueeze(-1), c * keep.unsqueeze(-1)) for h, c in self._states], self._carried * keep
        )

    def detach_states(self) -> None:
        """Cut the gradient: what follows is not propagated back through the states."""
        if self._states is not None:
            self._states = [(h.detach(), c.detach()) for h, c in self._states]

    def state_info(self) -> StateInfo:
        """Shapes, norms, and how long they have been carried."""
        states = [] if self._states is None else self._states
        return StateInfo(
            tuple((h.shape[0], h.shape[1]) for h, _ in states),
            tuple(float(h.detach().norm(dim=-1).mean()) for h, _ in states),
            tuple(float(c.detach().norm(dim=-1).mean()) for _, c in states),
            tuple(float(h.detach().abs().mean()) for h, _ in states),
            () if self._carried is None else tuple(self._carried.tolist()),
        )

    def state_values(self) -> dict[str, Any] | None:
        """Return what :meth:`set_state_values` takes, for a checkpoint."""
        if self._states is None:
            return None
        return {"states": [(h.detach(), c.detach()) for h, c in self._states], "carried": self._carried}

    def set_state_values(self, values: dict[str, Any] | None) -> None:
        """Continue from states that :meth:`state_values` gave."""
        self.reset_states()
        if values is not None:
            device = self.out.device
            self._keep(
                [(h.to(device), c.to(device)) for h, c in values["states"]], values["carried"].to(device)
            )

    @contextlib.contextmanager
    def other_states(self) -> Iterator[None]:
        """Zero states in the body, those of before after it: for measuring in between."""
        kept = self._states, self._carried, self._pinned
        self._states, self._carried, self._pinned = None, None, False
        try:
            yield
        finally:
            self._states, self._carried, self._pinned = kept


def _parameters(values: Any) -> nn.ParameterList:
    return nn.ParameterList([nn.Parameter(value) for value in values])


def is_matrix(name: str) -> bool:
    """Whether a parameter of this name is a matrix, which weight decay and quantisation are for.

    >>> is_matrix("recur.1"), is_matrix("out"), is_matrix("gain.0"), is_matrix("out_bias")
    (True, True, False, False)
    """
    return name.split(".")[0] in ("embed", "recur", "below", "match_byte", "match_class", "out")
