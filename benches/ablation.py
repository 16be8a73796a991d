"""Writes docs/ABLATION.md: what each part of presets 1, 5 and 9 gains, and the time it takes.

    python benches/ablation.py [--jobs 2] [--presets 1,5,9] [--only "word*"]

Every part is left out in turn (`rust/codec/benches/ablation.rs`). An interrupted run continues: rows
are kept in a file of JSON lines and known by the texts and the program that made them. The texts are
Python's documentation and standard library; with FORETOLD_CORPORA naming a folder, pieces of what lies
in its train/ instead of the documentation. What is reported elsewhere (bench/) is never looked at.
"""

from __future__ import annotations

import argparse
import datetime
import fnmatch
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from running import RECORDS, ROOT, Rows, commit, in_turn

TARGET = ROOT / "docs" / "ABLATION.md"
BESIDE = 4
"""Parts that one run of the program leaves out, beside the whole engine."""

PIECES = (
    ("markup.xml", "wiki/mediawiki_xml", 600_000),
    ("novel.txt", "books/novels_txt", 600_000),
    ("encyclopedia.txt", "wiki/enwiki_text", 600_000),
)
"""Name, folder below train/, length."""


def joined(files: list[Path], length: int) -> bytes:
    """The first bytes of the files in a row."""
    parts: list[bytes] = []
    while files and sum(map(len, parts)) < length:
        parts.append(files[0].read_bytes())
        files = files[1:]
    return b"".join(parts)[:length]


def texts(corpora: str | None) -> dict[str, bytes]:
    """What is coded, by name."""
    from corpora import topics

    found = {}
    for name, folder, length in PIECES if corpora else ():
        files = sorted(path for path in Path(corpora or "", "train", folder).glob("*") if path.is_file())
        if files:
            found[name] = joined(files, length)
        else:
            print(f"not found: {Path(corpora or '', 'train', folder)}", file=sys.stderr)
    if not found:
        found["topics.txt"] = topics(600_000)
    found["library.py"] = joined(sorted(Path(os.__file__).parent.glob("*.py")), 300_000)
    return found


def program() -> Path:
    """Builds what measures."""
    command = [os.environ.get("CARGO", "cargo"), "bench", "--quiet", "--package", "foretold-codec"]
    command += ["--bench", "ablation", "--no-run", "--message-format=json"]
    output = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    messages = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return Path(next(one["executable"] for one in messages if one.get("executable")))


def parse(output: str) -> Iterator[dict[str, Any]]:
    """The program's tab-separated lines."""
    names, *lines = (line.split("\t") for line in output.splitlines())
    for line in lines:
        row: dict[str, Any] = dict(zip(names, line, strict=True))
        for name in ("preset", "bytes", "delta_bytes"):
            row[name] = int(row[name])
        for name in ("seconds", "whole_seconds"):
            row[name] = float(row[name])
        yield row


def summed(rows: list[dict[str, Any]], files: list[str]) -> list[dict[str, Any]]:
    """One row for each part that all files were coded without, the largest gain first."""
    parts: dict[tuple[int, str, str], dict[str, dict[str, Any]]] = {}
    for row in rows:
        parts.setdefault((row["preset"], row["sort"], row["part"]), {})[row["file"]] = row
    sums = []
    for (preset, sort, part), by_file in parts.items():
        if not all(name in by_file for name in files):
            continue
        mine = [by_file[name] for name in files]
        whole = sum(row["bytes"] - row["delta_bytes"] for row in mine)
        seconds, whole_seconds = (sum(row[name] for row in mine) for name in ("seconds", "whole_seconds"))
        sums.append(
            {
                "preset": preset,
                "sort": sort,
                "part": part,
                "whole_bytes": whole,
                "gain_bytes": sum(row["delta_bytes"] for row in mine),
                "gains": [row["delta_bytes"] for row in mine],
                "cost": 1 - seconds / whole_seconds,
            }
        )
    return sorted(sums, key=lambda row: (row["preset"], -row["gain_bytes"], row["sort"], row["part"]))


def document(
    rows: list[dict[str, Any]], sources: dict[str, tuple[int, str]], made: dict[str, str], expected: int = 0
) -> str:
    """The page, in Markdown.

    Parameters
    ----------
    rows : list of dict
        As measured.
    sources : dict
        Length and SHA-256 of each text.
    made : dict
        ``commit``, ``date`` and ``processor``.
    expected : int
        Parts that there are to leave out.
    """
    files = list(sources)
    sums = summed(rows, files)
    lines = [
        "# What each part is worth",
        "",
        "Written by `make ablation`. Each row is the engine of a preset with one part left out; the mixer "
        "network of preset 9, trained on the whole, is in none (docs/LSTM.md says what it brings). *Gain* "
        "is by how much the archives grow without the part: exact, and the same on every machine. Several "
        "parts that say the same each gain little alone. *Time* is the share of the whole engine's time "
        "that is saved without the part, measured beside it; a few per cent of it are noise.",
        "",
        f"Commit `{made['commit']}`, {made['date']}, {made['processor']}. Sizes without the container.",
        "",
        "| text | bytes | SHA-256 |",
        "|---|--:|---|",
        *(f"| {name} | {length:,} | `{digest}` |" for name, (length, digest) in sources.items()),
    ]
    if len(sums) < expected:
        lines += ["", f"Incomplete: {len(sums)} of {expected} rows."]
    for preset in dict.fromkeys(row["preset"] for row in sums):
        mine = [row for row in sums if row["preset"] == preset]
        lines += [
            "",
            f"## Preset {preset}",
            "",
            f"Whole: {mine[0]['whole_bytes']:,} bytes.",
            "",
            f"| left out | sort | gain, bytes | gain | {' | '.join(files)} | time |",
            f"|---|---|--:|--:|{'--:|' * len(files)}--:|",
        ]
        for row in mine:
            gain = 100 * row["gain_bytes"] / row["whole_bytes"]
            gains = " | ".join(f"{gain:,}" for gain in row["gains"])
            lines.append(
                f"| {row['part']} | {row['sort']} | {row['gain_bytes']:,} | {gain:.2f} % | {gains} | "
                f"{100 * row['cost']:.0f} % |"
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--presets", default="1,5,9")
    parser.add_argument("--only", metavar="PATTERN", default="*", help="parts to leave out, by name")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="runs at a time, each on its core")
    parser.add_argument(
        "--save", type=Path, help="the rows; benches/records/ablation-DATE.jsonl unless given"
    )
    parser.add_argument("--output", type=Path, default=TARGET, help="the page")
    options = parser.parse_args()
    from foretold.cli.measuring import machine

    processor = machine()["processor"]
    contents = texts(os.environ.get("FORETOLD_CORPORA"))
    sources = {name: (len(text), hashlib.sha256(text).hexdigest()) for name, text in contents.items()}
    measure = program()
    # What a row depends on beside the part.
    known = {
        "program": hashlib.sha256(measure.read_bytes()).hexdigest()[:16],
        "texts": hashlib.sha256(json.dumps(sources).encode()).hexdigest()[:16],
        "processor": processor,
    }
    today = f"{datetime.date.today():%Y-%m-%d}"
    save = options.save or RECORDS / f"ablation-{today}.jsonl"
    kept = Rows(save, sorted(save.parent.glob("ablation-*.jsonl")))
    now = commit()

    def rows() -> list[dict[str, Any]]:
        return [row for row in kept.rows if known.items() <= row.items()]

    listed = subprocess.run(
        [measure, "--list", "--presets", options.presets], capture_output=True, text=True, check=True
    ).stdout
    parts = [tuple(line.split("\t")) for line in listed.splitlines()]
    parts = [part for part in parts if fnmatch.fnmatch(part[2], options.only)]
    done = {(str(row["preset"]), row["sort"], row["part"]) for row in summed(rows(), list(sources))}
    tasks = []
    for preset in options.presets.split(","):
        left = [part for part in parts if part[0] == preset and part not in done]
        tasks += [(preset, left[i : i + BESIDE]) for i in range(0, len(left), BESIDE)]

    with tempfile.TemporaryDirectory(prefix="foretold-ablation-") as folder:
        for name, text in contents.items():
            Path(folder, name).write_bytes(text)

        def work(task: tuple[str, list[tuple[str, ...]]]) -> None:
            preset, left = task
            print(f"preset {preset} without {', '.join(name for _, _, name in left)}", flush=True)
            command = [str(measure), "--presets", preset]
            for _, sort, name in left:
                command += ["--part", f"{sort}:{name}"]
            command += [str(Path(folder, name)) for name in sources]
            output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            kept.add({**row, **known, "commit": now, "date": today} for row in parse(output))

        in_turn(tasks, work, options.jobs)
    wanted = [row for row in rows() if (str(row["preset"]), row["sort"], row["part"]) in parts]
    commits = ", ".join(dict.fromkeys(row["commit"] for row in wanted)) or now
    made = {"commit": commits, "date": today, "processor": processor}
    options.output.write_text(document(wanted, sources, made, len(parts)), encoding="utf-8")
    print(f"written: {options.output}")


if __name__ == "__main__":
    main()
