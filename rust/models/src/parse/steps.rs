//! Steps: numbers that change in company. In a table the number of a column is often as much more than the one
//! above as it was when its neighbour had made the same step.

use super::ordinal::Ordinal;
use crate::hash::hash;
use crate::state::{StateError, StateIo};

/// Digits of a number at most.
const DIGITS: u8 = 15;
const LOG2_COLUMNS: u32 = 12;
const LOG2_STEPS: u32 = 14;
/// Characters of a number as they are expected, at most.
const CHARACTERS: usize = 20;
/// What the sides agree on where a number has ended, or there is none.
const END: u8 = 0;

/// A number as it is written: its sign, and its digits with the point among them.
#[derive(Clone, Copy, Debug, Default)]
struct Written {
    characters: [u8; CHARACTERS],
    len: u8,
}

impl Written {
    /// A number of units of its last digit, with so many digits behind the point.
    fn new(value: i64, decimals: u8) -> Written {
        let mut written = Written::default();
        let mut rest = value.unsigned_abs();
        let mut reversed = [0; CHARACTERS];
        let mut len = 0;
        while len < CHARACTERS - 1
            && (rest > 0 || len == 0 || decimals > 0 && len <= usize::from(decimals) + 1)
        {
            if decimals > 0 && len == usize::from(decimals) {
                reversed[len] = b'.';
            } else {
                reversed[len] = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
            len += 1;
        }
        if value < 0 {
            reversed[len] = b'-';
            len += 1;
        }
        for (to, from) in written.characters.iter_mut().zip(reversed[..len].iter().rev()) {
            *to = *from;
        }
        written.len = len as u8;
        written
    }

    fn at(&self, place: u8) -> u8 {
        if place < self.len { self.characters[usize::from(place)] } else { END }
    }
}

/// A column's last number; one that has none yet has no decimals.
#[derive(Clone, Copy, Debug, Default)]
struct Column {
    value: i64,
    decimals: u8,
}

/// Expects numbers by the steps of those before them in the line.
#[derive(Debug, Default)]
pub struct Steps {
    columns: Vec<Column>,
    /// By column and the step of the number before, the last two steps that differ.
    steps: Vec<[i64; 2]>,
    column: usize,
    key: usize,
    /// What the steps make of the number above.
    expected: [Written; 2],
    /// The number so far.
    value: i64,
    digits: u8,
    negative: bool,
    /// Digits behind the point, more by one; 0 if there is no point.
    decimals: u8,
    /// Characters so far, the sign among them.
    len: u8,
    /// Of the number before in the line.
    step_before: i64,
    ordinal: Ordinal,
}

impl Steps {
    pub(super) const BYTES: u64 = (16 << LOG2_COLUMNS) + (16 << LOG2_STEPS);

    pub(super) fn begin(&mut self) {
        self.columns.resize(1 << LOG2_COLUMNS, Column::default());
        self.steps.resize(1 << LOG2_STEPS, [0; 2]);
    }

    pub(super) fn push(&mut self, byte: u8) {
        match byte {
            b'0'..=b'9' if self.digits < DIGITS => {
                self.value = self.value * 10 + i64::from(byte - b'0');
                self.digits += 1;
                self.decimals += u8::from(self.decimals > 0);
                self.len += 1;
                return;
            }
            b'.' if self.digits > 0 && self.decimals == 0 => {
                self.decimals = 1;
                self.len += 1;
                return;
            }
            _ => (),
        }
        if self.digits > 0 {
            let value = if self.negative { -self.value } else { self.value };
            let column = &mut self.columns[self.column];
            let step = value.wrapping_sub(column.value);
            *column = Column { value, decimals: self.decimals.saturating_sub(1) };
            let steps = &mut self.steps[self.key];
            if steps[0] != step {
                *steps = [step, steps[0]];
            }
            self.step_before = step;
            self.ordinal.pass_number();
        }
        (self.value, self.digits, self.decimals, self.len) = (0, 0, 0, 0);
        self.negative = byte == b'-';
        self.len = u8::from(self.negative);
        self.ordinal.push(byte);
        if byte == b'\n' {
            self.step_before = 0;
        }
        self.turn();
    }

    fn turn(&mut self) {
        let place = hash(self.ordinal.value(), 9);
        self.column = (place >> (64 - LOG2_COLUMNS)) as usize;
        let company = hash(place ^ self.step_before as u64, 3);
        self.key = (company >> (64 - LOG2_STEPS)) as usize;
        let Column { value, decimals } = self.columns[self.column];
        if decimals == 0 {
            // Nobody asks.
            return;
        }
        let steps = self.steps[self.key];
        self.expected = steps.map(|step| Written::new(value.wrapping_add(step), decimals));
    }

    /// Where the number above has a point: the characters that the two expected numbers have where the next
    /// byte stands; and how many there have been, and how many are to come of the first.
    pub fn expected(&self) -> Option<[u64; 2]> {
        let [first, second] = &self.expected;
        let characters = u64::from(first.at(self.len)) << 8 | u64::from(second.at(self.len));
        let place = u64::from(self.len) << 8 | u64::from(first.len.saturating_sub(self.len));
        (self.columns.get(self.column)?.decimals > 0).then_some([characters, place])
    }

    pub(super) fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("steps")?;
        for Column { value, decimals } in &mut self.columns {
            io.i64(value)?;
            io.u8(decimals)?;
            *decimals = (*decimals).min(DIGITS);
        }
        for step in self.steps.iter_mut().flatten() {
            io.i64(step)?;
        }
        io.i64(&mut self.value)?;
        io.i64(&mut self.step_before)?;
        io.bool(&mut self.negative)?;
        for number in [&mut self.digits, &mut self.decimals, &mut self.len] {
            io.u8(number)?;
        }
        self.ordinal.state(io)?;
        if !self.columns.is_empty() {
            self.turn();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: i64, decimals: u8) -> String {
        let written = Written::new(value, decimals);
        String::from_utf8(written.characters[..written.len.into()].to_vec()).unwrap()
    }

    #[test]
    fn numbers_are_written_as_they_stand() {
        for (value, decimals, text) in
            [(28_660, 4, "2.8660"), (-5_000, 4, "-0.5000"), (0, 2, "0.00"), (-12, 0, "-12"), (7, 0, "7")]
        {
            assert_eq!(written(value, decimals), text);
        }
        assert_eq!(written(i64::MIN, 3).len(), 20);
    }

    #[test]
    fn a_number_makes_the_step_that_it_made_in_this_company() {
        let mut steps = Steps::default();
        steps.begin();
        // The second column rises by 0.5 where the first has risen by 1, and falls by 0.25 where it fell.
        for byte in b"1.00 1.00\n2.00 1.50\n1.00 1.25\n2.00 1.75\n1.00 " {
            steps.push(*byte);
        }
        let mut said = Vec::new();
        for byte in b"1.50\n" {
            said.push((steps.expected().unwrap()[0] >> 8) as u8);
            steps.push(*byte);
        }
        assert_eq!(said, b"1.50\0");
        steps.push(b'x');
        assert_eq!(steps.expected(), None);
    }
}
