"""Weights in files: what comes back, what rounding leaves, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="foretold.train needs torch: pip install 'foretold[train]'")
pytest.importorskip("safetensors", reason="foretold.train needs safetensors: pip install 'foretold[train]'")

import safetensors.numpy  # noqa: E402

from foretold.errors import FormatError, ParameterError  # noqa: E402
from foretold.train.data import Corpus, DataFile  # noqa: E402
from foretold.train.export import export, fake_quantise, load, model_card, quantise  # noqa: E402
from foretold.train.lstm import PersistentLSTM, is_matrix  # noqa: E402

torch.set_num_threads(1)


@pytest.fixture
def net() -> PersistentLSTM:
    torch.manual_seed(4)
    net = PersistentLSTM(5, 2, vocabulary=7)
    for value in net.parameters():
        torch.nn.init.normal_(value)
    return net


def read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The file as a reader without torch sees it."""
    with safetensors.safe_open(str(path), framework="np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


def test_float32_comes_back_as_it_was(net: PersistentLSTM, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    assert export(net, path, "float32") == path.stat().st_size
    again, metadata = load(path)
    assert metadata["weights"] == "float32"
    for name, value in net.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, rtol=0, atol=0)


def test_int8_is_what_the_runtime_reads(net: PersistentLSTM, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    export(net, path)
    tensors, metadata = read(path)
    assert {key: metadata[key] for key in ("kind", "version", "hidden", "layers", "vocabulary", "gates")} == {
        "kind": "foretold.bytelm",
        "version": "1",
        "hidden": "5",
        "layers": "2",
        "vocabulary": "7",
        "gates": "3",
    }
    assert (metadata["weights"], metadata["epsilon"]) == ("int8", "1e-05")
    again, _ = load(path)
    for name, value in net.state_dict().items():
        whole = value.numpy()
        if not is_matrix(name):
            np.testing.assert_array_equal(tensors[name], whole)
            continue
        scale = tensors[f"{name}.scale"]
        assert (tensors[name].dtype, scale.dtype) == (np.int8, np.float32)
        assert (tensors[name].shape, scale.shape) == (whole.shape, whole.shape[:1])
        np.testing.assert_allclose(scale, np.abs(whole).max(1) / 127, rtol=1e-6)
        rounded = tensors[name].astype(np.float32) * scale[:, None]
        assert (np.abs(rounded - whole) <= scale[:, None] * 0.5001).all()
        np.testing.assert_array_equal(again.state_dict()[name].numpy(), rounded)
    assert len(tensors) == 2 * 6 - 1 + 6  # nothing else: 5 names twice and below once, scales of 6 matrices


def test_int4_is_two_in_a_byte(net: PersistentLSTM, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    export(net, path, "int4")
    tensors, metadata = read(path)
    assert metadata["weights"] == "int4"
    again, _ = load(path)
    for name, value in net.matrices():
        columns = value.shape[1]
        packed, scale = tensors[name], tensors[f"{name}.scale"]
        assert (packed.dtype, packed.shape) == (np.uint8, (value.shape[0], (columns + 1) // 2))
        integers = np.zeros((value.shape[0], 2 * packed.shape[1]), np.int8)
        integers[:, ::2], integers[:, 1::2] = (
            (packed & 15).astype(np.int8) - 8,
            (packed >> 4).astype(np.int8) - 8,
        )
        assert (integers[:, columns:] == 0).all()
        assert np.abs(integers).max() <= 7
        np.testing.assert_array_equal(
            again.state_dict()[name].numpy(), integers[:, :columns].astype(np.float32) * scale[:, None]
        )


@pytest.mark.parametrize("bits", [8, 4])
def test_rounding_is_near_and_done_once(bits: int) -> None:
    torch.manual_seed(1)
    value = torch.randn(20, 64)
    value[3] = 0
    integers, scale = quantise(value, bits)
    rounded = integers * scale[:, None]
    error = (rounded - value).square().mean().sqrt().item()
    assert error < {8: 0.008, 4: 0.13}[bits]
    assert (scale > 0).all()
    if bits == 8:
        again, _ = quantise(rounded, bits)
        torch.testing.assert_close(again, integers, rtol=0, atol=0)
    with pytest.raises(ParameterError, match="4 or 8"):
        quantise(value, 5)


def test_gradients_pass_through_rounding(net: PersistentLSTM) -> None:
    value = torch.randn(4, 6, requires_grad=True)
    rounded = fake_quantise(value, 4)
    integers, scale = quantise(value, 4)
    torch.testing.assert_close(rounded, integers * scale[:, None])
    weight = torch.randn(4, 6)
    (rounded * weight).sum().backward()
    torch.testing.assert_close(value.grad, weight)
    x = torch.arange(12).view(6, 2) % 7
    net.weight_bits = 4
    net(x).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in net.parameters())


def test_what_is_tuned_for_rounding_is_what_the_file_gives(net: PersistentLSTM, tmp_path: Path) -> None:
    x = torch.arange(24).view(12, 2) % 7
    for weights, bits in (("int8", 8), ("int4", 4)):
        net.weight_bits = bits
        net.reset_states()
        export(net, tmp_path / weights, weights)
        torch.testing.assert_close(load(tmp_path / weights)[0](x), net(x))


def test_the_card_says_what_a_network_was_made_of(net: PersistentLSTM, tmp_path: Path) -> None:
    file = DataFile("a/b.txt", 120, "0" * 64, 70, False)
    corpus = Corpus(np.zeros(70, np.uint8), np.array([0, 70]), np.array([0]), 70, (file,))
    card = model_card(net, corpus, updates=12, figures={"held_bits": 2.5}, commit="abc", command=["foretold"])
    export(net, tmp_path / "net", "int8", card)
    told = json.loads(load(tmp_path / "net")[1]["card"])
    assert told == json.loads(json.dumps(card))
    assert told["data"] == [{"name": "a/b.txt", "bytes": 120, "sha256": "0" * 64, "held": False}]
    assert told["parameters"] == sum(value.numel() for value in net.parameters())
    assert (told["updates"], told["commit"], told["command"]) == (12, "abc", ["foretold"])


def test_other_files_are_refused(net: PersistentLSTM, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"no weights")
    with pytest.raises(FormatError, match="no safetensors file"):
        load(path)
    path.write_bytes(safetensors.numpy.save({"weight": np.zeros(3)}))
    with pytest.raises(FormatError, match="no byte LSTM of version 1"):
        load(path)
    export(net, path)
    tensors, metadata = read(path)
    del tensors["out"]
    path.write_bytes(safetensors.numpy.save(tensors, metadata))
    with pytest.raises(FormatError, match="no parameters of a byte LSTM"):
        load(path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none")
    with pytest.raises(ParameterError, match="weights must be"):
        export(net, path, "int2")
