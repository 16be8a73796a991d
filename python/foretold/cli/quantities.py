"""Sizes, times and ranges as people write them."""

from __future__ import annotations

import re

__all__ = [
    "duration_seconds",
    "human_bytes",
    "human_seconds",
    "layers_units",
    "preset_number",
    "range_bytes",
    "size_bytes",
]

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_DECIMAL_UNITS = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "b": 1}
_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def size_bytes(text: str) -> int:
    """A size in bytes: K, M, G, T (or KiB ...) are powers of 1024, KB ... of 1000.

    >>> size_bytes("2.5G"), size_bytes("64 KiB"), size_bytes("10MB"), size_bytes("123")
    (2684354560, 65536, 10000000, 123)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    unit = match and _DECIMAL_UNITS.get(match[2].lower(), _UNITS.get(match[2].lower().removesuffix("ib")))
    if match is None or not unit:
        raise ValueError(f"{text!r} is no size; write 400M, 2.5G, 64KiB or a number of bytes")
    return int(float(match[1]) * unit) if "." in match[1] else int(match[1]) * unit


def duration_seconds(text: str) -> float:
    """A time in seconds.

    >>> duration_seconds("10m"), duration_seconds("90"), duration_seconds("1.5h")
    (600.0, 90.0, 5400.0)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|[smhd]?)\s*", text.lower())
    if match is None:
        raise ValueError(f"{text!r} is no time; write 90s, 10m, 2h or 1d")
    return float(match[1]) * _SECONDS[match[2]]


def range_bytes(text: str) -> tuple[int, int | None]:
    """Start and end of a range; ``None`` for the end means that of the content.

    >>> range_bytes("0:100"), range_bytes("1M:"), range_bytes(":64K")
    ((0, 100), (1048576, None), (0, 65536))
    """
    start_text, colon, end_text = text.partition(":")
    if not colon:
        raise ValueError(f"{text!r} is no range; write START:END, START: or :END")
    start = size_bytes(start_text) if start_text.strip() else 0
    end = size_bytes(end_text) if end_text.strip() else None
    if end is not None and end < start:
        raise ValueError(f"the range {text} ends before it starts")
    return start, end


def preset_number(text: str) -> int | str:
    """A preset as the API takes it; which ones exist is the API's to say.

    >>> preset_number("9"), preset_number("max")
    (9, 'max')
    """
    if text == "max":
        return text
    if not re.fullmatch(r"\d{1,3}", text):
        raise ValueError(f"{text!r} is no preset; write 1 to 9 or max")
    return int(text)


def layers_units(text: str) -> tuple[int, int]:
    """Layers of a network and units of each; which ones are possible is the API's to say.

    >>> layers_units("2x384")
    (2, 384)
    """
    match = re.fullmatch(r"(\d{1,2})x(\d{1,5})", text)
    if match is None:
        raise ValueError(f"{text!r} is no size of a network; write LAYERSxUNITS, as in 1x64")
    return int(match[1]), int(match[2])


def human_bytes(count: float) -> str:
    """A short form with units of 1024.

    >>> human_bytes(999), human_bytes(65536), human_bytes(2.5 * 2**30)
    ('999 B', '64.0 KiB', '2.50 GiB')
    """
    if count < 1024:
        return f"{count:.0f} B"
    for unit in ("KiB", "MiB", "GiB", "TiB"):  # pragma: no branch
        count /= 1024
        if count < 1024 or unit == "TiB":
            break
    return f"{count:.{2 if count < 10 else 1 if count < 100 else 0}f} {unit}"


def human_seconds(seconds: float) -> str:
    """A short form of a time.

    >>> human_seconds(0.25), human_seconds(75), human_seconds(7384), human_seconds(262800)
    ('0.25 s', '1 min 15 s', '2 h 03 min', '3 d 01 h')
    """
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = whole // 60
    if minutes < 1440:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = minutes // 60
    return f"{hours // 24} d {hours % 24:02d} h"
