//! The frames an archive is made of, as bytes and as values: docs/FORMAT.md, section "Frames".
//!
//! Every frame says in its first bytes how long it is: `length` functions want a prefix of the
//! frame and return how long it is as far as the prefix tells; asked again with that many bytes,
//! they return the same or more. A reader thus holds only what has arrived.

mod block;
mod end;
mod member;

pub use block::{BLOCK_HEADER_BYTES, BlockHeader, CHUNK_BYTES, ChunkHeader};
pub use end::{BlockLengths, SeekIndex, Trailer};
pub use member::{CompactHeader, MAX_MEMBER_HEADER_BYTES, MemberHead, MemberHeader, NetworkHeader};

use super::{Damage, FormatProblem, GENERATION};
use crate::ModelPlan;

/// First byte of every frame but a chunk; never a chunk's method.
pub const MARK: u8 = 0xF7;
/// Bytes of magic or marker and tag, which tell every frame's kind.
pub const KIND_BYTES: usize = 4;
const MEMBER_MAGIC: [u8; 2] = [MARK, 0xD1];
/// Of a compact member that starts from the prior that comes with the package.
const SHIPPED_MAGIC: [u8; 2] = [MARK, 0xD5];
/// Of a compact member that starts from another prior, which it names.
const PRIMED_MAGIC: [u8; 2] = [MARK, 0xD6];
const BLOCK_MARKER: [u8; 3] = [MARK, 0xD2, 0x66];
const INDEX_MARKER: [u8; 3] = [MARK, 0xD3, 0x6F];
const TRAILER_MARKER: [u8; 3] = [MARK, 0xD4, 0x72];

/// Bits 0 to 4 of a tag.
const TAG_GENERATION: u8 = 0x1F;
const TAG_WIDE: u8 = 1 << 5;
const TAG_COMPACT: u8 = 1 << 6;
const TAG_CHECKS: u8 = 1 << 7;

const CHECK_BYTES: usize = 4;
/// Bytes of a stored digest: the first ones of BLAKE3's 32.
pub const DIGEST_BYTES: usize = 16;
/// In a compact member's method, which has four bits: that lines are joined. In a chunk's it is the bit
/// above; streams are expanded in full members only.
const COMPACT_JOINED: u8 = 8;
/// Largest method of a chunk.
const MAX_METHOD: u8 = 31;

/// How long a frame is, as far as a prefix of it tells.
#[derive(Clone, Copy, Debug)]
pub struct FrameLength {
    pub header: usize,
    /// 0 as long as the header is incomplete.
    pub payload: usize,
}

impl FrameLength {
    fn header(header: usize) -> FrameLength {
        FrameLength { header, payload: 0 }
    }
}

/// Why a frame cannot be read.
#[derive(Clone, Debug)]
pub enum FrameError {
    Format(FormatProblem),
    Damage(Damage),
}

impl From<FormatProblem> for FrameError {
    fn from(problem: FormatProblem) -> FrameError {
        FrameError::Format(problem)
    }
}

impl From<Damage> for FrameError {
    fn from(damage: Damage) -> FrameError {
        FrameError::Damage(damage)
    }
}

/// A field whose value is impossible.
pub fn bad_field(field: &'static str, found: u64, allowed: impl Into<String>) -> FrameError {
    Damage::Field { field, found, allowed: allowed.into() }.into()
}

/// Reads little-endian fields of a frame whose length has been checked.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    fn new(bytes: &'a [u8], at: usize) -> Fields<'a> {
        Fields { bytes, at }
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        let taken = self.bytes[self.at..self.at + N].try_into().expect("N bytes");
        self.at += N;
        taken
    }

    fn u8(&mut self) -> u8 {
        self.take::<1>()[0]
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }

    /// A little-endian number of `width` bytes.
    fn uint(&mut self, width: usize) -> usize {
        let bytes = &self.bytes[self.at..self.at + width];
        self.at += width;
        bytes.iter().rev().fold(0, |value, &byte| value << 8 | usize::from(byte))
    }

    /// The CRC-32C that ends a header, over everything before it.
    fn check(&mut self, name: &'static str) -> Result<(), FrameError> {
        let found = crc32c::crc32c(&self.bytes[..self.at]);
        if self.u32() == found { Ok(()) } else { Err(Damage::HeaderCheck(name).into()) }
    }
}

fn push_check(frame: &mut Vec<u8>, start: usize) {
    let check = crc32c::crc32c(&frame[start..]);
    frame.extend_from_slice(&check.to_le_bytes());
}

fn check_generation(tag: u8) -> Result<(), FrameError> {
    let found = tag & TAG_GENERATION;
    if found == GENERATION {
        return Ok(());
    }
    Err(FormatProblem::Generation { found, known: GENERATION }.into())
}

/// The tag of a full member's frames.
fn tag(checks: bool) -> u8 {
    GENERATION | if checks { TAG_CHECKS } else { 0 }
}

/// Whether a block's, an index's or a trailer's tag announces checks.
fn checks_of(tag: u8) -> Result<bool, FrameError> {
    check_generation(tag)?;
    if tag & (TAG_WIDE | TAG_COMPACT) != 0 {
        return Err(FormatProblem::ReservedFlags(tag).into());
    }
    Ok(tag & TAG_CHECKS != 0)
}

/// The plan that two bytes of a header name.
fn plan(preset: u8, size_class: u8) -> Result<ModelPlan, FrameError> {
    ModelPlan::from_bytes(preset, size_class)
        .map_err(|_| FormatProblem::UnknownModel { preset, size_class }.into())
}

/// A chunk's check: CRC-32C of its header's bytes before the check, then of its content.
pub fn content_check(lead: &[u8], content: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(lead), content)
}

/// A frame after a member's header.
#[derive(Debug)]
pub enum Frame {
    Block(BlockHeader),
    /// Payload follows the header of so many bytes.
    Chunk(ChunkHeader, usize),
    Index(Vec<BlockLengths>),
    Trailer(Trailer),
}

/// What the first bytes say of a frame after a member's header.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Block,
    Chunk,
    Index,
    Trailer,
}

impl Frame {
    /// `None` if `prefix` is too short to tell.
    fn kind(prefix: &[u8], checks: bool) -> Result<Option<Kind>, FrameError> {
        let unknown = || Damage::UnknownFrame(prefix[..prefix.len().min(KIND_BYTES)].to_vec());
        match prefix.first() {
            None => return Ok(None),
            Some(&first) if first <= MAX_METHOD => return Ok(Some(Kind::Chunk)),
            Some(&first) if first != MARK => return Err(unknown().into()),
            Some(_) if prefix.len() < KIND_BYTES => return Ok(None),
            Some(_) => {}
        }
        let kinds =
            [(BLOCK_MARKER, Kind::Block), (INDEX_MARKER, Kind::Index), (TRAILER_MARKER, Kind::Trailer)];
        let kind = kinds.into_iter().find(|(marker, _)| prefix[..3] == *marker).map(|(_, kind)| kind);
        if kind.is_some() && checks_of(prefix[3])? != checks {
            return Err(bad_field("tag", prefix[3].into(), "the member's own"));
        }
        Ok(Some(kind.ok_or_else(unknown)?))
    }

    /// Length of the frame of which `prefix` is the start, in a member with or without `checks`,
    /// after `blocks` blocks.
    pub fn length(prefix: &[u8], checks: bool, blocks: u32) -> Result<FrameLength, FrameError> {
        let header = match Frame::kind(prefix, checks)? {
            Some(Kind::Chunk) => return ChunkHeader::length(prefix, checks),
            None if prefix.is_empty() => 1,
            None => KIND_BYTES,
            Some(Kind::Block) => BLOCK_HEADER_BYTES,
            Some(Kind::Index) => SeekIndex::length(prefix, blocks)?,
            Some(Kind::Trailer) => Trailer::length_of(checks),
        };
        Ok(FrameLength::header(header))
    }

    /// Reads a frame of full length; of a chunk, the header suffices.
    pub fn parse(frame: &[u8], checks: bool) -> Result<Frame, FrameError> {
        match Frame::kind(frame, checks)?.expect("a frame has its kind") {
            Kind::Block => Ok(Frame::Block(BlockHeader::parse(frame)?)),
            Kind::Chunk => {
                Ok(Frame::Chunk(ChunkHeader::parse(frame, checks)?, ChunkHeader::header_bytes(checks)))
            }
            Kind::Index => Ok(Frame::Index(SeekIndex::parse(frame)?)),
            Kind::Trailer => Ok(Frame::Trailer(Trailer::parse(frame)?)),
        }
    }
}
