//! An archive that can be read at any place.

use std::io::{Read, Seek, SeekFrom};

use crate::Error;

/// An archive that can be read at any place, and its length when it was opened.
pub struct Source<R> {
    archive: R,
    length: u64,
}

impl<R: Read + Seek> Source<R> {
    pub fn new(mut archive: R) -> Result<Source<R>, Error> {
        let length = archive.seek(SeekFrom::End(0))?;
        Ok(Source { archive, length })
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    /// At most `bytes` bytes from `offset` on; fewer only at the end. Memory grows as they come.
    pub fn read(&mut self, offset: u64, bytes: u64) -> Result<Vec<u8>, Error> {
        let mut read = Vec::new();
        self.archive.seek(SeekFrom::Start(offset))?;
        self.archive.by_ref().take(bytes).read_to_end(&mut read)?;
        Ok(read)
    }
}
