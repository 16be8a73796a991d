//! Streams, members, blocks and chunks: the container of docs/FORMAT.md.

mod compressor;
mod decompressor;
mod error;
mod info;
mod options;
mod recover;
mod seek;

pub use compressor::Compressor;
pub use decompressor::Decompressor;
pub use error::{Damage, Error, FormatProblem};
pub use info::{ArchiveInfo, BlockInfo, MemberInfo, info};
pub use options::{Limits, MIN_BLOCK_BYTES, Options};
pub use recover::{LostRange, RecoveryReport, recover};
pub use seek::SeekableReader;

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
#[allow(unused_variables, clippy::todo)]
pub fn decompress(archive: &[u8], limits: &Limits, tick: Tick<'_>) -> Result<Vec<u8>, Error> {
    todo!()
}
