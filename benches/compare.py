"""Runs the benchmarks, compares with the last record, and names what got worse.

    python benches/compare.py            run, compare; ends with 1 if something got worse
    python benches/compare.py --record   the same, and keep the run as a dated record
    python benches/compare.py --from run.json    compare what pytest-benchmark has saved

Worse is: any growth of an archive, and a speed that fell by more than 10 %. Speeds are ratios to a
peer timed in the same run. What seems slower is measured twice more and the best counts, for a busy
machine can only make it slower. Other arguments go to pytest (``-k topics``).
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RECORDS = HERE / "records"
SLOWER_BY = 0.10

Key = tuple[str, str]


@dataclass(frozen=True)
class Regression:
    """Something that got worse."""

    corpus: str
    sha256: str
    engine: str
    what: str
    """``size``, ``compress`` or ``decompress``."""
    before: float
    now: float

    def __str__(self) -> str:
        if self.what == "size":
            change = f"{self.before:,.0f} -> {self.now:,.0f} bytes (+{self.now - self.before:,.0f})"
        else:
            fall = 100 * (1 - self.now / self.before)
            change = f"{self.what} speed {self.before:.3g} -> {self.now:.3g} of the peer's (-{fall:.0f} %)"
        return f"{self.engine} on {self.corpus}: {change}"


def rows_of(run: dict[str, Any]) -> list[dict[str, Any]]:
    """A record's rows, one for each engine and corpus, from what pytest-benchmark has saved."""
    rows: dict[Key, dict[str, Any]] = {}
    for bench in run["benchmarks"]:
        info = bench["extra_info"]
        row = rows.setdefault(
            (info["sha256"], info["engine"]),
            {name: info[name] for name in ("corpus", "sha256", "content_bytes", "engine", "line")},
        )
        row["archive_bytes"] = info["archive_bytes"]
        row[f"{info['direction']}_speed_ratio"] = float(f"{info['speed_ratio']:.4g}")
        row[f"{info['direction']}_mb_s"] = float(f"{info['mb_s']:.4g}")
    return list(rows.values())


def last_record(folder: Path = RECORDS) -> tuple[Path, dict[str, Any]] | None:
    """The newest record: names begin with the date, and a number follows from the day's second on."""
    paths = sorted(folder.glob("*.json"), key=lambda path: path.stem)
    return (paths[-1], json.loads(paths[-1].read_text())) if paths else None


def regressions(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[Regression]:
    """What got worse, of our own engines, on contents that both know by their SHA-256."""
    old = {(row["sha256"], row["engine"]): row for row in before}
    worse = []
    for row in now:
        past = old.get((row["sha256"], row["engine"]))
        if past is None or row["line"] != "foretold":
            continue
        place = (row["corpus"], row["sha256"], row["engine"])
        if row["archive_bytes"] > past["archive_bytes"]:
            worse.append(Regression(*place, "size", past["archive_bytes"], row["archive_bytes"]))
        for direction in ("compress", "decompress"):
            name = f"{direction}_speed_ratio"
            if name in row and name in past and row[name] < (1 - SLOWER_BY) * past[name]:
                worse.append(Regression(*place, direction, past[name], row[name]))
    return worse


def changes(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[str]:
    """What else is different: smaller archives, rows without a counterpart."""
    old = {(row["sha256"], row["engine"]): row for row in before}
    lines = []
    for row in now:
        if row["line"] != "foretold":
            continue
        past = old.pop((row["sha256"], row["engine"]), None)
        if past is None:
            lines.append(f"{row['engine']} on {row['corpus']}: no earlier figures for this content")
        elif row["archive_bytes"] < past["archive_bytes"]:
            saved = past["archive_bytes"] - row["archive_bytes"]
            lines.append(f"{row['engine']} on {row['corpus']}: {saved:,} bytes smaller")
    return lines


def measure(arguments: list[str], what: list[str] | None = None) -> dict[str, Any]:
    """Runs the benchmarks, all or those named, and returns what pytest-benchmark saves."""
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder, "run.json")
        command = [sys.executable, "-m", "pytest", *(what or [str(HERE)]), "-q", "-p", "no:cacheprovider"]
        command += ["--benchmark-only", "--benchmark-columns=median,rounds", f"--benchmark-json={saved}"]
        code = subprocess.run([*command, *arguments], check=False).returncode
        if code:
            sys.exit(f"the benchmarks failed with code {code}")
        run: dict[str, Any] = json.loads(saved.read_text())
        return run


def measure_again(worse: list[Regression], rows: list[dict[str, Any]]) -> None:
    """Gives what seems slower another chance: the best speed counts."""
    by_place = {(row["sha256"], row["engine"]): row for row in rows}
    slower = [one for one in worse if one.what != "size"]
    nodes = [f"{one.corpus}-{one.engine.replace(' ', '')}-{one.what}" for one in slower]
    if not nodes:
        return
    print(f"\nmeasuring again: {', '.join(nodes)}")
    ids = [f"{HERE / 'test_speed.py'}::test_speed[{node}]" for node in nodes]
    for again in rows_of(measure([], ids)):
        row = by_place[again["sha256"], again["engine"]]
        for name in again:
            if name.endswith(("_speed_ratio", "_mb_s")):
                row[name] = max(row[name], again[name])


def keep(rows: list[dict[str, Any]], run: dict[str, Any], folder: Path = RECORDS) -> Path:
    """Writes a dated record; the second of a day gets a number."""
    import foretold
    from foretold.cli.measuring import machine

    today = f"{datetime.date.today():%Y-%m-%d}"
    number = 1 + len(list(folder.glob(f"{today}*.json")))
    path = folder / (f"{today}.json" if number == 1 else f"{today}-{number:02d}.json")
    commit = run.get("commit_info", {})
    record = {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "version": foretold.__version__,
        "generation": foretold.FORMAT_GENERATION,
        "commit": commit.get("id"),
        "machine": machine(),
        "reference": next((bench["extra_info"]["reference"] for bench in run["benchmarks"]), None),
        "rows": rows,
    }
    folder.mkdir(exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")
    return path


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--record", action="store_true", help="keep this run as a dated record")
    parser.add_argument("--from", dest="saved", type=Path, help="what pytest-benchmark has saved")
    parser.add_argument("--records", type=Path, default=RECORDS, help="folder of the records")
    options, rest = parser.parse_known_args()
    run = json.loads(options.saved.read_text()) if options.saved else measure(rest)
    rows = rows_of(run)
    last = last_record(options.records)
    worse: list[Regression] = []
    if last is None:
        print("\nno earlier record to compare with")
    else:
        path, record = last
        worse = regressions(record["rows"], rows)
        if not options.saved:
            for _ in range(2):
                measure_again(worse, rows)
                worse = regressions(record["rows"], rows)
        print(
            f"\ncompared with {path.name} (foretold {record['version']}, {record['machine']['processor']}):"
        )
        for line in changes(record["rows"], rows):
            print(f"  {line}")
        for one in worse:
            print(f"  WORSE  {one}")
        if not worse:
            print("  nothing got worse")
    if options.record:
        print(f"recorded as {keep(rows, run, options.records)}")
    sys.exit(1 if worse else 0)


if __name__ == "__main__":
    main()
