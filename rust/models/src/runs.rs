//! Runs: for each context the byte that followed it last, and how often in a row.

use crate::adaptive_map::AdaptiveMap;
use crate::state::{StateError, StateIo};
use foretold_numerics::{Table, stretch};

/// Mixer inputs of a context.
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
    current: Vec<u32>,
    map: AdaptiveMap,
}

impl Runs {
    /// Runs of up to `contexts` contexts in `2^log2_words` words; `limit` as in [`AdaptiveMap`].
    pub fn new(contexts: usize, log2_words: u32, limit: u32) -> Option<Self> {
        let mut map = AdaptiveMap::new(contexts * CLASSES, limit)?;
        for index in 0..contexts * CLASSES {
            let silent = index % CLASSES == 0;
            map.start(
                index,
                if silent {
                    1 << 15
                } else if index & 1 != 0 {
                    49152
                } else {
                    16384
                },
            );
        }
        Some(Runs {
            words: Table::try_new(1 << log2_words)?,
            found: vec![0; contexts],
            active: 0,
            current: vec![0; contexts],
            map,
        })
    }

    /// Learns the byte that came, if one has, and turns to the contexts of the next one.
    pub fn next_byte(&mut self, came: Option<u8>, contexts: &[u64]) {
        let mask = self.words.len() as u64 - 1;
        for &h in contexts {
            self.words.prefetch((h >> 20 & mask) as usize);
        }
        for (&found, &word) in self.found.iter().zip(&self.current).take(self.active) {
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
        for ((&h, found), current) in contexts.iter().zip(&mut self.found).zip(&mut self.current) {
            *found = (h >> 20 & mask) as u32;
            let check = (h as u32) << 16;
            let word = self.words[*found as usize];
            *current = if word & 0xffff_0000 == check { word } else { check };
        }
    }

    /// The map entry that speaks for a word; entry 0 of each context, which nobody teaches,
    /// if there is no run or the byte's bits so far contradict it.
    #[inline(always)]
    fn index(i: usize, word: u32, partial: u32, bit_position: u32) -> usize {
        let expected = 0x100 | word >> 8 & 0xff;
        let holds = u32::from(expected >> (8 - bit_position) == partial && word & 0xff != 0);
        let bit = expected >> (7 - bit_position) & 1;
        i * CLASSES + (((word & 0xff) << 1 | bit) * holds) as usize
    }

    /// Writes every context's input.
    #[inline]
    pub fn predict(&self, partial: u32, bit_position: u32, inputs: &mut [i16]) {
        for (i, (out, &word)) in inputs.iter_mut().zip(&self.current).enumerate() {
            *out = stretch(self.map.p1_q16(Self::index(i, word, partial, bit_position)));
        }
    }

    /// Learns the bit that came.
    #[inline]
    pub fn update(&mut self, partial: u32, bit_position: u32, bit: bool) {
        for (i, &word) in self.current.iter().enumerate() {
            let index = Self::index(i, word, partial, bit_position);
            self.map.update_unless(index, bit, index == i * CLASSES);
        }
    }

    /// Reads or writes everything learned.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("runs")?;
        let mut active = self.active as u32;
        io.u32(&mut active)?;
        self.active = (active as usize).min(self.found.len());
        io.u32s(&mut self.found)?;
        io.u32s(&mut self.current)?;
        self.map.state(io)?;
        io.u32s(&mut self.words)
    }
}
