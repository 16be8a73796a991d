//! Advances: how far a text object of PDF moves on along a line, from one string to the next.

use crate::hash::hash;
use crate::state::{StateError, StateIo};

/// The most that numbers count to, and an advance.
const MOST: i32 = 9999;
const MOST_ADVANCE: i32 = 100 * MOST;
/// How wide characters are at first, in 1024ths of what [`width_of`] says; and from here on, at most and least.
const SCALE: i32 = 973;
const SCALES: (i32, i32) = (512, 2048);
/// Moves along the line are expected until there have been so many to other lines.
const ALONG: u32 = 4;

/// How wide a character is, in hundredths of an em: about, and in any font.
fn width_of(byte: u8) -> i32 {
    match byte {
        b'i' | b'j' | b'l' | b'I' | b'.' | b',' | b':' | b';' | b'!' | b'|' | b'\'' => 28,
        b'f' | b't' | b'r' | b's' | b'z' | b'(' | b')' | b'[' | b']' | b'-' | b'"' | b'`' => 38,
        b'c' | b'e' => 44,
        b'm' | b'M' | b'@' => 83,
        b'W' => 100,
        b'A'..=b'Z' | b'w' | b'%' | b'&' => 70,
        _ => 53,
    }
}

/// A number as it is written, so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Number {
    pub negative: bool,
    /// Its whole part.
    pub whole: i32,
    /// How many digits that has, and how many there are behind the point, up to 7.
    pub digits: u32,
    pub decimals: u32,
    pub point: bool,
    /// What the first two of these count, in hundredths.
    part: i32,
    /// Hash of what stands behind the point.
    fraction: u64,
}

impl Number {
    /// One below 0.
    pub fn negative() -> Number {
        Number { negative: true, ..Number::default() }
    }

    /// Adds a digit.
    pub fn push(&mut self, byte: u8) {
        let digit = i32::from(byte - b'0');
        if !self.point {
            self.whole = (self.whole * 10 + digit).min(MOST);
            self.digits = (self.digits + 1).min(7);
            return;
        }
        self.part += match self.decimals {
            0 => 10 * digit,
            1 => digit,
            _ => 0,
        };
        self.decimals = (self.decimals + 1).min(7);
        self.fraction = hash(self.fraction, u32::from(byte));
    }

    /// In hundredths.
    fn value(&self) -> i32 {
        let value = self.whole * 100 + self.part;
        if self.negative { -value } else { value }
    }

    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        let (mut whole, mut part) = (self.whole as u32, self.part as u32);
        for number in [&mut whole, &mut part, &mut self.digits, &mut self.decimals] {
            io.u32(number)?;
        }
        for flag in [&mut self.negative, &mut self.point] {
            io.bool(flag)?;
        }
        if whole > MOST as u32 || part > 99 || self.digits > 7 || self.decimals > 7 {
            return Err(StateError::Impossible("number"));
        }
        (self.whole, self.part) = (whole as i32, part as i32);
        io.u64(&mut self.fraction)
    }
}

/// What of `Tj ` has come behind a string.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Behind {
    #[default]
    Nothing,
    T,
    Tj,
    /// All of it, and no operator since.
    Space,
    /// Something else.
    Other,
}

/// Expects the advances of texts whose words stand alone, as Ghostscript writes them: `(ungen)Tj 28.7454 0 Td
/// (ist)Tj`, 28.7454 being the width of what was shown and a space.
///
/// Widths, advances and sizes of fonts are in hundredths of a unit of the text's space.
#[derive(Debug, Default)]
pub(super) struct Advance {
    /// Hash of the last string, how many bytes it shows, and how wide they are, in hundredths of an em.
    pub literal: u64,
    bytes: u32,
    width: i32,
    size: i32,
    /// What [`SCALE`] is off by.
    wider: i32,
    /// How wide the last space was.
    space: i32,
    /// The last two numbers.
    operands: [i32; 2],
    behind: Behind,
    /// Whether `Tj` and a space have come behind it.
    alone: bool,
    /// Not 0 if moves along the line are expected.
    along: u32,
}

impl Advance {
    pub fn begin_literal(&mut self) {
        (self.literal, self.bytes, self.width) = (0, 0, 0);
    }

    /// The string shows a byte.
    pub fn show(&mut self, byte: u8) {
        self.literal = hash(self.literal, u32::from(byte));
        self.bytes = (self.bytes + 1).min(255);
        self.width = (self.width + width_of(byte)).min(MOST);
    }

    pub fn end_literal(&mut self) {
        self.behind = Behind::Nothing;
        self.alone = false;
    }

    /// Adds a byte between strings.
    pub fn push(&mut self, byte: u8) {
        self.behind = match (self.behind, byte) {
            (Behind::Nothing, b'T') => Behind::T,
            (Behind::T, b'j') => Behind::Tj,
            (Behind::Tj | Behind::Space, b' ' | b'\n' | b'\r') => Behind::Space,
            (Behind::Space, b'0'..=b'9' | b'-' | b'.') => Behind::Space,
            _ => Behind::Other,
        };
        self.alone |= self.behind == Behind::Space;
    }

    pub fn end_number(&mut self, number: &Number) {
        if number.digits + number.decimals > 0 {
            self.operands = [self.operands[1], number.value()];
        }
    }

    /// The operator `Tf`.
    pub fn set_font(&mut self) {
        self.size = self.operands[1].clamp(0, MOST);
    }

    /// How wide the last string is, as it seems.
    fn shown(&self) -> i32 {
        let wide =
            i64::from(self.width) * i64::from(self.size) * i64::from(SCALE + self.wider) / (100 * 1024);
        wide.min(MOST_ADVANCE.into()) as i32
    }

    /// The operator `Td`: whether what comes stands behind a space, or right behind the last string; `None` if it
    /// stands elsewhere, or there is no saying.
    pub fn move_on(&mut self) -> Option<bool> {
        let [right, up] = self.operands;
        if !(self.alone && up == 0 && right > 0 && self.size > 0 && self.width > 0) {
            self.along = self.along.saturating_sub(1);
            return None;
        }
        self.along = ALONG;
        let shown = self.shown();
        let gap = right - shown;
        self.width = 0;
        let is_space = gap > self.size / 10;
        if is_space && gap < 2 * self.size {
            self.space = gap;
        }
        if !is_space && gap > -self.size / 10 {
            let scale = SCALE + self.wider;
            let more = (i64::from(gap) * i64::from(scale) / i64::from(10 * shown.max(self.size))) as i32;
            self.wider = (scale + more).clamp(SCALES.0, SCALES.1) - SCALE;
        }
        Some(is_space)
    }

    /// A string stands alone before what comes, and moves along the line are expected.
    pub fn is_expected(&self) -> bool {
        self.behind == Behind::Space && self.along > 0
    }

    /// How the number so far compares with the advance to the next word, and with one without a space; and which
    /// digits would come next in either.
    pub fn compared(&self, number: &Number) -> u64 {
        let shown = self.shown();
        let [word, part] = [shown + self.space, shown].map(|advance| {
            let advance = advance.clamp(0, MOST_ADVANCE);
            let (begun, next) = if number.point {
                (advance / 100, advance / 10 % 10)
            } else {
                let all = (advance / 100).checked_ilog10().unwrap_or(0) + 1;
                let rest = 10i32.pow((2 + all).saturating_sub(number.digits));
                (advance / rest, if number.digits < all { advance / (rest / 10) % 10 } else { 10 })
            };
            ((number.whole - begun).clamp(-3, 3) + 3) as u32 | (next as u32) << 3
        });
        hash(2, number.digits | u32::from(number.point) << 3 | word << 4 | part << 11)
    }

    /// With how many bytes the last string has, which tells how the digits behind the point go on.
    pub fn with_bytes(&self, run: u64, number: &Number) -> u64 {
        hash(if number.decimals > 1 { number.fraction } else { run }, self.bytes)
    }

    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        const BEHIND: [Behind; 5] = [Behind::Nothing, Behind::T, Behind::Tj, Behind::Space, Behind::Other];
        io.section("advance")?;
        let mut behind = self.behind as u8;
        io.u8(&mut behind)?;
        io.bool(&mut self.alone)?;
        self.behind = *BEHIND.get(usize::from(behind)).ok_or(StateError::Impossible("advance"))?;
        io.u64(&mut self.literal)?;
        for value in [&mut self.bytes, &mut self.along] {
            io.u32(value)?;
        }
        let [before, last] = &mut self.operands;
        let bounds = [(0, MOST), (0, MOST), (SCALES.0 - SCALE, SCALES.1 - SCALE), (0, 2 * MOST)];
        let operand = (-MOST_ADVANCE - 99, MOST_ADVANCE + 99);
        let values = [&mut self.width, &mut self.size, &mut self.wider, &mut self.space, before, last];
        for (value, (least, most)) in values.into_iter().zip(bounds.into_iter().chain([operand; 2])) {
            let mut wide = i64::from(*value);
            io.i64(&mut wide)?;
            *value = wide as i32;
            if !(i64::from(least)..=i64::from(most)).contains(&wide) {
                return Err(StateError::Impossible("advance"));
            }
        }
        if self.bytes > 255 || self.along > ALONG {
            return Err(StateError::Impossible("advance"));
        }
        Ok(())
    }
}
