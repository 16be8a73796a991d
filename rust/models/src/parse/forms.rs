//! Forms of words: how the current one and those before it begin and end.

use super::words::is_letter;
use crate::state::{StateError, StateIo};

/// Letters that a beginning has at most.
const BEGINNING: u32 = 4;

/// Beginnings and endings of words, in lower case. A word is a run of letters, any byte of 128 or
/// more among them.
///
/// They stand for what a stemmer would find in any language: a beginning for the stem, an ending for
/// the part of speech.
#[derive(Debug, Default)]
pub struct Forms {
    /// Letters of the current word, up to 255; 0 between words.
    pub len: u32,
    /// The first letters of the words before, four at most, the newest word first; of each the first
    /// letter is highest.
    pub beginnings: [u32; 2],
    /// How the word before ends: see [`ending`].
    pub ending_before: u32,
    /// The first letters of the current word, or of the one before.
    beginning: u32,
    /// The last four letters of the current word, or of the one before, newest lowest.
    last4: u32,
}

/// The last three letters and how many the word has, up to 4: all of a short word.
fn ending(last4: u32, len: u32) -> u32 {
    let letters = if len < 3 { last4 & ((1 << (8 * len)) - 1) } else { last4 & 0xff_ffff };
    letters | len.min(4) << 24
}

impl Forms {
    /// Adds the newest byte of the text.
    #[inline(always)]
    pub(super) fn push(&mut self, byte: u8) {
        if is_letter(byte) {
            let lower = u32::from(byte.to_ascii_lowercase());
            if self.len < BEGINNING {
                self.beginning = if self.len == 0 { lower } else { self.beginning << 8 | lower };
            }
            self.last4 = self.last4 << 8 | lower;
            self.len = (self.len + 1).min(255);
        } else if self.len != 0 {
            self.beginnings = [self.beginning, self.beginnings[0]];
            self.ending_before = ending(self.last4, self.len);
            self.len = 0;
        }
    }

    /// How the current word ends so far; 0 between words.
    #[inline(always)]
    pub fn ending(&self) -> u32 {
        ending(self.last4, self.len)
    }

    /// The word before if it has three letters or fewer, else its last two: a class of words.
    #[inline(always)]
    pub fn class_before(&self) -> u32 {
        if self.ending_before >> 24 < 4 { self.ending_before } else { self.ending_before & 0xff00_ffff }
    }

    pub(super) fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("forms")?;
        io.u32s(&mut self.beginnings)?;
        for value in [&mut self.len, &mut self.ending_before, &mut self.beginning, &mut self.last4] {
            io.u32(value)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str) -> Forms {
        let mut forms = Forms::default();
        text.bytes().for_each(|byte| forms.push(byte));
        forms
    }

    fn number(letters: &str) -> u32 {
        letters.bytes().fold(0, |number, letter| number << 8 | u32::from(letter))
    }

    #[test]
    fn words_begin_and_end_whatever_stands_between() {
        let forms = after("The Walking, 12 dogs' ba");
        assert_eq!(forms.beginnings, [number("dogs"), number("walk")]);
        assert_eq!(forms.ending_before, number("ogs") | 4 << 24);
        assert_eq!((forms.len, forms.ending()), (2, number("ba") | 2 << 24));
        assert_eq!(after("Walking ").ending(), 0);
    }

    #[test]
    fn short_words_are_their_own_class() {
        let classes = ["walking ", "sing ", "ing ", "ng "].map(|text| after(text).class_before());
        assert_eq!(
            classes,
            [number("ng") | 4 << 24, number("ng") | 4 << 24, number("ing") | 3 << 24, number("ng") | 2 << 24]
        );
    }
}
