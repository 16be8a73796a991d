"""The byte LSTM: its gradients, its state, and the same numbers from numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import foretold
from foretold.cli.app import gather

torch = pytest.importorskip("torch", reason="foretold.train needs torch: pip install 'foretold[train]'")
pytest.importorskip("safetensors", reason="foretold.train needs safetensors: pip install 'foretold[train]'")

from foretold.errors import ParameterError  # noqa: E402
from foretold.measure import network_probabilities  # noqa: E402
from foretold.train.data import expectations  # noqa: E402
from foretold.train.export import export, load  # noqa: E402
from foretold.train.lstm import EPSILON, PersistentLSTM  # noqa: E402

app = gather()

torch.set_num_threads(1)


def small(
    hidden: int = 7, layers: int = 2, *, gates: int = 3, vocabulary: int = 16, hears_match: bool = False
) -> PersistentLSTM:
    """A network none of whose parameters is zero, in float64."""
    torch.manual_seed(3)
    net = PersistentLSTM(hidden, layers, vocabulary=vocabulary, gates=gates, hears_match=hears_match).double()
    for value in net.parameters():
        torch.nn.init.normal_(value, std=0.5)
    return net


def naive(
    net: PersistentLSTM,
    x: torch.Tensor,
    resets: torch.Tensor | None = None,
    expected: torch.Tensor | None = None,
) -> torch.Tensor:
    """The formulas of the module's description, left to autograd."""
    lanes = x.shape[1]
    zero = torch.zeros(lanes, net.hidden, dtype=net.out.dtype)
    states = [(zero, zero)] * net.layers
    scores = []
    for step, symbols in enumerate(x):
        outputs = []
        for layer in range(net.layers):
            h, c = states[layer]
            if resets is not None:
                h, c = (value * ~resets[step, :, None] for value in (h, c))
            a = net.embed[layer][symbols] + h @ net.recur[layer]
            if layer:
                a = a + outputs[-1] @ net.below[layer - 1]
            elif expected is not None:
                rows = [
                    net.match_byte[byte] + net.match_class[match] if match else torch.zeros_like(a[0])
                    for byte, match in expected[step].tolist()
                ]
                a = a + torch.stack(rows)
            gates = []
            for gate, part in enumerate(a.chunk(net.gates, dim=1)):
                normal = part / torch.sqrt((part**2).mean(1, keepdim=True) + EPSILON)
                gates.append(normal * net.gain[layer][gate] + net.bias[layer][gate])
            forget, output = torch.sigmoid(gates[0]), torch.sigmoid(gates[2])
            enter = torch.sigmoid(gates[3]) if net.gates == 4 else 1 - forget
            c = forget * c + enter * torch.tanh(gates[1])
            h = output * torch.tanh(c)
            states[layer] = h, c
            outputs.append(h)
        score = torch.cat(outputs, 1) @ net.out + net.out_bias
        if expected is not None:
            added = torch.zeros_like(score)
            for lane, (byte, match) in enumerate(expected[step].tolist()):
                if match:
                    added[lane, byte] = net.match_bias[match]
            score = score + added
        scores.append(score)
    return torch.stack(scores)


def loss(scores: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(scores.flatten(0, 1), y.flatten())


def symbols(steps: int, lanes: int, seed: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    source = torch.Generator().manual_seed(seed)
    x = torch.randint(0, 16, (steps + 1, lanes), generator=source)
    return x[:-1], x[1:]


def heard(steps: int, lanes: int, seed: int = 6) -> torch.Tensor:
    """Bytes that may be expected and classes, some of them 0."""
    source = torch.Generator().manual_seed(seed)
    return torch.randint(0, 16, (steps, lanes, 2), generator=source)


@pytest.mark.parametrize("hears_match", [False, True])
@pytest.mark.parametrize("gates", [3, 4])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("with_resets", [False, True])
def test_the_backward_pass_agrees_with_autograd(
    gates: int, layers: int, with_resets: bool, hears_match: bool
) -> None:
    net = small(layers=layers, gates=gates, hears_match=hears_match)
    x, y = symbols(11, 3)
    expected = heard(11, 3) if hears_match else None
    if expected is not None:
        expected[::3, 1, 1] = 0
    resets = (torch.arange(33).view(11, 3) % 7 == 4) if with_resets else None
    ours, theirs = net(x, resets, expected), naive(net, x, resets, expected)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    parameters = list(net.parameters())
    for mine, other in zip(
        torch.autograd.grad(loss(ours, y), parameters),
        torch.autograd.grad(loss(theirs, y), parameters),
        strict=True,
    ):
        torch.testing.assert_close(mine, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("gates", "hears_match"), [(3, False), (4, False), (3, True)])
def test_the_backward_pass_agrees_with_finite_differences(gates: int, hears_match: bool) -> None:
    net = small(hidden=4, gates=gates, hears_match=hears_match)
    x, y = symbols(6, 2)
    expected = heard(6, 2) if hears_match else None

    def value() -> torch.Tensor:
        net.reset_states()
        return loss(net(x, None, expected), y)

    value().backward()
    source = np.random.default_rng(1)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            flat, gradient = parameter.view(-1), parameter.grad.view(-1)
            for at in source.integers(0, flat.numel(), 4):
                before = flat[at].item()
                sides = []
                for side in (1e-5, -1e-5):
                    flat[at] = before + side
                    sides.append(value().item())
                flat[at] = before
                assert gradient[at].item() == pytest.approx((sides[0] - sides[1]) / 2e-5, abs=1e-8), name


def test_windows_are_one_long_sequence() -> None:
    net = small()
    x, y = symbols(24, 3)
    resets = torch.zeros(24, 3, dtype=torch.bool)
    resets[5, 1] = resets[17, 2] = True
    whole = net(x, resets)
    net.reset_states()
    parts = torch.cat([net(x[at : at + 8], resets[at : at + 8]) for at in range(0, 24, 8)])
    torch.testing.assert_close(parts, whole, rtol=0, atol=1e-12)
    assert net.state_info().steps == (24, 19, 7)
    # Gradients pass from window to window as long as states are not detached.
    parameters = list(net.parameters())
    for mine, other in zip(
        torch.autograd.grad(loss(parts, y), parameters),
        torch.autograd.grad(loss(whole, y), parameters),
        strict=True,
    ):
        torch.testing.assert_close(mine, other, rtol=1e-9, atol=1e-12)


def test_detached_states_keep_values_and_end_gradients() -> None:
    net = small()
    x, _ = symbols(8, 2)
    net(x)
    net.detach_states()
    second = net(x)
    assert not torch.allclose(second, naive(net, x))
    fresh = small()
    fresh(x)
    fresh.detach_states()
    (gradient,) = torch.autograd.grad(second.sum(), [net.recur[0]])
    (through,) = torch.autograd.grad(naive(net, torch.cat((x, x)))[8:].sum(), [net.recur[0]])
    assert not torch.allclose(gradient, through)


def test_states_are_told_and_reset_lane_by_lane() -> None:
    net = small(layers=2)
    assert net.state_info().shapes == net.state_info().steps == ()
    x, _ = symbols(5, 3)
    net(x)
    info = net.state_info()
    assert info.shapes == ((3, 7), (3, 7))
    assert info.steps == (5, 5, 5)
    assert all(norm > 0 for norm in info.hidden_norms + info.cell_norms)
    assert all(0 < value < 1 for value in info.activations)
    net.reset_states(torch.tensor([False, True, False]))
    assert net.state_info().steps == (5, 0, 5)
    again = net(x)
    torch.testing.assert_close(again[:, 1], naive(net, x)[:, 1], rtol=0, atol=1e-12)
    assert not torch.allclose(again[:, 0], naive(net, x)[:, 0])
    with pytest.raises(ParameterError, match="3 lanes are carried, found 2"):
        net(x[:, :2])
    with net.other_states():
        torch.testing.assert_close(net(x[:, :2]), naive(net, x[:, :2]), rtol=0, atol=1e-12)
    assert net.state_info().steps == (10, 5, 10)


def test_numpy_gives_the_same_scores_over_ten_thousand_steps() -> None:
    torch.manual_seed(1)
    net = PersistentLSTM(16, 2, vocabulary=32)
    torch.nn.init.normal_(net.out, std=0.25)
    source = np.random.default_rng(2)
    text = source.integers(0, 32, 10_000)
    with torch.no_grad():
        theirs = np.concatenate(
            [net(torch.from_numpy(text[at : at + 500, None])).numpy()[:, 0] for at in range(0, 10_000, 500)]
        )
    w = {name: value.detach().numpy() for name, value in net.named_parameters()}
    one = np.float32(1)
    h = [np.zeros(16, np.float32) for _ in range(2)]
    c = [np.zeros(16, np.float32) for _ in range(2)]
    worst = 0.0
    for step, symbol in enumerate(text):
        for layer in range(2):
            a = w[f"embed.{layer}"][symbol] + h[layer] @ w[f"recur.{layer}"]
            if layer:
                a = a + h[0] @ w["below.0"]
            a = a.reshape(3, 16)
            a = a / np.sqrt((a * a).mean(1, keepdims=True) + np.float32(EPSILON))
            n = a * w[f"gain.{layer}"] + w[f"bias.{layer}"]
            forget, output = one / (one + np.exp(-n[0])), one / (one + np.exp(-n[2]))
            c[layer] = forget * c[layer] + (one - forget) * np.tanh(n[1])
            h[layer] = output * np.tanh(c[layer])
        scores = np.concatenate(h) @ w["out"] + w["out_bias"]
        assert scores.dtype == np.float32
        worst = max(worst, float(np.abs(scores - theirs[step]).max()))
    assert worst < 1e-4


def test_bfloat16_products_stay_near() -> None:
    net = PersistentLSTM(32, 2)
    torch.nn.init.normal_(net.out, std=0.1)
    x, _ = symbols(20, 2)
    with torch.no_grad():
        exact = net(x)
        net.reset_states()
        net.precision = torch.bfloat16
        near = net(x)
    assert near.dtype == torch.float32
    assert 0 < (near - exact).abs().max() < 0.1


def test_sizes_are_read_from_parameters() -> None:
    net = PersistentLSTM(6, 3, vocabulary=9, gates=4)
    again = PersistentLSTM.like(net.state_dict())
    assert (again.hidden, again.layers, again.vocabulary, again.gates) == (6, 3, 9, 4)
    assert not again.hears_match
    assert PersistentLSTM.like(PersistentLSTM(6, 1, hears_match=True).state_dict()).hears_match
    with pytest.raises(ParameterError, match="does not hear what a match model expects"):
        net(torch.zeros(2, 1, dtype=torch.long), None, torch.zeros(2, 1, 2, dtype=torch.long))
    assert sorted(net.state_dict()) == [
        *("below.0", "below.1", "bias.0", "bias.1", "bias.2", "embed.0", "embed.1", "embed.2"),
        *("gain.0", "gain.1", "gain.2", "out", "out_bias", "recur.0", "recur.1", "recur.2"),
    ]
    with pytest.raises(ParameterError, match="no parameters of a byte LSTM"):
        PersistentLSTM.like({"weight": torch.zeros(3)})
    for wrong in ({"layers": 4}, {"hidden": 0}, {"gates": 2}):
        with pytest.raises(ParameterError, match="must be from"):
            PersistentLSTM(**wrong)


@pytest.mark.parametrize(
    ("weights", "gates", "hears_match"),
    [
        ("float32", 3, False),
        ("int8", 3, True),
        ("int4", 3, False),
        ("float32", 4, False),
        ("int4", 4, True),
    ],
)
def test_the_compressor_computes_what_torch_does(
    weights: str, gates: int, hears_match: bool, tmp_path: Path
) -> None:
    torch.manual_seed(4)
    net = PersistentLSTM(64, 2, gates=gates, hears_match=hears_match)
    heard = [net.match_class, net.match_bias] if hears_match else []
    for value in [net.out, net.out_bias, *net.gain, *net.bias, *heard]:
        torch.nn.init.normal_(value, std=0.5)
    export(net, tmp_path / "net.safetensors", weights)
    loaded, _ = load(tmp_path / "net.safetensors")
    source = np.random.default_rng(2)
    # Half of the bytes have come before.
    text = source.integers(0, 256, 10_000).astype(np.uint8)
    text.reshape(-1, 50)[1::2] = text.reshape(-1, 50)[::2]
    expected = expectations(text)
    assert (expected[:, 1] > 0).mean() > 0.3
    after = torch.from_numpy(expected.astype(np.int64))[:, None]
    found = network_probabilities(tmp_path / "net.safetensors", text.tobytes())
    assert found.shape == (10_000, 256)
    before = torch.from_numpy(np.concatenate([[10], text[:-1]]).astype(np.int64))[:, None]
    with torch.no_grad():
        scores = [
            loaded(before[at : at + 500], None, after[at : at + 500] if hears_match else None)[:, 0]
            for at in range(0, 10_000, 500)
        ]
    wanted = torch.log_softmax(torch.cat(scores), 1).numpy()
    assert np.abs(np.log(found) - wanted).max() < 1e-4


@pytest.mark.parametrize(("weights", "gates"), [("int8", 3), ("int4", 3), ("int8", 4)])
def test_a_prior_brings_a_frozen_network(weights: str, gates: int, tmp_path: Path) -> None:
    torch.manual_seed(4)
    net = PersistentLSTM(64, 1, gates=gates)
    torch.nn.init.normal_(net.out, std=0.5)
    path = tmp_path / "net.safetensors"
    export(net, path, weights)
    text = b"over and over again, " * 20
    rounded = np.abs(
        np.log(network_probabilities(path, text, integers=True)) - np.log(network_probabilities(path, text))
    )
    assert 0 < rounded.max() < 0.02
    english = foretold.Prior.english()
    frozen = english.with_network(path, frozen=True)
    assert frozen.has_frozen_network
    assert (frozen.network, frozen.network_gates, english.network_gates) == ((1, 64), gates, None)
    assert not english.with_network(path).has_frozen_network
    archive = foretold.compress(text, "max", prior=frozen)
    assert foretold.decompress(archive, prior=frozen) == text
    assert archive != foretold.compress(text, "max", prior=english.with_network(path))
    ran = CliRunner().invoke(
        app, ["prior", "train", "-o", str(tmp_path / "f.ftp"), "--network", str(path), "--frozen"]
    )
    assert ran.exit_code == 0, ran.output
    assert foretold.Prior(tmp_path / "f.ftp").has_frozen_network
    told = CliRunner().invoke(app, ["prior", "info", str(tmp_path / "f.ftp")]).stdout
    assert f"1 layers of 64 units{' with 4 gates' if gates == 4 else ''}, frozen" in told


@pytest.mark.parametrize(("gates", "hears_match"), [(4, False), (3, True)])
def test_networks_of_other_kinds_learn_in_an_archive(gates: int, hears_match: bool, tmp_path: Path) -> None:
    torch.manual_seed(4)
    net = PersistentLSTM(64, 1, gates=gates, hears_match=hears_match)
    torch.nn.init.normal_(net.out, std=0.5)
    path = tmp_path / "net.safetensors"
    export(net, path)
    ran = CliRunner().invoke(app, ["prior", "train", "-o", str(tmp_path / "f.ftp"), "--network", str(path)])
    assert ran.exit_code == 0, ran.output
    prior = foretold.Prior(tmp_path / "f.ftp")
    assert (prior.network_gates, prior.network_hears_match) == (gates, hears_match)
    told = CliRunner().invoke(app, ["prior", "info", str(tmp_path / "f.ftp")]).stdout
    assert ("hears match models" in told) == hears_match
    text = b"over and over again, " * 60
    archive = foretold.compress(text, "max", prior=prior)
    assert foretold.decompress(archive, prior=prior) == text
    assert archive != foretold.compress(text, "max")


def test_files_that_tell_of_other_gates_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    export(PersistentLSTM(64, 1, gates=4), path)
    whole = path.read_bytes()
    for said, reason in (
        (b'"gates":"5"', 'cells have "5" gates; they have 3 or 4'),
        (b'"gates":"3"', r"has the shape \[256, 256\]; \[256, 192\] was expected"),
    ):
        other = whole.replace(b'"gates":"4"', said)
        assert other != whole
        with pytest.raises(ParameterError, match=reason):
            network_probabilities(other, b"text")
        with pytest.raises(foretold.PriorError, match=reason):
            foretold.Prior.english().with_network(other)


def test_networks_that_cannot_be_frozen_are_refused(tmp_path: Path) -> None:
    export(PersistentLSTM(64, 1), tmp_path / "net.safetensors", "float32")
    with pytest.raises(ParameterError, match="holds floats"):
        network_probabilities(tmp_path / "net.safetensors", b"text", integers=True)
    with pytest.raises(ParameterError, match="does not learn"):
        network_probabilities(tmp_path / "net.safetensors", b"text", integers=True, learning=True)
    with pytest.raises(foretold.PriorError, match="holds floats"):
        foretold.Prior.english().with_network(tmp_path / "net.safetensors", frozen=True)


def test_a_network_learns_from_what_it_reads(tmp_path: Path) -> None:
    export(PersistentLSTM(64, 1), tmp_path / "net.safetensors", "float32")
    text = b"over and over again, " * 60
    bits = [
        -np.log2(network_probabilities(tmp_path / "net.safetensors", text, learning=learning))[
            np.arange(len(text)), np.frombuffer(text, np.uint8)
        ].mean()
        for learning in (False, True)
    ]
    assert bits[1] < bits[0] * 0.75
    with pytest.raises(ParameterError, match="not a safetensors file"):
        network_probabilities(b"nothing of the kind", text)
