"""A layer's steps on an NVIDIA card: two kernels in Triton, and a window recorded as a CUDA graph.

What follows a step's product is one kernel, forward and backward, in place of a dozen: a step of a
layer is a product and a kernel. The numbers are those of :mod:`foretold.train.lstm` but for the
order of sums. :class:`Window` records the passes of one window and replays them, so that the
processor has one thing to start where it had thousands.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FusedLayer", "Window", "is_available"]


def is_available() -> bool:
    """Whether Triton is there; it comes with torch for CUDA on Linux."""
    return importlib.util.find_spec("triton") is not None


if is_available():
    import triton
    import triton.language as tl

    @triton.jit
    def _tanh(x):  # type: ignore[no-untyped-def]
        return 2 * tl.sigmoid(2 * x) - 1

    @triton.jit
    def _forward_kernel(  # type: ignore[no-untyped-def]
        inputs,  # (B, G * H): what the step adds to the product
        product,  # (B, G * H)
        gain,  # (G, H)
        bias,  # (G, H)
        c_before,  # (B, H)
        keep,  # (B,): 0 where this step starts from zero
        keep_next,  # (B,): the same of the next step
        hat,  # (B, G, H), as all that follow written
        root,  # (B, G)
        c_after,  # (B, H)
        h_after,  # (B, H)
        h_next,  # (B, H): what the next step's product reads
        hidden: tl.constexpr,
        gates: tl.constexpr,
        block: tl.constexpr,
        epsilon: tl.constexpr,
    ):
        lane = tl.program_id(0).to(tl.int64)
        unit = tl.arange(0, block)
        inside = unit < hidden
        at = lane * hidden + unit
        c = tl.load(c_before + at, mask=inside, other=0.0) * tl.load(keep + lane)
        # Names that a compiled loop assigns have to be there before it.
        f, o, u, i = c, c, c, c
        for gate in tl.static_range(gates):
            place = (lane * gates + gate) * hidden + unit
            a = tl.load(inputs + place, mask=inside, other=0.0).to(tl.float32)
            a += tl.load(product + place, mask=inside, other=0.0).to(tl.float32)
            r = 1 / tl.sqrt(tl.sum(a * a, 0) / hidden + epsilon)
            normal = a * r
            tl.store(root + lane * gates + gate, r)
            tl.store(hat + place, normal, mask=inside)
            n = normal * tl.load(gain + gate * hidden + unit, mask=inside, other=0.0)
            n += tl.load(bias + gate * hidden + unit, mask=inside, other=0.0)
            if gate == 0:
                f = tl.sigmoid(n)
                i = 1 - f
            elif gate == 1:
                u = _tanh(n)
            elif gate == 2:
                o = tl.sigmoid(n)
            else:
                i = tl.sigmoid(n)
        c = f * c + i * u
        h = o * _tanh(c)
        tl.store(c_after + at, c, mask=inside)
        tl.store(h_after + at, h, mask=inside)
        kept = h * tl.load(keep_next + lane)
        tl.store(h_next + at, kept.to(h_next.dtype.element_ty), mask=inside)

    @triton.jit
    def _backward_kernel(  # type: ignore[no-untyped-def]
        dhs,  # (B, H): gradient of this step's output
        product,  # (B, H): what comes back through the next step's product
        dc,  # (B, H): gradient of the cell state, read and written
        keep,  # (B,)
        keep_next,  # (B,)
        hat,  # (B, G, H)
        root,  # (B, G)
        c_before,  # (B, H), before ``keep``
        c_after,  # (B, H)
        gain,  # (G, H)
        bias,  # (G, H)
        dn,  # (B, G, H), written
        da,  # (B, G * H), written
        hidden: tl.constexpr,
        gates: tl.constexpr,
        block: tl.constexpr,
    ):
        lane = tl.program_id(0).to(tl.int64)
        unit = tl.arange(0, block)
        inside = unit < hidden
        at = lane * hidden + unit
        before = tl.load(c_before + at, mask=inside, other=0.0) * tl.load(keep + lane)
        squashed = _tanh(tl.load(c_after + at, mask=inside, other=0.0))
        dh = tl.load(dhs + at, mask=inside, other=0.0)
        dh += tl.load(product + at, mask=inside, other=0.0).to(tl.float32) * tl.load(keep_next + lane)
        f, o, u, i = squashed, squashed, squashed, squashed
        for gate in tl.static_range(gates):
            place = (lane * gates + gate) * hidden + unit
            n = tl.load(hat + place, mask=inside, other=0.0)
            n *= tl.load(gain + gate * hidden + unit, mask=inside, other=0.0)
            n += tl.load(bias + gate * hidden + unit, mask=inside, other=0.0)
            if gate == 0:
                f = tl.sigmoid(n)
                i = 1 - f
            elif gate == 1:
                u = _tanh(n)
            elif gate == 2:
                o = tl.sigmoid(n)
            else:
                i = tl.sigmoid(n)
        d = tl.load(dc + at, mask=inside, other=0.0) + dh * o * (1 - squashed * squashed)
        for gate in tl.static_range(gates):
            place = (lane * gates + gate) * hidden + unit
            if gate == 0:
                g = d * (before - u if gates == 3 else before) * f * (1 - f)
            elif gate == 1:
                g = d * i * (1 - u * u)
            elif gate == 2:
                g = dh * squashed * o * (1 - o)
            else:
                g = d * u * i * (1 - i)
            tl.store(dn + place, g, mask=inside)
            normal = tl.load(hat + place, mask=inside, other=0.0)
            g *= tl.load(gain + gate * hidden + unit, mask=inside, other=0.0)
            mean = tl.sum(g * normal, 0) / hidden
            back = tl.load(root + lane * gates + gate) * (g - normal * mean)
            tl.store(da + place, back.to(da.dtype.element_ty), mask=inside)
        tl.store(dc + at, d * f * tl.load(keep + lane), mask=inside)


class FusedLayer(torch.autograd.Function):
    """The steps of one layer, as ``foretold.train.lstm`` does them, in two kernels a step."""

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        recur: Tensor,
        gain: Tensor,
        bias: Tensor,
        h: Tensor,
        c: Tensor,
        keep: Tensor,
        precision: torch.dtype | None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """``inputs`` is (T, B, G * H), ``keep`` (T + 1, B): what states are multiplied by before steps."""
        from .lstm import EPSILON

        steps, lanes, width = inputs.shape
        gates, hidden = gain.shape
        narrow = precision or inputs.dtype
        weight = recur.to(narrow)
        inputs = inputs.contiguous()
        # What the products read, after resets; what cells held, before them.
        h_before = inputs.new_empty(steps + 1, lanes, hidden, dtype=narrow)
        cs = inputs.new_empty(steps + 1, lanes, hidden)
        hs = inputs.new_empty(steps, lanes, hidden)
        hats = inputs.new_empty(steps, lanes, gates, hidden)
        roots = inputs.new_empty(steps, lanes, gates)
        product = inputs.new_empty(lanes, width, dtype=narrow)
        h_before[0] = h * keep[0].unsqueeze(-1)
        cs[0] = c
        sizes = {"hidden": hidden, "gates": gates, "block": triton.next_power_of_2(hidden)}
        for step in range(steps):
            torch.mm(h_before[step], weight, out=product)
            _forward_kernel[(lanes,)](
                *(inputs[step], product, gain, bias, cs[step], keep[step], keep[step + 1]),
                *(hats[step], roots[step], cs[step + 1], hs[step], h_before[step + 1]),
                **sizes,
                epsilon=EPSILON,
                num_warps=4,
            )
        ctx.save_for_backward(recur, gain, bias, h_before, cs, hats, roots, keep)
        ctx.narrow = narrow
        return hs, hs[-1].clone(), cs[-1].clone()

    @staticmethod
    def backward(ctx: Any, dhs: Tensor, dh: Tensor, dc: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients, from those of all outputs and of the last states."""
        recur, gain, bias, h_before, cs, hats, roots, keep = ctx.saved_tensors
        steps, lanes, hidden = dhs.shape
        gates = gain.shape[0]
        weight = recur.t().to(ctx.narrow).contiguous()
        dhs = dhs.contiguous()
        da = dhs.new_empty(steps, lanes, gates * hidden, dtype=ctx.narrow)
        dn = dhs.new_empty(steps, lanes, gates, hidden)
        dc = dc.clone()
        # The last states are as they were before a reset.
        product, keep_next = dh.to(ctx.narrow), torch.ones_like(keep[0])
        sizes = {"hidden": hidden, "gates": gates, "block": triton.next_power_of_2(hidden)}
        for step in range(steps - 1, -1, -1):
            _backward_kernel[(lanes,)](
                *(dhs[step], product, dc, keep[step], keep_next, hats[step], roots[step]),
                *(cs[step], cs[step + 1], gain, bias, dn[step], da[step]),
                **sizes,
                num_warps=4,
            )
            keep_next = keep[step]
            product = da[step] @ weight
        dh = product.to(dhs.dtype) * keep[0].unsqueeze(-1)
        flat = da.view(steps * lanes, gates * hidden)
        drecur = (h_before[:steps].reshape(steps * lanes, hidden).t() @ flat).to(dhs.dtype)
        return da.to(dhs.dtype), drecur, (dn * hats).sum((0, 1)), dn.sum((0, 1)), dh, dc, None, None


class Window:
    """The passes over one window, recorded once and replayed for each.

    Parameters
    ----------
    passes : callable
        Takes what a window has, computes gradients, and returns a tensor. It must not wait for the
        card, and every tensor that it changes must be there already.
    tensors : sequence of Tensor or None
        A first window, on the card.
    parameters : sequence of Tensor
        Whose gradients ``passes`` computes.
    """

    def __init__(
        self,
        passes: Callable[..., Tensor],
        tensors: tuple[Tensor | None, ...],
        parameters: list[Tensor],
    ) -> None:
        self._tensors = tuple(None if tensor is None else tensor.clone() for tensor in tensors)
        self._parameters = parameters
        # Once as it is, for what torch and Triton do at the first time.
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            passes(*self._tensors)
        torch.cuda.current_stream().wait_stream(side)
        for parameter in parameters:
            parameter.grad = None
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._result = passes(*self._tensors)
        self._gradients = [parameter.grad for parameter in parameters]
        for parameter in parameters:
            parameter.grad = None

    def __call__(self, *tensors: Tensor | None) -> Tensor:
        """Compute gradients, which are added to those that parameters have; return what ``passes`` does."""
        for mine, tensor in zip(self._tensors, tensors, strict=True):
            if mine is not None:
                mine.copy_(tensor, non_blocking=True)
        self._graph.replay()
        for parameter, gradient in zip(self._parameters, self._gradients, strict=True):
            if gradient is not None:
                parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
        return self._result.clone()
