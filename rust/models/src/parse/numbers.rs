//! Numbers, and those that stood in the same place of a line before.

use super::ordinal::Ordinal;
use crate::hash::hash;
use crate::state::{StateError, StateIo};

const LOG2_PLACES: u32 = 12;
/// Digits of a number at most; more are the next number.
const DIGITS: usize = 18;
/// Beyond this two numbers have nothing to do with each other.
const FAR: i64 = 100_000;

/// The digits of a number, leading zeros among them.
#[derive(Clone, Copy, Debug, Default)]
struct Digits {
    digits: [u8; DIGITS + 1],
    len: u32,
}

impl Digits {
    fn new(mut value: u64, len: u32) -> Self {
        let mut digits = [0; DIGITS + 1];
        for digit in digits[..len as usize].iter_mut().rev() {
            *digit = (value % 10) as u8;
            value /= 10;
        }
        Digits { digits, len }
    }

    /// The digit at this place, 10 behind the last, 11 if there is no number.
    fn at(&self, place: u32) -> u64 {
        match self.len {
            0 => 11,
            len if place >= len => 10,
            _ => u64::from(self.digits[place as usize]),
        }
    }
}

/// The number that is being written, and the last two that stood where it stands: behind the same
/// word of a line, with as many numbers between.
#[derive(Debug, Default)]
pub struct Numbers {
    /// By place the last number, the one before it, and the last one's digits.
    seen: Vec<(u64, u64, u32)>,
    place: usize,
    /// The last number here.
    last: Digits,
    /// What the last number and the one before it make one expect.
    next: Digits,
    /// How much the last number was more than the one before.
    step: i64,
    value: u64,
    /// Digits so far.
    digits: u32,
    /// What they say less what as many of the last number's do.
    ahead: i64,
    ordinal: Ordinal,
}

impl Numbers {
    pub(super) const BYTES: u64 = 24 << LOG2_PLACES;

    /// Makes the table if there is none.
    pub(super) fn begin(&mut self) {
        self.seen.resize(1 << LOG2_PLACES, (0, 0, 0));
    }

    pub(super) fn push(&mut self, byte: u8) {
        if byte.is_ascii_digit() && self.digits < DIGITS as u32 {
            let digit = u64::from(byte - b'0');
            self.ahead = match self.last.at(self.digits) {
                11 => 0,
                10 => FAR,
                said => (self.ahead * 10 + digit as i64 - said as i64).clamp(-FAR, FAR),
            };
            self.value = self.value * 10 + digit;
            self.digits += 1;
            return;
        }
        if self.digits > 0 {
            let (last, _, len) = self.seen[self.place];
            self.seen[self.place] = (self.value, if len == 0 { self.value } else { last }, self.digits);
            (self.value, self.digits) = (0, 0);
            self.ordinal.pass_number();
        }
        self.ordinal.push(byte);
        self.turn();
    }

    /// Turns to the numbers of this place.
    fn turn(&mut self) {
        self.place = (hash(self.ordinal.value(), 7) >> (64 - LOG2_PLACES)) as usize;
        let (last, before, len) = self.seen[self.place];
        self.ahead = 0;
        self.step = (last as i64).wrapping_sub(before as i64);
        let next = (last as i64).wrapping_add(self.step);
        let next = if next < 0 { last } else { next as u64 };
        self.last = Digits::new(last, len);
        let next_len = next.checked_ilog10().map_or(1, |log| log + 1).min(DIGITS as u32 + 1);
        self.next = Digits::new(next, if len == 0 { 0 } else { next_len.max(len) });
    }

    /// Digits so far.
    pub fn digits(&self) -> u32 {
        self.digits
    }

    /// The digit that the last number has where the next byte stands: 10 behind its last, 11 if
    /// there is none.
    pub fn last(&self) -> u64 {
        self.last.at(self.digits)
    }

    /// The same of the number that is as much more than the last as that was than the one before.
    pub fn next(&self) -> u64 {
        self.next.at(self.digits)
    }

    /// Digits that the last number has from here on, 7 at most.
    pub fn left(&self) -> u32 {
        self.last.len.saturating_sub(self.digits).min(7)
    }

    /// By how much the number is ahead of the last one's digits so far, from -8 to 8, plus 8.
    pub fn ahead(&self) -> u64 {
        (self.ahead.clamp(-8, 8) + 8) as u64
    }

    /// The length in bits of how much the last number was more than the one before, and its sign.
    pub fn step(&self) -> u64 {
        let bits = 64 - self.step.unsigned_abs().leading_zeros();
        u64::from(bits) << 1 | u64::from(self.step < 0)
    }

    pub(super) fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("numbers")?;
        for (last, before, len) in &mut self.seen {
            io.u64(last)?;
            io.u64(before)?;
            io.u32(len)?;
            *len = (*len).min(DIGITS as u32);
        }
        self.ordinal.state(io)?;
        io.u64(&mut self.value)?;
        io.u32(&mut self.digits)?;
        let mut ahead = self.ahead;
        io.i64(&mut ahead)?;
        if !self.seen.is_empty() {
            self.turn();
        }
        self.ahead = ahead;
        Ok(())
    }
}
