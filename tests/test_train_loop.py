"""Training: that it learns, resumes exactly, stops in time, and does what its options say."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="foretold.train needs torch: pip install 'foretold[train]'")
pytest.importorskip("safetensors", reason="foretold.train needs safetensors: pip install 'foretold[train]'")

from foretold.errors import CheckpointError, ParameterError  # noqa: E402
from foretold.train.data import Corpus, DataFile  # noqa: E402
from foretold.train.loop import (  # noqa: E402
    Settings,
    Trainer,
    held_bits,
    load_checkpoint,
    pick_device,
    pick_precision,
)
from foretold.train.lstm import PersistentLSTM  # noqa: E402

torch.set_num_threads(1)


def net_of(hidden: int = 12, layers: int = 2, seed: int = 1) -> PersistentLSTM:
    torch.manual_seed(seed)
    return PersistentLSTM(hidden, layers)


def settings(**options: Any) -> Settings:
    chosen = {"steps": 16, "batch": 4, "updates": 30, "warm_up": 5, "log_every": 7, "learning_rate": 0.01}
    return Settings(**(chosen | {"precision": "float32"} | options))


def values(net: PersistentLSTM) -> dict[str, Any]:
    return {name: value.clone() for name, value in net.state_dict().items()}


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


def test_it_learns(corpus: Corpus) -> None:
    net = net_of(32, 1)
    before = held_bits(net, corpus.held)
    assert before == pytest.approx(8, abs=1e-4)
    outcome = Trainer(net, corpus, settings(updates=150)).run()
    assert outcome.held_bits < 4.3
    assert outcome.train_bits < 4.3
    assert outcome.updates == 150
    assert outcome.bytes_per_second > 0


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"optimiser": "sgd", "surprise": 0.5},
        {"levels": (1, 4), "resets": False},
        {"precision": "bfloat16", "patience": 50, "evaluate_every": 8, "held_bytes": 256},
    ],
    ids=["plain", "sgd, surprise", "levels", "bfloat16, patience"],
)
def test_a_resumed_run_ends_with_the_same_bits(
    options: dict[str, Any], corpus: Corpus, tmp_path: Path
) -> None:
    # Lanes of 1020 bytes are read more than twice: the resumed part begins another epoch.
    plan = settings(updates=80, steps=32, batch=8, **options)
    whole = net_of()
    lines: list[dict[str, Any]] = []
    Trainer(whole, corpus, plan, progress=lines.append).run()
    first = Trainer(net_of(), corpus, plan, checkpoint=tmp_path / "run.pt")
    first.run(until=37)
    second = net_of(seed=2)
    told: list[dict[str, Any]] = []
    trainer = Trainer(second, corpus, plan, progress=told.append)
    trainer.resume(tmp_path / "run.pt")
    trainer.run()
    assert same(values(second), values(whole))
    for mine, other in zip(told[::-1], lines[::-1], strict=False):
        if mine["update"] > 42:
            assert (mine["bits"], mine["activation"]) == (other["bits"], other["activation"])
    assert [path.name for path in tmp_path.iterdir()] == ["run.pt"]


def test_checkpoints_of_something_else_are_refused(corpus: Corpus, tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    Trainer(net_of(), corpus, settings(updates=2), checkpoint=path).run()
    with pytest.raises(CheckpointError, match="another network"):
        Trainer(net_of(8), corpus, settings()).resume(path)
    with pytest.raises(CheckpointError, match="with batch 4, found 5"):
        Trainer(net_of(), corpus, settings(batch=5)).resume(path)
    other = Corpus(corpus.coded, corpus.starts, corpus.documents, corpus.train_bytes, corpus.files[:2])
    with pytest.raises(CheckpointError, match="other data"):
        Trainer(net_of(), other, settings()).resume(path)
    path.write_bytes(b"nothing of that kind")
    with pytest.raises(CheckpointError, match="no checkpoint of training"):
        load_checkpoint(path)
    torch.save({"net": {}}, path)
    with pytest.raises(CheckpointError, match="no checkpoint of training"):
        load_checkpoint(path)


def test_a_checkpoint_of_parameters_and_optimiser_alone_is_enough(corpus: Corpus, tmp_path: Path) -> None:
    trainer = Trainer(net_of(), corpus, settings(), checkpoint=tmp_path / "run.pt")
    trainer.run(until=3)
    content = load_checkpoint(tmp_path / "run.pt")
    torch.save({name: content[name] for name in ("net", "opt", "step", "at")}, tmp_path / "bare.pt")
    net = net_of(seed=5)
    resumed = Trainer(net, corpus, settings())
    resumed.resume(tmp_path / "bare.pt")
    assert same(values(net), content["net"])
    assert resumed.run().updates == 30


def test_early_stopping_keeps_the_best_weights(corpus: Corpus) -> None:
    lines: list[dict[str, Any]] = []
    net = net_of(16, 1)
    # A rate at which it gets worse soon.
    plan = settings(updates=400, learning_rate=0.5, clip=1e3, patience=3, evaluate_every=5, decay=0)
    outcome = Trainer(net, corpus, plan, progress=lines.append).run()
    measured = [line["held_bits"] for line in lines if "held_bits" in line]
    assert outcome.stopped_early
    assert outcome.updates < 400
    assert measured.index(min(measured)) == len(measured) - 1 - 3
    assert outcome.held_bits == pytest.approx(min(measured), abs=1e-4)


def test_slow_levels_change_at_their_updates_alone(corpus: Corpus) -> None:
    net = net_of(6, 3)
    torch.nn.init.normal_(net.out)
    trainer = Trainer(net, corpus, settings(levels=(1, 2, 4)))
    before = values(net)
    for update in range(1, 9):
        trainer.run(until=update)
        after = values(net)
        changed = {name for name in after if not torch.equal(after[name], before[name])}
        slow = {0: 1, 1: 2, 2: 4}
        for name in after:
            number = name.partition(".")[2]
            layer = int(number) + name.startswith("below") if number else 0
            assert (name in changed) == (update % slow[layer] == 0), (name, update)
        before = after


def test_gradients_of_slow_levels_are_means(corpus: Corpus) -> None:
    kept = {}
    for levels in ((1,), (3,)):
        net = net_of(6, 1)
        torch.nn.init.normal_(net.out)
        trainer = Trainer(net, corpus, settings(levels=levels, optimiser="sgd", clip=1e9))
        step, total = trainer._optimiser.step, torch.zeros_like(net.recur[0])

        def record(
            step: Any = step, net: PersistentLSTM = net, total: Any = total, period: int = levels[0]
        ) -> None:
            if net.recur[0].grad is not None:
                total += net.recur[0].grad * period / 3
            step()

        # Note what the optimiser is given; it changes nothing.
        trainer._optimiser.step = record
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Settings, "rate", lambda *_: 0.0)
            trainer.run(until=3)
        kept[levels] = total
    torch.testing.assert_close(kept[(3,)], kept[(1,)], rtol=1e-4, atol=1e-7)


def test_surprise_counts_what_was_not_foreseen(corpus: Corpus) -> None:
    ends = {}
    for surprise in (0.0, 2.0):
        net = net_of(16, 1)
        Trainer(net, corpus, settings(updates=60, surprise=surprise)).run()
        ends[surprise] = values(net)
    assert not same(ends[0.0], ends[2.0])


def test_carried_states_help_and_reset_ones_are_reset(corpus: Corpus) -> None:
    lines: list[dict[str, Any]] = []
    net = net_of(12, 1)
    Trainer(net, corpus, settings(carry=False), progress=lines.append).run()
    assert {line["mean_steps_carried"] for line in lines} <= set(range(17))
    lines.clear()
    Trainer(net, corpus, settings(resets=False), progress=lines.append).run()
    assert lines[-1]["mean_steps_carried"] == 480


def test_measuring_in_windows_is_measuring_at_once(corpus: Corpus) -> None:
    net = net_of(12, 2)
    torch.nn.init.normal_(net.out)
    text = corpus.held
    whole = held_bits(net, text, lanes=3, lane_bytes=600, skip=100, window=600)
    assert held_bits(net, text, lanes=3, lane_bytes=600, skip=100, window=37) == pytest.approx(
        whole, abs=1e-5
    )
    assert held_bits(net, text, lanes=3, lane_bytes=600, skip=100, window=37, carry=False) != whole
    x = torch.from_numpy(text[:601].astype(np.int64))
    with torch.no_grad():
        log = torch.log_softmax(net(x[:-1, None])[:, 0].double(), -1)
    expected = -log[torch.arange(600), x[1:]][100:].mean() / math.log(2)
    assert held_bits(net, text[:601], lanes=1, lane_bytes=600, skip=100) == pytest.approx(
        float(expected), abs=1e-5
    )


def test_the_log_is_lines_of_json(corpus: Corpus, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    Trainer(net_of(), corpus, settings(evaluate_every=10), log=log).run()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["update"] for line in lines] == [7, 10, 14, 20, 21, 28, 30]
    assert [line["update"] for line in lines if "held_bits" in line] == [10, 20, 30]
    assert {"seconds", "bits", "bytes_per_second", "learning_rate", "activation", "epoch"} <= set(lines[0])


def test_a_run_ends_by_the_clock(corpus: Corpus) -> None:
    outcome = Trainer(net_of(), corpus, settings(updates=None, seconds=0.5)).run()
    assert 0.5 <= outcome.seconds < 5
    assert outcome.updates > 1


def test_wrong_settings_are_refused(corpus: Corpus) -> None:
    for wrong in (
        {"seconds": 5.0},
        {"updates": None},
        {"optimiser": "adam"},
        {"precision": "float16"},
        {"levels": ()},
        {"levels": (0,)},
        {"steps": 0},
        {"surprise": -1.0},
    ):
        with pytest.raises(ParameterError):
            settings(**wrong)
    with pytest.raises(ParameterError, match="fewer lanes or steps"):
        Trainer(net_of(), corpus, settings(steps=20_000))
    with pytest.raises(ParameterError, match="device must be"):
        pick_device("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(ParameterError, match="no CUDA device"):
            pick_device("cuda")
        assert pick_device().type == "cpu"
    assert pick_precision("float32", torch.device("cpu")) is None
    assert pick_precision("bfloat16", torch.device("cpu")) is torch.bfloat16


def test_a_network_that_hears_match_models_learns_to_trust_them() -> None:
    source = np.random.default_rng(5)
    pages = [bytes(source.integers(97, 123, 300).astype(np.uint8)) * 6 for _ in range(10)]
    coded = np.frombuffer(b"".join(pages), np.uint8)
    starts = np.arange(0, len(coded) + 1, 1800)
    described = tuple(DataFile(f"{n}", 1800, f"{n}", 1800, n == 9) for n in range(10))
    pages_corpus = Corpus(coded, starts, starts[:-1], int(starts[9]), described)
    bits = []
    for hears_match in (False, True):
        torch.manual_seed(1)
        net = PersistentLSTM(16, 1, hears_match=hears_match)
        bits.append(Trainer(net, pages_corpus, settings(updates=150)).run().held_bits)
    # Five of six bytes have come before.
    assert bits[0] > 4
    assert bits[1] < 3.2
    assert net.match_bias[10:].detach().max() > 1
