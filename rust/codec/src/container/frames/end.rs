//! What ends a full member: its seek index and its trailer.

use super::{
    CHECK_BYTES, DIGEST_BYTES, Fields, FrameError, INDEX_MARKER, KIND_BYTES, TAG_CHECKS, TRAILER_MARKER,
    bad_field, checks_of, push_check, tag,
};
use crate::container::{Damage, FormatProblem};

const FLAG_INDEX: u8 = 1 << 0;

/// Lengths of one block, as the seek index lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockLengths {
    pub archive_bytes: u64,
    pub content_bytes: u64,
}

/// The seek index: the blocks' lengths in order.
pub struct SeekIndex;

impl SeekIndex {
    /// Bytes before the first entry.
    const LEAD_BYTES: usize = 8;

    /// Length of the index of `blocks` blocks.
    pub fn length_of(blocks: u32) -> u64 {
        (SeekIndex::LEAD_BYTES + CHECK_BYTES) as u64 + u64::from(blocks) * 16
    }

    /// The blocks listed by the index that `prefix` is the start of, if it is one.
    pub fn announced_blocks(prefix: &[u8]) -> Option<u32> {
        let is_index = prefix.len() >= SeekIndex::LEAD_BYTES && prefix[..3] == INDEX_MARKER;
        is_index.then(|| Fields::new(prefix, 4).u32())
    }

    /// Length of the frame, which must list `blocks` blocks.
    pub fn length(prefix: &[u8], blocks: u32) -> Result<usize, FrameError> {
        if prefix.len() < SeekIndex::LEAD_BYTES {
            return Ok(SeekIndex::LEAD_BYTES);
        }
        let found = Fields::new(prefix, 4).u32();
        if found != blocks {
            return Err(bad_field("block_count", found.into(), format!("the {blocks} blocks before it")));
        }
        Ok(SeekIndex::length_of(blocks) as usize)
    }

    pub fn parse(frame: &[u8]) -> Result<Vec<BlockLengths>, FrameError> {
        let mut fields = Fields::new(frame, 3);
        let tag = fields.u8();
        let count = fields.u32();
        let mut blocks = Vec::new();
        if frame.len() as u64 != SeekIndex::length_of(count) || frame[..3] != INDEX_MARKER {
            return Err(Damage::HeaderCheck("seek index").into());
        }
        for _ in 0..count {
            blocks.push(BlockLengths { archive_bytes: fields.u64(), content_bytes: fields.u64() });
        }
        fields.check("seek index")?;
        checks_of(tag)?;
        Ok(blocks)
    }

    pub fn write(blocks: &[BlockLengths], checks: bool, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&INDEX_MARKER);
        out.push(tag(checks));
        out.extend_from_slice(&(blocks.len() as u32).to_le_bytes());
        for block in blocks {
            out.extend_from_slice(&block.archive_bytes.to_le_bytes());
            out.extend_from_slice(&block.content_bytes.to_le_bytes());
        }
        push_check(out, start);
    }
}

/// A full member's last frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trailer {
    pub content_bytes: u64,
    /// Length of the whole member, this frame included.
    pub member_bytes: u64,
    pub block_count: u32,
    /// Whether a seek index stands before this frame.
    pub index: bool,
    /// Digest of the content, if there are checks.
    pub digest: Option<[u8; DIGEST_BYTES]>,
}

impl Trailer {
    pub fn length_of(checks: bool) -> usize {
        25 + CHECK_BYTES + if checks { DIGEST_BYTES } else { 0 }
    }

    pub fn parse(frame: &[u8]) -> Result<Trailer, FrameError> {
        let mut fields = Fields::new(frame, 3);
        let tag = fields.u8();
        let (content_bytes, member_bytes) = (fields.u64(), fields.u64());
        let block_count = fields.u32();
        let flags = fields.u8();
        let digest = (tag & TAG_CHECKS != 0).then(|| fields.take());
        fields.check("trailer")?;
        checks_of(tag)?;
        if flags & !FLAG_INDEX != 0 {
            return Err(FormatProblem::ReservedFlags(flags).into());
        }
        Ok(Trailer { content_bytes, member_bytes, block_count, index: flags & FLAG_INDEX != 0, digest })
    }

    /// The trailer that ends with the last of `bytes`, if one does.
    pub fn at_end(bytes: &[u8]) -> Option<Trailer> {
        [true, false].into_iter().find_map(|checks| {
            let start = bytes.len().checked_sub(Trailer::length_of(checks))?;
            let (trailer, length) = Trailer::at_start(&bytes[start..])?;
            (start + length == bytes.len()).then_some(trailer)
        })
    }

    /// The trailer that `bytes` start with, if one does, and its length.
    pub fn at_start(bytes: &[u8]) -> Option<(Trailer, usize)> {
        if bytes.len() < KIND_BYTES || bytes[..3] != TRAILER_MARKER {
            return None;
        }
        let length = Trailer::length_of(bytes[3] & TAG_CHECKS != 0);
        Some((Trailer::parse(bytes.get(..length)?).ok()?, length))
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&TRAILER_MARKER);
        out.push(tag(self.digest.is_some()));
        out.extend_from_slice(&self.content_bytes.to_le_bytes());
        out.extend_from_slice(&self.member_bytes.to_le_bytes());
        out.extend_from_slice(&self.block_count.to_le_bytes());
        out.push(if self.index { FLAG_INDEX } else { 0 });
        if let Some(digest) = self.digest {
            out.extend_from_slice(&digest);
        }
        push_check(out, start);
    }
}
