"""Compressed sizes, to the byte: compression is deterministic, so a change here is deliberate.

``tests/golden/sizes.csv`` has a row for each corpus and preset. Corpora made from seeds run always;
those that are files run with the heavy tests, where ``FORETOLD_CORPORA`` names their folder.
``FORETOLD_REGENERATE=1 pytest tests/test_sizes.py`` writes the table afresh (with ``-m heavy`` the
files' rows too); the difference is to be looked at before it is committed. To add a file,
add rows with its path in that folder and a size of 0, and write the table.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import random
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

import foretold

TABLE = Path(__file__).parent / "golden" / "sizes.csv"
FOLDER = os.environ.get("FORETOLD_CORPORA")
REGENERATE = os.environ.get("FORETOLD_REGENERATE") == "1"
LENGTH = 24_000

# Only `random()` of a seeded source is the same in every Python, so all chance comes from it.


def pick(source: random.Random, items: list[str]) -> str:
    """One of the items, the first ones more often."""
    return items[int(len(items) * source.random() ** 2.5)]


def words(source: random.Random, count: int) -> list[str]:
    """Pronounceable words, short ones first."""
    made = {
        "".join("bcdfglmnprstvw"[int(source.random() * 14)] + "aeiou"[int(source.random() * 5)]
                for _ in range(1 + int(3 * source.random())))
        for _ in range(count)
    }  # fmt: skip
    return sorted(made, key=lambda word: (len(word), word))


def english_like() -> bytes:
    source = random.Random(1)
    vocabulary = words(source, 600)
    after = {word: [pick(source, vocabulary) for _ in range(6)] for word in vocabulary}
    word, parts = vocabulary[0], []
    for number in range(LENGTH // 4):
        word = pick(source, after[word] if source.random() < 0.7 else vocabulary)
        end = number % 11 == 10
        parts.append(word.capitalize() if number % 11 == 0 else word)
        parts.append(("." if end else "") + ("\n" if source.random() < 0.1 else " "))
    return "".join(parts).encode()[:LENGTH]


def server_log() -> bytes:
    source = random.Random(2)
    names = words(source, 40)
    lines, time = [], 1_600_000_000
    for _ in range(LENGTH // 60):
        time += int(source.random() * 30)
        code = pick(source, ["200", "200", "304", "404", "500"])
        size = int(source.random() ** 3 * 100_000)
        host = f"10.0.{int(source.random() * 4)}.{int(source.random() * 250)}"
        lines.append(
            f'{host} [{time}] "GET /{pick(source, names)}/{pick(source, names)}.html" {code} {size}\n'
        )
    return "".join(lines).encode()[:LENGTH]


def json_lines() -> bytes:
    source = random.Random(3)
    names = words(source, 80)
    rows = (
        {
            "id": number,
            "name": pick(source, names).title(),
            "tags": [pick(source, names) for _ in range(int(source.random() * 4))],
            "score": round(source.random() * 100, 2),
            "active": source.random() < 0.8,
        }
        for number in range(LENGTH // 60)
    )
    return "".join(json.dumps(row) + "\n" for row in rows).encode()[:LENGTH]


def records() -> bytes:
    source = random.Random(4)
    level, parts = 1000.0, []
    for number in range(LENGTH // 16):
        level += source.random() * 10 - 5
        parts.append(
            struct.pack("<IhHff", number * 3, int(level), int(source.random() * 8), level, source.random())
        )
    return b"".join(parts)[:LENGTH]


def runs() -> bytes:
    source = random.Random(5)
    parts = (bytes([int(source.random() * 256)]) * int(300 * source.random() ** 4) for _ in itertools.count())
    made = b""
    while len(made) < LENGTH:
        made += next(parts)
    return made[:LENGTH]


def noise() -> bytes:
    source = random.Random(6)
    return bytes(int(source.random() * 256) for _ in range(LENGTH))


def pdf_text() -> bytes:
    """Text objects as TeX writes them: some pairs of letters are kerned, one letter is an octal escape."""
    source = random.Random(7)
    kerned = {
        a + b: int(60 * source.random()) - 30 for a in "aeiou" for b in "mnrst" if source.random() < 0.2
    }

    def shown(pair: str, space: int) -> str:
        """The first letter, and what moves the second."""
        if pair[0] == " ":
            return f")-{space + int(2 * source.random())}("
        letter = pair[0].replace("l", r"\252")
        return f"{letter}){kerned[pair]}(" if pair in kerned else letter

    made = ""
    for number, page in enumerate(english_like().decode().split(".")[::3]):
        lines = []
        for line in page.strip().split("\n"):
            space = 260 + int(160 * source.random())
            lines.append("".join(shown(a + b, space) for a, b in itertools.pairwise(line + "\n")))
        text = ")]TJ 0 -11.955 Td[(".join(lines)
        made += f"{number} 0 obj\nstream\nBT\n/F8 9.963 Tf 0 0 Td[({text})]TJ\nET\nendstream\nendobj\n"
    return made.encode()[:LENGTH]


def pdf_words() -> bytes:
    """Text objects as Ghostscript writes them: words advance by their widths and a space's."""
    source = random.Random(8)
    kinds = {**dict.fromkeys("ijl", 0.25), **dict.fromkeys("cefrstz", 0.38), "m": 0.79, "w": 0.7}
    letters = "abcdefghijklmnopqrstuvwxyz"
    widths = {letter: kinds.get(letter, 0.5) + 0.06 * source.random() for letter in letters}
    made = ""
    for page in english_like().decode().split(".")[::3]:
        made += "q 10 0 0 10 0 0 cm BT\n/R7 10.9091 Tf\n1 0 0 1 80 740 Tm\n"
        for line in page.strip().split("\n"):
            space, across = 3 + 2 * source.random(), 0.0
            for word in line.split():
                advance = sum(10.9091 * widths[letter] for letter in word.lower()) + space
                made += f"({word})Tj\n{advance:.6g} 0 Td\n"
                across += advance
            made += f"( )Tj\n{-across:.6g} -13.56 Td\n"
        made += "ET Q\n"
    return made.encode()[:LENGTH]


def tar() -> bytes:
    """An archive of small files: mostly headers, whose checksums follow from the rest."""
    source = random.Random(9)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for number, name in enumerate(words(source, 30)):
            member = tarfile.TarInfo(f"{name}/" if number % 8 == 0 else f"{name}.txt")
            member.type = tarfile.DIRTYPE if number % 8 == 0 else tarfile.REGTYPE
            member.mtime = 1_000_000_000 + int(1e7 * source.random())
            content = b"" if member.isdir() else f"{name}\n".encode()
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()[:LENGTH]


MADE: dict[str, Callable[[], bytes]] = {
    "english-like": english_like,
    "server-log": server_log,
    "json-lines": json_lines,
    "records": records,
    "runs": runs,
    "noise": noise,
    "pdf-text": pdf_text,
    "pdf-words": pdf_words,
    "tar": tar,
}
PRESETS = [str(row.number) for row in foretold.PRESETS if row.number != "max"]


def table() -> dict[tuple[str, str], int]:
    with TABLE.open(newline="") as file:
        return {(row["corpus"], row["preset"]): int(row["bytes"]) for row in csv.DictReader(file)}


def check(corpus: str, content: bytes, preset: str) -> None:
    archive = foretold.compress(content, int(preset))
    assert foretold.decompress(archive) == content
    if not REGENERATE:
        assert len(archive) == table()[corpus, preset], "compression changed; see the top of this file"
        return
    sizes = table()
    sizes[corpus, preset] = len(archive)
    with TABLE.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["corpus", "preset", "bytes"])
        order = list(MADE)
        rows.writerows(
            [*key, sizes[key]]
            for key in sorted(sizes, key=lambda key: (order.index(key[0]) if key[0] in order else 99, key))
        )


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("corpus", MADE)
def test_generated_corpora_have_the_recorded_size(corpus: str, preset: str) -> None:
    check(corpus, MADE[corpus](), preset)


FILES = sorted(key for key in table() if key[0] not in MADE)


@pytest.mark.heavy
@pytest.mark.skipif(FOLDER is None, reason="FORETOLD_CORPORA does not say where the files are")
@pytest.mark.parametrize(("corpus", "preset"), FILES)
def test_real_corpora_have_the_recorded_size(corpus: str, preset: str) -> None:
    check(corpus, Path(FOLDER or "", corpus).read_bytes(), preset)


def test_every_generated_corpus_is_in_the_table() -> None:
    assert set(table()) >= set(itertools.product(MADE, PRESETS))
