//! Direct probabilities: for some contexts two precise probabilities at every node of the byte,
//! one slow and one fast, beside the bit history.

use crate::adaptive_map::AdaptiveMap;
use crate::hash::hash;
use crate::state::{StateError, StateIo};
use foretold_numerics::stretch;

/// Mixer inputs of a context.
pub const DIRECT_INPUTS: usize = 3;
/// Entries of a line: one node of a nibble each, the first unused.
const LINE: usize = 16;
/// Bits after which the rates stay: about 1/1000 and 1/24 of the error.
const SLOW: u32 = 1023;
const FAST: u32 = 24;

/// Lines of 16 adaptive probabilities, one line for each context and nibble. Contexts whose
/// lines collide share them.
#[derive(Debug)]
pub struct Directs {
    slow: AdaptiveMap,
    fast: AdaptiveMap,
    mask: u64,
    found: Vec<u32>,
    /// The lines turned to next.
    named: Vec<u32>,
}

impl Directs {
    /// Lines for `contexts` contexts in `2^log2_bytes` bytes.
    pub fn new(contexts: usize, log2_bytes: u32) -> Option<Self> {
        let entries = 1usize << (log2_bytes - 3);
        Some(Directs {
            slow: AdaptiveMap::new(entries, SLOW)?,
            fast: AdaptiveMap::new(entries, FAST)?,
            mask: (entries / LINE) as u64 - 1,
            found: vec![0; contexts],
            named: vec![0; contexts],
        })
    }

    /// Names the lines of a nibble and starts to fetch them; [`find`](Self::find) comes next,
    /// after other work. `nibble` is 0 for the byte's first, else the first nibble with its
    /// leading one.
    #[inline(always)]
    pub fn name(&mut self, contexts: &[u64], nibble: u32) {
        for (named, &h) in self.named.iter_mut().zip(contexts) {
            *named = ((hash(h, nibble) >> 7 & self.mask) * LINE as u64) as u32;
            self.slow.prefetch(*named as usize);
            self.fast.prefetch(*named as usize);
        }
    }

    /// Turns to the lines named last.
    #[inline(always)]
    pub fn find(&mut self) {
        self.found.copy_from_slice(&self.named);
    }

    /// Writes every context's inputs.
    #[inline(always)]
    pub fn predict(&self, node: usize, inputs: &mut [i16]) {
        for (out, &found) in inputs.chunks_exact_mut(DIRECT_INPUTS).zip(&self.found) {
            let at = found as usize + (node & 15);
            let p1 = self.slow.p1_q16(at);
            out[0] = stretch(p1);
            out[1] = ((i32::from(p1) - 32768) >> 6) as i16;
            out[2] = stretch(self.fast.p1_q16(at));
        }
    }

    /// Learns the bit that came at `node`.
    #[inline(always)]
    pub fn update(&mut self, node: usize, bit: bool) {
        for &found in &self.found {
            self.slow.update(found as usize + (node & 15), bit);
            self.fast.update(found as usize + (node & 15), bit);
        }
    }

    /// Reads or writes everything learned.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("directs")?;
        io.u32s(&mut self.found)?;
        io.u32s(&mut self.named)?;
        self.slow.state(io)?;
        self.fast.state(io)
    }
}
