//! The frames an archive is made of, as bytes and as values: docs/FORMAT.md, section "Frames".
//!
//! Every frame says in its first bytes how long it is: `length` functions want a prefix of the
//! frame and return how long it is as far as the prefix tells; asked again with that many bytes,
//! they return the same or more. A reader thus holds only what has arrived.

use super::digest::ContentDigest;
use super::{Damage, FormatProblem, GENERATION};
use crate::{ModelPlan, Preset};

/// Most content bytes of a chunk.
pub const CHUNK_BYTES: usize = 1 << 20;

/// Content bytes below which a compact member's lengths have two bytes instead of three.
const NARROW_BYTES: usize = 1 << 16;

const MEMBER_MAGIC: [u8; 2] = [0xF7, 0xD1];
const BLOCK_MARKER: [u8; 3] = [0xF7, 0xD2, 0x66];
const INDEX_MARKER: [u8; 3] = [0xF7, 0xD3, 0x6F];
const TRAILER_MARKER: [u8; 3] = [0xF7, 0xD4, 0x72];
/// First byte of every frame but a chunk; never a chunk's method.
pub const MARK: u8 = 0xF7;
/// Bytes of magic or marker and tag, which tell every frame's kind.
pub const KIND_BYTES: usize = 4;

/// Bits 0 to 4 of a tag.
const TAG_GENERATION: u8 = 0x1F;
const TAG_WIDE: u8 = 1 << 5;
const TAG_COMPACT: u8 = 1 << 6;
const TAG_CHECKS: u8 = 1 << 7;

const FLAG_CONTENT_LENGTH: u8 = 1 << 0;
const FLAG_PRIOR: u8 = 1 << 1;
const FLAG_INDEX: u8 = 1 << 0;

const CHECK_BYTES: usize = 4;
/// Bytes of a stored digest: the first ones of BLAKE3's 32.
pub const DIGEST_BYTES: usize = 16;
/// Bytes of a prior's digest.
const PRIOR_BYTES: usize = 32;
/// Largest method of a chunk.
const MAX_METHOD: u8 = 15;

/// Most bytes of a full member's header.
pub const MAX_MEMBER_HEADER_BYTES: u64 = 18 + 8 + 32 + 4;

/// Bytes of a block's header.
pub const BLOCK_HEADER_BYTES: usize = 22;

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

/// A member's first frame.
pub enum MemberHead {
    /// The whole member is one frame.
    Compact(CompactHeader),
    /// Blocks follow.
    Full(MemberHeader),
}

impl MemberHead {
    /// Length of the frame of which `prefix` is the start; a compact member is one frame.
    pub fn length(prefix: &[u8]) -> Result<FrameLength, FrameError> {
        let known = prefix.len().min(MEMBER_MAGIC.len());
        if prefix[..known] != MEMBER_MAGIC[..known] {
            return Err(FormatProblem::NotForetold(prefix[..prefix.len().min(4)].to_vec()).into());
        }
        if prefix.len() < KIND_BYTES {
            return Ok(FrameLength::header(KIND_BYTES));
        }
        check_generation(prefix[2])?;
        if prefix[2] & TAG_COMPACT == 0 {
            return Ok(FrameLength::header(MemberHeader::length_of(prefix[2], prefix[3])?));
        }
        let header = CompactHeader::header_bytes(prefix[2], prefix[3] >> 4);
        if prefix.len() < header {
            return Ok(FrameLength::header(header));
        }
        Ok(FrameLength { header, payload: CompactHeader::parse(prefix)?.payload_bytes })
    }

    /// Reads a frame of full length; of a compact member, the header suffices.
    pub fn parse(frame: &[u8]) -> Result<MemberHead, FrameError> {
        if frame[2] & TAG_COMPACT != 0 {
            Ok(MemberHead::Compact(CompactHeader::parse(frame)?))
        } else {
            Ok(MemberHead::Full(MemberHeader::parse(frame)?))
        }
    }
}

/// A full member's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberHeader {
    pub checks: bool,
    /// Preset, and the largest size class of its blocks.
    pub plan: ModelPlan,
    /// Declared memory of one block's model, in KiB.
    pub memory_kib: u32,
    /// Content bytes of every block but the last; 0 if one block holds everything.
    pub block_bytes: u64,
    /// The content's length, if it was known.
    pub content_bytes: Option<u64>,
}

impl MemberHeader {
    /// A model's memory as a header declares it.
    pub fn declare(plan: ModelPlan) -> u32 {
        plan.memory_bytes().div_ceil(1024).try_into().expect("no model takes 4 TiB")
    }

    /// Declared memory of one block's model.
    pub fn memory_bytes(&self) -> u64 {
        u64::from(self.memory_kib) * 1024
    }

    /// Bytes of the header itself.
    pub fn length(&self) -> usize {
        let flags = if self.content_bytes.is_some() { FLAG_CONTENT_LENGTH } else { 0 };
        MemberHeader::length_of(tag(self.checks), flags).expect("known flags")
    }

    fn length_of(tag: u8, flags: u8) -> Result<usize, FrameError> {
        if flags & !(FLAG_CONTENT_LENGTH | FLAG_PRIOR) != 0 || tag & TAG_WIDE != 0 {
            return Err(FormatProblem::ReservedFlags(flags).into());
        }
        let content_length = if flags & FLAG_CONTENT_LENGTH != 0 { 8 } else { 0 };
        let prior = if flags & FLAG_PRIOR != 0 { PRIOR_BYTES } else { 0 };
        Ok(18 + content_length + prior + CHECK_BYTES)
    }

    fn parse(frame: &[u8]) -> Result<MemberHeader, FrameError> {
        let mut fields = Fields::new(frame, 2);
        let (tag, flags) = (fields.u8(), fields.u8());
        let (preset, size_class) = (fields.u8(), fields.u8());
        let memory_kib = fields.u32();
        let block_bytes = fields.u64();
        let content_bytes = (flags & FLAG_CONTENT_LENGTH != 0).then(|| fields.u64());
        let prior = (flags & FLAG_PRIOR != 0).then(|| fields.take::<PRIOR_BYTES>());
        fields.check("member header")?;
        if let Some(prior) = prior {
            return Err(FormatProblem::NeedsPrior(prior.to_vec()).into());
        }
        let plan = plan(preset, size_class)?;
        Ok(MemberHeader { checks: checks_of(tag)?, plan, memory_kib, block_bytes, content_bytes })
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&MEMBER_MAGIC);
        let flags = if self.content_bytes.is_some() { FLAG_CONTENT_LENGTH } else { 0 };
        out.extend_from_slice(&[tag(self.checks), flags]);
        out.extend_from_slice(&[self.plan.preset().number(), self.plan.size_class()]);
        out.extend_from_slice(&self.memory_kib.to_le_bytes());
        out.extend_from_slice(&self.block_bytes.to_le_bytes());
        if let Some(bytes) = self.content_bytes {
            out.extend_from_slice(&bytes.to_le_bytes());
        }
        push_check(out, start);
    }
}

/// The header of a compact member: of one chunk, which follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompactHeader {
    pub preset: Preset,
    pub method: u8,
    pub content_bytes: usize,
    pub payload_bytes: usize,
    /// [`content_check`], if there are checks.
    pub check: Option<u32>,
    /// Digest, if there are checks and the content has 64 KiB or more.
    pub digest: Option<[u8; DIGEST_BYTES]>,
}

impl CompactHeader {
    /// The plan of its one block.
    pub fn plan(&self) -> ModelPlan {
        ModelPlan::for_block(self.preset, self.content_bytes as u64)
    }

    /// Bytes before the check.
    fn lead_bytes(wide: bool, method: u8) -> usize {
        let width = if wide { 3 } else { 2 };
        KIND_BYTES + if method == 0 { width } else { 2 * width }
    }

    fn header_bytes(tag: u8, method: u8) -> usize {
        let wide = tag & TAG_WIDE != 0;
        let checks = match (tag & TAG_CHECKS != 0, wide) {
            (false, _) => 0,
            (true, false) => CHECK_BYTES,
            (true, true) => CHECK_BYTES + DIGEST_BYTES,
        };
        CompactHeader::lead_bytes(wide, method) + checks
    }

    fn parse(frame: &[u8]) -> Result<CompactHeader, FrameError> {
        let (tag, number, method) = (frame[2], frame[3] & 15, frame[3] >> 4);
        let wide = tag & TAG_WIDE != 0;
        let width = if wide { 3 } else { 2 };
        let mut fields = Fields::new(frame, KIND_BYTES);
        let content_bytes = fields.uint(width);
        let payload_bytes = if method == 0 { content_bytes } else { fields.uint(width) };
        let check = (tag & TAG_CHECKS != 0).then(|| fields.u32());
        let digest = (check.is_some() && wide).then(|| fields.take());
        let preset =
            Preset::new(number).ok_or(FormatProblem::UnknownModel { preset: number, size_class: 0 })?;
        if wide != (content_bytes >= NARROW_BYTES) || content_bytes > CHUNK_BYTES {
            let allowed = if wide { "65536 to 1048576" } else { "0 to 65535" };
            return Err(bad_field("content_bytes", content_bytes as u64, allowed));
        }
        check_payload_bytes(payload_bytes, content_bytes)?;
        Ok(CompactHeader { preset, method, content_bytes, payload_bytes, check, digest })
    }

    fn is_wide(&self) -> bool {
        self.content_bytes >= NARROW_BYTES
    }

    /// Bytes before the check, which covers them.
    pub fn lead_length(&self) -> usize {
        CompactHeader::lead_bytes(self.is_wide(), self.method)
    }

    /// Bytes before the payload.
    pub fn length(&self) -> usize {
        let check = self.check.map_or(0, |_| CHECK_BYTES);
        let digest = self.digest.map_or(0, |_| DIGEST_BYTES);
        self.lead_length() + check + digest
    }

    /// Sets the check and, where there is room for one, the digest.
    pub fn set_checks(&mut self, content: &[u8], digest: &ContentDigest) {
        // The tag in the checked bytes says that there is a check.
        self.check = Some(0);
        let mut lead = Vec::new();
        self.write_lead(&mut lead);
        self.check = Some(content_check(&lead, content));
        self.digest = self.is_wide().then(|| digest.value());
    }

    fn write_lead(&self, out: &mut Vec<u8>) {
        let wide = self.is_wide();
        let mut tag = tag(self.check.is_some()) | TAG_COMPACT;
        if wide {
            tag |= TAG_WIDE;
        }
        out.extend_from_slice(&MEMBER_MAGIC);
        out.extend_from_slice(&[tag, self.method << 4 | self.preset.number()]);
        let width = if wide { 3 } else { 2 };
        out.extend_from_slice(&(self.content_bytes as u32).to_le_bytes()[..width]);
        if self.method != 0 {
            out.extend_from_slice(&(self.payload_bytes as u32).to_le_bytes()[..width]);
        }
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        self.write_lead(out);
        if let Some(check) = self.check {
            out.extend_from_slice(&check.to_le_bytes());
        }
        if let Some(digest) = self.digest {
            out.extend_from_slice(&digest);
        }
    }
}

fn check_payload_bytes(payload_bytes: usize, content_bytes: usize) -> Result<(), FrameError> {
    if payload_bytes <= content_bytes {
        return Ok(());
    }
    Err(bad_field("payload_bytes", payload_bytes as u64, format!("at most the content's {content_bytes}")))
}

/// A chunk's check: CRC-32C of its header's bytes before the check, then of its content.
pub fn content_check(lead: &[u8], content: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(lead), content)
}

/// A block's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockHeader {
    pub checks: bool,
    pub plan: ModelPlan,
    /// First byte in the member's content.
    pub content_offset: u64,
    /// Its number in the member, from 0.
    pub number: u32,
}

impl BlockHeader {
    /// Reads the header that `frame` starts with.
    pub fn parse(frame: &[u8]) -> Result<BlockHeader, FrameError> {
        if frame.len() < BLOCK_HEADER_BYTES || frame[..3] != BLOCK_MARKER {
            return Err(Damage::UnknownFrame(frame[..frame.len().min(KIND_BYTES)].to_vec()).into());
        }
        let mut fields = Fields::new(frame, 3);
        let tag = fields.u8();
        let (preset, size_class) = (fields.u8(), fields.u8());
        let (content_offset, number) = (fields.u64(), fields.u32());
        fields.check("block header")?;
        Ok(BlockHeader { checks: checks_of(tag)?, plan: plan(preset, size_class)?, content_offset, number })
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&BLOCK_MARKER);
        out.extend_from_slice(&[tag(self.checks), self.plan.preset().number(), self.plan.size_class()]);
        out.extend_from_slice(&self.content_offset.to_le_bytes());
        out.extend_from_slice(&self.number.to_le_bytes());
        push_check(out, start);
    }
}

/// A chunk's header; its payload follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkHeader {
    pub method: u8,
    pub content_bytes: usize,
    pub payload_bytes: usize,
    /// [`content_check`], if there are checks.
    pub check: Option<u32>,
}

impl ChunkHeader {
    /// Bytes before the check, which covers them.
    pub const LEAD_BYTES: usize = 7;

    pub fn header_bytes(checks: bool) -> usize {
        Self::LEAD_BYTES + if checks { CHECK_BYTES } else { 0 }
    }

    fn length(prefix: &[u8], checks: bool) -> Result<FrameLength, FrameError> {
        let header = ChunkHeader::header_bytes(checks);
        if prefix.len() < header {
            return Ok(FrameLength::header(header));
        }
        Ok(FrameLength { header, payload: ChunkHeader::parse(prefix, checks)?.payload_bytes })
    }

    /// Reads the header at the start of `frame`.
    pub fn parse(frame: &[u8], checks: bool) -> Result<ChunkHeader, FrameError> {
        let mut fields = Fields::new(frame, 0);
        let method = fields.u8();
        let (content_bytes, payload_bytes) = (fields.uint(3), fields.uint(3));
        let check = checks.then(|| fields.u32());
        if method > MAX_METHOD {
            return Err(bad_field("method", method.into(), "0 to 15"));
        }
        if !(1..=CHUNK_BYTES).contains(&content_bytes) {
            return Err(bad_field("content_bytes", content_bytes as u64, "1 to 1048576"));
        }
        check_payload_bytes(payload_bytes, content_bytes)?;
        Ok(ChunkHeader { method, content_bytes, payload_bytes, check })
    }

    /// Sets the check.
    pub fn set_check(&mut self, content: &[u8]) {
        let mut lead = Vec::with_capacity(Self::LEAD_BYTES);
        self.write_lead(&mut lead);
        self.check = Some(content_check(&lead, content));
    }

    fn write_lead(&self, out: &mut Vec<u8>) {
        assert!(self.method <= MAX_METHOD, "the engine's methods fit four bits");
        out.push(self.method);
        out.extend_from_slice(&(self.content_bytes as u32).to_le_bytes()[..3]);
        out.extend_from_slice(&(self.payload_bytes as u32).to_le_bytes()[..3]);
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        self.write_lead(out);
        if let Some(check) = self.check {
            out.extend_from_slice(&check.to_le_bytes());
        }
    }
}

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
    fn length(prefix: &[u8], blocks: u32) -> Result<usize, FrameError> {
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
