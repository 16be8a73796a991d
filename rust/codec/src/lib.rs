//! Presets, predictor assembly, container, streams and checkpoints.
#![forbid(unsafe_code)]

mod engine;
mod preset;

pub use engine::{ChunkCoder, CodedChunk, EngineError, Tick};
pub use preset::{ModelPlan, Preset};
