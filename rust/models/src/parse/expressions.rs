//! Expressions: words with nothing but single spaces or line ends between them.

use super::words::is_letter;
use crate::hash::hash;
use crate::state::{StateError, StateIo};

/// The words of the current expression. Here a word is a run of letters; case and quotes do not
/// count.
#[derive(Debug, Default)]
pub struct Expressions {
    /// Hashes of its words, newest first: of the current one its letters so far.
    pub words: [u64; 5],
    /// Whether the last byte was a letter or a quote.
    in_word: bool,
    before: u8,
}

impl Expressions {
    /// Adds the newest byte of the text.
    #[inline(always)]
    pub(super) fn push(&mut self, byte: u8) {
        let before = std::mem::replace(&mut self.before, byte);
        let letter = is_letter(byte);
        let quote = matches!(byte, b'\'' | b'"');
        if letter {
            self.words[0] = hash(self.words[0], u32::from(byte.to_ascii_lowercase()));
        } else if matches!(byte, b' ' | b'\n') && self.in_word {
            self.words.copy_within(0..4, 1);
            self.words[0] = 0;
        } else if !quote && !matches!((before, byte), (b' ', b'\n') | (b'\n', b' ')) {
            self.words = [0; 5];
        }
        self.in_word = letter || quote;
    }

    pub(super) fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("expressions")?;
        io.u64s(&mut self.words)?;
        let mut rest = [u8::from(self.in_word), self.before];
        io.u8s(&mut rest)?;
        (self.in_word, self.before) = (rest[0] != 0, rest[1]);
        Ok(())
    }
}
