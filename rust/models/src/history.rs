//! The bytes so far.

use crate::hash::hash;
use crate::state::{StateError, StateIo};
use foretold_numerics::Table;

/// The last bytes of the block, in a ring.
#[derive(Debug)]
pub struct History {
    ring: Table<u8>,
    /// Bytes seen since the block began.
    pub len: u64,
    /// The last eight bytes, the newest lowest.
    pub last8: u64,
    /// The eight bytes before those.
    pub before8: u64,
}

impl History {
    /// A ring of `2^log2_bytes` bytes; `None` if the memory cannot be had.
    pub fn new(log2_bytes: u32) -> Option<Self> {
        Some(History { ring: Table::try_new(1 << log2_bytes)?, len: 0, last8: 0, before8: 0 })
    }

    /// The same bytes; `None` if the memory cannot be had.
    pub fn try_clone(&self) -> Option<Self> {
        Some(History { ring: self.ring.try_clone()?, ..*self })
    }

    /// The newest bytes, `most` at most.
    pub fn newest(&self, most: usize) -> Vec<u8> {
        let from = self.len.saturating_sub(most.min(self.ring.len()) as u64);
        (from..self.len).map(|position| self.at(position)).collect()
    }

    /// Goes on as at the start of a block; the bytes stay.
    pub fn begin(&mut self) {
        (self.last8, self.before8) = (0, 0);
    }

    /// Adds the newest byte.
    #[inline]
    pub fn push(&mut self, byte: u8) {
        let mask = self.ring.len() - 1;
        self.ring[self.len as usize & mask] = byte;
        self.len += 1;
        self.before8 = self.before8 << 8 | self.last8 >> 56;
        self.last8 = self.last8 << 8 | u64::from(byte);
    }

    /// The byte at `position`, counted from the start of the block; only the ring's length is
    /// kept, older positions give younger bytes.
    #[inline(always)]
    pub fn at(&self, position: u64) -> u8 {
        self.ring[position as usize & (self.ring.len() - 1)]
    }

    /// The byte `distance` before the next one: 1 is the newest. 0 if there is none.
    #[inline(always)]
    pub fn back(&self, distance: u64) -> u8 {
        if distance > self.len { 0 } else { self.at(self.len - distance) }
    }

    /// A hash of the last `n` bytes, 16 at most.
    #[inline(always)]
    pub fn hash_of_last(&self, n: u32) -> u64 {
        debug_assert!((1..=16).contains(&n));
        let kept = |bytes: u64, n: u32| if n >= 8 { bytes } else { bytes & ((1 << (8 * n)) - 1) };
        let (last, before) = (kept(self.last8, n), kept(self.before8, n.saturating_sub(8)));
        hash(hash(last ^ before.rotate_left(29).wrapping_mul(0x9e37_79b9_7f4a_7c15), n), (last >> 32) as u32)
    }

    /// Bytes of the ring.
    pub fn capacity(&self) -> u64 {
        self.ring.len() as u64
    }

    /// Reads or writes everything.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("history")?;
        io.u64(&mut self.len)?;
        io.u64(&mut self.last8)?;
        io.u64(&mut self.before8)?;
        io.u8s(&mut self.ring)
    }
}
