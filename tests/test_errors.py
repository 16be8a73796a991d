"""Every cause of failure, the exception Python gets for it, and what that carries."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import foretold
from foretold import _core, errors

# Cause as the extension module names it: class, then attributes.
TABLE: dict[str, tuple[type[BaseException], dict[str, Any]]] = {
    "Format": (foretold.FormatError, {}),
    "Corrupt": (foretold.CorruptError, {"offset": 7, "member": 1, "block": 2, "chunk": 3}),
    "Raw": (foretold.CorruptError, {"offset": None, "member": None}),
    "Memory": (foretold.MemoryLimitError, {"needed": 2, "allowed": 1}),
    "OutputLimit": (foretold.OutputLimitError, {"allowed": 1}),
    "Parameter": (foretold.ParameterError, {}),
    "SameFile": (foretold.ParameterError, {}),
    "Interrupted": (KeyboardInterrupt, {}),
    "Io": (FileNotFoundError, {}),
    "Engine(OutOfMemory)": (MemoryError, {}),
    "Engine": (foretold.ForetoldError, {}),
    "Prior": (foretold.PriorError, {}),
    "Prior(OutOfMemory)": (MemoryError, {}),
    "File": (FileNotFoundError, {"filename": "a file"}),
    "Exists": (FileExistsError, {"filename": "a file"}),
    "NotRegular": (OSError, {"filename": "a file"}),
    "Busy": (BlockingIOError, {"filename": "a file"}),
    "State": (foretold.CheckpointError, {"path": None}),
    "Changed": (foretold.CheckpointError, {"path": "a file"}),
    "Checkpoint": (foretold.CheckpointError, {"path": "a file"}),
    "Verification": (foretold.VerificationError, {"path": "a file"}),
}
EXAMPLES = dict(_core.error_examples())


def test_every_cause_is_in_the_table() -> None:
    assert EXAMPLES.keys() == TABLE.keys()


@pytest.mark.parametrize("cause", TABLE)
def test_a_cause_becomes_its_exception(cause: str) -> None:
    kind, attributes = TABLE[cause]
    error = EXAMPLES[cause]
    assert type(error) is kind
    assert {name: getattr(error, name) for name in attributes} == attributes
    if kind is not KeyboardInterrupt:
        assert str(error)
        assert "None" not in str(error)


@pytest.mark.parametrize("cause", TABLE)
def test_exceptions_survive_pickling(cause: str) -> None:
    error = EXAMPLES[cause]
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_all_of_ours_have_one_base_and_a_public_name() -> None:
    for name in errors.__all__:
        kind = getattr(errors, name)
        assert issubclass(kind, foretold.ForetoldError)
        assert getattr(foretold, name) is kind
        assert kind.__doc__
        assert str(kind("why")) == "why"
    assert issubclass(foretold.ParameterError, ValueError)


CALLS = {
    "compress": lambda **options: foretold.compress(b"content", **options),
    "Compressor": lambda **options: foretold.Compressor(**options),
    "decompress": lambda **options: foretold.decompress(foretold.compress(b""), **options),
    "Decompressor": lambda **options: foretold.Decompressor(**options),
    "code_lengths": lambda **options: foretold.code_lengths(b"content", **options),
    "estimate": lambda **options: foretold.estimate(b"content", **options),
}
BAD = [
    ("preset", 0, 'preset must be 1 to 9 or "max"; found 0'),
    ("preset", 10, '1 to 9 or "max"; found 10'),
    ("preset", -1, "found -1"),
    ("preset", 2**70, "found 1180591620717411303424"),
    ("preset", 5.0, 'integer, 1 to 9 or "max"; found 5.0'),
    ("preset", "5", 'integer, 1 to 9 or "max"; found .5.'),
    ("preset", None, "found None"),
    ("preset", True, "found True"),
    ("preset", "MAX", "found .MAX."),
    ("threads", 0, "1 to 1024; found 0"),
    ("threads", 1025, "1 to 1024; found 1025"),
    ("threads", "2", "found '2'"),
    ("block_size", 0, "block_size"),
    ("block_size", 1000, "block_size"),
    ("block_size", -1, "block_size"),
    ("block_size", 2**64, "block_size"),
    ("transform", "word", '"auto", "none" or "words"; found .word.'),
    ("transform", None, "found None"),
    ("knowledge", "english", '"auto", "frozen" or "none"; found .english.'),
    ("knowledge", None, "found None"),
    ("max_output", -1, "max_output must be at least 0; found -1"),
    ("max_output", 2**64, "max_output"),
    ("max_memory", -5, "max_memory must be at least 0; found -5"),
    ("max_memory", 1.5, "max_memory must be an integer"),
    ("sample_bytes", 0, "sample_bytes must be at least 1; found 0"),
]
TAKES = {
    "compress": {"preset", "threads", "block_size", "transform", "knowledge"},
    "Compressor": {"preset", "threads", "block_size", "transform", "knowledge"},
    "decompress": {"max_output", "max_memory", "threads"},
    "Decompressor": {"max_output", "max_memory", "threads"},
    "code_lengths": {"preset", "block_size", "transform", "knowledge"},
    "estimate": {"preset", "threads", "block_size", "transform", "knowledge", "sample_bytes"},
}


@pytest.mark.parametrize(
    ("call", "name", "value", "message"),
    [(call, *row) for call, names in TAKES.items() for row in BAD if row[0] in names],
)
def test_bad_arguments_are_told_what_was_found_and_what_is_allowed(
    call: str, name: str, value: object, message: str
) -> None:
    with pytest.raises(foretold.ParameterError, match=message):
        CALLS[call](**{name: value})


def test_numpy_integers_are_integers() -> None:
    import numpy as np

    assert foretold.compress(b"a" * 99, np.int64(3)) == foretold.compress(b"a" * 99, 3)


@pytest.mark.parametrize("data", [b"", b"f", b"no archive", b"\x1f\x8b\x08\x00", bytes(100), b"\xff" * 100])
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises(foretold.ForetoldError):
        foretold.decompress(data)


def test_every_truncation_and_bit_flip_is_noticed() -> None:
    content = b"What is well foretold needs few bits. " * 4
    archive = foretold.compress(content, 1)
    for end in range(len(archive)):
        with pytest.raises(foretold.ForetoldError):
            foretold.decompress(archive[:end])
    noticed = 0
    for place in range(len(archive)):
        for bit in range(8):
            damaged = bytearray(archive)
            damaged[place] ^= 1 << bit
            try:
                # The coder's last bits may not matter, but then the content is whole.
                assert foretold.decompress(damaged, max_output=1 << 20) == content
            except (foretold.FormatError, foretold.CorruptError, foretold.PriorError):
                noticed += 1
    assert noticed > 8 * len(archive) - 16
