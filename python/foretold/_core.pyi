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
    "SeekableReader",
    "__version__",
    "checkpoint_info",
    "code_lengths",
    "compress",
    "compress_file",
    "decompress",
    "decompress_file",
    "error_examples",
    "info",
    "presets",
    "probe",
    "recover_file",
    "resume_file",
    "test_file",
]

__version__: str
FORMAT_GENERATION: int

_Input: TypeAlias = bytes | NDArray[np.uint8]
_Progress: TypeAlias = Callable[[int], object] | None
_Report: TypeAlias = tuple[int, int, float]
_Recovered: TypeAlias = tuple[int, list[tuple[int, int | None, str]]]

def compress(
    data: _Input,
    preset: int,
    threads: int,
    checksum: bool,
    block_size: int | None,
    transform: str,
    progress: _Progress,
) -> bytes: ...
def decompress(
    data: _Input,
    max_output: int | None,
    max_memory: int | None,
    threads: int,
    progress: _Progress,
) -> bytes: ...

@final
class Compressor:
    def __new__(
        cls, preset: int, threads: int, checksum: bool, block_size: int | None, transform: str
    ) -> Compressor: ...
    def push(self, data: _Input) -> bytes: ...
    def flush(self) -> bytes: ...
    def finish(self) -> bytes: ...
    def copy(self) -> Compressor: ...

@final
class Decompressor:
    def __new__(cls, max_output: int | None, max_memory: int | None, threads: int) -> Decompressor: ...
    def push(self, data: _Input, max_out: int | None) -> bytes: ...
    def end_of_input(self) -> None: ...
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def copy(self) -> Decompressor: ...

def info(file: BinaryIO) -> dict[str, Any]: ...

@final
class SeekableReader:
    def __new__(cls, file: BinaryIO, max_memory: int | None, threads: int) -> SeekableReader: ...
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
    overwrite: bool,
    keep_metadata: bool,
    progress: _Progress,
) -> _Recovered: ...
def test_file(
    source: StrPath,
    max_output: int | None,
    max_memory: int | None,
    threads: int,
    progress: _Progress,
) -> _Report: ...
def checkpoint_info(checkpoint: StrPath) -> tuple[Path, Path, bool, int, int | None, float]: ...
def resume_file(checkpoint: StrPath, progress: _Progress) -> _Report: ...
def code_lengths(
    data: _Input, preset: int, block_size: int | None, transform: str, progress: _Progress
) -> NDArray[np.float64]: ...
def probe(
    sample: _Input, content_bytes: int, preset: int, block_size: int | None, transform: str
) -> tuple[int, float, int]: ...
def presets() -> list[tuple[int, int, int | None, str]]: ...
def error_examples() -> list[tuple[str, BaseException]]: ...
