//! What an archive holds, without decoding it.

use std::io::{Read, Seek};

use crate::Error;

/// What an archive holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArchiveInfo {
    /// Its members in order.
    pub members: Vec<MemberInfo>,
    /// Length of the archive.
    pub archive_bytes: u64,
    /// Length of all contents together.
    pub content_bytes: u64,
    /// Memory to decode with one thread: the largest member's.
    pub memory_bytes: u64,
}

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberInfo {
    /// First byte in the archive.
    pub offset: u64,
    /// Length in the archive.
    pub archive_bytes: u64,
    /// First byte in the concatenated contents.
    pub content_offset: u64,
    /// Length of the content.
    pub content_bytes: u64,
    /// Format generation.
    pub generation: u8,
    /// Preset number.
    pub preset: u8,
    /// Largest size class of its blocks.
    pub size_class: u8,
    /// Declared memory of one block's model.
    pub memory_bytes: u64,
    /// Whether it is in the compact form.
    pub compact: bool,
    /// Whether chunks carry checks.
    pub checksum: bool,
    /// First 16 bytes of the content's BLAKE3 digest, if stored.
    pub digest: Option<[u8; 16]>,
    /// Whether it has a seek index.
    pub seek_index: bool,
    /// Content bytes of every block but the last; `None` if there is no such rule.
    pub block_bytes: Option<u64>,
    /// Its blocks in order; a compact member is one block, an empty one none.
    pub blocks: Vec<BlockInfo>,
}

/// One block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockInfo {
    /// First byte in the archive.
    pub offset: u64,
    /// Length in the archive.
    pub archive_bytes: u64,
    /// First byte in the member's content.
    pub content_offset: u64,
    /// Length of the content.
    pub content_bytes: u64,
}

/// Reads what the archive holds from its headers and seek indexes.
#[allow(unused_variables, clippy::todo)]
pub fn info<R: Read + Seek>(archive: R) -> Result<ArchiveInfo, Error> {
    todo!()
}
