//! Networks: the same bits on every machine, whatever its vectors and threads.
#![forbid(unsafe_code)]

mod backward;
mod byte_lstm;
mod cell;
mod frozen;
mod load;
mod lstm_mixer;
mod matrix;
mod weights;

pub use backward::Learning;
pub use byte_lstm::{ByteLstm, Part};
pub use frozen::FrozenLstm;
pub use load::{Shape, Tensors, Values, WeightsError};
pub use lstm_mixer::{LstmMixer, MIXER_CONTEXTS, MixerStep, MixerWeights};
pub use weights::{Dimensions, Expected, MATCH_CLASSES, Weights};
