"""The page and the pictures that ``frontier.py`` writes."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from frontier_rows import (
    BARS,
    COST,
    DECODING_TIME,
    GROUPS,
    LARGE,
    PICTURES,
    PRESETS,
    STEP,
    XZ,
    ZPAQ,
    Bar,
    Kept,
    Row,
    ours,
    published_size,
)

__all__ = ["draw", "page", "size_verdict", "speed_verdict", "verdict"]

Sizes = dict[tuple[str, str], tuple[int, int]]

NONE = "-"
SPARE_BYTES = 64 << 20
"""Interpreter and libraries, in the process whose peak is measured."""


def size_verdict(below_bytes: int | None, size: int | None) -> str | None:
    """What to say of a size; None where nothing is asked."""
    if below_bytes is None:
        return None
    if size is None:
        return "not measured"
    if size < below_bytes:
        return "reached"
    return f"missed by {100 * (size - below_bytes + 1) / below_bytes:.2f} %"


def speed_verdict(times: float, ratio: float | None) -> str:
    """What to say of a speed, in units of the peer's."""
    if ratio is None:
        return "speed not measured"
    return "reached" if ratio >= times else f"speed missed by {100 * (1 - ratio / times):.0f} %"


def verdict(bar: Bar, size: int | None, ratio: float | None) -> str:
    """What to say of a row."""
    of_size = size_verdict(bar.below_bytes, size)
    if of_size == "not measured" or (size is None and of_size is None):
        return "not measured"
    said = [of_size] if of_size else []
    if bar.faster_than:
        said.append(speed_verdict(bar.times, ratio))
    if all(one == "reached" for one in said):
        return "**reached**" if said else NONE
    if said[0] == "reached":
        said[0] = "size reached"
    if said[-1] == "reached":
        said[-1] = "speed reached"
    return ", ".join(one for one in said if one)


def number(value: int | None) -> str:
    return NONE if value is None else f"{value:,}"


def ratio_text(value: float | None, digits: int = 3) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def memory(row: Row | None) -> str:
    """Peak of the process, and what the archive declares, in MiB."""
    if row is None:
        return NONE
    peaks = [row.get(f"{direction}_memory_bytes") or 0 for direction in ("compress", "decompress")]
    declared = row.get("declared_memory_bytes")
    return f"{max(peaks) / (1 << 20):,.0f}" + (f" / {declared / (1 << 20):,.0f}" if declared else "")


def over_memory(row: Row) -> bool:
    """Whether a process took more than declared, its content and the interpreter."""
    allowed = row["declared_memory_bytes"] + 4 * row["content_bytes"] + SPARE_BYTES
    return any((row[f"{one}_memory_bytes"] or 0) > allowed for one in ("compress", "decompress"))


def decoding_time(row: Row | None) -> float | None:
    """Decompression's time in units of compression's."""
    if row is None or not row.get("decompress_cpu_seconds") or not row.get("compress_cpu_seconds"):
        return None
    return float(row["decompress_cpu_seconds"] / row["compress_cpu_seconds"])


def page(
    kept: Kept,
    groups: dict[str, list[str]],
    sizes: Sizes,
    made: dict[str, str],
    missing: Collection[str] = (),
) -> str:
    """The page, in Markdown.

    Parameters
    ----------
    kept : Kept
        What was measured.
    groups : dict
        Contents of each group.
    sizes : dict
        Published sizes of peers.
    made : dict
        ``commit``, ``date``, ``machine`` and ``build``.
    missing : collection of str
        Contents and peers that are not on this machine.
    """
    bars, reached = _bars(kept, sizes, missing)
    asked = sum(bar.below_bytes is not None or bar.faster_than is not None for bar in BARS)
    lines = [
        "# The frontier",
        "",
        "Written by `make frontier`: every figure asked for, what was reached, and the peers beside it. "
        "Sizes are exact, the container included, and the same on every machine. Each archive was decoded "
        "and compared. Speeds are ratios of processor time to a peer that took turns with us on one core; "
        "a tilde marks those measured while the other cores were at work, *by zpaq* those that follow from "
        "our ratio to zpaq here and zpaq's to that peer on other files.",
        "",
        f"Commit `{made['commit']}`, build `{made['build']}`, {made['date']}, {made['machine']}.",
        *(["", f"Not on this machine: {', '.join(sorted(missing))}."] if missing else []),
        "",
        "## Bars",
        "",
        f"{reached} of {asked} rows reached. *Of the peer's size* is our size over that of the peer named; "
        "a dagger marks a published size. *Out / in* is decompression's time over compression's. Memory is "
        "the peak of the process, interpreter and content included, and what the archive declares.",
        "",
        *bars,
        "",
        "## Groups, preset 9",
        "",
        *_sums(kept, groups),
        "",
        "## What else is asked",
        "",
        *_checks(kept),
        "",
        "## Size against speed",
        "",
    ]
    for content in PICTURES:
        lines += [
            f"![Size against speed on {content}](frontier-{content}.svg)",
            "",
            *_table(kept, content),
            "",
        ]
    lines += ["## Files of the groups", ""]
    for group in GROUPS:
        lines += [f"### {group}", "", *_files(kept, groups.get(group, []), sizes), ""]
    lines += ["## Commands", ""]
    commands = dict.fromkeys((row["engine"], row["command"], row["build"]) for row in kept.rows)
    lines += [
        f"- {engine}: `{command}`, build `{build}`"
        for engine, command, build in sorted(commands)
        if not engine.startswith("foretold")
    ]
    lines += ["", "## Files, by SHA-256", "", "| file | bytes | SHA-256 |", "|---|--:|---|"]
    files = {row["content"]: row for row in kept.rows}
    lines += [
        f"| {name} | {row['content_bytes']:,} | `{row['sha256']}` |" for name, row in sorted(files.items())
    ]
    return "\n".join(lines) + "\n"


def _peer_size(kept: Kept, sizes: Sizes, engine: str, content: str) -> tuple[int | None, str]:
    """The size, and a dagger if it is published rather than measured."""
    row = kept.latest(content, engine)
    if row is not None:
        return row["archive_bytes"], ""
    length = next((row["content_bytes"] for row in kept.rows if row["content"] == content), None)
    if length is None:
        return None, ""
    size = published_size(sizes, engine, content, length)
    return size, "" if size is None else "†"


def _bars(kept: Kept, sizes: Sizes, missing: Collection[str]) -> tuple[list[str], int]:
    lines = [
        "| preset | file | below, bytes | bytes | peer | of the peer's size | speed asked | speed | "
        "of zpaq's speed | out / in | memory, MiB | |",
        "|--:|---|--:|--:|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    reached = 0
    for bar in BARS:
        row = kept.latest(bar.content, ours(bar.preset))
        size = row["archive_bytes"] if row else None
        speed = kept.speed_beside(bar.content, ours(bar.preset), bar.faster_than) if bar.faster_than else None
        against = kept.speed(bar.content, ours(bar.preset), ZPAQ)
        peer, mark = _peer_size(kept, sizes, bar.beside, bar.content)
        said = verdict(bar, size, speed["ratio"] if speed else None)
        if row is None and bar.content in missing:
            said = "file missing"
        reached += said == "**reached**"
        asked = f"{bar.times:g} times {bar.faster_than}" if bar.faster_than else NONE
        lines.append(
            f"| {bar.preset} | {short(bar.content)} | {number(bar.below_bytes)} | {number(size)} | "
            f"{bar.beside} {number(peer)}{mark} | {ratio_text(size / peer if size and peer else None, 4)} | "
            f"{asked} | {_speed(speed)} | {_speed(against)} | {ratio_text(decoding_time(row), 2)} | "
            f"{memory(row)} | {said} |"
        )
    return lines, reached


def _speed(speed: Row | None) -> str:
    if speed is None:
        return NONE
    return (
        ("" if speed["alone"] else "~") + f"{speed['ratio']:.3g}" + (" by zpaq" if "derived" in speed else "")
    )


def short(content: str) -> str:
    """A path's last part, without what makes a table too wide."""
    name = content.rpartition("/")[2]
    return name if len(name) <= 40 else name[:37] + "..."


def group_sum(kept: Kept, files: list[str]) -> dict[str, Any]:
    """Sums over the files that we and zpaq have coded, and the files on which we are behind."""
    both = []
    for content in files:
        mine, theirs = kept.latest(content, ours(9)), kept.latest(content, ZPAQ)
        if mine and theirs:
            both.append((content, mine, theirs))
    return {
        "files": len(both),
        "content_bytes": sum(mine["content_bytes"] for _, mine, _ in both),
        "ours": sum(mine["archive_bytes"] for _, mine, _ in both),
        "zpaq": sum(theirs["archive_bytes"] for _, _, theirs in both),
        "behind": [c for c, mine, theirs in both if mine["archive_bytes"] > theirs["archive_bytes"]],
    }


def group_verdict(share: float | None, found: dict[str, Any], files: int) -> str:
    """What to say of a group."""
    if found["files"] < files or not files:
        return f"not measured: {files - found['files']} of {files} files" if files else "no files"
    said = []
    if found["behind"]:
        said.append(f"behind on {', '.join(map(short, found['behind']))}")
    if share is not None and found["ours"] > share * found["zpaq"]:
        said.append(f"sum missed by {100 * (found['ours'] / (share * found['zpaq']) - 1):.2f} %")
    return "; ".join(said) or "**reached**"


def _sums(kept: Kept, groups: dict[str, list[str]]) -> list[str]:
    lines = [
        "No file may be behind zpaq -m5, and the sums are asked to be a tenth below its.",
        "",
        "| group | files | bytes | foretold -9 | zpaq -m5 | ours / zpaq's | asked | |",
        "|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    for group, share in GROUPS.items():
        files = groups.get(group, [])
        found = group_sum(kept, files)
        ratio = found["ours"] / found["zpaq"] if found["zpaq"] else None
        lines.append(
            f"| {group} | {found['files']} | {found['content_bytes']:,} | {found['ours']:,} | "
            f"{found['zpaq']:,} | {ratio_text(ratio, 4)} | {ratio_text(share, 1)} | "
            f"{group_verdict(share, found, len(files))} |"
        )
    return lines


def _files(kept: Kept, files: list[str], sizes: Sizes) -> list[str]:
    lines = [
        "| file | bytes | foretold -9 | zpaq -m5 | ours / zpaq's | xz -9e | out / in | memory, MiB | |",
        "|---|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    for content in files:
        row = kept.latest(content, ours(9))
        size = row["archive_bytes"] if row else None
        zpaq, mark = _peer_size(kept, sizes, ZPAQ, content)
        xz, xz_mark = _peer_size(kept, sizes, XZ, content)
        said = "not measured" if not size or not zpaq else "behind" if size > zpaq else "ahead"
        lines.append(
            f"| {content.rpartition('/')[2]} | {number(row['content_bytes'] if row else None)} | "
            f"{number(size)} | {number(zpaq)}{mark} | {ratio_text(size / zpaq if size and zpaq else None)} | "
            f"{number(xz)}{xz_mark} | {ratio_text(decoding_time(row), 2)} | {memory(row)} | {said} |"
        )
    return lines


def steps(kept: Kept, content: str) -> tuple[list[str], int]:
    """Presets that are not smaller than the one before, or too slow beside it; and how many were compared."""
    wrong, compared = [], 0
    for preset in PRESETS[1:]:
        rows = [kept.latest(content, ours(one)) for one in (preset - 1, preset)]
        speeds = [kept.speed(content, ours(one), ZPAQ) for one in (preset - 1, preset)]
        if rows[0] is None or rows[1] is None or speeds[0] is None or speeds[1] is None:
            continue
        compared += 1
        if rows[1]["archive_bytes"] >= rows[0]["archive_bytes"]:
            wrong.append(f"-{preset} is not smaller than -{preset - 1}")
        share = speeds[1]["ratio"] / speeds[0]["ratio"]
        if share < STEP:
            wrong.append(f"-{preset} has {share:.2f} of -{preset - 1}'s speed")
    return wrong, compared


def _checks(kept: Kept) -> list[str]:
    lines = ["| asked | found | |", "|---|---|---|"]
    for preset in (5, 9):
        cost = kept.cost(preset)
        said = "not measured" if cost is None else "**reached**" if cost <= COST else "missed"
        lines.append(
            f"| preset {preset}: a byte of {LARGE} costs at most {COST} times a byte of its first megabyte | "
            f"{ratio_text(cost, 2)} | {said} |"
        )
    wrong, compared = steps(kept, PICTURES[0])
    said = "missed" if wrong else "**reached**" if compared == len(PRESETS) - 1 else "not measured"
    lines.append(
        f"| each preset on {PICTURES[0]} is smaller than the last and has half its speed or more | "
        f"{'; '.join(wrong) or f'{compared} steps'} | {said} |"
    )
    mine = [row for row in kept.rows if row["line"] == "foretold"]
    slowest: tuple[float, str] | None = None
    for place in dict.fromkeys((row["content"], row["engine"]) for row in mine):
        row = kept.latest(*place)
        ratio = decoding_time(row)
        # Times of a few milliseconds say nothing.
        if row and ratio and row["compress_cpu_seconds"] > 1 and (slowest is None or ratio > slowest[0]):
            slowest = ratio, f"{place[1]} on {short(place[0])}"
    found = NONE if slowest is None else f"at most {slowest[0]:.2f}: {slowest[1]}"
    said = "not measured" if slowest is None else "**reached**" if slowest[0] <= DECODING_TIME else "missed"
    lines.append(
        f"| decompression takes at most {DECODING_TIME} times compression's time | {found} | {said} |"
    )
    over = [f"{row['engine']} on {short(row['content'])}" for row in mine if over_memory(row)]
    found = "; ".join(dict.fromkeys(over)) or f"{len(mine)} runs"
    said = "missed" if over else "**reached**" if mine else "not measured"
    lines.append(
        f"| memory as declared, with content and {SPARE_BYTES >> 20} MiB beside it | {found} | {said} |"
    )
    return lines


def points(kept: Kept, content: str) -> list[Row]:
    """One row for each engine on a content: its size, and its speed in units of zpaq's."""
    found = []
    for engine in dict.fromkeys(row["engine"] for row in kept.rows if row["content"] == content):
        row, speed = kept.latest(content, engine), kept.speed(content, engine, ZPAQ)
        out = kept.speed(content, engine, ZPAQ, "decompress")
        if row is not None and speed is not None:
            found.append(
                row | {"file": content, "speed": speed["ratio"], "out_speed": out["ratio"] if out else None}
            )
    return sorted(found, key=lambda row: (row["archive_bytes"], row["engine"]))


def _table(kept: Kept, content: str) -> list[str]:
    lines = [
        "| engine | bytes | bits per byte | speed in, of zpaq's | out | memory, MiB |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for row in points(kept, content):
        mark = "**" if row["line"] == "foretold" else ""
        out = NONE if row["out_speed"] is None else f"{row['out_speed']:.3g}"
        lines.append(
            f"| {row['engine']} | {mark}{row['archive_bytes']:,}{mark} | {row['bits_per_byte']:.3f} | "
            f"{row['speed']:.3g} | {out} | {memory(row)} |"
        )
    return lines


def draw(kept: Kept, content: str, path: Path) -> bool:
    """Draws a content's sizes over speeds; says whether there was anything to draw."""
    from foretold.cli import plot

    rows = points(kept, content)
    if not rows:
        return False
    label = f"speed of compression, {ZPAQ} being 1 (faster is right)"
    plot.draw(rows, path, [("speed", "size against speed")], label)
    return True
