"""Priors: what archives start from, and what is needed to decompress them."""

from __future__ import annotations

import copy
import io
import os
import pickle
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import foretold
from foretold import _core
from foretold.knowledge import english

PROSE = b"It was late, she said, and nobody walked in the garden any more; it had been dark for hours.\n" * 5
SAMPLES = [b"level=info service=mail event=sent to=nobody size=%d\n" % size * 5 for size in range(40)]
MESSAGE = b"level=info service=mail event=sent to=nobody size=17\n"


@pytest.fixture(scope="module")
def prior() -> foretold.Prior:
    return foretold.Prior(_core.make_ngram_prior("mail", SAMPLES, False, 2, 1, 0.5))


def test_english_is_known_unless_it_shall_not_be() -> None:
    for preset in (1, 5):
        archive = foretold.compress(PROSE, preset)
        without = foretold.compress(PROSE, preset, knowledge="none")
        assert len(archive) < len(without) * 0.9
        assert needed(archive) == foretold.Prior.english().digest[:8]
        assert needed(without) is None
        assert foretold.decompress(archive) == foretold.decompress(without) == PROSE
        assert foretold.compress(PROSE, preset, prior=foretold.Prior.english()) == archive


def test_a_frozen_network_is_known_without_a_file(tmp_path: Path) -> None:
    frozen = foretold.Prior.english(frozen=True)
    assert frozen.has_frozen_network
    assert frozen.network == (2, 384)
    archive = foretold.compress(PROSE, "max", knowledge="frozen")
    assert needed(archive) == frozen.digest[:8]
    assert archive == foretold.compress(PROSE, "max", prior=frozen)
    assert archive != foretold.compress(PROSE, "max")
    assert foretold.decompress(archive) == PROSE
    # A file of the same content does as well as what is in the package.
    frozen.save(tmp_path / "frozen.ftp")
    again = foretold.Prior(tmp_path / "frozen.ftp")
    assert again == frozen
    assert foretold.compress(PROSE, "max", prior=again) == archive
    raw = foretold.compress_raw(PROSE, "max", knowledge="frozen")
    assert foretold.decompress_raw(raw, len(PROSE), "max", knowledge="frozen") == PROSE


def test_the_frozen_prior_is_english_with_one_section_more(sections: Callable[..., Any]) -> None:
    """As FORMAT.md says."""
    english, frozen = (sections(foretold.Prior.english(frozen=frozen)) for frozen in (False, True))
    network = frozen.pop(3)
    assert frozen == english
    assert [kind for kind, _ in english] == [1, 2, 9] + [7] * 10
    assert network[0] == 8
    weights = Path(__file__).parents[1] / "rust" / "codec" / "src" / "knowledge" / "english.safetensors"
    assert network[1] == weights.read_bytes()


def test_a_recipe_with_room_counts_what_follows_eight_bytes(
    tmp_path: Path, sections: Callable[..., Any]
) -> None:
    for number in range(3):
        (tmp_path / f"{number}.txt").write_bytes(PROSE * 20)
    smaller, larger = (english.make(tmp_path, size) for size in (8 << 20, (8 << 20) + 1))
    assert [kind for kind, _ in sections(smaller)] == [1, 2, 9]
    assert [kind for kind, _ in sections(larger)] == [1, 10, 9]
    assert sections(larger)[1][1][0] == 8
    for preset in (5, 7):
        archive = foretold.compress(PROSE, preset, prior=larger)
        assert len(archive) < len(foretold.compress(PROSE, preset))
        assert foretold.decompress(archive, prior=larger) == PROSE
    with pytest.raises(ValueError, match="order is 9, 1 to 8 is allowed"):
        _core.make_ngram_prior("long", [PROSE], True, 2, 1, 0.5, 9)


def test_a_frozen_network_is_for_english_at_the_strongest_preset() -> None:
    binary = bytes(range(256)) * 5
    archive = foretold.compress(binary, "max", knowledge="frozen")
    assert needed(archive) is None
    assert archive == foretold.compress(binary, "max", knowledge="none")
    for preset in (1, 9):
        with pytest.raises(foretold.ParameterError, match=f"preset is {preset}, a network is frozen for max"):
            foretold.compress(PROSE, preset, knowledge="frozen")  # type: ignore[arg-type]
    with pytest.raises(foretold.ParameterError, match='knowledge="frozen" excludes a prior'):
        foretold.compress(PROSE, "max", knowledge="frozen", prior=foretold.Prior.english())


def needed(archive: bytes) -> str | None:
    return foretold.info(io.BytesIO(archive)).members[0].prior


def test_a_prior_makes_what_is_alike_shorter(prior: foretold.Prior) -> None:
    archive = foretold.compress(MESSAGE, prior=prior)
    assert len(archive) < len(foretold.compress(MESSAGE)) * 0.75
    assert needed(archive) == prior.digest[:8]
    assert foretold.decompress(archive, prior=prior) == MESSAGE
    assert foretold.decompress(archive, prior=[foretold.Prior.english(), prior]) == MESSAGE


def test_what_is_missing_is_named(prior: foretold.Prior) -> None:
    for archive, digest in [
        (foretold.compress(MESSAGE, prior=prior), prior.digest[:8]),
        (foretold.compress(MESSAGE * 5000, 1, prior=prior, block_size=65536), prior.digest),
    ]:
        with pytest.raises(foretold.PriorError, match=rf"needs the prior {digest}, and none was given"):
            foretold.decompress(archive)
        with pytest.raises(foretold.PriorError, match=r'given was "English"'):
            foretold.decompress(archive, prior=foretold.Prior.english())
        with pytest.raises(foretold.PriorError, match=digest):
            foretold.Decompressor().decompress(archive)
        with pytest.raises(foretold.PriorError, match=digest), foretold.open(io.BytesIO(archive)) as file:
            file.read()
        assert foretold.Decompressor(prior=prior).decompress(archive)[:53] == MESSAGE


def test_damaged_priors_are_refused(prior: foretold.Prior) -> None:
    file = bytes(prior)
    for damaged in [b"", b"no prior", file[:9], file[:-1], file + b"x", file[:30] + b"?" + file[31:]]:
        with pytest.raises(foretold.PriorError):
            foretold.Prior(damaged)
        with pytest.raises(foretold.PriorError):
            foretold.compress(MESSAGE, prior=damaged)
        with pytest.raises(foretold.PriorError):
            foretold.decompress(foretold.compress(MESSAGE), prior=damaged)


def test_a_prior_is_given_in_any_form(prior: foretold.Prior, tmp_path: Path) -> None:
    path = tmp_path / "mail.ftp"
    prior.save(path)
    prior.save(path)
    assert os.listdir(tmp_path) == ["mail.ftp"]
    archive = foretold.compress(MESSAGE, prior=prior)
    for form in (path, str(path), path.read_bytes(), bytearray(path.read_bytes())):
        assert foretold.Prior(form) == prior
        assert foretold.compress(MESSAGE, prior=form) == archive
        assert foretold.decompress(archive, prior=form) == MESSAGE
    with pytest.raises(FileNotFoundError):
        foretold.compress(MESSAGE, prior=tmp_path / "none.ftp")


def test_a_prior_is_a_value(prior: foretold.Prior) -> None:
    again = foretold.Prior(bytes(prior))
    assert again == prior
    assert hash(again) == hash(prior)
    assert again != foretold.Prior.english()
    assert pickle.loads(pickle.dumps(prior)) == copy.copy(prior) == prior
    assert (prior.name, prior.preset, prior.file_bytes) == ("mail", None, len(bytes(prior)))
    assert prior.digest[:8] in repr(prior)
    assert len(bytes.fromhex(prior.digest)) == 32


def test_streams_keep_their_prior(prior: foretold.Prior) -> None:
    content = MESSAGE * 4000
    whole = foretold.compress(content, 1, block_size=65536, prior=prior)
    compressor = foretold.Compressor(1, block_size=65536, prior=prior)
    start = compressor.compress(content[:150_000])
    twin = compressor.copy()
    assert start + compressor.compress(content[150_000:]) + compressor.flush() == whole
    assert start + twin.compress(content[150_000:]) + twin.flush() == whole
    decompressor = foretold.Decompressor(prior=prior)
    start = decompressor.decompress(whole[: len(whole) // 2])
    other = decompressor.copy()
    for one in (decompressor, other):
        assert start + one.decompress(whole[len(whole) // 2 :]) == content
    with foretold.open(io.BytesIO(whole), prior=prior) as file:
        file.seek(160_000)
        assert file.read(100) == content[160_000:160_100]
    written = io.BytesIO()
    with foretold.open(written, "wb", preset=1, block_size=65536, prior=prior) as file:
        file.write(content)
    assert foretold.decompress(written.getvalue(), prior=prior) == content


def test_files_with_a_prior(prior: foretold.Prior, tmp_path: Path) -> None:
    source, archive, back = tmp_path / "log", tmp_path / "log.ftd", tmp_path / "back"
    source.write_bytes(MESSAGE * 100)
    foretold.compress_file(source, archive, prior=prior, verify=True)
    with pytest.raises(foretold.PriorError, match=prior.digest[:8]):
        foretold.decompress_file(archive, back)
    assert not back.exists()
    with pytest.raises(foretold.PriorError):
        foretold.test_file(archive)
    foretold.test_file(archive, prior=prior)
    foretold.decompress_file(archive, back, prior=prior)
    assert back.read_bytes() == source.read_bytes()


def test_what_is_known_is_measured_too(prior: foretold.Prior) -> None:
    for content, options in [(PROSE, {}), (MESSAGE, {"prior": prior})]:
        known = foretold.code_lengths(content, **options).sum()
        assert known < foretold.code_lengths(content, knowledge="none").sum()
        archive = foretold.compress(content, **options)
        assert abs(known / 8 - len(archive)) < 20


BAD: list[Callable[[foretold.Prior], object]] = [
    lambda prior: foretold.compress(b"text", prior=prior, knowledge="none"),
    lambda prior: foretold.Compressor(prior=prior, knowledge="none"),
    lambda prior: foretold.code_lengths(b"text", prior=prior, knowledge="none"),
    lambda prior: foretold.estimate(b"text", prior=prior, knowledge="none"),
]


@pytest.mark.parametrize("call", BAD)
def test_no_knowledge_and_a_prior_exclude_each_other(
    call: Callable[[foretold.Prior], object], prior: foretold.Prior
) -> None:
    with pytest.raises(foretold.ParameterError, match="excludes a prior"):
        call(prior)


def test_the_archive_does_not_depend_on_the_cache(
    prior: foretold.Prior, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = foretold.compress(MESSAGE, 1, prior=prior)
    for folder in ("", str(tmp_path / "cache"), str(tmp_path / "cache")):
        monkeypatch.setenv("FORETOLD_CACHE", folder)
        fresh = foretold.Prior(bytes(prior))
        assert foretold.compress(MESSAGE, 1, prior=fresh) == archive
    kept = list((tmp_path / "cache").iterdir())
    assert [path.suffix for path in kept] == [".base"]
    kept[0].write_bytes(b"damaged")
    assert foretold.compress(MESSAGE, 1, prior=foretold.Prior(bytes(prior))) == archive


@pytest.fixture(scope="module")
def learned() -> foretold.Prior:
    return foretold.train_prior(SAMPLES, 2, name="mail, learned", max_bytes=200_000)


def test_what_was_learned_makes_messages_short(learned: foretold.Prior, prior: foretold.Prior) -> None:
    archive = foretold.compress(MESSAGE, 2, prior=learned)
    assert len(archive) < len(foretold.compress(MESSAGE, 2, prior=prior))
    assert foretold.decompress(archive, prior=learned) == MESSAGE
    assert (learned.name, learned.preset) == ("mail, learned", 2)
    with pytest.raises(foretold.PriorError, match=f"needs the prior {learned.digest[:8]}"):
        foretold.decompress(archive, prior=prior)
    long = MESSAGE * 3000
    assert foretold.decompress(foretold.compress(long, 2, prior=learned), prior=learned) == long
    noise = bytes(range(256)) * 300
    assert foretold.decompress(foretold.compress(noise, 2, prior=learned), prior=learned) == noise


def test_a_prior_depends_on_the_samples_alone(learned: foretold.Prior) -> None:
    again = foretold.train_prior(iter(SAMPLES), 2, name="mail, learned", max_bytes=200_000)
    assert bytes(again) == bytes(learned)
    other = foretold.train_prior(SAMPLES[1:], 2, name="mail, learned", max_bytes=200_000)
    assert other.digest != learned.digest


def test_what_was_learned_of_english_builds_upon_what_is_shipped() -> None:
    samples = [PROSE.replace(b"late", word) for word in (b"early", b"cold", b"quiet", b"dark")]
    prior = foretold.train_prior(samples, 1)
    archive = foretold.compress(PROSE, 1, prior=prior)
    assert len(archive) < len(foretold.compress(PROSE, 1))
    assert foretold.decompress(archive, prior=prior) == PROSE
    alone = foretold.train_prior(samples, 1, knowledge="none")
    assert foretold.decompress(foretold.compress(PROSE, 1, prior=alone), prior=alone) == PROSE


def test_a_prior_is_learned_with_the_strongest_preset() -> None:
    sample = b"level=info event=sent size=17\n" * 30
    prior = foretold.train_prior([sample], "max", knowledge="none")
    assert prior.preset == "max"
    archive = foretold.compress(sample[:90], "max", prior=prior)
    assert foretold.decompress(archive, prior=prior) == sample[:90]
    with pytest.raises(foretold.PriorError, match="is for preset max, not for 9"):
        foretold.compress(sample, 9, prior=prior)


def test_a_prior_of_records_has_models_for_records() -> None:
    rng = random.Random(5)
    counts = [0] * 6
    records = []
    for number in range(700):
        for place in range(6):
            counts[place] += rng.randrange(1 << place)
        values = ", ".join(f'"count {place}": {count + 10**5}' for place, count in enumerate(counts))
        records.append(f'{{"number": {number + 4000}, {values}}}\n'.encode())
    samples, messages = records[:600], records[600::4]
    message = messages[-1]
    prior = foretold.train_prior(samples, 5)
    raw = [foretold.compress_raw(one, 5, prior=prior) for one in messages]
    assert [foretold.decompress_raw(one, 131, 5, prior=prior) for one in raw] == messages
    # Asked for words, they are texts like any other.
    of_texts = foretold.train_prior(samples, 5, transform="words", knowledge="none")
    assert sum(map(len, raw)) < sum(len(foretold.compress_raw(one, 5, prior=of_texts)) for one in messages)
    # What is no record goes the same way, coded as words or not.
    for transform in ("auto", "words", "none"):
        for content in (PROSE * 40, bytes(range(256)) * 300, b"".join(records), message):
            archive = foretold.compress(content, 5, prior=prior, transform=transform)
            assert foretold.decompress(archive, prior=prior) == content
    compressor = foretold.Compressor(5, prior=prior, block_size=65536)
    start = compressor.compress(b"".join(records[:500]))
    twin = compressor.copy()
    ends = [one.compress(message) + one.flush() for one in (compressor, twin)]
    assert ends[0] == ends[1]
    assert foretold.decompress(start + ends[0], prior=prior) == b"".join(records[:500]) + message


def test_a_learned_prior_is_for_its_preset(learned: foretold.Prior) -> None:
    with pytest.raises(foretold.PriorError, match="is for preset 2, not for 5"):
        foretold.compress(MESSAGE, 5, prior=learned)


def test_a_learned_prior_is_as_small_as_asked() -> None:
    samples = [random.Random(seed).randbytes(3000).hex().encode() for seed in range(20)]
    small, large = (
        foretold.train_prior(samples, 1, max_bytes=most, knowledge="none").file_bytes
        for most in (100_000, 400_000)
    )
    assert small < 140_000 < large < 500_000


def test_a_learned_prior_is_continued_from_copies(learned: foretold.Prior) -> None:
    compressor = foretold.Compressor(2, prior=learned, block_size=65536)
    start = compressor.compress(MESSAGE * 3000)
    twin = compressor.copy()
    ends = [one.compress(MESSAGE) + one.flush() for one in (compressor, twin)]
    assert ends[0] == ends[1]
    assert foretold.decompress(start + ends[0], prior=learned) == MESSAGE * 3001


def test_samples_must_hold_something() -> None:
    for nothing in ([], [b""]):
        with pytest.raises(foretold.PriorError, match="nothing in the samples"):
            foretold.train_prior(nothing)
    with pytest.raises(TypeError, match="a list of texts"):
        foretold.train_prior(b"one text")
    with pytest.raises(foretold.ParameterError, match="at most 255 bytes"):
        foretold.train_prior([b"text"], name="n" * 256)


def test_damaged_learned_priors_are_refused(learned: foretold.Prior) -> None:
    file = bytes(learned)
    for length in range(0, len(file), 997):
        with pytest.raises(foretold.PriorError):
            foretold.Prior(file[:length])


def test_a_prior_brings_its_own_network(
    prior: foretold.Prior, make_network: Callable[[int, int], bytes], tmp_path: Path
) -> None:
    (tmp_path / "net.safetensors").write_bytes(make_network(64, 1))
    own = prior.with_network(tmp_path / "net.safetensors", name="own")
    assert (own.name, own.network, prior.network) == ("own", (1, 64), None)
    assert (
        own == prior.with_network(make_network(64, 1), name="own") != prior.with_network(make_network(64, 1))
    )
    archive = foretold.compress(MESSAGE * 3, "max", prior=own)
    assert foretold.decompress(archive, prior=own) == MESSAGE * 3
    assert archive != foretold.compress(MESSAGE * 3, "max", prior=prior)
    with pytest.raises(foretold.PriorError, match=f"needs the prior {own.digest[:8]}"):
        foretold.decompress(archive, prior=prior)
    assert pickle.loads(pickle.dumps(own)).network == (1, 64)


@pytest.mark.parametrize("preset", [9, "max"])
def test_a_prior_brings_a_mixer_network(
    preset: int | str, prior: foretold.Prior, make_mixer: Callable[..., bytes]
) -> None:
    own = prior.with_mixer(make_mixer(16, preset=10 if preset == "max" else preset), name="own")
    assert (own.name, own.mixer, own.network, prior.mixer) == ("own", 16, None, None)
    content = MESSAGE * 3
    compressor = foretold.Compressor(preset, prior=own)
    head = compressor.compress(content[:300], compressor.FLUSH)
    # Its state is part of the model's.
    twin = compressor.copy()
    tails = [one.compress(content[300:]) + one.flush() for one in (compressor, twin)]
    assert tails[0] == tails[1]
    assert foretold.decompress(head + tails[0], prior=own) == content
    assert foretold.compress(content, preset, prior=own) != foretold.compress(content, preset, prior=prior)
    with pytest.raises(foretold.PriorError, match="not a safetensors file"):
        prior.with_mixer(b"nothing")


def test_networks_that_cannot_be_run_are_refused(
    prior: foretold.Prior, make_network: Callable[[int, int], bytes]
) -> None:
    for weights, reason in [
        (b"", "not a safetensors file"),
        (make_network(64, 1)[:-1], "not a safetensors file"),
        (make_network(96, 1), "1 layers of 96 units; layers are 1 to 3, units a multiple of 64"),
        (make_network(448, 2), "take more memory than 2 of 384"),
    ]:
        with pytest.raises(foretold.PriorError, match=reason):
            prior.with_network(weights)
