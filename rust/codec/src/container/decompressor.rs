//! One member in, its content out.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::sync::Arc;

use super::Limits;
use super::block_decoder::BlockDecoder;
use super::digest::ContentDigest;
use super::frames::{BlockHeader, DIGEST_BYTES, MemberHeader};
use super::lanes;
use super::parser::{Event, Parser, Place};
use super::state::{StateReader, StateWriter};
use crate::knowledge::{FittedNetwork, MOST_PACKED_BYTES, Prior, Priors};
use crate::{Damage, Error, ModelPlan, Tick};

/// Reads one member; bytes after it are kept apart as [`unused_data`](Self::unused_data).
///
/// [`push`](Self::push) works until its input is dealt with or `max_out` is reached. A caller who
/// must get in between, or who wants threads to have enough at hand, uses what it is made of:
/// [`feed`](Self::feed) takes what there is room for and decodes nothing, [`step`](Self::step)
/// decodes at most one chunk per thread. After an error the object is of no further use and
/// says so.
///
/// Memory: with one thread one model, the chunk in hand and its content; with more, per thread
/// one model and twice a block's content, for which fewer threads are used if need be.
pub struct Decompressor {
    limits: Limits,
    parser: Parser,
    /// The packed weights of the member, if it has any.
    network: Vec<u8>,
    /// Blocks decoded at once.
    lanes: usize,
    /// Blocks taken and not yet given out, in order.
    blocks: VecDeque<BlockDecoder>,
    /// Content bytes taken, decoded or not.
    announced_bytes: u64,
    /// Verified content of the first block; `given..` is not yet given out.
    ready: Vec<u8>,
    given: usize,
    content_bytes: u64,
    /// Over the content made ready, if one is needed.
    digest: Option<ContentDigest>,
    /// Once the last frame has come: the digest it states, if any.
    end: Option<Option<[u8; DIGEST_BYTES]>>,
    eof: bool,
    /// What `push` could not feed yet; after the member's end, what follows it.
    backlog: Vec<u8>,
    /// Bytes at the backlog's start that have been fed.
    backlog_taken: usize,
    /// Why no more input can be taken, to be reported when all before it has been given out.
    failure: Option<Error>,
    failed: bool,
}

/// The priors at hand and, if weights follow the member's `header`, what they make of theirs.
pub(super) fn with_fitted(
    priors: &Priors,
    header: &MemberHeader,
    packed: Vec<u8>,
    place: Place,
) -> Result<Priors, Error> {
    let Some(network) = &header.network else { return Ok(priors.clone()) };
    let damaged = |damage| {
        let Place { offset, member } = place;
        Error::Corrupt { offset, member, block: None, chunk: None, damage }
    };
    let under = match &network.under {
        Some(digest) => Some(priors.find_digest(digest).map_err(Error::Prior)?),
        None => None,
    };
    if Some(Prior::fitted_digest(under, &packed)) != header.prior {
        return Err(damaged(Damage::HeaderCheck("fitted network")));
    }
    let network = FittedNetwork::unpack(packed)
        .map_err(|reason| damaged(Damage::Payload(format!("the fitted network: {reason}"))))?;
    let fitted = Prior::fitted(under, &network).map_err(Error::Prior)?;
    Ok(priors.and(Arc::new(fitted)))
}

impl Decompressor {
    /// A decompressor at the start of a member.
    pub fn new(limits: Limits) -> Result<Decompressor, Error> {
        Decompressor::at(limits, Place::default())
    }

    /// A decompressor for the member at `place`.
    pub(super) fn at(limits: Limits, place: Place) -> Result<Decompressor, Error> {
        Decompressor::with_parser(limits, Parser::member(place))
    }

    /// A decompressor for the one block whose `header` stands at `place`.
    pub(super) fn at_block(
        limits: Limits,
        place: Place,
        header: &BlockHeader,
    ) -> Result<Decompressor, Error> {
        Decompressor::with_parser(limits, Parser::block(place, header))
    }

    fn with_parser(limits: Limits, parser: Parser) -> Result<Decompressor, Error> {
        limits.validate()?;
        Ok(Decompressor {
            limits,
            parser,
            network: Vec::new(),
            lanes: 1,
            blocks: VecDeque::new(),
            announced_bytes: 0,
            ready: Vec::new(),
            given: 0,
            content_bytes: 0,
            digest: None,
            end: None,
            eof: false,
            backlog: Vec::new(),
            backlog_taken: 0,
            failure: None,
            failed: false,
        })
    }

    /// Decodes more of the archive, appending content to `out`: at most `max_out` bytes in this
    /// call, the rest comes with later calls (which may bring no data).
    pub fn push(
        &mut self,
        data: &[u8],
        out: &mut Vec<u8>,
        max_out: Option<usize>,
        tick: Tick<'_>,
    ) -> Result<(), Error> {
        let mut backlog = std::mem::take(&mut self.backlog);
        let waited = !backlog.is_empty();
        if waited {
            backlog.extend_from_slice(data);
        }
        let input = if waited { &backlog[self.backlog_taken..] } else { data };
        let (mut taken, start) = (0, out.len());
        loop {
            let fed = self.feed(&input[taken..])?;
            taken += fed;
            let room = max_out.map(|most| most - (out.len() - start));
            if room == Some(0) || !self.step(out, room, tick)? && fed == 0 {
                break;
            }
        }
        if waited {
            self.backlog = backlog;
            self.backlog_taken += taken;
        } else {
            self.backlog = data[taken..].to_vec();
        }
        // Not at every call: a long backlog would be moved for every little that is taken.
        if self.backlog_taken > self.backlog.len() / 2 || self.eof {
            self.backlog.drain(..self.backlog_taken);
            self.backlog_taken = 0;
        }
        Ok(())
    }

    /// Takes as much of `data` as there is room for and returns how much. Less than all means
    /// that [`step`](Self::step) must be called first, or that the member ends there
    /// ([`input_complete`](Self::input_complete)).
    pub fn feed(&mut self, data: &[u8]) -> Result<usize, Error> {
        self.check_usable()?;
        let mut fed = 0;
        while !self.is_full() {
            let event = match self.parser.next(&data[fed..]) {
                Ok((taken, Some(event))) => {
                    fed += taken;
                    event
                }
                Ok((taken, None)) => return Ok(fed + taken),
                Err(error) => {
                    self.failure = Some(error);
                    break;
                }
            };
            if let Err(error) = self.accept(event) {
                self.failure = Some(error);
            }
        }
        Ok(fed)
    }

    /// Whether blocks must be decoded before more can be taken.
    fn is_full(&self) -> bool {
        let complete = self.blocks.iter().filter(|block| block.ended).count();
        let waiting = self.lanes == 1 && self.blocks.iter().any(BlockDecoder::is_ready);
        self.failure.is_some() || complete >= self.lanes || waiting
    }

    fn accept(&mut self, event: Event) -> Result<(), Error> {
        match event {
            Event::Member(header, network) => {
                self.check_memory(header.memory_bytes())?;
                self.take_network(&header, network)?;
                if let Some(digest) = &header.prior {
                    self.limits.priors.find_digest(digest).map_err(Error::Prior)?;
                }
                self.check_output(header.content_bytes.unwrap_or(0))?;
                self.lanes = self.lanes_for(&header);
                self.digest = header.checks.then(ContentDigest::new);
            }
            Event::Block { number, plan } => self.start_block(number, plan)?,
            Event::Chunk(chunk) => {
                self.announced_bytes += chunk.content_bytes as u64;
                self.check_output(self.announced_bytes)?;
                self.blocks.back_mut().expect("the parser started a block").push(chunk);
            }
            Event::Index => {}
            Event::End { digest } => self.take_end(digest),
            Event::Compact { plan, chunk, digest } => {
                self.check_output(chunk.content_bytes as u64)?;
                self.digest = digest.map(|_| ContentDigest::new());
                self.start_block(0, plan)?;
                self.blocks.back_mut().expect("just started").push(chunk);
                self.take_end(digest);
            }
        }
        Ok(())
    }

    /// Adds what the weights after the header make of their prior to those at hand.
    fn take_network(&mut self, header: &MemberHeader, packed: Vec<u8>) -> Result<(), Error> {
        let offset = self.parser.frame_offset() - header.frame_bytes() as u64;
        let place = Place { offset, member: self.parser.member_number() };
        self.limits.priors = with_fitted(&self.limits.priors, header, packed.clone(), place)?;
        self.network = packed;
        Ok(())
    }

    /// The priors at hand, with what stood in the archive.
    pub(super) fn priors(&self) -> &Priors {
        &self.limits.priors
    }

    fn start_block(&mut self, number: u64, plan: ModelPlan) -> Result<(), Error> {
        self.check_memory(plan.memory_bytes())?;
        self.end_block();
        let priors = self.limits.priors.clone();
        self.blocks.push_back(BlockDecoder::new(self.parser.member_number(), number, plan, priors));
        Ok(())
    }

    fn end_block(&mut self) {
        if let Some(last) = self.blocks.back_mut() {
            last.ended = true;
        }
    }

    fn take_end(&mut self, digest: Option<[u8; DIGEST_BYTES]>) {
        self.end_block();
        self.end = Some(digest);
    }

    fn check_memory(&self, needed: u64) -> Result<(), Error> {
        let allowed = self.limits.max_memory;
        if needed > allowed { Err(Error::Memory { needed, allowed }) } else { Ok(()) }
    }

    fn check_output(&self, content_bytes: u64) -> Result<(), Error> {
        match self.limits.max_output {
            Some(allowed) if content_bytes > allowed => Err(Error::OutputLimit { allowed }),
            _ => Ok(()),
        }
    }

    /// As many blocks at once as threads and memory allow. Several blocks are held with their
    /// payload and content; a single one only with its chunk.
    fn lanes_for(&self, header: &MemberHeader) -> usize {
        if header.block_bytes == 0 {
            return 1;
        }
        let lane_bytes = header.block_bytes.saturating_mul(2).saturating_add(header.memory_bytes());
        let affordable = (self.limits.max_memory / lane_bytes).clamp(1, self.limits.threads as u64);
        affordable as usize
    }

    /// Decodes at most one chunk per thread and gives out at most `max_out` bytes. True if there
    /// was something to do; false means that it wants more input or is at the member's end.
    pub fn step(&mut self, out: &mut Vec<u8>, max_out: Option<usize>, tick: Tick<'_>) -> Result<bool, Error> {
        self.work(1, out, max_out, tick)
    }

    /// As [`step`](Self::step), with at most `chunks` chunks per thread.
    pub(super) fn work(
        &mut self,
        chunks: usize,
        out: &mut Vec<u8>,
        max_out: Option<usize>,
        tick: Tick<'_>,
    ) -> Result<bool, Error> {
        self.check_usable()?;
        let result = self.try_work(chunks, out, max_out, tick);
        self.failed = result.is_err();
        result
    }

    fn try_work(
        &mut self,
        chunks: usize,
        out: &mut Vec<u8>,
        max_out: Option<usize>,
        tick: Tick<'_>,
    ) -> Result<bool, Error> {
        if self.give_out(out, max_out) {
            return Ok(true);
        }
        let ready: Vec<_> =
            self.blocks.iter_mut().filter(|block| block.is_ready()).take(self.lanes).collect();
        let mut worked = !ready.is_empty();
        let lent = 2 * ready.len() <= self.limits.threads;
        let decode = |block: &mut BlockDecoder, tick: Tick<'_>| {
            for _ in 0..chunks {
                if !block.is_ready() {
                    break;
                }
                block.decode_chunk(lent, tick)?;
            }
            Ok(())
        };
        lanes::run(ready, decode, tick)?;
        worked |= self.collect()?;
        self.give_out(out, max_out);
        if !worked && self.given == self.ready.len() {
            // It may lie in a block, which then stays incomplete.
            if let Some(failure) = self.failure.take() {
                return Err(failure);
            }
            if self.blocks.is_empty() {
                return self.end_member();
            }
        }
        Ok(worked)
    }

    /// Makes the first blocks' verified content ready, in order; an error if it ends in damage.
    fn collect(&mut self) -> Result<bool, Error> {
        let mut collected = false;
        while let Some(front) = self.blocks.front_mut() {
            let content = front.take_content();
            if let Some(digest) = &mut self.digest {
                digest.update(&content);
            }
            collected |= !content.is_empty();
            self.ready.extend_from_slice(&content);
            if front.failure.is_some() && self.given == self.ready.len() {
                return Err(front.failure.take().expect("just seen"));
            }
            if !front.is_done() || front.failure.is_some() {
                break;
            }
            self.blocks.pop_front();
            collected = true;
        }
        Ok(collected)
    }

    fn give_out(&mut self, out: &mut Vec<u8>, max_out: Option<usize>) -> bool {
        let waiting = self.ready.len() - self.given;
        let now = waiting.min(max_out.unwrap_or(usize::MAX));
        out.extend_from_slice(&self.ready[self.given..self.given + now]);
        self.given += now;
        self.content_bytes += now as u64;
        if self.given == self.ready.len() {
            self.ready.clear();
            self.given = 0;
        }
        now > 0
    }

    /// Verifies the digest when everything has been given out.
    fn end_member(&mut self) -> Result<bool, Error> {
        let Some(stated) = self.end else { return Ok(false) };
        if self.eof {
            return Ok(false);
        }
        let found = self.digest.as_ref().map(ContentDigest::value);
        if stated.is_some() && found.is_some() && found != stated {
            return Err(self.parser.corrupt(Damage::Digest));
        }
        self.eof = true;
        Ok(true)
    }

    fn check_usable(&self) -> Result<(), Error> {
        if self.failed {
            return Err(Error::Parameter("the decompressor is of no use after an error".into()));
        }
        Ok(())
    }

    /// Whether the member's last byte has been fed.
    pub fn input_complete(&self) -> bool {
        self.end.is_some()
    }

    /// Whether the member has ended and all its content was given out.
    pub fn eof(&self) -> bool {
        self.eof
    }

    /// Whether nothing more can be given out before more input comes.
    pub fn needs_input(&self) -> bool {
        let waiting = self.blocks.iter().any(|block| block.is_ready() || block.failure.is_some());
        let nothing_held = self.given == self.ready.len() && self.backlog.is_empty() && !waiting;
        !self.eof && self.end.is_none() && self.failure.is_none() && nothing_held
    }

    /// What was pushed beyond the member's end.
    pub fn unused_data(&self) -> &[u8] {
        if self.eof { &self.backlog } else { &[] }
    }

    /// To be asked when the input ends and [`step`](Self::step) has nothing more to do: an error
    /// if the member has not ended.
    pub fn end_of_input(&self) -> Result<(), Error> {
        self.check_usable()?;
        self.parser.end_of_input()
    }

    /// Archive bytes taken so far.
    pub fn archive_bytes(&self) -> u64 {
        self.parser.taken_bytes()
    }

    /// The member's header, once a full member's has come.
    pub(super) fn member_header(&self) -> Option<&MemberHeader> {
        self.parser.header()
    }

    /// Archive byte where the frame that comes next, or cannot be read, starts.
    pub(super) fn frame_offset(&self) -> u64 {
        self.parser.frame_offset()
    }

    /// Content bytes given out so far.
    pub fn content_bytes(&self) -> u64 {
        self.content_bytes
    }

    /// Writes the complete state. Not allowed after an error.
    pub fn save(&mut self, to: &mut dyn Write) -> Result<(), Error> {
        self.check_usable()?;
        // Damage that has been met would have to be met again.
        if self.failure.is_some() || self.blocks.iter().any(|block| block.failure.is_some()) {
            return Err(Error::Parameter("the archive is damaged: there is no state to save".into()));
        }
        let mut to = StateWriter::new(to);
        to.heading("decompressor")?;
        self.parser.save(&mut to)?;
        to.bytes(&self.network)?;
        to.u64(self.lanes as u64)?;
        to.u64(self.announced_bytes)?;
        to.u64(self.content_bytes)?;
        to.bytes(&self.ready[self.given..])?;
        to.bytes(&self.backlog[self.backlog_taken..])?;
        to.bool(self.eof)?;
        to.bool(self.end.is_some())?;
        to.bytes(self.end.flatten().as_ref().map_or(&[], |digest| &digest[..]))?;
        to.bool(self.digest.is_some())?;
        if let Some(digest) = &self.digest {
            digest.save(&mut to)?;
        }
        to.u64(self.blocks.len() as u64)?;
        self.blocks.iter_mut().try_for_each(|block| block.save(&mut to))
    }

    /// The decompressor that [`save`](Self::save) wrote, with new limits.
    pub fn load(from: &mut dyn Read, limits: Limits) -> Result<Decompressor, Error> {
        let mut from = StateReader::new(from);
        from.heading("decompressor")?;
        let mut loaded = Decompressor::with_parser(limits, Parser::load(&mut from)?)?;
        loaded.network = from.bytes(MOST_PACKED_BYTES as u64)?;
        if let Some(header) = loaded.parser.header() {
            let (packed, place) = (loaded.network.clone(), Place::default());
            loaded.limits.priors = with_fitted(&loaded.limits.priors, header, packed, place)
                .map_err(|error| Error::State(error.to_string()))?;
        }
        loaded.lanes = (from.u64()? as usize).min(loaded.limits.threads).max(1);
        loaded.announced_bytes = from.u64()?;
        loaded.content_bytes = from.u64()?;
        loaded.ready = from.bytes(u64::MAX)?;
        loaded.backlog = from.bytes(u64::MAX)?;
        loaded.eof = from.bool()?;
        let ended = from.bool()?;
        let stated = from.bytes(DIGEST_BYTES as u64)?;
        loaded.end = ended.then(|| stated.try_into().ok());
        if from.bool()? {
            loaded.digest = Some(ContentDigest::load(&mut from)?);
        }
        for _ in 0..from.u64()? {
            loaded.blocks.push_back(BlockDecoder::load(&mut from, &loaded.limits.priors)?);
        }
        Ok(loaded)
    }
}
