"""Networks fitted to one content, stored with it."""

from __future__ import annotations

import io
import json
import pathlib
from typing import Any

import pytest

import foretold

pytest.importorskip("torch")

import torch
from typer.testing import CliRunner

from foretold import _core
from foretold.cli.app import gather
from foretold.train.fit import FittedWeights, compress, fit, size_for

app = gather()

PROSE = b"It was late, she said, and nobody walked in the garden any more; it had been dark. " * 30
RECORDS = b"".join(b'{"id": %d, "state": "%s"}\n' % (n, b"up down off".split()[n % 3]) for n in range(90))


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def weights() -> FittedWeights:
    return fit(RECORDS, size=(1, 64), updates=12)


def member(archive: bytes) -> foretold.MemberInfo:
    return foretold.info(io.BytesIO(archive)).members[0]


def test_fitted_archives_decode_with_nothing_but_the_package(weights: FittedWeights) -> None:
    archive = foretold.compress(RECORDS, "max", network=weights.file, knowledge="none")
    assert foretold.decompress(archive) == RECORDS
    about = member(archive)
    assert about.network_bytes == weights.packed_bytes < len(weights.file)
    assert about.prior is None
    assert not about.compact
    assert len(archive) > weights.packed_bytes


def test_fitted_weights_lie_over_what_is_known(weights: FittedWeights) -> None:
    archive = foretold.compress(PROSE, "max", network=weights.file)
    assert foretold.decompress(archive) == PROSE
    assert member(archive).prior == foretold.Prior.english().digest


def test_what_is_fitted_to_is_what_the_model_sees() -> None:
    prose = PROSE * 4
    seen = _core.seen_bytes(prose, 10, None, "auto", "auto")
    assert seen == _core.coded_bytes(prose, True)
    assert _core.seen_bytes(prose, 10, None, "none", "auto") == prose
    assert _core.seen_bytes(RECORDS, 10, None, "auto", "auto") == RECORDS


def test_pieces_and_files_give_the_same_archive(weights: FittedWeights, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "net.safetensors"
    path.write_bytes(weights.file)
    whole = foretold.compress(RECORDS, "max", network=path)
    compressor = foretold.Compressor("max", network=weights.file)
    assert (
        compressor.compress(RECORDS[:999]) + compressor.compress(RECORDS[999:]) + compressor.flush() == whole
    )
    source = tmp_path / "records"
    source.write_bytes(RECORDS)
    foretold.compress_file(source, tmp_path / "archive", "max", network=weights.file, verify=True)
    assert (tmp_path / "archive").read_bytes() == whole
    bits = foretold.code_lengths(RECORDS, "max", network=weights.file)
    assert abs(bits.sum() / 8 + weights.packed_bytes - len(whole)) < 200


def test_fitting_again_gives_the_same_weights() -> None:
    def archive(seed: int) -> bytes:
        file = fit(RECORDS, size=(1, 64), updates=4, seed=seed).file
        # Files name their tensors in any order.
        return foretold.compress(b"any", "max", network=file)

    assert archive(3) == archive(3) != archive(4)


@pytest.mark.parametrize(("gates", "hears_match"), [(4, False), (3, True)])
def test_networks_of_other_kinds_are_fitted_and_stored(gates: int, hears_match: bool) -> None:
    found = fit(RECORDS, size=(1, 64), gates=gates, hears_match=hears_match, updates=4)
    archive = foretold.compress(RECORDS, "max", network=found.file)
    assert foretold.decompress(archive) == RECORDS
    assert found.packed_bytes > fit(RECORDS, size=(1, 64), updates=4).packed_bytes
    with pytest.raises(foretold.ParameterError, match="gates must be"):
        fit(RECORDS, size=(1, 64), gates=5)


def test_training_teaches_the_content() -> None:
    first = fit(RECORDS, size=(1, 64), updates=4, weights="int8")
    later = fit(RECORDS, size=(1, 64), updates=120, weights="int8")
    assert later.train_bits < first.train_bits - 1

    def bits(file: bytes) -> float:
        return float(foretold.code_lengths(RECORDS, "max", network=file, knowledge="none").sum())

    assert bits(later.file) < bits(first.file)


def test_the_smaller_archive_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    found = compress(RECORDS, size=(1, 64), updates=4)
    assert not found.is_fitted
    assert len(found.archive) == found.unfitted_bytes < found.fitted_bytes
    real = foretold.compress

    def swollen(*arguments: Any, network: bytes | None = None, **options: Any) -> bytes:
        archive = real(*arguments, network=network, **options)
        return archive if network else archive * 1000

    monkeypatch.setattr(foretold, "compress", swollen)
    seen: list[int] = []
    found = compress(RECORDS, size=(1, 64), updates=4, progress=seen.append)
    assert found.is_fitted
    assert foretold.decompress(found.archive) == RECORDS
    assert seen[-1] == 2 * len(RECORDS)


def test_wrong_arguments_are_named(weights: FittedWeights) -> None:
    with pytest.raises(foretold.ParameterError, match="preset is 9, weights are stored for max only"):
        foretold.compress(RECORDS, 9, network=weights.file)
    with pytest.raises(foretold.ParameterError, match="not a safetensors file"):
        foretold.compress(RECORDS, "max", network=b"nothing of the kind")
    with pytest.raises(foretold.ParameterError, match="found 1 of 100"):
        fit(RECORDS, size=(1, 100), updates=1)
    with pytest.raises(foretold.ParameterError, match="found 3 of 384"):
        fit(RECORDS, size=(3, 384), updates=1)
    with pytest.raises(foretold.ParameterError, match="int8 or int4"):
        fit(RECORDS, size=(1, 64), updates=1, weights="float32")  # type: ignore[arg-type]
    with pytest.raises(foretold.ParameterError, match="too short"):
        fit(b"short", updates=1)
    assert size_for(0) == (1, 64)


def run(*arguments: object, stdin: bytes | None = None, code: int = 0) -> Any:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
    assert result.exit_code == code, (result.output, result.exception)
    return result


FIT = ("--fit", "--fit-size", "1x64", "--fit-epochs", "0.5")


def test_command_line_keeps_the_smaller(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pathlib.Path("records").write_bytes(RECORDS)
    said = run("compress", "--max", *FIT, "-v", "--verify", "records").stderr
    assert "1 x 64 units fitted" in said
    assert "kept: unfitted" in said
    run("decompress", "-o", "again", "records.ftd")
    assert pathlib.Path("again").read_bytes() == RECORDS
    assert "exists (-f overwrites it)" in run("compress", "--max", *FIT, "records", code=1).stderr
    run("compress", "--max", *FIT, "-f", "-q", "records")
    piped = run("compress", "--max", *FIT, "-c", stdin=RECORDS).stdout_bytes
    assert foretold.decompress(piped) == RECORDS
    assert "too few" in run("compress", "--max", *FIT, "-c", stdin=b"short").stderr
    assert {path.name for path in tmp_path.iterdir()} == {"records", "records.ftd", "again"}


def test_command_line_tells_of_stored_weights(
    tmp_path: pathlib.Path, weights: FittedWeights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pathlib.Path("a.ftd").write_bytes(foretold.compress(RECORDS, "max", network=weights.file))
    assert f"fitted network    {weights.packed_bytes:,} bytes, in the archive" in run("info", "a.ftd").stdout
    about = json.loads(run("info", "--json", "a.ftd").stdout)
    assert about["members"][0]["network_bytes"] == weights.packed_bytes
    run("test", "a.ftd")


def test_command_line_names_what_fit_needs(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pathlib.Path("records").write_bytes(RECORDS)
    assert "--max" in run("compress", "-9", "--fit", "records", code=2).stderr
    assert "--checkpoint" in run("compress", "--max", "--fit", "--checkpoint", "c", "records", code=2).stderr
    assert "1x64" in run("compress", "--max", "--fit", "--fit-size", "64", "records", code=2).stderr
    assert (
        "found 1 of 65" in run("compress", "--max", "--fit", "--fit-size", "1x65", "records", code=1).stderr
    )
