"""``make frontier`` and ``make ablation``: what they plan, keep, conclude and write."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import foretold

BENCHES = Path(__file__).parent.parent / "benches"
MODULES = ("running", "frontier_rows", "frontier_report", "ablation", "corpora")


@pytest.fixture(scope="module")
def benches() -> Iterator[dict[str, Any]]:
    sys.path.insert(0, str(BENCHES))
    try:
        yield {name: importlib.import_module(name) for name in MODULES}
    finally:
        sys.path.remove(str(BENCHES))
        for name in MODULES:
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def rows(benches: dict[str, Any]) -> Any:
    return benches["frontier_rows"]


@pytest.fixture(scope="module")
def report(benches: dict[str, Any]) -> Any:
    return benches["frontier_report"]


@pytest.fixture(scope="module")
def running(benches: dict[str, Any]) -> Any:
    return benches["running"]


@pytest.fixture(scope="module")
def ablation(benches: dict[str, Any]) -> Any:
    return benches["ablation"]


def a_row(
    content: str, engine: str, size: int = 1000, seconds: float = 2.0, **changed: Any
) -> dict[str, Any]:
    return {
        "content": content,
        "engine": engine,
        "line": "foretold" if engine.startswith("foretold") else engine.split()[0],
        "command": engine,
        "session": f"{content} {engine}",
        "id": "one",
        "alone": True,
        "build": "b",
        "sha256": "ab",
        "content_bytes": 10_000,
        "archive_bytes": size,
        "bits_per_byte": 8 * size / 10_000,
        "compress_cpu_seconds": seconds,
        "decompress_cpu_seconds": seconds,
        "compress_memory_bytes": 50 << 20,
        "decompress_memory_bytes": 40 << 20,
        "declared_memory_bytes": 30 << 20 if engine.startswith("foretold") else None,
        "verified": True,
        "error": None,
    } | changed


def kept(module: Any, *found: dict[str, Any], verified: bool = True) -> Any:
    return module.Kept(list(found), lambda content, engine: {"build": "b"}, verified)


# Rows on the disk


def test_rows_survive_an_interruption(running: Any, tmp_path: Path) -> None:
    path = tmp_path / "new" / "frontier-2.jsonl"
    running.Rows(path).add([{"a": 1}, {"a": 2}])
    with path.open("a") as file:
        file.write('{"a": 3, "torn')
    again = running.Rows(path)
    assert again.rows == [{"a": 1}, {"a": 2}]
    again.add([{"a": 4}])
    assert running.Rows(path).rows == [{"a": 1}, {"a": 2}, {"a": 4}]
    other = tmp_path / "new" / "frontier-1.jsonl"
    running.Rows(other).add([{"a": 0}])
    both = running.Rows(path, sorted(path.parent.glob("frontier-*.jsonl")))
    assert [row["a"] for row in both.rows] == [0, 1, 2, 4]


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_tasks_are_done_once_on_the_cores_there_are(running: Any, jobs: int) -> None:
    before = running.cores()
    done: list[int] = []
    running.in_turn([1, 2, 3, 4, 5], done.append, jobs)
    assert sorted(done) == [1, 2, 3, 4, 5]
    assert running.cores() == before

    def fails(task: int) -> None:
        raise RuntimeError(f"task {task}")

    with pytest.raises(RuntimeError, match="task"):
        running.in_turn([1, 2, 3], fails, jobs)
    assert running.cores() == before


# What counts


def test_rows_count_only_if_verified_without_error_and_of_this_build(rows: Any) -> None:
    good = a_row("a", "foretold -5")
    found = [
        good,
        good | {"build": "old"},
        good | {"error": "failed"},
        good | {"verified": False},
        good | {"content": "gone"},
    ]

    def identity(content: str, engine: str) -> dict[str, Any] | None:
        return None if content == "gone" else {"build": "b", "sha256": "ab"}

    assert rows.Kept(found, identity).rows == [good]
    assert rows.Kept(found, identity, verified=False).rows == [good, good | {"verified": False}]


def test_a_session_is_done_when_one_run_has_all_of_it(rows: Any) -> None:
    single = rows.Session("x", (("a", ("foretold -5",)),))
    pair = rows.Session("a -5", (("a", ("foretold -5", "zpaq -m5")),), alone=True)
    mine = a_row("a", "foretold -5", session="a -5")
    theirs = a_row("a", "zpaq -m5", session="a -5")
    assert not kept(rows).done(single)
    assert kept(rows, mine).done(single)
    assert not kept(rows, mine).done(pair)
    assert not kept(rows, mine, theirs | {"id": "two"}).done(pair)
    assert not kept(rows, mine | {"alone": False}, theirs | {"alone": False}).done(pair)
    assert kept(rows, mine, theirs).done(pair)


def test_speeds_are_compared_within_a_session_only(rows: Any) -> None:
    mine = a_row("a", "foretold -5", seconds=2)
    assert kept(rows, mine, a_row("a", "zpaq -m5", id="two")).speed("a", "foretold -5", "zpaq -m5") is None
    crowded = [mine | {"id": "two", "alone": False}, a_row("a", "zpaq -m5", seconds=9, id="two", alone=False)]
    found = kept(rows, mine, a_row("a", "zpaq -m5", seconds=3), *crowded)
    assert found.speed("a", "foretold -5", "zpaq -m5") == {"ratio": 1.5, "alone": True}
    crowd = kept(rows, *crowded).speed("a", "foretold -5", "zpaq -m5")
    assert crowd == {"ratio": 4.5, "alone": False}


def test_a_slow_peers_speed_follows_by_way_of_zpaq(rows: Any) -> None:
    found = kept(
        rows,
        a_row("a", "foretold -9", seconds=6, id="a"),
        a_row("a", "zpaq -m5", seconds=3, id="a"),
        a_row("b", "zpaq -m5", seconds=1, id="b"),
        a_row("b", "paq8px -8", seconds=40, id="b"),
        a_row("b", "foretold -9", seconds=4, id="b"),
    )
    speed = found.speed_beside("a", "foretold -9", "paq8px -8")
    assert speed == {"ratio": 20.0, "alone": True, "derived": True}
    assert found.speed_beside("b", "foretold -9", "paq8px -8") == {"ratio": 10.0, "alone": True}
    assert kept(rows, a_row("a", "foretold -9")).speed_beside("a", "foretold -9", "paq8px -8") is None


def test_cost_of_a_byte(rows: Any) -> None:
    part = a_row(rows.first_megabyte("nci"), "foretold -5", seconds=1, session="nci -5", content_bytes=10)
    whole = a_row("nci", "foretold -5", seconds=60, session="nci -5", content_bytes=400)
    assert kept(rows, part, whole, part | {"compress_cpu_seconds": 2}).cost(5) == pytest.approx(1.0)
    assert kept(rows, part, whole | {"id": "two"}).cost(5) is None
    assert kept(rows).cost(9) is None


# What is planned


def test_every_bar_has_a_session(rows: Any) -> None:
    groups = {"json": ["json/a.json"]}
    sessions = rows.plan(groups, [rows.ZPAQ, rows.XZ], ["all"], sizes_only=False)
    assert [one.alone for one in sessions] == sorted((one.alone for one in sessions), reverse=True)
    names = [one.name for one in sessions]
    assert len(names) == len(set(names))
    assert len({(bar.content, bar.preset) for bar in rows.BARS}) == len(rows.BARS)
    for bar in rows.BARS:
        (session,) = [one for one in sessions if one.name == f"{bar.content} -{bar.preset}"]
        engines = dict(session.steps)[bar.content]
        assert {rows.ours(bar.preset), rows.ZPAQ, *filter(None, [bar.faster_than])} <= set(engines)
    for preset in rows.PRESETS:
        for content in rows.PICTURES:
            assert f"{content} -{preset}" in names
    quick = rows.plan(groups, [rows.ZPAQ], ["enwik?"], sizes_only=True)
    pairs = [one.pairs for one in quick]
    assert all(len(one) == 1 for one in pairs)
    assert len({one[0] for one in pairs}) == len(pairs)
    slow = [content for ((content, engine),) in pairs if engine == rows.PAQ8PX]
    assert slow == ["enwik6"]
    assert [one.name for one in rows.only(sessions, "json/")] == [
        "json/a.json foretold -9",
        "json/a.json zpaq -m5",
        "json/a.json xz -9e",
        "json/a.json paq8px -8",
    ]
    assert [one.name for one in rows.only(sessions, "dickens -5")] == ["dickens -5"]


def test_published_sizes(rows: Any, tmp_path: Path) -> None:
    path = tmp_path / "peers.tsv"
    path.write_text(
        "# a comment\npeer\toptions\tfile\tinput_bytes\toutput_bytes\tnote\n"
        "paq8px v1\t-8\tenwik6\t1000000\t195006\t1 s\n"
        "kanzi\t-l 9 -b 64m\tenwik6\t1000000\t231508\t\n"
        'xz\t-9e\tlog_*.log "joined"\t3195725\t214684\t\n'
    )
    sizes = rows.published(path)
    assert rows.published(None) == {}
    assert rows.published_size(sizes, "paq8px -8", "enwik6", 1_000_000) == 195_006
    assert rows.published_size(sizes, "kanzi -l 9", "x/enwik6", 1_000_000) == 231_508
    assert rows.published_size(sizes, "xz -9e", "loghub_all.log", 3_195_725) == 214_684
    assert rows.published_size(sizes, "paq8px -8", "enwik6", 999_999) is None
    assert rows.published_size(sizes, "paq8px -8L", "enwik6", 1_000_000) is None


# What is said


@pytest.mark.parametrize(
    ("below", "times", "size", "ratio", "expected"),
    [
        (100, 5.0, 99, 5.0, "**reached**"),
        (100, 5.0, 100, 6.0, "missed by 1.00 %, speed reached"),
        (100, 5.0, 99, 4.0, "size reached, speed missed by 20 %"),
        (100, 5.0, 99, None, "size reached, speed not measured"),
        (100, 5.0, 149, 2.5, "missed by 50.00 %, speed missed by 50 %"),
        (100, 5.0, None, None, "not measured"),
        (100, None, 99, None, "**reached**"),
        (None, None, 99, None, "-"),
        (None, None, None, None, "not measured"),
    ],
)
def test_verdicts(
    rows: Any,
    report: Any,
    below: int | None,
    times: float | None,
    size: int | None,
    ratio: float | None,
    expected: str,
) -> None:
    bar = rows.Bar(5, "a", below, None if times is None else rows.ZPAQ, times or 1.0)
    assert report.verdict(bar, size, ratio) == expected


def test_groups_are_judged_by_file_and_by_sum(rows: Any, report: Any) -> None:
    files = ["json/a", "json/b"]
    measured = [a_row("json/a", "foretold -9", 100), a_row("json/a", "zpaq -m5", 120)]
    found = report.group_sum(kept(rows, *measured), files)
    assert report.group_verdict(0.9, found, 2) == "not measured: 1 of 2 files"
    measured += [a_row("json/b", "foretold -9", 130), a_row("json/b", "zpaq -m5", 125)]
    found = report.group_sum(kept(rows, *measured), files)
    assert (found["ours"], found["zpaq"], found["content_bytes"]) == (230, 245, 20_000)
    assert report.group_verdict(0.9, found, 2) == "behind on b; sum missed by 4.31 %"
    assert report.group_verdict(None, found | {"behind": []}, 2) == "**reached**"
    assert report.group_verdict(0.9, report.group_sum(kept(rows), []), 0) == "no files"


def presets_on(content: str, sizes: list[int], seconds: list[float]) -> list[dict[str, Any]]:
    found = []
    for preset, (size, time) in enumerate(zip(sizes, seconds, strict=True), 1):
        place = {"id": f"{content} {preset}"}
        found.append(a_row(content, f"foretold -{preset}", size, time, **place))
        found.append(a_row(content, "zpaq -m5", 950, 3.0, **place))
    return found


def test_steps_between_presets(rows: Any, report: Any) -> None:
    sizes, seconds = [1000 - 10 * i for i in range(9)], [1.5**i for i in range(9)]
    assert report.steps(kept(rows, *presets_on("dickens", sizes, seconds)), "dickens") == ([], 8)
    sizes[3], seconds[8] = 980, 60.0
    wrong, compared = report.steps(kept(rows, *presets_on("dickens", sizes, seconds)), "dickens")
    assert wrong == ["-4 is not smaller than -3", "-9 has 0.28 of -8's speed"]
    assert compared == 8


MADE = {"commit": "c0ffee", "date": "2026-01-01", "machine": "one", "build": "1/0/ab"}


def test_a_page_of_nothing(rows: Any, report: Any) -> None:
    page = report.page(kept(rows), {}, {}, MADE)
    asked = sum(bar.below_bytes is not None for bar in rows.BARS)
    assert f"0 of {asked} rows reached" in page
    assert page.count("not measured |") >= asked
    assert "c0ffee" in page
    page = report.page(kept(rows), {}, {}, MADE, {"nci", "zpaq -m5"})
    assert "Not on this machine: nci, zpaq -m5." in page
    assert page.count("file missing") == 1


def test_the_page(rows: Any, report: Any) -> None:
    found = [
        a_row("dickens", "foretold -5", 2_000_000, 3.0),
        a_row("dickens", "zpaq -m5", 2_094_756, 3.3),
        a_row("json/a.json", "foretold -9", 100, alone=False, decompress_memory_bytes=300 << 20),
        a_row("json/a.json", "zpaq -m5", 99),
    ]
    sizes = {("xz -9e", "a.json"): (10_000, 222)}
    page = report.page(kept(rows, *found), {"json": ["json/a.json", "json/b.json"]}, sizes, MADE)
    expected = (
        "| 5 | dickens | 2,010,000 | 2,000,000 | zpaq -m5 2,094,756 | 0.9548 | 1 times zpaq -m5 | 1.1 | 1.1 "
        "| 1.00 | 50 / 30 | **reached** |"
    )
    assert expected in page.splitlines()
    assert "| a.json | 10,000 | 100 | 99 | 1.010 | 222† | 1.00 | 300 / 30 | behind |" in page.splitlines()
    assert "not measured: 1 of 2 files" in page
    # 30 MiB declared, 64 MiB for the interpreter: 300 MiB are too many.
    assert "foretold -9 on a.json | missed |" in page
    assert f"| dickens | 10,000 | `{'ab'}` |" in page


def test_pictures_depend_on_the_rows_alone(rows: Any, report: Any, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    found = kept(rows, *presets_on("dickens", [1000 - 10 * i for i in range(9)], [1.5**i for i in range(9)]))
    assert not report.draw(kept(rows), "dickens", tmp_path / "none.svg")
    for name in ("a.svg", "b.svg"):
        assert report.draw(found, "dickens", tmp_path / name)
    text = (tmp_path / "a.svg").read_text()
    assert text == (tmp_path / "b.svg").read_text()
    assert "dc:date" not in text


# The commands


def frontier(folder: Path, *options: str) -> str:
    environment = os.environ | {"FORETOLD_CORPORA": str(folder), "PATH": ""}
    save = ["--save", str(folder / "frontier-1.jsonl"), "--output", str(folder)]
    command = [sys.executable, str(BENCHES / "frontier.py"), *save, *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def test_an_interrupted_run_continues(tmp_path: Path) -> None:
    (tmp_path / "bench" / "json").mkdir(parents=True)
    for name in ("enwik6", "nci", "json/a.json", "json/b.json"):
        (tmp_path / "bench" / name).write_bytes(b"what is told, and what is foretold: " * 20)
    said = frontier(tmp_path, "--only", "json/a.json")
    assert "1 of 3 sessions to measure" in said
    assert "not installed: zpaq -m5" in said
    said = frontier(tmp_path, "--only", "json/", "--jobs", "2")
    assert "1 of 6 sessions to measure" in said
    said = frontier(tmp_path, "--only", "e* -5", "--repeat", "1")
    assert "not found" in said
    assert "enwik6: foretold -5" in said
    assert "0 of 6 sessions to measure" in frontier(tmp_path, "--only", "json/")
    said = frontier(tmp_path, "--only", "nci -5")
    assert said.count("nci, first MB: foretold -5") == 2
    assert "0 of 1 sessions to measure" in frontier(tmp_path, "--only", "nci -5")
    kept_rows = [json.loads(line) for line in (tmp_path / "frontier-1.jsonl").read_text().splitlines()]
    places = [(row["content"], row["engine"]) for row in kept_rows[:3]]
    assert places == [
        ("json/a.json", "foretold -9"),
        ("json/b.json", "foretold -9"),
        ("enwik6", "foretold -5"),
    ]
    content = (tmp_path / "bench" / "enwik6").read_bytes()
    size = len(foretold.compress(content, 5, knowledge="none"))
    assert kept_rows[2]["archive_bytes"] == size
    assert kept_rows[2]["declared_memory_bytes"] > 0
    page = (tmp_path / "FRONTIER.md").read_text(encoding="utf-8")
    assert f"| 5 | enwik6 | 210,000 | {size:,} |" in page
    assert "file missing" in page
    assert "xz -9e, " in page


PRINTED = """preset\tsort\tpart\tfile\tbytes\tseconds\tdelta_bytes\twhole_seconds
5\tcontexts\tword\ta\t110\t0.9\t10\t1.0
5\tcontexts\tword\tb\t205\t0.8\t5\t1.0
5\tselector\tcolumn\ta\t99\t1.1\t-1\t1.0
5\tselector\tcolumn\tb\t200\t1.1\t0\t1.0
5\tselector\tclasses\ta\t140\t1.0\t40\t1.0
1\truns\tall\ta\t150\t0.5\t0\t0.5
1\truns\tall\tb\t250\t0.5\t0\t0.5
"""


def test_the_ablation_table(ablation: Any) -> None:
    found = list(ablation.parse(PRINTED))
    sums = ablation.summed(found, ["a", "b"])
    # Only what all files were coded without; by preset, the largest gain first.
    assert [(row["preset"], row["part"], row["gain_bytes"]) for row in sums] == [
        (1, "all", 0),
        (5, "word", 15),
        (5, "column", -1),
    ]
    page = ablation.document(
        found,
        {"a": (1000, "aa"), "b": (2000, "bb")},
        {"commit": "c0ffee", "date": "2026-01-01", "processor": "one"},
        expected=4,
    )
    assert "| word | contexts | 15 | 5.00 % | 10 | 5 | 15 % |" in page.splitlines()
    assert "| column | selector | -1 | -0.33 % | -1 | 0 | -10 % |" in page.splitlines()
    assert "Whole: 300 bytes." in page
    assert "Incomplete: 3 of 4 rows." in page
    assert "| b | 2,000 | `bb` |" in page


def test_texts_of_the_ablation(ablation: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(ablation.texts(None)) == ["topics.txt", "library.py"]
    for _, folder, _ in ablation.PIECES[:2]:
        (tmp_path / "train" / folder).mkdir(parents=True)
        for name in ("b", "a"):
            (tmp_path / "train" / folder / name).write_bytes(name.encode() * 400_000)
    found = ablation.texts(str(tmp_path))
    assert list(found) == ["markup.xml", "novel.txt", "library.py"]
    assert found["novel.txt"] == b"a" * 400_000 + b"b" * 200_000
    assert "enwiki_text" in capsys.readouterr().err
