//! One block on its way into the archive.

use foretold_recompress::{Survey, survey};

use super::frames::{BlockHeader, CHUNK_BYTES, ChunkHeader};
use super::options::Origin;
use super::state::{StateReader, StateWriter};
use crate::kinds::{UNCUT_CLASS, chunk_len, is_uncut};
use crate::pieces::Piece;
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
    /// What it starts from; the compressor says so before the first chunk is coded.
    origin: Origin,
    /// Content bytes it may hold.
    limit: u64,
    /// Content bytes taken.
    taken: u64,
    /// Content not yet coded is `gathered[coded..]`.
    gathered: Vec<u8>,
    coded: usize,
    coder: Option<ChunkCoder>,
    /// The compressed streams in what was gathered before the first chunk is coded, if there are any;
    /// `None` before it is known.
    streams: Option<Option<Survey>>,
    /// Whether streams are expanded, once the first chunk is coded.
    expands: bool,
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
            origin: Origin::default(),
            limit: options.block_bytes(),
            taken: 0,
            gathered: Vec::new(),
            coded: 0,
            coder: None,
            streams: None,
            expands: false,
            ended: false,
            overfull: false,
            flushing: false,
            frames: Vec::new(),
            archive_bytes: 0,
        }
    }

    /// Says what it starts from.
    pub fn set_origin(&mut self, origin: &Origin) {
        self.origin = origin.clone();
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

    /// What models will see of its start, before any is coded: of its first 64 MiB, with compressed streams
    /// expanded.
    pub fn start(&self) -> &[u8] {
        match &self.streams {
            Some(Some(survey)) => &survey.start,
            _ => &self.gathered[..self.gathered.len().min(GATHER_BYTES as usize)],
        }
    }

    /// Looks for compressed streams, if it has not, once there is a chunk to code.
    pub fn look(&mut self) {
        if self.streams.is_none() && self.coder.is_none() {
            let start = &self.gathered[..self.gathered.len().min(GATHER_BYTES as usize)];
            self.streams = Some(look(start, self.transform));
        }
    }

    /// Whether there are compressed streams in what was gathered before the first chunk is coded.
    fn has_streams(&self) -> bool {
        matches!(self.streams, Some(Some(_)))
    }

    /// The content its tables are sized for. In a member's first block streams are expanded; no other may have
    /// larger tables.
    fn sized_for(&self) -> u64 {
        let content = if self.ended { self.taken } else { self.limit.min(GATHER_BYTES) };
        match &self.streams {
            Some(Some(survey)) if self.number == 0 => content.max(survey.bytes),
            _ => content,
        }
    }

    /// The model it has or would get now.
    pub fn plan(&self) -> ModelPlan {
        match &self.coder {
            Some(coder) => coder.plan(),
            None => self.origin.plan(self.preset, self.sized_for()),
        }
    }

    /// Whether what it has is one chunk, no compressed streams, and its tables are as large as its length says.
    pub fn is_one_chunk(&mut self) -> bool {
        self.look();
        let plan = self.plan();
        let is_sized = plan.size_class() == ModelPlan::for_block(self.preset, self.taken).size_class();
        is_sized && !self.has_streams() && chunk_len(plan, &self.gathered[self.coded..]) == self.waiting()
    }

    /// Whether there is a chunk to code.
    pub fn is_ready(&self) -> bool {
        let whole_chunk = self.waiting() >= CHUNK_BYTES && (self.coder.is_some() || self.overfull);
        whole_chunk || self.waiting() > 0 && (self.ended || self.flushing)
    }

    /// Codes the next chunk and returns it with its content; `lent` if there is a thread to spare.
    /// Streams have been looked for.
    pub fn code_chunk(&mut self, lent: bool, tick: Tick<'_>) -> Result<(CodedChunk, &[u8]), Error> {
        let plan = self.plan();
        let mut coder = match self.coder.take() {
            Some(coder) => coder,
            None => {
                let mut coder = ChunkCoder::new(plan, &self.origin.priors).map_err(Error::from_engine)?;
                coder.settle(self.transform, self.start());
                self.expands = expands(plan, self.number, self.has_streams(), self.ended);
                // What was kept of it is not needed any more.
                self.streams = None;
                coder
            }
        };
        coder.lend_thread(lent);
        let start = self.coded;
        let transform = if self.expands { self.transform } else { Transform::None };
        let piece = Piece::next(plan, &self.gathered[start..], coder.carry(), transform);
        let end = start + piece.content_bytes;
        let coded = coder.encode_piece(&self.gathered[start..end], &piece, self.transform, tick);
        coder.lend_thread(false);
        let coded = coded.map_err(Error::from_engine)?;
        if coder.is_spent() {
            coder = coder.afresh(&self.origin.priors).map_err(Error::from_engine)?;
        }
        self.coder = Some(coder);
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
        self.look();
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
        for flag in [self.ended, self.overfull, self.flushing, self.expands] {
            to.bool(flag)?;
        }
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
        let expands = from.bool()?;
        let gathered = from.bytes(taken.min(limit))?;
        let frames = from.bytes(archive_bytes)?;
        let coder = from.coder(&origin.priors)?;
        if taken > limit || coder.as_ref().is_some_and(|coder| coder.plan().preset() != options.preset) {
            return Err(Error::State("a block does not fit its member".into()));
        }
        Ok(BlockEncoder {
            number,
            content_offset,
            checks: options.checksum,
            preset: options.preset,
            transform: options.transform,
            origin: origin.clone(),
            limit,
            taken,
            gathered,
            coded: 0,
            coder,
            streams: None,
            expands,
            ended,
            overfull,
            flushing,
            frames,
            archive_bytes,
        })
    }
}

/// Bytes of what streams hold by which it is decided what a block starts from.
const KEPT_BYTES: usize = 16 << 20;
/// Contents with less are left alone: a full member costs more than a compact one.
const LEAST_GAIN: u64 = 2 << 10;

/// Whether the streams of a member's block are expanded: if there are any, or may be in what is to come. A small
/// block has room for them if its size counts on them.
pub fn expands(plan: ModelPlan, number: u32, has_streams: bool, ended: bool) -> bool {
    if is_uncut(plan) { number == 0 && has_streams } else { has_streams || !ended }
}

/// The compressed streams in the start of a block's content, if there are enough.
pub fn look(start: &[u8], transform: Transform) -> Option<Survey> {
    let found = (transform != Transform::None).then(|| survey(start, KEPT_BYTES, CHUNK_BYTES))?;
    let found = found.filter(|survey| survey.bytes >= start.len() as u64 + LEAST_GAIN)?;
    // A small block is one chunk: its streams are expanded all at once or not at all.
    (found.bytes > 1 << UNCUT_CLASS || found.pieces == 1).then_some(found)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Knowledge, Prior, PriorContent};

    /// A prior for preset 9 that says it has so many slots, and nothing else.
    fn prior_of(slots: u32) -> Arc<Prior> {
        let mut learned = [&[9, 0, 4][..], &slots.to_le_bytes(), &[0; 12]].concat();
        learned.resize(learned.len() + slots as usize, 0);
        let content = PriorContent { learned: Some(learned), ..PriorContent::default() };
        let file = Prior::to_bytes("many", &content).unwrap();
        Arc::new(Prior::from_bytes(file, "many").unwrap())
    }

    #[test]
    fn a_block_has_room_for_its_prior() {
        let text = b"What is one chunk is compact, unless its tables are larger. ".repeat(10_000);
        for (slots, size_class) in [(1 << 24, 20), ((1 << 24) + 1, 21)] {
            let knowledge = Knowledge::Prior(prior_of(slots));
            let options = Options { knowledge, ..Options::new(Preset::new(9).unwrap()) };
            let mut block = BlockEncoder::new(0, 0, &options);
            assert_eq!(block.feed(&text, false), text.len());
            block.ended = true;
            block.set_origin(&options.origin(&text).unwrap());
            assert_eq!((block.plan().size_class(), block.is_one_chunk()), (size_class, size_class == 20));
        }
    }
}
