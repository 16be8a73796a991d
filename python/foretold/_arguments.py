"""What callers may pass, checked once, before anything is touched."""

from __future__ import annotations

import operator
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from foretold.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from _typeshed import ReadableBuffer, StrPath
    from numpy.typing import NDArray

    from foretold import _core
    from foretold.priors import Prior

    PriorLike: TypeAlias = Prior | StrPath | ReadableBuffer
    WeightsLike: TypeAlias = StrPath | ReadableBuffer

Preset: TypeAlias = int | Literal["max"]
"""Strength of compression: 1 (fast) to 9, or ``"max"``: 9 and a network that learns, smallest and slowest."""

Transform: TypeAlias = Literal["auto", "none", "words"]
"""Whether the words of text become short codes: where the preset gains by it, never, or always."""

Knowledge: TypeAlias = Literal["auto", "frozen", "none"]
"""What the model knows beforehand: what comes with the package where it fits, or nothing."""

Progress: TypeAlias = "Callable[[int], object] | None"
"""Called now and then with the number of content bytes done so far."""

DEFAULT_PRESET = 5

_MAX_NUMBER = 10

# Smaller buffers are copied: that takes less time than anything else done to them.
_COPIED_BYTES = 1 << 16


def as_input(data: ReadableBuffer) -> bytes | NDArray[np.uint8]:
    """The bytes of any C-contiguous buffer; large ones are not copied."""
    if isinstance(data, bytes):
        return data
    try:
        view = memoryview(data)
    except TypeError:
        hint = "; encode text first" if isinstance(data, str) else ""
        raise TypeError(f"data must be bytes or another buffer, found {type(data).__name__}{hint}") from None
    if not view.c_contiguous:
        raise ParameterError(
            f"data must be C-contiguous, found shape {view.shape} with strides {view.strides}"
        )
    if view.nbytes <= _COPIED_BYTES:
        return view.tobytes()
    # Not at the top: numpy's import takes ten times as long as all of ours.
    import numpy as np

    return np.frombuffer(view, np.uint8)


def as_preset(preset: Preset) -> Preset:
    """`preset` as an int from 1 to 9, or as ``"max"``."""
    if isinstance(preset, str) and preset == "max":
        return "max"
    return integer("preset", preset, 1, _MAX_NUMBER - 1, ' or "max"')


def preset_number(preset: Preset) -> int:
    """The preset as archives and the extension module number it: 1 to 9, and 10 for ``"max"``."""
    found = as_preset(preset)
    return _MAX_NUMBER if found == "max" else found


def named_preset(number: int) -> Preset:
    """The preset with this number, as callers write it."""
    return "max" if number == _MAX_NUMBER else number


def integer(name: str, value: object, least: int, most: int | None = None, beside: str = "") -> int:
    """`value` as an int from `least` to `most`; `beside` says what else the caller allows."""
    allowed = (f"{least} to {most}" if most is not None else f"at least {least}") + beside
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ParameterError(f"{name} must be an integer, {allowed}; found {value!r}")
    number = operator.index(value)
    if number < least or number > (most if most is not None else 2**63 - 1):
        raise ParameterError(f"{name} must be {allowed}; found {number}")
    return number


def thread_count(threads: int) -> int:
    """`threads` as a number of workers."""
    return integer("threads", threads, 1, 1024)


def optional_bytes(name: str, value: int | None, least: int = 0) -> int | None:
    """`value` as a number of bytes, or None."""
    return None if value is None else integer(name, value, least)


def transform_name(transform: Transform) -> str:
    """`transform` if it is one."""
    if transform not in ("auto", "none", "words"):
        raise ParameterError(f'transform must be "auto", "none" or "words"; found {transform!r}')
    return transform


def check_knowledge(knowledge: Knowledge) -> None:
    """Refuse what is no name of knowledge."""
    if knowledge not in ("auto", "frozen", "none"):
        raise ParameterError(f'knowledge must be "auto", "frozen" or "none"; found {knowledge!r}')


def knowledge_argument(knowledge: Knowledge, prior: PriorLike | None) -> str | _core.Prior:
    """What the extension module calls knowledge."""
    check_knowledge(knowledge)
    if prior is None:
        return knowledge
    if knowledge != "auto":
        raise ParameterError(f'knowledge="{knowledge}" excludes a prior')
    return as_prior(prior)


def as_prior(prior: PriorLike) -> _core.Prior:
    """The prior, read from its file if need be."""
    from foretold.priors import Prior

    return (prior if isinstance(prior, Prior) else Prior(prior))._inner


def as_weights(network: WeightsLike) -> bytes | NDArray[np.uint8]:
    """The bytes of a safetensors file, read if need be."""
    if isinstance(network, (str, os.PathLike)):
        return Path(network).read_bytes()
    return as_input(network)


def as_priors(prior: PriorLike | Sequence[PriorLike] | None) -> list[_core.Prior]:
    """All that were given."""
    if prior is None:
        return []
    if isinstance(prior, (list, tuple)):
        return [as_prior(one) for one in prior]
    return [as_prior(cast("PriorLike", prior))]


def coding_arguments(
    preset: Preset,
    threads: int,
    checksum: bool,
    block_size: int | None,
    transform: Transform,
    knowledge: Knowledge,
    prior: PriorLike | None,
    network: WeightsLike | None = None,
) -> tuple[int, int, bool, int | None, str, str | _core.Prior, bytes | NDArray[np.uint8] | None]:
    """The arguments of compression, in the extension module's order."""
    return (
        preset_number(preset),
        thread_count(threads),
        bool(checksum),
        optional_bytes("block_size", block_size, 1),
        transform_name(transform),
        knowledge_argument(knowledge, prior),
        None if network is None else as_weights(network),
    )


def decoding_arguments(
    max_output: int | None,
    max_memory: int | None,
    threads: int,
    prior: PriorLike | Sequence[PriorLike] | None,
) -> tuple[int | None, int | None, int, list[_core.Prior]]:
    """The arguments of decompression, in the extension module's order."""
    return (
        optional_bytes("max_output", max_output),
        optional_bytes("max_memory", max_memory),
        thread_count(threads),
        as_priors(prior),
    )
