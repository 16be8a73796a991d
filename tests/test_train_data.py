"""Corpora as models see them: what is held out, where documents begin, which lane reads what."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="foretold.train needs torch: pip install 'foretold[train]'")
pytest.importorskip("safetensors", reason="foretold.train needs safetensors: pip install 'foretold[train]'")

from foretold import _core
from foretold.errors import ParameterError
from foretold.train.data import HELD_SHARE, Corpus, Lanes, document_starts, expectations, is_held, read_corpus

PROSE = b"It was late, she said, and nobody walked in the garden any more; it had been dark for hours.\n" * 30


@pytest.fixture
def folder(tmp_path: Path, make_text: Callable[..., bytes]) -> Path:
    root = tmp_path / "texts"
    (root / "inner").mkdir(parents=True)
    for number in range(9):
        (root / "inner" / f"{number}.txt").write_bytes(make_text(3000 + 100 * number, seed=number + 1))
    (root / "pages.xml").write_bytes(b"".join(b"  <page>\n" + PROSE + b"  </page>\n" for _ in range(5)))
    (root / "empty").write_bytes(b"")
    return root


def test_files_are_what_a_model_sees_of_them(folder: Path) -> None:
    corpus = read_corpus(folder, held_share=0.3)
    assert [file.held for file in corpus.files] == sorted(file.held for file in corpus.files)
    assert {file.name for file in corpus.files} == {*(f"inner/{n}.txt" for n in range(9)), "pages.xml"}
    for file, start, end in zip(corpus.files, corpus.starts[:-1], corpus.starts[1:], strict=True):
        content = (folder / file.name).read_bytes()
        assert corpus.coded[start:end].tobytes() == _core.coded_bytes(content, True)
        assert (file.size_bytes, file.coded_bytes) == (len(content), end - start)
        assert file.sha256 == hashlib.sha256(content).hexdigest()
        assert file.held == is_held(Path(file.name).name, 0.3)
    assert corpus.train_bytes == sum(file.coded_bytes for file in corpus.files if not file.held)
    assert len(corpus.held) == len(corpus.coded) - corpus.train_bytes
    plain = read_corpus(folder, english=False)
    assert len(plain.coded) > len(corpus.coded)


def test_what_is_held_out_depends_on_names_alone(folder: Path, tmp_path: Path) -> None:
    names = [f"{number}.txt" for number in range(4000)]
    assert abs(sum(map(is_held, names)) / 4000 - HELD_SHARE) < 0.01
    before = {file.name: file.held for file in read_corpus(folder, held_share=0.3).files}
    (folder / "new.txt").write_bytes(PROSE)
    after = {file.name: file.held for file in read_corpus(folder, held_share=0.3).files}
    assert before.items() <= after.items()
    # There is always something to measure with, and something to train on.
    for share in (0.0, 1.0):
        held = [file.held for file in read_corpus(folder, held_share=share).files]
        assert any(held)
        assert not all(held)
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "text").write_bytes(PROSE * 3)
    alone = read_corpus(tmp_path / "one")
    assert len(alone.held) == len(alone.coded) // 16


def test_documents_are_found_in_files() -> None:
    for marker in (b"  <page>\n", b'<doc id="7" url="http">\n', b"==== FILE: notes.txt ====\n"):
        text = b"".join(marker + PROSE for _ in range(6))
        coded = _core.coded_bytes(text, True)
        starts = document_starts(coded)
        assert len(coded) < len(text)
        assert starts[0] == 0
        assert len(starts) in (6, 7)  # the transform may begin with a byte of its own
        assert all(coded[start - 1 : start] == b"\n" for start in starts[2:])
        assert len(document_starts(text, english=False)) == 6
    assert document_starts(b"no <page> at the beginning of a line") == [0]


def test_the_cache_is_used_until_something_changes(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    read: list[str] = []

    def corpus() -> Corpus:
        read.clear()
        return read_corpus(folder, cache=cache, progress=read.append)

    first = corpus()
    assert len(read) == 10
    again = corpus()
    assert read == []
    assert isinstance(again.coded, np.memmap)
    np.testing.assert_array_equal(again.coded, first.coded)
    np.testing.assert_array_equal(again.documents, first.documents)
    assert (again.files, again.digest) == (first.files, first.digest)
    (folder / "pages.xml").write_bytes(PROSE)
    assert corpus().digest != first.digest
    assert len(read) == 10
    assert len(list(cache.iterdir())) == 4


def test_nothing_to_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="no files with anything"):
        read_corpus(tmp_path)


def corpus_of(files: list[bytes], documents: list[int], train_bytes: int | None = None) -> Corpus:
    coded = np.frombuffer(b"".join(files), np.uint8)
    starts = np.cumsum([0, *map(len, files)])
    return Corpus(coded, starts, np.array(documents), train_bytes or len(coded), ())


def test_lanes_read_all_pieces_once() -> None:
    files = [bytes([number]) * (50 + 13 * number) for number in range(1, 12)]
    corpus = corpus_of(files, [], sum(map(len, files[:-1])))
    lanes = Lanes(corpus, 4, piece_bytes=32)
    window = lanes.window(0, 0, lanes.lane_bytes - 1)
    assert window.x.shape == window.y.shape == window.resets.shape == (lanes.lane_bytes - 1, 4)
    np.testing.assert_array_equal(window.x[1:], window.y[:-1])
    read = np.concatenate([window.x.T.ravel(), window.y[-1]])
    expected = np.bincount(corpus.coded[: corpus.train_bytes])
    missing = expected - np.bincount(read, minlength=len(expected))
    assert missing.min() >= 0
    assert missing.sum() == corpus.train_bytes - 4 * lanes.lane_bytes < 4
    # Parts are the same as the whole, another epoch has another order, a seed gives it again.
    parts = [lanes.window(0, at, 16).x for at in range(0, lanes.lane_bytes - 17, 16)]
    np.testing.assert_array_equal(np.concatenate(parts), window.x[: 16 * len(parts)])
    assert (lanes.window(1, 0, 50).x != window.x[:50]).any()
    np.testing.assert_array_equal(
        Lanes(corpus, 4, piece_bytes=32).window(1, 0, 50).x, lanes.window(1, 0, 50).x
    )
    np.testing.assert_array_equal(lanes.window(0, 0, 50).x, window.x[:50])


def test_processes_share_the_lanes() -> None:
    corpus = corpus_of([bytes(range(256)) * 4], [])
    whole = Lanes(corpus, 6, piece_bytes=100)
    parts = [Lanes(corpus, 3, piece_bytes=100, share=(rank, 2)) for rank in range(2)]
    np.testing.assert_array_equal(
        np.concatenate([part.window(0, 5, 40).x for part in parts], 1), whole.window(0, 5, 40).x
    )


def test_states_are_reset_where_text_does_not_go_on() -> None:
    files = [b"a" * 40, b"b" * 25]
    corpus = corpus_of(files, [0, 10, 40, 52])
    window = Lanes(corpus, 1, piece_bytes=1000).window(0, 0, 64)
    order = "ab" if window.x[0, 0] == ord("a") else "ba"
    expected = [0, 10, 40, 52] if order == "ab" else [0, 12, 25, 35]
    assert np.flatnonzero(window.resets[:, 0]).tolist() == expected
    cut = Lanes(corpus, 1, piece_bytes=16).window(0, 0, 64)
    assert cut.resets.sum() == 2 + 3 + 2
    for wrong in ((0, 0, 65), (0, -1, 5), (0, 64, 1)):
        with pytest.raises(ParameterError, match="pass a lane's"):
            Lanes(corpus, 1).window(*wrong)
    with pytest.raises(ParameterError, match="too few for 40 lanes"):
        Lanes(corpus, 40)


def test_match_models_tell_what_they_expect_of_what_follows() -> None:
    # No two bytes of it come twice.
    page = bytes(np.random.default_rng(4).permutation(60).astype(np.uint8))
    files = [page + b"abcd" + page, page * 2]
    corpus = corpus_of(files, [0, 124])
    found = expectations(corpus.coded, corpus.starts)
    # Each file by itself: what is first read in it, nobody expects.
    assert (found[:60, 1] == 0).all()
    assert (found[124:184, 1] == 0).all()
    at = np.flatnonzero(found[:, 1] > 1)
    assert (found[at, 0] == corpus.coded[at]).mean() > 0.9
    assert found[183 + 20, 1] > found[183 + 8, 1] > 0
    # Without bounds the second file is known from the first.
    assert expectations(corpus.coded)[140, 1] > 0
    assert Lanes(corpus, 1, piece_bytes=50).window(0, 0, 50).expected is None
    lanes = Lanes(corpus, 1, piece_bytes=50, with_expected=True)
    window = lanes.window(0, 0, lanes.lane_bytes - 1)
    assert window.expected is not None
    assert window.expected.shape == (lanes.lane_bytes - 1, 1, 2)
    begins = np.flatnonzero(window.resets[1:, 0])
    assert (window.expected[begins] == 0).all()
    speaks = window.expected[:, 0, 1] > 1
    assert speaks.sum() > 50
    assert (window.expected[speaks, 0, 0] == window.y[speaks, 0]).mean() > 0.9
    # What is held out is not looked at.
    part = Lanes(corpus_of(files, [0, 124], 124), 1, piece_bytes=50, with_expected=True)
    assert part.window(0, 0, 100).expected is not None
