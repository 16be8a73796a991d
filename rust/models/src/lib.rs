//! What predicts: counters, bit histories, contexts, match models, mixers and APMs.
#![forbid(unsafe_code)]

mod adaptive_map;
mod apm;
mod bit_history;
pub mod contexts;
mod directs;
mod hash;
mod history;
mod match_model;
mod mixer;
mod parse;
mod runs;
mod slots;
mod state;
mod tree;
mod trees;

pub use adaptive_map::AdaptiveMap;
pub use apm::{Apm, ApmPlace};
pub use bit_history::{BitHistories, COUNTS, EMPTY, PROBABILITIES};
pub use directs::{DIRECT_INPUTS, Directs};
pub use hash::hash;
pub use history::History;
pub use match_model::{MATCH_INPUTS, MatchModel};
pub use mixer::{LayerState, MAX_SETS, Mixed, Mixer, Rates};
pub use parse::{Parsed, Parts, class};
pub use runs::{RUN_INPUTS, Ran, Runs};
pub use slots::{SLOT_INPUTS, SlotFiller, SlotTable, Slots, nibble};
pub use state::{StateError, StateIo, StateReader, StateWriter, ValueReader, ValueWriter};
pub use tree::{MOST_DECISIONS, Tree};
pub use trees::{MOST_TREES, Trees};
