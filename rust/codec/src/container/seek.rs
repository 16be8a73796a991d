//! Any part of the content, decoding only the blocks it lies in.

use std::io::{Read, Seek};

use super::{ArchiveInfo, Limits};
use crate::{Error, Tick};

/// Random access to the content of all members of an archive.
///
/// Reading forwards continues where the last read stopped; going back decodes the block again
/// from its start, unless the place is among the last 64 MiB decoded.
pub struct SeekableReader<R> {
    archive: R,
    info: ArchiveInfo,
    limits: Limits,
}

#[allow(unused_variables, clippy::todo, clippy::len_without_is_empty)]
impl<R: Read + Seek> SeekableReader<R> {
    /// Reads the archive's headers.
    pub fn new(archive: R, limits: Limits) -> Result<SeekableReader<R>, Error> {
        todo!()
    }

    /// Length of all contents together.
    pub fn len(&self) -> u64 {
        self.info.content_bytes
    }

    /// What the archive holds.
    pub fn info(&self) -> &ArchiveInfo {
        &self.info
    }

    /// Fills `buffer` from `offset` on and returns how much there was: less than asked for only
    /// at the end. Checks of chunks are verified, the whole content's digest is not.
    pub fn read_at(&mut self, offset: u64, buffer: &mut [u8], tick: Tick<'_>) -> Result<usize, Error> {
        todo!()
    }
}
