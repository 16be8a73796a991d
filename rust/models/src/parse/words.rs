//! Words, sentences and classes of characters.

use crate::hash::hash;
use crate::state::{StateError, StateIo};

/// Letters, digits, space, punctuation, …: 8 classes of bytes.
pub const fn class(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        b' ' | b'\t' => 3,
        b'\n' | b'\r' => 4,
        0x80..=0xff => 5,
        b'.' | b',' | b';' | b':' | b'!' | b'?' | b'\'' | b'-' => 6,
        _ => 7,
    }
}

/// The words of the text. A word is a run of letters, any byte of 128 or more among them;
/// case does not count.
#[derive(Debug, Default)]
pub struct Words {
    /// Hash of the letters of the current word so far; 0 between words.
    pub word: u64,
    /// Hashes of the words before, newest first.
    pub before: [u64; 6],
    /// The words before cut to their first letters (a crude stem), newest first.
    pub stems: [u64; 3],
    /// Last letters of the newest whole word: up to four, newest lowest.
    pub suffix: u32,
    /// Hash of what stood since the last word (spaces, punctuation); 0 within a word.
    pub gap: u64,
    /// Letters in the current word.
    pub len: u32,
    /// Lengths of the words before, four bits each, newest lowest.
    pub lens: u32,
    /// Hash of the sentence's first word.
    pub sentence_first: u64,
    /// First letters of the last words, a byte each, newest lowest.
    pub initials: u64,
    /// Classes of the last bytes, 3 bits each, newest lowest.
    pub classes: u64,
    /// The same with runs of a class collapsed.
    pub class_runs: u64,
    /// The last characters in lower case with line ends as spaces, runs of spaces as one and
    /// digits as zeros: newest lowest.
    pub folded: u64,
    stem: u64,
    letters: u32,
    sentence_starts: u32,
}

/// Letters that a stem keeps.
const STEM: u32 = 4;

impl Words {
    /// Adds the newest byte; true if it ended a word.
    pub(super) fn push(&mut self, byte: u8) -> bool {
        let class = class(byte);
        self.classes = self.classes << 3 | u64::from(class);
        if self.class_runs & 7 != u64::from(class) {
            self.class_runs = self.class_runs << 3 | u64::from(class);
        }
        let lower = byte.to_ascii_lowercase();
        let folded = match byte {
            b'\n' | b'\r' | b'\t' | b' ' => b' ',
            b'0'..=b'9' => b'0',
            _ => lower,
        };
        if folded != b' ' || self.folded as u8 != b' ' {
            self.folded = self.folded << 8 | u64::from(folded);
        }
        if byte.is_ascii_alphabetic() || byte >= 0x80 {
            if self.word == 0 {
                self.gap = 0;
                self.len = 0;
                self.stem = 0;
                self.letters = 0;
                self.initials = self.initials << 8 | u64::from(lower);
            }
            self.word = hash(self.word, u32::from(lower) | 0x100);
            self.letters = self.letters << 8 | u32::from(lower);
            self.len += 1;
            if self.len <= STEM {
                self.stem = self.word;
            }
            return false;
        }
        let ended = self.word != 0;
        if ended {
            self.before.copy_within(0..5, 1);
            self.before[0] = self.word;
            self.stems.copy_within(0..2, 1);
            self.stems[0] = self.stem;
            self.suffix = self.letters;
            self.lens = self.lens << 4 | self.len.min(15);
            if self.sentence_starts != 0 {
                self.sentence_first = self.word;
                self.sentence_starts = 0;
            }
            self.word = 0;
        }
        if matches!(byte, b'.' | b'!' | b'?') {
            self.sentence_starts = 1;
        }
        self.gap = hash(self.gap, u32::from(byte) | 0x200);
        ended
    }

    /// Where we are: in a word its letters so far, between words what stands since the last.
    pub fn here(&self) -> u64 {
        self.word ^ self.gap.rotate_left(7)
    }

    pub(super) fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("words")?;
        io.u64(&mut self.word)?;
        io.u64s(&mut self.before)?;
        io.u64s(&mut self.stems)?;
        io.u32(&mut self.suffix)?;
        io.u64(&mut self.gap)?;
        io.u32(&mut self.len)?;
        io.u32(&mut self.lens)?;
        io.u64(&mut self.sentence_first)?;
        io.u64(&mut self.initials)?;
        io.u64(&mut self.classes)?;
        io.u64(&mut self.class_runs)?;
        io.u64(&mut self.folded)?;
        io.u64(&mut self.stem)?;
        io.u32(&mut self.letters)?;
        io.u32(&mut self.sentence_starts)
    }
}
