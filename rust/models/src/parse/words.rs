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
    pub before: [u64; 3],
    /// Hash of what stood since the last word (spaces, punctuation); 0 within a word.
    pub gap: u64,
    /// Letters in the current word; where the text is transformed, its coded bytes.
    pub len: u32,
    /// Classes of the last bytes, 3 bits each, newest lowest.
    pub classes: u64,
    /// The same with runs of a class collapsed.
    pub class_runs: u64,
    /// The last bytes with all lower-case letters as one, and so capitals, digits and bytes of
    /// 128 or more: newest lowest.
    pub kinds: u64,
    /// The same with runs collapsed.
    pub kind_runs: u64,
    /// Bytes of the line so far, up to 255.
    pub column: u32,
    /// Hash of the bytes so far of a code of the text transform, or of what a text object does not
    /// show; 0 if none has begun.
    code: u64,
}

/// Letters of any script are letters: bytes of 128 or more among them.
#[inline(always)]
pub(super) const fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80
}

/// Letters and digits.
#[inline(always)]
pub(super) const fn is_alphanumeric(byte: u8) -> bool {
    is_letter(byte) || byte.is_ascii_digit()
}

/// A byte with letters of each case, digits, and bytes of 128 or more taken together.
pub(super) fn kind(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => b'a',
        b'A'..=b'Z' => b'A',
        b'0'..=b'9' => b'0',
        0x80..=0xff => 0x80,
        _ => byte,
    }
}

impl Words {
    /// Adds the newest byte's class.
    #[inline(always)]
    pub(super) fn push_class(&mut self, byte: u8) {
        let class = class(byte);
        self.classes = self.classes << 3 | u64::from(class);
        if self.class_runs & 7 != u64::from(class) {
            self.class_runs = self.class_runs << 3 | u64::from(class);
        }
        let kind = kind(byte);
        self.kinds = self.kinds << 8 | u64::from(kind);
        if self.kind_runs as u8 != kind {
            self.kind_runs = self.kind_runs << 8 | u64::from(kind);
        }
    }

    /// Adds the newest byte of the text; true if it ended a word.
    #[inline(always)]
    pub(super) fn push(&mut self, byte: u8) -> bool {
        self.column = if byte == b'\n' { 0 } else { (self.column + 1).min(255) };
        if is_letter(byte) {
            if self.word == 0 {
                self.gap = 0;
                self.len = 0;
            }
            self.word = hash(self.word, u32::from(byte.to_ascii_lowercase()) | 0x100);
            self.len += 1;
            return false;
        }
        let ended = self.word != 0;
        if ended {
            self.before.copy_within(0..2, 1);
            self.before[0] = self.word;
            self.word = 0;
        }
        self.gap = hash(self.gap, u32::from(byte) | 0x200);
        ended
    }

    /// Adds a coded byte that is part of a code or a flag: `code` is a hash of the code so far,
    /// 0 for a flag. A flag counts as something that stands between words.
    pub(super) fn push_incomplete(&mut self, byte: u8, code: u64) {
        self.code = code;
        if code == 0 {
            self.gap = hash(self.gap, u32::from(byte) | 0x200);
        }
    }

    /// What stands here shows nothing of the text: a hash of it so far, or 0 where nothing such has
    /// begun.
    pub(super) fn set_code(&mut self, code: u64) {
        self.code = code;
    }

    /// A code, if there was one, is complete.
    pub(super) fn complete(&mut self) {
        self.code = 0;
    }

    /// Where we are: in a word its letters so far, between words what stands since the last, in
    /// a code its bytes so far.
    #[inline]
    pub fn here(&self) -> u64 {
        if self.code != 0 { self.code } else { self.word ^ self.gap.rotate_left(7) }
    }

    /// Letters of the current word, or coded bytes of it where the text is transformed; 0 between
    /// words.
    #[inline]
    pub fn letters_here(&self) -> u32 {
        if self.word == 0 && self.code == 0 { 0 } else { self.len }
    }

    pub(super) fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("words")?;
        io.u64(&mut self.word)?;
        io.u64s(&mut self.before)?;
        io.u64(&mut self.gap)?;
        io.u32(&mut self.len)?;
        io.u64(&mut self.classes)?;
        io.u64(&mut self.class_runs)?;
        io.u64(&mut self.kinds)?;
        io.u64(&mut self.kind_runs)?;
        io.u32(&mut self.column)?;
        io.u64(&mut self.code)
    }
}
