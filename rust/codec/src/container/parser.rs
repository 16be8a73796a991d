//! Takes an archive apart into frames and checks that they fit each other.

use super::block_decoder::WaitingChunk;
use super::frames::{
    BlockHeader, BlockLengths, ChunkHeader, CompactHeader, DIGEST_BYTES, Frame, FrameError, KIND_BYTES, MARK,
    MemberHead, MemberHeader, Trailer, bad_field,
};
use super::state::{StateReader, StateWriter};
use super::{Damage, Error, FormatProblem};
use crate::ModelPlan;
use crate::knowledge::PriorId;

/// Where in the archive a reader starts: what its errors count from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    /// Archive byte.
    pub offset: u64,
    /// Number of the member that starts, or lies, there.
    pub member: u64,
}

/// What a frame means for the decoder.
pub enum Event {
    /// A full member starts, perhaps with packed weights.
    Member(MemberHeader, Vec<u8>),
    /// A block starts.
    Block { number: u64, plan: ModelPlan },
    /// A chunk of the last block came.
    Chunk(WaitingChunk),
    /// The seek index came.
    Index,
    /// The member, or the one block that was asked for, is complete.
    End { digest: Option<[u8; DIGEST_BYTES]> },
    /// A compact member came, complete.
    Compact { plan: ModelPlan, chunk: WaitingChunk, digest: Option<[u8; DIGEST_BYTES]> },
}

/// What the parser reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The member's header comes next.
    Head,
    /// Blocks, index or trailer come next.
    Body,
    /// Nothing comes any more.
    Done,
}

/// One member's, or one block's, frames as they come in.
///
/// Of a frame it keeps the bytes that arrived, at most a chunk, or an index as long as the blocks
/// before it justify. Everything that a decoder must refuse without decoding is refused here.
pub struct Parser {
    place: Place,
    stage: Stage,
    /// A single block is read instead of a member.
    block_only: bool,
    /// Payloads are passed over: they are counted, but the data fed does not hold them.
    headers_only: bool,
    /// Payload bytes of the frame that is coming in, if they are passed over.
    skipped: u64,
    /// Start of the frame that is coming in.
    frame: Vec<u8>,
    /// Bytes of complete frames.
    parsed_bytes: u64,
    checks: bool,
    /// The member's header; `None` in a single block or a compact member.
    header: Option<MemberHeader>,
    /// Blocks so far; the last may be incomplete.
    blocks: Vec<BlockLengths>,
    /// Number of the first block.
    first_block: u32,
    chunks_in_block: u64,
    content_bytes: u64,
    index: bool,
}

impl Parser {
    /// Reads a member.
    pub fn member(place: Place) -> Parser {
        Parser {
            place,
            stage: Stage::Head,
            block_only: false,
            headers_only: false,
            skipped: 0,
            frame: Vec::new(),
            parsed_bytes: 0,
            checks: false,
            header: None,
            blocks: Vec::new(),
            first_block: 0,
            chunks_in_block: 0,
            content_bytes: 0,
            index: false,
        }
    }

    /// Reads a member's headers; the payload after each is not to be fed.
    pub fn headers(place: Place) -> Parser {
        Parser { headers_only: true, ..Parser::member(place) }
    }

    /// Reads the one block that starts at `place` with `header`.
    pub fn block(place: Place, header: &BlockHeader) -> Parser {
        Parser {
            stage: Stage::Body,
            block_only: true,
            checks: header.checks,
            first_block: header.number,
            content_bytes: header.content_offset,
            ..Parser::member(place)
        }
    }

    /// Archive byte where the frame that is coming in starts.
    pub fn frame_offset(&self) -> u64 {
        self.place.offset + self.parsed_bytes
    }

    pub fn member_number(&self) -> u64 {
        self.place.member
    }

    /// Bytes taken, of complete frames and the one coming in.
    pub fn taken_bytes(&self) -> u64 {
        self.parsed_bytes + self.frame.len() as u64
    }

    /// The member's header, once a full member's has come.
    pub fn header(&self) -> Option<&MemberHeader> {
        self.header.as_ref()
    }

    /// The blocks so far.
    pub fn blocks(&self) -> &[BlockLengths] {
        &self.blocks
    }

    /// Whether the seek index has come.
    pub fn has_index(&self) -> bool {
        self.index
    }

    /// Takes the next frame from the start of `data`. Returns how many bytes it took, and the
    /// frame's meaning unless it is still incomplete.
    pub fn next(&mut self, data: &[u8]) -> Result<(usize, Option<Event>), Error> {
        let mut taken = 0;
        loop {
            if self.block_only && !self.blocks.is_empty() && self.frame.first() == Some(&MARK) {
                // The frame after the one block is not read.
                self.frame.clear();
                self.stage = Stage::Done;
                return Ok((taken, Some(Event::End { digest: None })));
            }
            let length = match self.stage {
                Stage::Done => return Ok((taken, None)),
                Stage::Head => MemberHead::length(&self.frame),
                Stage::Body => Frame::length(&self.frame, self.checks, self.blocks.len() as u32),
            };
            let mut length = length.map_err(|error| self.locate(error))?;
            if self.headers_only {
                self.skipped = std::mem::take(&mut length.payload) as u64;
            }
            let missing = length.header + length.payload - self.frame.len();
            if missing == 0 {
                let event = self.accept().map_err(|error| self.locate(error))?;
                return Ok((taken, Some(event)));
            }
            let now = missing.min(data.len() - taken);
            if now == 0 {
                return Ok((taken, None));
            }
            self.frame.extend_from_slice(&data[taken..taken + now]);
            taken += now;
        }
    }

    /// The error with the place of the frame coming in.
    fn locate(&self, error: FrameError) -> Error {
        match error {
            FrameError::Format(problem) => Error::Format { offset: self.frame_offset(), problem },
            FrameError::Damage(damage) => self.corrupt(damage),
        }
    }

    /// Damage in the frame coming in.
    pub fn corrupt(&self, damage: Damage) -> Error {
        let in_block = self.blocks.len().checked_sub(1).filter(|_| self.stage == Stage::Body);
        Error::Corrupt {
            offset: self.frame_offset(),
            member: self.place.member,
            block: in_block.map(|block| u64::from(self.first_block) + block as u64),
            chunk: in_block.map(|_| self.chunks_in_block),
            damage,
        }
    }

    fn accept(&mut self) -> Result<Event, FrameError> {
        let event = match self.stage {
            Stage::Head => match MemberHead::parse(&self.frame)? {
                MemberHead::Compact(header) => self.accept_compact(&header),
                MemberHead::Full(header) => self.accept_member(header)?,
            },
            _ => match Frame::parse(&self.frame, self.checks)? {
                Frame::Chunk(header, header_bytes) => self.accept_chunk(&header, header_bytes)?,
                Frame::Block(header) => self.accept_block(&header)?,
                Frame::Index(blocks) => self.accept_index(&blocks)?,
                Frame::Trailer(trailer) => self.accept_trailer(&trailer)?,
            },
        };
        self.parsed_bytes += self.frame.len() as u64 + self.skipped;
        self.frame.clear();
        Ok(event)
    }

    fn accept_compact(&mut self, header: &CompactHeader) -> Event {
        self.stage = Stage::Done;
        self.content_bytes = header.content_bytes as u64;
        let chunk = WaitingChunk {
            lead: self.frame[..header.lead_length()].to_vec(),
            method: header.method,
            content_bytes: header.content_bytes,
            check: header.check,
            payload: self.frame[header.length()..].to_vec(),
            offset: self.frame_offset(),
        };
        Event::Compact { plan: header.plan(), chunk, digest: header.digest }
    }

    fn accept_member(&mut self, header: MemberHeader) -> Result<Event, FrameError> {
        let needed = MemberHeader::declare(header.plan);
        if header.memory_kib < needed {
            return Err(bad_field("memory_kib", header.memory_kib.into(), format!("{needed} or more")));
        }
        self.stage = Stage::Body;
        self.checks = header.checks;
        self.header = Some(header.clone());
        let network = self.frame[header.length()..].to_vec();
        Ok(Event::Member(header, network))
    }

    fn accept_block(&mut self, found: &BlockHeader) -> Result<Event, FrameError> {
        let number = u64::from(self.first_block) + self.blocks.len() as u64;
        if u64::from(found.number) != number {
            return Err(bad_field("block_number", found.number.into(), number.to_string()));
        }
        if found.content_offset != self.content_bytes {
            let allowed = self.content_bytes.to_string();
            return Err(bad_field("content_offset", found.content_offset, allowed));
        }
        if let Some(header) = &self.header {
            let (preset, member_preset) = (found.plan.preset().number(), header.plan.preset().number());
            if preset != member_preset {
                return Err(bad_field("preset", preset.into(), format!("the member's {member_preset}")));
            }
            let (class, largest) = (found.plan.size_class(), header.plan.size_class());
            if class > largest {
                return Err(bad_field("size_class", class.into(), format!("at most the member's {largest}")));
            }
            if found.plan.prior() != header.plan.prior() {
                let id = PriorId::to_bytes(found.plan.prior());
                return Err(bad_field("prior", u32::from_be_bytes(id).into(), "the member's own"));
            }
            if let Some(last) = self.blocks.last()
                && last.content_bytes != header.block_bytes
            {
                return Err(self.bad_block(last.content_bytes, "exactly"));
            }
        }
        self.check_not_after_index()?;
        self.check_block_not_empty()?;
        self.blocks.push(BlockLengths { archive_bytes: self.frame.len() as u64, content_bytes: 0 });
        self.chunks_in_block = 0;
        Ok(Event::Block { number, plan: found.plan })
    }

    fn accept_chunk(&mut self, header: &ChunkHeader, header_bytes: usize) -> Result<Event, FrameError> {
        self.check_not_after_index()?;
        let Some(block) = self.blocks.last_mut() else {
            return Err(Damage::UnknownFrame(self.frame[..KIND_BYTES].to_vec()).into());
        };
        let bytes = header.content_bytes as u64;
        block.archive_bytes += self.frame.len() as u64 + self.skipped;
        block.content_bytes += bytes;
        let block_bytes = block.content_bytes;
        self.content_bytes = self.content_bytes.checked_add(bytes).ok_or_else(|| {
            bad_field("content_offset", self.content_bytes, "a content of less than 2^64 bytes")
        })?;
        if let Some(member) = &self.header {
            if member.block_bytes != 0 && block_bytes > member.block_bytes {
                return Err(self.bad_block(block_bytes, "at most"));
            }
            if let Some(stated) = member.content_bytes
                && self.content_bytes > stated
            {
                return Err(bad_field("content_bytes", stated, format!("{} or more", self.content_bytes)));
            }
        }
        self.chunks_in_block += 1;
        Ok(Event::Chunk(WaitingChunk::new(header, header_bytes, &self.frame, self.frame_offset())))
    }

    fn accept_index(&mut self, blocks: &[BlockLengths]) -> Result<Event, FrameError> {
        self.check_not_after_index()?;
        let different = blocks.iter().zip(&self.blocks).position(|(stated, found)| stated != found);
        if let Some(number) = different {
            let allowed = "the lengths of every block before it";
            return Err(bad_field("seek index entry", number as u64, allowed));
        }
        self.index = true;
        Ok(Event::Index)
    }

    fn accept_trailer(&mut self, trailer: &Trailer) -> Result<Event, FrameError> {
        self.check_block_not_empty()?;
        let member_bytes = self.parsed_bytes + self.frame.len() as u64;
        let stated = self.header.as_ref().and_then(|header| header.content_bytes);
        let equalities = [
            ("content_bytes", trailer.content_bytes, self.content_bytes),
            ("content_bytes", stated.unwrap_or(self.content_bytes), self.content_bytes),
            ("member_bytes", trailer.member_bytes, member_bytes),
            ("block_count", trailer.block_count.into(), self.blocks.len() as u64),
            ("trailer flags", trailer.index.into(), self.index.into()),
        ];
        for (field, found, allowed) in equalities {
            if found != allowed {
                return Err(bad_field(field, found, allowed.to_string()));
            }
        }
        self.stage = Stage::Done;
        Ok(Event::End { digest: trailer.digest })
    }

    fn bad_block(&self, found: u64, relation: &str) -> FrameError {
        let allowed = self.header.as_ref().map_or(0, |header| header.block_bytes);
        bad_field("block's content", found, format!("{relation} the member's {allowed} here"))
    }

    fn check_block_not_empty(&self) -> Result<(), FrameError> {
        match self.blocks.last() {
            Some(last) if last.content_bytes == 0 => Err(bad_field("block's content", 0, "1 or more")),
            _ => Ok(()),
        }
    }

    fn check_not_after_index(&self) -> Result<(), FrameError> {
        if self.index {
            return Err(Damage::UnknownFrame(self.frame[..KIND_BYTES.min(self.frame.len())].to_vec()).into());
        }
        Ok(())
    }

    /// To be asked when the input ends.
    pub fn end_of_input(&self) -> Result<(), Error> {
        match self.stage {
            Stage::Done => Ok(()),
            Stage::Head if self.frame.is_empty() => {
                Err(self.locate(FormatProblem::NotForetold(Vec::new()).into()))
            }
            _ => Err(self.corrupt(Damage::Truncated)),
        }
    }

    pub fn save(&self, to: &mut StateWriter<'_>) -> Result<(), Error> {
        to.u64(self.place.offset)?;
        to.u64(self.place.member)?;
        to.u8(match self.stage {
            Stage::Head => 0,
            Stage::Body => 1,
            Stage::Done => 2,
        })?;
        for flag in [self.block_only, self.checks, self.index] {
            to.bool(flag)?;
        }
        to.bytes(&self.frame)?;
        for value in [self.parsed_bytes, self.chunks_in_block, self.content_bytes] {
            to.u64(value)?;
        }
        to.u32(self.first_block)?;
        to.lengths(&self.blocks)?;
        let mut header = Vec::new();
        if let Some(member) = &self.header {
            member.write(&mut header);
        }
        to.bytes(&header)
    }

    pub fn load(from: &mut StateReader<'_>) -> Result<Parser, Error> {
        let place = Place { offset: from.u64()?, member: from.u64()? };
        let stage = match from.u8()? {
            0 => Stage::Head,
            1 => Stage::Body,
            2 => Stage::Done,
            other => return Err(Error::State(format!("parser stage {other} is unknown"))),
        };
        let (block_only, checks, index) = (from.bool()?, from.bool()?, from.bool()?);
        let frame = from.bytes(u64::MAX)?;
        let (parsed_bytes, chunks_in_block, content_bytes) = (from.u64()?, from.u64()?, from.u64()?);
        let first_block = from.u32()?;
        let blocks = from.lengths()?;
        let header = match from.bytes(u64::MAX)? {
            header if header.is_empty() => None,
            header => match MemberHead::parse(&header) {
                Ok(MemberHead::Full(header)) => Some(header),
                _ => return Err(Error::State("the member's header is damaged".into())),
            },
        };
        Ok(Parser {
            place,
            stage,
            block_only,
            headers_only: false,
            skipped: 0,
            frame,
            parsed_bytes,
            checks,
            header,
            blocks,
            first_block,
            chunks_in_block,
            content_bytes,
            index,
        })
    }
}
