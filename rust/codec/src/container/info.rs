//! What an archive holds, without decoding it.

use std::io::{Read, Seek};

use super::block_decoder::WaitingChunk;
use super::frames::{
    BlockLengths, DIGEST_BYTES, MAX_MEMBER_HEADER_BYTES, MemberHead, MemberHeader, SeekIndex, Trailer,
};
use super::parser::{Event, Parser, Place};
use super::source::Source;
use super::{Damage, Error, GENERATION};
use crate::ModelPlan;
use crate::knowledge::hex;

/// Bytes read at once when a member is walked: enough for every header.
const WALK_BYTES: u64 = 256;

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
    /// What its model starts from that does not stand in it, if anything: the prior's digest in
    /// hexadecimal, or the beginning of it.
    pub prior: Option<String>,
    /// Length of the weights that stand in it, if any do.
    pub network_bytes: u64,
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

impl MemberInfo {
    fn full(
        offset: u64,
        header: &MemberHeader,
        lengths: &[BlockLengths],
        archive_bytes: u64,
        digest: Option<[u8; DIGEST_BYTES]>,
        seek_index: bool,
    ) -> MemberInfo {
        let mut blocks = Vec::new();
        let (mut block_offset, mut content_offset) = (offset + header.frame_bytes() as u64, 0);
        for &BlockLengths { archive_bytes, content_bytes } in lengths {
            blocks.push(BlockInfo { offset: block_offset, archive_bytes, content_offset, content_bytes });
            block_offset += archive_bytes;
            content_offset += content_bytes;
        }
        MemberInfo {
            offset,
            archive_bytes,
            content_offset: 0,
            content_bytes: content_offset,
            generation: GENERATION,
            preset: header.plan.preset().number(),
            size_class: header.plan.size_class(),
            memory_bytes: header.memory_bytes(),
            prior: match &header.network {
                Some(network) => network.under.as_ref(),
                None => header.prior.as_ref(),
            }
            .map(|digest| hex(digest)),
            network_bytes: header.network_bytes() as u64,
            compact: false,
            checksum: header.checks,
            digest,
            seek_index,
            block_bytes: Some(header.block_bytes).filter(|&bytes| bytes > 0),
            blocks,
        }
    }

    fn compact(
        offset: u64,
        archive_bytes: u64,
        plan: ModelPlan,
        chunk: &WaitingChunk,
        digest: Option<[u8; DIGEST_BYTES]>,
    ) -> MemberInfo {
        let content_bytes = chunk.content_bytes as u64;
        let block = BlockInfo { offset, archive_bytes, content_offset: 0, content_bytes };
        MemberInfo {
            offset,
            archive_bytes,
            content_offset: 0,
            content_bytes,
            generation: GENERATION,
            preset: plan.preset().number(),
            size_class: plan.size_class(),
            memory_bytes: plan.memory_bytes(),
            prior: plan.prior().map(|id| id.to_string()),
            network_bytes: 0,
            compact: true,
            checksum: chunk.check.is_some(),
            digest,
            seek_index: false,
            block_bytes: None,
            blocks: if content_bytes == 0 { Vec::new() } else { vec![block] },
        }
    }
}

/// Reads what the archive holds from its headers and seek indexes.
///
/// The members are found from the archive's end, by their trailers, as far as that goes; what is
/// left before them is walked from header to header.
pub fn info<R: Read + Seek>(archive: R) -> Result<ArchiveInfo, Error> {
    let mut source = Source::new(archive)?;
    let mut last_members = members_from_end(&mut source)?;
    let mut members = Vec::new();
    let mut offset = 0;
    // An empty archive is walked, too: that is an error.
    while offset < source.length() || offset == 0 {
        if let Ok(known) = last_members.binary_search_by_key(&offset, |member| member.offset) {
            members.extend(last_members.drain(known..));
            break;
        }
        let member = walk_member(&mut source, Place { offset, member: members.len() as u64 })?;
        offset += member.archive_bytes;
        members.push(member);
    }
    let mut info = ArchiveInfo { archive_bytes: source.length(), ..ArchiveInfo::default() };
    for (number, member) in members.iter_mut().enumerate() {
        member.content_offset = info.content_bytes;
        info.content_bytes = info.content_bytes.checked_add(member.content_bytes).ok_or_else(|| {
            let allowed = "less than 2^64 in all members".into();
            let damage = Damage::Field { field: "content_bytes", found: member.content_bytes, allowed };
            Error::Corrupt { offset: member.offset, member: number as u64, block: None, chunk: None, damage }
        })?;
        info.memory_bytes = info.memory_bytes.max(member.memory_bytes);
    }
    info.members = members;
    Ok(info)
}

/// The members at the archive's end that trailers, headers and seek indexes tell of, in order.
///
/// They are the archive's own only if one starts where the member before it ends: the last bytes
/// of a stored message may be an archive themselves.
pub fn members_from_end<R: Read + Seek>(source: &mut Source<R>) -> Result<Vec<MemberInfo>, Error> {
    let mut members = Vec::new();
    let mut end = source.length();
    while let Some(member) = member_ending_at(source, end)? {
        end = member.offset;
        members.push(member);
    }
    members.reverse();
    Ok(members)
}

/// The full member that ends at `end`, if its trailer, header and seek index say so with one
/// voice; several blocks without an index are left to the walk.
fn member_ending_at<R: Read + Seek>(source: &mut Source<R>, end: u64) -> Result<Option<MemberInfo>, Error> {
    let most = Trailer::length_of(true) as u64;
    let last = source.read(end.saturating_sub(most), end.min(most))?;
    let Some(trailer) = Trailer::at_end(&last) else { return Ok(None) };
    let Some(offset) = end.checked_sub(trailer.member_bytes) else { return Ok(None) };
    let start = source.read(offset, MAX_MEMBER_HEADER_BYTES)?;
    let header = match MemberHead::length(&start) {
        Ok(length) if length.header <= start.len() => MemberHead::parse(&start),
        _ => return Ok(None),
    };
    let Ok(MemberHead::Full(header)) = header else { return Ok(None) };
    let index_bytes = if trailer.index { SeekIndex::length_of(trailer.block_count) } else { 0 };
    let around = Trailer::length_of(trailer.digest.is_some()) as u64 + index_bytes;
    let Some(body_bytes) = trailer.member_bytes.checked_sub(header.frame_bytes() as u64 + around) else {
        return Ok(None);
    };
    let lengths = if trailer.index {
        let index = source.read(end - around, index_bytes)?;
        SeekIndex::parse(&index).unwrap_or_default()
    } else {
        vec![BlockLengths { archive_bytes: body_bytes, content_bytes: trailer.content_bytes }]
    };
    let sum = |field: fn(&BlockLengths) -> u64| {
        lengths.iter().try_fold(0u64, |sum, lengths| sum.checked_add(field(lengths)))
    };
    let fits = lengths.len() as u64 == u64::from(trailer.block_count)
        && sum(|lengths| lengths.content_bytes) == Some(trailer.content_bytes)
        && sum(|lengths| lengths.archive_bytes) == Some(body_bytes);
    let member =
        || MemberInfo::full(offset, &header, &lengths, trailer.member_bytes, trailer.digest, trailer.index);
    Ok(fits.then(member))
}

/// The member at `place`, read from header to header.
fn walk_member<R: Read + Seek>(source: &mut Source<R>, place: Place) -> Result<MemberInfo, Error> {
    let mut parser = Parser::headers(place);
    loop {
        let data = source.read(place.offset + parser.taken_bytes(), WALK_BYTES)?;
        let event = match parser.next(&data)?.1 {
            None if data.len() < WALK_BYTES as usize => {
                parser.end_of_input()?;
                unreachable!("an incomplete frame is an error at the end");
            }
            event => event,
        };
        if parser.frame_offset() > source.length() {
            return Err(parser.corrupt(Damage::Truncated));
        }
        let archive_bytes = parser.taken_bytes();
        match (event, parser.header()) {
            (Some(Event::Compact { plan, chunk, digest }), _) => {
                return Ok(MemberInfo::compact(place.offset, archive_bytes, plan, &chunk, digest));
            }
            (Some(Event::End { digest }), Some(header)) => {
                let (blocks, index) = (parser.blocks(), parser.has_index());
                return Ok(MemberInfo::full(place.offset, header, blocks, archive_bytes, digest, index));
            }
            _ => {}
        }
    }
}
