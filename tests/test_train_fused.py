"""Kernels of a step on an NVIDIA card, and passes that are recorded: they compute what torch does.

Without a card the kernels run in Triton's interpreter, in a process of their own, since Triton looks
at its environment once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="foretold.train needs torch: pip install 'foretold[train]'")
pytest.importorskip("safetensors", reason="foretold.train needs safetensors: pip install 'foretold[train]'")

from foretold.train import fused  # noqa: E402
from foretold.train.data import Corpus  # noqa: E402
from foretold.train.loop import Settings, Trainer  # noqa: E402
from foretold.train.lstm import PersistentLSTM  # noqa: E402

torch.set_num_threads(1)

needs_triton = pytest.mark.skipif(not fused.is_available(), reason="Triton is not installed")
needs_card = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device")

COMPARE = """
import json, sys, torch
from foretold.train.lstm import PersistentLSTM

device, gates = sys.argv[1], int(sys.argv[2])
torch.manual_seed(3)
torch.set_num_threads(1)
plain = PersistentLSTM(20, 2, vocabulary=16, gates=gates, hears_match=gates == 4)
with torch.no_grad():
    plain.out.normal_()
    for value in (*plain.gain, *plain.bias):
        value.add_(torch.randn_like(value) / 5)
other = PersistentLSTM(20, 2, vocabulary=16, gates=gates, hears_match=gates == 4)
other.load_state_dict(plain.state_dict())
other.to(device).fuse_steps()
worst = []
for _ in range(2):
    x, resets = torch.randint(0, 16, (7, 5)), torch.rand(7, 5) < 0.2
    expected = torch.randint(0, 16, (7, 5, 2)) if gates == 4 else None
    weight = torch.randn(7, 5, 16)
    scores = []
    for net, where in ((plain, "cpu"), (other, device)):
        net.zero_grad()
        y = net(x.to(where), resets.to(where), None if expected is None else expected.to(where))
        (y * weight.to(where)).sum().backward()
        net.detach_states()
        scores.append(y.detach().cpu())
    pairs = [(a.grad, b.grad.cpu()) for a, b in zip(plain.parameters(), other.parameters())]
    pairs += [(a, b.cpu()) for one, two in zip(plain._states, other._states) for a, b in zip(one, two)]
    worst += [float((b - a).norm() / a.norm()) for a, b in [tuple(scores), *pairs]]
    assert plain.state_info().steps == other.state_info().steps
print(json.dumps(worst))
"""


def worst_difference(device: str, gates: int, **environment: str) -> float:
    command = [sys.executable, "-c", COMPARE, device, str(gates)]
    process = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    differences = json.loads(process.stdout)
    assert len(differences) > 20
    return float(max(differences))


@needs_triton
@pytest.mark.parametrize("gates", [3, 4])
def test_kernels_agree_with_torch_in_the_interpreter(gates: int) -> None:
    assert worst_difference("cpu", gates, TRITON_INTERPRET="1") < 2e-6


@needs_triton
@needs_card
@pytest.mark.parametrize("gates", [3, 4])
def test_kernels_agree_with_torch_on_a_card(gates: int) -> None:
    assert worst_difference("cuda", gates) < 2e-6


def read_twice(net: PersistentLSTM, x: Any, resets: Any) -> tuple[Any, ...]:
    for part in (slice(0, 6), slice(6, 12)):
        net(x[part], resets[part])
        net.detach_states()
    assert net._states is not None
    return tuple(value.clone() for pair in net._states for value in pair), net.state_info().steps


def test_pinned_states_stay_where_they_are_and_are_the_same() -> None:
    torch.manual_seed(2)
    net = PersistentLSTM(8, 2, vocabulary=10)
    x, resets = torch.randint(0, 10, (12, 3)), torch.rand(12, 3) < 0.1
    states, steps = read_twice(net, x, resets)
    before = net.state_values()

    net.pin_states(3)
    assert net._states is not None
    place = [value.data_ptr() for pair in net._states for value in pair]
    assert all(torch.equal(a, b) for a, b in zip(states, [v for p in net._states for v in p], strict=True))
    net.reset_states()
    assert net.state_info().steps == (0, 0, 0)
    again, steps_again = read_twice(net, x, resets)
    assert steps == steps_again
    assert all(torch.equal(a, b) for a, b in zip(states, again, strict=True))

    with net.other_states():
        net(x[:2])
    net.reset_states(torch.tensor([True, False, True]))
    assert net.state_info().steps == (0, steps[1], 0)
    net.set_state_values(before)
    assert all(torch.equal(a, b) for a, b in zip(states, [v for p in net._states for v in p], strict=True))
    assert [value.data_ptr() for pair in net._states for value in pair] == place


@needs_triton
@needs_card
@pytest.mark.parametrize(
    "options",
    [{}, {"carry": False}, {"surprise": 0.5, "levels": (1, 3)}, {"resets": False}],
    ids=["plain", "reset", "surprise, levels", "no resets"],
)
def test_recorded_passes_train_as_the_cpu_does(options: dict[str, Any], corpus: Corpus) -> None:
    settings = Settings(
        **(
            {"steps": 16, "batch": 8, "updates": 12, "warm_up": 2, "precision": "float32", "log_every": 1}
            | options
        )
    )
    curves = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(5)
        lines: list[dict[str, Any]] = []
        net = PersistentLSTM(16, 2)
        Trainer(net, corpus, settings, device=torch.device(device), progress=lines.append).run()
        curves.append([(line["bits"], line["mean_steps_carried"]) for line in lines])
    for (bits, steps), (other_bits, other_steps) in zip(*curves, strict=True):
        assert bits == pytest.approx(other_bits, abs=1e-5)
        assert steps == other_steps
