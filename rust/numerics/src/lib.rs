//! The arithmetic that every prediction of foretold rests on.
//!
//! The scalar functions here are the definition; SIMD twins give the same bits. This crate is
//! the home of `unsafe`: every other crate but the Python glue forbids it.

mod adaptive;
mod float;
mod probability;
mod simd;
mod table;

pub use adaptive::moved;
pub use float::{
    FLOAT_LANES, Lanes, StandardFloats, exp_f32, floats, floats_mut, round_f32, round_signed_f32,
    sigmoid_f32, tanh_f32,
};
pub use probability::{FINE_LIMIT, LOGIT_LIMIT, P1, exp, ln, squash, squash_fine, stretch};
pub use simd::{
    BLOCK, BY_CONTEXT, Blocks, ByContext, FEW, LANES, Maps, Nodes, PANEL_SUMS, PLANE_LANES, Simd, Steps,
    Work, ask_histories, ask_runs, dot_few, dot_sets, find_slots, mix_sets, multiply, teach, train_few,
    train_sets,
};
pub use table::{Plain, SharedBytes, Table};
