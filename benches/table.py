"""Writes the README's table of results from what ``foretold bench --save`` has measured.

    foretold bench FILE... --presets 1,5,9 --cpu-time --repeat 3 --save results.json
    python benches/table.py results.json...

The rows stand between two marks; what is between them is replaced.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- results -->\n", "<!-- end of results -->\n"


def table(records: list[dict[str, Any]]) -> str:
    """Markdown: one row for each file and engine, smallest archive first."""
    lines = []
    for record in records:
        machine = record["machine"]
        note = (
            f"foretold {record['version']} (generation {record['generation']}), {record['date'][:10]}, "
            f"{machine['processor']}, {record['threads']} thread{'s' * (record['threads'] > 1)}"
        )
        if note not in lines:
            lines.append(note)
    lines = ["Measured with " + "; ".join(lines) + ".", ""]
    lines += [
        "| data | command | archive, bytes | bits per byte | in, MB/s | out, MB/s | memory in / out, MiB |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    rows = [row for record in records for row in record["rows"] if row["error"] is None]
    files = list(dict.fromkeys((row["file"], row["sha256"]) for row in rows))
    for place in files:
        mine = [row for row in rows if (row["file"], row["sha256"]) == place]
        for row in sorted(mine, key=lambda row: row["archive_bytes"]):
            ours = row["line"] == "foretold"
            mark = "**" if ours else ""
            memory = [row[f"{name}_memory_bytes"] / (1 << 20) for name in ("compress", "decompress")]
            lines.append(
                f"| {row['file']} | `{row['command']}` | {mark}{row['archive_bytes']:,}{mark} | "
                f"{row['bits_per_byte']:.3f} | {row['compress_mb_s']:.3g} | {row['decompress_mb_s']:.3g} | "
                f"{memory[0]:,.0f} / {memory[1]:,.0f} |"
            )
    lines += ["", "The files, by SHA-256: " + ", ".join(f"{name} `{digest}`" for name, digest in files) + "."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """The command."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    records = [json.loads(Path(path).read_text()) for path in sys.argv[1:]]
    text = README.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"README.md lacks the marks {BEGIN.strip()} and {END.strip()}")
    README.write_text(f"{before}{BEGIN}\n{table(records)}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
