//! Finds the next place in a damaged archive where reading can go on.

use std::io::{Read, Seek};

use super::Error;
use super::frames::{
    BLOCK_HEADER_BYTES, BlockHeader, CHUNK_BYTES, ChunkHeader, KIND_BYTES, MARK, MAX_MEMBER_HEADER_BYTES,
    MemberHead, SeekIndex, Trailer,
};
use super::info::MemberInfo;
use super::source::Source;

/// Archive bytes searched at once.
const SCAN_BYTES: u64 = 1 << 16;

/// A frame whose own check is right.
pub enum Anchor {
    /// A block's header, and where it stands.
    Block(u64, BlockHeader),
    /// A seek index: the archive byte after it, and the content's length.
    Index(u64, u64),
    /// A trailer: the archive byte after it, and the content's length.
    Trailer(u64, u64),
    /// A member's header stands here.
    Member(u64),
}

/// The next anchor of a `member` whose blocks are known, at `from` or after it.
pub fn anchor_in<R: Read + Seek>(
    source: &mut Source<R>,
    member: &MemberInfo,
    from: u64,
) -> Result<Option<Anchor>, Error> {
    for block in member.blocks.iter().filter(|block| block.offset >= from) {
        let frame = source.read(block.offset, BLOCK_HEADER_BYTES as u64)?;
        match BlockHeader::parse(&frame) {
            Ok(header) if header.content_offset == block.content_offset => {
                return Ok(Some(Anchor::Block(block.offset, header)));
            }
            _ => {}
        }
    }
    Ok(Some(Anchor::Trailer(member.offset + member.archive_bytes, member.content_bytes)))
}

/// The next anchor at `from` or after it, searched for byte by byte.
///
/// A stored chunk may hold a foretold archive itself; its frames cannot be told from the outer
/// one's, which is why known blocks are better.
pub fn find_anchor<R: Read + Seek>(source: &mut Source<R>, from: u64) -> Result<Option<Anchor>, Error> {
    let longest = MAX_MEMBER_HEADER_BYTES.max(BLOCK_HEADER_BYTES as u64).max(Trailer::length_of(true) as u64);
    let mut start = from;
    while start < source.length() {
        let data = source.read(start, SCAN_BYTES + longest)?;
        let searched = data.len().min(SCAN_BYTES as usize);
        for at in (0..searched).filter(|&at| data[at] == MARK) {
            if let Some(anchor) = anchor_at(source, start + at as u64, &data[at..])? {
                return Ok(Some(anchor));
            }
        }
        start += SCAN_BYTES;
    }
    Ok(None)
}

/// The anchor at `offset`, where the archive goes on with `data`, if one is there.
fn anchor_at<R: Read + Seek>(
    source: &mut Source<R>,
    offset: u64,
    data: &[u8],
) -> Result<Option<Anchor>, Error> {
    if let Ok(header) = BlockHeader::parse(data) {
        // Every chunk lost takes up some of the archive: more content cannot have been there.
        let most = (source.length() / ChunkHeader::LEAD_BYTES as u64 + 1).saturating_mul(CHUNK_BYTES as u64);
        return Ok((header.content_offset <= most).then_some(Anchor::Block(offset, header)));
    }
    if let Some(blocks) = SeekIndex::announced_blocks(data) {
        let index_bytes = SeekIndex::length_of(blocks);
        if index_bytes <= source.length() - offset
            && let Ok(blocks) = SeekIndex::parse(&source.read(offset, index_bytes)?)
        {
            let total = blocks.iter().try_fold(0u64, |sum, block| sum.checked_add(block.content_bytes));
            return Ok(total.map(|total| Anchor::Index(offset + index_bytes, total)));
        }
        return Ok(None);
    }
    if let Some((trailer, length)) = Trailer::at_start(data) {
        return Ok(Some(Anchor::Trailer(offset + length as u64, trailer.content_bytes)));
    }
    let is_member = match MemberHead::length(data) {
        Ok(length) if data.len() < length.header => false,
        Ok(_) => match MemberHead::parse(data) {
            Ok(MemberHead::Full(_)) => true,
            Ok(MemberHead::Compact(_)) => message_at(source, offset)?.is_some(),
            Err(_) => false,
        },
        Err(_) => false,
    };
    Ok(is_member.then_some(Anchor::Member(offset)))
}

/// The archive byte after the compact member at `offset`, and its content's length, if one seems
/// to stand there: it has no check of its own but the content's, so it must be followed by a
/// member or the end.
pub fn message_at<R: Read + Seek>(source: &mut Source<R>, offset: u64) -> Result<Option<(u64, u64)>, Error> {
    let start = source.read(offset, MAX_MEMBER_HEADER_BYTES)?;
    let length = match MemberHead::length(&start) {
        Ok(length) if length.header <= start.len() => length,
        _ => return Ok(None),
    };
    let Ok(MemberHead::Compact(header)) = MemberHead::parse(&start) else { return Ok(None) };
    let end = offset + (length.header + length.payload) as u64;
    if end > source.length() {
        return Ok(None);
    }
    let next = source.read(end, KIND_BYTES as u64)?;
    let followed = next.is_empty() || next.len() == KIND_BYTES && MemberHead::length(&next).is_ok();
    Ok(followed.then_some((end, header.content_bytes as u64)))
}
