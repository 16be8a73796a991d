//! Content in, one member out.

use std::io::{Read, Write};

use super::Options;
use crate::{Error, Tick};

/// Writes one member; the same bytes as [`compress`](super::compress), however the content is cut.
///
/// [`push`](Self::push) and [`finish`](Self::finish) work until their input is dealt with. A caller
/// who must get in between, for checkpoints, uses what they are made of: [`feed`](Self::feed) takes
/// what there is room for and does no work, [`step`](Self::step) codes at most one chunk per
/// thread, [`close`](Self::close) ends the content. After any error but a parameter's the object
/// is of no further use and says so.
pub struct Compressor {
    options: Options,
}

#[allow(unused_variables, clippy::todo)]
impl Compressor {
    /// A compressor at the start of a member.
    pub fn new(options: Options) -> Result<Compressor, Error> {
        options.validate()?;
        Ok(Compressor { options })
    }

    /// Compresses more content, appending to `out` what is ready.
    pub fn push(&mut self, data: &[u8], out: &mut Vec<u8>, tick: Tick<'_>) -> Result<(), Error> {
        todo!()
    }

    /// Ends the chunk: everything pushed so far becomes decodable from `out`.
    pub fn flush(&mut self, out: &mut Vec<u8>, tick: Tick<'_>) -> Result<(), Error> {
        todo!()
    }

    /// Ends the member.
    pub fn finish(&mut self, out: &mut Vec<u8>, tick: Tick<'_>) -> Result<(), Error> {
        todo!()
    }

    /// Takes as much of `data` as there is room for and returns how much; less than all means
    /// that [`step`](Self::step) must be called first.
    pub fn feed(&mut self, data: &[u8]) -> Result<usize, Error> {
        todo!()
    }

    /// Says that no more content comes; [`step`](Self::step) then runs until it returns false.
    pub fn close(&mut self) -> Result<(), Error> {
        todo!()
    }

    /// Codes at most one chunk per thread. True if there was something to do; false means that
    /// it wants more input, or, after [`close`](Self::close), that the member is complete.
    pub fn step(&mut self, out: &mut Vec<u8>, tick: Tick<'_>) -> Result<bool, Error> {
        todo!()
    }

    /// Whether the member is complete.
    pub fn is_finished(&self) -> bool {
        todo!()
    }

    /// Content bytes taken so far (some may still wait to be coded).
    pub fn content_bytes(&self) -> u64 {
        todo!()
    }

    /// Writes the complete state, waiting content included. Not allowed after an error.
    pub fn save(&self, to: &mut dyn Write) -> Result<(), Error> {
        todo!()
    }

    /// The compressor that [`save`](Self::save) wrote, which continues with the same bytes.
    pub fn load(from: &mut dyn Read) -> Result<Compressor, Error> {
        todo!()
    }
}
