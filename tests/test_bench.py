"""``foretold bench`` and the script that compares records."""

from __future__ import annotations

import bz2
import csv
import hashlib
import importlib.util
import json
import lzma
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import foretold
from foretold.cli import engines, measuring
from foretold.cli.app import gather
from foretold.cli.estimate import preset_list

app = gather()

TEXT = b"".join(b"line %d of the text, told and foretold\n" % (n * n % 1009) for n in range(3000))

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").write_bytes(TEXT)
    return tmp_path


@pytest.fixture
def no_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but what comes with Python."""
    monkeypatch.setenv("PATH", "")
    find_spec = importlib.util.find_spec
    known = {"zlib", "bz2", "lzma", "foretold"}
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: find_spec(name, *rest) if name in known else None
    )


def bench(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["bench", *map(str, arguments)])


def rows_of(path: Path) -> dict[str, dict[str, Any]]:
    return {row["engine"]: row for row in json.loads(path.read_text())["rows"]}


@pytest.mark.usefixtures("no_peers")
def test_peers_that_are_missing_are_left_out_and_named(folder: Path) -> None:
    result = bench("a", "-v", "--presets", "1-2", "--save", "t.json", "--save", "t.csv")
    assert result.exit_code == 0, result.output
    assert "not installed: zstandard 22, brotli 11, pyppmd o16, cramjam lz4, xz -9e" in result.stderr
    assert "pip install 'foretold[peers]'" in result.stderr
    rows = rows_of(folder / "t.json")
    assert list(rows) == ["foretold -1", "foretold -2", "zlib 9", "bz2 9", "lzma 9e"]
    expected = {
        "foretold -1": foretold.compress(TEXT, 1),
        "foretold -2": foretold.compress(TEXT, 2),
        "zlib 9": zlib.compress(TEXT, 9),
        "bz2 9": bz2.compress(TEXT, 9),
        "lzma 9e": lzma.compress(TEXT, preset=9 | lzma.PRESET_EXTREME),
    }
    for name, row in rows.items():
        size = len(expected[name])
        assert row["archive_bytes"] == size
        assert f"{size:,}" in result.stdout
        assert row["ratio"] == pytest.approx(len(TEXT) / size, rel=1e-4)
        assert row["bits_per_byte"] == pytest.approx(8 * size / len(TEXT), rel=1e-4)
        assert row["sha256"] == hashlib.sha256(TEXT).hexdigest()
        assert row["verified"]
        assert row["error"] is None
        assert row["repeats"] == 1
        for direction in ("compress", "decompress"):
            assert row[f"{direction}_mb_s"] > 0
            assert row[f"{direction}_cpu_seconds"] >= 0
            assert 2e6 < row[f"{direction}_memory_bytes"] < 4e9
    with (folder / "t.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["engine"] for row in table] == list(rows)
    assert table[0]["archive_bytes"] == str(len(expected["foretold -1"]))
    record = json.loads((folder / "t.json").read_text())
    assert record["version"] == foretold.__version__
    assert record["generation"] == foretold.FORMAT_GENERATION
    assert record["machine"]["processors"] >= 1


@pytest.mark.usefixtures("no_peers")
def test_saved_by_default_and_not_if_unwanted(folder: Path) -> None:
    assert bench("a", "--presets", "none", "--peers", "zlib").exit_code == 0
    (saved,) = folder.glob("foretold-bench-*.json")
    assert list(rows_of(saved)) == ["zlib 9"]
    saved.unlink()
    assert bench("a", "--presets", "none", "--peers", "zlib", "--no-save").exit_code == 0
    assert [path.name for path in folder.iterdir()] == ["a"]


@pytest.mark.usefixtures("no_peers")
def test_memory_is_the_engines_own(folder: Path) -> None:
    """Not that of the process that asks, which may be larger."""
    ballast = bytearray(300 << 20)
    rows = measuring.measure(folder / "a", engines.installed("zlib"))
    assert rows[0].compress_memory_bytes is not None
    assert rows[0].compress_memory_bytes < 100 << 20
    assert len(ballast) == 300 << 20


@pytest.mark.usefixtures("no_peers")
def test_engines_take_turns(folder: Path) -> None:
    told: list[str] = []
    rows = measuring.measure(folder / "a", engines.installed("zlib,bz2"), repeat=2, say=told.append)
    assert [line.split(": ")[1].split()[0] for line in told] == ["zlib", "bz2", "zlib", "bz2"]
    assert [row.repeats for row in rows] == [2, 2]
    assert all(len(row.runs["compress"]) == 2 for row in rows)


def test_several_files_and_a_missing_one(folder: Path) -> None:
    (folder / "empty").write_bytes(b"")
    result = bench("a", "missing", "empty", "--presets", "1", "--peers", "none", "--save", "t.json")
    assert result.exit_code == 1
    assert "missing: no such file" in result.stderr
    rows = json.loads((folder / "t.json").read_text())["rows"]
    assert [row["file"] for row in rows] == ["a", "empty"]
    assert rows[1]["ratio"] is None
    assert rows[1]["verified"]


@pytest.mark.parametrize("module", [module.module for module in engines.MODULES])
def test_every_module_that_is_installed(folder: Path, module: str) -> None:
    (engine,) = [engine for engine in engines.MODULES if engine.module == module]
    if not engine.installed:
        pytest.skip(f"{module} is not installed")
    (row,) = measuring.measure(folder / "a", [engine])
    assert row.error is None
    assert row.verified
    assert row.archive_bytes is not None
    assert row.archive_bytes < len(TEXT)


@pytest.mark.parametrize("name", [command.name for command in engines.COMMANDS])
def test_every_command_that_is_installed(folder: Path, name: str) -> None:
    (engine,) = [engine for engine in engines.COMMANDS if engine.name == name]
    if not engine.installed or engine.slow:
        pytest.skip(f"{name} is not on the PATH, or slow")
    (row,) = measuring.measure(folder / "a", [engine])
    assert row.error is None
    assert row.verified
    assert row.archive_bytes is not None
    assert row.archive_bytes < len(TEXT)


@posix_only
@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("exec /bin/cat content", None),
        ("/bin/echo wrong", "differs"),
        ("exit 3", "ended with code 3"),
        ("kill -9 $$", "ended with code -9"),
        ("case $1 in -d) ;; *) exec /bin/cat content;; esac", "differs"),
        ("exec /bin/sleep 60", "given up after 1 seconds"),
    ],
)
def test_programs_are_believed_only_when_verified(
    folder: Path, monkeypatch: pytest.MonkeyPatch, script: str, complaint: str | None
) -> None:
    programs = folder / "bin"
    programs.mkdir()
    (programs / "xz").write_text(f"#!/bin/sh\n{script}\n")
    (programs / "xz").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    arguments = ["--presets", "none", "--peers", "xz,zlib", "--timeout", "1s" if "sleep" in script else "1m"]
    result = bench("a", *arguments, "--save", "t.json")
    rows = rows_of(folder / "t.json")
    assert rows["zlib 9"]["verified"]
    if complaint is None:
        assert result.exit_code == 0
        assert rows["xz -9e"]["archive_bytes"] == len(TEXT)
    else:
        assert result.exit_code == 1
        assert complaint in rows["xz -9e"]["error"]
        assert complaint in result.stderr
        assert "xz -9e          failed" in result.stdout


def test_lists(folder: Path) -> None:
    assert preset_list("1,5-7, 9,5") == [1, 5, 6, 7, 9]
    assert preset_list("8-9,max") == [8, 9, "max"]
    assert [engine.name for engine in engines.presets([9, "max"], 1)] == ["foretold -9", "foretold --max"]
    with pytest.raises(ValueError, match="no range of presets"):
        preset_list("5-max")
    with pytest.raises(ValueError, match="no preset"):
        preset_list("1,x")
    for arguments in (["--peers", "nonsense"], ["--presets", "x"], ["--presets", "10"], ["--save", "t.txt"]):
        assert bench("a", *arguments).exit_code == 2, arguments
    listing = bench("a", "--list").stdout
    for engine in (*engines.MODULES, *engines.COMMANDS):
        assert engine.slow or engine.name in listing
    assert [path.name for path in folder.iterdir()] == ["a"]


def test_plot(folder: Path) -> None:
    pytest.importorskip("matplotlib")
    result = bench("a", "--presets", "1,2", "--peers", "zlib,bz2", "--no-save", "--plot", "p.png")
    assert result.exit_code == 0, result.output
    assert (folder / "p.png").read_bytes().startswith(b"\x89PNG")


def test_plot_without_matplotlib_says_what_is_missing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    result = bench("a", "--plot", "p.png")
    assert result.exit_code == 1
    assert result.stderr == "foretold: --plot needs matplotlib: pip install 'foretold[peers]'\n"


def test_labels_do_not_cover_each_other() -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.text import Text

    from foretold.cli.plot import picture

    def row(engine: str, line: str, bits: float, speed: float) -> dict[str, Any]:
        return {
            "file": "a$b_$",
            "sha256": "0",
            "engine": engine,
            "line": line,
            "bits_per_byte": bits,
            "compress_mb_s": speed,
            "decompress_mb_s": speed * 1.1,
            "error": None,
        }

    rows = [row(f"foretold -{n}", "foretold", 2.2 - 0.08 * n, 2.0 / 1.6**n) for n in range(1, 10)]
    rows += [row(f"peer number {n}", f"p{n}", 2.1 + 0.01 * n, 1.0 + 0.02 * n) for n in range(6)]
    rows += [row("failed", "failed", 1, 1) | {"error": "failed"}]
    figure = picture(rows)
    for axes in figure.axes:
        assert len(axes.texts) == 15
        renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
        extents = [Text.get_window_extent(text, renderer) for text in axes.texts]
        for index, box in enumerate(extents):
            assert not any(box.overlaps(other) for other in extents[:index]), axes.texts[index].get_text()


def test_a_picture_of_nothing() -> None:
    pytest.importorskip("matplotlib")
    from foretold.cli.plot import picture

    assert len(picture([]).axes) == 2
