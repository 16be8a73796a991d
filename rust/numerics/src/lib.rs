//! The arithmetic that every prediction of foretold rests on.
//!
//! The scalar functions here are the definition; SIMD twins give the same bits. This crate is
//! the home of `unsafe`: every other crate but the Python glue forbids it.

mod probability;

pub use probability::{FINE_LIMIT, LOGIT_LIMIT, P1, squash, squash_fine, stretch};
