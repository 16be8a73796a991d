"""Writes docs/FRONTIER.md: how every figure asked for stands, beside the peers, from one command.

    FORETOLD_CORPORA=/root/corpora python benches/frontier.py [--jobs 2] [--peer-sizes peers.tsv]

FORETOLD_CORPORA names a folder that holds bench/. Every archive is decoded and compared outside the timed
part; speeds are ratios of processor time to a peer that took turns with us on one core. What asks for
a speed is measured while nothing else runs, the rest on as many cores as --jobs says.

The whole takes hours. An interrupted run continues: rows are kept in a file of JSON lines and known by
content, engine, build and processor. A peer or a file that is missing is named and left out.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import hashlib
import importlib.metadata
import os
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

from frontier_rows import (
    LARGE,
    NOT_DRAWN,
    PAQ8PX,
    PICTURES,
    PRESETS,
    Kept,
    Row,
    Session,
    contents_of_groups,
    first_megabyte,
    only,
    plan,
    published,
)
from running import RECORDS, ROOT, Rows, commit, in_turn


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        hashed = hashlib.sha256()
        while piece := file.read(1 << 20):
            hashed.update(piece)
    return hashed.hexdigest()


def our_build() -> str:
    """Version, format generation, and the built module's digest."""
    import foretold
    from foretold import _core

    built = digest(Path(_core.__file__))[:16]
    return f"{foretold.__version__}/{foretold.FORMAT_GENERATION}/{built}"


def build_of(engine: Any) -> str:
    """What tells one build of an engine from another."""
    from foretold.cli import engines

    if isinstance(engine, engines.Command):
        return digest(Path(engine.program or ""))[:16]
    if engine.module == "foretold":
        return our_build()
    try:
        return importlib.metadata.version(engine.module)
    except importlib.metadata.PackageNotFoundError:
        return f"python {sys.version.split()[0]}"


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", metavar="PATTERN", help="measure what has this in its name: 'dickens -5'")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="cores for what asks for no speed")
    parser.add_argument(
        "--repeat", type=int, default=2, metavar="N", help="turns where speed is asked for; 2 unless given"
    )
    parser.add_argument(
        "--slow-peers",
        nargs="?",
        const="enwik6,alice29.txt",
        default="",
        metavar="FILES",
        help=f"run {PAQ8PX} on these files or patterns; {'enwik6,alice29.txt'} if none is named, or all",
    )
    parser.add_argument("--peer-sizes", type=Path, metavar="FILE", help="published sizes, tab-separated")
    parser.add_argument("--sizes-only", action="store_true", help="a quick look: nothing takes turns")
    parser.add_argument("--no-decode", action="store_true", help="a quick look: nothing is decoded")
    parser.add_argument("--report", action="store_true", help="measure nothing, write what is known")
    parser.add_argument("--list", action="store_true", help="only say what would be measured")
    parser.add_argument(
        "--save", type=Path, help="the rows; benches/records/frontier-DATE.jsonl unless given"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="docs/ unless given; quick looks are printed instead"
    )
    return parser


def main() -> None:
    """The command."""
    options = arguments().parse_args()
    import frontier_report

    from foretold.cli import engines, measuring

    corpora = os.environ.get("FORETOLD_CORPORA")
    if not corpora:
        sys.exit("FORETOLD_CORPORA must name the folder that holds bench/")
    folder = Path(corpora, "bench")
    slow = [name for name in options.slow_peers.split(",") if name]
    known: dict[str, Any] = {engine.name: engine for engine in engines.presets(list(PRESETS), 1)}
    known |= {engine.name: engine for engine in engines.MODULES}
    known |= {engine.name: engine for engine in engines.COMMANDS}
    picture_peers = [one.name for one in engines.installed("all") if one.name not in NOT_DRAWN]
    groups = contents_of_groups(folder)
    sessions = only(plan(groups, picture_peers, slow, options.sizes_only), options.only)
    machine = measuring.machine()
    now, today = commit(), f"{datetime.date.today():%Y-%m-%d}"
    build = functools.cache(lambda name: build_of(known[name]))
    hashed = functools.cache(digest)

    with tempfile.TemporaryDirectory(prefix="foretold-frontier-") as pieces:

        @functools.cache
        def path_of(content: str) -> Path | None:
            path = folder / content
            if content == first_megabyte(LARGE) and (folder / LARGE).is_file():
                path = Path(pieces, content)
                with (folder / LARGE).open("rb") as file:
                    path.write_bytes(file.read(1_000_000))
            return path if path.is_file() else None

        def identity(content: str, name: str) -> Row | None:
            path = path_of(content)
            if path is None or name not in known or not known[name].installed:
                return None
            return {"sha256": hashed(path), "build": build(name), "processor": machine["processor"]}

        save = options.save or RECORDS / f"frontier-{today}.jsonl"
        kept = Rows(save, sorted(save.parent.glob("frontier-*.jsonl")))

        def state() -> Kept:
            return Kept(kept.rows, identity, verified=not options.no_decode)

        missing_files, missing_peers = set(), set()
        tasks = []
        counting = state()
        for session in sessions:
            steps = []
            for content, names in session.steps:
                if path_of(content) is None:
                    missing_files.add(content)
                    continue
                missing_peers |= {name for name in names if not known[name].installed}
                here = tuple(name for name in names if known[name].installed)
                if here:
                    steps.append((content, here))
            session = Session(session.name, tuple(steps), session.alone)
            if steps and not counting.done(session):
                tasks.append(session)
        for name in sorted(missing_peers):
            print(f"not installed: {name}", file=sys.stderr)
        for content in sorted(missing_files):
            print(f"not found: {folder / content}", file=sys.stderr)
        print(f"{len(tasks)} of {len(sessions)} sessions to measure", flush=True)
        if options.list:
            for session in tasks:
                what = "; ".join(f"{content}: {', '.join(names)}" for content, names in session.steps)
                print(f"{'alone  ' if session.alone else '       '}{what}")
            return

        failed: list[Row] = []

        def work(session: Session) -> None:
            if len(session.pairs) == 1 and state().done(session):
                # Another session has measured it meanwhile.
                return
            told = " ".join(dict.fromkeys(content for content, _ in session.steps))
            print(f"{datetime.datetime.now():%H:%M:%S} {session.name} ({told})", flush=True)
            unhurried = any(known[name].slow for _, name in session.pairs) or len(session.steps) > 1
            rows = []
            group = uuid.uuid4().hex
            for content, names in session.steps:
                path = path_of(content)
                assert path is not None
                measured = measuring.measure(
                    path,
                    [known[name] for name in names],
                    repeat=options.repeat if session.alone and not unhurried else 1,
                    clock="cpu",
                    decode=not options.no_decode,
                )
                for one in measured:
                    row = one.row() | {"content": content, "session": session.name, "id": group}
                    row |= {"alone": session.alone, "build": build(one.engine), "commit": now, "date": today}
                    rows.append(row | {"processor": machine["processor"]})
                    size = "" if one.archive_bytes is None else f" {one.archive_bytes:,}"
                    print(f"         {content}: {one.engine}{size} {one.error or ''}", flush=True)
            kept.add(rows)
            failed.extend(row for row in rows if row["error"])

        if not options.report:
            in_turn([session for session in tasks if session.alone], work, 1)
            in_turn([session for session in tasks if not session.alone], work, options.jobs)

        final = state()
        commits = dict.fromkeys(row["commit"] for row in final.rows if row["line"] == "foretold")
        made = {
            "commit": ", ".join(commits) or now,
            "date": today,
            "machine": f"{machine['processor']}, {machine['processors']} processors, {machine['system']}",
            "build": our_build(),
        }
        everything = plan(groups, picture_peers, ["all"], sizes_only=True)
        wanted = [pair for session in everything for pair in session.pairs]
        missing = {content for content, _ in wanted if path_of(content) is None}
        missing |= {name for _, name in wanted if not known[name].installed}
        page = frontier_report.page(final, groups, published(options.peer_sizes), made, missing)
        if (options.sizes_only or options.no_decode) and options.output is None:
            print(page)
            return
        output = options.output or ROOT / "docs"
        output.mkdir(parents=True, exist_ok=True)
        (output / "FRONTIER.md").write_text(page, encoding="utf-8")
        print(f"written: {output / 'FRONTIER.md'}")
        for content in PICTURES:
            target = output / f"frontier-{content}.svg"
            if frontier_report.draw(final, content, target):
                print(f"written: {target}")
        for row in failed:
            print(f"failed: {row['engine']} on {row['content']}: {row['error']}", file=sys.stderr)
        if failed:
            sys.exit(1)


if __name__ == "__main__":
    main()
