# The extension module: private, described where the package uses it.

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, final

import numpy as np
from _typeshed import StrPath
from numpy.typing import NDArray

__all__ = [
    "FORMAT_GENERATION",
    "Compressor",
    "Decompressor",
    "Prior",
    "SeekableReader",
    "Tracer",
    "__version__",
    "checkpoint_info",
    "clear_prior_cache",
    "code_lengths",
    "coded_bytes",
    "compress",
    "compress_file",
    "compress_raw",
    "decompress",
    "decompress_file",
    "decompress_raw",
    "error_examples",
    "expectations",
    "info",
    "learn_weights",
    "make_ngram_prior",
    "mixer_corrections",
    "network_probabilities",
    "packed_network_bytes",
    "presets",
    "prior_cache",
    "probe",
    "recover_file",
    "resume_file",
    "seen_bytes",
    "test_file",
    "trace_columns",
    "train_prior",
]

__version__: str
FORMAT_GENERATION: int

_Input: TypeAlias = bytes | NDArray[np.uint8]
_Progress: TypeAlias = Callable[[int], object] | None
_Report: TypeAlias = tuple[int, int, float]
_Recovered: TypeAlias = tuple[int, list[tuple[int, int | None, str]]]

@final
class Prior:
    def __new__(cls, data: _Input, called: str) -> Prior: ...
    @staticmethod
    def english(frozen: bool) -> Prior: ...
    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def preset(self) -> int | None: ...
    @property
    def network(self) -> tuple[int, int] | None: ...
    @property
    def network_gates(self) -> int | None: ...
    @property
    def network_hears_match(self) -> bool: ...
    @property
    def file_bytes(self) -> int: ...
    @property
    def has_frozen_network(self) -> bool: ...
    def with_network(self, name: str, weights: _Input, frozen: bool) -> Prior: ...
    def with_weights(self, name: str, weights: list[tuple[int, bytes]]) -> Prior: ...
    @property
    def mixer(self) -> int | None: ...
    def with_mixer(self, name: str, weights: _Input) -> Prior: ...
    def to_bytes(self) -> bytes: ...

def learn_weights(prior: Prior, preset: int, texts: list[bytes]) -> bytes: ...
def make_ngram_prior(
    name: str,
    texts: list[bytes],
    english_words: bool,
    context: int,
    follower: int,
    worth: float,
    order: int = 6,
) -> bytes: ...
def coded_bytes(data: _Input, english: bool) -> bytes: ...
def expectations(data: _Input) -> NDArray[np.uint8]: ...
def packed_network_bytes(weights: _Input) -> int: ...
def network_probabilities(weights: _Input, data: _Input, mode: str) -> NDArray[np.float32]: ...

_Knowledge: TypeAlias = str | Prior

def compress(
    data: _Input,
    preset: int,
    threads: int,
    checksum: bool,
    block_size: int | None,
    transform: str,
    knowledge: _Knowledge,
    network: _Input | None,
    progress: _Progress,
) -> bytes: ...
def seen_bytes(
    data: _Input, preset: int, block_size: int | None, transform: str, knowledge: _Knowledge
) -> bytes: ...
def decompress(
    data: _Input,
    max_output: int | None,
    max_memory: int | None,
    threads: int,
    priors: list[Prior],
    progress: _Progress,
) -> bytes: ...
def compress_raw(
    data: _Input, preset: int, checksum: bool, transform: str, knowledge: _Knowledge
) -> bytes: ...
def decompress_raw(raw: _Input, size: int, preset: int, checksum: bool, knowledge: _Knowledge) -> bytes: ...

@final
class Compressor:
    def __new__(
        cls,
        preset: int,
        threads: int,
        checksum: bool,
        block_size: int | None,
        transform: str,
        knowledge: _Knowledge,
        network: _Input | None,
    ) -> Compressor: ...
    def push(self, data: _Input) -> bytes: ...
    def flush(self) -> bytes: ...
    def finish(self) -> bytes: ...
    def copy(self) -> Compressor: ...

@final
class Decompressor:
    def __new__(
        cls, max_output: int | None, max_memory: int | None, threads: int, priors: list[Prior]
    ) -> Decompressor: ...
    def push(self, data: _Input, max_out: int | None) -> bytes: ...
    def end_of_input(self) -> None: ...
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def copy(self) -> Decompressor: ...

def train_prior(
    samples: list[_Input],
    name: str,
    preset: int,
    max_bytes: int,
    transform: str,
    knowledge: _Knowledge,
    progress: _Progress,
) -> bytes: ...
def prior_cache() -> tuple[Path | None, int, list[tuple[str, int, float]]]: ...
def clear_prior_cache() -> int: ...
def info(file: BinaryIO) -> dict[str, Any]: ...

@final
class SeekableReader:
    def __new__(
        cls, file: BinaryIO, max_memory: int | None, threads: int, priors: list[Prior]
    ) -> SeekableReader: ...
    def __len__(self) -> int: ...
    def read_at(self, offset: int, size: int) -> bytes: ...

def compress_file(
    source: StrPath,
    target: StrPath,
    preset: int,
    threads: int,
    checksum: bool,
    block_size: int | None,
    transform: str,
    knowledge: _Knowledge,
    network: _Input | None,
    overwrite: bool,
    verify: bool,
    keep_metadata: bool,
    checkpoint: tuple[StrPath, float] | None,
    progress: _Progress,
) -> _Report: ...
def decompress_file(
    source: StrPath,
    target: StrPath,
    max_output: int | None,
    max_memory: int | None,
    threads: int,
    priors: list[Prior],
    range: tuple[int, int] | None,
    overwrite: bool,
    keep_metadata: bool,
    checkpoint: tuple[StrPath, float] | None,
    progress: _Progress,
) -> _Report: ...
def recover_file(
    source: StrPath,
    target: StrPath,
    max_output: int | None,
    max_memory: int | None,
    threads: int,
    priors: list[Prior],
    overwrite: bool,
    keep_metadata: bool,
    progress: _Progress,
) -> _Recovered: ...
def test_file(
    source: StrPath,
    max_output: int | None,
    max_memory: int | None,
    threads: int,
    priors: list[Prior],
    progress: _Progress,
) -> _Report: ...
def checkpoint_info(checkpoint: StrPath) -> tuple[Path, Path, bool, int, int | None, float]: ...
def resume_file(checkpoint: StrPath, priors: list[Prior], progress: _Progress) -> _Report: ...
def code_lengths(
    data: _Input,
    preset: int,
    block_size: int | None,
    transform: str,
    knowledge: _Knowledge,
    network: _Input | None,
    progress: _Progress,
) -> NDArray[np.float64]: ...
def probe(
    sample: _Input,
    content_bytes: int,
    preset: int,
    block_size: int | None,
    transform: str,
    knowledge: _Knowledge,
) -> tuple[int, float, int]: ...
def mixer_corrections(
    weights: _Input,
    logits: NDArray[np.int16],
    contexts: NDArray[np.uint8],
    p1_q22: NDArray[np.uint32],
    bits: NDArray[np.uint8],
) -> tuple[NDArray[np.float32], NDArray[np.uint32]]: ...
def trace_columns(preset: int) -> tuple[list[str], list[str]]: ...

@final
class Tracer:
    def __new__(cls, data: _Input, preset: int, transform: str, knowledge: _Knowledge) -> Tracer: ...
    def fill(
        self,
        logits: NDArray[np.int16],
        contexts: NDArray[np.uint8],
        p1_q22: NDArray[np.uint32],
        bits: NDArray[np.uint8],
    ) -> tuple[int, int]: ...
    def skip(self, coded_bytes: int) -> int: ...
    @property
    def most_rows(self) -> int: ...

def presets() -> list[tuple[int, int, int | None, str]]: ...
def error_examples() -> list[tuple[str, BaseException]]: ...
