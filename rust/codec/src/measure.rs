//! What bytes cost, and what coding them would take.

use std::time::{Duration, Instant};

use crate::container::{GATHER_BYTES, Origin};
use crate::kinds::chunks;
use crate::{ChunkCoder, Error, ModelPlan, Options, Tick};

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
    let start = &data[..data.len().min(block_bytes).min(GATHER_BYTES as usize)];
    let Origin { prior, priors, .. } = options.origin(start)?;
    for block in data.chunks(block_bytes) {
        let plan = ModelPlan::for_block(options.preset, block.len() as u64).with_prior(prior);
        let mut coder = ChunkCoder::new(plan, &priors).map_err(Error::from_engine)?;
        coder.settle(options.transform, block);
        for chunk in chunks(plan, block) {
            coder.code_lengths(chunk, options.transform, &mut bits, tick).map_err(Error::from_engine)?;
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
    let Origin { prior, priors, .. } = options.origin(sample)?;
    let plan =
        ModelPlan::for_block(options.preset, content_bytes.min(options.block_bytes())).with_prior(prior);
    let mut coder = ChunkCoder::new(plan, &priors).map_err(Error::from_engine)?;
    let start = Instant::now();
    let mut coded_bytes = 0;
    coder.settle(options.transform, sample);
    for chunk in chunks(plan, sample) {
        let coded = coder.encode(chunk, options.transform, tick).map_err(Error::from_engine)?;
        coded_bytes += coded.payload.len() as u64;
    }
    Ok(Probe { coded_bytes, time: start.elapsed(), memory_bytes: plan.memory_bytes() })
}
