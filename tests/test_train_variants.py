"""Variants of byte networks, in seconds."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from foretold.cli.app import gather
from foretold.errors import ParameterError

torch = pytest.importorskip("torch", reason="foretold.train needs torch: pip install 'foretold[train]'")

from foretold.train.lstm import PersistentLSTM  # noqa: E402
from foretold.train.variants import (  # noqa: E402
    KINDS,
    VARIANTS,
    Budget,
    Hybrid,
    Kinds,
    Mixture,
    hidden_for,
    read_kinds,
    run_variants,
    table,
)

app = gather()

torch.set_num_threads(1)

BUDGET = Budget(hidden=64, members=2, steps=16, lanes=6, updates=6, held_bytes=256)


@pytest.fixture(scope="module")
def kinds() -> Kinds:
    source = np.random.default_rng(1)
    texts = {
        "prose": b"It was late, she said, and nobody walked in the garden any more. " * 60,
        "markup": b"<page><title>A title</title><text>some text</text></page>\n" * 60,
        "binary": source.integers(0, 9, 4000).astype(np.uint8).tobytes(),
    }
    coded = {kind: np.frombuffer(text, np.uint8) for kind, text in texts.items()}
    held = {kind: text[-600:] for kind, text in coded.items()}
    return Kinds({kind: text[:-600] for kind, text in coded.items()}, held, "of a test")


def test_every_variant_has_a_row(kinds: Kinds, tmp_path: Path) -> None:
    rows = run_variants([], kinds, tmp_path, budget=BUDGET, seeds=(1,))
    assert [row.variant for row in rows] == list(VARIANTS)
    bits = {row.variant: row.bits for row in rows}
    assert all(2 < one < 9 for one in bits.values())
    # The compressor's integers say what torch says, but for the rounding of weights.
    assert abs(bits["frozen"] - bits["single"]) < 0.02
    assert abs(bits["frozen-integers"] - bits["frozen"]) < 0.01
    assert bits["online"] < bits["frozen"]
    written = (tmp_path / "variants.md").read_text()
    assert written == table(rows)
    assert len(written.splitlines()) == 2 + len(VARIANTS)
    with (tmp_path / "rows.csv").open() as file:
        assert {row["variant"] for row in csv.DictReader(file)} == set(VARIANTS)


def test_runs_that_have_a_row_are_not_done_again(kinds: Kinds, tmp_path: Path) -> None:
    done = []
    for _ in range(2):
        run_variants(["single"], kinds, tmp_path, budget=BUDGET, progress=done.append)
    assert [(row.variant, row.seed) for row in done] == [("single", 1), ("single", 2)]
    again = run_variants(["single"], kinds, tmp_path / "other", budget=BUDGET)
    assert [row.bits for row in again] == [row.bits for row in done]
    # Another budget is another experiment.
    other = Budget(hidden=64, members=2, steps=16, lanes=6, updates=5, held_bytes=256)
    assert len(run_variants(["single"], kinds, tmp_path, budget=other, seeds=(1,))) == 1
    with pytest.raises(ParameterError, match="no variant is called 'larger'"):
        run_variants(["larger"], kinds, tmp_path)


@pytest.mark.parametrize("attends", [False, True])
def test_mixtures_are_probabilities_that_carry_on(attends: bool) -> None:
    torch.manual_seed(1)
    net = Mixture([PersistentLSTM(16, 1) for _ in range(3)], attends=attends)
    for member in net.members:
        torch.nn.init.normal_(member.out)
    x = torch.randint(0, 256, (12, 2))
    whole = net(x)
    assert torch.allclose(whole.exp().sum(-1), torch.ones(12, 2), atol=1e-4)
    net.reset_states()
    parts = torch.cat([net(x[:5]), net(x[5:])])
    assert torch.allclose(parts, whole, atol=1e-5)


def test_hybrids_remember_the_byte_before_the_window() -> None:
    torch.manual_seed(1)
    net = Hybrid(16)
    torch.nn.init.normal_(net.two.weight)
    x = torch.randint(0, 256, (12, 2))
    whole = net(x)
    net.reset_states()
    assert torch.allclose(torch.cat([net(x[:5]), net(x[5:])]), whole, atol=1e-5)


def test_variants_of_several_networks_are_as_large_as_one() -> None:
    for members in (1, 2, 3, 5):
        hidden = hidden_for(181_376, members)
        total = members * sum(value.numel() for value in PersistentLSTM(hidden, 1).parameters())
        assert abs(total / 181_376 - 1) < 0.05


def test_kinds_are_told_apart_and_each_is_needed(tmp_path: Path) -> None:
    words = "the garden was dark and nobody walked there any more when the evening came".split()
    source = random.Random(1)
    prose = " ".join(source.choice(words) for _ in range(600_000)).encode()
    (tmp_path / "prose.txt").write_bytes(prose)
    (tmp_path / "page.xml").write_bytes(b"<page>%d</page>\n" % 7 * 150_000)
    with pytest.raises(ParameterError, match="0 coded bytes of binary, a MiB is needed"):
        read_kinds(tmp_path)
    (tmp_path / "numbers").write_bytes(np.arange(400_000, dtype=np.uint32).tobytes())
    found = read_kinds(tmp_path)
    assert set(found.read) == set(found.held) == set(KINDS)
    assert len(found.read["binary"]) == 1_500_000
    assert len(found.held["binary"]) == 100_000


def test_the_command_writes_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kinds: Kinds) -> None:
    monkeypatch.setattr("foretold.train.variants.read_kinds", lambda folder: kinds)
    arguments = [
        "--hidden",
        "64",
        "--lanes",
        "3",
        "--updates",
        "3",
        "--held",
        "256",
        "--seeds",
        "1",
        "-T",
        "1",
    ]
    command = ["train", "variants", "hybrid", "single", "--from", ".", "-o", str(tmp_path), *arguments]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "| hybrid |" in result.stdout
    unknown = CliRunner().invoke(app, ["train", "variants", "larger", "--from", ".", "-o", str(tmp_path)])
    assert unknown.exit_code == 2
