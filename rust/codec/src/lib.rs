//! Presets, predictor assembly, container, streams and checkpoints.
#![forbid(unsafe_code)]

#[doc(hidden)]
pub mod ablation;
mod container;
mod corrector;
mod engine;
mod evidence;
mod files;
mod kinds;
#[doc(hidden)]
pub mod knowledge;
mod measure;
mod network;
mod pieces;
mod planting;
mod predictor;
mod preset;
mod setup;
mod shape;
mod trace;
mod transform;
mod trial;

pub use container::{
    ArchiveInfo, BlockInfo, Compressor, Damage, Decompressor, Error, FormatProblem, GENERATION, Knowledge,
    Limits, LostRange, MIN_BLOCK_BYTES, MemberInfo, Options, RecoveryReport, SeekableReader, Transform,
    compress, compress_raw, decompress, decompress_raw, info, recover,
};
pub use corrector::mixer_corrections;
pub use engine::{ChunkCoder, CodedChunk, EngineError, Tick, coded_bytes, seen_bytes};
pub use evidence::CONTEXTS;
pub use files::{
    CheckpointInfo, FileOptions, FileReport, checkpoint_info, compress_file, decompress_file, recover_file,
    resume, test_file,
};
pub use knowledge::{
    Cache, CachedTable, FittedNetwork, Prior, PriorContent, PriorError, PriorId, Priors, Training,
    cached_tables, clear_cached_tables, train,
};
pub use measure::{Probe, code_lengths, probe};
pub use network::{NetworkMode, expectations, network_probabilities};
pub use preset::{ModelPlan, Preset};
pub use trace::{Trace, Tracer, trace_columns};
