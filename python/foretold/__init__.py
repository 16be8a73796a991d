"""Lossless compression of text by context mixing: what is well foretold needs few bits.

Examples
--------
>>> import foretold
>>> archive = foretold.compress(b"one for all, all for one, one for all")
>>> foretold.decompress(archive)
b'one for all, all for one, one for all'
"""

from foretold._arguments import Preset
from foretold._core import FORMAT_GENERATION, __version__
from foretold.archives import ArchiveInfo, BlockInfo, MemberInfo, info
from foretold.codec import (
    PRESETS,
    Compressor,
    Decompressor,
    PresetInfo,
    compress,
    compress_raw,
    decompress,
    decompress_raw,
)
from foretold.errors import (
    CheckpointError,
    CorruptError,
    ForetoldError,
    FormatError,
    MemoryLimitError,
    OutputLimitError,
    ParameterError,
    PriorError,
    VerificationError,
)
from foretold.file_object import File, open
from foretold.files import (
    CheckpointInfo,
    FileReport,
    LostRange,
    RecoveryReport,
    checkpoint_info,
    compress_file,
    decompress_file,
    recover_file,
    resume_file,
    test_file,
)
from foretold.measure import Estimate, code_lengths, estimate
from foretold.priors import Prior, train_prior

__all__ = [
    "FORMAT_GENERATION",
    "PRESETS",
    "ArchiveInfo",
    "BlockInfo",
    "CheckpointError",
    "CheckpointInfo",
    "Compressor",
    "CorruptError",
    "Decompressor",
    "Estimate",
    "File",
    "FileReport",
    "ForetoldError",
    "FormatError",
    "LostRange",
    "MemberInfo",
    "MemoryLimitError",
    "OutputLimitError",
    "ParameterError",
    "Preset",
    "PresetInfo",
    "Prior",
    "PriorError",
    "RecoveryReport",
    "VerificationError",
    "__version__",
    "checkpoint_info",
    "code_lengths",
    "compress",
    "compress_file",
    "compress_raw",
    "decompress",
    "decompress_file",
    "decompress_raw",
    "estimate",
    "info",
    "open",
    "recover_file",
    "resume_file",
    "test_file",
    "train_prior",
]
