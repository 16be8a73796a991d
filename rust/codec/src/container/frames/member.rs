//! A member's first frame: the header of blocks to come, or a whole compact member.

use super::block::{CHUNK_BYTES, check_payload_bytes};
use super::{
    CHECK_BYTES, COMPACT_JOINED, DIGEST_BYTES, Fields, FrameError, FrameLength, KIND_BYTES, MEMBER_MAGIC,
    PRIMED_MAGIC, SHIPPED_MAGIC, TAG_CHECKS, TAG_COMPACT, TAG_WIDE, bad_field, check_generation, checks_of,
    content_check, plan, push_check, tag,
};
use crate::container::FormatProblem;
use crate::container::digest::ContentDigest;
use crate::knowledge::{MOST_PACKED_BYTES, PriorId};
use crate::{ModelPlan, Preset};

/// Content bytes below which a compact member's lengths have two bytes instead of three.
const NARROW_BYTES: usize = 1 << 16;

const FLAG_CONTENT_LENGTH: u8 = 1 << 0;
const FLAG_PRIOR: u8 = 1 << 1;
const FLAG_NETWORK: u8 = 1 << 2;

/// Bytes of a prior's digest.
const PRIOR_BYTES: usize = 32;

/// Most bytes of a full member's header.
pub const MAX_MEMBER_HEADER_BYTES: u64 = 18 + 8 + 32 + 36 + 4;

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
        let magics = [MEMBER_MAGIC, SHIPPED_MAGIC, PRIMED_MAGIC];
        let not_foretold = || FormatProblem::NotForetold(prefix[..prefix.len().min(4)].to_vec());
        if !magics.iter().any(|magic| prefix[..known] == magic[..known]) {
            return Err(not_foretold().into());
        }
        if prefix.len() < KIND_BYTES {
            return Ok(FrameLength::header(KIND_BYTES));
        }
        check_generation(prefix[2])?;
        if prefix[2] & TAG_COMPACT == 0 {
            if prefix[..2] != MEMBER_MAGIC {
                return Err(not_foretold().into());
            }
            return MemberHeader::frame_length(prefix);
        }
        let header = CompactHeader::header_bytes(prefix[..2] == PRIMED_MAGIC, prefix[2], prefix[3] >> 4);
        if prefix.len() < header {
            return Ok(FrameLength::header(header));
        }
        Ok(FrameLength { header, payload: CompactHeader::parse(prefix)?.payload_bytes })
    }

    /// Reads a frame of full length; the header suffices.
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
    /// Digest of the prior that its blocks start from; the plan names the same.
    pub prior: Option<[u8; PRIOR_BYTES]>,
    /// The weights that follow the header, if any do.
    pub network: Option<NetworkHeader>,
}

/// What a member's header says of the weights after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkHeader {
    /// Digest of what blocks start from beside the weights; `None` is nothing.
    pub under: Option<[u8; PRIOR_BYTES]>,
    /// Length of the packed weights.
    pub bytes: usize,
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
        MemberHeader::length_of(tag(self.checks), self.flags()).expect("known flags")
    }

    /// Bytes of the weights after the header.
    pub fn network_bytes(&self) -> usize {
        self.network.as_ref().map_or(0, |network| network.bytes)
    }

    /// Bytes before the first block.
    pub fn frame_bytes(&self) -> usize {
        self.length() + self.network_bytes()
    }

    fn flags(&self) -> u8 {
        let flag = |is_there: bool, flag: u8| if is_there { flag } else { 0 };
        flag(self.content_bytes.is_some(), FLAG_CONTENT_LENGTH)
            | flag(self.prior.is_some(), FLAG_PRIOR)
            | flag(self.network.is_some(), FLAG_NETWORK)
    }

    fn length_of(tag: u8, flags: u8) -> Result<usize, FrameError> {
        let known = FLAG_CONTENT_LENGTH | FLAG_PRIOR | FLAG_NETWORK;
        let no_prior = flags & (FLAG_NETWORK | FLAG_PRIOR) == FLAG_NETWORK;
        if flags & !known != 0 || no_prior || tag & TAG_WIDE != 0 {
            return Err(FormatProblem::ReservedFlags(flags).into());
        }
        let content_length = if flags & FLAG_CONTENT_LENGTH != 0 { 8 } else { 0 };
        let prior = if flags & FLAG_PRIOR != 0 { PRIOR_BYTES } else { 0 };
        let network = if flags & FLAG_NETWORK != 0 { PRIOR_BYTES + 4 } else { 0 };
        Ok(18 + content_length + prior + network + CHECK_BYTES)
    }

    /// Length of the frame of which `prefix` is the start.
    fn frame_length(prefix: &[u8]) -> Result<FrameLength, FrameError> {
        let header = MemberHeader::length_of(prefix[2], prefix[3])?;
        if prefix.len() < header || prefix[3] & FLAG_NETWORK == 0 {
            return Ok(FrameLength::header(header));
        }
        Ok(FrameLength { header, payload: MemberHeader::parse(prefix)?.network_bytes() })
    }

    fn parse(frame: &[u8]) -> Result<MemberHeader, FrameError> {
        let mut fields = Fields::new(frame, 2);
        let (tag, flags) = (fields.u8(), fields.u8());
        let (preset, size_class) = (fields.u8(), fields.u8());
        let memory_kib = fields.u32();
        let block_bytes = fields.u64();
        let content_bytes = (flags & FLAG_CONTENT_LENGTH != 0).then(|| fields.u64());
        let prior = (flags & FLAG_PRIOR != 0).then(|| fields.take::<PRIOR_BYTES>());
        let network = (flags & FLAG_NETWORK != 0).then(|| {
            let under = Some(fields.take()).filter(|digest| *digest != [0; PRIOR_BYTES]);
            NetworkHeader { under, bytes: fields.u32() as usize }
        });
        fields.check("member header")?;
        let checks = checks_of(tag)?;
        let plan = plan(preset, size_class)?.with_prior(prior.as_ref().and_then(PriorId::of_digest));
        if let Some(NetworkHeader { bytes, .. }) = network {
            if !plan.preset().has_network() {
                return Err(bad_field("preset", preset.into(), "10 where weights follow"));
            }
            if !(1..=MOST_PACKED_BYTES).contains(&bytes) {
                let allowed = format!("1 to {MOST_PACKED_BYTES}");
                return Err(bad_field("network_bytes", bytes as u64, allowed));
            }
        }
        Ok(MemberHeader { checks, plan, memory_kib, block_bytes, content_bytes, prior, network })
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&MEMBER_MAGIC);
        out.extend_from_slice(&[tag(self.checks), self.flags()]);
        out.extend_from_slice(&[self.plan.preset().number(), self.plan.size_class()]);
        out.extend_from_slice(&self.memory_kib.to_le_bytes());
        out.extend_from_slice(&self.block_bytes.to_le_bytes());
        if let Some(bytes) = self.content_bytes {
            out.extend_from_slice(&bytes.to_le_bytes());
        }
        if let Some(digest) = self.prior {
            out.extend_from_slice(&digest);
        }
        if let Some(NetworkHeader { under, bytes }) = self.network {
            out.extend_from_slice(&under.unwrap_or([0; PRIOR_BYTES]));
            out.extend_from_slice(&(bytes as u32).to_le_bytes());
        }
        push_check(out, start);
    }
}

/// The header of a compact member: of one chunk, which follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompactHeader {
    pub preset: Preset,
    /// The prior it starts from.
    pub prior: Option<PriorId>,
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
        ModelPlan::for_block(self.preset, self.content_bytes as u64).with_prior(self.prior)
    }

    /// Bytes before the check.
    fn lead_bytes(named: bool, wide: bool, method: u8) -> usize {
        let width = if wide { 3 } else { 2 };
        let name = if named { PriorId::BYTES } else { 0 };
        KIND_BYTES + name + if method == 0 { width } else { 2 * width }
    }

    fn header_bytes(named: bool, tag: u8, method: u8) -> usize {
        let wide = tag & TAG_WIDE != 0;
        let checks = match (tag & TAG_CHECKS != 0, wide) {
            (false, _) => 0,
            (true, false) => CHECK_BYTES,
            (true, true) => CHECK_BYTES + DIGEST_BYTES,
        };
        CompactHeader::lead_bytes(named, wide, method) + checks
    }

    fn parse(frame: &[u8]) -> Result<CompactHeader, FrameError> {
        let (tag, number, method) = (frame[2], frame[3] & 15, frame[3] >> 4);
        let wide = tag & TAG_WIDE != 0;
        let width = if wide { 3 } else { 2 };
        let mut fields = Fields::new(frame, KIND_BYTES);
        let prior = match [frame[0], frame[1]] {
            SHIPPED_MAGIC => Some(PriorId::english()),
            PRIMED_MAGIC => {
                let bytes = fields.take();
                let id = PriorId::from_bytes(bytes).filter(|&id| id != PriorId::english());
                let found = u32::from_be_bytes(bytes).into();
                Some(id.ok_or_else(|| bad_field("prior", found, "one that has no magic of its own"))?)
            }
            _ => None,
        };
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
        // Two sorts of text have lines to join.
        if method >= COMPACT_JOINED && !matches!(method - COMPACT_JOINED, 1 | 5) {
            return Err(bad_field("method", method.into(), "0 to 7, 9 and 13"));
        }
        let method = method + (method & COMPACT_JOINED);
        Ok(CompactHeader { preset, prior, method, content_bytes, payload_bytes, check, digest })
    }

    fn is_wide(&self) -> bool {
        self.content_bytes >= NARROW_BYTES
    }

    /// Bytes before the check, which covers them.
    pub fn lead_length(&self) -> usize {
        CompactHeader::lead_bytes(self.names_prior(), self.is_wide(), self.method)
    }

    /// Whether the prior it starts from is named rather than known by the magic.
    fn names_prior(&self) -> bool {
        self.prior.is_some_and(|id| id != PriorId::english())
    }

    /// Bytes before the payload.
    pub fn length(&self) -> usize {
        let check = self.check.map_or(0, |_| CHECK_BYTES);
        let digest = self.digest.map_or(0, |_| DIGEST_BYTES);
        self.lead_length() + check + digest
    }

    /// The method in four bits.
    fn method_bits(&self) -> u8 {
        let joined = self.method & (2 * COMPACT_JOINED) != 0;
        self.method & (COMPACT_JOINED - 1) | if joined { COMPACT_JOINED } else { 0 }
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
        out.extend_from_slice(match self.prior {
            None => &MEMBER_MAGIC,
            Some(_) if self.names_prior() => &PRIMED_MAGIC,
            Some(_) => &SHIPPED_MAGIC,
        });
        out.extend_from_slice(&[tag, self.method_bits() << 4 | self.preset.number()]);
        if self.names_prior() {
            out.extend_from_slice(&PriorId::to_bytes(self.prior));
        }
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
