"""The mixer network: that it learns, what its file holds, and that the runtime agrees with torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch", reason="foretold.train needs torch: pip install 'foretold[train]'")
pytest.importorskip("safetensors", reason="foretold.train needs safetensors: pip install 'foretold[train]'")

import foretold  # noqa: E402
from foretold import _core  # noqa: E402
from foretold.cli.app import gather  # noqa: E402
from foretold.errors import CheckpointError, FormatError, ParameterError  # noqa: E402
from foretold.train.mixer import (  # noqa: E402
    LstmMixer,
    MixerSettings,
    MixerTrainer,
    TraceLanes,
    corrections,
    export_mixer,
    held_gain,
    load_mixer,
)
from foretold.train.traces import Traces, trace  # noqa: E402

app = gather()

torch.set_num_threads(1)

COLUMNS, CONTEXTS = _core.trace_columns(10)


def drawn(rows: int, seed: int = 1) -> Traces:
    """Opinions of which the first is always right and the coded one knows nothing."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, rows, np.uint8)
    logits = rng.integers(-500, 500, (rows, len(COLUMNS)), np.int16)
    logits[:, 0] = np.where(bits, 400, -400)
    logits[:, COLUMNS.index("final")] = 0
    contexts = rng.integers(0, 8, (rows, len(CONTEXTS)), np.uint8)
    p1_q22 = np.full(rows, 1 << 21, np.uint32)
    return Traces(logits, contexts, p1_q22, bits, tuple(COLUMNS), tuple(CONTEXTS), 0)


NARROW = (8, 8, 4, 4, 4, 4)


def network(hidden: int = 16, seed: int = 3, rank: int | tuple[int, ...] = 8) -> LstmMixer:
    torch.manual_seed(seed)
    net = LstmMixer(hidden, COLUMNS, CONTEXTS, rank=rank)
    for value in net.parameters():
        torch.nn.init.normal_(value, std=0.2)
    return net


@pytest.mark.parametrize(
    ("hidden", "rank", "weights"), [(32, 8, "float32"), (48, 8, "int8"), (48, NARROW, "int8")]
)
def test_the_runtime_agrees_with_torch_over_ten_thousand_steps(
    hidden: int, rank: int | tuple[int, ...], weights: str, tmp_path: Path
) -> None:
    path = tmp_path / "mixer.safetensors"
    export_mixer(network(hidden, rank=rank), path, weights)
    net, metadata = load_mixer(path)
    assert net.ranks == ((rank, rank, 0, 0, 0, 0) if isinstance(rank, int) else rank)
    assert metadata["weights"] == weights
    traces = drawn(10_000)
    with torch.no_grad():
        wanted = net(TraceLanes([traces], 1).batch(0, 10_000))[:, 0].numpy()
    found, corrected = corrections(path, traces)
    assert np.ptp(wanted) > 1
    np.testing.assert_allclose(found, wanted, atol=1e-4, rtol=0)
    trust, p1 = 1.0, []
    for correction, bit in zip(found.astype(np.float64), traces.bits, strict=True):
        p1.append(1 / (1 + np.exp(-trust * correction)))
        trust = min(max(trust + 0.002 * (bit - p1[-1]) * correction, 0), 1.5)
    np.testing.assert_allclose(corrected / 2**22, p1, atol=1e-4)


def test_states_go_from_batch_to_batch() -> None:
    net, lanes = network(), TraceLanes([drawn(600)], 3)
    with torch.no_grad():
        whole = net(lanes.batch(0, 200))
        net.reset_states()
        parts = torch.cat([net(lanes.batch(at, 50)) for at in range(0, 200, 50)])
        torch.testing.assert_close(parts, whole)
        net.reset_states()
        net(lanes.batch(0, 50))
        net.reset_states()
        assert not torch.equal(net(lanes.batch(50, 50)), whole[50:100])


def test_it_learns_whom_to_trust_and_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    torch.manual_seed(1)
    settings = MixerSettings(updates=40, steps=16, batch=16, warm_up=4, log_every=10, evaluate_every=20)
    train, held = [drawn(16 * 700)], [drawn(4000, seed=2)]
    told: list[dict] = []
    net = LstmMixer(16, COLUMNS, CONTEXTS)
    first = {name: value.clone() for name, value in net.state_dict().items()}
    assert held_gain(net, held) == pytest.approx((8.0, 8.0))
    assert MixerTrainer(net, train, held, settings, progress=told.append).run() == 40
    assert [line["update"] for line in told] == [10, 20, 30, 40]
    assert told[-1]["held_bits_before"] == 8.0
    assert told[-1]["held_bits"] < 7.0

    again = LstmMixer(16, COLUMNS, CONTEXTS)
    again.load_state_dict(first)
    MixerTrainer(again, train, held, settings, checkpoint=tmp_path / "run.pt").run(until=17)
    other = LstmMixer(16, COLUMNS, CONTEXTS)
    trainer = MixerTrainer(other, train, held, settings)
    trainer.resume(tmp_path / "run.pt")
    trainer.run()
    for name, value in net.state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name
    fewer = MixerTrainer(other, train, held, MixerSettings(updates=40, steps=16, batch=8))
    with pytest.raises(CheckpointError, match="batch"):
        fewer.resume(tmp_path / "run.pt")
    larger = MixerTrainer(network(32), train, held, settings)
    with pytest.raises(CheckpointError, match="another network"):
        larger.resume(tmp_path / "run.pt")


def test_other_sizes_and_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="multiple of 16"):
        LstmMixer(24, COLUMNS, CONTEXTS)
    for rank in (65, -1, [8, 8], [8, 8, 0, 0, 0, 65]):
        with pytest.raises(ParameterError, match="rank must be 0 to 64, or 6 of these"):
            LstmMixer(16, COLUMNS, CONTEXTS, rank=rank)
    with pytest.raises(ParameterError, match="no final logit"):
        LstmMixer(16, ["order 0"], CONTEXTS)
    (tmp_path / "x").write_bytes(b"nothing")
    with pytest.raises(FormatError, match="no safetensors file"):
        load_mixer(tmp_path / "x")
    with pytest.raises(ParameterError, match="not a safetensors file"):
        corrections(b"nothing", drawn(8))


def test_the_command_trains_what_a_prior_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_text: Callable[..., bytes]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts").mkdir()
    for number in range(3):
        (tmp_path / "texts" / f"{number}.txt").write_bytes(make_text(3000, seed=number + 1))
    run = (
        *(
            "train",
            "mixer",
            "--from",
            "texts",
            "--traces",
            "traces",
            "-o",
            "mixer.safetensors",
            "--hidden",
            "16",
        ),
        *(
            "--steps",
            "32",
            "--batch",
            "8",
            "--device",
            "cpu",
            "-T",
            "1",
            "--checkpoint",
            "run.pt",
            "--resume",
        ),
    )
    first = CliRunner().invoke(app, [*run, "--updates", "20"])
    assert first.exit_code == 0, first.output
    again = CliRunner().invoke(app, [*run, "--updates", "60", "-f", "--log-file", "log.jsonl"])
    assert again.exit_code == 0, again.output
    assert "goes on" in again.output
    net, metadata = load_mixer("mixer.safetensors")
    card = json.loads(metadata["card"])
    assert (net.hidden, card["updates"], len(card["data"])) == (16, 60, 3)
    assert json.loads(Path("log.jsonl").read_text().splitlines()[-1])["update"] == 60
    made = CliRunner().invoke(app, ["prior", "train", "--mixer", "mixer.safetensors", "-o", "own.ftp"])
    assert made.exit_code == 0, made.output
    prior = foretold.Prior("own.ftp")
    assert (prior.name, prior.mixer) == ("own", 16)
    # What it says of a text's bits is what the preset codes.
    content = make_text(1500, seed=9)
    (traces,) = trace(content, "max")
    _, corrected = corrections("mixer.safetensors", traces)
    p1 = corrected / 2**22
    bits = -np.log2(np.where(traces.bits != 0, p1, 1 - p1)).sum()
    assert foretold.code_lengths(content, "max", prior=prior).sum() == pytest.approx(bits, rel=1e-9)
