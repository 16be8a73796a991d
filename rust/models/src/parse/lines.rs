//! Lines, columns and fields.

use super::words::is_alphanumeric;
use crate::hash::hash;
use crate::state::{StateError, StateIo};

/// The lines of the text.
#[derive(Debug)]
pub struct Lines {
    /// Where the current line and the three before it begin.
    pub starts: [u64; 4],
    /// First bytes of the current line (up to four, the first highest).
    pub first: u32,
    /// Hash of the line's first word or mark, once it is complete; 0 before.
    pub first_word: u64,
    /// First words of the lines before, newest first.
    pub first_words: [u64; 2],
    /// Fields before this one: separators (tab , ; |) so far in the line.
    pub field: u32,
    /// Hash of the field's bytes so far.
    pub field_hash: u64,
    /// Spaces the line began with.
    pub indent: u32,
    /// Hash of the kinds of characters of the line so far, runs as one.
    pub shape: u64,
    /// The token of the line before that stands at this one's index: a token is a run of
    /// letters and digits.
    pub token_above: u64,
    token: u64,
    index: u32,
    /// Hashes of the tokens of this line, where it has come to, and of the line before.
    tokens: [u64; TOKENS],
    kind: u32,
    count: u32,
    word: u64,
}

/// Tokens of a line that are compared with the next line's.
const TOKENS: usize = 64;

impl Default for Lines {
    fn default() -> Self {
        Lines {
            starts: [0; 4],
            first: 0,
            first_word: 0,
            first_words: [0; 2],
            field: 0,
            field_hash: 0,
            indent: 0,
            shape: 0,
            token_above: 0,
            token: 0,
            index: 0,
            tokens: [0; TOKENS],
            kind: 0,
            count: 0,
            word: 0,
        }
    }
}

impl Lines {
    pub(super) fn push(&mut self, byte: u8, position: u64) {
        let kind = u32::from(super::words::kind(byte));
        if kind != self.kind {
            self.shape = hash(self.shape, kind);
            self.kind = kind;
        }
        if is_alphanumeric(byte) {
            self.token = hash(self.token, u32::from(byte));
        } else if self.token != 0 {
            self.tokens[self.index as usize] = self.token;
            self.index = (self.index + 1).min(TOKENS as u32 - 1);
            self.token = 0;
            self.token_above = self.tokens[self.index as usize];
        }
        if byte == b'\n' {
            self.starts.copy_within(0..3, 1);
            self.starts[0] = position + 1;
            self.first_words[1] = self.first_words[0];
            self.first_words[0] = if self.first_word != 0 { self.first_word } else { self.word };
            self.first = 0;
            self.first_word = 0;
            self.word = 0;
            self.field = 0;
            self.field_hash = 0;
            self.indent = 0;
            self.count = 0;
            self.shape = 0;
            // What the line before had beyond this one's end stays.
            self.index = 0;
            self.token_above = self.tokens[0];
            return;
        }
        if byte == b' ' && self.indent == self.count {
            self.indent = (self.indent + 1).min(255);
        }
        if self.count < 4 {
            self.first = self.first << 8 | u32::from(byte);
        }
        self.count = (self.count + 1).min(1 << 16);
        if self.first_word == 0 && self.count > self.indent {
            if is_alphanumeric(byte) || self.word == 0 {
                self.word = hash(self.word, u32::from(byte));
            } else {
                self.first_word = self.word;
            }
        }
        if matches!(byte, b'\t' | b',' | b';' | b'|') {
            self.field += 1;
            self.field_hash = 0;
        } else {
            self.field_hash = hash(self.field_hash, u32::from(byte));
        }
    }

    pub(super) fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("lines")?;
        io.u64s(&mut self.starts)?;
        io.u32(&mut self.first)?;
        io.u64(&mut self.first_word)?;
        io.u64s(&mut self.first_words)?;
        io.u32(&mut self.field)?;
        io.u64(&mut self.field_hash)?;
        io.u32(&mut self.indent)?;
        io.u32(&mut self.count)?;
        io.u64(&mut self.shape)?;
        io.u64(&mut self.token_above)?;
        io.u64(&mut self.token)?;
        io.u32(&mut self.index)?;
        io.u64s(&mut self.tokens)?;
        io.u32(&mut self.kind)?;
        io.u64(&mut self.word)
    }
}
