"""``foretold selftest``."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import random
import subprocess
import sys
from pathlib import Path

import typer

import foretold

from . import options
from .console import Console
from .exits import Exit

__all__ = ["instruction_sets", "selftest", "trajectory"]

# What a processor must have (as Linux names it) for each of the codec's instruction sets.
_FLAGS = {"avx2": {"avx2"}, "avx512": {"avx512f", "avx512bw"}, "neon": {"asimd"}}


def selftest(quiet: options.Quiet = False) -> None:
    """Hash a reference trajectory on every instruction set at hand: do they all agree?

    Compresses and decompresses a fixed content with every preset (a part of it with max), in a
    process of its own for each instruction set. The hash is that of the archives: a release gives
    the same one on every machine.
    """
    console = Console(quiet=quiet)
    hashes: dict[str, str] = {}
    failed = False
    for name in instruction_sets():
        process = subprocess.run(
            [sys.executable, "-c", "from foretold.cli.selftest import trajectory; print(trajectory())"],
            env={**os.environ, "FORETOLD_SIMD": name},
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode:
            failed = True
            reason = process.stderr.strip().splitlines() or [f"ended with code {process.returncode}"]
            console.error(reason[-1], name)
            continue
        hashes[name] = process.stdout.strip()
        if not quiet:
            print(f"{name:<8}{hashes[name]}", flush=True)
    if len(set(hashes.values())) > 1:
        failed = True
        console.error("they differ: archives made here need not decode elsewhere; please report it")
    if failed:
        raise typer.Exit(Exit.FAILURE)
    if not quiet:
        print(f"foretold {foretold.__version__}, generation {foretold.FORMAT_GENERATION}: all agree")


def instruction_sets() -> list[str]:
    """Values of ``FORETOLD_SIMD`` that this processor can do, the definition first."""
    present: set[str] = set()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.lower().startswith(("flags", "features")):
                present = set(line.partition(":")[2].split())
                break
    if platform.machine() in ("arm64", "aarch64"):
        # Every 64-bit ARM processor has it, whether the system tells or not.
        present.add("asimd")
    return ["scalar", *(name for name, flags in _FLAGS.items() if flags <= present)]


def trajectory() -> str:
    """Hash of a fixed content's archives of every preset, all of which decode."""
    source = random.Random(2026)
    words = ["".join(source.choices("etaoinshrdlu", k=source.randint(1, 8))) for _ in range(300)]
    text = " ".join(source.choices(words, weights=[1 / (k + 1) for k in range(300)], k=2000)).encode()
    content = text + bytes(range(256)) * 4 + source.randbytes(1000) + b"run" * 500 + text[:3000]
    digest = hashlib.sha256()
    for row in foretold.PRESETS:
        # The network takes its time, and a little of it goes every way there is.
        part = content[:500] + content[-500:] if row.number == "max" else content
        archive = foretold.compress(part, row.number, block_size=1 << 16)
        if foretold.decompress(archive) != part:
            raise foretold.ForetoldError(f"preset {row.number} does not give the content back")
        digest.update(archive)
    return digest.hexdigest()[:32]
