//! Runs: for each context the byte that followed it last, and how often in a row.

use crate::state::{StateError, StateIo};
use crate::tree::Tree;
use foretold_numerics::{BY_CONTEXT, ByContext, Maps, PLANE_LANES, Simd, Table, ask_runs, teach};

/// Mixer inputs of a context, a plane each.
pub const RUN_INPUTS: usize = 1;
const COUNTS: usize = 32;
/// Map entries of a context: the count, whether it was ever broken, and the bit position.
const CLASSES: usize = COUNTS * 2 * 2;

/// One word a context: a check of 16 bits, the byte that followed last, and a count whose
/// lowest bit tells whether another byte was ever seen.
#[derive(Debug)]
pub struct Runs {
    words: Table<u32>,
    found: Vec<u32>,
    /// How many contexts are in use.
    active: usize,
    /// The words found, as they were when the byte began.
    current: ByContext<u32>,
    /// Their counts, below the decisions by which the byte that followed last would come again.
    expected: ByContext<u32>,
    maps: Maps<CLASSES>,
}

/// What the runs' update needs to know of their prediction.
#[derive(Debug, Default)]
pub struct Ran {
    classes: ByContext<u8>,
    entries: ByContext<u32>,
}

impl Runs {
    /// Runs of up to `contexts` contexts in `2^log2_words` words; `limit` as in [`Maps`].
    pub fn new(contexts: usize, log2_words: u32, limit: u32) -> Option<Self> {
        let row = std::array::from_fn(|class| match class {
            0 => 1 << 15,
            _ if class & 1 != 0 => 49152,
            _ => 16384,
        });
        Some(Runs {
            words: Table::try_new(1 << log2_words)?,
            found: vec![0; contexts],
            active: 0,
            current: ByContext([0; BY_CONTEXT]),
            expected: ByContext([0; BY_CONTEXT]),
            maps: Maps::new(contexts, &row, limit)?,
        })
    }

    /// Starts to fetch the words of the next byte's contexts.
    pub fn prefetch(&self, contexts: &[u64]) {
        let mask = self.words.len() as u64 - 1;
        for &h in contexts {
            self.words.prefetch((h >> 20 & mask) as usize);
        }
    }

    /// Learns the byte that came, if one has, and turns to the contexts of the next one, which is coded
    /// by a tree.
    pub fn next_byte(&mut self, came: Option<u8>, contexts: &[u64], tree: &Tree) {
        let mask = self.words.len() as u64 - 1;
        for (&found, &word) in self.found.iter().zip(&self.current.0).take(self.active) {
            let Some(byte) = came else { break };
            let count = word & 0xff;
            let last = (word >> 8) as u8;
            let count = match count {
                0 => 2,
                _ if last != byte => 3,
                _ if count < 2 * COUNTS as u32 - 2 => count + 2,
                _ => count,
            };
            self.words[found as usize] = word & 0xffff_0000 | u32::from(byte) << 8 | count;
        }
        self.active = contexts.len();
        for ((&h, found), current) in contexts.iter().zip(&mut self.found).zip(&mut self.current.0) {
            *found = (h >> 20 & mask) as u32;
            let check = (h as u32) << 16;
            let word = self.words[*found as usize];
            *current = if word & 0xffff_0000 == check { word } else { check };
        }
        // Another kind's contexts have no say.
        self.current.0[self.active..].fill(0);
        self.find_ways(tree);
    }

    /// Finds the ways to the bytes expected next in the tree by which they are coded.
    #[inline(always)]
    pub fn find_ways(&mut self, tree: &Tree) {
        for (expected, &word) in self.expected.0.iter_mut().zip(&self.current.0) {
            *expected = tree.decisions((word >> 8) as u8) & 0xffff_0000 | word & 0xff;
        }
    }

    /// Writes every context's input, into a plane as wide as theirs; `place` is the decisions so far under a
    /// leading one, and how many.
    #[inline(always)]
    pub fn predict(&self, simd: Simd, place: (u32, u32), ran: &mut Ran, inputs: &mut [i16]) {
        let Ran { classes, entries } = ran;
        ask_runs(simd, &self.expected, &self.maps, place, classes, entries, inputs);
    }

    /// Learns the bit that came, from what [`predict`](Self::predict) found.
    #[inline(always)]
    pub fn update(&mut self, simd: Simd, ran: &Ran, bit: bool) {
        let width = self.active.next_multiple_of(PLANE_LANES);
        teach(simd, &mut self.maps, ran.classes.blocks(), &ran.entries, width, bit);
    }

    /// Reads or writes everything learned.
    pub fn maps_state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.u32s(self.maps.entries())
    }

    /// Reads or writes everything learned.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("runs")?;
        let mut active = self.active as u32;
        io.u32(&mut active)?;
        self.active = (active as usize).min(self.found.len());
        io.u32s(&mut self.found)?;
        io.u32s(&mut self.current.0)?;
        io.u32s(self.maps.entries())?;
        io.u32s(&mut self.words)
    }
}
