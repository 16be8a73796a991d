//! One block on its way into the archive.

use super::frames::{BlockHeader, CHUNK_BYTES, ChunkHeader};
use super::options::Origin;
use super::state::{StateReader, StateWriter};
use crate::kinds::chunk_len;
use crate::knowledge::{PriorId, Priors};
use crate::{ChunkCoder, CodedChunk, Error, ModelPlan, Options, Preset, Tick, Transform};

/// Most content gathered before a block's tables are sized.
pub const GATHER_BYTES: u64 = 64 << 20;

/// One block: gathers content, sizes its model by it, codes chunk by chunk.
///
/// What is written depends on the content and the places of flushes only, never on when
/// [`encode_chunk`](Self::encode_chunk) is called.
pub struct BlockEncoder {
    pub number: u32,
    pub content_offset: u64,
    checks: bool,
    preset: Preset,
    transform: Transform,
    priors: Priors,
    /// What it starts from; the compressor says so before the first chunk is coded.
    prior: Option<PriorId>,
    /// Content bytes it may hold.
    limit: u64,
    /// Content bytes taken.
    taken: u64,
    /// Content not yet coded is `gathered[coded..]`.
    gathered: Vec<u8>,
    coded: usize,
    coder: Option<ChunkCoder>,
    /// No more content comes.
    pub ended: bool,
    /// More content came than the tables' sizing waits for.
    overfull: bool,
    /// Everything gathered is to be coded, down to an incomplete chunk.
    pub flushing: bool,
    /// Coded frames not yet handed over.
    frames: Vec<u8>,
    /// Frame bytes written, handed over or not.
    pub archive_bytes: u64,
}

impl BlockEncoder {
    pub fn new(number: u32, content_offset: u64, options: &Options) -> BlockEncoder {
        BlockEncoder {
            number,
            content_offset,
            checks: options.checksum,
            preset: options.preset,
            transform: options.transform,
            priors: options.knowledge.priors(),
            prior: None,
            limit: options.block_bytes(),
            taken: 0,
            gathered: Vec::new(),
            coded: 0,
            coder: None,
            ended: false,
            overfull: false,
            flushing: false,
            frames: Vec::new(),
            archive_bytes: 0,
        }
    }

    /// Says what it starts from.
    pub fn set_origin(&mut self, origin: &Origin) {
        self.prior = origin.prior;
        self.priors = origin.priors.clone();
    }

    /// Content bytes taken so far.
    pub fn content_bytes(&self) -> u64 {
        self.taken
    }

    /// Whether it has all the content it may have.
    pub fn is_full(&self) -> bool {
        self.taken == self.limit
    }

    /// Content bytes taken and not yet coded.
    pub fn waiting(&self) -> usize {
        self.gathered.len() - self.coded
    }

    /// Whether all that is to come has been coded.
    pub fn is_done(&self) -> bool {
        self.ended && self.waiting() == 0
    }

    /// Takes the start of `data`, as much as there is room for, and returns how much.
    /// `gather_all` is set if the whole block may wait.
    pub fn feed(&mut self, data: &[u8], gather_all: bool) -> usize {
        let most = match &self.coder {
            _ if gather_all => self.limit,
            None => GATHER_BYTES,
            Some(_) => CHUNK_BYTES as u64,
        };
        let room = most.saturating_sub(self.waiting() as u64).min(self.limit - self.taken);
        let fed = room.min(data.len() as u64) as usize;
        if fed > 0 && self.coded > 0 {
            self.gathered.drain(..self.coded);
            self.coded = 0;
        }
        self.gathered.extend_from_slice(&data[..fed]);
        self.taken += fed as u64;
        self.overfull |= fed < data.len() && !self.is_full();
        fed
    }

    /// What it has of its first 64 MiB, before any is coded.
    pub fn start(&self) -> &[u8] {
        &self.gathered[..self.gathered.len().min(GATHER_BYTES as usize)]
    }

    /// The content its tables are sized for.
    fn sized_for(&self) -> u64 {
        if self.ended { self.taken } else { self.limit.min(GATHER_BYTES) }
    }

    /// The model it has or would get now.
    pub fn plan(&self) -> ModelPlan {
        match &self.coder {
            Some(coder) => coder.plan(),
            None => ModelPlan::for_block(self.preset, self.sized_for()).with_prior(self.prior),
        }
    }

    /// Whether what it has is one chunk.
    pub fn is_one_chunk(&self) -> bool {
        chunk_len(self.plan(), &self.gathered[self.coded..]) == self.waiting()
    }

    /// Whether there is a chunk to code.
    pub fn is_ready(&self) -> bool {
        let whole_chunk = self.waiting() >= CHUNK_BYTES && (self.coder.is_some() || self.overfull);
        whole_chunk || self.waiting() > 0 && (self.ended || self.flushing)
    }

    /// Codes the next chunk and returns it with its content; `lent` if there is a thread to spare.
    pub fn code_chunk(&mut self, lent: bool, tick: Tick<'_>) -> Result<(CodedChunk, &[u8]), Error> {
        let plan = self.plan();
        let coder = match &mut self.coder {
            Some(coder) => coder,
            none => {
                let coder = none.insert(ChunkCoder::new(plan, &self.priors).map_err(Error::from_engine)?);
                coder.settle(self.transform, &self.gathered);
                coder
            }
        };
        coder.lend_thread(lent);
        let start = self.coded;
        let end = start + chunk_len(plan, &self.gathered[start..]);
        let coded = coder.encode(&self.gathered[start..end], self.transform, tick);
        coder.lend_thread(false);
        let coded = coded.map_err(Error::from_engine)?;
        self.coded = end;
        if self.flushing && self.waiting() == 0 {
            self.flushing = false;
        }
        Ok((coded, &self.gathered[start..end]))
    }

    /// Codes the next chunk into frames, the block's header before the first.
    pub fn encode_chunk(&mut self, lent: bool, tick: Tick<'_>) -> Result<(), Error> {
        let mut frames = std::mem::take(&mut self.frames);
        let before = frames.len();
        if self.coder.is_none() {
            let header = BlockHeader {
                checks: self.checks,
                plan: self.plan(),
                content_offset: self.content_offset,
                number: self.number,
            };
            header.write(&mut frames);
        }
        let checks = self.checks;
        let (chunk, content) = self.code_chunk(lent, tick)?;
        let mut header = ChunkHeader {
            method: chunk.method,
            content_bytes: content.len(),
            payload_bytes: chunk.payload.len(),
            check: None,
        };
        if checks {
            header.set_check(content);
        }
        header.write(&mut frames);
        frames.extend_from_slice(&chunk.payload);
        self.archive_bytes += (frames.len() - before) as u64;
        self.frames = frames;
        if self.is_done() {
            self.coder = None;
        }
        Ok(())
    }

    /// Frames coded since the last call.
    pub fn take_frames(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.frames)
    }

    pub fn save(&mut self, to: &mut StateWriter<'_>) -> Result<(), Error> {
        to.u32(self.number)?;
        to.u64(self.content_offset)?;
        to.u64(self.taken)?;
        to.u64(self.archive_bytes)?;
        for flag in [self.ended, self.overfull, self.flushing] {
            to.bool(flag)?;
        }
        to.raw(&PriorId::to_bytes(self.prior))?;
        to.bytes(&self.gathered[self.coded..])?;
        to.bytes(&self.frames)?;
        to.coder(self.coder.as_mut())
    }

    pub fn load(
        from: &mut StateReader<'_>,
        options: &Options,
        origin: &Origin,
    ) -> Result<BlockEncoder, Error> {
        let limit = options.block_bytes();
        let (number, content_offset) = (from.u32()?, from.u64()?);
        let (taken, archive_bytes) = (from.u64()?, from.u64()?);
        let (ended, overfull, flushing) = (from.bool()?, from.bool()?, from.bool()?);
        let prior = PriorId::from_bytes(from.array()?);
        let gathered = from.bytes(taken.min(limit))?;
        let frames = from.bytes(archive_bytes)?;
        let priors = origin.priors.clone();
        let coder = from.coder(&priors)?;
        if taken > limit || coder.as_ref().is_some_and(|coder| coder.plan().preset() != options.preset) {
            return Err(Error::State("a block does not fit its member".into()));
        }
        Ok(BlockEncoder {
            number,
            content_offset,
            checks: options.checksum,
            preset: options.preset,
            transform: options.transform,
            priors,
            prior,
            limit,
            taken,
            gathered,
            coded: 0,
            coder,
            ended,
            overfull,
            flushing,
            frames,
            archive_bytes,
        })
    }
}
