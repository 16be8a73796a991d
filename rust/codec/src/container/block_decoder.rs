//! One block on its way out of the archive.

use std::collections::VecDeque;

use super::frames::{ChunkHeader, content_check};
use super::state::{StateReader, StateWriter};
use super::{Damage, Error};
use crate::knowledge::Priors;
use crate::{ChunkCoder, EngineError, ModelPlan, Tick};

/// A chunk as it came.
pub struct WaitingChunk {
    /// Its header's bytes before the check.
    pub lead: Vec<u8>,
    pub method: u8,
    pub content_bytes: usize,
    pub check: Option<u32>,
    pub payload: Vec<u8>,
    /// First byte in the archive.
    pub offset: u64,
}

impl WaitingChunk {
    /// The chunk whose frame is `frame`.
    pub fn new(header: &ChunkHeader, header_bytes: usize, frame: &[u8], offset: u64) -> WaitingChunk {
        WaitingChunk {
            lead: frame[..ChunkHeader::LEAD_BYTES].to_vec(),
            method: header.method,
            content_bytes: header.content_bytes,
            check: header.check,
            payload: frame[header_bytes..].to_vec(),
            offset,
        }
    }
}

/// One block: keeps its chunks until they are decoded, and their content until it is given out.
pub struct BlockDecoder {
    member: u64,
    number: u64,
    plan: ModelPlan,
    priors: Priors,
    coder: Option<ChunkCoder>,
    chunks: VecDeque<WaitingChunk>,
    chunks_decoded: u64,
    /// Verified content not yet given out.
    content: Vec<u8>,
    /// No more chunks come.
    pub ended: bool,
    /// Why the next chunk cannot be decoded.
    pub failure: Option<Error>,
}

impl BlockDecoder {
    pub fn new(member: u64, number: u64, plan: ModelPlan, priors: Priors) -> BlockDecoder {
        BlockDecoder {
            member,
            number,
            plan,
            priors,
            coder: None,
            chunks: VecDeque::new(),
            chunks_decoded: 0,
            content: Vec::new(),
            ended: false,
            failure: None,
        }
    }

    pub fn push(&mut self, chunk: WaitingChunk) {
        self.chunks.push_back(chunk);
    }

    /// Whether there is a chunk to decode.
    pub fn is_ready(&self) -> bool {
        self.failure.is_none() && !self.chunks.is_empty()
    }

    /// Whether all that is to come has been decoded.
    pub fn is_done(&self) -> bool {
        self.ended && self.chunks.is_empty()
    }

    /// Decodes the next chunk; `lent` if there is a thread to spare. Damage is kept as
    /// [`failure`](Self::failure), to be reported when everything before it has been given out.
    pub fn decode_chunk(&mut self, lent: bool, tick: Tick<'_>) -> Result<(), Error> {
        let Some(chunk) = self.chunks.pop_front() else { return Ok(()) };
        let before = self.content.len();
        let result = self.try_decode(&chunk, lent, tick);
        if result.is_err() {
            self.content.truncate(before);
        }
        match result {
            Ok(()) => self.chunks_decoded += 1,
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Err(error) => self.failure = Some(error),
        }
        if self.is_done() {
            self.coder = None;
        }
        Ok(())
    }

    fn try_decode(&mut self, chunk: &WaitingChunk, lent: bool, tick: Tick<'_>) -> Result<(), Error> {
        let before = self.content.len();
        // An empty message has no model.
        if chunk.content_bytes > 0 {
            let mut coder = match self.coder.take() {
                Some(coder) => coder,
                None => ChunkCoder::new(self.plan, &self.priors).map_err(Error::from_engine)?,
            };
            coder.lend_thread(lent);
            let decoded =
                coder.decode(chunk.method, &chunk.payload, chunk.content_bytes, &mut self.content, tick);
            coder.lend_thread(false);
            if coder.is_spent() {
                coder = coder.afresh(&self.priors).map_err(Error::from_engine)?;
            }
            self.coder = Some(coder);
            decoded.map_err(|error| match error {
                EngineError::UnknownMethod(_)
                | EngineError::BadPayload { .. }
                | EngineError::NotSmall(_)
                | EngineError::BadRecipe(_)
                | EngineError::BadTransform(_) => self.corrupt(chunk, Damage::Payload(error.to_string())),
                other => Error::from_engine(other),
            })?;
        }
        let content = &self.content[before..];
        if content.len() != chunk.content_bytes {
            let (found, stated) = (content.len(), chunk.content_bytes);
            let damage =
                Damage::Payload(format!("the payload decodes to {found} bytes, {stated} are stated"));
            return Err(self.corrupt(chunk, damage));
        }
        if let Some(stated) = chunk.check {
            let found = content_check(&chunk.lead, content);
            if found != stated {
                return Err(self.corrupt(chunk, Damage::ContentCheck { stated, found }));
            }
        }
        Ok(())
    }

    fn corrupt(&self, chunk: &WaitingChunk, damage: Damage) -> Error {
        Error::Corrupt {
            offset: chunk.offset,
            member: self.member,
            block: Some(self.number),
            chunk: Some(self.chunks_decoded),
            damage,
        }
    }

    /// Content verified since the last call.
    pub fn take_content(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.content)
    }

    pub fn save(&mut self, to: &mut StateWriter<'_>) -> Result<(), Error> {
        to.u64(self.member)?;
        to.u64(self.number)?;
        to.plan(self.plan)?;
        to.u64(self.chunks_decoded)?;
        to.bool(self.ended)?;
        to.bytes(&self.content)?;
        to.u64(self.chunks.len() as u64)?;
        for chunk in &self.chunks {
            to.bytes(&chunk.lead)?;
            to.u8(chunk.method)?;
            to.u64(chunk.content_bytes as u64)?;
            to.option_u64(chunk.check.map(u64::from))?;
            to.u64(chunk.offset)?;
            to.bytes(&chunk.payload)?;
        }
        to.coder(self.coder.as_mut())
    }

    pub fn load(from: &mut StateReader<'_>, priors: &Priors) -> Result<BlockDecoder, Error> {
        let (member, number) = (from.u64()?, from.u64()?);
        let mut block = BlockDecoder::new(member, number, from.plan()?, priors.clone());
        block.chunks_decoded = from.u64()?;
        block.ended = from.bool()?;
        block.content = from.bytes(u64::MAX)?;
        for _ in 0..from.u64()? {
            block.chunks.push_back(WaitingChunk {
                lead: from.bytes(u64::MAX)?,
                method: from.u8()?,
                content_bytes: from.u64()? as usize,
                check: from.option_u64()?.map(|check| check as u32),
                offset: from.u64()?,
                payload: from.bytes(u64::MAX)?,
            });
        }
        block.coder = from.coder(priors)?;
        if block.coder.as_ref().is_some_and(|coder| coder.plan() != block.plan) {
            return Err(Error::State("a block's model is another's".into()));
        }
        Ok(block)
    }
}
