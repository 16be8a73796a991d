"""Memory is held to what the archive declares, in both directions; measured."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable

import pytest

import foretold

resource = pytest.importorskip("resource", reason="peaks are measured where Unix tells them")

# What the model's memory does not include: buffers for the content and the archive, at both ends.
SPARE_BYTES = 8 << 20


def peak_growth(call: str, data: bytes) -> int:
    """By how much `call` on `data` raises the peak of a fresh process."""
    program = f"""
import resource, sys, foretold
data = sys.stdin.buffer.read()
foretold.decompress(foretold.compress(b"warm", 1))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
{call}
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((after - before) * (1 if sys.platform == "darwin" else 1024))
"""
    done = subprocess.run([sys.executable, "-c", program], input=data, capture_output=True, check=True)
    return int(done.stdout)


def assert_memory_is_as_declared(content: bytes, preset: int) -> None:
    archive = foretold.compress(content, preset)
    declared = foretold.info(io.BytesIO(archive)).memory_bytes
    allowed = declared + 4 * len(content) + SPARE_BYTES
    assert peak_growth(f"foretold.compress(data, {preset})", content) <= allowed
    assert peak_growth("foretold.decompress(data)", archive) <= allowed
    # The limit counts what is declared: just that much is enough.
    assert foretold.decompress(archive, max_memory=declared) == content


@pytest.mark.parametrize("preset", [1, 5, 9])
def test_memory_is_as_declared_for_a_short_content(make_text: Callable[[int], bytes], preset: int) -> None:
    assert_memory_is_as_declared(make_text(50_000), preset)


@pytest.mark.heavy
@pytest.mark.parametrize("preset", range(1, 10))
def test_memory_is_as_declared_for_a_longer_content(make_text: Callable[[int], bytes], preset: int) -> None:
    assert_memory_is_as_declared(make_text(3_000_000), preset)


def test_memory_of_full_models_stays_within_what_is_promised() -> None:
    promised = {1: 64 << 20, 5: 400 << 20, 9: 2 << 30}
    for number, row in enumerate(foretold.PRESETS[:9], 1):
        most = min(memory for preset, memory in promised.items() if preset >= number)
        assert row.memory_bytes <= most
    # Its archives are decoded unless a caller says otherwise.
    assert foretold.PRESETS[-1].memory_bytes <= 5 << 29
