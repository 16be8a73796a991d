"""What several suites need: inputs that trouble compressors, and texts of any length."""

from __future__ import annotations

import json
import math
import os
import random
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from foretold import _core

# Tables of priors that only tests use are not to push out the user's own.
os.environ.setdefault("FORETOLD_CACHE", str(Path(tempfile.gettempdir(), "foretold-tests")))
os.environ.setdefault("FORETOLD_CACHE_LIMIT", str(3 << 30))

# Compression takes as long as it takes; deadlines would only find a busy machine.
settings.register_profile(
    "foretold",
    deadline=None,
    max_examples=40,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("foretold")

_WORDS = (
    "the of and to in is that it was for on as with be by at from this have or one had not but "
    "what all were when we there can an your which their said if will each about how up out them"
).split()


def _make_text(length: int, seed: int = 1) -> bytes:
    """Lines of words, more often the first of the list, with numbers and marks among them."""
    source = random.Random(seed)
    parts = []
    size = 0
    while size < length:
        word = _WORDS[min(int(source.expovariate(0.1)), len(_WORDS) - 1)]
        if source.random() < 0.05:
            word = str(source.randrange(10_000))
        parts.append(word + source.choice((" ", " ", " ", " ", ", ", ".\n")))
        size += len(parts[-1])
    return "".join(parts).encode()[:length]


AWKWARD = {
    "empty": b"",
    "one byte": b"a",
    "one zero": b"\0",
    "two": b"ab",
    "all 256 values": bytes(range(256)),
    "all values downwards": bytes(range(255, -1, -1)),
    "run": b"a" * 5000,
    "run of zeros": bytes(4096),
    "run of ones": b"\xff" * 4097,
    "two runs": b"a" * 3000 + b"b" * 3000,
    "invalid UTF-8": b"caf\xe9 \xff\xfe \xc3\x28 \xed\xa0\x80 \xf8\x88\x80\x80\x80" * 20,
    "UTF-8": "zwölf Boxkämpfer jagen Виктора, 中文 и 🎈\n".encode() * 30,
    "random": random.Random(7).randbytes(3000),
    "short random": random.Random(8).randbytes(40),
    "period 3": b"abc" * 1500,
    "lines": b"".join(b"%06d,field,%d\r\n" % (row, row * row % 97) for row in range(200)),
    "an archive's look": b"\x95ftd" * 50,
    "text": _make_text(6000),
}


def _make_network(hidden: int, layers: int) -> bytes:
    """Weights that say nothing, as ``foretold train bytelm`` would write them."""
    shapes = {"out": [layers * hidden, 256], "out_bias": [256]}
    for layer in range(layers):
        shapes |= {f"embed.{layer}": [256, 3 * hidden], f"recur.{layer}": [hidden, 3 * hidden]}
        shapes |= {f"gain.{layer}": [3, hidden], f"bias.{layer}": [3, hidden]}
    shapes |= {f"below.{layer}": [hidden, 3 * hidden] for layer in range(layers - 1)}
    header, size = _header(shapes)
    return header + bytes(size)


def _header(shapes: dict[str, list[int]]) -> tuple[bytes, int]:
    """What stands before the data of a safetensors file of f32, and how much data there is."""
    header, end = {}, 0
    for name, shape in shapes.items():
        size = 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    told = json.dumps(header).encode()
    return len(told).to_bytes(8, "little") + told, end


def _make_mixer(hidden: int, seed: int = 1, preset: int = 10, blends: int = 3, silent: bool = False) -> bytes:
    """Weights of a mixer network for a preset, drawn at random; a silent one corrects nothing."""
    columns, _ = _core.trace_columns(preset)
    blended = sum(name.startswith("input ") for name in columns)
    voices, width = columns.index("final"), 3 * hidden
    inputs = len(columns) - blended + voices + 2 + blends
    shapes = {"inputs": [inputs, width], "recur": [hidden, width]}
    shapes |= {f"embed.{at}": [rows, width] for at, rows in enumerate((256, 256, 8, 16, 8, 16))}
    shapes |= {"embed.0": [256, 4], "columns.0": [4, width]}
    shapes |= {"gain": [3, hidden], "bias": [3, hidden], "head": [hidden, voices + 2 + blends]}
    shapes |= {"head_bias": [voices + 2 + blends], "out_bias": [256]}
    shapes |= {"blend": [blends, blended], "blend.scale": [blends], "blend_bias": [blends]}
    draw = random.Random(seed)
    header, data = {}, b""
    for name, shape in shapes.items():
        count = math.prod(shape)
        if name == "blend":
            values = bytes(draw.randrange(256) for _ in range(count))
        else:
            most = 0.002 if name == "blend.scale" else 0.2
            if silent and name in ("head", "head_bias", "out_bias"):
                most = 0.0
            values = b"".join(struct.pack("<f", draw.uniform(-most, most)) for _ in range(count))
        kind = "I8" if name == "blend" else "F32"
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    told = json.dumps(header).encode()
    return len(told).to_bytes(8, "little") + told + data


def _sections(prior: Any) -> list[tuple[int, bytes]]:
    """Kinds and contents of what stands in a prior's file, behind magic, generation and name."""
    file = bytes(prior)[:-32]
    at = 10 + file[9]
    found = []
    while at < len(file):
        length = int.from_bytes(file[at + 1 : at + 5], "little")
        found.append((file[at], file[at + 5 : at + 5 + length]))
        at += 5 + length
    return found


@pytest.fixture(params=AWKWARD.values(), ids=AWKWARD.keys())
def awkward(request: pytest.FixtureRequest) -> bytes:
    return request.param


@pytest.fixture(scope="session")
def make_text() -> Callable[[int], bytes]:
    return _make_text


@pytest.fixture(scope="session")
def corpus(make_text: Callable[..., bytes]) -> Any:
    """Five short files to train on, the last of them held out; needs what trains."""
    from foretold.train.data import Corpus, DataFile

    files = [make_text(9000, seed=seed) for seed in range(5)]
    starts = np.cumsum([0, *map(len, files)])
    coded = np.frombuffer(b"".join(files), np.uint8)
    described = tuple(DataFile(f"{n}", 9000, f"{n}", 9000, n == 4) for n in range(5))
    return Corpus(coded, starts, starts[:-1], int(starts[4]), described)


@pytest.fixture(scope="session")
def sections() -> Callable[[Any], list[tuple[int, bytes]]]:
    return _sections


@pytest.fixture(scope="session")
def make_network() -> Callable[[int, int], bytes]:
    return _make_network


@pytest.fixture(scope="session")
def make_mixer() -> Callable[..., bytes]:
    return _make_mixer


@pytest.fixture(scope="session")
def text() -> bytes:
    return _make_text(20_000)


@pytest.fixture(scope="session")
def long_text() -> bytes:
    """Several small blocks long."""
    return _make_text(300_000, seed=2)
