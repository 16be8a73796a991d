//! What can be saved of a damaged archive.

use std::io::{Read, Seek, Write};

use super::Limits;
use crate::{Error, Tick};

/// What [`recover`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Bytes written, zeros for what is lost included.
    pub bytes_written: u64,
    /// What is lost, in order of offset; empty if the archive is intact.
    pub lost: Vec<LostRange>,
}

/// Content that could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostRange {
    /// First lost byte, counted in what was written.
    pub offset: u64,
    /// How many, written as zeros; `None` if the archive no longer says (nothing was written).
    pub length: Option<u64>,
    /// Why.
    pub reason: String,
}

/// Writes everything that still decodes, zeros in place of what is lost, and says what that is.
#[allow(unused_variables, clippy::todo)]
pub fn recover<R: Read + Seek>(
    archive: R,
    to: &mut dyn Write,
    limits: &Limits,
    tick: Tick<'_>,
) -> Result<RecoveryReport, Error> {
    todo!()
}
