//! Content in, one member out.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::sync::Arc;

use super::block_encoder::{BlockEncoder, GATHER_BYTES};
use super::digest::ContentDigest;
use super::frames::{
    BlockLengths, CHUNK_BYTES, CompactHeader, MemberHeader, NetworkHeader, SeekIndex, Trailer,
};
use super::lanes;
use super::options::Origin;
use super::state::{StateReader, StateWriter};
use super::{Knowledge, Options, Transform};
use crate::knowledge::{FittedNetwork, MOST_PACKED_BYTES, Prior, PriorId};
use crate::{Error, Preset, Tick};

/// Largest block of which several are gathered for several threads; arbitrary. Larger ones are
/// coded one after the other.
const PARALLEL_BLOCK_BYTES: u64 = 1 << 30;

/// Writes one member; the same bytes as [`compress`](super::compress), however the content is cut.
///
/// [`push`](Self::push) and [`finish`](Self::finish) work until their input is dealt with. A caller
/// who must get in between, for checkpoints, uses what they are made of: [`feed`](Self::feed) takes
/// what there is room for and does no work, [`step`](Self::step) codes at most one chunk per
/// thread, [`close`](Self::close) ends the content. After any error but a parameter's the object
/// is of no further use and says so.
///
/// Memory: one model per thread, and per thread one block's content; of a block of more than
/// 64 MiB, one thread alone keeps 64 MiB.
pub struct Compressor {
    options: Options,
    /// Blocks gathered or being coded, in order; only the last takes content.
    blocks: VecDeque<BlockEncoder>,
    /// Lengths of the blocks completely written.
    written: Vec<BlockLengths>,
    digest: Option<ContentDigest>,
    /// What blocks start from, once there is something to code.
    origin: Option<Origin>,
    content_bytes: u64,
    archive_bytes: u64,
    flushed: bool,
    closed: bool,
    finished: bool,
    failed: bool,
}

impl Compressor {
    /// A compressor at the start of a member.
    pub fn new(options: Options) -> Result<Compressor, Error> {
        options.validate()?;
        Ok(Compressor {
            blocks: VecDeque::new(),
            written: Vec::new(),
            digest: options.checksum.then(ContentDigest::new),
            origin: None,
            content_bytes: 0,
            archive_bytes: 0,
            flushed: false,
            closed: false,
            finished: false,
            failed: false,
            options,
        })
    }

    /// Compresses more content, appending to `out` what is ready.
    pub fn push(&mut self, data: &[u8], out: &mut Vec<u8>, tick: Tick<'_>) -> Result<(), Error> {
        let mut rest = &data[self.feed(data)?..];
        while !rest.is_empty() {
            self.work(usize::MAX, out, tick)?;
            rest = &rest[self.feed(rest)?..];
        }
        Ok(())
    }

    /// Ends the chunk: everything pushed so far becomes decodable from `out`.
    pub fn flush(&mut self, out: &mut Vec<u8>, tick: Tick<'_>) -> Result<(), Error> {
        self.check_open()?;
        let Some(last) = self.blocks.back_mut() else { return Ok(()) };
        last.flushing = last.waiting() > 0;
        self.flushed |= last.flushing;
        while self.work(usize::MAX, out, tick)? {}
        Ok(())
    }

    /// Ends the member.
    pub fn finish(&mut self, out: &mut Vec<u8>, tick: Tick<'_>) -> Result<(), Error> {
        self.close()?;
        while self.work(usize::MAX, out, tick)? {}
        Ok(())
    }

    /// Takes as much of `data` as there is room for and returns how much; less than all means
    /// that [`step`](Self::step) must be called first.
    pub fn feed(&mut self, data: &[u8]) -> Result<usize, Error> {
        self.check_open()?;
        let mut rest = data;
        while !rest.is_empty() {
            if self.blocks.back().is_none_or(BlockEncoder::is_full) {
                // More content is at hand, so a full block is not the last: only now it ends.
                if let Some(full) = self.blocks.back_mut() {
                    full.ended = true;
                }
                if self.blocks.len() == self.lanes() {
                    break;
                }
                self.start_block()?;
            }
            let gather_all = self.lanes() > 1;
            let fed = self.blocks.back_mut().expect("a block was started").feed(rest, gather_all);
            if fed == 0 {
                break;
            }
            rest = &rest[fed..];
            self.content_bytes += fed as u64;
        }
        let fed = data.len() - rest.len();
        if let Some(digest) = &mut self.digest {
            digest.update(&data[..fed]);
        }
        Ok(fed)
    }

    /// Says that no more content comes; [`step`](Self::step) then runs until it returns false.
    pub fn close(&mut self) -> Result<(), Error> {
        self.check_open()?;
        self.closed = true;
        if let Some(last) = self.blocks.back_mut() {
            last.ended = true;
        }
        Ok(())
    }

    /// Codes at most one chunk per thread. True if there was something to do; false means that
    /// it wants more input, or, after [`close`](Self::close), that the member is complete.
    pub fn step(&mut self, out: &mut Vec<u8>, tick: Tick<'_>) -> Result<bool, Error> {
        self.work(1, out, tick)
    }

    /// Whether the member is complete.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Content bytes taken so far (some may still wait to be coded).
    pub fn content_bytes(&self) -> u64 {
        self.content_bytes
    }

    /// Archive bytes written so far.
    pub fn archive_bytes(&self) -> u64 {
        self.archive_bytes
    }

    fn check_usable(&self) -> Result<(), Error> {
        if self.failed {
            return Err(Error::Parameter("the compressor is of no use after an error".into()));
        }
        Ok(())
    }

    fn check_open(&self) -> Result<(), Error> {
        self.check_usable()?;
        if self.closed {
            return Err(Error::Parameter("the member has been closed".into()));
        }
        Ok(())
    }

    /// Blocks in flight at once.
    fn lanes(&self) -> usize {
        if self.options.block_bytes() > PARALLEL_BLOCK_BYTES { 1 } else { self.options.threads }
    }

    fn start_block(&mut self) -> Result<(), Error> {
        let number = (self.written.len() + self.blocks.len())
            .try_into()
            .map_err(|_| Error::Parameter("a member has at most 4294967295 blocks".into()))?;
        let mut block = BlockEncoder::new(number, self.content_bytes, &self.options);
        if let Some(origin) = &self.origin {
            block.set_origin(origin);
        }
        self.blocks.push_back(block);
        Ok(())
    }

    /// Codes at most `chunks` chunks per thread, and writes what is complete.
    fn work(&mut self, chunks: usize, out: &mut Vec<u8>, tick: Tick<'_>) -> Result<bool, Error> {
        self.check_usable()?;
        let before = out.len();
        let result = self.try_work(chunks, out, tick);
        self.archive_bytes += (out.len() - before) as u64;
        self.failed = result.is_err();
        result
    }

    fn try_work(&mut self, chunks: usize, out: &mut Vec<u8>, tick: Tick<'_>) -> Result<bool, Error> {
        if self.finished {
            return Ok(false);
        }
        if self.origin.is_none() && self.blocks.iter().any(BlockEncoder::is_ready) {
            self.choose_origin()?;
        }
        if self.is_compact() {
            self.write_compact(out, tick)?;
            self.finished = true;
            return Ok(true);
        }
        let start = out.len();
        let lanes = self.lanes();
        if self.archive_bytes == 0 && self.blocks.iter().any(BlockEncoder::is_ready) {
            self.write_header(out);
        }
        let ready: Vec<_> = self.blocks.iter_mut().filter(|block| block.is_ready()).take(lanes).collect();
        let worked = !ready.is_empty();
        let lent = 2 * ready.len() <= self.options.threads;
        let encode = |block: &mut BlockEncoder, tick: Tick<'_>| {
            for _ in 0..chunks {
                if !block.is_ready() {
                    break;
                }
                block.encode_chunk(lent, tick)?;
            }
            Ok(())
        };
        lanes::run(ready, encode, tick)?;
        self.write_blocks(out);
        if !self.closed || !self.blocks.is_empty() {
            return Ok(worked);
        }
        self.write_end(self.archive_bytes + (out.len() - start) as u64, out);
        self.finished = true;
        Ok(true)
    }

    /// Decides what blocks start from, by what is at hand of the first.
    fn choose_origin(&mut self) -> Result<(), Error> {
        self.blocks[0].look();
        let origin = self.options.origin(self.blocks[0].start())?;
        self.blocks.iter_mut().for_each(|block| block.set_origin(&origin));
        self.origin = Some(origin);
        Ok(())
    }

    /// Whether the member turned out to be one chunk, nothing of which is written yet.
    fn is_compact(&mut self) -> bool {
        if !self.closed || self.flushed || self.archive_bytes > 0 {
            return false;
        }
        // Of a longer content blocks may have been written, depending on the threads.
        let most = self.options.block_bytes().min(CHUNK_BYTES as u64);
        let is_fitted = self.options.network.is_some() && self.content_bytes > 0;
        let is_short = !is_fitted && self.content_bytes <= most;
        is_short && self.blocks.front_mut().is_none_or(BlockEncoder::is_one_chunk)
    }

    fn write_compact(&mut self, out: &mut Vec<u8>, tick: Tick<'_>) -> Result<(), Error> {
        let (method, payload, content) = match self.blocks.front_mut() {
            Some(block) => {
                let (chunk, content) = block.code_chunk(self.options.threads > 1, tick)?;
                let chunk = chunk.alone();
                (chunk.method, chunk.payload, content)
            }
            None => (0, Vec::new(), &[][..]),
        };
        let mut header = CompactHeader {
            preset: self.options.preset,
            prior: self.origin.as_ref().and_then(|origin| origin.prior),
            method,
            content_bytes: content.len(),
            payload_bytes: payload.len(),
            check: None,
            digest: None,
        };
        if let Some(digest) = &self.digest {
            header.set_checks(content, digest);
        }
        header.write(out);
        out.extend_from_slice(&payload);
        self.blocks.clear();
        Ok(())
    }

    /// The member's header: before any chunk is coded, with the first block's model at hand.
    fn write_header(&self, out: &mut Vec<u8>) {
        let plan = self.blocks[0].plan();
        // More than this is never known when one thread writes the header.
        let whole = self.closed && self.blocks.len() == 1 && self.content_bytes <= GATHER_BYTES;
        let block_bytes = self.options.block_bytes();
        let origin = self.origin.as_ref().expect("chosen when there was something to code");
        let network = self.options.network.as_ref();
        let header = MemberHeader {
            checks: self.options.checksum,
            plan,
            memory_kib: MemberHeader::declare(plan),
            block_bytes: if block_bytes == u64::MAX { 0 } else { block_bytes },
            content_bytes: whole.then_some(self.content_bytes),
            prior: plan.prior().and_then(|id| origin.priors.digest(id)),
            network: network
                .zip(origin.under)
                .map(|(network, under)| NetworkHeader { under, bytes: network.packed().len() }),
        };
        header.write(out);
        if let Some(network) = network {
            out.extend_from_slice(network.packed());
        }
    }

    /// Hands over coded frames in the blocks' order.
    fn write_blocks(&mut self, out: &mut Vec<u8>) {
        while let Some(front) = self.blocks.front_mut() {
            out.append(&mut front.take_frames());
            if !front.is_done() {
                break;
            }
            let (archive_bytes, content_bytes) = (front.archive_bytes, front.content_bytes());
            self.written.push(BlockLengths { archive_bytes, content_bytes });
            self.blocks.pop_front();
        }
    }

    /// Index and trailer of a member that has `member_bytes` before them.
    fn write_end(&self, mut member_bytes: u64, out: &mut Vec<u8>) {
        let blocks = self.written.len() as u32;
        let index = self.options.seek_index && blocks > 1;
        if index {
            SeekIndex::write(&self.written, self.options.checksum, out);
            member_bytes += SeekIndex::length_of(blocks);
        }
        let trailer = Trailer {
            content_bytes: self.content_bytes,
            member_bytes: member_bytes + Trailer::length_of(self.options.checksum) as u64,
            block_count: blocks,
            index,
            digest: self.digest.as_ref().map(ContentDigest::value),
        };
        trailer.write(out);
    }

    /// Writes the complete state, waiting content included. Not allowed after an error.
    pub fn save(&mut self, to: &mut dyn Write) -> Result<(), Error> {
        self.check_usable()?;
        let mut to = StateWriter::new(to);
        to.heading("compressor")?;
        to.u8(self.options.preset.number())?;
        to.u64(self.options.threads as u64)?;
        to.option_u64(self.options.block_size)?;
        to.u8(self.options.transform as u8)?;
        to.u8(match self.options.knowledge {
            Knowledge::Auto => 0,
            Knowledge::None => 1,
            Knowledge::Prior(_) => 2,
            Knowledge::Frozen => 3,
        })?;
        for flag in [self.options.seek_index, self.flushed, self.closed, self.finished] {
            to.bool(flag)?;
        }
        to.bool(self.origin.is_some())?;
        let origin = self.origin.clone().unwrap_or_default();
        to.raw(&PriorId::to_bytes(origin.prior))?;
        to.bool(matches!(origin.under, Some(Some(_))))?;
        to.raw(&origin.under.flatten().unwrap_or_default())?;
        to.bytes(self.options.network.as_ref().map_or(&[], |network| network.packed()))?;
        to.u64(self.content_bytes)?;
        to.u64(self.archive_bytes)?;
        to.bool(self.digest.is_some())?;
        if let Some(digest) = &self.digest {
            digest.save(&mut to)?;
        }
        to.lengths(&self.written)?;
        to.u64(self.blocks.len() as u64)?;
        self.blocks.iter_mut().try_for_each(|block| block.save(&mut to))
    }

    /// The compressor that [`save`](Self::save) wrote, which continues with the same bytes. If its
    /// contents start from a prior that does not come with the package, `prior` is that.
    pub fn load(from: &mut dyn Read, prior: Option<&Arc<Prior>>) -> Result<Compressor, Error> {
        let mut from = StateReader::new(from);
        from.heading("compressor")?;
        let number = from.u8()?;
        let preset =
            Preset::new(number).ok_or_else(|| Error::State(format!("preset {number} is unknown")))?;
        let threads = from.u64()? as usize;
        let block_size = from.option_u64()?;
        let number = from.u8()?;
        let transform = Transform::from_number(number.into())
            .ok_or_else(|| Error::State(format!("transform {number} is unknown")))?;
        let knowledge = match (from.u8()?, prior) {
            (0, _) => Knowledge::Auto,
            (1, _) => Knowledge::None,
            (3, _) => Knowledge::Frozen,
            (2, Some(prior)) => Knowledge::Prior(prior.clone()),
            (2, None) => return Err(Error::Parameter("the prior that the compressor had is needed".into())),
            (number, _) => return Err(Error::State(format!("knowledge {number} is unknown"))),
        };
        let (seek_index, flushed) = (from.bool()?, from.bool()?);
        let (closed, finished) = (from.bool()?, from.bool()?);
        let chosen = from.bool()?;
        let prior = PriorId::from_bytes(from.array()?);
        let under = if from.bool()? { Some(from.array()?) } else { from.array::<32>().map(|_| None)? };
        let network = match from.bytes(MOST_PACKED_BYTES as u64)? {
            packed if packed.is_empty() => None,
            packed => Some(Arc::new(FittedNetwork::unpack(packed).map_err(Error::State)?)),
        };
        let (content_bytes, archive_bytes) = (from.u64()?, from.u64()?);
        let checksum = from.bool()?;
        let digest = if checksum { Some(ContentDigest::load(&mut from)?) } else { None };
        let options =
            Options { preset, threads, checksum, block_size, seek_index, transform, knowledge, network };
        options.validate()?;
        let origin = options.origin_again(prior, under)?;
        let written = from.lengths()?;
        let mut blocks = VecDeque::new();
        for _ in 0..from.u64()? {
            blocks.push_back(BlockEncoder::load(&mut from, &options, &origin)?);
        }
        Ok(Compressor {
            options,
            blocks,
            written,
            digest,
            origin: chosen.then_some(origin),
            content_bytes,
            archive_bytes,
            flushed,
            closed,
            finished,
            failed: false,
        })
    }
}
