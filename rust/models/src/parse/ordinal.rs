//! Which number of a line one is.

use super::words::is_letter;
use crate::hash::hash;
use crate::state::{StateError, StateIo};

/// Where a number stands: behind which word of the line, with how many numbers between.
#[derive(Debug, Default)]
pub(super) struct Ordinal {
    letters: u64,
    word: u64,
    since: u64,
}

impl Ordinal {
    /// A number has ended.
    pub fn pass_number(&mut self) {
        self.since += 1;
    }

    /// A byte that is no part of a number.
    pub fn push(&mut self, byte: u8) {
        if is_letter(byte) {
            self.letters = hash(self.letters, u32::from(byte));
            (self.word, self.since) = (self.letters, 0);
        } else {
            self.letters = 0;
            if byte == b'\n' {
                (self.word, self.since) = (0, 0);
            }
        }
    }

    /// What tells the next number from others.
    pub fn value(&self) -> u64 {
        self.word ^ self.since << 32
    }

    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("ordinal")?;
        io.u64(&mut self.letters)?;
        io.u64(&mut self.word)?;
        io.u64(&mut self.since)
    }
}
