//! One member in, its content out.

use std::io::{Read, Write};

use super::Limits;
use crate::{Error, Tick};

/// Reads one member; bytes after it are kept apart as [`unused_data`](Self::unused_data).
///
/// [`push`](Self::push) works until its input is dealt with or `max_out` is reached. A caller who
/// must get in between, or who wants threads to have enough at hand, uses what it is made of:
/// [`feed`](Self::feed) takes what there is room for and decodes nothing, [`step`](Self::step)
/// decodes at most one chunk per thread. After an error the object is of no further use and
/// says so.
pub struct Decompressor {
    limits: Limits,
}

#[allow(unused_variables, clippy::todo)]
impl Decompressor {
    /// A decompressor at the start of a member.
    pub fn new(limits: Limits) -> Result<Decompressor, Error> {
        limits.validate()?;
        Ok(Decompressor { limits })
    }

    /// Decodes more of the archive, appending content to `out`: at most `max_out` bytes in this
    /// call, the rest comes with later calls (which may bring no data).
    pub fn push(
        &mut self,
        data: &[u8],
        out: &mut Vec<u8>,
        max_out: Option<usize>,
        tick: Tick<'_>,
    ) -> Result<(), Error> {
        todo!()
    }

    /// Takes as much of `data` as there is room for and returns how much. Less than all means
    /// that [`step`](Self::step) must be called first, or that the member ends there
    /// ([`input_complete`](Self::input_complete)).
    pub fn feed(&mut self, data: &[u8]) -> Result<usize, Error> {
        todo!()
    }

    /// Decodes at most one chunk per thread and gives out at most `max_out` bytes. True if there
    /// was something to do; false means that it wants more input or is at the member's end.
    pub fn step(&mut self, out: &mut Vec<u8>, max_out: Option<usize>, tick: Tick<'_>) -> Result<bool, Error> {
        todo!()
    }

    /// Whether the member's last byte has been fed.
    pub fn input_complete(&self) -> bool {
        todo!()
    }

    /// Whether the member has ended and all its content was given out.
    pub fn eof(&self) -> bool {
        todo!()
    }

    /// Whether nothing more can be given out before more input comes.
    pub fn needs_input(&self) -> bool {
        todo!()
    }

    /// What was pushed beyond the member's end.
    pub fn unused_data(&self) -> &[u8] {
        todo!()
    }

    /// To be asked when the input ends: an error if the member has not.
    pub fn end_of_input(&self) -> Result<(), Error> {
        todo!()
    }

    /// Archive bytes taken so far.
    pub fn archive_bytes(&self) -> u64 {
        todo!()
    }

    /// Content bytes given out so far.
    pub fn content_bytes(&self) -> u64 {
        todo!()
    }

    /// Writes the complete state. Not allowed after an error.
    pub fn save(&self, to: &mut dyn Write) -> Result<(), Error> {
        todo!()
    }

    /// The decompressor that [`save`](Self::save) wrote, with new limits.
    pub fn load(from: &mut dyn Read, limits: Limits) -> Result<Decompressor, Error> {
        todo!()
    }
}
