//! Streams, members, blocks and chunks: the container of docs/FORMAT.md.

mod block_decoder;
mod block_encoder;
mod compressor;
mod decompressor;
mod digest;
mod error;
mod frames;
mod info;
pub(crate) mod lanes;
mod options;
mod parser;
mod raw;
mod recover;
mod scan;
mod seek;
mod source;
mod state;

pub(crate) use block_encoder::{GATHER_BYTES, expands, look};
pub use compressor::Compressor;
pub use decompressor::Decompressor;
pub use error::{Damage, Error, FormatProblem};
pub(crate) use frames::CHUNK_BYTES;
pub use info::{ArchiveInfo, BlockInfo, MemberInfo, info};
pub use options::{Knowledge, Limits, MIN_BLOCK_BYTES, Options, Transform};
pub use raw::{compress_raw, decompress_raw};
pub use recover::{LostRange, RecoveryReport, recover};
pub use seek::SeekableReader;

use self::parser::Place;
use crate::Tick;

/// Generation of the format that this release reads and writes.
pub const GENERATION: u8 = 0;

/// The archive of `data`: one member.
pub fn compress(data: &[u8], options: &Options, tick: Tick<'_>) -> Result<Vec<u8>, Error> {
    let mut compressor = Compressor::new(options.clone())?;
    let mut archive = Vec::new();
    compressor.push(data, &mut archive, tick)?;
    compressor.finish(&mut archive, tick)?;
    Ok(archive)
}

/// The contents of all members of `archive`, one after the other.
pub fn decompress(archive: &[u8], limits: &Limits, tick: Tick<'_>) -> Result<Vec<u8>, Error> {
    let mut content = Vec::new();
    let mut place = Place::default();
    let mut rest = archive;
    loop {
        // The limit is on all members together.
        let max_output = limits.max_output.map(|most| most - content.len() as u64);
        let mut decompressor = Decompressor::at(Limits { max_output, ..limits.clone() }, place)?;
        loop {
            let fed = decompressor.feed(rest)?;
            rest = &rest[fed..];
            let worked =
                decompressor.work(usize::MAX, &mut content, None, tick).map_err(|error| match error {
                    Error::OutputLimit { .. } => {
                        Error::OutputLimit { allowed: limits.max_output.unwrap_or(u64::MAX) }
                    }
                    other => other,
                })?;
            if !worked && fed == 0 {
                break;
            }
        }
        decompressor.end_of_input()?;
        if rest.is_empty() {
            return Ok(content);
        }
        place = Place { offset: (archive.len() - rest.len()) as u64, member: place.member + 1 };
    }
}
