"""Writes docs/PRIMES.md: what a prior of so much text saves, from half a megabyte to all of a folder.

    python benches/primes.py [--preset 5] [--sizes 0.5,1,2,4,8,16,32,all] [--from train/wiki]
    python benches/primes.py [--preset 9] --recipe FILE.ftp...

For each size pieces of 20 KB are drawn from the files below --from (FORETOLD_CORPORA's train/ unless
given) with ``random.Random(1)``, a prior is made of them, with English and without, and contents are
compressed with it. A run that was interrupted goes on: rows are kept in benches/records as JSON lines,
known by the preset, where it starts and the pieces. With --recipe, priors are measured that ``foretold
prior train --recipe english`` made.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

from running import RECORDS, ROOT, Rows, commit

import foretold
from foretold.cli.plot import save
from foretold.cli.quantities import preset_number

TARGET = ROOT / "docs" / "PRIMES.md"
PICTURE = "primes.svg"
RECORD = RECORDS / "primes.jsonl"
PIECE = 20_000
MEGABYTE = 1_000_000
CONTENTS = {"enwik6": "enwik6", "dickens, 1 MB": "dickens", "alice29": "canterbury/alice29.txt"}
"""What is compressed: the first megabyte, at most, of these files in bench/."""


def pieces(folder: Path, size: int | None) -> list[bytes]:
    """So many bytes of the folder's texts in pieces, or all texts as they are."""
    texts = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]
    if size is None:
        return texts
    every = [text[at : at + PIECE] for text in texts for at in range(0, len(text) - PIECE + 1, PIECE)]
    random.Random(1).shuffle(every)
    return every[: size // PIECE]


def measured(
    preset: int | str, samples: list[bytes], english: bool, contents: dict[str, bytes]
) -> dict[str, Any]:
    """One row: how long making the prior took, its file's length, and what contents come to with it."""
    knowledge = "auto" if english else "none"
    started = time.process_time()
    prior = None
    if samples:
        prior = foretold.train_prior(samples, preset, max_bytes=2 << 30, knowledge=knowledge)
    return {"seconds": round(time.process_time() - started, 1)} | sizes_with(
        prior, preset, contents, knowledge
    )


def sizes_with(
    prior: foretold.Prior | None, preset: int | str, contents: dict[str, bytes], knowledge: str = "auto"
) -> dict[str, Any]:
    """The prior's length, and what contents come to with it."""
    row: dict[str, Any] = {"prior_bytes": 0 if prior is None else prior.file_bytes}
    for name, content in contents.items():
        how = {"prior": prior} if prior is not None else {"knowledge": knowledge}
        archive = foretold.compress(content, preset, **how)
        if foretold.decompress(archive, prior=prior) != content:
            raise AssertionError(f"{name} does not come back")
        row[name] = len(archive)
    return row


def is_recipe(row: dict[str, Any]) -> bool:
    """Whether the row is one of a prior that a recipe made."""
    return row.get("recipe", False)


def place(row: dict[str, Any]) -> tuple[bool, bool, int, int]:
    """Where a row stands in its preset's table."""
    return is_recipe(row), row["english"], row["read"], row["prior_bytes"]


def report(rows: list[dict[str, Any]]) -> str:
    """The page, of all rows."""
    lines = [
        "# Priors: size against gain",
        "",
        "What a prior made of so many bytes of related text saves. Pieces of 20 KB, drawn from the training",
        "texts with a fixed seed; *all* are the texts themselves. Archives were decoded and compared, sizes",
        "are in bytes; what a prior takes as a file is no part of them.",
        f"Made by `python benches/primes.py`; rows in `benches/records/{RECORD.name}`.",
        "",
        f"![What priors save]({PICTURE})",
        "",
        "A prior keeps the state of a model, and a model's slot table holds what some megabytes of text",
        "leave in it: 64 MiB at preset 5, at 9 256 MiB for short contents and 1 GiB for long ones. What",
        "comes beyond that takes the place of what came before. English, as it comes with the package, is",
        "of another sort: counts of short strings, condensed from all 166 MB. Beside it a mixture of texts",
        "adds nothing; what is more like the content than English is does (README, 'Results'). A larger",
        "English is made of the same texts with `--recipe english --size SIZE`: more of the counts.",
        "",
    ]
    for preset in dict.fromkeys(row["preset"] for row in rows):
        mine = [row for row in rows if row["preset"] == preset]
        lines += [
            f"## Preset {preset}",
            "",
            "| starts from | text read | prior's file | " + " | ".join(CONTENTS) + " |",
            "|---|--:|--:|" + "--:|" * len(CONTENTS),
        ]
        for row in sorted(mine, key=place):
            start = "English" if row["english"] else "nothing"
            file = f"{row['prior_bytes']:,}" if row["prior_bytes"] else ""
            sizes = " | ".join(f"{row[name]:,}" for name in CONTENTS)
            read = f"{row['read']:,}"
            if is_recipe(row):
                start, read = "a larger English", "condensed"
            lines.append(f"| {start} | {read} | {file} | {sizes} |")
        lines.append("")
    return "\n".join(lines)


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Bytes saved, of what the content takes from nothing, against the text that was read."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    presets = list(dict.fromkeys(row["preset"] for row in rows))
    figure = Figure(figsize=(5.2 * len(presets), 4), layout="constrained")
    FigureCanvasAgg(figure)
    charts = figure.subplots(1, len(presets), sharey=True, squeeze=False)[0]
    for axes, preset in zip(charts, presets, strict=True):
        mine = [row for row in rows if row["preset"] == preset]
        plain = next((row for row in mine if not row["english"] and row["read"] == 0), None)
        for number, name in enumerate(CONTENTS):
            for english in (False, True):
                dots = sorted(
                    (row["read"] / MEGABYTE, 100 * (1 - row[name] / plain[name]))
                    for row in mine
                    if plain and row["english"] == english and row["read"]
                )
                if dots:
                    label = f"{name}, beside English" if english else name
                    axes.plot(
                        *zip(*dots, strict=True),
                        "o-" if english else "s--",
                        color=f"C{number}",
                        label=label,
                    )
        axes.set_xscale("log")
        axes.set_title(f"preset {preset}")
        axes.set_xlabel("text read, megabytes")
        axes.grid(alpha=0.3)
    charts[0].set_ylabel("smaller than from nothing, per cent")
    handles, labels = charts[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(CONTENTS), fontsize="small")
    save(figure, path)


def asked(corpora: str | None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", default=5, type=preset_number, help="1 to 9, or max")
    sizes = "0,0.5,1,2,4,8,16,32"
    parser.add_argument("--sizes", default=sizes, help="megabytes, or all; 0: without a prior")
    parser.add_argument("--from", dest="folder", type=Path, default=corpora and Path(corpora, "train"))
    parser.add_argument("--recipe", type=Path, nargs="*", default=[], help="priors to measure, and no others")
    parser.add_argument("--start", choices=("english", "nothing", "both"), default="both")
    arguments = parser.parse_args()
    if not corpora or arguments.folder is None or not arguments.folder.is_dir():
        parser.error("FORETOLD_CORPORA must name the folder of the corpora, --from one of texts")
    return arguments


def main() -> int:
    """Measure what is asked for and is not on record, and write the page."""
    corpora = os.environ.get("FORETOLD_CORPORA")
    arguments = asked(corpora)
    contents = {
        name: Path(corpora or "", "bench", file).read_bytes()[:MEGABYTE] for name, file in CONTENTS.items()
    }
    record = Rows(RECORD)
    for path in arguments.recipe:
        prior = foretold.Prior(path)
        key = {"preset": arguments.preset, "english": True, "recipe": True, "samples": prior.digest[:16]}
        if not any(key.items() <= row.items() for row in record.rows):
            row = key | {"read": 0} | sizes_with(prior, arguments.preset, contents) | {"commit": commit()}
            record.add([row])
            print(row, flush=True)
    for wanted in [] if arguments.recipe else arguments.sizes.split(","):
        samples = pieces(arguments.folder, None if wanted == "all" else int(float(wanted) * MEGABYTE))
        digest = hashlib.sha256(b"".join(samples)).hexdigest()[:16]
        for english in (False, True):
            if arguments.start == ("nothing" if english else "english"):
                continue
            key = {
                "preset": arguments.preset,
                "english": english,
                "read": sum(map(len, samples)),
                "samples": digest,
            }
            if any(key.items() <= row.items() for row in record.rows):
                continue
            row = key | measured(arguments.preset, samples, english, contents) | {"commit": commit()}
            record.add([row])
            print(row, flush=True)
    TARGET.write_text(report(record.rows) + "\n")
    draw(record.rows, TARGET.parent / PICTURE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
