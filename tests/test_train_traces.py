"""Traces: what models say of each bit, as it is coded."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="foretold.train needs torch: pip install 'foretold[train]'")
pytest.importorskip("safetensors", reason="foretold.train needs safetensors: pip install 'foretold[train]'")

import foretold
from foretold import _core
from foretold.errors import FormatError, ParameterError
from foretold.train.traces import Traces, collect, read_shard, trace

TESTS = Path(__file__).parent
if str(TESTS) not in sys.path:
    sys.path.append(str(TESTS))

from oracle import trees  # noqa: E402
from oracle.packing import Unpacker  # noqa: E402

PROSE = b"It was late, she said, and nobody walked in the garden any more; it had been dark for hours. " * 20


def whole(pieces: list[Traces], name: str) -> np.ndarray:
    return np.concatenate([getattr(piece, name) for piece in pieces])


@pytest.mark.parametrize("preset", [1, 5, "max"])
def test_a_trace_is_what_coding_does(
    preset: int | str, make_mixer: Callable[..., bytes], sections: Callable[..., Any]
) -> None:
    # Preset max has a mixer network, which traces leave out: here it is one that corrects nothing.
    silent = foretold.Prior.english().with_mixer(make_mixer(16, silent=True))
    known: Any = {"prior": silent} if preset == "max" else {}
    pieces = list(trace(PROSE, preset, piece_bytes=300, **known))  # type: ignore[arg-type]
    coded = _core.coded_bytes(PROSE, True)
    if preset == "max":
        assert np.packbits(whole(pieces, "bits")).tobytes() == coded
    else:
        (packed,) = (section for kind, section in sections(foretold.Prior.english()) if kind == 9)
        found = trees.read(Unpacker(packed))
        ways = [found.trees[found.after[last]].ways for last in b"\0" + coded[:-1]]
        bits = "".join(f"{way[byte]:b}"[1:] for way, byte in zip(ways, coded, strict=True))
        assert "".join(map(str, whole(pieces, "bits"))) == bits
    costs = foretold.code_lengths(PROSE, preset, **known)  # type: ignore[arg-type]
    assert sum(piece.code_length() for piece in pieces) == pytest.approx(costs.sum(), rel=1e-9)
    assert [piece.at for piece in pieces] == list(range(0, 300 * len(pieces), 300))


def test_a_trace_is_what_a_mixer_network_would_hear(make_mixer: Callable[..., bytes]) -> None:
    english = foretold.Prior.english()
    (plain,) = trace(PROSE, "max")
    (heard,) = trace(PROSE, "max", prior=english.with_mixer(make_mixer(16)))
    np.testing.assert_array_equal(heard.p1_q22, plain.p1_q22)
    np.testing.assert_array_equal(heard.logits, plain.logits)


def test_columns_and_contexts_are_what_their_names_say() -> None:
    (piece,) = trace(PROSE, "max")
    columns = {name: piece.logits[:, at] for at, name in enumerate(piece.columns)}
    contexts = {name: piece.contexts[:, at] for at, name in enumerate(piece.context_names)}
    p1 = piece.p1_q22 / 2**22
    logit = np.log(p1 / (1 - p1)) * 256
    unclipped = np.abs(logit) < 1500
    np.testing.assert_allclose(columns["final"][unclipped], logit[unclipped], atol=30)
    coded = _core.coded_bytes(PROSE, True)
    assert (contexts["bit position"] == np.arange(8 * len(coded)) % 8).all()
    assert contexts["last byte"][8:].tobytes() == np.repeat(np.frombuffer(coded[:-1], np.uint8), 8).tobytes()
    assert contexts["byte before"][16:].tobytes() == contexts["last byte"][8:-8].tobytes()
    partial = 1
    for at, bit in enumerate(piece.bits):
        assert contexts["partial byte"][at] == partial
        partial = 1 if at % 8 == 7 else partial << 1 | int(bit)
    # Where the shortest match holds, its length has the sign of the bit that the byte it expects has.
    holds = np.flatnonzero(contexts["match length class"])
    assert len(holds) > len(piece.bits) // 2
    expected = contexts["expected byte"][holds] >> (7 - contexts["bit position"][holds]) & 1
    signed = columns["match of 5, length"][holds]
    assert (np.sign(signed[signed != 0]) == 2 * expected[signed != 0].astype(int) - 1).all()
    for name in ("mixed", "apm 0", "apm 5", "network", "set: partial byte", "set: network's byte"):
        right = (columns[name] > 0) == (piece.bits != 0)
        assert right.mean() > 0.9, name


def test_shards_go_on_where_they_were_stopped(tmp_path: Path, make_text: Callable[..., bytes]) -> None:
    paths = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for seed, path in enumerate(paths):
        path.write_bytes(make_text(6000, seed=seed + 1))
    told: list[Path] = []
    shards = collect(paths, tmp_path / "out", 3, shard_bytes=1000, progress=told.append)
    assert told == shards
    contents = [read_shard(path) for path in shards]
    for path in [*(tmp_path / "out").glob("b.txt*.json"), *shards[-2:]]:
        path.unlink()
    told.clear()
    assert collect(paths, tmp_path / "out", 3, shard_bytes=1000, progress=told.append) == shards
    assert told == shards[-2:]
    for path, before in zip(shards, contents, strict=True):
        again = read_shard(path)
        assert (again.at, again.columns) == (before.at, before.columns)
        for name in ("logits", "contexts", "p1_q22", "bits"):
            np.testing.assert_array_equal(getattr(again, name), getattr(before, name))
    first = next(iter(trace(paths[0].read_bytes(), 3, piece_bytes=1000)))
    np.testing.assert_array_equal(first.logits, contents[0].logits)
    half = collect(paths, tmp_path / "half", 3, shard_bytes=1000, share=0.5)
    assert [read_shard(path).at for path in half] == [
        read_shard(path).at for path in shards if read_shard(path).at // 1000 % 2
    ]


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="no text"):
        list(trace(bytes(range(32)) * 20, 1))
    with pytest.raises(ParameterError, match="share"):
        list(trace(PROSE, 1, share=0.0))
    (tmp_path / "x.safetensors").write_bytes(b"nothing")
    with pytest.raises(FormatError, match="no safetensors file"):
        read_shard(tmp_path / "x.safetensors")
