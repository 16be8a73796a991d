//! Adaptive probabilities, one for each small context.

use crate::state::{StateError, StateIo};
use foretold_numerics::{Table, moved};

/// A table from small contexts to the probability of a one.
///
/// An entry holds the probability in its upper 22 bits and the number of bits seen, up to a
/// limit, in its lower 10: it moves by 1/(n + 1.5) of the error, so it starts fast and ends at
/// the rate that the limit allows.
#[derive(Debug)]
pub struct AdaptiveMap {
    entries: Table<u32>,
    limit: u32,
}

impl AdaptiveMap {
    /// `len` entries at one half; `limit` (1 to 1023) is the count at which the rate stays.
    pub fn new(len: usize, limit: u32) -> Option<Self> {
        debug_assert!((1..1024).contains(&limit));
        let mut entries = Table::try_new(len)?;
        entries.fill(1 << 31);
        Some(AdaptiveMap { entries, limit })
    }

    /// Sets where an entry starts; `p1_q16` in units of 2^-16.
    pub fn start(&mut self, index: usize, p1_q16: u16) {
        self.entries[index] = u32::from(p1_q16) << 16;
    }

    /// Starts to fetch an entry's cache line.
    #[inline(always)]
    pub fn prefetch(&self, index: usize) {
        self.entries.prefetch(index);
    }

    /// The probability of a one in units of 2^-16.
    #[inline(always)]
    pub fn p1_q16(&self, index: usize) -> u16 {
        (self.entries[index] >> 16) as u16
    }

    /// Learns that `bit` came in context `index`.
    #[inline(always)]
    pub fn update(&mut self, index: usize, bit: bool) {
        let entry = &mut self.entries[index];
        *entry = moved(*entry, bit, self.limit);
    }

    /// The same map; `None` if the memory cannot be had.
    pub fn try_clone(&self) -> Option<Self> {
        Some(AdaptiveMap { entries: self.entries.try_clone()?, limit: self.limit })
    }

    /// Reads or writes everything learned.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.u32s(&mut self.entries)
    }
}
