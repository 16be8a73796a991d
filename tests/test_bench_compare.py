"""``benches/compare.py`` names what got worse, and nothing else."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parent.parent / "benches" / "compare.py"


@pytest.fixture(scope="module")
def compare() -> Any:
    spec = importlib.util.spec_from_file_location("compare", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up.
    sys.modules["compare"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["compare"]


def a_row(**changed: Any) -> dict[str, Any]:
    return {
        "corpus": "log",
        "sha256": "ab",
        "content_bytes": 1000,
        "engine": "foretold -5",
        "line": "foretold",
        "archive_bytes": 200,
        "compress_speed_ratio": 2.0,
        "decompress_speed_ratio": 2.0,
    } | changed


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"archive_bytes": 199, "compress_speed_ratio": 9}, []),
        ({"archive_bytes": 201}, ["foretold -5 on log: 200 -> 201 bytes (+1)"]),
        ({"compress_speed_ratio": 1.81}, []),
        (
            {"compress_speed_ratio": 1.5},
            ["foretold -5 on log: compress speed 2 -> 1.5 of the peer's (-25 %)"],
        ),
        (
            {"decompress_speed_ratio": 1.0, "archive_bytes": 300},
            [
                "foretold -5 on log: 200 -> 300 bytes (+100)",
                "foretold -5 on log: decompress speed 2 -> 1 of the peer's (-50 %)",
            ],
        ),
        ({"sha256": "cd", "archive_bytes": 999}, []),
        ({"engine": "foretold -9", "archive_bytes": 999}, []),
        ({"line": "zlib", "archive_bytes": 999}, []),
    ],
)
def test_regressions(compare: Any, changed: dict[str, Any], expected: list[str]) -> None:
    assert [str(one) for one in compare.regressions([a_row()], [a_row(**changed)])] == expected


def test_changes(compare: Any) -> None:
    now = [a_row(archive_bytes=150), a_row(sha256="cd"), a_row(line="zlib", archive_bytes=1)]
    assert compare.changes([a_row()], now) == [
        "foretold -5 on log: 50 bytes smaller",
        "foretold -5 on log: no earlier figures for this content",
    ]


def a_run(archive_bytes: int, speed_ratio: float) -> dict[str, Any]:
    info = {name: a_row()[name] for name in ("corpus", "sha256", "content_bytes", "engine", "line")}
    info |= {"archive_bytes": archive_bytes, "speed_ratio": speed_ratio, "mb_s": 1.0, "reference": "a peer"}
    return {
        "benchmarks": [
            {"extra_info": info | {"direction": direction}} for direction in ("compress", "decompress")
        ]
    }


def test_recording_and_comparing(tmp_path: Path) -> None:
    def run(archive_bytes: int, speed_ratio: float, *options: str) -> tuple[int, str]:
        saved = tmp_path / "run.json"
        saved.write_text(json.dumps(a_run(archive_bytes, speed_ratio)))
        command = [sys.executable, str(SCRIPT), "--from", str(saved), "--records", str(tmp_path / "records")]
        process = subprocess.run([*command, *options], capture_output=True, text=True)
        assert process.stderr == ""
        return process.returncode, process.stdout

    code, said = run(200, 2.0, "--record")
    assert (code, "no earlier record" in said) == (0, True)
    code, said = run(199, 1.9, "--record")
    assert (code, "1 bytes smaller" in said, "nothing got worse" in said) == (0, True, True)
    code, said = run(200, 1.0)
    assert code == 1
    assert said.count("WORSE") == 3
    # The second record is the one that counts now.
    assert "199 -> 200 bytes" in said
    records = sorted(path.name for path in (tmp_path / "records").iterdir())
    assert [name[10:] for name in records] == ["-02.json", ".json"]


def test_the_committed_records_can_be_read(compare: Any) -> None:
    for path in compare.RECORDS.glob("*.json"):
        record = json.loads(path.read_text())
        assert record["reference"]
        for row in record["rows"]:
            assert row.keys() >= a_row().keys()
            assert len(row["sha256"]) == 64


def test_the_readme_table_is_written(folder_with_readme: Path) -> None:
    folder = folder_with_readme
    row = {
        "file": "a",
        "sha256": "ab" * 32,
        "engine": "foretold -5",
        "line": "foretold",
        "command": "foretold compress -5 -T1 FILE",
        "archive_bytes": 12345,
        "bits_per_byte": 1.5,
        "compress_mb_s": 0.5,
        "decompress_mb_s": 0.4,
        "compress_memory_bytes": 1 << 28,
        "decompress_memory_bytes": 1 << 28,
        "error": None,
    }
    record = {
        "version": "1",
        "generation": 0,
        "date": "2026-01-01T00:00:00",
        "machine": {"processor": "one"},
        "threads": 1,
        "rows": [row, row | {"engine": "x", "error": "failed"}],
    }
    (folder / "r.json").write_text(json.dumps(record))
    for _ in range(2):
        script = folder / "benches" / "table.py"
        subprocess.run([sys.executable, str(script), str(folder / "r.json")], check=True)
    text = (folder / "README.md").read_text()
    assert (
        text.count("| a | `foretold compress -5 -T1 FILE` | **12,345** | 1.500 | 0.5 | 0.4 | 256 / 256 |\n")
        == 1
    )
    assert text.startswith("before\n")
    assert text.endswith("after\n")


@pytest.fixture
def folder_with_readme(tmp_path: Path) -> Path:
    (tmp_path / "benches").mkdir()
    (tmp_path / "benches" / "table.py").write_text(SCRIPT.with_name("table.py").read_text())
    marks = "<!-- results -->\nold\n<!-- end of results -->\n"
    assert marks.splitlines()[0] in SCRIPT.parent.parent.joinpath("README.md").read_text(encoding="utf-8")
    (tmp_path / "README.md").write_text(f"before\n{marks}after\n")
    return tmp_path
