//! Fields: where in a record of lengths, zeros and strings a byte stands.

use crate::state::{StateError, StateIo};

/// Bytes below this may say how long the field is that they begin.
const MOST_LEN: u8 = 32;

/// The places that records of variable length are read from.
#[derive(Debug, Default)]
pub struct Fields {
    /// The last byte of 1 to 31.
    pub len: u8,
    /// Bytes since it.
    since_len: u64,
    /// Bytes since the last zero.
    since_zero: u64,
}

impl Fields {
    pub(super) fn push(&mut self, byte: u8) {
        self.since_len += 1;
        self.since_zero += 1;
        match byte {
            0 => self.since_zero = 0,
            1..MOST_LEN => (self.len, self.since_len) = (byte, 0),
            _ => (),
        }
    }

    /// Bytes since the last zero, to 63.
    pub fn since_zero(&self) -> u64 {
        self.since_zero.min(63)
    }

    /// Where in the field that the last length began, if it is one; from 64 on, how far behind it.
    pub fn place(&self) -> u64 {
        match self.since_len.checked_sub(self.len.into()) {
            None => self.since_len,
            Some(behind) => 64 + behind.min(127),
        }
    }

    pub(super) fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("fields")?;
        io.u8(&mut self.len)?;
        io.u64(&mut self.since_len)?;
        io.u64(&mut self.since_zero)
    }
}
