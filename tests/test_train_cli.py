"""``foretold train``, in seconds, on generated text."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from foretold.cli.app import gather

torch = pytest.importorskip("torch", reason="foretold.train needs torch: pip install 'foretold[train]'")
pytest.importorskip("safetensors", reason="foretold.train needs safetensors: pip install 'foretold[train]'")

from foretold.train.export import load  # noqa: E402
from foretold.train.study import ARMS, Run, summarise  # noqa: E402

app = gather()

torch.set_num_threads(1)

SMALL = ("--hidden", 16, "--layers", 1, "--steps", 16, "--batch", 8, "--device", "cpu", "-T", 1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_text: Callable[..., bytes]) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts").mkdir()
    for number in range(6):
        (tmp_path / "texts" / f"{number}.txt").write_bytes(make_text(20_000, seed=number + 1))
    return tmp_path


def run(code: int, *arguments: object) -> Result:
    result = CliRunner().invoke(app, ["train", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def test_a_network_is_trained_and_exported(folder: Path) -> None:
    run(
        0,
        *("bytelm", "--from", "texts", "-o", "net.safetensors", *SMALL, "--updates", 200, "--lr", 0.02),
        *("--log-file", "log.jsonl", "--cache", "cache", "--no-compile"),
    )
    net, metadata = load(folder / "net.safetensors")
    assert (net.hidden, net.layers, metadata["weights"]) == (16, 1, "int8")
    card = json.loads(metadata["card"])
    assert card["updates"] == 200
    assert len(card["data"]) == 6
    figures = card["figures"]
    assert figures["held_bits_trained"] < 5.5
    assert abs(figures["held_bits_exported"] - figures["held_bits_trained"]) < 0.02
    assert len((folder / "log.jsonl").read_text().splitlines()) == 2
    assert len(list((folder / "cache").iterdir())) == 2


def test_a_network_may_have_four_gates_and_hear_match_models(folder: Path) -> None:
    run(
        0,
        *("bytelm", "--from", "texts", "-o", "net.safetensors", *SMALL, "--updates", 3, "--no-compile"),
        *("--gates", 4, "--match"),
    )
    net, metadata = load(folder / "net.safetensors")
    assert (net.gates, net.hears_match, metadata["gates"]) == (4, True, "4")


def test_a_run_goes_on_and_its_checkpoint_is_exported(folder: Path) -> None:
    train = (
        "bytelm",
        "--from",
        "texts",
        "-o",
        "net.safetensors",
        *SMALL,
        "--checkpoint",
        "run.pt",
        "--resume",
    )
    run(0, *train, "--updates", 10, "--no-compile", "--export", "float32")
    assert "exists" in run(2, *train, "--updates", 10).output
    again = run(0, *train, "--updates", 20, "--no-compile", "-f", "--export", "float32")
    assert "goes on" in again.output
    assert json.loads(load(folder / "net.safetensors")[1]["card"])["updates"] == 20
    trained = load(folder / "net.safetensors")[0].state_dict()
    tune = ("export", "run.pt", "-o", "four.safetensors", "--from", "texts", "--export", "int4", "--batch", 8)
    run(0, *tune, "--fine-tune", 5, "--device", "cpu", "-T", 1)
    net, metadata = load(folder / "four.safetensors")
    assert metadata["weights"] == "int4"
    assert (folder / "four.safetensors").stat().st_size < (folder / "net.safetensors").stat().st_size / 3
    assert json.loads(metadata["card"])["figures"]["fine_tuning_updates"] == 5
    assert not torch.equal(net.state_dict()["gain.0"], trained["gain.0"])
    (folder / "texts" / "7.txt").write_text("more")
    assert "other data" in run(1, *tune, "-f").output


@pytest.mark.heavy  # starts three processes that import torch
def test_two_processes_train_as_one_with_their_lanes_together(folder: Path) -> None:
    pytest.importorskip("accelerate", reason="several processes need accelerate")
    ends = []
    for processes, batch in ((1, 8), (2, 4)):
        command = [
            sys.executable,
            "-m",
            "torch.distributed.run",
            f"--nproc-per-node={processes}",
            "--standalone",
        ]
        command += ["-m", "foretold", "train", "bytelm", "--from", "texts", "-o", f"{processes}.safetensors"]
        command += [
            "--hidden=16",
            "--layers=1",
            "--steps=16",
            f"--batch={batch}",
            "--updates=30",
            "--lr=0.01",
        ]
        command += ["--device=cpu", "--precision=float32", "--export=float32", "--no-compile"]
        command += ["--log-file", f"{processes}.jsonl"]
        subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
        ends.append(load(folder / f"{processes}.safetensors")[0].state_dict())
        assert len((folder / f"{processes}.jsonl").read_text().splitlines()) == 1
    for name, value in ends[0].items():
        torch.testing.assert_close(ends[1][name], value, rtol=1e-3, atol=1e-3)


def test_wrong_options_are_refused(folder: Path) -> None:
    start = ("bytelm", "--from", "texts", "-o", "net.safetensors")
    for wrong, message in [
        (("--resume",), "needs --checkpoint"),
        (("--updates", 5, "--seconds", 5), "one of them"),
        (("--levels", "1,x"), "whole numbers"),
        (("--device", "tpu"), "device must be"),
        (("--seconds", "soon"), "is no time"),
    ]:
        assert message in " ".join(run(2, *start, *wrong).output.split()).replace("│ ", "")
    (folder / "nothing").mkdir()
    assert "no files" in run(2, "bytelm", "--from", "nothing", "-o", "net.safetensors").output


def test_the_study_compares_all_arms(folder: Path) -> None:
    done = run(
        0,
        *(
            "study",
            "--from",
            "texts",
            "-o",
            "out",
            "--hidden",
            8,
            "--steps",
            8,
            "--batch",
            8,
            "--seeds",
            "1,2",
        ),
        *("--updates", 20, "--device", "cpu", "-T", 1, "--lr", "0.01,0.02"),
    )
    assert "| persistent+surprise | carried |" in done.output
    with (folder / "out" / "runs.csv").open() as file:
        runs = list(csv.DictReader(file))
    assert len(runs) == 8
    assert {run["read_bytes"] for run in runs} == {str(20 * 8 * 8)}
    with (folder / "out" / "summary.csv").open() as file:
        summary = list(csv.DictReader(file))
    assert [row["arm"] for row in summary[::2]] == [
        *("baseline", "persistent", "persistent+surprise", "persistent+long"),
    ]
    assert {row["states"] for row in summary} == {"carried", "reset"}
    mine = [float(row["carried_bits"]) for row in runs if row["arm"] == "persistent"]
    assert float(summary[2]["bits"]) == pytest.approx(sum(mine) / 2)
    assert float(summary[2]["bits_spread"]) == pytest.approx(abs(mine[0] - mine[1]) / 2**0.5)
    assert float(summary[0]["change_percent"]) == 0
    names = {path.name for path in (folder / "out").iterdir()}
    assert names >= {"runs.csv", "summary.csv", "study.md"}


def test_arms_are_compared_with_the_baseline_at_its_best() -> None:
    def run(arm: str, seed: int, carried: float, reset: float) -> Run:
        return Run(arm, seed, 0.01, 5, 100, 1.0, 3.0, carried, reset, 0.2)

    runs = [run(arm, seed, 3.0 + 0.001 * seed, 3.5) for arm in ARMS for seed in (1, 2, 3)]
    runs[3:6] = [run(ARMS[1], seed, 2.9 + 0.001 * seed, 3.4) for seed in (1, 2, 3)]
    rows = {(row.arm, row.states): row for row in summarise(runs, 0.5)}
    base, better = rows[ARMS[0], "carried"], rows[ARMS[1], "carried"]
    assert (base.bits, base.bits_per_content_byte) == pytest.approx((3.002, 1.501))
    assert base.bits_spread == pytest.approx(0.001)
    assert better.change_percent == better.change_to_best_percent == pytest.approx(100 * (2**-0.1 - 1))
    assert better.significant
    worse = rows[ARMS[1], "reset"]
    assert worse.change_percent == pytest.approx(100 * (2**-0.1 - 1))
    assert worse.change_to_best_percent > 0
    same = rows[ARMS[2], "carried"]
    assert same.change_percent == 0
    assert not same.significant


ROOT = Path(__file__).parent.parent


def test_the_examples_of_the_documentation_run(folder: Path, make_text: Callable[..., bytes]) -> None:
    text = (ROOT / "docs" / "TRAINING.md").read_text(encoding="utf-8")
    bytelm, mixer = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    exec(compile(bytelm, "TRAINING.md", "exec"), {})
    assert (folder / "net.safetensors").exists()
    for seed, name in enumerate("abc"):
        (folder / "texts" / f"{name}.txt").write_bytes(make_text(3000, seed=seed + 1))
    exec(compile(mixer, "TRAINING.md", "exec"), {})
    assert (folder / "mixer.safetensors").exists()


def test_the_options_of_the_documentation_exist() -> None:
    text = (ROOT / "docs" / "TRAINING.md").read_text(encoding="utf-8")
    commands = ("bytelm", "export", "study", "mixer")
    known = " ".join(CliRunner().invoke(app, ["train", command, "--help"]).output for command in commands)
    mentioned = set(re.findall(r"`(--[a-z-]+)", text)) - {"--nproc-per-node", "--standalone"}
    assert mentioned
    assert {option for option in mentioned if option not in known} <= {"--help"}
