//! What bytes cost, and what coding them would take.

use std::time::{Duration, Instant};

use crate::container::{GATHER_BYTES, expands, look};
use crate::pieces::Piece;
use crate::{ChunkCoder, Error, Options, Tick, Transform};

/// The bits that each byte of `data` costs when it is compressed with `options`.
///
/// Their sum is the length of all payloads, to within the coder's own loss; the container's
/// headers are not in it. The cost of a code that stands for several bytes is shared evenly by
/// them, and that of a chunk's dictionary falls on its first byte. A chunk that the model would
/// make longer is stored, at 8 bits a byte.
pub fn code_lengths(data: &[u8], options: &Options, tick: Tick<'_>) -> Result<Vec<f64>, Error> {
    options.validate()?;
    let mut bits = Vec::with_capacity(data.len());
    let block_bytes = usize::try_from(options.block_bytes()).unwrap_or(usize::MAX);
    let mut origin = None;
    for (number, block) in data.chunks(block_bytes).enumerate() {
        let start = &block[..block.len().min(GATHER_BYTES as usize)];
        let streams = look(start, options.transform);
        let seen = streams.as_ref().map_or(start, |survey| &survey.start);
        let origin = match &origin {
            Some(origin) => origin,
            None => origin.insert(options.origin(seen)?),
        };
        let expanded = streams.as_ref().filter(|_| number == 0).map_or(0, |survey| survey.bytes);
        let plan = origin.plan(options.preset, expanded.max(block.len() as u64));
        let priors = &origin.priors;
        let mut coder = ChunkCoder::new(plan, priors).map_err(Error::from_engine)?;
        coder.settle(options.transform, seen);
        let ended = block.len() as u64 <= GATHER_BYTES;
        let expands = expands(plan, number as u32, streams.is_some(), ended);
        let expanding = if expands { options.transform } else { Transform::None };
        let mut rest = block;
        while !rest.is_empty() {
            let piece = Piece::next(plan, rest, coder.carry(), expanding);
            let (content, after) = rest.split_at(piece.content_bytes);
            rest = after;
            coder
                .code_lengths(content, &piece, options.transform, &mut bits, tick)
                .map_err(Error::from_engine)?;
            if coder.is_spent() {
                coder = coder.afresh(priors).map_err(Error::from_engine)?;
            }
        }
    }
    Ok(bits)
}

/// What coding a sample took.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// Length of what was coded.
    pub coded_bytes: u64,
    /// Time it took, without the making of the model.
    pub time: Duration,
    /// Memory of the model.
    pub memory_bytes: u64,
}

/// Codes `sample` with the model that a content of `content_bytes` gets, to foretell what the
/// whole will take.
pub fn probe(sample: &[u8], content_bytes: u64, options: &Options, tick: Tick<'_>) -> Result<Probe, Error> {
    options.validate()?;
    let streams = look(sample, options.transform);
    let seen = streams.as_ref().map_or(sample, |survey| &survey.start);
    let origin = options.origin(seen)?;
    // What the sample holds for each of its bytes, the rest is taken to hold, too.
    let held = streams.as_ref().map_or(1.0, |survey| survey.bytes as f64 / sample.len() as f64);
    let content_bytes = content_bytes.min(options.block_bytes());
    let plan = origin.plan(options.preset, (content_bytes as f64 * held) as u64);
    let mut coder = ChunkCoder::new(plan, &origin.priors).map_err(Error::from_engine)?;
    let start = Instant::now();
    let mut coded_bytes = 0;
    coder.settle(options.transform, seen);
    let expands = expands(plan, 0, streams.is_some(), true);
    let expanding = if expands { options.transform } else { Transform::None };
    let mut rest = sample;
    while !rest.is_empty() {
        let piece = Piece::next(plan, rest, coder.carry(), expanding);
        let (content, after) = rest.split_at(piece.content_bytes);
        rest = after;
        let coded =
            coder.encode_piece(content, &piece, options.transform, tick).map_err(Error::from_engine)?;
        coded_bytes += coded.payload.len() as u64;
        if coder.is_spent() {
            coder = coder.afresh(&origin.priors).map_err(Error::from_engine)?;
        }
    }
    Ok(Probe { coded_bytes, time: start.elapsed(), memory_bytes: plan.memory_bytes() })
}
