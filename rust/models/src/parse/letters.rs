//! Letters: the last ones of the coded bytes, or of what a text object shows, without what stands
//! between them or only theirs.

use super::words::is_letter;
use crate::state::{StateError, StateIo};

/// The last letters and the upper halves of the last bytes.
#[derive(Debug, Default)]
pub struct Letters {
    /// The last five letters and digits in lower case, newest lowest, whatever stood between.
    pub last: u64,
    /// Letters of the current run of letters in lower case, the last four, newest lowest.
    pub run: u32,
    /// How many the run has, up to 15.
    pub run_len: u32,
    /// The upper halves of the last eight bytes, four bits each, newest lowest; 0 for a space.
    pub halves: u32,
}

impl Letters {
    /// Adds the newest byte, which shows these bytes.
    #[inline(always)]
    pub(super) fn push(&mut self, byte: u8, shown: &[u8]) {
        for &byte in shown {
            let lower = byte.to_ascii_lowercase();
            let letter = is_letter(byte);
            if letter || byte.is_ascii_digit() {
                self.last = (self.last << 8 | u64::from(lower)) & 0xff_ffff_ffff;
            }
            if letter {
                self.run = self.run << 8 | u32::from(lower);
                self.run_len = (self.run_len + 1).min(15);
            } else {
                self.run = 0;
                self.run_len = 0;
            }
        }
        self.halves = self.halves << 4 | if byte == b' ' { 0 } else { u32::from(byte >> 4) };
    }

    pub(super) fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("letters")?;
        io.u64(&mut self.last)?;
        io.u32(&mut self.run)?;
        io.u32(&mut self.run_len)?;
        io.u32(&mut self.halves)
    }
}
