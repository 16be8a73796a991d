"""Measures short messages beside zstd, each with what it has learned of the first half of a file.

    python benches/messages.py FILE... [--presets 5,9] [--size 2048] [--count 600]

Prior and zstd dictionary (110 KB) are trained on the first half, cut into pieces of the messages' size; the
messages are spread evenly over the second half. Each is compressed alone, and decoded. Two comparisons:
archives in the compact form without checks beside zstd's frames (magic, length of the content, id of the
dictionary), and raw messages beside frames without these.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import zstandard

import foretold
from foretold._arguments import Preset

DICTIONARY_BYTES = 110 << 10
LEVEL = 19


def cut(data: bytes, size: int) -> list[bytes]:
    """Pieces of `size` bytes; what is left at the end is shorter."""
    return [data[at : at + size] for at in range(0, len(data), size)]


def spread(data: bytes, size: int, count: int) -> list[bytes]:
    """`count` pieces of `size` bytes at multiples of it, spread evenly."""
    pieces = len(data) // size
    if pieces < count:
        raise SystemExit(f"{len(data)} bytes have {pieces} messages of {size}, {count} are wanted")
    return [data[at * size : (at + 1) * size] for at in (number * pieces // count for number in range(count))]


def total(messages: list[bytes], code: Callable[[bytes], bytes], decode: Callable[[bytes], bytes]) -> int:
    """Bytes that all messages take, which come back."""
    coded = [code(message) for message in messages]
    if [decode(one) for one in coded] != messages:
        raise SystemExit("a message did not come back")
    return sum(map(len, coded))


def zstd(samples: list[bytes], messages: list[bytes]) -> tuple[int, int]:
    """With what a frame has by default, and with nothing that the caller may know."""
    size = len(messages[0])
    dictionary = zstandard.train_dictionary(DICTIONARY_BYTES, samples)
    writer = zstandard.ZstdCompressor(level=LEVEL, dict_data=dictionary)
    reader = zstandard.ZstdDecompressor(dict_data=dictionary)
    bare = zstandard.ZstdCompressionParameters.from_level(
        LEVEL,
        source_size=size,
        dict_size=DICTIONARY_BYTES,
        format=zstandard.FORMAT_ZSTD1_MAGICLESS,
        write_content_size=False,
        write_checksum=False,
        write_dict_id=False,
    )
    bare_writer = zstandard.ZstdCompressor(dict_data=dictionary, compression_params=bare)
    bare_reader = zstandard.ZstdDecompressor(dict_data=dictionary, format=zstandard.FORMAT_ZSTD1_MAGICLESS)
    return (
        total(messages, writer.compress, reader.decompress),
        total(messages, bare_writer.compress, lambda one: bare_reader.decompress(one, max_output_size=size)),
    )


def ours(samples: list[bytes], messages: list[bytes], preset: Preset) -> tuple[int, int, int]:
    """In the compact form, raw, and the prior's length."""
    size = len(messages[0])
    prior = foretold.train_prior(samples, preset, max_bytes=1 << 30)
    return (
        total(
            messages,
            lambda message: foretold.compress(message, preset, prior=prior, checksum=False),
            lambda archive: foretold.decompress(archive, prior=prior),
        ),
        total(
            messages,
            lambda message: foretold.compress_raw(message, preset, prior=prior),
            lambda raw: foretold.decompress_raw(raw, size, preset, prior=prior),
        ),
        prior.file_bytes,
    )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--presets", default="5,9")
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--count", type=int, default=600)
    options = parser.parse_args()
    presets: list[Preset] = [one if one == "max" else int(one) for one in options.presets.split(",")]
    print(f"| file | what | prior, bytes | {options.count} messages, bytes | to zstd | raw | to zstd |")
    print("|---|---|--:|--:|--:|--:|--:|")
    for path in options.files:
        data = path.read_bytes()
        half = len(data) // 2
        samples = cut(data[:half], options.size)
        messages = spread(data[half:], options.size, options.count)
        frames, bare = zstd(samples, messages)
        print(
            f"| {path.name} | zstd -{LEVEL} | {DICTIONARY_BYTES:,} | {frames:,} | | {bare:,} | |", flush=True
        )
        for preset in presets:
            started = time.monotonic()
            compact, raw, prior = ours(samples, messages, preset)
            print(
                f"| | foretold -{preset} | {prior:,} | {compact:,} | {compact / frames:.3f} | {raw:,} | "
                f"{raw / bare:.3f} |",
                flush=True,
            )
            print(
                f"<!-- {time.monotonic() - started:.0f} s, {hashlib.sha256(data).hexdigest()} -->", flush=True
            )


if __name__ == "__main__":
    main()
