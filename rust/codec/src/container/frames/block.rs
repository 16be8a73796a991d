//! A block's header, and its chunks.

use super::{
    BLOCK_MARKER, CHECK_BYTES, Fields, FrameError, FrameLength, KIND_BYTES, MAX_METHOD, bad_field, checks_of,
    content_check, plan, push_check, tag,
};
use crate::ModelPlan;
use crate::container::Damage;
use crate::knowledge::PriorId;

/// Most content bytes of a chunk.
pub const CHUNK_BYTES: usize = 1 << 20;

/// Bytes of a block's header.
pub const BLOCK_HEADER_BYTES: usize = 26;

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
        let prior = PriorId::from_bytes(fields.take());
        fields.check("block header")?;
        let plan = plan(preset, size_class)?.with_prior(prior);
        Ok(BlockHeader { checks: checks_of(tag)?, plan, content_offset, number })
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&BLOCK_MARKER);
        out.extend_from_slice(&[tag(self.checks), self.plan.preset().number(), self.plan.size_class()]);
        out.extend_from_slice(&self.content_offset.to_le_bytes());
        out.extend_from_slice(&self.number.to_le_bytes());
        out.extend_from_slice(&PriorId::to_bytes(self.plan.prior()));
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

    pub fn length(prefix: &[u8], checks: bool) -> Result<FrameLength, FrameError> {
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
            return Err(bad_field("method", method.into(), "0 to 31"));
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
        assert!(self.method <= MAX_METHOD, "the engine's methods fit five bits");
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

/// A payload is never longer than its content.
pub fn check_payload_bytes(payload_bytes: usize, content_bytes: usize) -> Result<(), FrameError> {
    if payload_bytes <= content_bytes {
        return Ok(());
    }
    Err(bad_field("payload_bytes", payload_bytes as u64, format!("at most the content's {content_bytes}")))
}
