//! Adaptive probabilities, one for each small context.

use crate::state::{StateError, StateIo};
use foretold_numerics::Table;

/// `RECIPROCAL[n]` is 65536 / (n + 1.5), rounded down.
const RECIPROCAL: [u32; 1024] = {
    let mut table = [0; 1024];
    let mut n = 0;
    while n < 1024 {
        table[n] = (2 * 65536 / (2 * n + 3)) as u32;
        n += 1;
    }
    table
};

/// An entry that has learned `bit`.
#[inline(always)]
pub(crate) fn moved(entry: u32, bit: bool, limit: u32) -> u32 {
    let (p, n) = (entry >> 10, entry & 1023);
    let target = if bit { (1 << 22) - 1 } else { 0 };
    let step = (i64::from(target - p as i32) * i64::from(RECIPROCAL[n as usize])) >> 16;
    let p = (p as i32 + step as i32) as u32;
    p << 10 | (n + u32::from(n < limit))
}

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

    /// The same, to be taught with [`moved`].
    pub(crate) fn rows_mut<const N: usize>(&mut self) -> &mut [[u32; N]] {
        self.entries.as_chunks_mut::<N>().0
    }

    /// The count at which the rate stays.
    pub(crate) fn limit(&self) -> u32 {
        self.limit
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

    /// The entries in rows of `N`.
    pub fn rows<const N: usize>(&self) -> &[[u32; N]] {
        self.entries.as_chunks::<N>().0
    }

    /// Learns that `bit` came in context `index`.
    #[inline(always)]
    pub fn update(&mut self, index: usize, bit: bool) {
        self.update_unless(index, bit, false);
    }

    /// Learns that `bit` came in context `index`, unless told to leave it. No branch.
    #[inline(always)]
    pub fn update_unless(&mut self, index: usize, bit: bool, leave: bool) {
        let entry = &mut self.entries[index];
        *entry = if leave { *entry } else { moved(*entry, bit, self.limit) };
    }

    /// Reads or writes everything learned.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.u32s(&mut self.entries)
    }
}
